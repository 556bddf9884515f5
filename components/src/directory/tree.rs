//! What a directory shall hold, compared with what it holds.

use std::collections::{BTreeMap, BTreeSet};

use togusa_core::assets::{TreeEntry, TreeEntryKind};
use togusa_core::host::{Entry, Ownership};
use togusa_core::prelude::*;

use crate::access::{self, Wanted};
use crate::content::{Content, Shown};
use crate::globs::Parsed;

/// What a directory shall hold, by path below it; a directory comes before what it holds.
#[derive(Debug, Default)]
pub(super) struct Tree {
    items: BTreeMap<String, TreeEntryKind>,
    extras: Option<Parsed>,
    file_mode: Option<u32>,
}

/// One thing that is not as it shall be.
#[derive(Debug)]
pub(super) struct Difference<'a> {
    pub(super) changes: Vec<Change>,
    path: HostPath,
    action: Action<'a>,
}

#[derive(Debug)]
enum Action<'a> {
    Remove,
    CreateDirectory(Ownership),
    WriteFile(&'a Asset, Ownership),
    CreateSymlink(&'a str, Ownership),
    Mend(Entry, Ownership),
    MendFile(&'a Asset, Entry, Ownership),
}

impl Tree {
    pub(super) fn new(
        entries: Vec<TreeEntry>,
        exclude: Parsed,
        remove_extras: bool,
        file_mode: Option<u32>,
    ) -> Self {
        let mut items = BTreeMap::new();
        for entry in entries.into_iter().filter(|entry| !exclude.match_path(&entry.path)) {
            // Trees that are embedded in a binary hold files alone.
            for (end, _) in entry.path.match_indices('/') {
                items.entry(entry.path[..end].to_owned()).or_insert(TreeEntryKind::Directory);
            }
            items.insert(entry.path, entry.kind);
        }
        Self { items, extras: remove_extras.then_some(exclude), file_mode }
    }

    /// Records what is managed.
    pub(super) fn record(&self, top: &HostPath, scope: &mut Scope<'_>) {
        for (path, kind) in &self.items {
            let kind = match kind {
                TreeEntryKind::File(_) => "file",
                TreeEntryKind::Directory => "directory",
                TreeEntryKind::Symlink(_) => "symlink",
            };
            scope.manages(kind, top.join(path).as_str());
        }
    }

    /// Every difference, in the order in which they are to be mended.
    pub(super) fn differences(
        &self,
        probe: &Probe<'_>,
        top: &HostPath,
        ownership: &Ownership,
    ) -> Result<Vec<Difference<'_>>> {
        let wanted = Wanted::new(ownership, probe)?;
        let mut survey = Survey {
            tree: self,
            probe,
            ownership,
            wanted,
            new: BTreeSet::new(),
            found: Vec::new(),
        };
        survey.item(top, "", &TreeEntryKind::Directory)?;
        for (path, kind) in &self.items {
            survey.item(top, path, kind)?;
        }
        Ok(survey.found)
    }

    fn file_mode(&self, asset: &Asset) -> u32 {
        let mode = self.file_mode.unwrap_or(0o644);
        if asset.executable { mode | (mode & 0o444) >> 2 } else { mode }
    }
}

/// A walk over all that shall be there.
struct Survey<'t, 'p> {
    tree: &'t Tree,
    probe: &'p Probe<'p>,
    ownership: &'p Ownership,
    wanted: Wanted,
    /// Directories that will be new, so that nothing is in them; a link in the place of one is not
    /// looked through.
    new: BTreeSet<String>,
    found: Vec<Difference<'t>>,
}

impl<'t> Survey<'t, '_> {
    fn item(&mut self, top: &HostPath, below: &str, kind: &'t TreeEntryKind) -> Result {
        let path = if below.is_empty() { top.clone() } else { top.join(below) };
        let above = below.rsplit_once('/').map_or("", |(above, _)| above);
        let in_new = !below.is_empty() && self.new.contains(above);
        let entry = if in_new { None } else { self.probe.entry(&path)? };
        match kind {
            TreeEntryKind::Directory => self.directory(path, below, entry),
            TreeEntryKind::File(asset) => self.file(path, below, entry, asset),
            TreeEntryKind::Symlink(target) => self.symlink(path, below, entry, target),
        }
    }

    fn directory(&mut self, path: HostPath, below: &str, entry: Option<Entry>) -> Result {
        let ownership = self.ownership.clone();
        let label = if below.is_empty() { String::new() } else { format!(" `{below}`") };
        let Some(entry) = entry.clone().filter(Entry::is_directory) else {
            self.new.insert(below.to_owned());
            let changes = replaced(entry.as_ref(), &label, format!("directory{label}"), &ownership);
            self.push(path, changes, Action::CreateDirectory(ownership));
            return Ok(());
        };
        let of = if below.is_empty() { String::new() } else { format!(" of `{below}`") };
        let changes = self.wanted.changes(self.probe, &entry, &of);
        self.push(path.clone(), changes, Action::Mend(entry, ownership));
        self.extras(&path, below)
    }

    fn file(
        &mut self,
        path: HostPath,
        below: &str,
        entry: Option<Entry>,
        asset: &'t Asset,
    ) -> Result {
        let mode = Some(self.tree.file_mode(asset));
        let ownership = Ownership { mode, ..self.ownership.clone() };
        let label = format!(" `{below}`");
        let Some(entry) = entry.clone().filter(Entry::is_file) else {
            let changes = replaced(entry.as_ref(), &label, format!("file{label}"), &ownership);
            self.push(path, changes, Action::WriteFile(asset, ownership));
            return Ok(());
        };
        let wanted = self.wanted.with_mode(mode);
        let mut changes = wanted.changes(self.probe, &entry, &format!(" of{label}"));
        let content = Content::Asset(asset);
        if content.is_in(self.probe, &path, &entry)? {
            self.push(path, changes, Action::MendFile(asset, entry, ownership));
            return Ok(());
        }
        changes.push(format!("content of{label}").into());
        changes.extend(content.change(self.probe, &path, Some(&entry), Shown::Text)?);
        self.push(path, changes, Action::WriteFile(asset, ownership));
        Ok(())
    }

    fn symlink(
        &mut self,
        path: HostPath,
        below: &str,
        entry: Option<Entry>,
        target: &'t str,
    ) -> Result {
        let ownership = Ownership { mode: None, ..self.ownership.clone() };
        let label = format!(" `{below}`");
        let Some(entry) = entry.clone().filter(Entry::is_symlink) else {
            let what = format!("symlink{label} to {target}");
            let changes = replaced(entry.as_ref(), &label, what, &ownership);
            self.push(path, changes, Action::CreateSymlink(target, ownership));
            return Ok(());
        };
        let of = format!(" of{label}");
        let mut changes = self.wanted.with_mode(None).changes(self.probe, &entry, &of);
        let present = self.probe.read_link(&path)?;
        let present = present.to_string_lossy();
        if present == target {
            self.push(path, changes, Action::Mend(entry, ownership));
        } else {
            changes.push(Change::property(format!("target{of}"), present, target));
            self.push(path, changes, Action::CreateSymlink(target, ownership));
        }
        Ok(())
    }

    /// What a directory holds and the source does not.
    fn extras(&mut self, path: &HostPath, below: &str) -> Result {
        let Some(exclude) = &self.tree.extras else { return Ok(()) };
        for name in self.probe.list(path)? {
            let extra = if below.is_empty() { name } else { format!("{below}/{name}") };
            if self.tree.items.contains_key(&extra) || exclude.match_path(&extra) {
                continue;
            }
            let name = extra.rsplit('/').next().unwrap_or_default();
            let there = path.join(name);
            let Some(entry) = self.probe.entry(&there)? else { continue };
            if entry.is_directory() && holds_excluded(self.probe, exclude, &there, &extra)? {
                self.extras(&there, &extra)?;
                continue;
            }
            let changes = vec![access::removed(&entry, &format!(" `{extra}`"))];
            self.push(there, changes, Action::Remove);
        }
        Ok(())
    }

    fn push(&mut self, path: HostPath, changes: Vec<Change>, action: Action<'t>) {
        if !changes.is_empty() {
            self.found.push(Difference { changes, path, action });
        }
    }
}

/// Whether something below a directory is excluded, so that the directory has to stay.
fn holds_excluded(
    probe: &Probe<'_>,
    exclude: &Parsed,
    path: &HostPath,
    below: &str,
) -> Result<bool> {
    if exclude.is_empty() {
        return Ok(false);
    }
    for name in probe.list(path)? {
        let below = format!("{below}/{name}");
        let there = path.join(&name);
        let directory = || -> Result<bool> {
            Ok(probe.entry(&there)?.is_some_and(|entry| entry.is_directory()))
        };
        if exclude.match_path(&below)
            || (directory()? && holds_excluded(probe, exclude, &there, &below)?)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What has to go, if anything, and what comes into its place.
fn replaced(entry: Option<&Entry>, of: &str, what: String, ownership: &Ownership) -> Vec<Change> {
    let removed = entry.map(|entry| access::removed(entry, of));
    removed.into_iter().chain([access::created(&what, ownership)]).collect()
}

impl Difference<'_> {
    /// Makes it as it shall be.
    pub(super) fn mend(&self, machine: &Machine<'_>) -> Result {
        let path = &self.path;
        match &self.action {
            Action::Remove => machine.remove(path),
            // Where somebody else could change it meanwhile it is made anew.
            Action::MendFile(asset, _, ownership) if !machine.is_own_place(path)? => {
                machine.replace(path, *asset, ownership)
            }
            Action::Mend(entry, ownership) | Action::MendFile(_, entry, ownership) => {
                access::mend(machine, path, entry, ownership)
            }
            Action::WriteFile(asset, ownership) => machine.replace(path, *asset, ownership),
            Action::CreateDirectory(ownership) => {
                if machine.entry(path)?.is_some_and(|entry| !entry.is_directory()) {
                    machine.remove(path)?;
                }
                machine.create_directory(path, ownership)
            }
            Action::CreateSymlink(target, ownership) => {
                if machine.entry(path)?.is_some_and(|entry| entry.is_directory()) {
                    machine.remove(path)?;
                }
                machine.symlink(path, target)?;
                let Some(entry) = machine.entry(path)? else { return Ok(()) };
                access::mend(machine, path, &entry, ownership)
            }
        }
    }
}
