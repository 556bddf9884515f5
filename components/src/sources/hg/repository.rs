//! The commands of Mercurial, on one checkout.

use std::time::Duration;

use togusa_core::fault;
use togusa_core::fault::CodeExt as _;
use togusa_core::host::Output;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::sources::checkout::{LocalChanges, ssh_command};
use crate::sources::tools::{failure, needing};

use super::Wanted;

/// The setting that tells that nothing was checked out to its end yet.
const INCOMPLETE: &str = "togusa.incomplete";

/// What is asked of a server: a commit, and the bookmarks that it has there.
const IDENTIFIED: &str = r#"{node}\n{bookmarks % "{bookmark}\n"}"#;

/// What stands for no commit.
const NULL: &str = "0000000000000000000000000000000000000000";

/// A checkout on a host, and the files by which its server is reached, as real paths.
#[derive(Debug)]
pub(super) struct Repository {
    pub(super) path: HostPath,
    pub(super) local: String,
    pub(super) user: Option<String>,
    pub(super) timeout: Duration,
    pub(super) key: Option<String>,
    pub(super) known_hosts: Option<String>,
    pub(super) login: Option<String>,
}

/// How a checkout is.
#[derive(Debug, Default, PartialEq)]
pub(super) struct State {
    pub(super) head: Option<String>,
    pub(super) url: Option<String>,
    /// Files that Mercurial knows and that differ from the commit.
    pub(super) changed: Vec<String>,
    /// Files that Mercurial neither knows nor ignores.
    pub(super) unknown: Vec<String>,
}

impl Repository {
    fn hg(&self, args: &[&str]) -> Exec {
        let ssh =
            format!("ui.ssh={}", ssh_command(self.key.as_deref(), self.known_hosts.as_deref()));
        // Without aliases, defaults and translations of the user; nothing is asked.
        let mut exec = Exec::new("hg").env("HGPLAIN", "1").env("HGENCODING", "UTF-8");
        exec = exec.args(["--noninteractive", "--config", &ssh]).timeout(self.timeout);
        if let Some(login) = &self.login {
            // What is read without being told, and then the file with the password.
            let usual = "/etc/mercurial/hgrc:/etc/mercurial/hgrc.d:~/.hgrc:~/.config/hg/hgrc";
            exec = exec.env("HGRCPATH", format!("{usual}:{login}"));
        }
        if let Some(user) = &self.user {
            exec = exec.user(user);
        }
        exec.args(args.iter().copied())
    }

    fn here(&self, args: &[&str]) -> Exec {
        self.hg(&[&["--repository", self.local.as_str()], args].concat())
    }

    fn ask(&self, probe: &Probe<'_>, exec: &Exec) -> Result<Output> {
        needing(probe.query(exec), "mercurial")
    }

    fn run(&self, machine: &Machine<'_>, args: &[&str]) -> Result<Output> {
        needing(machine.run(&self.here(args)), "mercurial")
    }

    pub(super) fn is_there(&self, probe: &Probe<'_>) -> Result<bool> {
        let directory = probe.entry(&self.path)?.is_some_and(|entry| entry.is_directory());
        Ok(directory && probe.entry(&self.path.join(".hg"))?.is_some())
    }

    /// Refuses a directory that is no checkout and holds something.
    pub(super) fn check_empty(&self, probe: &Probe<'_>) -> Result {
        if probe.entry(&self.path)?.is_none() || probe.list(&self.path)?.is_empty() {
            return Ok(());
        }
        Err(fault!(
            code::DIRECTORY_OCCUPIED,
            "`{}` holds files, and is no checkout of Mercurial",
            self.local
        ))
        .hint("remove it, or check out into another directory")
    }

    /// The commits of a set, each as a template shows it.
    fn log(&self, probe: &Probe<'_>, set: &str, template: &str) -> Result<Vec<String>> {
        let args = ["log", "--limit", "10", "--rev", set, "--template", template];
        let listed = self.ask(probe, &self.here(&args))?.stdout_text();
        Ok(listed.lines().map(str::to_owned).collect())
    }

    pub(super) fn state(&self, probe: &Probe<'_>) -> Result<State> {
        let head = self.log(probe, ".", "{node}\n")?.pop().filter(|node| node != NULL);
        let args = ["status", "--modified", "--added", "--removed", "--deleted", "--unknown"];
        let status = self.ask(probe, &self.here(&[&args[..], &["--print0"]].concat()))?;
        let (changed, unknown) = files(&status.stdout);
        Ok(State { head, url: self.setting(probe, "paths.default")?, changed, unknown })
    }

    /// A setting of the checkout, also where it belongs to somebody else.
    fn setting(&self, probe: &Probe<'_>, name: &str) -> Result<Option<String>> {
        let config = self.here(&["config", "--untrusted", name]).accept([0, 1]);
        let value = self.ask(probe, &config)?.stdout_text().trim_end().to_owned();
        Ok(Some(value).filter(|value| !value.is_empty()))
    }

    /// The commit that a tag, or a commit's own name, stands for on the host.
    pub(super) fn resolve(&self, probe: &Probe<'_>, wanted: &Wanted) -> Result<Option<String>> {
        let set = match wanted {
            Wanted::Commit(commit) => format!("id(\"{commit}\")"),
            Wanted::Tag(tag) => format!("present(tag(\"literal:{tag}\"))"),
            Wanted::Branch(_) | Wanted::Bookmark(_) => return Ok(None),
        };
        Ok(self.log(probe, &set, "{node}\n")?.pop())
    }

    /// The commit that a name has on the server.
    pub(super) fn on_server(
        &self,
        probe: &Probe<'_>,
        url: &str,
        wanted: &Wanted,
    ) -> Result<String> {
        let (name, kind) = (wanted.name(), wanted.kind());
        let args = ["identify", "--bookmarks", "--template", IDENTIFIED, "--rev", name, "--", url];
        let asked = self.ask(probe, &self.hg(&args));
        let told = match asked {
            Err(error) if is_unknown(&error) => None,
            asked => Some(asked?.stdout_text()),
        };
        let commit = told.as_deref().and_then(|told| identified(told, wanted));
        commit.with_context(|| format!("`{url}` has no {kind} `{name}`")).code(code::NO_REVISION)
    }

    /// Makes it, with nothing in it.
    pub(super) fn initialize(&self, machine: &Machine<'_>, url: &str) -> Result {
        needing(machine.run(&self.hg(&["init", "--", &self.local])), "mercurial")?;
        let (section, name) = INCOMPLETE.split_once('.').unwrap_or_default();
        self.configure(machine, &format!("{}[{section}]\n{name} = true\n", paths(url)))
    }

    /// Writes its settings, as its user.
    fn configure(&self, machine: &Machine<'_>, text: &str) -> Result {
        let write = Exec::shell("cat >.hg/hgrc.new && mv .hg/hgrc.new .hg/hgrc").stdin(text);
        let write = write.directory(&self.path);
        let write = match &self.user {
            Some(user) => write.user(user),
            None => write,
        };
        machine.run(&write).map(|_| ())
    }

    /// Whether the first checkout was cut off. What a run that was killed left half written to the
    /// history is taken back.
    pub(super) fn resume(&self, machine: &Machine<'_>) -> Result<bool> {
        if machine.entry(&self.path.join(".hg/store/journal"))?.is_some() {
            self.run(machine, &["recover"])?;
        }
        Ok(self.setting(machine, INCOMPLETE)?.is_some())
    }

    /// Fetches what is wanted unless it is there, and gives its commit.
    pub(super) fn fetch(
        &self,
        machine: &Machine<'_>,
        url: &str,
        wanted: &Wanted,
    ) -> Result<String> {
        if let Some(commit) = self.resolve(machine, wanted)? {
            return Ok(commit);
        }
        let target = match wanted {
            Wanted::Branch(_) | Wanted::Bookmark(_) => self.on_server(machine, url, wanted)?,
            Wanted::Tag(_) | Wanted::Commit(_) => String::new(),
        };
        let there = !target.is_empty()
            && !self.log(machine, &format!("id(\"{target}\")"), "{node}\n")?.is_empty();
        if !there {
            self.pull(machine, url)?;
        }
        let found = match wanted {
            Wanted::Tag(_) | Wanted::Commit(_) => self.resolve(machine, wanted)?,
            Wanted::Bookmark(_) => Some(target),
            // A name that is none of a branch may be the beginning of a commit.
            Wanted::Branch(name) => {
                let set = format!("id(\"{target}\") and present(branch(\"literal:{name}\"))");
                self.log(machine, &set, "{node}\n")?.pop()
            }
        };
        found
            .with_context(|| format!("`{url}` has no {} `{}`", wanted.kind(), wanted.name()))
            .code(code::NO_REVISION)
    }

    /// Fetches all that the server has.
    fn pull(&self, machine: &Machine<'_>, url: &str) -> Result {
        let before = self.last(machine)?;
        self.run(machine, &["pull", "--quiet", "--", url])?;
        // A server that does not publish gives drafts, which are told from what was committed here by
        // hand in this way.
        let new = format!("{}:", before + 1);
        if self.last(machine)? > before
            && !self.log(machine, &format!("{new} and not public()"), "{node}\n")?.is_empty()
        {
            self.run(machine, &["phase", "--quiet", "--public", "--rev", &new])?;
        }
        Ok(())
    }

    /// The number of the last commit that is here; -1 if there is none.
    fn last(&self, probe: &Probe<'_>) -> Result<i64> {
        let told = self.log(probe, "tip", "{rev}\n")?.concat();
        told.parse().with_context(|| format!("hg says `{told}` for the number of a commit"))
    }

    pub(super) fn check_out(
        &self,
        machine: &Machine<'_>,
        url: &str,
        commit: &str,
        changes: LocalChanges,
    ) -> Result {
        // What lies there without ever having been checked out was left by a checkout that was cut off.
        let first = self.resume(machine)?;
        let mut args = vec!["update", "--quiet"];
        match changes {
            _ if first => args.push("--clean"),
            LocalChanges::Clobber => args.push("--clean"),
            LocalChanges::Refuse => args.push("--check"),
            LocalChanges::Keep => args.extend(["--config", "commands.update.check=noconflict"]),
        }
        args.extend(["--rev", commit]);
        self.run(machine, &args)?;
        if first {
            self.configure(machine, &paths(url))?;
        }
        Ok(())
    }

    pub(super) fn clean(&self, machine: &Machine<'_>) -> Result {
        self.run(machine, &["--config", "extensions.purge=", "purge"]).map(|_| ())
    }

    /// Commits that are not from the server: those that are checked out, or all, with what was
    /// shelved.
    pub(super) fn own_commits(&self, probe: &Probe<'_>, all: bool) -> Result<Vec<String>> {
        let set = if all { "not public()" } else { "::. and not public()" };
        let mut commits = self.log(probe, set, "{node|short} {desc|firstline}\n")?;
        let shelved = self.path.join(".hg/shelved");
        if all && probe.entry(&shelved)?.is_some() {
            let names = probe.list(&shelved)?;
            commits.extend(
                names.iter().filter_map(|name| name.strip_suffix(".patch")).map(Into::into),
            );
        }
        Ok(commits)
    }
}

/// The settings that tell where the repository comes from.
fn paths(url: &str) -> String {
    format!("[paths]\ndefault = {url}\n")
}

/// Whether the server said that it knows no such name.
fn is_unknown(error: &anyhow::Error) -> bool {
    failure(error).is_some_and(|failure| failure.stderr_tail.contains("unknown revision"))
}

/// The commit that a server told, with the bookmarks that it has there.
fn identified(told: &str, wanted: &Wanted) -> Option<String> {
    let mut lines = told.lines();
    let commit = lines.next()?;
    let whole = commit.len() == NULL.len() && commit != NULL;
    let is_it = match wanted {
        Wanted::Bookmark(name) => lines.any(|bookmark| bookmark == name),
        _ => true,
    };
    (whole && is_it).then(|| commit.to_owned())
}

/// Reads what `hg status --print0` prints: files that differ, and files that are not known.
fn files(status: &[u8]) -> (Vec<String>, Vec<String>) {
    let (mut changed, mut unknown) = (Vec::new(), Vec::new());
    for line in status.split(|byte| *byte == 0) {
        let line = String::from_utf8_lossy(line);
        match line.split_once(' ') {
            Some(("?", name)) => unknown.push(name.to_owned()),
            Some((_, name)) => changed.push(name.to_owned()),
            None => {}
        }
    }
    (changed, unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_read_with_odd_names() {
        // As hg 6.3 prints it.
        let (changed, unknown) = files(b"M a file\0R gone\0! lost\0? un\nknown\0");
        assert_eq!(changed, ["a file", "gone", "lost"]);
        assert_eq!(unknown, ["un\nknown"]);
        assert_eq!(files(b""), (Vec::new(), Vec::new()));
    }

    #[test]
    fn a_bookmark_is_one_that_the_server_has_there() {
        // As hg 6.3 prints it.
        let told = "03fe5d443b7af287d04563c6fb2b1dd6219450cf\nmain\nnext one\n";
        let commit = Some(told[..40].to_owned());
        assert_eq!(identified(told, &Wanted::Bookmark("next one".into())), commit);
        assert_eq!(identified(told, &Wanted::Bookmark("next".into())), None);
        assert_eq!(identified(told, &Wanted::Branch("default".into())), commit);
        assert_eq!(identified(&told[..41], &Wanted::Bookmark("main".into())), None);
        assert_eq!(identified(NULL, &Wanted::Branch("default".into())), None);
    }
}
