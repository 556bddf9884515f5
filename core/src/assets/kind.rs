//! What the content of an asset is, found out while it is hashed.

use std::io::{self, Read};

use serde::{Deserialize, Serialize};

/// What the content of an asset is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AssetKind {
    /// Anything that is not UTF-8, or holds a zero byte.
    Binary,
    /// Text in which a template engine would find nothing to do: rendering it changes nothing.
    Text,
    /// Text that holds `{{`, `{%` or `{#`.
    Template,
}

impl AssetKind {
    /// What some content is.
    pub fn of(content: &[u8]) -> Self {
        let mut sniffer = Sniffer::new(io::empty());
        sniffer.look_at(content);
        sniffer.kind()
    }
}

/// Passes on what it reads, and knows at the end what it was.
#[derive(Debug)]
pub(super) struct Sniffer<R> {
    reader: R,
    binary: bool,
    template: bool,
    after_brace: bool,
    /// The first bytes of a character whose rest has not come yet.
    partial: Vec<u8>,
}

impl<R> Sniffer<R> {
    pub(super) fn new(reader: R) -> Self {
        let partial = Vec::new();
        Self { reader, binary: false, template: false, after_brace: false, partial }
    }

    /// What was read so far.
    pub(super) fn kind(&self) -> AssetKind {
        match (self.binary || !self.partial.is_empty(), self.template) {
            (true, _) => AssetKind::Binary,
            (false, true) => AssetKind::Template,
            (false, false) => AssetKind::Text,
        }
    }

    fn look_at(&mut self, bytes: &[u8]) {
        let Some(last) = bytes.last().filter(|_| !self.binary) else { return };
        let starts = |byte: &u8| matches!(byte, b'{' | b'%' | b'#');
        self.template |= self.after_brace && starts(&bytes[0]);
        self.template |= bytes.windows(2).any(|pair| pair[0] == b'{' && starts(&pair[1]));
        self.after_brace = *last == b'{';

        let joined;
        let text = if self.partial.is_empty() {
            bytes
        } else {
            joined = [&self.partial, bytes].concat();
            &joined
        };
        self.binary = bytes.contains(&0);
        match std::str::from_utf8(text) {
            Ok(_) => self.partial = Vec::new(),
            Err(error) if error.error_len().is_none() => {
                self.partial = text[error.valid_up_to()..].to_vec();
            }
            Err(_) => self.binary = true,
        }
    }
}

impl<R: Read> Read for Sniffer<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.look_at(&buffer[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_binary_text_or_template() {
        let cases: [(&[u8], AssetKind); 10] = [
            (b"", AssetKind::Text),
            (b"plain {text}\n", AssetKind::Text),
            ("grün €\n".as_bytes(), AssetKind::Text),
            (b"port {{ port }}", AssetKind::Template),
            (b"{% if x %}", AssetKind::Template),
            (b"a {# note #}", AssetKind::Template),
            (b"a\0b {{ x }}", AssetKind::Binary),
            (b"\xff", AssetKind::Binary),
            (b"cut \xe2\x82", AssetKind::Binary),
            (b"cut \xe2\x82 {{", AssetKind::Binary),
        ];
        for (content, kind) in cases {
            assert_eq!(AssetKind::of(content), kind, "{content:?}");
        }
    }

    #[test]
    fn it_does_not_matter_in_which_pieces_the_content_comes() {
        for content in ["a € {{ x }} ü", "€€€", "{%", "}{", "x\0y"] {
            let mut sniffer = Sniffer::new(io::empty());
            for byte in content.as_bytes() {
                sniffer.look_at(&[*byte]);
            }
            assert_eq!(sniffer.kind(), AssetKind::of(content.as_bytes()), "{content:?}");
        }
    }
}
