//! Values as all formats have them.

use std::collections::BTreeMap;
use std::fmt;

use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::value::{Value, ValueKind};
use togusa_core::{demand, fault};

use super::Wish;

/// A value of any format.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Datum {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    /// A number or another value that no type here holds, as it is written: it is only compared.
    Other(String),
    List(Vec<Datum>),
    Table(BTreeMap<String, Datum>),
}

impl Datum {
    /// The same with texts for dates, in a format that has none.
    pub(super) fn without_dates(self) -> Self {
        match self {
            Self::Other(text) => Self::Text(text),
            Self::List(items) => Self::List(items.into_iter().map(Self::without_dates).collect()),
            Self::Table(table) => Self::Table(
                table.into_iter().map(|(name, value)| (name, value.without_dates())).collect(),
            ),
            single => single,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            _ => "a single value",
        }
    }

    /// What lies at a path; an error where something else than a table is on the way.
    pub(super) fn get(&self, path: &[String]) -> Result<Option<&Self>> {
        let mut at = self;
        for (depth, name) in path.iter().enumerate() {
            match at {
                Self::Table(table) => match table.get(name) {
                    Some(next) => at = next,
                    None => return Ok(None),
                },
                // As YAML has it where a table is left empty.
                Self::Null => return Ok(None),
                other => {
                    let (above, kind) = (path[..depth].join("."), other.kind());
                    return Err(fault!(
                        code::EDIT_FORMAT,
                        "`{above}` is {kind} in the file, not a table"
                    ))
                    .hint("remove it first, in a component of its own: `.unset(…)`");
                }
            }
        }
        Ok(Some(at))
    }

    /// Puts a value at a path, or removes what is there.
    pub(super) fn put(&mut self, path: &[String], value: Option<Self>) {
        let Some((name, below)) = path.split_first() else { return };
        if !matches!(self, Self::Table(_)) {
            *self = Self::Table(BTreeMap::new());
        }
        let Self::Table(table) = self else { return };
        match (below.is_empty(), value) {
            (true, Some(value)) => {
                table.insert(name.clone(), value);
            }
            (true, None) => {
                table.remove(name);
            }
            (false, value) => {
                table.entry(name.clone()).or_insert(Self::Null).put(below, value);
            }
        }
    }
}

impl fmt::Display for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Boolean(flag) => flag.fmt(f),
            Self::Integer(number) => number.fmt(f),
            Self::Float(number) => write!(f, "{number:?}"),
            Self::Text(text) => text.fmt(f),
            Self::Other(text) => text.fmt(f),
            Self::List(items) => {
                f.write_str("[")?;
                for (number, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if number == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Self::Table(table) => {
                f.write_str("{")?;
                for (number, (name, item)) in table.iter().enumerate() {
                    write!(f, "{}{name}: {item}", if number == 0 { "" } else { ", " })?;
                }
                f.write_str("}")
            }
        }
    }
}

/// A value and whether a secret is in it.
fn datum(value: &Value) -> Result<(Datum, bool)> {
    Ok(match &value.kind {
        ValueKind::String(text) => (Datum::Text(text.clone()), false),
        ValueKind::Integer(number) => (Datum::Integer(*number), false),
        ValueKind::Float(number) => {
            demand!(
                number.is_finite(),
                code::EDIT_FORMAT,
                "`{number}` is no number that a file can hold"
            );
            (Datum::Float(*number), false)
        }
        ValueKind::Boolean(flag) => (Datum::Boolean(*flag), false),
        ValueKind::Datetime(text) => (Datum::Other(text.clone()), false),
        ValueKind::Secret(secret) => (Datum::Text(secret.expose().clone()), true),
        ValueKind::SecretBytes(secret) => {
            let text = String::from_utf8(secret.expose().clone());
            (
                Datum::Text(
                    text.map_err(|_| fault!(code::EDIT_FORMAT, "the secret is not text in UTF-8"))?,
                ),
                true,
            )
        }
        ValueKind::Array(values) => {
            let all = values.iter().map(datum).collect::<Result<Vec<_>>>()?;
            let secret = all.iter().any(|(_, secret)| *secret);
            (Datum::List(all.into_iter().map(|(value, _)| value).collect()), secret)
        }
        ValueKind::Table(table) => {
            let mut all = BTreeMap::new();
            let mut any = false;
            for (name, entry) in &table.0 {
                let (value, secret) = datum(&entry.value)?;
                any |= secret;
                all.insert(name.clone(), value);
            }
            (Datum::Table(all), any)
        }
    })
}

/// The values in a value, each with its path; an empty table counts as one.
pub(super) fn leaves(path: &[String], value: &Value, found: &mut Vec<Wish>) -> Result {
    if let ValueKind::Table(table) = &value.kind
        && !table.0.is_empty()
    {
        return table.0.iter().try_for_each(|(name, entry)| {
            let mut path = path.to_vec();
            path.push(name.clone());
            leaves(&path, &entry.value, found)
        });
    }
    let (value, secret) = datum(value)?;
    found.push(Wish { path: path.to_vec(), value: Some(value), secret });
    Ok(())
}
