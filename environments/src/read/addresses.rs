//! `[addresses]`: which families names need, and addresses that win over the resolver's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use togusa_core::address::Family;
use togusa_core::attributes::{FromValue, Reader};
use togusa_core::environment::{AddressPolicy, Override};
use togusa_core::problem::{Problem, code};
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
            Problem::new(code::NO_ADDRESS_FAMILY, "neither IPv4 nor IPv6 addresses are left")
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
    Problem::new(code::ADDRESS_WITHOUT_NAME, "an address is given to an empty name").at(place)
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
                let mut fits = true;
                for value in values {
                    fits &= element(value, &mut given, reader);
                }
                fits
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

#[cfg(test)]
mod tests {
    use crate::tests::check;

    fn addresses(text: &str) -> String {
        check(&format!("[hosts.a]\n[addresses]\n{text}"))
    }

    #[test]
    fn overrides_are_an_address_several_or_a_table() {
        assert_eq!(
            addresses(
                "a = '10.0.0.1'\nb = '2001:db8::1'\nc = ['::2', '10.0.0.2']\n\
                 'd.lan' = { v4 = '10.0.0.3', v6 = '::3' }\ne.v6 = '::4'"
            ),
            "a = 10.0.0.1\nb = 2001:db8::1\nc = 10.0.0.2 ::2\nd.lan = 10.0.0.3 ::3\ne = ::4\na"
        );
    }

    #[test]
    fn each_family_is_required_optional_or_off() {
        assert_eq!(addresses("require_v4 = false\nrequire_v6 = true"), "v4=Off v6=Required\na");
        assert_eq!(addresses("require_v4 = 'optional'"), "v4=Optional v6=Optional\na");
        assert_eq!(
            addresses("require_v4 = 'maybe'\nrequire_v6 = 1"),
            "3:14: key `require_v4`: expected true, false or \"optional\", found a string (\"maybe\")\n\
             4:14: key `require_v6`: expected true, false or \"optional\", found an integer (1)"
        );
    }

    #[test]
    fn switching_both_families_off_is_an_error() {
        assert_eq!(
            addresses("require_v4 = false\nrequire_v6 = false"),
            "4:1: neither IPv4 nor IPv6 addresses are left\n  \
             hint: set one of `require_v4` and `require_v6` to `true` or \"optional\""
        );
    }

    #[test]
    fn every_address_that_does_not_parse_is_told_with_its_place() {
        assert_eq!(
            addresses(
                "a = '10.0.0.256'\nb = ['x', '::1', ':::', 3]\nc = { v4 = '::1', v6 = '10.0.0.1' }\n\
                 d = 5\ne = []\nf = {}\ng = { v5 = '::1' }\nh = ['10.0.0.1', '10.0.0.2']\n'' = '::1'"
            ),
            "3:5: key `a`: \"10.0.0.256\" is no IPv4 or IPv6 address\n\
             4:6: key `b`: \"x\" is no IPv4 or IPv6 address\n\
             4:18: key `b`: \":::\" is no IPv4 or IPv6 address\n\
             4:25: key `b`: expected a string, found an integer (3)\n\
             5:12: key `c.v4`: \"::1\" is no IPv4 address\n\
             5:24: key `c.v6`: \"10.0.0.1\" is no IPv6 address\n\
             6:5: key `d`: expected an address, an array of them or a table, found an integer (5)\n\
             7:5: key `e`: no address is given\n\
             8:5: key `f`: no address is given\n\
             9:7: unknown key `g.v5`\n  hint: did you mean `v4`?\n\
             10:18: key `h`: \"10.0.0.2\" is the second address of its family\n\
             11:1: an address is given to an empty name"
        );
    }
}
