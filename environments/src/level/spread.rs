//! Spreads ranges over the hosts that they name, and lays exact names over ranges.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use togusa_core::problem::Problem;
use togusa_core::value::{Entry, Origin, Table, ValueKind};

use super::LevelHost;
use crate::extends::lay_over;
use crate::files::is_plain;
use crate::ranges;
use crate::read::keys::{optional, reader};

/// The hosts of a section whose entries are tables, and whether all of them could be read.
pub(super) fn hosts(
    section: &Table,
    problems: &mut Vec<Problem>,
) -> (IndexMap<String, LevelHost>, bool) {
    let mut spread = Spread { section, hosts: IndexMap::new(), complete: true, problems };
    let (in_ranges, exact): (Vec<_>, Vec<_>) =
        section.0.iter().partition(|(name, _)| ranges::is_range(name));
    let mut named_by = BTreeMap::new();
    for (range, entry) in in_ranges {
        spread.range(range, entry, &mut named_by);
    }
    for (name, entry) in exact {
        spread.exact(name, entry);
    }
    (spread.hosts, spread.complete)
}

struct Spread<'a> {
    section: &'a Table,
    hosts: IndexMap<String, LevelHost>,
    complete: bool,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Spread<'a> {
    fn range(&mut self, range: &'a str, entry: &Entry, named_by: &mut BTreeMap<String, &'a str>) {
        let names = match ranges::expand(range) {
            Ok(names) => names,
            Err(reason) => return self.refuse(format!("host range `{range}`: {reason}"), entry),
        };
        if let Some(name) = names.iter().find(|name| !is_plain(name)) {
            return self.refuse(format!("host range `{range}`: `{name}` is no name"), entry);
        }
        let Some(host) = self.host(entry) else { return };
        let mut overlapping = BTreeSet::new();
        for name in names {
            let Some(other) = named_by.insert(name.clone(), range) else {
                self.hosts.insert(name, host.clone());
                continue;
            };
            if !overlapping.insert(other) {
                continue;
            }
            if other == range {
                self.refuse(format!("host range `{range}` names `{name}` twice"), entry);
            } else {
                let at = self.place_of(other);
                let message =
                    format!("host range `{range}` overlaps `{other}`{at}: both name `{name}`");
                self.refuse(message, entry);
            }
        }
    }

    fn exact(&mut self, name: &str, entry: &Entry) {
        if !is_plain(name) {
            self.complete = false;
            self.problems.push(
                Problem::new(format!("`{name}` is no name of a host"))
                    .at(entry.name_origin.clone())
                    .hint("name the host by a plain word and set its `address`"),
            );
            return;
        }
        let Some(host) = self.host(entry) else { return };
        let Some(below) = self.hosts.get_mut(name) else {
            self.hosts.insert(name.to_owned(), host);
            return;
        };
        lay_over(&mut below.table, &host.table);
        below.origin = host.origin;
        below.own = host.own;
        below.removed_at = host.removed_at;
    }

    /// Reads what concerns the host as such, and leaves the rest for when all levels are merged.
    fn host(&mut self, entry: &Entry) -> Option<LevelHost> {
        let ValueKind::Table(table) = &entry.value.kind else { return None };
        let mut own = table.clone();
        let remove = own.0.shift_remove("remove");
        let mut reader = reader(table);
        let removed = optional::<bool>(&mut reader, "remove").unwrap_or_default();
        self.problems.extend(reader.finish());
        let removed_at = remove.filter(|_| removed).map(|entry| entry.name_origin);
        if removed_at.is_some() && !own.0.is_empty() {
            self.refuse("a host that is removed takes no other keys".into(), entry);
        }
        Some(LevelHost { origin: entry.name_origin.clone(), table: own.clone(), own, removed_at })
    }

    fn refuse(&mut self, message: String, entry: &Entry) {
        self.complete = false;
        self.problems.push(Problem::new(message).at(entry.name_origin.clone()));
    }

    fn place_of(&self, name: &str) -> String {
        let origin = self.section.0.get(name).and_then(|entry| entry.name_origin.as_ref());
        origin.map(|origin: &Origin| format!(" at {origin}")).unwrap_or_default()
    }
}
