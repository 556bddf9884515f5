//! The accounts of a host, as its files tell them.

use std::collections::{BTreeMap, BTreeSet};

use togusa_core::host::Snapshot;
use togusa_core::prelude::*;

/// `/etc/passwd` and `/etc/group`, read at once.
#[derive(Debug, Default)]
pub(crate) struct Database {
    users: BTreeMap<String, UserLine>,
    groups: BTreeMap<String, GroupLine>,
}

/// A line of `/etc/passwd`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserLine {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) comment: String,
    pub(crate) home: String,
    pub(crate) shell: String,
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
        Ok(Self::parse(&read("/etc/passwd")?, &read("/etc/group")?))
    }
}

impl Database {
    /// Reads both files; a line that is none is left out. Of two with the same name the first counts.
    fn parse(passwd: &str, group: &str) -> Self {
        let mut database = Self::default();
        for (name, line) in passwd.lines().filter_map(user_line) {
            database.users.entry(name).or_insert(line);
        }
        for (name, line) in group.lines().filter_map(group_line) {
            database.groups.entry(name).or_insert(line);
        }
        database
    }

    pub(crate) fn user(&self, name: &str) -> Option<&UserLine> {
        self.users.get(name)
    }

    /// Whether a user has this number.
    pub(crate) fn has_uid(&self, uid: u32) -> bool {
        self.users.values().any(|line| line.uid == uid)
    }

    pub(crate) fn group(&self, name: &str) -> Option<&GroupLine> {
        self.groups.get(name)
    }

    /// The groups that list a user; the user's primary one need not be among them.
    pub(crate) fn groups_of(&self, user: &str) -> BTreeSet<String> {
        let listed = self.groups.iter().filter(|(_, line)| line.members.contains(user));
        listed.map(|(name, _)| name.clone()).collect()
    }

    /// The name of a group, or its number.
    pub(crate) fn group_name(&self, gid: u32) -> String {
        let found = self.groups.iter().find(|(_, line)| line.gid == gid);
        found.map_or_else(|| gid.to_string(), |(name, _)| name.clone())
    }
}

/// Fields of a line that describes an account; `None` for what another name service is to fill in.
fn fields(line: &str) -> Option<Vec<&str>> {
    let fields: Vec<_> = line.split(':').collect();
    let is_account = !fields[0].is_empty() && !fields[0].starts_with(['#', '+', '-']);
    is_account.then_some(fields)
}

fn user_line(line: &str) -> Option<(String, UserLine)> {
    let [name, _, uid, gid, comment, home, shell] = fields(line)?[..] else { return None };
    let line = UserLine {
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        comment: comment.into(),
        home: home.into(),
        shell: shell.into(),
    };
    Some((name.to_owned(), line))
}

fn group_line(line: &str) -> Option<(String, GroupLine)> {
    let [name, _, gid, members] = fields(line)?[..] else { return None };
    let members = members.split(',').filter(|member| !member.is_empty());
    let members = members.map(str::to_owned).collect();
    Some((name.to_owned(), GroupLine { gid: gid.parse().ok()?, members }))
}

/// `/etc/shadow`, which only root may read.
pub(crate) struct Shadow(BTreeMap<String, ShadowLine>);

/// A line of `/etc/shadow`; it never leaves this crate.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct ShadowLine {
    /// The hash, or what stands in its place.
    pub(crate) password: String,
    /// The day on which the account expires, counted from 1970.
    pub(crate) expires: Option<i64>,
}

impl Snapshot for Shadow {
    fn take(probe: &Probe<'_>) -> Result<Self> {
        let path = HostPath::new(&probe.host().name, "/etc/shadow");
        let text = probe.read_to_string(&path);
        let text = text.hint("only root may see passwords: set `sudo = true` for the host")?;
        Ok(Self::parse(&text))
    }
}

impl Shadow {
    fn parse(text: &str) -> Self {
        let lines = text.lines().filter_map(|line| {
            let fields = fields(line)?;
            let expires = fields.get(7).and_then(|days| days.parse().ok());
            let password = (*fields.get(1)?).to_owned();
            Some((fields[0].to_owned(), ShadowLine { password, expires }))
        });
        Self(lines.collect())
    }

    /// What is said about a user; nothing is a user without a password.
    pub(crate) fn of(&self, user: &str) -> ShadowLine {
        self.0.get(user).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_what_is_none_is_left_out() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\n+nis\n# note:x:1:1::/:\nbroken:x:y:0:::\n\
                      app:x:999:998:The app,,,:/srv/app:\napp:x:1:1:::\n";
        let group = "root:x:0:\napp:x:998:\nadm:x:4:app,anna\nbroken\n";
        let database = Database::parse(passwd, group);
        let app = database.user("app").unwrap();
        assert_eq!((app.uid, app.gid, &*app.comment, &*app.shell), (999, 998, "The app,,,", ""));
        assert_eq!(database.users.keys().collect::<Vec<_>>(), ["app", "root"]);
        assert_eq!(database.groups_of("app"), BTreeSet::from(["adm".to_owned()]));
        assert_eq!(database.group("adm").unwrap().members.len(), 2);
        assert_eq!((database.group_name(998), database.group_name(5)), ("app".into(), "5".into()));
    }

    #[test]
    fn shadow_tells_hash_and_last_day() {
        let shadow =
            Shadow::parse("root:*:19000:0:99999:7:::\napp:!$6$x:19000:0:99999:7::20000:\n");
        assert_eq!((&*shadow.of("app").password, shadow.of("app").expires), ("!$6$x", Some(20000)));
        assert_eq!((&*shadow.of("root").password, shadow.of("root").expires), ("*", None));
        assert!(shadow.of("nobody") == ShadowLine::default());
    }
}
