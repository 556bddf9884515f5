//! `[addresses]`: which families names need, and addresses that win over the resolver's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use togusa_core::address::Family;
use togusa_core::attributes::{FromValue, Reader};
use togusa_core::environment::{AddressPolicy, Override};
use togusa_core::problem::Problem;
use togusa_core::value::{Table, Value, ValueKind};

use super::keys::{optional, reader};

/// Reads the section; every name but `require_v4` and `require_v6` is one to override.
pub(crate) fn policy(table: &Table, problems: &mut Vec<Problem>) -> AddressPolicy {
    let mut policy = AddressPolicy::default();
    let mut reader = reader(table);
    for name in table.0.keys() {
        match name.as_str() {
            "require_v4" => set(&mut policy.v4, &mut reader, name),
            "require_v6" => set(&mut policy.v6, &mut reader, name),
            "" => problems.push(empty_name(table)),
            _ => {
                if let Some(Given(given)) = optional(&mut reader, name) {
                    policy.overrides.insert(name.clone(), given);
                }
            }
        }
    }
    problems.extend(reader.finish());
    if policy.v4 == Family::Off && policy.v6 == Family::Off {
        let entry = table.0.get("require_v6").or_else(|| table.0.get("require_v4"));
        problems.push(
            Problem::new("neither IPv4 nor IPv6 addresses are left")
                .at(entry.and_then(|entry| entry.name_origin.clone()))
                .hint("set one of `require_v4` and `require_v6` to `true` or \"optional\""),
        );
    }
    policy
}

fn set(family: &mut Family, reader: &mut Reader<'_>, name: &str) {
    if let Some(Need(need)) = optional(reader, name) {
        *family = need;
    }
}

fn empty_name(table: &Table) -> Problem {
    let place = table.0.get("").and_then(|entry| entry.name_origin.clone());
    Problem::new("an address is given to an empty name").at(place)
}

struct Need(Family);

impl FromValue for Need {
    fn from_value(value: &Value, reader: &mut Reader<'_>) -> Option<Self> {
        match &value.kind {
            ValueKind::Boolean(true) => Some(Self(Family::Required)),
            ValueKind::Boolean(false) => Some(Self(Family::Off)),
            ValueKind::String(text) if text == "optional" => Some(Self(Family::Optional)),
            _ => {
                reader.mismatch("true, false or \"optional\"", value);
                None
            }
        }
    }

    fn type_name() -> String {
        "true, false or \"optional\"".into()
    }
}

struct Given(Override);

impl FromValue for Given {
    fn from_value(value: &Value, reader: &mut Reader<'_>) -> Option<Self> {
        let mut given = Override::default();
        let fits = match &value.kind {
            ValueKind::String(text) => literal(text, value, &mut given, reader),
            ValueKind::Array(values) => {
                // Not `all`: every address that is wrong is to be reported.
                values.iter().fold(true, |fits, value| element(value, &mut given, reader) && fits)
            }
            ValueKind::Table(table) => {
                let read = reader.nested(value, |reader| families(table, reader));
                given = read?;
                true
            }
            _ => {
                reader.mismatch("an address, an array of them or a table", value);
                false
            }
        };
        if fits && given == Override::default() {
            reader.refuse(value, "no address is given");
            return None;
        }
        fits.then_some(Self(given))
    }

    fn type_name() -> String {
        "addresses".into()
    }
}

fn families(table: &Table, reader: &mut Reader<'_>) -> Option<Override> {
    reader.no_others(&["v4", "v6"]);
    let v4 = reader.optional("v4", || Literal::<Ipv4Addr>(None));
    let v6 = reader.optional("v6", || Literal::<Ipv6Addr>(None));
    let known = table.0.keys().all(|name| name == "v4" || name == "v6");
    known.then_some(Override { v4: v4?.0, v6: v6?.0 })
}

struct Literal<T>(Option<T>);

macro_rules! literals {
    ($($type:ty => $name:literal),*) => {
        $(impl FromValue for Literal<$type> {
            fn from_value(value: &Value, reader: &mut Reader<'_>) -> Option<Self> {
                let text = String::from_value(value, reader)?;
                let parsed = text.parse().ok();
                if parsed.is_none() {
                    reader.refuse(value, format!("{text:?} is no {} address", $name));
                }
                parsed.map(|address| Self(Some(address)))
            }

            fn type_name() -> String {
                concat!($name, " address").into()
            }
        })*
    };
}

literals!(Ipv4Addr => "IPv4", Ipv6Addr => "IPv6");

fn element(value: &Value, given: &mut Override, reader: &mut Reader<'_>) -> bool {
    match String::from_value(value, reader) {
        Some(text) => literal(&text, value, given, reader),
        None => false,
    }
}

fn literal(text: &str, value: &Value, given: &mut Override, reader: &mut Reader<'_>) -> bool {
    let second = match text.parse() {
        Ok(IpAddr::V4(address)) => given.v4.replace(address).is_some(),
        Ok(IpAddr::V6(address)) => given.v6.replace(address).is_some(),
        Err(_) => {
            reader.refuse(value, format!("{text:?} is no IPv4 or IPv6 address"));
            return false;
        }
    };
    if second {
        reader.refuse(value, format!("{text:?} is the second address of its family"));
    }
    !second
}
