//! Which values an attribute can have, as far as that can be told without reading one.

use super::AttributeSchema;

/// The values that a type is read from.
///
/// It allows whatever the type's [`FromValue`](super::FromValue) reads, and perhaps more: what it
/// refuses is never right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// Any value.
    #[default]
    Any,
    /// A text.
    Text,
    /// A text that must not be seen.
    Secret,
    /// A number and a unit: `"10s"`.
    Duration,
    /// `true` or `false`.
    Boolean,
    /// A whole number between two bounds, both included.
    Integer(i64, i64),
    /// Any number.
    Number,
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// An array of such values.
    Array(Box<Shape>),
    /// A table with free names and such values.
    Map(Box<Shape>),
    /// A table with names of its own.
    Table(Fields),
}

/// The names of a table; asked for one level at a time, because a type may hold itself.
#[derive(Clone, Copy, Debug)]
pub struct Fields(pub fn() -> Vec<AttributeSchema>);

impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::fn_addr_eq(self.0, other.0)
    }
}

impl Eq for Fields {}
