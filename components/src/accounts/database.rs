//! The accounts of a host, as its files tell them.

use std::collections::{BTreeMap, BTreeSet};

use togusa_core::host::Snapshot;
use togusa_core::prelude::*;

/// `/etc/group`.
#[derive(Debug, Default)]
pub(crate) struct Database {
    groups: BTreeMap<String, GroupLine>,
}

/// A line of `/etc/group`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupLine {
    pub(crate) gid: u32,
    pub(crate) members: BTreeSet<String>,
}

impl Snapshot for Database {
    fn take(probe: &Probe<'_>) -> Result<Self> {
        let read = |path| probe.read_to_string(&HostPath::new(&probe.host().name, path));
        Ok(Self::parse(&read("/etc/group")?))
    }
}

impl Database {
    /// Reads the file; a line that is none is left out. Of two with the same name the first counts.
    fn parse(group: &str) -> Self {
        let mut database = Self::default();
        for (name, line) in group.lines().filter_map(group_line) {
            database.groups.entry(name).or_insert(line);
        }
        database
    }

    pub(crate) fn group(&self, name: &str) -> Option<&GroupLine> {
        self.groups.get(name)
    }
}

/// Fields of a line that describes an account; `None` for what another name service is to fill in.
fn fields(line: &str) -> Option<Vec<&str>> {
    let fields: Vec<_> = line.split(':').collect();
    let is_account = !fields[0].is_empty() && !fields[0].starts_with(['#', '+', '-']);
    is_account.then_some(fields)
}

fn group_line(line: &str) -> Option<(String, GroupLine)> {
    let [name, _, gid, members] = fields(line)?[..] else { return None };
    let members = members.split(',').filter(|member| !member.is_empty());
    let members = members.map(str::to_owned).collect();
    Some((name.to_owned(), GroupLine { gid: gid.parse().ok()?, members }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_what_is_none_is_left_out() {
        let group = "root:x:0:\napp:x:998:\nadm:x:4:app,anna\nbroken\n";
        let database = Database::parse(group);
        assert_eq!(database.group("adm").unwrap().members.len(), 2);
        assert!(database.group("broken").is_none());
    }
}
