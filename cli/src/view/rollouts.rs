//! What rollouts do, in words: for lines that stay and for those that are live.

use togusa_core::event::{Event, Wait};
use togusa_core::names::RootId;

use crate::chart::{folded, of_roots};
use crate::text::{harmless, shortened};

/// How many names, or ranges of names, are listed.
const NAMES: usize = 8;
/// How much of what is seen is shown.
const SEEN: usize = 160;

/// A batch that begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch<'a> {
    number: usize,
    roots: &'a [RootId],
    up: usize,
    instances: usize,
    minimum_up: usize,
    left: usize,
}

impl<'a> Batch<'a> {
    /// The batch that an event tells of.
    pub(super) fn of(event: &'a Event) -> Option<Self> {
        let Event::RolloutBatch { number, roots, up, instances, minimum_up, left, .. } = event
        else {
            return None;
        };
        let [number, up, instances, minimum_up, left] =
            [number, up, instances, minimum_up, left].map(|number| *number);
        Some(Self { number, roots, up, instances, minimum_up, left })
    }

    /// Its number, its hosts, how many instances are up meanwhile, and how many are to come.
    pub(super) fn line(self, whole: bool) -> String {
        let hosts = hosts(self.roots, whole);
        let what = match self.number {
            0 => format!("{hosts}, left unfinished by an earlier run"),
            number => format!("batch {number}: {hosts}"),
        };
        let left = match self.left {
            0 => String::new(),
            left => format!("; up to {left} to come"),
        };
        format!("{what}; {}{left}", self.up())
    }

    /// Its number, and how many instances are up meanwhile.
    pub(super) fn short(self) -> String {
        match self.number {
            0 => self.up(),
            number => format!("batch {number}; {}", self.up()),
        }
    }

    fn up(self) -> String {
        format!("{} of {} up, minimum {}", self.up, self.instances, self.minimum_up)
    }
}

/// What is waited for, with what is seen instead.
pub(super) fn waiting(wait: Wait, roots: &[RootId], seen: Option<&str>, whole: bool) -> String {
    let hosts = hosts(roots, whole);
    let (are, have) = if roots.len() == 1 { ("is", "has") } else { ("are", "have") };
    let words = match wait {
        Wait::Drain => format!("waiting until {hosts} {are} out of use"),
        Wait::Update => format!("waiting for the update of {hosts}"),
        Wait::Healthy => format!("waiting until {hosts} {are} healthy"),
        Wait::Settled => format!("waiting until {hosts} {have} been healthy for long enough"),
        Wait::Restore => format!("waiting until {hosts} {are} back in use"),
        Wait::MinimumUp => "waiting until enough instances are up".to_owned(),
        Wait::Confirmation => "waiting for a confirmation".to_owned(),
    };
    let Some(seen) = seen else { return words };
    let limit = if whole { usize::MAX } else { SEEN };
    let seen = harmless(seen.lines().next().unwrap_or_default()).into_owned();
    format!("{words}: {}", shortened(&seen, limit))
}

/// How a rollout ended: the instances that are done, that failed, and that it did not come to.
pub(super) fn ending(all: [&[RootId]; 3], stopped: bool, whole: bool) -> String {
    let kinds = ["done", "failed", "not reached"].into_iter().zip(all);
    let kinds = kinds.filter(|(_, roots)| !roots.is_empty());
    let parts: Vec<_> =
        kinds.map(|(kind, roots)| format!("{kind} {}", hosts(roots, whole))).collect();
    let ended = if stopped { "stopped" } else { "finished" };
    match parts.is_empty() {
        true => format!("rollout {ended}"),
        false => format!("rollout {ended}: {}", parts.join("; ")),
    }
}

/// The hosts of instances of one component: `app[01-80], db`.
pub(super) fn hosts(roots: &[RootId], whole: bool) -> String {
    listed(folded(roots.iter().map(|root| root.host.as_str())), whole)
}

/// Roots: `app@app[01-80], db@db`.
pub(super) fn roots(roots: &[RootId], whole: bool) -> String {
    listed(of_roots(roots), whole)
}

fn listed(names: Vec<String>, whole: bool) -> String {
    let limit = if whole { usize::MAX } else { NAMES };
    let rest = names.len().saturating_sub(limit);
    let mut listed: Vec<_> =
        names.iter().take(limit).map(|name| harmless(name).into_owned()).collect();
    if rest > 0 {
        listed.push(format!("… {rest} more"));
    }
    listed.join(", ")
}
