//! Digests that tell secrets apart and cannot be guessed from: their key is drawn for one run, and
//! leaves the coordinator only to its agents.

use std::cell::RefCell;
use std::io;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::Secret;
use crate::digest::Digest;

/// The key of a run's digests.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Key(Secret<Vec<u8>>);

impl Key {
    /// Draws a key.
    pub(crate) fn draw() -> io::Result<Self> {
        let mut key = vec![0; 32];
        getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self(Secret::new(key)))
    }

    pub(crate) fn hasher(&self) -> Hmac<Sha256> {
        match Hmac::new_from_slice(self.0.bytes()) {
            Ok(hasher) => hasher,
            Err(error) => unreachable!("a key may have any length: {error}"),
        }
    }
}

thread_local! {
    static KEY: RefCell<Option<Key>> = const { RefCell::new(None) };
}

/// Lets `Debug` print the keyed digest of each secret while something runs on this thread.
pub(crate) fn digesting<R>(key: &Key, run: impl FnOnce() -> R) -> R {
    struct Restore(Option<Key>);
    impl Drop for Restore {
        fn drop(&mut self) {
            KEY.set(self.0.take());
        }
    }
    let _restore = Restore(KEY.replace(Some(key.clone())));
    run()
}

/// The keyed digest of a secret, while digests are made on this thread.
pub(super) fn digest_of(secret: &[u8]) -> Option<Digest> {
    KEY.with_borrow(|key| {
        let mut hasher = key.as_ref()?.hasher();
        hasher.update(secret);
        Some(Digest::from(<[u8; 32]>::from(hasher.finalize().into_bytes())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_in_digests_and_nowhere_else() {
        let (one, other) = (Secret::new("one of them"), Secret::new("another one"));
        let (key, another) = (Key::draw().unwrap(), Key::draw().unwrap());
        let shown = |key: &Key, secret: &Secret| digesting(key, || format!("{secret:?}"));
        assert_eq!(shown(&key, &one), shown(&key, &one.clone()));
        assert_ne!(shown(&key, &one), shown(&key, &other));
        assert_ne!(shown(&key, &one), shown(&another, &one));
        assert_eq!(format!("{one:?}"), "[secret]");
    }

    #[test]
    fn a_panic_ends_it() {
        let key = Key::draw().unwrap();
        let panicked = std::panic::catch_unwind(|| digesting(&key, || panic!("on purpose")));
        assert!(panicked.is_err());
        assert_eq!(format!("{:?}", Secret::new("x")), "[secret]");
    }
}
