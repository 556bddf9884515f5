//! What of a certificate differs from what is wanted.

use togusa_core::fault;
use togusa_core::host::{Entry, Ownership};
use togusa_core::prelude::*;
use togusa_core::problem::code;

use super::client::Client;
use super::key_type::KeyType;
use super::present::{Present, behind};
use super::{AcmeCertificate, Resolved};

/// How many days before its end a certificate is renewed; at most a third of the time that it holds.
const RENEW_BEFORE: u64 = 30;

impl AcmeCertificate {
    /// The authority that the client says to have it from.
    pub(super) fn recorded(&self, probe: &Probe<'_>) -> Result<Option<String>> {
        let record = &self.resolved()?.places.record;
        let there = probe.entry(record)?.filter(Entry::is_file);
        let text = there.map(|_| probe.read_to_string(record)).transpose()?;
        Ok(text.and_then(|text| self.client.recorded(&text)))
    }

    /// What of the certificate differs, so that a new one is needed.
    pub(super) fn differences(&self, probe: &Probe<'_>, present: &Present) -> Result<Vec<Change>> {
        let missing = [("key", present.has_key), ("certificate", present.has_certificate)];
        let missing = missing.into_iter().filter(|(_, is_there)| !is_there);
        let mut changes: Vec<_> = missing.map(|(what, _)| Change::create(what)).collect();
        if !changes.is_empty() {
            return Ok(changes);
        }
        let Some(facts) = &present.facts else {
            return Ok(vec!["what the certificate holds is no certificate".into()]);
        };
        changes.extend(facts.names_change(&self.names));
        let kind = KeyType::of(&facts.public_key);
        if kind != Some(self.key_type) {
            let kind = kind.map_or("another", KeyType::name);
            changes.push(Change::property("type of the key", kind, self.key_type.name()));
        }
        let wanted = self.client.known_by(&self.authority);
        let record = self.recorded(probe)?;
        if record.as_ref() != Some(&wanted) {
            let record = record.unwrap_or_else(|| "unknown".into());
            changes.push(Change::property("authority", record, wanted));
        }
        let renew_before = match self.renew_before {
            Some(days) => days.into(),
            None => RENEW_BEFORE.min(facts.days() / 3),
        };
        if facts.has_expired() || facts.days_left() < renew_before {
            changes.push(facts.expiry().into());
        }
        if !present.is_whole() {
            changes.push("the key does not belong to the certificate".into());
        }
        Ok(changes)
    }

    /// Each file and directory that there is, with the mode and group it is to have.
    pub(super) fn accessible(
        &self,
        probe: &Probe<'_>,
    ) -> Result<Vec<(&str, HostPath, Entry, Ownership)>> {
        let Resolved { places, key_mode, .. } = self.resolved()?;
        let mut all = Vec::new();
        let is_open = key_mode & 0o070 != 0;
        if let Some((path, entry)) = behind(probe, &places.key)? {
            let ownership = Ownership { group: self.group.clone(), ..Ownership::mode(*key_mode) };
            all.push((" of the key", path, entry, ownership));
        }
        if let (true, Some((path, entry))) = (is_open, behind(probe, &places.certificate)?) {
            let mode = entry.mode | 0o444;
            all.push((" of the certificate", path, entry, Ownership::mode(mode)));
        }
        if let (true, Some(entry)) =
            (self.combined, probe.entry(&places.combined)?.filter(Entry::is_file))
        {
            let ownership = Ownership { group: self.group.clone(), ..Ownership::mode(*key_mode) };
            all.push((" of the combined file", places.combined.clone(), entry, ownership));
        }
        for path in places.closed.iter().filter(|_| is_open) {
            if let Some(entry) = probe.entry(path)?.filter(Entry::is_directory) {
                if entry.mode & 0o011 != 0o011 {
                    self.demand_hidden_keys(probe)?;
                }
                let ownership = Ownership::mode(entry.mode | 0o011);
                all.push(("", path.clone(), entry, ownership));
            }
        }
        Ok(all)
    }

    /// Refuses to open directories where everybody could then read the key of another certificate.
    fn demand_hidden_keys(&self, probe: &Probe<'_>) -> Result {
        let places = &self.resolved()?.places;
        let own = behind(probe, &places.key)?.map(|(path, _)| path);
        for path in probe.glob(&places.keys)? {
            let is_other = own.as_ref() != Some(&path);
            let entry = probe.entry(&path)?.filter(|entry| is_other && entry.is_file());
            if entry.is_some_and(|entry| entry.mode & 0o007 != 0) {
                let shown = probe.local(&path);
                return Err(fault!(
                    code::KEY_READABLE,
                    "`{}` would be readable by everybody if a group could pass its directory",
                    shown.display()
                ))
                .hint("take that right away from it, by `chmod o=`, or name no group");
            }
        }
        Ok(())
    }

    /// The content of the file that is to hold both; nothing where it is not asked for, or while there
    /// is nothing to combine.
    fn both(&self, probe: &Probe<'_>) -> Result<Option<Vec<u8>>> {
        if !self.combined {
            return Ok(None);
        }
        let places = &self.resolved()?.places;
        let mut both = Vec::new();
        for path in [&places.certificate, &places.key] {
            let Some((path, _)) = behind(probe, path)?.filter(|(_, entry)| entry.is_file()) else {
                return Ok(None);
            };
            both.extend(probe.read(&path)?);
        }
        Ok(Some(both))
    }

    /// Whether a file that holds both is one of before, which nobody renews any more. That of lego may be
    /// its own.
    fn keeps_old_one(&self) -> bool {
        !self.combined && self.client == Client::Certbot
    }

    /// How the file that holds both differs.
    pub(super) fn combined_change(&self, probe: &Probe<'_>) -> Result<Option<Change>> {
        let path = &self.resolved()?.places.combined;
        let is_there = probe.entry(path)?.is_some_and(|entry| entry.is_file());
        Ok(match self.both(probe)? {
            Some(both) if is_there && probe.read(path)? == both => None,
            Some(_) if is_there => Some("the combined file holds something else".into()),
            _ if is_there && self.keeps_old_one() => Some(Change::remove("combined file")),
            // Also where there is nothing to combine yet.
            _ => (self.combined && !is_there).then(|| Change::create("combined file")),
        })
    }

    /// Writes the file that holds both.
    pub(super) fn combine(&self, machine: &Machine<'_>) -> Result {
        let Resolved { places, key_mode, .. } = self.resolved()?;
        if self.combined_change(machine)?.is_none() {
            return Ok(());
        }
        let Some(both) = self.both(machine)? else { return machine.remove(&places.combined) };
        machine.create_leading(&places.combined)?;
        let ownership = Ownership { group: self.group.clone(), ..Ownership::mode(*key_mode) };
        machine.replace(&places.combined, &both, &ownership)
    }
}
