//! The types that an attribute can have.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use super::{Reader, Shape};
use crate::secret::{Secret, SecretContent};
use crate::value::{Table, Value, ValueKind};

/// A type that can be read from an attribute's value.
///
/// Implemented for texts, numbers, booleans, durations (`"10s"`), paths, `Option`, `Vec`, sets and
/// maps of these, [`Secret`], and by `#[derive(Attributes)]` for structs and for enums without fields.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an attribute: no way to read it from an environment is known",
    note = "derive `Attributes` for a struct or an enum of your own, or implement `FromValue`"
)]
pub trait FromValue: Sized {
    /// Reads the value; reports to the reader and returns `None` if that cannot be done.
    fn from_value(value: &Value, reader: &mut Reader<'_>) -> Option<Self>;

    /// The type as users call it.
    fn type_name() -> String;

    /// The values that it is read from; any, unless this says otherwise.
    fn shape() -> Shape {
        Shape::Any
    }
}

impl FromValue for String {
    fn from_value(value: &Value, reader: &mut Reader<'_>) -> Option<Self> {
        let ValueKind::String(text) = &value.kind else {
            reader.mismatch("a string", value);
            return None;
        };
        Some(text.clone())
    }

    fn type_name() -> String {
        "string".into()
    }

    fn shape() -> Shape {
        Shape::Text
    }
}

/// Takes a secret, and a text in clear.
impl<T: SecretContent> FromValue for Secret<T> {
    fn from_value(value: &Value, reader: &mut Reader<'_>) -> Option<Self> {
        match &value.kind {
            ValueKind::Secret(secret) => secret.converted(),
            ValueKind::SecretBytes(secret) => {
                let read = secret.converted();
                if read.is_none() {
                    reader.refuse(value, "the secret is not text in UTF-8");
                }
                read
            }
            ValueKind::String(text) => Some(Self::from_text(text.clone())),
            _ => {
                reader.mismatch("a secret", value);
                None
            }
        }
    }

    fn type_name() -> String {
        T::TYPE_NAME.into()
    }

    fn shape() -> Shape {
        Shape::Secret
    }
}

impl FromValue for bool {
    fn from_value(value: &Value, reader: &mut Reader<'_>) -> Option<Self> {
        let ValueKind::Boolean(flag) = value.kind else {
            reader.mismatch("a boolean", value);
            return None;
        };
        Some(flag)
    }

    fn type_name() -> String {
        "boolean".into()
    }

    fn shape() -> Shape {
        Shape::Boolean
    }
}

macro_rules! integers {
    ($($type:ty)*) => {
        $(impl FromValue for $type {
            fn from_value(value: &Value, reader: &mut Reader<'_>) -> Option<Self> {
                let ValueKind::Integer(number) = value.kind else {
                    reader.mismatch("an integer", value);
                    return None;
                };
                let fitting = <$type>::try_from(number).ok();
                if fitting.is_none() {
                    reader.refuse(
                        value,
                        format!("{number} is not between {} and {}", <$type>::MIN, <$type>::MAX),
                    );
                }
                fitting
            }

            fn type_name() -> String {
                "integer".into()
            }

            fn shape() -> Shape {
                // TOML has no numbers beyond these, so that a bound that does not fit is none.
                let bound = |bound: $type, else_| i64::try_from(bound).unwrap_or(else_);
                Shape::Integer(bound(<$type>::MIN, i64::MIN), bound(<$type>::MAX, i64::MAX))
            }
        })*
    };
}

integers!(i8 i16 i32 i64 isize u8 u16 u32 u64 usize);

impl FromValue for f64 {
    fn from_value(value: &Value, reader: &mut Reader<'_>) -> Option<Self> {
        match value.kind {
            ValueKind::Float(number) => Some(number),
            ValueKind::Integer(number) => Some(number as f64),
            _ => {
                reader.mismatch("a number", value);
                None
            }
        }
    }

    fn type_name() -> String {
        "number".into()
    }

    fn shape() -> Shape {
        Shape::Number
    }
}

impl FromValue for PathBuf {
    fn from_value(value: &Value, reader: &mut Reader<'_>) -> Option<Self> {
        String::from_value(value, reader).map(PathBuf::from)
    }

    fn type_name() -> String {
        "path".into()
    }

    fn shape() -> Shape {
        Shape::Text
    }
}

impl FromValue for Duration {
    fn from_value(value: &Value, reader: &mut Reader<'_>) -> Option<Self> {
        let ValueKind::String(text) = &value.kind else {
            reader.mismatch("a duration such as \"10s\"", value);
            return None;
        };
        let duration = parse_duration(text);
        if duration.is_none() {
            reader.refuse(
                value,
                format!("{text:?} is no duration; write a number and a unit of ms, s, m, h or d"),
            );
        }
        duration
    }

    fn type_name() -> String {
        "duration".into()
    }

    fn shape() -> Shape {
        Shape::Duration
    }
}

/// Reads a duration of one number and one unit: `250ms`, `10s`, `5m`, `2h`, `1d`.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let milliseconds = match unit.trim() {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(milliseconds).map(Duration::from_millis)
}

impl FromValue for Value {
    fn from_value(value: &Value, _: &mut Reader<'_>) -> Option<Self> {
        Some(value.clone())
    }

    fn type_name() -> String {
        "any value".into()
    }
}

impl FromValue for Table {
    fn from_value(value: &Value, reader: &mut Reader<'_>) -> Option<Self> {
        let ValueKind::Table(table) = &value.kind else {
            reader.mismatch("a table", value);
            return None;
        };
        Some(table.clone())
    }

    fn type_name() -> String {
        "table".into()
    }

    fn shape() -> Shape {
        Shape::Map(Box::new(Shape::Any))
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value, reader: &mut Reader<'_>) -> Option<Self> {
        T::from_value(value, reader).map(Some)
    }

    fn type_name() -> String {
        T::type_name()
    }

    fn shape() -> Shape {
        T::shape()
    }
}

fn elements<T: FromValue>(value: &Value, reader: &mut Reader<'_>) -> Option<Vec<T>> {
    let ValueKind::Array(values) = &value.kind else {
        reader.mismatch("an array", value);
        return None;
    };
    let read: Vec<_> = values
        .iter()
        .enumerate()
        .map(|(index, value)| {
            reader.part(&index.to_string(), |reader| T::from_value(value, reader))
        })
        .collect();
    read.into_iter().collect()
}

impl<T: FromValue> FromValue for Vec<T> {
    fn from_value(value: &Value, reader: &mut Reader<'_>) -> Option<Self> {
        elements(value, reader)
    }

    fn type_name() -> String {
        format!("array of {}", T::type_name())
    }

    fn shape() -> Shape {
        Shape::Array(Box::new(T::shape()))
    }
}

impl<T: FromValue + Ord> FromValue for BTreeSet<T> {
    fn from_value(value: &Value, reader: &mut Reader<'_>) -> Option<Self> {
        elements(value, reader).map(|values| values.into_iter().collect())
    }

    fn type_name() -> String {
        format!("set of {}", T::type_name())
    }

    fn shape() -> Shape {
        Shape::Array(Box::new(T::shape()))
    }
}

impl<T: FromValue> FromValue for BTreeMap<String, T> {
    fn from_value(value: &Value, reader: &mut Reader<'_>) -> Option<Self> {
        let ValueKind::Table(table) = &value.kind else {
            reader.mismatch("a table", value);
            return None;
        };
        let read: Vec<_> = table
            .0
            .iter()
            .map(|(name, entry)| {
                let value = reader.part(name, |reader| T::from_value(&entry.value, reader));
                value.map(|value| (name.clone(), value))
            })
            .collect();
        read.into_iter().collect()
    }

    fn type_name() -> String {
        format!("table of {}", T::type_name())
    }

    fn shape() -> Shape {
        Shape::Map(Box::new(T::shape()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: FromValue>(value: impl Into<Value>) -> Result<T, String> {
        let mut table = Table::default();
        table.insert("it", value);
        let mut reader = Reader::new(&table, None);
        let read = reader.required("it");
        let problems = reader.finish();
        read.ok_or_else(|| problems.iter().map(|p| format!("{}\n", p.message)).collect())
    }

    #[test]
    fn numbers_outside_of_their_type_are_refused_with_its_bounds() {
        assert_eq!(read::<u16>(8080), Ok(8080));
        assert_eq!(
            read::<u16>(70_000),
            Err("attribute `it`: 70000 is not between 0 and 65535\n".into())
        );
        assert_eq!(
            read::<u16>("80"),
            Err("attribute `it`: expected an integer, found a string (\"80\")\n".into())
        );
    }

    #[test]
    fn every_wrong_element_is_reported() {
        let values: Vec<Value> = vec!["a".into(), 1.into(), true.into()];
        assert_eq!(
            read::<Vec<String>>(values),
            Err("attribute `it.1`: expected a string, found an integer (1)\n\
                 attribute `it.2`: expected a string, found a boolean (true)\n"
                .into())
        );
    }

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(read::<Duration>("250ms"), Ok(Duration::from_millis(250)));
        assert!(read::<Duration>("10").unwrap_err().contains("a number and a unit"));
    }
}
