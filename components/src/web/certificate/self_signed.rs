//! Certificates that sign themselves.

use togusa_core::host::Entry;
use togusa_core::prelude::*;

use crate::access;
use crate::file::File;

use super::facts::{self, Facts};

/// A certificate that signs itself, and its key, both made on the host.
#[derive(Debug)]
pub(super) struct SelfSigned {
    /// They stand for place, mode and owner; what they hold is not known before.
    certificate: File,
    key: File,
    names: Vec<String>,
    days: u32,
    renew_before: u32,
}

impl SelfSigned {
    pub(super) fn new(
        (certificate, key): (File, File),
        names: Vec<String>,
        days: u32,
        renew_before: u32,
    ) -> Self {
        Self { certificate, key, names, days, renew_before }
    }

    /// What of the files themselves differs, and whether they can be read at all.
    fn entries(&self, probe: &Probe<'_>) -> Result<(Vec<Change>, bool)> {
        let mut changes = Vec::new();
        let mut are_there = true;
        for (file, of) in [(&self.key, " of the key"), (&self.certificate, " of the certificate")] {
            let ownership = file.ownership(false);
            match probe.entry(file.path())? {
                Some(entry) if entry.is_file() => {
                    let wanted = access::Wanted::new(&ownership, probe)?;
                    changes.extend(wanted.changes(probe, &entry, of));
                }
                other => {
                    changes.extend(other.map(|entry| access::removed(&entry, of)));
                    let what = of.trim_start_matches(" of the ");
                    changes.push(access::created(what, &ownership));
                    are_there = false;
                }
            }
        }
        Ok((changes, are_there))
    }

    /// What of the certificate differs.
    fn differences(&self, probe: &Probe<'_>) -> Result<Vec<Change>> {
        let pem = probe.read(self.certificate.path())?;
        let Some(facts) = facts::of_certificate(probe, &pem)? else {
            return Ok(vec!["what the certificate holds is no certificate".into()]);
        };
        let mut changes = self.judge(&facts);
        let key = facts::public_key(probe, &probe.read(self.key.path())?)?;
        if key.as_deref() != Some(&facts.public_key) {
            changes.push("the key does not belong to the certificate".into());
        }
        Ok(changes)
    }

    fn judge(&self, facts: &Facts) -> Vec<Change> {
        let mut changes: Vec<_> = facts.names_change(&self.names).into_iter().collect();
        if facts.days() != u64::from(self.days) {
            changes.push(Change::property("days", facts.days(), self.days));
        }
        if facts.has_expired() || facts.days_left() < u64::from(self.renew_before) {
            changes.push(facts.expiry().into());
        }
        changes
    }
}

impl Component for SelfSigned {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.certificate.configure(scope)?;
        self.key.configure(scope)
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let (mut changes, are_there) = self.entries(probe)?;
        if are_there {
            changes.extend(self.differences(probe)?);
        }
        Ok(changes.into())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let (_, are_there) = self.entries(machine)?;
        if are_there && self.differences(machine)?.is_empty() {
            for file in [&self.key, &self.certificate] {
                if let Some(entry) = machine.entry(file.path())?.filter(Entry::is_file) {
                    access::mend(machine, file.path(), &entry, &file.ownership(false))?;
                }
            }
            return Ok(());
        }
        let (key, certificate) = facts::make(machine, &self.names, self.days)?;
        machine.replace(self.key.path(), key.expose(), &self.key.ownership(true))?;
        machine.replace(self.certificate.path(), &certificate, &self.certificate.ownership(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::time::{SystemTime, UNIX_EPOCH};

    #[test]
    fn each_difference_is_named() {
        let made = |names: &[&str], days, renew_before| SelfSigned {
            certificate: File::new("c"),
            key: File::new("k"),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            days,
            renew_before,
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let day = 24 * 60 * 60;
        let facts = Facts {
            names: BTreeSet::from(["a".into(), "::1".into()]),
            begin: now - 10 * day - 60,
            end: now + 20 * day - 60,
            ..Facts::default()
        };
        let told = |one: SelfSigned| -> Vec<String> {
            one.judge(&facts).iter().map(Change::to_string).collect()
        };
        assert!(told(made(&["a", "0:0::1"], 30, 20)).is_empty());
        assert_eq!(told(made(&["a"], 30, 20)), ["names ::1, a → a"]);
        assert_eq!(told(made(&["a", "::1"], 31, 20)), ["days 30 → 31"]);
        assert_eq!(told(made(&["a", "::1"], 30, 21)), ["expires in 20 days"]);
    }
}
