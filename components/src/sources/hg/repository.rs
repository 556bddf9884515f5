//! The commands of Mercurial, on one checkout.

use std::time::Duration;

use togusa_core::fault;
use togusa_core::host::Output;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::sources::checkout::{LocalChanges, ssh_command};
use crate::sources::tools::{failure, needing};

use super::Wanted;
use super::serve::{Answer, answers, requests};
use super::state::{Found, INCOMPLETE, State, identify, no_such, told_by_server};

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

    /// Asks several things of the checkout, by one start of Mercurial.
    pub(super) fn ask_all(
        &self,
        probe: &Probe<'_>,
        questions: &[Vec<&str>],
    ) -> Result<Vec<String>> {
        let serve = self.here(&["serve", "--cmdserver", "pipe"]).stdin(requests(questions));
        let served = self.ask(probe, &serve)?;
        let told = match answers(&served.stdout, questions.len()) {
            Some(answers) => answers,
            // It printed more than is kept, or something else prints in between.
            None => self.ask_each(probe, questions)?,
        };
        let told = questions.iter().zip(told);
        told.map(|(args, answer)| {
            if is_answered(args, &answer) {
                Ok(answer.stdout)
            } else {
                Err(self.refused(args, &answer))
            }
        })
        .collect()
    }

    fn ask_each(&self, probe: &Probe<'_>, questions: &[Vec<&str>]) -> Result<Vec<Answer>> {
        let told = questions.iter().map(|args| {
            let told = self.ask(probe, &self.here(args).accept(0..=255))?;
            let (stdout, stderr) = (told.stdout_text(), told.stderr_text());
            Ok(Answer { code: told.code, stdout, stderr })
        });
        told.collect()
    }

    /// The error of a question that was not answered, as that of a command.
    fn refused(&self, args: &[&str], answer: &Answer) -> anyhow::Error {
        let said = answer.stderr.trim_end().lines().map(|line| format!("\n     | {line}"));
        let said = fault!(code::COMMAND_FAILED, "stderr ends with:{}", said.collect::<String>());
        said.context(format!("command `{}` exited with {}", self.here(args), answer.code))
    }

    /// The commit that a name has on the server.
    pub(super) fn on_server(
        &self,
        probe: &Probe<'_>,
        url: &str,
        wanted: &Wanted,
    ) -> Result<String> {
        let told = match self.ask(probe, &self.hg(&identify(url, wanted))) {
            Err(error) if failure(&error).is_some_and(|it| is_unknown(&it.stderr_tail)) => {
                String::new()
            }
            told => told?.stdout_text(),
        };
        told_by_server(&told, url, wanted)
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

    /// Takes back what a run that was killed left half written to the history.
    pub(super) fn recover(&self, machine: &Machine<'_>) -> Result {
        if machine.entry(&self.path.join(".hg/store/journal"))?.is_some() {
            self.run(machine, &["recover"])?;
        }
        Ok(())
    }

    /// Fetches what is wanted unless it is there, and gives its commit. Of a branch or a bookmark the
    /// server was asked for it already.
    pub(super) fn fetch(
        &self,
        machine: &Machine<'_>,
        url: &str,
        wanted: &Wanted,
        state: &State,
        target: Option<String>,
    ) -> Result<String> {
        let here = match (wanted, target) {
            (Wanted::Tag(_) | Wanted::Commit(_), Some(target)) => return Ok(target),
            (_, target) if target.is_some() && target.as_deref() == state.head() => {
                state.head.clone()
            }
            (_, target) => self.pull(machine, url, wanted, state.last, target.as_deref())?,
        };
        // A name that is none of a branch may be the beginning of a commit.
        let here = here.filter(|found| match wanted {
            Wanted::Branch(name) => found.branch == *name,
            _ => true,
        });
        Ok(here.ok_or_else(|| no_such(url, wanted))?.commit)
    }

    /// Fetches all that the server has, and finds what is wanted in it.
    fn pull(
        &self,
        machine: &Machine<'_>,
        url: &str,
        wanted: &Wanted,
        last: i64,
        target: Option<&str>,
    ) -> Result<Option<Found>> {
        self.run(machine, &["pull", "--quiet", "--", url])?;
        // A server that does not publish gives drafts, which are told from what was committed here by
        // hand in this way.
        let (drafts, found) = self.pulled(machine, last, wanted, target)?;
        if drafts {
            let new = format!("{}:", last + 1);
            self.run(machine, &["phase", "--quiet", "--public", "--rev", &new])?;
        }
        Ok(found)
    }

    pub(super) fn check_out(
        &self,
        machine: &Machine<'_>,
        url: &str,
        commit: &str,
        changes: LocalChanges,
        first: bool,
    ) -> Result {
        let mut args = vec!["update", "--quiet"];
        match changes {
            // What lies there without ever having been checked out was left by one that was cut off.
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

    /// What was shelved.
    pub(super) fn shelved(&self, probe: &Probe<'_>) -> Result<Vec<String>> {
        let shelved = self.path.join(".hg/shelved");
        if probe.entry(&shelved)?.is_none() {
            return Ok(Vec::new());
        }
        let names = probe.list(&shelved)?;
        let patches = names.iter().filter_map(|name| name.strip_suffix(".patch"));
        Ok(patches.map(str::to_owned).collect())
    }
}

/// The settings that tell where the repository comes from.
fn paths(url: &str) -> String {
    format!("[paths]\ndefault = {url}\n")
}

/// Whether Mercurial did what it was asked for. A setting that is not there is an answer, and that a
/// server knows no such name.
fn is_answered(args: &[&str], answer: &Answer) -> bool {
    match (args.first(), answer.code) {
        (_, 0) | (Some(&"config"), 1) => true,
        (Some(&"identify"), 255) => is_unknown(&answer.stderr),
        _ => false,
    }
}

fn is_unknown(stderr: &str) -> bool {
    stderr.contains("unknown revision")
}
