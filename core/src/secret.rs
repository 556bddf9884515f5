//! Secrets: values that are shown nowhere.
//!
//! A [`Secret`] prints and serializes as `[secret]`, so that no message, diff or record can hold it
//! by accident. Two things see through it: what is handed over to a host, and a template while it
//! is rendered. Texts that came to hold one all the same are masked before they leave the process.

mod content;
mod finder;
mod forms;
mod keyed;
pub(crate) mod known;
mod masked;

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::{self, MapAccess, Visitor};
use serde::ser::{self, SerializeMap as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::template::secrets;

pub use content::{IntoSecret, SecretContent};
pub(crate) use finder::Finder;
pub(crate) use keyed::{Key, digesting};
pub(crate) use known::KnownSecrets;
pub use known::masked;
pub(crate) use masked::Masked;

/// What stands where a secret would.
pub const MASK: &str = "[secret]";

/// Secrets of fewer bytes are masked by their type alone: texts hold such sequences by chance.
pub const SHORTEST_MASKED: usize = 6;

/// The names under which a secret is handed over; nothing but a secret reads them.
const TEXT: &str = "$secret";
const BASE64: &str = "$secret-base64";
const PLACEHOLDER: &str = "$secret-placeholder";

/// A value that must not be seen: a text, or bytes.
///
/// `Debug`, `Display` and `Serialize` give `[secret]`. As an attribute it takes a value from the
/// environment's secrets. Copies share one place in memory, which is wiped when the last is gone.
///
/// ```
/// use togusa_core::prelude::*;
///
/// #[derive(Debug, Attributes)]
/// struct Database {
///     password: Secret,
/// }
///
/// let password = Secret::new("tr0ub4dor");
/// assert_eq!(format!("{password} {password:?}"), "[secret] [secret]");
/// assert_eq!(password.expose(), "tr0ub4dor");
/// ```
#[derive(Clone)]
pub struct Secret<T: SecretContent = String> {
    content: Arc<Zeroizing<T>>,
    placeholder: bool,
}

impl<T: SecretContent> Secret<T> {
    /// Makes a secret of a text or of bytes.
    pub fn new(value: impl IntoSecret<Content = T>) -> Self {
        Self::of(value.into_content(), false)
    }

    fn of(content: T, placeholder: bool) -> Self {
        let secret = Self::unlearned(content, placeholder);
        known::made(&secret);
        secret
    }

    fn unlearned(content: T, placeholder: bool) -> Self {
        Self { content: Arc::new(Zeroizing::new(content)), placeholder }
    }

    /// Stands in for a secret that cannot be read here, so that a model can be checked without it.
    /// A model that holds one is never deployed.
    pub fn placeholder(name: &str) -> Self {
        Self::of(T::from_text(format!("placeholder of {name}")), true)
    }

    /// The value itself.
    ///
    /// What is made of it is masked where it is shown, if it still holds the secret as it is or in
    /// a common encoding.
    pub fn expose(&self) -> &T {
        &self.content
    }

    /// Whether it stands in for a secret that could not be read.
    pub fn is_placeholder(&self) -> bool {
        self.placeholder
    }

    /// Whether it is so short that it is masked by its type alone, not wherever a text holds it.
    pub fn is_short(&self) -> bool {
        self.bytes().len() < SHORTEST_MASKED
    }

    /// A secret of a text, whatever it is made of.
    pub(crate) fn from_text(text: String) -> Self {
        Self::of(T::from_text(text), false)
    }

    /// The same as text or as bytes; `None`: it is to be text, and the bytes are not.
    pub(crate) fn converted<U: SecretContent>(&self) -> Option<Secret<U>> {
        Some(Secret::unlearned(U::from_bytes(self.bytes().to_vec())?, self.placeholder))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.content.bytes()
    }
}

impl<V: IntoSecret> From<V> for Secret<V::Content> {
    fn from(value: V) -> Self {
        Self::new(value)
    }
}

impl AsRef<[u8]> for Secret<Vec<u8>> {
    fn as_ref(&self) -> &[u8] {
        self.bytes()
    }
}

impl<T: SecretContent> PartialEq for Secret<T> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes() && self.placeholder == other.placeholder
    }
}

impl<T: SecretContent> Eq for Secret<T> {}

impl<T: SecretContent> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match keyed::digest_of(self.bytes()) {
            // The canonical form of a component tells one secret from another.
            Some(digest) => write!(f, "[secret {digest}]"),
            None => f.write_str(MASK),
        }
    }
}

impl<T: SecretContent> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

thread_local! {
    /// Whether secrets serialize as what they are, on this thread.
    static REVEALING: Cell<bool> = const { Cell::new(false) };
}

/// What stands for the digest of a secret file where one is shown.
pub(crate) fn digest_for_debug(digest: &crate::digest::Digest) -> String {
    let digest = keyed::digest_of(digest.to_string().as_bytes());
    digest.map_or_else(|| MASK.to_owned(), |digest| digest.to_string())
}

/// Lets secrets serialize as what they are while something runs on this thread; a panic ends it.
pub(crate) fn revealing<R>(run: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            REVEALING.set(self.0);
        }
    }
    let _restore = Restore(REVEALING.replace(true));
    run()
}

impl<T: SecretContent> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if minijinja::value::serializing_for_value() {
            return match secrets::value_of(self) {
                Some(value) => value.serialize(serializer),
                None => Err(ser::Error::custom(
                    "a secret that is not text in UTF-8 has no place in a template",
                )),
            };
        }
        if !REVEALING.get() {
            return serializer.serialize_str(MASK);
        }
        let mut map = serializer.serialize_map(Some(1))?;
        let text = std::str::from_utf8(self.bytes());
        match (text, self.placeholder) {
            (Ok(text), false) => map.serialize_entry(TEXT, text)?,
            (Ok(text), true) => map.serialize_entry(PLACEHOLDER, text)?,
            (Err(_), false) => map.serialize_entry(BASE64, &*content::to_base64(self.bytes()))?,
            (Err(_), true) => return Err(ser::Error::custom("a placeholder is text")),
        }
        map.end()
    }
}

impl<'de, T: SecretContent> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reading(PhantomData))
    }
}

/// Reads a secret as it is handed over, or a text in clear.
struct Reading<T>(PhantomData<T>);

impl<'de, T: SecretContent> Visitor<'de> for Reading<T> {
    type Value = Secret<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Secret<T>, E> {
        Ok(Secret::from_text(text.to_owned()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Secret<T>, E> {
        Ok(Secret::from_text(text))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Secret<T>, A::Error> {
        let Some((kind, text)) = map.next_entry::<String, String>()? else {
            return Err(de::Error::invalid_length(0, &self));
        };
        let read = match kind.as_str() {
            TEXT => Some(Secret::from_text(text)),
            PLACEHOLDER => Some(Secret::of(T::from_text(text), true)),
            BASE64 => {
                let read = content::from_base64(&text).and_then(T::from_bytes);
                read.map(|read| Secret::of(read, false))
            }
            _ => None,
        };
        // What came may be a secret in the wrong place, so that it is not shown.
        read.ok_or_else(|| de::Error::custom("expected a secret that is text"))
    }
}

/// Takes the secrets out of a value that is handed over as JSON: it is left with `[secret]` in their
/// places. `None`: there are none.
pub(crate) fn take_out(json: &str) -> Option<(String, Vec<Secret<Vec<u8>>>)> {
    fn take(value: &mut serde_json::Value, taken: &mut Vec<Secret<Vec<u8>>>) {
        match value {
            serde_json::Value::Array(values) => values.iter_mut().for_each(|one| take(one, taken)),
            serde_json::Value::Object(values) => {
                let names = [TEXT, BASE64, PLACEHOLDER];
                let named = names.iter().any(|name| values.contains_key(*name));
                if named && let Ok(secret) = Secret::deserialize(&*value) {
                    taken.push(secret);
                    *value = MASK.into();
                } else if let serde_json::Value::Object(values) = value {
                    values.values_mut().for_each(|one| take(one, taken));
                }
            }
            _ => {}
        }
    }
    let mut value = json.contains(TEXT).then(|| serde_json::from_str(json).ok()).flatten()?;
    let mut taken = Vec::new();
    take(&mut value, &mut taken);
    Some((value.to_string(), taken))
}

#[cfg(test)]
mod tests;
