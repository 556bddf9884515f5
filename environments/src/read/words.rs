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

#[cfg(test)]
mod tests {
    use crate::tests::check;

    fn host(key: &str) -> String {
        check(&format!("[hosts.a]\n{key}"))
    }

    #[test]
    fn directories_are_absolute_or_below_the_home() {
        for key in ["target_directory", "store", "sandbox"] {
            for wrong in ["srv", "", "~app/x", "./x"] {
                assert_eq!(
                    host(&format!("{key} = '{wrong}'")),
                    format!(
                        "2:{}: key `{key}`: \"{wrong}\" is neither absolute nor below `~/`",
                        key.len() + 4
                    )
                );
            }
        }
        assert_eq!(host("target_directory = '/'"), "a in=/shop/dev");
        assert_eq!(host("target_directory = '~/'"), "a in=~/shop/dev");
    }

    #[test]
    fn numbers_start_at_one() {
        assert_eq!(host("jobs = -1"), "2:8: key `jobs`: -1 is less than 1");
        assert_eq!(host("port = 0"), "2:8: key `port`: 0 is no port");
        assert_eq!(host("port = 65536"), "2:8: key `port`: 65536 is not between 0 and 65535");
        assert_eq!(host("timeout = '0s'"), "2:11: key `timeout`: it is no time at all");
    }

    #[test]
    fn a_duration_has_a_unit() {
        assert_eq!(
            host("timeout = '10'"),
            "2:11: key `timeout`: \"10\" is no duration; write a number and a unit of ms, s, m, h or d"
        );
        assert_eq!(
            host("timeout = 10"),
            "2:11: key `timeout`: expected a duration such as \"10s\", found an integer (10)"
        );
    }

    #[test]
    fn a_host_is_reached_by_ssh_or_local() {
        assert_eq!(
            host("connect = 'shh'"),
            "2:11: key `connect`: expected \"ssh\" or \"local\", found \"shh\""
        );
    }

    #[test]
    fn words_that_reach_a_command_line_cannot_pass_for_options() {
        for key in ["user", "service_user", "platform", "target", "address"] {
            let place = key.len() + 4;
            assert_eq!(
                host(&format!("{key} = '-x'")),
                format!("2:{place}: key `{key}`: \"-x\" holds blanks or starts with `-`")
            );
            assert_eq!(
                host(&format!("{key} = ''")),
                format!("2:{place}: key `{key}`: it is empty")
            );
        }
        assert_eq!(host("ssh_config = ' '"), "2:14: key `ssh_config`: \" \" is no path");
    }

    #[test]
    fn an_address_is_a_name_or_a_literal_without_a_port() {
        assert_eq!(host("address = 'web1.lan'"), "a address=web1.lan");
        assert_eq!(host("address = 'fe80::1%eth0'"), "a address=fe80::1%eth0");
        assert_eq!(
            host("address = '10.0.0.300'"),
            "2:11: key `address`: \"10.0.0.300\" is no IPv4 address"
        );
        assert_eq!(
            host("address = 'web1:22'"),
            "2:11: key `address`: \"web1:22\" is no IPv6 address; a port is set with `port`"
        );
        assert_eq!(
            host("address = 'me@web1'"),
            "2:11: key `address`: \"me@web1\" is neither a name nor an address"
        );
    }
}
