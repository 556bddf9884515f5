//! Values that serde reads.

use serde::de::DeserializeOwned;

use super::{FromValue, Reader};
use crate::value::Value;

/// Reads any type with an implementation of `serde::Deserialize`; behind `#[attribute(serde)]`.
///
/// Serde stops at the first mistake inside of the value and does not know its place, so what it says
/// is reported at the attribute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serde<T>(pub T);

impl<T: DeserializeOwned> FromValue for Serde<T> {
    fn from_value(value: &Value, reader: &mut Reader<'_>) -> Option<Self> {
        match serde_json::from_value(value.to_json_with_secrets()) {
            Ok(read) => Some(Self(read)),
            Err(error) => {
                reader.refuse(value, error);
                None
            }
        }
    }

    fn type_name() -> String {
        "any value".into()
    }
}
