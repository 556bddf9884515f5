//! The values that a key can have, each a type that refuses what it is not.

use std::time::Duration;

use togusa_core::attributes::{FromValue, Reader};
use togusa_core::environment::Connect;
use togusa_core::value::{Value, ValueKind};

/// A directory on a host: absolute, or below the home; without a slash at its end.
pub(crate) struct Directory(pub(crate) String);

/// A text of one line that is not empty and cannot pass for an option of a command.
pub(crate) struct Word(pub(crate) String);

/// The path of a file, on one line.
pub(crate) struct File(pub(crate) String);

/// A port, from 1.
pub(crate) struct Port(pub(crate) u16);

/// A number of things at once, from 1.
pub(crate) struct Count(pub(crate) usize);

/// A duration longer than nothing.
pub(crate) struct Timeout(pub(crate) Duration);

/// How a host is reached.
pub(crate) struct Way(pub(crate) Connect);

/// A name or address that a host is connected to by.
pub(crate) struct HostAddress(pub(crate) String);

impl FromValue for Directory {
    fn from_value(value: &Value, reader: &mut Reader<'_>) -> Option<Self> {
        let text = String::from_value(value, reader)?;
        let rooted = text.starts_with('/') || text == "~" || text.starts_with("~/");
        if !rooted || text.contains(char::is_control) {
            reader.refuse(value, format!("{text:?} is neither absolute nor below `~/`"));
            return None;
        }
        let short = text.trim_end_matches('/');
        Some(Self(if short.is_empty() { "/".into() } else { short.into() }))
    }

    fn type_name() -> String {
        "directory".into()
    }
}

impl FromValue for Word {
    fn from_value(value: &Value, reader: &mut Reader<'_>) -> Option<Self> {
        let text = String::from_value(value, reader)?;
        if text.is_empty() {
            reader.refuse(value, "it is empty");
            return None;
        }
        if text.starts_with('-') || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            reader.refuse(value, format!("{text:?} holds blanks or starts with `-`"));
            return None;
        }
        Some(Self(text))
    }

    fn type_name() -> String {
        "string".into()
    }
}

impl FromValue for File {
    fn from_value(value: &Value, reader: &mut Reader<'_>) -> Option<Self> {
        let text = String::from_value(value, reader)?;
        if text.trim().is_empty() || text.contains(char::is_control) {
            reader.refuse(value, format!("{text:?} is no path"));
            return None;
        }
        Some(Self(text))
    }

    fn type_name() -> String {
        "path".into()
    }
}

impl FromValue for Port {
    fn from_value(value: &Value, reader: &mut Reader<'_>) -> Option<Self> {
        let port = u16::from_value(value, reader)?;
        if port == 0 {
            reader.refuse(value, "0 is no port");
            return None;
        }
        Some(Self(port))
    }

    fn type_name() -> String {
        "port".into()
    }
}

impl FromValue for Count {
    fn from_value(value: &Value, reader: &mut Reader<'_>) -> Option<Self> {
        if let ValueKind::Integer(number @ ..=0) = value.kind {
            reader.refuse(value, format!("{number} is less than 1"));
            return None;
        }
        usize::from_value(value, reader).map(Self)
    }

    fn type_name() -> String {
        "number from 1".into()
    }
}

impl FromValue for Timeout {
    fn from_value(value: &Value, reader: &mut Reader<'_>) -> Option<Self> {
        let timeout = Duration::from_value(value, reader)?;
        if timeout.is_zero() {
            reader.refuse(value, "it is no time at all");
            return None;
        }
        Some(Self(timeout))
    }

    fn type_name() -> String {
        Duration::type_name()
    }
}

impl FromValue for Way {
    fn from_value(value: &Value, reader: &mut Reader<'_>) -> Option<Self> {
        match String::from_value(value, reader)?.as_str() {
            "ssh" => Some(Self(Connect::Ssh)),
            "local" => Some(Self(Connect::Local)),
            other => {
                reader.refuse(value, format!("expected \"ssh\" or \"local\", found {other:?}"));
                None
            }
        }
    }

    fn type_name() -> String {
        "\"ssh\" or \"local\"".into()
    }
}

impl FromValue for HostAddress {
    fn from_value(value: &Value, reader: &mut Reader<'_>) -> Option<Self> {
        let Word(text) = Word::from_value(value, reader)?;
        if let Some(reason) = wrong_address(&text) {
            reader.refuse(value, reason);
            return None;
        }
        Some(Self(text))
    }

    fn type_name() -> String {
        "name or address".into()
    }
}

fn wrong_address(text: &str) -> Option<String> {
    if text.contains(['/', '@', '[', ']']) {
        return Some(format!("{text:?} is neither a name nor an address"));
    }
    if text.contains(':') {
        let literal = text.split('%').next().unwrap_or(text);
        let wrong = literal.parse::<std::net::Ipv6Addr>().is_err();
        return wrong.then(|| format!("{text:?} is no IPv6 address; a port is set with `port`"));
    }
    let looks_like_v4 = text.chars().all(|c| c.is_ascii_digit() || c == '.');
    let wrong = looks_like_v4 && text.parse::<std::net::Ipv4Addr>().is_err();
    wrong.then(|| format!("{text:?} is no IPv4 address"))
}
