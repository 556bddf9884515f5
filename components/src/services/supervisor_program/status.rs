//! What supervisord tells of its programs.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use togusa_core::fault;
use togusa_core::host::{Output, Snapshot};
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::foreign;

/// What supervisord tells of one program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// `RUNNING`, `STARTING`, `BACKOFF`, `STOPPING`, `EXITED`, `FATAL`, `UNKNOWN`.
    name: String,
    /// What follows the name.
    detail: String,
    pub(super) pid: Option<u32>,
}

impl State {
    pub(super) fn is_running(&self) -> bool {
        self.name == "RUNNING"
    }

    /// Whether it runs, or is about to.
    pub(super) fn is_up(&self) -> bool {
        ["RUNNING", "STARTING", "BACKOFF"].contains(&&*self.name)
    }

    /// Whether supervisord has given it up.
    pub(super) fn is_final(&self) -> bool {
        ["FATAL", "EXITED", "STOPPED", "UNKNOWN"].contains(&&*self.name)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.is_running(), &*self.detail) {
            // How long it runs differs each time that it is asked.
            (true, _) | (_, "") => f.write_str(&self.name),
            (_, detail) => write!(f, "{} ({detail})", self.name),
        }
    }
}

/// Reads what `supervisorctl status` prints: name, state, and more in words. A program in a group
/// has the name of its group before its own.
fn parse(text: &str) -> BTreeMap<String, State> {
    let read = |line: &str| {
        let mut words = line.split_whitespace();
        let (name, state) = (words.next()?, words.next()?);
        let is_state = state.chars().all(|c| c.is_ascii_uppercase());
        let detail = words.collect::<Vec<_>>().join(" ");
        let pid = detail.strip_prefix("pid ").and_then(|rest| rest.split(',').next());
        let pid = pid.and_then(|pid| pid.parse().ok());
        is_state.then(|| (name.to_owned(), State { name: state.to_owned(), detail, pid }))
    };
    text.lines().filter_map(read).collect()
}

pub(super) fn supervisorctl(probe: &Probe<'_>, config: &HostPath) -> Exec {
    let config = probe.local(config).display().to_string();
    foreign::program("supervisorctl").args(["-c", &config])
}

/// All programs as they are at this moment.
pub(super) fn all_now(probe: &Probe<'_>, config: &HostPath) -> Result<BTreeMap<String, State>> {
    // 3: one of them does not run, which is what is asked.
    let exec = supervisorctl(probe, config).arg("status").accept([0, 3]);
    Ok(parse(&explained(probe.query(&exec))?.stdout_text()))
}

/// Says what to do when supervisord is missing or does not answer.
pub(super) fn explained(result: Result<Output>) -> Result<Output> {
    let result = foreign::of_package(result, "supervisor");
    let text = match &result {
        Ok(output) => output.stdout_text(),
        Err(error) => match foreign::failure(error) {
            Some(failure) => format!("{}\n{}", failure.stdout_tail, failure.stderr_tail),
            None => return result,
        },
    };
    let refuses = |line: &&str| {
        let at = ["unix://", "http://"].iter().any(|start| line.starts_with(start));
        let said = ["no such file", "refused connection", "SHUTDOWN_STATE"];
        at && said.iter().any(|said| line.contains(said)) || line.contains("could not find config")
    };
    match text.lines().find(refuses) {
        Some(line) => Err(fault!(
            code::SUPERVISOR_SILENT,
            "supervisord does not answer: {}",
            line.trim()
        ))
        .hint("start it in an earlier component, and see that `.config(…)` is the file it uses"),
        None => result,
    }
}

/// Whether a complaint only says that a program already is as an order would have it.
pub(super) fn is_harmless(complaint: &str) -> bool {
    ["already started", "not running"].iter().any(|harmless| complaint.contains(harmless))
}

/// The programs of each supervisord of the host, by its configuration.
#[derive(Default)]
pub(super) struct Statuses(Mutex<BTreeMap<HostPath, Arc<BTreeMap<String, State>>>>);

impl Snapshot for Statuses {
    fn take(_: &Probe<'_>) -> Result<Self> {
        Ok(Self::default())
    }
}

impl Statuses {
    /// All programs, from one look for all components.
    pub(super) fn of(probe: &Probe<'_>, config: &HostPath) -> Result<BTreeMap<String, State>> {
        let shared = probe.snapshot::<Self>()?;
        let mut known = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(config) {
            return Ok((**known).clone());
        }
        let all = Arc::new(all_now(probe, config)?);
        known.insert(config.clone(), Arc::clone(&all));
        Ok((*all).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// supervisor 4.2.5-1, `supervisorctl status`, of several moments.
    const RECORDED: &str = "\
bad                              BACKOFF   can't find command '/no/such'
fatal                            FATAL     Exited too quickly (process log may have details)
slow                             STARTING  
stopped                          STOPPED   Not started
web                              RUNNING   pid 14460, uptime 0:00:05
";

    #[test]
    fn the_states_of_all_programs_are_read() {
        let all = parse(RECORDED);
        let told: Vec<_> = all.iter().map(|(name, state)| format!("{name}: {state}")).collect();
        assert_eq!(
            told,
            [
                "bad: BACKOFF (can't find command '/no/such')",
                "fatal: FATAL (Exited too quickly (process log may have details))",
                "slow: STARTING",
                "stopped: STOPPED (Not started)",
                "web: RUNNING",
            ]
        );
        assert_eq!((all["web"].pid, all["fatal"].pid), (Some(14460), None));
        assert!(all["fatal"].is_final() && !all["bad"].is_final());
        assert!(parse("unix:///run/x.sock no such file\n").is_empty());
    }
}
