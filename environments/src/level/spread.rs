//! Spreads ranges over the hosts that they name, and lays exact names over ranges.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use togusa_core::problem::{Code, Problem, code};
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
            Err(reason) => {
                return self.refuse(
                    code::HOST_RANGE,
                    format!("host range `{range}`: {reason}"),
                    entry,
                );
            }
        };
        if let Some(name) = names.iter().find(|name| !is_plain(name)) {
            return self.refuse(
                code::HOST_RANGE,
                format!("host range `{range}`: `{name}` is no name"),
                entry,
            );
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
                self.refuse(
                    code::HOST_RANGE,
                    format!("host range `{range}` names `{name}` twice"),
                    entry,
                );
            } else {
                let at = self.place_of(other);
                let message =
                    format!("host range `{range}` overlaps `{other}`{at}: both name `{name}`");
                self.refuse(code::HOST_RANGE, message, entry);
            }
        }
    }

    fn exact(&mut self, name: &str, entry: &Entry) {
        if !is_plain(name) {
            self.complete = false;
            self.problems.push(
                Problem::new(code::HOST_NAME, format!("`{name}` is no name of a host"))
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
            self.refuse(
                code::REMOVED_HAS_KEYS,
                "a host that is removed takes no other keys".into(),
                entry,
            );
        }
        Some(LevelHost {
            origin: entry.name_origin.clone(),
            table: own.clone(),
            own,
            removed_at,
            only_secrets: false,
        })
    }

    fn refuse(&mut self, code: Code, message: String, entry: &Entry) {
        self.complete = false;
        self.problems.push(Problem::new(code, message).at(entry.name_origin.clone()));
    }

    fn place_of(&self, name: &str) -> String {
        let origin = self.section.0.get(name).and_then(|entry| entry.name_origin.as_ref());
        origin.map(|origin: &Origin| format!(" at {origin}")).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::check;

    #[test]
    fn an_exact_name_merges_over_the_range_that_holds_it() {
        assert_eq!(
            check(
                "[hosts.app2]\njobs = 2\ncomponents = ['db']\ndata.b = 2\n\
                 [hosts.'app[1-2]']\njobs = 8\nport = 22\ncomponents = ['app', 'web']\ndata.a = 1"
            ),
            "app1 port=22 jobs=8 data={\"a\":1} app web\n\
             app2 port=22 jobs=2 data={\"a\":1,\"b\":2} db"
        );
    }

    #[test]
    fn a_host_points_to_the_most_exact_place_that_names_it() {
        let text = "[hosts.'app[1-2]']\n[hosts.app2]";
        let environment = crate::from_str("shop", "dev", text).unwrap();
        let line = |name: &str| environment.hosts[name].origin.as_ref().unwrap().line;
        assert_eq!((line("app1"), line("app2")), (1, 2));
    }

    #[test]
    fn overlapping_ranges_are_told_once_with_both_places() {
        assert_eq!(
            check("[hosts.'app[01-12]']\n[hosts.'app[05-20]']\n[hosts.'app[7]']"),
            "2:8: host range `app[05-20]` overlaps `app[01-12]` at dev:1:8: both name `app05`"
        );
    }

    #[test]
    fn a_range_that_names_a_host_twice_is_an_error() {
        assert_eq!(
            check("[hosts.'app[1-3,2]']"),
            "1:8: host range `app[1-3,2]` names `app2` twice"
        );
    }

    #[test]
    fn a_malformed_range_is_told_with_its_place() {
        assert_eq!(
            check("[hosts.'app[]']\n[hosts.'-[1-2]']\n[hosts.'a[1-99999]']"),
            "1:8: host range `app[]`: the brackets are empty\n\
             2:8: host range `-[1-2]`: `-1` is no name\n\
             3:8: host range `a[1-99999]`: it names more than 10000 hosts"
        );
    }

    #[test]
    fn a_host_needs_a_plain_name() {
        let hint = "hint: name the host by a plain word and set its `address`";
        assert_eq!(
            check("[hosts.'a/b']\n[hosts.'']\n[hosts.'-oProxyCommand=x']\n[hosts.'web1.lan']"),
            format!(
                "1:8: `a/b` is no name of a host\n  {hint}\n\
                 2:8: `` is no name of a host\n  {hint}\n\
                 3:8: `-oProxyCommand=x` is no name of a host\n  {hint}"
            )
        );
    }

    #[test]
    fn a_mistake_in_a_range_is_told_once() {
        assert_eq!(check("[hosts.'app[1-3]']\njobs = 0"), "2:8: key `jobs`: 0 is less than 1");
    }
}
