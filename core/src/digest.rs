//! SHA-256 digests, of files and of the model.

use std::fmt::{self, Write as _};
use std::io::{self, Read};
use std::str::FromStr;

use hmac::{Hmac, Mac};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::secret::{Key, KnownSecrets};

/// A SHA-256 digest; prints as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest and the length of all that a reader gives.
    ///
    /// # Errors
    /// What the reader reports.
    pub fn of_reader(mut reader: impl Read) -> io::Result<(Self, u64)> {
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 64 * 1024];
        let mut length = 0;
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return Ok((Self(hasher.finalize().into()), length)),
                Ok(count) => {
                    hasher.update(&buffer[..count]);
                    length += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The first 12 digits: enough to tell two apart in a message.
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A text that is no digest.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is no SHA-256 digest of 64 hexadecimal digits")]
pub struct NoDigest {
    text: String,
}

impl FromStr for Digest {
    type Err = NoDigest;

    fn from_str(text: &str) -> Result<Self, NoDigest> {
        let no_digest = || NoDigest { text: text.to_owned() };
        if text.len() != 64 || !text.is_ascii() {
            return Err(no_digest());
        }
        let mut bytes = [0; 32];
        for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| no_digest())?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Collects the parts of something into one digest; each part counts with its length.
#[derive(Default)]
pub(crate) struct Digester<'a> {
    hasher: Hasher,
    /// `Debug` texts count with these masked.
    masked: Option<&'a KnownSecrets>,
}

enum Hasher {
    Plain(Sha256),
    Keyed(Hmac<Sha256>),
}

impl Default for Hasher {
    fn default() -> Self {
        Self::Plain(Sha256::default())
    }
}

impl Hasher {
    fn update(&mut self, bytes: impl AsRef<[u8]>) {
        match self {
            Self::Plain(hasher) => sha2::Digest::update(hasher, bytes),
            Self::Keyed(hasher) => Mac::update(hasher, bytes.as_ref()),
        }
    }
}

impl<'a> Digester<'a> {
    /// A digester whose digests say nothing to who lacks the key.
    pub(crate) fn keyed(key: &Key) -> Self {
        Self { hasher: Hasher::Keyed(key.hasher()), masked: None }
    }

    /// A digester that looks past the secrets in `Debug` texts.
    pub(crate) fn masking(known: &'a KnownSecrets) -> Self {
        Self { hasher: Hasher::default(), masked: Some(known) }
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.hasher.update((text.len() as u64).to_be_bytes());
        self.hasher.update(text.as_bytes());
    }

    /// Adds the `Debug` text of a value without building it in memory.
    pub(crate) fn debug(&mut self, value: &dyn fmt::Debug) {
        if let Some(known) = self.masked {
            return self.text(&known.mask(&format!("{value:?}")));
        }
        struct Stream<'a>(&'a mut Hasher, u64);
        impl fmt::Write for Stream<'_> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                self.0.update(text.as_bytes());
                self.1 += text.len() as u64;
                Ok(())
            }
        }
        let mut stream = Stream(&mut self.hasher, 0);
        // A `Debug` that fails leaves what it wrote so far: the same on every machine.
        let _ = write!(stream, "{value:?}");
        let length = stream.1;
        self.hasher.update(length.to_be_bytes());
    }

    pub(crate) fn digest(&mut self, digest: &Digest) {
        self.hasher.update(digest.0);
    }

    pub(crate) fn finish(self) -> Digest {
        Digest(match self.hasher {
            Hasher::Plain(hasher) => hasher.finalize().into(),
            Hasher::Keyed(hasher) => hasher.finalize().into_bytes().into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_survives_its_text() {
        let digest = Digest::of(b"abc");
        assert_eq!(
            digest.to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
        assert!("ba78".parse::<Digest>().is_err());
        assert!("é".repeat(32).parse::<Digest>().is_err());
    }
}
