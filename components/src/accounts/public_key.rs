//! Public keys of SSH.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;

/// A public key as OpenSSH writes it: `ssh-ed25519 AAAA… anna@example.org`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PublicKey {
    pub(super) kind: String,
    /// The key itself in base64.
    pub(super) blob: String,
    pub(super) comment: String,
}

impl PublicKey {
    /// Reads what an author wrote.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let shown: String = text.trim().chars().take(40).collect();
        let key = (!text.trim().contains('\n')).then(|| Self::find(text)).flatten();
        key.with_context(|| format!("`{shown}` is no public key")).code(code::OPTION_VALUE).hint(
            "give it one line of a file like `id_ed25519.pub`: the type, the key, and a comment",
        )
    }

    /// Reads the rest of a line; `None` if no key stands there.
    pub(super) fn find(text: &str) -> Option<Self> {
        let mut words = text.trim().splitn(3, [' ', '\t']);
        let (kind, blob) = (words.next()?, words.next()?);
        let comment = words.next().unwrap_or_default().trim();
        // The key begins with the length and the name of its own type.
        let bytes = BASE64.decode(blob).ok()?;
        let length = u32::try_from(kind.len()).ok()?.to_be_bytes();
        let fits = bytes.strip_prefix(&length)?.starts_with(kind.as_bytes());
        (fits && !kind.is_empty()).then(|| Self {
            kind: kind.to_owned(),
            blob: blob.to_owned(),
            comment: comment.to_owned(),
        })
    }

    /// Whether it is the same key, whatever its comment.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.blob == other.blob
    }

    /// What tells it from others: its type, its end, and its comment.
    pub(super) fn short(&self) -> String {
        let comment = Some(&self.comment).filter(|comment| !comment.is_empty());
        let comment = comment.map(|comment| format!(" ({comment})")).unwrap_or_default();
        format!("{} {}{comment}", self.kind, self.end())
    }

    /// The end of the key: its beginning is the same for all of a type.
    pub(super) fn end(&self) -> String {
        let start = self.blob.len().saturating_sub(8);
        format!("…{}", self.blob.get(start..).unwrap_or(&self.blob))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A key of the type whose last byte is given.
    pub(in crate::accounts) fn key(kind: &str, last: u8) -> String {
        let length = u32::try_from(kind.len()).unwrap().to_be_bytes();
        let bytes = [&length[..], kind.as_bytes(), &[0, 0, 0, 32], &[last; 32]].concat();
        format!("{kind} {}", BASE64.encode(bytes))
    }

    #[test]
    fn a_key_is_read_with_its_comment() {
        let text = format!("{} anna at home\n", key("ssh-ed25519", 1));
        let read = PublicKey::parse(&text).unwrap();
        assert_eq!((&*read.kind, &*read.comment), ("ssh-ed25519", "anna at home"));
        assert_eq!(read.short(), "ssh-ed25519 …AQEBAQEB (anna at home)");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let two = format!("{}\n{}", key("ssh-rsa", 1), key("ssh-rsa", 2));
        let other = key("ssh-rsa", 1).replace("ssh-rsa", "ssh-ed25519");
        for text in ["", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-rsa !!!", &two, &other] {
            assert!(format!("{:#}", PublicKey::parse(text).unwrap_err()).contains("no public key"));
        }
    }
}
