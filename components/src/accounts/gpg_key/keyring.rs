//! What gpg tells of keys.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use togusa_core::fault::CodeExt as _;
use togusa_core::host::Snapshot;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::foreign;

/// The keys of a keyring, or of a text.
#[derive(Debug, Default)]
pub(super) struct Keyring {
    keys: Vec<Key>,
    /// Where secret keys lie, each in a file that has the name of its keygrip.
    secrets: Option<HostPath>,
}

/// A key with its subkeys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) fingerprint: String,
    pub(super) is_secret: bool,
    /// A letter: how much it is trusted to vouch for others.
    pub(super) trust: String,
    names: BTreeSet<String>,
    /// By fingerprint, the key itself too: when they expire, in seconds since 1970.
    parts: BTreeMap<String, Option<u64>>,
    grips: Vec<String>,
}

impl Key {
    /// The last letters of the fingerprint, with a name.
    pub(super) fn shown(&self) -> String {
        let start = self.fingerprint.len().saturating_sub(16);
        let short = self.fingerprint.get(start..).unwrap_or_default();
        match self.names.first() {
            Some(name) => format!("{short} ({name})"),
            None => short.to_owned(),
        }
    }
}

/// Reads what `gpg --with-colons` prints: lines of fields, for each key, its names and its subkeys;
/// `stubs` are those whose secret is left out.
fn parse(text: &str, stubs: &BTreeSet<String>) -> Vec<Key> {
    let mut keys = Vec::<Key>::new();
    let (mut expires, mut is_stub) = (None, false);
    for line in text.lines() {
        let fields: Vec<_> = line.split(':').collect();
        let field = |number: usize| fields.get(number - 1).copied().unwrap_or_default();
        let kind = field(1);
        if ["pub", "sec"].contains(&kind) {
            let (is_secret, trust) = (kind == "sec", field(9).to_owned());
            keys.push(Key { is_secret, trust, ..Key::default() });
        }
        let Some(key) = keys.last_mut() else { continue };
        match kind {
            "pub" | "sec" | "sub" | "ssb" => {
                expires = field(7).parse().ok();
                is_stub = stubs.contains(field(5));
            }
            "fpr" => {
                let fingerprint = field(10).to_owned();
                if key.fingerprint.is_empty() {
                    key.fingerprint.clone_from(&fingerprint);
                }
                key.parts.insert(fingerprint, expires);
            }
            "grp" if !is_stub => key.grips.push(field(10).to_owned()),
            "uid" if field(2) != "r" => {
                key.names.insert(field(10).replace("\\x3a", ":"));
            }
            _ => {}
        }
    }
    keys
}

/// The secret keys of a text whose secret is not in it: left out by `--export-secret-subkeys`, or on a
/// card. Only the packets tell, as `gpg --list-packets` prints them: each with the key's number below.
fn stubs(text: &str) -> BTreeSet<String> {
    let mut stubs = BTreeSet::new();
    let mut is_stub = false;
    for line in text.lines() {
        if line.starts_with([':', '#']) {
            is_stub = false;
        }
        is_stub |= ["gnu-dummy", "gnu-divert-to-card"].iter().any(|word| line.contains(word));
        let id = line.trim_start().strip_prefix("keyid: ").filter(|_| is_stub);
        stubs.extend(id.map(|id| id.trim_end().to_owned()));
    }
    stubs
}

/// Keyrings that were looked at, by user and directory.
#[derive(Default)]
struct Known(Mutex<BTreeMap<(String, String), Arc<Keyring>>>);

impl Snapshot for Known {
    fn take(_: &Probe<'_>) -> Result<Self> {
        Ok(Self::default())
    }
}

impl Keyring {
    /// The keys that a text has. Nothing is written for it.
    pub(super) fn read(probe: &Probe<'_>, text: &[u8]) -> Result<Vec<Key>> {
        let ask = |command: &[&str]| -> Result<String> {
            let gpg = foreign::program("gpg").args(["--batch", "--no-tty", "--no-options"]);
            let gpg = gpg.args(["--no-keyring", "--trust-model", "always", "--homedir", "/"]);
            let gpg = gpg.arg("--no-autostart").args(command.iter().copied());
            let told = foreign::of_package(probe.query(&gpg.stdin(text).sensitive()), "gpg");
            let told = told
                .context("gpg cannot read the key")
                .code(code::GPG_KEY)
                .hint("give it what `gpg --armor --export` prints, with its first and last line")?;
            Ok(told.stdout_text())
        };
        let shown = ask(&["--with-colons", "--with-keygrip", "--show-keys"])?;
        let keys = parse(&shown, &BTreeSet::new());
        if !keys.iter().any(|key| key.is_secret) {
            return Ok(keys);
        }
        Ok(parse(&shown, &stubs(&ask(&["--list-packets"])?)))
    }

    /// The keyring in a directory, asked for at most once until something is changed.
    pub(super) fn of(probe: &Probe<'_>, user: &str, home: &HostPath) -> Result<Arc<Self>> {
        let known = probe.snapshot::<Known>()?;
        let mut known = known.0.lock().unwrap_or_else(PoisonError::into_inner);
        let name = (user.to_owned(), home.as_str().to_owned());
        if let Some(keyring) = known.get(&name) {
            return Ok(Arc::clone(keyring));
        }
        let keyring = Arc::new(Self::look(probe, user, home)?);
        known.insert(name, Arc::clone(&keyring));
        Ok(keyring)
    }

    /// Forgets what was asked for.
    pub(super) fn forget(machine: &Machine<'_>) {
        machine.invalidate::<Known>();
    }

    fn look(probe: &Probe<'_>, user: &str, home: &HostPath) -> Result<Self> {
        let secrets = Some(home.join("private-keys-v1.d"));
        // gpg would make one.
        let files = ["pubring.kbx", "pubring.gpg", "public-keys.d"].map(|name| home.join(name));
        let mut is_there = false;
        for file in &files {
            is_there |= probe.entry(file)?.is_some();
        }
        if !is_there {
            return Ok(Self { keys: Vec::new(), secrets });
        }
        let gpg = foreign::program("gpg").args(["--batch", "--no-tty", "--homedir", home.as_str()]);
        let gpg = gpg.args(["--no-auto-check-trustdb", "--no-autostart", "--with-colons"]);
        let listed = probe.query(&gpg.args(["--with-keygrip", "--list-keys"]).user(user));
        let listed = foreign::of_package(listed, "gpg")?.stdout_text();
        let keys = parse(&listed, &BTreeSet::new());
        Ok(Self { keys, secrets })
    }

    pub(super) fn key(&self, fingerprint: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.fingerprint == fingerprint)
    }

    /// Whether a secret key lies beside a key.
    pub(super) fn has_secret(&self, probe: &Probe<'_>, key: &Key) -> Result<bool> {
        for grip in &key.grips {
            if self.has_grip(probe, grip)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn has_grip(&self, probe: &Probe<'_>, grip: &str) -> Result<bool> {
        let Some(secrets) = &self.secrets else { return Ok(false) };
        Ok(probe.entry(&secrets.join(format!("{grip}.key")))?.is_some())
    }

    /// What of a key is missing.
    pub(super) fn lacks(&self, probe: &Probe<'_>, wanted: &Key) -> Result<Vec<Change>> {
        let Some(present) = self.key(&wanted.fingerprint) else {
            let kind = if wanted.is_secret { "secret key" } else { "key" };
            return Ok(vec![Change::create(format!("{kind} {}", wanted.shown()))]);
        };
        let mut changes = present.lacking(wanted);
        if wanted.is_secret {
            for grip in &wanted.grips {
                if !self.has_grip(probe, grip)? {
                    changes.push(Change::create(format!("secret key {}", wanted.shown())));
                    break;
                }
            }
        }
        Ok(changes)
    }
}

impl Key {
    fn lacking(&self, wanted: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        for (fingerprint, expires) in &wanted.parts {
            let start = fingerprint.len().saturating_sub(16);
            let short = fingerprint.get(start..).unwrap_or_default();
            let later = |time: Option<u64>| time.unwrap_or(u64::MAX);
            match self.parts.get(fingerprint) {
                None => changes.push(Change::create(format!("subkey {short}"))),
                Some(present) if later(*present) < later(*expires) => {
                    changes.push(format!("key {short} expires later").into());
                }
                Some(_) => {}
            }
        }
        for name in wanted.names.difference(&self.names) {
            changes.push(Change::create(format!("name {name}")));
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Printed by gpg 2.2.40: `gpg --show-keys --with-colons --with-keygrip`.
    const SECRET: &str = include_str!("fixtures/secret.txt");

    fn recorded() -> Key {
        parse(SECRET, &BTreeSet::new()).remove(0)
    }

    #[test]
    fn a_key_is_read_with_all_that_it_has() {
        let key = recorded();
        assert_eq!(key.fingerprint, "A46504B7116B3E3C07267EB137C0354D5E053769");
        assert_eq!((key.is_secret, &*key.trust, key.parts.len()), (true, "u", 2));
        assert_eq!(key.parts[&key.fingerprint], Some(1_925_035_200));
        assert_eq!(key.shown(), "37C0354D5E053769 (Anna <anna@example.org>)");
        assert_eq!(key.grips.len(), 2);
        assert_eq!(parse("tru::1:1795275097:1925035200:3:1:5\n", &BTreeSet::new()), []);
    }

    /// Printed by gpg 2.2.40, shortened: `gpg --list-packets`, of what `--export-secret-subkeys` gave.
    #[test]
    fn a_secret_that_is_left_out_is_not_looked_for() {
        let packets = "# off=0 ctb=94 tag=5 hlen=2 plen=59\n:secret key packet:\n\
                       \tversion 4, algo 22, created 1795278503, expires 0\n\
                       \tgnu-dummy S2K, algo: 0, simple checksum, hash: 0\n\tprotect IV: \n\
                       \tkeyid: 37C0354D5E053769\n# off=61 ctb=b4 tag=13 hlen=2 plen=17\n\
                       :user ID packet: \"x <x@example.org>\"\n# off=232 ctb=9c tag=7 hlen=2 plen=88\n\
                       :secret sub key packet:\n\tversion 4, algo 22, created 1795278504, expires 0\n\
                       \tskey[2]: [v4 protected]\n\tkeyid: 2132E048012DB880\n";
        let stubs = stubs(packets);
        assert_eq!(stubs.iter().collect::<Vec<_>>(), ["37C0354D5E053769"]);
        assert_eq!(parse(SECRET, &stubs)[0].grips, recorded().grips[1..]);
    }

    #[test]
    fn what_a_key_lacks_is_seen_and_what_it_has_besides_is_not() {
        let wanted = recorded();
        let mut present = recorded();
        present.names.insert("Another".into());
        present.parts.values_mut().for_each(|expires| *expires = None);
        assert_eq!(present.lacking(&wanted), []);
        let seen = |present: &Key| -> Vec<String> {
            present.lacking(&wanted).iter().map(Change::to_string).collect()
        };
        present.names.clear();
        present.parts.retain(|fingerprint, _| *fingerprint == wanted.fingerprint);
        let lacks = ["create subkey 2132E048012DB880", "create name Anna <anna@example.org>"];
        assert_eq!(seen(&present), lacks);
        let mut older = recorded();
        older.parts.insert(wanted.fingerprint.clone(), Some(1));
        assert_eq!(seen(&older), ["key 37C0354D5E053769 expires later"]);
    }
}
