//! Servers of one master and its workers, and whether a reload has reached them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{fail, fault};

use crate::processes::Process;
use crate::waiting::{seconds, wait};

const INTERVAL: Duration = Duration::from_millis(20);

/// How long a new generation of workers may take to come up.
const COMES_UP: Duration = Duration::from_secs(10);

/// After how long a master is asked again.
const AGAIN: Duration = Duration::from_secs(3);

/// A master that runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Master {
    process: Process,
}

impl Master {
    /// The master whose number a pid file holds; nothing if it does not run. What has its number by
    /// chance is told from it by its title.
    pub(super) fn find(
        probe: &Probe<'_>,
        pid_file: &HostPath,
        title: &str,
    ) -> Result<Option<Self>> {
        if probe.entry(pid_file)?.is_none() {
            return Ok(None);
        }
        let text = probe.read_to_string(pid_file)?;
        let pid = text.lines().next().and_then(|line| line.trim().parse().ok());
        let process = pid.and_then(Process::running);
        let process = process.filter(|process| process.title().contains(title));
        Ok(process.map(|process| Self { process }))
    }

    pub(super) fn pid(&self) -> i32 {
        self.process.pid
    }

    fn below(&self) -> impl Iterator<Item = Process> {
        Process::all().filter(|process| process.parent == self.process.pid)
    }

    fn workers(&self) -> BTreeSet<(i32, u64)> {
        // Workers of nginx say so when they take no more connections; those of HAProxy do not.
        let serving = self.below().filter(|process| !process.title().contains("shutting down"));
        serving.map(|process| (process.pid, process.started)).collect()
    }

    /// Has it reload by a command, and waits for workers that were not there before: a master that
    /// does not like what it reads keeps the old ones, and tells nobody but its log. Where workers
    /// tell that they serve no longer, that is waited for too. Gives those of before, which go once
    /// they have answered what they were asked.
    pub(super) fn reload(
        &self,
        machine: &Machine<'_>,
        name: &str,
        command: &Exec,
        tells: bool,
    ) -> Result<Workers> {
        let all = Workers(self.below().collect());
        let before = self.workers();
        machine.run(command)?;
        let mut asked = Instant::now();
        let seen = wait(machine, COMES_UP, INTERVAL, || {
            // A master that was just starting anew on account of another reload has missed the signal.
            if asked.elapsed() >= AGAIN {
                asked = Instant::now();
                machine.run(command)?;
            }
            if Process::running(self.process.pid).is_none() {
                fail!(code::NOT_RELOADED, "{name} ended when it was to reload");
            }
            let now = self.workers();
            let is_new = now.difference(&before).next().is_some();
            let is_done = is_new && !(tells && now.intersection(&before).next().is_some());
            Ok(if is_done { Ok(()) } else { Err(String::new()) })
        })?;
        if seen.is_ok() {
            return Ok(all);
        }
        let time = seconds(COMES_UP);
        Err(fault!(
            code::NOT_RELOADED,
            "{name} did not reload: after {time} its old workers still serve"
        ))
        .hint(format!("the error log of {name} tells why"))
    }
}

/// Workers that are to end.
pub(super) struct Workers(Vec<Process>);

impl Workers {
    /// Whether none of them is left.
    pub(super) fn are_gone(&self) -> bool {
        let is_left = |worker: &Process| {
            Process::running(worker.pid).is_some_and(|now| now.started == worker.started)
        };
        !self.0.iter().any(is_left)
    }
}
