//! Checkouts of repositories of Mercurial.

mod repository;
mod serve;
mod state;
mod ways;

use std::borrow::Cow;
use std::time::Duration;

use togusa_core::host::{Entry, Ownership};
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use crate::access;
use crate::file::Text;
use crate::location::{Location, Place};

use super::checkout::{LocalChanges, check_secrets, listed, private_path, short};
use super::git::Revision;
use repository::Repository;
use state::State;

/// A checkout of a repository of Mercurial, at a branch, a bookmark, a tag or a commit.
///
/// | attribute | default |
/// |---|---|
/// | `branch`, `bookmark`, `tag`, `commit` | none: one of them is needed; a commit by its 40 digits |
/// | `keep_local_changes`, `clobber` | a checkout in which something was changed by hand is an error |
/// | `clean` | files that Mercurial does not know are left alone |
/// | `ssh_key`, `known_hosts` | what the user who converges has |
/// | `login` | none |
/// | `user` | the converging user |
/// | `timeout` | an hour for each command of Mercurial |
/// | `leading_directories` | no; yes for what a sandbox maps |
///
/// `verify` asks the repository on the host, and for a branch or a bookmark the server too; a commit
/// or tag that is there needs no network. `update` pulls all that the server has, and updates to what
/// is wanted; with another URL the whole checkout is made anew, with all that Mercurial does not know
/// or ignores in it. Subrepositories come as Mercurial brings them: what was changed within them is
/// not looked at.
///
/// What was changed by hand is never lost unless this is asked for: files that Mercurial knows, and
/// commits that are not from the server, are an error that names them.
/// [`keep_local_changes`](Self::keep_local_changes) takes such files along as long as the new commit
/// has them as the old one does, [`clobber`](Self::clobber) discards files, and leaves commits behind.
/// [`absent`](Self::absent) is held to the same.
///
/// It needs `hg` on the host, for SSH also `ssh`, which asks nothing and knows its hosts already.
/// Another user needs `sudo`. Keys and passwords are private files beside the checkout.
///
/// **Needs**: `hg`, of the package `mercurial`; `ssh` for repositories over SSH.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     let app = HgCheckout::new("https://hg.example.org/app", "/srv/app").branch("stable");
///     let app = scope.add(app.user("app"));
///     scope.offer(app.revision());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct HgCheckout {
    place: Place,
    url: String,
    wanted: Vec<Wanted>,
    changes: LocalChanges,
    clean: bool,
    ssh_key: Option<Text>,
    known_hosts: Option<Text>,
    login: Option<(String, Text)>,
    user: Option<String>,
    timeout: Duration,
    absent: bool,
}

/// What is to be checked out.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wanted {
    Branch(String),
    Bookmark(String),
    Tag(String),
    Commit(String),
}

impl Wanted {
    fn name(&self) -> &str {
        match self {
            Self::Branch(name) | Self::Bookmark(name) | Self::Tag(name) | Self::Commit(name) => {
                name
            }
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Branch(_) => "branch",
            Self::Bookmark(_) => "bookmark",
            Self::Tag(_) => "tag",
            Self::Commit(_) => "commit",
        }
    }

    /// Refuses what Mercurial takes for no name, and what it would read in another way.
    fn check(&self) -> Result {
        let (name, kind) = (self.name(), self.kind());
        if let Self::Commit(commit) = self {
            let whole = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
            if !whole {
                return Err(fault!(code::OPTION_VALUE, "`{commit}` is no commit"))
                    .hint("give all of its 40 hexadecimal digits; a name is a `.branch(…)`, `.bookmark(…)` or `.tag(…)`");
            }
            return Ok(());
        }
        let odd = |c: char| c.is_control() || ":\"\\".contains(c);
        let reserved = ["", ".", "tip", "null"].contains(&name) || name.parse::<i64>().is_ok();
        let plain = !reserved && name.trim() == name && !name.contains(odd);
        demand!(
            plain && !name.starts_with('-'),
            code::NOT_A_NAME,
            "`{name}` is no name of a {kind}"
        );
        Ok(())
    }
}

impl HgCheckout {
    /// A checkout of a repository in a directory; a relative one lies in the root's work directory.
    pub fn new(url: impl Into<String>, directory: impl Into<Location>) -> Self {
        Self {
            place: Place::new(directory.into()),
            url: url.into(),
            wanted: Vec::new(),
            changes: LocalChanges::Refuse,
            clean: false,
            ssh_key: None,
            known_hosts: None,
            login: None,
            user: None,
            timeout: Duration::from_secs(60 * 60),
            absent: false,
        }
    }

    /// Follows a branch, such as `default`.
    #[must_use]
    pub fn branch(mut self, name: impl Into<String>) -> Self {
        self.wanted.push(Wanted::Branch(name.into()));
        self
    }

    /// Follows a bookmark.
    #[must_use]
    pub fn bookmark(mut self, name: impl Into<String>) -> Self {
        self.wanted.push(Wanted::Bookmark(name.into()));
        self
    }

    /// Stays at a tag. Whether it was moved on the server is not asked.
    #[must_use]
    pub fn tag(mut self, name: impl Into<String>) -> Self {
        self.wanted.push(Wanted::Tag(name.into()));
        self
    }

    /// Stays at a commit.
    #[must_use]
    pub fn commit(mut self, digits: impl Into<String>) -> Self {
        self.wanted.push(Wanted::Commit(digits.into().to_ascii_lowercase()));
        self
    }

    /// Leaves what was changed by hand in files, and takes it along to another commit.
    #[must_use]
    pub fn keep_local_changes(mut self) -> Self {
        self.changes = LocalChanges::Keep;
        self
    }

    /// Discards what was changed by hand in files that Mercurial knows, and leaves commits behind that
    /// no server has.
    #[must_use]
    pub fn clobber(mut self) -> Self {
        self.changes = LocalChanges::Clobber;
        self
    }

    /// Removes files that Mercurial neither knows nor is told to ignore.
    #[must_use]
    pub fn clean(mut self) -> Self {
        self.clean = true;
        self
    }

    /// Sets the private key for SSH.
    #[must_use]
    pub fn ssh_key(mut self, key: impl Into<Text>) -> Self {
        self.ssh_key = Some(key.into());
        self
    }

    /// Sets the public keys of servers, as lines of a `known_hosts` file.
    #[must_use]
    pub fn known_hosts(mut self, lines: impl Into<Text>) -> Self {
        self.known_hosts = Some(lines.into());
        self
    }

    /// Sets a user's name and password, or token, for HTTP.
    #[must_use]
    pub fn login(mut self, user: impl Into<String>, password: impl Into<Text>) -> Self {
        self.login = Some((user.into(), password.into()));
        self
    }

    /// Runs Mercurial as another user, to whom the checkout belongs then.
    #[must_use]
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = Some(name.into());
        self
    }

    /// Sets how long each command of Mercurial may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Creates the directories above that are missing; without it they are an error.
    #[must_use]
    pub fn leading_directories(mut self) -> Self {
        self.place.with_leading();
        self
    }

    /// Removes it, with the private files beside it that are given.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    /// The directory on the host.
    ///
    /// # Panics
    /// The checkout was not added yet.
    #[track_caller]
    pub fn path(&self) -> &HostPath {
        self.place.path()
    }

    /// What is checked out where: a value to provide to other roots.
    ///
    /// # Panics
    /// The checkout was not added yet.
    #[track_caller]
    pub fn revision(&self) -> Revision {
        let revision = self.wanted.first().map_or("", Wanted::name).to_owned();
        Revision { path: self.path().clone(), revision }
    }

    fn wanted(&self) -> Result<&Wanted> {
        match &self.wanted[..] {
            [wanted] => Ok(wanted),
            given => {
                let said =
                    if given.is_empty() { "no revision is given" } else { "it has two revisions" };
                Err(fault!(code::OPTIONS_CLASH, "{said}"))
                    .hint("give it one `.branch(…)`, `.bookmark(…)`, `.tag(…)` or `.commit(…)`")
            }
        }
    }

    fn repository(&self, probe: &Probe<'_>) -> Result<Repository> {
        let local = |what| -> Result<String> {
            let path = private_path(self.path(), "hg", what)?;
            Ok(probe.local(&path).to_string_lossy().into_owned())
        };
        Ok(Repository {
            path: self.path().clone(),
            local: probe.local(self.path()).to_string_lossy().into_owned(),
            user: self.user.clone(),
            timeout: self.timeout,
            key: self.ssh_key.as_ref().map(|_| local("key")).transpose()?,
            known_hosts: self.known_hosts.as_ref().map(|_| local("known_hosts")).transpose()?,
            login: self.login.as_ref().map(|_| local("login")).transpose()?,
        })
    }

    /// The commit that shall be checked out, if it is not there yet.
    fn on_server(&self, probe: &Probe<'_>, hg: &Repository) -> Result<String> {
        match self.wanted()? {
            Wanted::Commit(commit) => Ok(commit.clone()),
            wanted => hg.on_server(probe, &self.url, wanted),
        }
    }

    /// What of the state has to change.
    fn differences(&self, state: &State, target: &str) -> Vec<Change> {
        let mut changes = Vec::new();
        if state.url.as_deref() != Some(&self.url) {
            let from = state.url.as_deref().unwrap_or("none");
            changes.push(Change::property("url", from, &self.url));
        }
        if state.head() != Some(target) {
            let from = state.head().map_or("none", short);
            changes.push(Change::property("commit", from, short(target)));
        }
        if self.changes != LocalChanges::Keep && !state.changed.is_empty() {
            changes.push(format!("changed by hand: {}", listed(&state.changed)).into());
        }
        if self.clean && !state.unknown.is_empty() {
            let unknown = listed(&state.unknown);
            changes.push(Change::remove(format!("unknown to Mercurial: {unknown}")));
        }
        changes
    }

    /// Refuses to lose what was made by hand.
    fn check_local(
        &self,
        machine: &Machine<'_>,
        hg: &Repository,
        state: &State,
        anew: bool,
    ) -> Result {
        if self.changes == LocalChanges::Clobber {
            return Ok(());
        }
        let refuse = |what: &str, lost: &[String]| match lost {
            [] => Ok(()),
            lost => Err(fault!(code::CHECKOUT_CHANGED, "{what} by hand: {}", listed(lost)))
                .hint("save them, or give the checkout `.clobber()` to discard them"),
        };
        let mut files = Vec::new();
        if self.changes == LocalChanges::Refuse || anew {
            files.extend(state.changed.iter().cloned());
        }
        let mut commits = state.own.clone();
        if anew {
            files.extend(state.unknown.iter().cloned());
            commits = [state.drafts.clone(), hg.shelved(machine)?].concat();
        }
        refuse("files were changed", &files)?;
        refuse("commits were made", &commits)
    }

    /// Makes the directory and an empty repository in it.
    fn make(&self, machine: &Machine<'_>, hg: &Repository) -> Result {
        let entry = machine.entry(self.path())?;
        match entry.filter(|entry| !Entry::is_directory(entry)) {
            Some(_) => machine.remove(self.path())?,
            None => hg.check_empty(machine)?,
        }
        let owner = Ownership { owner: self.user.clone(), ..Ownership::default() };
        machine.create_directory(self.path(), &owner)?;
        hg.initialize(machine, &self.url)
    }
}

impl Component for HgCheckout {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.place.key())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.place.resolve("checkout", scope)?;
        if !(self.absent && self.wanted.is_empty()) {
            self.wanted()?.check()?;
        }
        self.check_url()?;
        check_secrets(&self.url, "hg", scope)?;
        self.add_ways(scope)
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let hg = self.repository(probe)?;
        let entry = probe.entry(self.path())?;
        let there = hg.is_there(probe)?;
        if self.absent {
            if !there && entry.as_ref().is_some_and(Entry::is_directory) {
                hg.check_empty(probe)?;
            }
            return Ok(entry.map(|entry| access::removed(&entry, "")).into_iter().collect());
        }
        if there {
            let (state, known) = hg.look(probe, &self.url, self.wanted()?, false)?;
            let target = known.map_or_else(|| self.on_server(probe, &hg), Ok)?;
            return Ok(self.differences(&state, &target).into());
        }
        let mut verdict = Verdict::current();
        match entry {
            Some(entry) if !entry.is_directory() => verdict.push(access::removed(&entry, "")),
            Some(_) => hg.check_empty(probe)?,
            None => {}
        }
        let commit = self.on_server(probe, &hg)?;
        let (wanted, url) = (self.wanted()?.name(), &self.url);
        let at = if wanted == commit { String::new() } else { format!(" ({})", short(&commit)) };
        verdict.push(Change::create(format!("checkout of `{url}` at {wanted}{at}")));
        Ok(verdict)
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let hg = self.repository(machine)?;
        let there = hg.is_there(machine)?;
        if self.absent {
            // Without a repository in it, it is empty, or no directory.
            if there && self.changes != LocalChanges::Clobber {
                self.check_local(machine, &hg, &hg.state(machine)?, true)?;
            }
            return machine.remove(self.path());
        }
        self.place.prepare(machine)?;
        let wanted = self.wanted()?;
        let mut known = None;
        if there {
            hg.recover(machine)?;
            let (state, target) = hg.look(machine, &self.url, wanted, true)?;
            let anew = !state.incomplete && state.url.as_deref() != Some(&self.url);
            let moves = state.head() != target.as_deref();
            let held = anew || moves || self.changes == LocalChanges::Refuse;
            if held && !state.incomplete {
                self.check_local(machine, &hg, &state, anew)?;
            }
            if anew {
                // Before what is there goes, the other server has to have it.
                hg.on_server(machine, &self.url, wanted)?;
                machine.remove(self.path())?;
            } else {
                known = Some((state, target));
            }
        }
        let (state, target) = match known {
            Some(known) => known,
            None => {
                self.make(machine, &hg)?;
                let moving = matches!(wanted, Wanted::Branch(_) | Wanted::Bookmark(_));
                let asked = moving.then(|| hg.on_server(machine, &self.url, wanted));
                (State::made(), asked.transpose()?)
            }
        };
        let commit = hg.fetch(machine, &self.url, wanted, &state, target)?;
        hg.check_out(machine, &self.url, &commit, self.changes, state.incomplete)?;
        if self.clean {
            hg.clean(machine)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_mercurial_reads_in_another_way_are_refused() {
        for name in ["default", "a b", "v1.2", "release/3", "1e", "é"] {
            assert!(Wanted::Branch(name.into()).check().is_ok(), "{name}");
        }
        for name in ["", ".", "tip", "null", "12", "-1", "--x", " a", "a\n", "a:b", "a\"", "a\\"] {
            let error = Wanted::Tag(name.into()).check().unwrap_err().to_string();
            assert!(error.contains("is no name of a tag"), "{name}: {error}");
        }
        assert!(Wanted::Commit("ab".into()).check().is_err());
        assert!(Wanted::Commit("0".repeat(40)).check().is_ok());
    }
}
