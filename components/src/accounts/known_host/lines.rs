//! The lines of `known_hosts`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use togusa_core::fault;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::accounts::public_key::PublicKey;

/// The mark of a hashed name, in the one way to hash that OpenSSH knows.
const HASHED: &str = "|1|";

/// A name as only who knows it recognizes it.
pub(super) fn hash(name: &str) -> Result<String> {
    let mut salt = [0; 20];
    getrandom::fill(&mut salt)
        .map_err(|error| fault!(code::THIS_MACHINE, "the system has no random bytes: {error}"))?;
    let mac = mac(&salt, name)?.finalize().into_bytes();
    Ok(format!("{HASHED}{}|{}", BASE64.encode(salt), BASE64.encode(mac)))
}

fn mac(salt: &[u8], name: &str) -> Result<Hmac<Sha1>> {
    let mac = Hmac::<Sha1>::new_from_slice(salt)
        .map_err(|error| fault!(code::DEFECT, "no such salt: {error}"))?;
    Ok(mac.chain_update(name))
}

/// Whether the first word of a line names the host itself, as it is or hashed.
fn names(field: &str, name: &str) -> bool {
    let Some(hashed) = field.strip_prefix(HASHED) else {
        return field.split(',').any(|one| one.eq_ignore_ascii_case(name));
    };
    let found = || {
        let (salt, hash) = hashed.split_once('|')?;
        let (salt, hash) = (BASE64.decode(salt).ok()?, BASE64.decode(hash).ok()?);
        mac(&salt, name).ok()?.verify_slice(&hash).ok()
    };
    found().is_some()
}

/// A line for a host.
struct Line<'a> {
    names: &'a str,
    key: PublicKey,
}

impl<'a> Line<'a> {
    /// Reads a line that names the host; `None` for others, and for what is marked with `@`.
    fn of(line: &'a str, name: &str) -> Option<Self> {
        let line = line.trim();
        let (field, rest) = line.split_once([' ', '\t'])?;
        if field.starts_with(['#', '@']) || !names(field, name) {
            return None;
        }
        Some(Self { names: field, key: PublicKey::find(rest)? })
    }

    /// The same line for the other hosts that it names.
    fn without(&self, raw: &str, name: &str) -> Option<String> {
        if self.names.starts_with(HASHED) {
            return None;
        }
        let others = self.names.split(',').filter(|one| !one.eq_ignore_ascii_case(name));
        let others = others.collect::<Vec<_>>().join(",");
        (!others.is_empty()).then(|| raw.trim().replacen(self.names, &others, 1))
    }
}

/// What is to be known of a host.
pub(super) struct Wanted<'a> {
    pub(super) name: &'a str,
    pub(super) keys: &'a [PublicKey],
    pub(super) absent: bool,
}

impl Wanted<'_> {
    /// The key that is given of the same type.
    fn given(&self, key: &PublicKey) -> Option<&PublicKey> {
        self.keys.iter().find(|given| given.kind == key.kind)
    }

    /// Whether a line must not name the host.
    fn refuses(&self, key: &PublicKey) -> bool {
        match self.given(key) {
            Some(given) => (given.blob == key.blob) == self.absent,
            None => self.absent && self.keys.is_empty(),
        }
    }

    /// Every difference.
    pub(super) fn changes(&self, text: &str) -> Vec<Change> {
        let present: Vec<_> = text
            .lines()
            .filter_map(|line| Line::of(line, self.name))
            .map(|line| line.key)
            .collect();
        let mut changes = Vec::new();
        for key in self.keys.iter().filter(|_| !self.absent) {
            if present.iter().any(|present| present.blob == key.blob) {
                continue;
            }
            let others = present.iter().find(|present| present.kind == key.kind);
            changes.push(match others {
                None => Change::create(format!("key {} {}", key.kind, key.end())),
                Some(other) => {
                    Change::property(format!("key {}", key.kind), other.end(), key.end())
                }
            });
        }
        for key in present.iter().filter(|key| self.refuses(key)) {
            let replaced = self.given(key).is_some_and(|given| {
                !self.absent && !present.iter().any(|present| present.blob == given.blob)
            });
            if !replaced {
                changes.push(Change::remove(format!("key {} {}", key.kind, key.end())));
            }
        }
        changes
    }

    /// The file as it shall be; new lines name the host as it is `written`.
    pub(super) fn edit(&self, text: &str, written: &str) -> String {
        let mut lines = Vec::new();
        let mut found = Vec::new();
        for raw in text.lines() {
            match Line::of(raw, self.name) {
                Some(line) if self.refuses(&line.key) => lines.extend(line.without(raw, self.name)),
                line => {
                    found.extend(line.map(|line| line.key.blob));
                    lines.push(raw.to_owned());
                }
            }
        }
        let missing = self.keys.iter().filter(|key| !self.absent && !found.contains(&key.blob));
        lines.extend(missing.map(|key| format!("{written} {} {}", key.kind, key.blob)));
        lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::public_key::tests::key;

    fn edit(name: &str, keys: &[&String], absent: bool, text: &str) -> (String, Vec<String>) {
        let keys: Vec<_> = keys.iter().map(|key| PublicKey::parse(key).unwrap()).collect();
        let wanted = Wanted { name, keys: &keys, absent };
        let edited = wanted.edit(text, name);
        assert_eq!(wanted.changes(&edited), [], "the second time changes something");
        assert_eq!(wanted.edit(&edited, name), edited);
        (edited, wanted.changes(text).iter().map(ToString::to_string).collect())
    }

    #[test]
    fn keys_of_each_type_are_added_or_replaced() {
        let [new, old] = [1, 2].map(|last| key("ssh-ed25519", last));
        let rsa = key("ssh-rsa", 3);
        let added = edit("web", &[&new], false, &format!("web {rsa}\n"));
        let both = format!("web {rsa}\nweb {new}\n");
        assert_eq!(added, (both, vec!["create key ssh-ed25519 …AQEBAQEB".to_owned()]));

        let text = format!("# hosts\nweb,10.0.0.1 {old} note\n*.web {old}\n@revoked web {old}");
        let (edited, changes) = edit("web", &[&new], false, &text);
        let rest = format!("10.0.0.1 {old} note\n*.web {old}\n@revoked web {old}\nweb {new}\n");
        assert_eq!(edited, format!("# hosts\n{rest}"));
        assert_eq!(changes, ["key ssh-ed25519 …AgICAgIC → …AQEBAQEB"]);

        let both = format!("WEB {new}\nweb {old}\n");
        let (edited, changes) = edit("web", &[&new], false, &both);
        assert_eq!((edited, changes.len()), (format!("WEB {new}\n"), 1));
    }

    #[test]
    fn a_hashed_name_is_found() {
        // Written by `ssh-keygen -H` of OpenSSH 9.2.
        let line = "|1|8TBXs1YeUFuQRtObAKqdVG+3wP0=|PLP0egrpIUTG8VFVPBsJ9VUjNds=";
        assert!(names(line, "192.168.1.61") && !names(line, "192.168.1.62"));
        let own = hash("[web]:2222").unwrap();
        assert!(names(&own, "[web]:2222") && !names(&own, "web"));
        let [new, old] = [1, 2].map(|last| key("ssh-ed25519", last));
        let (edited, _) = edit("[web]:2222", &[&new], false, &format!("{own} {old}\n"));
        assert_eq!(edited, format!("[web]:2222 {new}\n"));
        for broken in ["|1|", "|1|a|b", "|1|!|!", "|2|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|x"] {
            assert!(!names(broken, "web"));
        }
    }

    #[test]
    fn a_host_is_forgotten_with_all_keys_or_those_that_are_given() {
        let [ed, rsa] = [key("ssh-ed25519", 1), key("ssh-rsa", 2)];
        let text = format!("web {ed}\nweb,db {rsa}\n");
        assert_eq!(
            edit("web", &[], true, &text),
            (
                format!("db {rsa}\n"),
                vec![
                    "remove key ssh-ed25519 …AQEBAQEB".to_owned(),
                    "remove key ssh-rsa …AgICAgI=".to_owned(),
                ]
            )
        );
        assert_eq!(edit("web", &[&ed], true, &text).0, format!("web,db {rsa}\n"));
    }
}
