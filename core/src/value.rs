//! Attribute values as an environment gives them: the types of TOML, each with its origin.
//!
//! The tree is core's own so that core needs no TOML: a loader for any format can build it.

use std::fmt;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::secret::{self, Secret};

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Origin {
    /// The file, relative to the project's root where it lies inside.
    pub file: String,
    /// The line, counted from 1.
    pub line: u32,
    /// The column in characters, counted from 1.
    pub column: u32,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A value with the place that it was written at; `None` for values that no file holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Value {
    /// The value itself.
    pub kind: ValueKind,
    /// Where it was written.
    pub origin: Option<Origin>,
}

/// The types that a value can have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ValueKind {
    /// A text.
    String(String),
    /// A whole number.
    Integer(i64),
    /// A floating point number.
    Float(f64),
    /// True or false.
    Boolean(bool),
    /// A date, a time or both, in the notation of RFC 3339.
    Datetime(String),
    /// A text that must not be seen.
    Secret(Secret),
    /// Bytes that must not be seen.
    SecretBytes(Secret<Vec<u8>>),
    /// Values in order.
    Array(Vec<Value>),
    /// Values by name.
    Table(Table),
}

/// Values by name, in the order in which they were written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Table(pub IndexMap<String, Entry>);

/// A value in a table and the place of its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Where the name was written.
    pub name_origin: Option<Origin>,
    /// The value that the name stands for.
    pub value: Value,
}

impl Value {
    /// The type's name as messages show it, with its article.
    pub fn type_name(&self) -> &'static str {
        match self.kind {
            ValueKind::String(_) => "a string",
            ValueKind::Integer(_) => "an integer",
            ValueKind::Float(_) => "a float",
            ValueKind::Boolean(_) => "a boolean",
            ValueKind::Datetime(_) => "a date or time",
            ValueKind::Secret(_) => "a secret",
            ValueKind::SecretBytes(_) => "a secret of bytes",
            ValueKind::Array(_) => "an array",
            ValueKind::Table(_) => "a table",
        }
    }

    /// The value as a short text for messages: scalars as they are written, containers by size.
    pub fn summary(&self) -> String {
        match &self.kind {
            ValueKind::String(text) => format!("{text:?}"),
            ValueKind::Integer(number) => number.to_string(),
            ValueKind::Float(number) => format!("{number:?}"),
            ValueKind::Boolean(flag) => flag.to_string(),
            ValueKind::Datetime(text) => text.clone(),
            ValueKind::Secret(_) | ValueKind::SecretBytes(_) => secret::MASK.to_owned(),
            ValueKind::Array(values) => format!("an array of {}", values.len()),
            ValueKind::Table(table) => format!("a table of {}", table.0.len()),
        }
    }

    /// The value without its origins, as JSON; secrets are `[secret]`.
    pub fn to_json(&self) -> serde_json::Value {
        match serde_json::to_value(Bare(self)) {
            Ok(json) => json,
            Err(error) => unreachable!("values and their names are JSON: {error}"),
        }
    }

    /// The same with secrets in the form that only a [`Secret`] reads.
    pub(crate) fn to_json_with_secrets(&self) -> serde_json::Value {
        secret::revealing(|| self.to_json())
    }
}

/// Serializes a value without its origins: as JSON, or as a template sees it.
pub(crate) struct Bare<'a, T>(pub(crate) &'a T);

impl Serialize for Bare<'_, Value> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0.kind {
            ValueKind::String(text) | ValueKind::Datetime(text) => serializer.serialize_str(text),
            ValueKind::Integer(number) => serializer.serialize_i64(*number),
            ValueKind::Float(number) => serializer.serialize_f64(*number),
            ValueKind::Boolean(flag) => serializer.serialize_bool(*flag),
            ValueKind::Secret(secret) => secret.serialize(serializer),
            ValueKind::SecretBytes(secret) => secret.serialize(serializer),
            ValueKind::Array(values) => serializer.collect_seq(values.iter().map(Bare)),
            ValueKind::Table(table) => Bare(table).serialize(serializer),
        }
    }
}

impl Serialize for Bare<'_, Table> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entries = self.0.0.iter().map(|(name, entry)| (name, Bare(&entry.value)));
        serializer.collect_map(entries)
    }
}

impl Table {
    /// The value under a name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).map(|entry| &entry.value)
    }

    /// Puts a value under a name, in place of what was there.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.0.insert(name.into(), Entry { name_origin: None, value: value.into() });
    }

    /// Lays another table over this one: tables merge by name, everything else is replaced.
    pub fn merge(&mut self, over: &Table) {
        for (name, entry) in &over.0 {
            match (self.0.get_mut(name).map(|old| &mut old.value.kind), &entry.value.kind) {
                (Some(ValueKind::Table(below)), ValueKind::Table(above)) => below.merge(above),
                _ => {
                    self.0.insert(name.clone(), entry.clone());
                }
            }
        }
    }

    /// The table without its origins, as JSON, names sorted.
    pub fn to_json(&self) -> serde_json::Value {
        self.0.iter().map(|(name, entry)| (name.clone(), entry.value.to_json())).collect()
    }
}

impl From<ValueKind> for Value {
    fn from(kind: ValueKind) -> Self {
        Self { kind, origin: None }
    }
}

macro_rules! from {
    ($($type:ty => $kind:ident),* $(,)?) => {
        $(impl From<$type> for Value {
            fn from(value: $type) -> Self {
                ValueKind::$kind(value.into()).into()
            }
        })*
    };
}

from! {
    &str => String,
    String => String,
    i64 => Integer,
    i32 => Integer,
    f64 => Float,
    bool => Boolean,
    Secret => Secret,
    Secret<Vec<u8>> => SecretBytes,
    Vec<Value> => Array,
    Table => Table,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_keeps_what_the_upper_table_does_not_name() {
        let mut inner = Table::default();
        inner.insert("a", 1);
        inner.insert("b", 2);
        let mut below = Table::default();
        below.insert("nested", inner);
        let mut inner = Table::default();
        inner.insert("b", 3);
        let mut above = Table::default();
        above.insert("nested", inner);

        below.merge(&above);

        assert_eq!(below.to_json(), serde_json::json!({ "nested": { "a": 1, "b": 3 } }));
    }
}
