//! Checkouts of git repositories.

mod repository;
mod ways;

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use togusa_core::host::{Entry, Ownership};
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use crate::access;
use crate::file::Text;
use crate::location::{Location, Place};

use super::checkout::{LocalChanges, check_secrets, check_url, listed, short};
use repository::{Repository, State};
use ways::{Login, login_path};

/// A checkout of a git repository, at a branch, a tag or a commit.
///
/// | attribute | default |
/// |---|---|
/// | `branch`, `tag`, `commit` | none: one of them is needed; a commit by its 40 digits |
/// | `depth` | the whole history |
/// | `submodules` | no |
/// | `keep_local_changes`, `clobber` | a checkout in which something was changed by hand is an error |
/// | `clean` | files that git does not know are left alone |
/// | `ssh_key`, `known_hosts` | what the user who converges has |
/// | `login` | none |
/// | `user` | the converging user |
/// | `timeout` | an hour for each command of git |
/// | `leading_directories` | no; yes for what a sandbox maps |
///
/// No branch is checked out: `HEAD` is the commit itself. `verify` asks the repository on the host,
/// and for a branch the server too; a commit or tag that is there needs no network. `update` fetches
/// what is missing and checks it out; with another URL the whole checkout is made anew, with all that
/// git does not know or ignores in it.
///
/// What was changed by hand is never lost unless this is asked for: files that git knows, and commits
/// that no server has, are an error that names them. [`keep_local_changes`](Self::keep_local_changes)
/// takes such files along as long as git can, [`clobber`](Self::clobber) discards files and commits.
/// [`absent`](Self::absent) is held to the same.
///
/// It needs `git` on the host, for SSH also `ssh`, which asks nothing and knows its hosts already.
/// Another user needs `sudo`. Keys and passwords are private files beside the checkout.
///
/// **Needs**: `git`; `ssh` for repositories over SSH.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     let app = GitCheckout::new("https://example.org/app.git", "/srv/app").tag("v1.2");
///     let app = scope.add(app.depth(1));
///     scope.offer(app.revision());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct GitCheckout {
    place: Place,
    url: String,
    wanted: Vec<Wanted>,
    depth: Option<u32>,
    submodules: bool,
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
    Tag(String),
    Commit(String),
}

/// What is checked out where, for other roots.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Revision {
    /// The directory of the checkout.
    pub path: HostPath,
    /// The branch, the tag or the commit that was asked for.
    pub revision: String,
}

impl Resource for Revision {}

impl Wanted {
    fn name(&self) -> &str {
        match self {
            Self::Branch(name) | Self::Tag(name) | Self::Commit(name) => name,
        }
    }

    fn check(&self) -> Result {
        let name = self.name();
        if let Self::Commit(commit) = self {
            let whole = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
            if !whole {
                return Err(fault!(code::OPTION_VALUE, "`{commit}` is no commit"))
                    .hint("give all of its 40 hexadecimal digits; a name is a `.branch(…)` or a `.tag(…)`");
            }
        }
        let odd = |c: char| c.is_whitespace() || c.is_control() || "~^:?*[\\".contains(c);
        let plain = !name.is_empty() && !name.starts_with(['-', '/']) && !name.contains(odd);
        demand!(
            plain && !name.contains(".."),
            code::NOT_A_NAME,
            "`{name}` is no name of a branch or a tag"
        );
        Ok(())
    }
}

impl GitCheckout {
    /// A checkout of a repository in a directory; a relative one lies in the root's work directory.
    pub fn new(url: impl Into<String>, directory: impl Into<Location>) -> Self {
        Self {
            place: Place::new(directory.into()),
            url: url.into(),
            wanted: Vec::new(),
            depth: None,
            submodules: false,
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

    /// Follows a branch.
    #[must_use]
    pub fn branch(mut self, name: impl Into<String>) -> Self {
        self.wanted.push(Wanted::Branch(name.into()));
        self
    }

    /// Stays at a tag. One that is moved on the server afterwards is not followed.
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

    /// Fetches only that many commits of the history.
    #[must_use]
    pub fn depth(mut self, commits: u32) -> Self {
        self.depth = Some(commits);
        self
    }

    /// Checks submodules out too, at any depth.
    #[must_use]
    pub fn submodules(mut self) -> Self {
        self.submodules = true;
        self
    }

    /// Leaves what was changed by hand in files, and takes it along to another commit.
    #[must_use]
    pub fn keep_local_changes(mut self) -> Self {
        self.changes = LocalChanges::Keep;
        self
    }

    /// Discards what was changed by hand: files that git knows, and commits that no server has.
    #[must_use]
    pub fn clobber(mut self) -> Self {
        self.changes = LocalChanges::Clobber;
        self
    }

    /// Removes files that git neither knows nor is told to ignore.
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

    /// Runs git as another user, to whom the checkout belongs then.
    #[must_use]
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = Some(name.into());
        self
    }

    /// Sets how long each command of git may take.
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
                    .hint("give it one `.branch(…)`, `.tag(…)` or `.commit(…)`")
            }
        }
    }

    fn repository(&self, probe: &Probe<'_>) -> Result<Repository> {
        let local = |what| -> Result<String> {
            Ok(probe.local(&login_path(self.path(), what)?).to_string_lossy().into_owned())
        };
        let login = Login {
            key: self.ssh_key.as_ref().map(|_| local("key")).transpose()?,
            known_hosts: self.known_hosts.as_ref().map(|_| local("known_hosts")).transpose()?,
            file: self.login.as_ref().map(|_| local("login")).transpose()?,
        };
        Ok(Repository {
            path: self.path().clone(),
            local: probe.local(self.path()).to_string_lossy().into_owned(),
            user: self.user.clone(),
            timeout: self.timeout,
            login,
        })
    }

    /// The commit that shall be checked out; what is there already is not asked for.
    fn target(&self, probe: &Probe<'_>, git: &Repository, there: bool) -> Result<String> {
        match self.wanted()? {
            Wanted::Commit(commit) => Ok(commit.clone()),
            Wanted::Tag(tag) => {
                let known =
                    if there { git.resolve(probe, &format!("refs/tags/{tag}"))? } else { None };
                match known {
                    Some(commit) => Ok(commit),
                    None => git.on_server(probe, &self.url, &format!("refs/tags/{tag}")),
                }
            }
            Wanted::Branch(branch) => {
                git.on_server(probe, &self.url, &format!("refs/heads/{branch}"))
            }
        }
    }

    /// What of the state has to change.
    fn differences(
        &self,
        probe: &Probe<'_>,
        git: &Repository,
        state: &State,
    ) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        if state.url.as_deref() != Some(&self.url) {
            let from = state.url.as_deref().unwrap_or("none");
            changes.push(Change::property("url", from, &self.url));
        }
        let target = self.target(probe, git, true)?;
        if state.head.as_ref() != Some(&target) {
            let from = state.head.as_deref().map_or("none", short);
            changes.push(Change::property("commit", from, short(&target)));
        }
        if self.changes != LocalChanges::Keep && !state.changed.is_empty() {
            changes.push(format!("changed by hand: {}", listed(&state.changed)).into());
        }
        if self.clean && !state.unknown.is_empty() {
            changes.push(Change::remove(format!("unknown to git: {}", listed(&state.unknown))));
        }
        if self.submodules {
            let stale = git.stale_submodules(probe)?;
            if !stale.is_empty() {
                changes.push(
                    format!("submodules are not as they shall be: {}", listed(&stale)).into(),
                );
            }
        }
        Ok(changes)
    }

    /// Refuses to lose what was made by hand.
    fn check_local(
        &self,
        machine: &Machine<'_>,
        git: &Repository,
        state: &State,
        anew: bool,
    ) -> Result {
        if self.changes == LocalChanges::Clobber {
            return Ok(());
        }
        let hint = "save them, or give the checkout `.clobber()` to discard them";
        let mut lost = Vec::new();
        if self.changes == LocalChanges::Refuse || anew {
            lost.extend(state.changed.iter().cloned());
        }
        if anew {
            lost.extend(state.unknown.iter().cloned());
        }
        if !lost.is_empty() {
            return Err(fault!(
                code::CHECKOUT_CHANGED,
                "files were changed by hand: {}",
                listed(&lost)
            ))
            .hint(hint);
        }
        let commits = git.own_commits(machine, anew)?;
        if !commits.is_empty() {
            return Err(fault!(
                code::CHECKOUT_CHANGED,
                "commits were made by hand: {}",
                listed(&commits)
            ))
            .hint(hint);
        }
        Ok(())
    }
}

impl Component for GitCheckout {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.place.key())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.place.resolve("checkout", scope)?;
        if !(self.absent && self.wanted.is_empty()) {
            self.wanted()?.check()?;
        }
        check_url(&self.url)?;
        check_secrets(&self.url, "git", scope)?;
        demand!(self.depth != Some(0), code::OPTION_VALUE, "a depth of 0 commits is nothing");
        self.add_ways(scope)
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let git = self.repository(probe)?;
        let entry = probe.entry(self.path())?;
        let there = git.is_there(probe)?;
        if self.absent {
            if !there && entry.as_ref().is_some_and(Entry::is_directory) {
                git.check_empty(probe)?;
            }
            return Ok(entry.map(|entry| access::removed(&entry, "")).into_iter().collect());
        }
        if there {
            let state = git.state(probe)?;
            return Ok(self.differences(probe, &git, &state)?.into());
        }
        let mut verdict = Verdict::current();
        match entry {
            Some(entry) if !entry.is_directory() => verdict.push(access::removed(&entry, "")),
            Some(_) => git.check_empty(probe)?,
            None => {}
        }
        let commit = self.target(probe, &git, false)?;
        let (wanted, url) = (self.wanted()?.name(), &self.url);
        let at = if wanted == commit { String::new() } else { format!(" ({})", short(&commit)) };
        verdict.push(Change::create(format!("checkout of `{url}` at {wanted}{at}")));
        Ok(verdict)
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let git = self.repository(machine)?;
        let mut there = git.is_there(machine)?;
        if self.absent {
            // Without a repository in it, it is empty, or no directory.
            if there && self.changes != LocalChanges::Clobber {
                self.check_local(machine, &git, &git.state(machine)?, true)?;
            }
            return machine.remove(self.path());
        }
        self.place.prepare(machine)?;
        if there {
            let state = git.state(machine)?;
            let anew = state.url.as_deref() != Some(&self.url);
            let target = if anew { None } else { Some(self.target(machine, &git, true)?) };
            let moves = state.head != target;
            if anew || moves || self.changes == LocalChanges::Refuse {
                self.check_local(machine, &git, &state, anew)?;
            }
            if anew {
                machine.remove(self.path())?;
                there = false;
            }
        }
        if !there {
            let entry = machine.entry(self.path())?;
            match entry.filter(|entry| !Entry::is_directory(entry)) {
                Some(_) => machine.remove(self.path())?,
                None => git.check_empty(machine)?,
            }
            let owner = Ownership { owner: self.user.clone(), ..Ownership::default() };
            machine.create_directory(self.path(), &owner)?;
            git.initialize(machine, &self.url)?;
        }
        git.resume(machine)?;
        let commit = git.fetch(machine, self.wanted()?, self.depth)?;
        git.check_out(machine, &commit, self.changes == LocalChanges::Clobber)?;
        if self.clean {
            git.clean(machine)?;
        }
        if self.submodules {
            git.update_submodules(machine, self.depth, self.changes == LocalChanges::Clobber)?;
        }
        Ok(())
    }
}
