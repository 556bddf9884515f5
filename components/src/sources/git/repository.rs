//! The commands of git, on one checkout.

use std::time::Duration;

use togusa_core::fault;
use togusa_core::fault::CodeExt as _;
use togusa_core::host::Output;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::sources::tools::needing;

use super::Wanted;
use super::ways::Login;

/// Where the commit is noted that was checked out last.
const DEPLOYED: &str = "refs/togusa/deployed";

/// The setting that tells that nothing was checked out to its end yet.
const INCOMPLETE: &str = "togusa.incomplete";

/// A checkout on a host.
#[derive(Debug)]
pub(super) struct Repository {
    pub(super) path: HostPath,
    pub(super) local: String,
    pub(super) user: Option<String>,
    pub(super) timeout: Duration,
    pub(super) login: Login,
}

/// How a checkout is.
#[derive(Debug, Default, PartialEq)]
pub(super) struct State {
    pub(super) head: Option<String>,
    pub(super) url: Option<String>,
    /// Files that git knows and that differ from the commit.
    pub(super) changed: Vec<String>,
    /// Files that git neither knows nor ignores.
    pub(super) unknown: Vec<String>,
}

impl Repository {
    fn git(&self, args: &[&str]) -> Exec {
        let mut exec = Exec::new("git").args(self.login.settings()).timeout(self.timeout);
        exec =
            exec.env("GIT_TERMINAL_PROMPT", "0").env("GIT_SSH_COMMAND", self.login.ssh_command());
        if let Some(user) = &self.user {
            exec = exec.user(user);
        }
        exec.args(args.iter().copied())
    }

    fn here(&self, args: &[&str]) -> Exec {
        self.git(&[&["-C", self.local.as_str()], args].concat())
    }

    fn ask(&self, probe: &Probe<'_>, exec: &Exec) -> Result<Output> {
        needing(probe.query(exec), "git")
    }

    fn run(&self, machine: &Machine<'_>, args: &[&str]) -> Result<Output> {
        needing(machine.run(&self.here(args)), "git")
    }

    pub(super) fn is_there(&self, probe: &Probe<'_>) -> Result<bool> {
        let directory = probe.entry(&self.path)?.is_some_and(|entry| entry.is_directory());
        Ok(directory && probe.entry(&self.path.join(".git"))?.is_some())
    }

    /// Refuses a directory that is no checkout and holds something.
    pub(super) fn check_empty(&self, probe: &Probe<'_>) -> Result {
        if probe.entry(&self.path)?.is_none() || probe.list(&self.path)?.is_empty() {
            return Ok(());
        }
        Err(fault!(
            code::DIRECTORY_OCCUPIED,
            "`{}` holds files, and is no checkout of git",
            self.local
        ))
        .hint("remove it, or check out into another directory")
    }

    pub(super) fn state(&self, probe: &Probe<'_>) -> Result<State> {
        // Whatever the user's own settings leave out.
        let args = ["status", "--porcelain=v2", "--branch", "-z", "--untracked-files=normal"];
        let args = [&args[..], &["--ignore-submodules=untracked"]].concat();
        let status = self.ask(probe, &self.here(&args))?;
        let url = self.here(&["config", "--get", "remote.origin.url"]).accept([0, 1]);
        let url = self.ask(probe, &url)?.stdout_text().trim_end().to_owned();
        Ok(State { url: Some(url).filter(|url| !url.is_empty()), ..State::read(&status.stdout) })
    }

    /// The commit that a name stands for on the host.
    pub(super) fn resolve(&self, probe: &Probe<'_>, name: &str) -> Result<Option<String>> {
        let name = format!("{name}^{{commit}}");
        let found =
            self.ask(probe, &self.here(&["rev-parse", "-q", "--verify", &name]).accept([0, 1]))?;
        let commit = found.stdout_text().trim().to_owned();
        Ok(Some(commit).filter(|commit| !commit.is_empty()))
    }

    /// The commit that a branch or a tag has on the server.
    pub(super) fn on_server(&self, probe: &Probe<'_>, url: &str, name: &str) -> Result<String> {
        let peeled = format!("{name}^{{}}");
        // The names are matched by their ends: what was not asked for is left out below.
        let listed =
            self.ask(probe, &self.git(&["ls-remote", "--", url, name, &peeled]))?.stdout_text();
        let commit = |wanted: &str| {
            let mut lines = listed.lines().filter_map(|line| line.split_once('\t'));
            lines.find(|(_, found)| *found == wanted).map(|(commit, _)| commit.to_owned())
        };
        let short = name.trim_start_matches("refs/heads/").trim_start_matches("refs/tags/");
        let kind = if name.starts_with("refs/tags/") { "tag" } else { "branch" };
        // The commit of a tag with a message of its own stands behind it.
        let found = commit(&peeled).or_else(|| commit(name));
        found.with_context(|| format!("`{url}` has no {kind} `{short}`")).code(code::NO_REVISION)
    }

    pub(super) fn initialize(&self, machine: &Machine<'_>, url: &str) -> Result {
        self.run(machine, &["init", "--quiet"])?;
        self.run(machine, &["config", INCOMPLETE, "true"])?;
        self.run(machine, &["remote", "add", "--", "origin", url])?;
        Ok(())
    }

    /// Fetches what is wanted unless it is there, and gives its commit.
    pub(super) fn fetch(
        &self,
        machine: &Machine<'_>,
        wanted: &Wanted,
        depth: Option<u32>,
    ) -> Result<String> {
        let (there, what) = match wanted {
            Wanted::Commit(commit) => (commit.clone(), commit.clone()),
            Wanted::Tag(tag) => {
                let tag = format!("refs/tags/{tag}");
                (tag.clone(), format!("+{tag}:{tag}"))
            }
            Wanted::Branch(branch) => {
                let here = format!("refs/remotes/origin/{branch}");
                (here.clone(), format!("+refs/heads/{branch}:{here}"))
            }
        };
        let follows = matches!(wanted, Wanted::Branch(_));
        if !follows && let Some(commit) = self.resolve(machine, &there)? {
            return Ok(commit);
        }
        let depth = depth.map(|depth| format!("--depth={depth}"));
        let mut args = vec!["fetch", "--quiet", "--no-tags"];
        args.extend(depth.as_deref());
        let one = [&args[..], &["origin", &what]].concat();
        let fetched = self.run(machine, &one);
        if matches!(wanted, Wanted::Commit(_)) && fetched.is_err() {
            // Not every server gives a single commit; what its branches and tags hold, each does.
            let all =
                ["fetch", "--quiet", "--tags", "origin", "+refs/heads/*:refs/remotes/origin/*"];
            self.run(machine, &all)?;
        } else {
            fetched?;
        }
        let found = self.resolve(machine, &there)?;
        found
            .with_context(|| format!("the server has no `{}`", wanted.name()))
            .code(code::NO_REVISION)
    }

    /// Whether the first checkout was cut off; then what it locked is free again.
    pub(super) fn resume(&self, machine: &Machine<'_>) -> Result<bool> {
        let told = self.here(&["config", "--get", INCOMPLETE]).accept([0, 1]);
        if self.ask(machine, &told)?.code != 0 {
            return Ok(false);
        }
        for lock in ["index.lock", "shallow.lock"] {
            machine.remove(&self.path.join(".git").join(lock))?;
        }
        Ok(true)
    }

    pub(super) fn check_out(&self, machine: &Machine<'_>, commit: &str, force: bool) -> Result {
        // What lies there without ever having been checked out was left by a checkout that was cut off.
        let first = self.resume(machine)?;
        let force = force || first;
        let mut args = vec!["checkout", "--quiet", "--detach"];
        args.extend(force.then_some("--force"));
        args.push(commit);
        self.run(machine, &args)?;
        self.run(machine, &["update-ref", DEPLOYED, commit])?;
        if first {
            self.run(machine, &["config", "--unset", INCOMPLETE])?;
        }
        Ok(())
    }

    pub(super) fn clean(&self, machine: &Machine<'_>) -> Result {
        self.run(machine, &["clean", "-d", "--force", "--force", "--quiet"]).map(|_| ())
    }

    /// Commits that are neither on the server, as far as is known here, nor were deployed: those that
    /// are checked out, or all, with other branches and what was stashed.
    pub(super) fn own_commits(&self, probe: &Probe<'_>, all: bool) -> Result<Vec<String>> {
        let head = self.resolve(probe, "HEAD")?;
        if head.is_none() && !all {
            return Ok(Vec::new());
        }
        let mut args = vec!["log", "--max-count=10", "--format=%h %s"];
        args.extend(head.is_some().then_some("HEAD"));
        args.extend(all.then_some("--all"));
        args.extend(["--not", "--remotes", "--tags", "--glob=refs/togusa"]);
        let listed = self.ask(probe, &self.here(&args))?.stdout_text();
        Ok(listed.lines().map(str::to_owned).collect())
    }

    pub(super) fn stale_submodules(&self, probe: &Probe<'_>) -> Result<Vec<String>> {
        let status =
            self.ask(probe, &self.here(&["submodule", "status", "--recursive"]))?.stdout_text();
        // A space stands before each that is as the commit says.
        let stale = status.lines().filter(|line| !line.starts_with(' '));
        let name = |line: &str| line.split(' ').nth(1).unwrap_or(line).to_owned();
        Ok(stale.map(name).collect())
    }

    pub(super) fn update_submodules(
        &self,
        machine: &Machine<'_>,
        depth: Option<u32>,
        force: bool,
    ) -> Result {
        self.run(machine, &["submodule", "--quiet", "sync", "--recursive"])?;
        let depth = depth.map(|depth| format!("--depth={depth}"));
        let mut args = vec!["submodule", "--quiet", "update", "--init", "--recursive"];
        args.extend(depth.as_deref());
        args.extend(force.then_some("--force"));
        self.run(machine, &args)?;
        Ok(())
    }
}

impl State {
    /// Reads what `git status --porcelain=v2 --branch -z` prints.
    fn read(status: &[u8]) -> Self {
        let mut state = Self::default();
        let mut parts = status.split(|byte| *byte == 0);
        while let Some(part) = parts.next() {
            let line = String::from_utf8_lossy(part);
            let after = |spaces: usize| line.splitn(spaces + 1, ' ').nth(spaces).map(str::to_owned);
            match line.as_bytes().first() {
                Some(b'#') => {
                    let head = line.strip_prefix("# branch.oid ");
                    let head = head.filter(|head| *head != "(initial)");
                    state.head = head.map(str::to_owned).or(state.head);
                }
                // At which commit a submodule is, `git submodule` tells.
                Some(b'1') if is_moved_submodule(&line) => {}
                Some(b'1') => state.changed.extend(after(8)),
                Some(b'u') => state.changed.extend(after(10)),
                Some(b'2') => {
                    state.changed.extend(after(9));
                    // The name that it had before.
                    parts.next();
                }
                Some(b'?') => state.unknown.extend(after(1)),
                _ => {}
            }
        }
        state
    }
}

/// Whether a line tells of a submodule in which no file was changed: `S`, then whether its commit, its
/// files, and what it does not know differ.
fn is_moved_submodule(line: &str) -> bool {
    let field = line.split(' ').nth(2).unwrap_or_default();
    field.starts_with('S') && field.as_bytes().get(2) != Some(&b'M')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_read_with_odd_names() {
        // As git 2.39 prints it.
        let status = "# branch.oid 1234\0# branch.head (detached)\0\
            1 .M N... 100644 100644 100644 aaa bbb a file\0\
            2 R. N... 100644 100644 100644 aaa bbb R100 new\nname\0? old\0\
            u UU N... 100644 100644 100644 100644 aaa bbb ccc both\0\
            ? un known\0! ignored\0";
        let state = State::read(status.as_bytes());
        assert_eq!(state.head.as_deref(), Some("1234"));
        assert_eq!(state.changed, ["a file", "new\nname", "both"]);
        assert_eq!(state.unknown, ["un known"]);
        assert_eq!(State::read(b"# branch.oid (initial)\0").head, None);
    }
}
