//! Secrets among the variables of a template.
//!
//! They are kept as what they are, so that nothing that shows the variables shows them, and become
//! texts for as long as a template is rendered.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use minijinja::value::{Object, ObjectRepr, Value, ValueKind};

use crate::secret::{MASK, Secret, SecretContent};

/// What takes the place of secrets while a template is rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Revealing {
    /// The secrets themselves.
    Secret,
    /// Other texts of their lengths.
    Other,
    /// `[secret]`.
    Mask,
}

/// The value that stands for a secret in a template's variables.
pub(crate) fn value_of<T: SecretContent>(secret: &Secret<T>) -> Option<Value> {
    secret.converted().map(|secret| Value::from_object(SecretValue(secret)))
}

#[derive(PartialEq)]
struct SecretValue(Secret);

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Object for SecretValue {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn custom_cmp(
        self: &Arc<Self>,
        other: &minijinja::value::DynObject,
    ) -> Option<std::cmp::Ordering> {
        let other = other.downcast_ref::<Self>()?;
        Some(self.0.expose().cmp(other.0.expose()))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// The variables with texts in the place of secrets; `None`: there are no secrets among them.
pub(super) fn revealed(value: &Value, how: Revealing) -> Option<Value> {
    if let Some(SecretValue(secret)) = value.downcast_object_ref() {
        let secret = secret.expose();
        return Some(Value::from(match how {
            Revealing::Secret => secret.clone(),
            Revealing::Other => other(secret),
            Revealing::Mask => MASK.to_owned(),
        }));
    }
    match value.kind() {
        ValueKind::Seq => {
            let values: Vec<_> = value.try_iter().ok()?.collect();
            let revealed: Vec<_> = values.iter().map(|value| revealed(value, how)).collect();
            revealed.iter().any(Option::is_some).then(|| {
                let all = revealed.into_iter().zip(values);
                all.map(|(revealed, value)| revealed.unwrap_or(value)).collect()
            })
        }
        ValueKind::Map => {
            let keys = value.try_iter().ok()?;
            let entries = keys.map(|key| (value.get_item(&key).unwrap_or_default(), key));
            let entries: Vec<_> = entries.collect();
            let revealed: Vec<_> = entries.iter().map(|(value, _)| revealed(value, how)).collect();
            revealed.iter().any(Option::is_some).then(|| {
                let all = revealed.into_iter().zip(entries);
                let all = all.map(|(revealed, (value, key))| (key, revealed.unwrap_or(value)));
                Value::from(all.collect::<BTreeMap<_, _>>())
            })
        }
        _ => None,
    }
}

/// Another text of the same length; that of an empty one is not empty.
fn other(secret: &str) -> String {
    let length = secret.chars().count().max(1);
    let other = "x".repeat(length);
    if other == secret { "y".repeat(length) } else { other }
}
