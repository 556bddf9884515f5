//! A duration as seconds, or nothing.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(super) fn serialize<S: Serializer>(value: &Option<Duration>, s: S) -> Result<S::Ok, S::Error> {
    value.map(|value| value.as_secs_f64()).serialize(s)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Duration>, D::Error> {
    let value = Option::<f64>::deserialize(d)?;
    value.map(Duration::try_from_secs_f64).transpose().map_err(serde::de::Error::custom)
}
