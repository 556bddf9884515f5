//! This machine: what a deployment needs where it is started.

use std::process::{Command, Stdio};
use std::time::Duration;

use togusa_core::environment::{Environment, Host};
use togusa_core::system::{program, variable};
use togusa_environments::secrets::Store;

use super::Finding;
use crate::agents::Agents;
use crate::failure::Failure;
use crate::git;
use crate::session::Session;
use crate::ssh::Connections;
use crate::text::{count, duration, names};

/// As many targets are listed.
const TARGETS: usize = 6;

/// What was found on this machine.
#[derive(Debug, Default)]
pub(crate) struct Here {
    /// What was looked at, and what was found.
    pub(crate) rows: Vec<(&'static str, String)>,
    /// What is not as it should be.
    pub(crate) findings: Vec<Finding>,
}

impl Here {
    /// Looks at what reaching hosts by SSH needs: ssh itself, its connections, and what is pushed.
    pub(crate) fn of_ssh(
        &mut self,
        hosts: &[&Host],
        (connections, keep): (&Connections, Duration),
        (agents, prepared): (Result<&Agents, &Failure>, bool),
    ) {
        // A machine without ssh is told by what it was needed for.
        let ssh = version(program("ssh").arg("-V"));
        self.rows.push(("ssh", ssh.unwrap_or_else(|| "missing".to_owned())));
        // Those that cannot be counted are told when they cannot be used.
        let open = connections.count_open(hosts).unwrap_or_default();
        let kept = match keep {
            Duration::ZERO => "not kept".to_owned(),
            keep => format!("kept for {}", duration(keep)),
        };
        let open = if open > 0 { format!(", {open} open") } else { String::new() };
        self.rows.push(("connections", format!("{kept}{open}")));
        if !prepared {
            let cargo = variable("CARGO").unwrap_or_else(|| "cargo".to_owned());
            let cargo = version(program(cargo).arg("--version"));
            self.rows.push(("cargo", cargo.unwrap_or_else(|| "missing".to_owned())));
        }
        match agents.map(Agents::targets) {
            Ok(Ok(targets)) => {
                let word = if prepared { "prepared for" } else { "builds for" };
                self.rows
                    .push(("program", format!("up to date, {word} {}", names(targets, TARGETS))));
            }
            // What is built already can be pushed.
            Ok(Err(_)) => self.rows.push(("program", "up to date, builds nothing new".to_owned())),
            Err(failure) => {
                self.rows.push(("program", "cannot be pushed".to_owned()));
                self.fail(failure);
            }
        }
    }

    /// Looks at the project's tree, which some environments want clean and pushed.
    pub(crate) fn of_git(&mut self, session: &Session, environment: &Environment) {
        let row = match git::commit(&session.root) {
            Some(commit) => {
                let id: String = commit.id.chars().take(7).collect();
                let branch = commit.branch.map(|branch| format!(" {branch}")).unwrap_or_default();
                let dirty = if commit.dirty { ", with changes that are not committed" } else { "" };
                format!("at {id}{branch}{dirty}")
            }
            None => "no commit that could be recorded".to_owned(),
        };
        self.rows.push(("git", row));
        if environment.require_clean
            && let Err(failure) = git::require_clean(&session.root, &environment.name)
        {
            self.fail(&failure);
        }
    }

    /// Opens the secrets of the environment and of those that it extends.
    pub(crate) fn of_secrets(&mut self, session: &Session, chain: &[String]) {
        let mut opened = Vec::new();
        for name in chain {
            match of_environment(session, name) {
                Ok(None) => {}
                Ok(Some((number, key))) => {
                    opened.push(format!("{} of `{name}`, opened by {key}", count(number, "value")));
                }
                Err(failure) => {
                    opened.push(format!("those of `{name}` cannot be opened"));
                    self.fail(&failure);
                }
            }
        }
        let row = if opened.is_empty() { "none".to_owned() } else { opened.join("; ") };
        self.rows.push(("secrets", row));
    }

    fn fail(&mut self, failure: &Failure) {
        self.findings.extend(failure.problems.list.iter().cloned().map(Finding::error));
    }
}

/// How many secrets an environment has, and which key opens them.
fn of_environment(session: &Session, name: &str) -> Result<Option<(usize, String)>, Failure> {
    let Some(file) = Store::new(&session.root, name)?.read()? else { return Ok(None) };
    let key = file.unlock(session.identities()).map_err(|it| Failure::wrong_use([it]))?;
    file.open_all(&key)?;
    let by = key.opened_by().unwrap_or_default().to_owned();
    Ok(Some((file.paths().count(), by)))
}

/// The first line that a program prints of itself; `None`: it cannot be run.
fn version(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok().filter(|it| it.status.success())?;
    let printed = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&printed).lines().next().map(str::to_owned)
}
