//! What servers answer.

use serde::{Deserialize, Serialize};
use togusa_core::demand;
use togusa_core::prelude::*;
use togusa_core::problem::code;

/// The last answer of a server: those before it sent the request elsewhere.
#[derive(Debug, Default, PartialEq)]
pub(in crate::sources) struct Answer {
    /// 0 if none was told, as by FTP.
    pub(in crate::sources) status: u16,
    headers: Vec<(String, String)>,
    pub(in crate::sources) body: Vec<u8>,
}

impl Answer {
    /// Reads headers and what follows them.
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        let mut answer = Self::default();
        let mut rest = bytes;
        // What a proxy said, and what sent the request elsewhere, stands before it.
        while rest.starts_with(b"HTTP/") {
            let mut line;
            loop {
                (line, rest) = split_line(rest);
                if line.is_empty() {
                    break;
                }
                answer.add(&String::from_utf8_lossy(line));
            }
        }
        demand!(answer.status != 0, code::NO_ANSWER_OF_USE, "the answer is none of HTTP");
        answer.body = rest.to_vec();
        Ok(answer)
    }

    /// Adds a line of the headers.
    fn add(&mut self, line: &str) {
        if line.starts_with("HTTP/") {
            let status = line.split_whitespace().nth(1).and_then(|code| code.parse().ok());
            *self = Self { status: status.unwrap_or(0), ..Self::default() };
        } else if let Some((name, value)) = line.split_once(':') {
            self.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    /// The last header of a name, in lower case.
    pub(in crate::sources) fn header(&self, name: &str) -> Option<&str> {
        self.headers().filter(|header| header.0 == name).map(|header| header.1).last()
    }

    /// All headers; their names are in lower case.
    pub(in crate::sources) fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

fn split_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let (line, rest) = end.map_or((bytes, &[][..]), |end| (&bytes[..end], &bytes[end + 1..]));
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}

/// What a server says of the version of a file.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::sources) struct Tag {
    etag: Option<String>,
    modified: Option<String>,
}

impl Tag {
    /// Reads the headers of the last answer: those before it sent the request elsewhere.
    ///
    /// # Errors
    /// It is none that has the file.
    pub(in crate::sources) fn read(headers: &str) -> Result<Self> {
        let mut answer = Answer::default();
        for line in headers.lines().map(str::trim) {
            answer.add(line);
        }
        // With 416 curl is content: what came before may be the whole, which its checksum tells.
        let fine = matches!(answer.status, 0 | 200..300 | 416);
        demand!(fine, code::NO_ANSWER_OF_USE, "the server answers {}", answer.status);
        let header = |name| answer.header(name).map(str::to_owned);
        Ok(Self { etag: header("etag"), modified: header("last-modified") })
    }

    pub(in crate::sources) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(in crate::sources) fn changes(&self, now: &Self) -> Vec<Change> {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".into());
        let mut changes = Vec::new();
        if self.etag != now.etag {
            changes.push(Change::property("ETag", text(&self.etag), text(&now.etag)));
        } else if self.etag.is_none() && self.modified != now.modified {
            changes.push(Change::property(
                "Last-Modified",
                text(&self.modified),
                text(&now.modified),
            ));
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_answer_counts() {
        let tag = Tag::read(
            "HTTP/1.1 302 Found\r\nETag: \"old\"\r\nLocation: /x\r\n\r\n\
             HTTP/2 200\r\nlast-modified: Sat, 01 Jan 2022 00:00:00 GMT\r\n\r\n",
        )
        .unwrap();
        assert_eq!(tag.etag, None);
        assert_eq!(tag.modified.as_deref(), Some("Sat, 01 Jan 2022 00:00:00 GMT"));
        let tagged = Tag::read("  HTTP/1.1 200 OK\n  ETag: \"a:b\"\n").unwrap();
        assert_eq!(tagged.etag.as_deref(), Some("\"a:b\""));
        assert_eq!(tagged.changes(&tagged), []);
        assert_eq!(tag.changes(&tagged)[0].to_string(), "ETag none → \"a:b\"");
    }

    #[test]
    fn an_answer_that_has_no_file_is_an_error() {
        for headers in ["HTTP/1.1 301 Moved\r\n\r\n", "HTTP/2 200\r\n\r\nHTTP/2 404 \r\n\r\n"] {
            assert!(Tag::read(headers).unwrap_err().to_string().starts_with("the server answers"));
        }
        assert!(Tag::read("220 Ready\r\n").unwrap().is_empty());
    }

    #[test]
    fn what_follows_the_headers_is_kept_as_it_is() {
        let answer = Answer::read(
            b"HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 401 No\r\nA: 1\r\na: 2:3\r\n\r\nx\r\n\r\n\xff",
        );
        let answer = answer.unwrap();
        assert_eq!((answer.status, answer.header("a")), (401, Some("2:3")));
        assert_eq!(answer.body, b"x\r\n\r\n\xff");
        assert!(Answer::read(b"220 Ready\r\n").is_err());
    }
}
