//! URLs as they may be shown.

use std::fmt::Write as _;

use crate::file::Text;

/// A URL without user and password; one that is a secret is not shown.
pub(in crate::sources) fn shown(url: &Text) -> String {
    match url.as_str() {
        Ok(text) if !url.is_secret() => format!("`{}`", without_password(text)),
        _ => "a secret URL".to_owned(),
    }
}

/// The URL without what stands before an `@` in its host.
fn without_password(url: &str) -> String {
    split(url).0
}

/// A URL without user and password, and these two.
pub(super) fn split(url: &str) -> (String, Option<(String, String)>) {
    let Some((scheme, rest)) = url.split_once("://") else { return (url.to_owned(), None) };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let Some(at) = rest[..end].rfind('@') else { return (url.to_owned(), None) };
    let (user, password) = rest[..at].split_once(':').unwrap_or((&rest[..at], ""));
    (format!("{scheme}://{}", &rest[at + 1..]), Some((decoded(user), decoded(password))))
}

/// A part of a URL as it is meant: `%40` is an `@`.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let digits = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(byte.unwrap_or(bytes[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// A text as it stands in a URL; a `/` stays where it separates.
pub(in crate::sources) fn encoded(text: &str, separators: bool) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if plain || byte == b'/' && separators {
            encoded.push(char::from(byte));
        } else {
            // Writing into a text does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_user_and_password() {
        for (url, shown) in [
            ("https://a.org/x?y=@z", "https://a.org/x?y=@z"),
            ("https://u:p@a.org/x", "https://a.org/x"),
            ("https://u:p@q@a.org:80", "https://a.org:80"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }

    #[test]
    fn user_and_password_are_taken_out() {
        let (url, login) = split("ftp://me:a%40b%zz@a.org/x");
        assert_eq!((url.as_str(), login), ("ftp://a.org/x", Some(("me".into(), "a@b%zz".into()))));
        assert_eq!(split("http://a.org/x@y"), ("http://a.org/x@y".into(), None));
    }

    #[test]
    fn what_a_url_cannot_hold_is_written_otherwise() {
        assert_eq!(encoded("a b/ü+~.tar", true), "a%20b/%C3%BC%2B~.tar");
        assert_eq!(encoded("a/b", false), "a%2Fb");
    }
}
