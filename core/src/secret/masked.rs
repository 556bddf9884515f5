//! Masking of all that is told: every text of every event.
//!
//! Each variant is taken apart by name, so that a field that is added cannot be forgotten. Names of
//! hosts and roots stay, and so do breadcrumbs: those are masked when they are made.

use super::KnownSecrets;
use crate::event::{Event, Summary};
use crate::problem::{Problem, Problems};
use crate::protocol::FromAgent;
use crate::verdict::Change;

/// What is told, and may hold a secret.
pub(crate) trait Masked: Sized {
    /// Puts `[secret]` in the place of each secret.
    fn mask(&mut self, known: &KnownSecrets);

    /// The same with each secret masked.
    fn masked(mut self, known: &KnownSecrets) -> Self {
        if !known.is_empty() {
            self.mask(known);
        }
        self
    }
}

impl Masked for Problem {
    fn mask(&mut self, known: &KnownSecrets) {
        let Self { origin: _, root: _, breadcrumb: _, message, causes, hint, code: _, hosts: _ } =
            self;
        known.mask_in(message);
        causes.iter_mut().for_each(|cause| known.mask_in(cause));
        hint.iter_mut().for_each(|hint| known.mask_in(hint));
    }
}

impl Masked for Problems {
    fn mask(&mut self, known: &KnownSecrets) {
        self.list.iter_mut().for_each(|problem| problem.mask(known));
    }
}

impl Masked for Change {
    fn mask(&mut self, known: &KnownSecrets) {
        match self {
            Self::Create { what } | Self::Remove { what } => known.mask_in(what),
            Self::Property { name, from, to } => {
                [name, from, to].into_iter().for_each(|text| known.mask_in(text));
            }
            Self::Text { diff } => {
                known.mask_in(diff);
                if is_across_lines(diff, known) {
                    *self = Self::Sensitive;
                }
            }
            Self::Note { text } => known.mask_in(text),
            Self::Binary { from: _, to: _ } | Self::Sensitive => {}
        }
    }
}

/// Whether one of the two texts of a diff holds a secret, of which no line does by itself.
fn is_across_lines(diff: &str, known: &KnownSecrets) -> bool {
    ['-', '+'].into_iter().any(|sign| {
        let lines = diff.lines().filter_map(|line| line.strip_prefix([sign, ' ']));
        known.is_in(lines.collect::<Vec<_>>().join("\n").as_bytes())
    })
}

impl Masked for Summary {
    fn mask(&mut self, known: &KnownSecrets) {
        let Self { roots: _, failed_hosts, skipped: _, interrupted: _, locked_hosts: _ } = self;
        failed_hosts.values_mut().for_each(|problem| problem.mask(known));
    }
}

impl Masked for FromAgent {
    fn mask(&mut self, known: &KnownSecrets) {
        match self {
            Self::Event(event) => event.mask(known),
            Self::Refused { problem, locked: _ } => problem.mask(known),
            Self::Answer { number: _, answer } => {
                if let Err(problem) = &mut **answer {
                    problem.mask(known);
                }
            }
            Self::Hello(_)
            | Self::Need { assets: _ }
            | Self::Status(_)
            | Self::Ready(_)
            | Self::Rebooting { root: _, breadcrumb: _, timeout: _ }
            | Self::Done(_)
            | Self::Heartbeat => {}
        }
    }
}

impl Masked for Event {
    fn mask(&mut self, known: &KnownSecrets) {
        let mask_all = |changes: &mut Vec<Change>| {
            changes.iter_mut().for_each(|change| change.mask(known));
        };
        match self {
            Self::Started { mode: _, project: _, environment: _, roots: _, skipped: _ }
            | Self::Connecting { host: _ }
            | Self::Pushing { host: _, target: _, bytes: _ }
            | Self::Connected { host: _, elapsed: _ }
            | Self::Rebooting { root: _, breadcrumb: _, timeout: _ }
            | Self::Rebooted { host: _, elapsed: _ }
            | Self::RootStarted { root: _ }
            | Self::RolloutPlanned { rollouts: _, waves: _ }
            | Self::RolloutBatch {
                component: _,
                number: _,
                roots: _,
                up: _,
                instances: _,
                minimum_up: _,
                left: _,
            }
            | Self::Drained { root: _, instances: _ }
            | Self::Restored { root: _, instances: _ }
            | Self::ComponentStarted { root: _, breadcrumb: _, step: _ }
            | Self::RootFinished { root: _, outcome: _, counts: _, elapsed: _ } => {}
            Self::TriggerMoved { root: _, host: _, cause: _, dependant: _, moved_to: _ } => {}
            Self::Log { root: _, breadcrumb: _, text }
            | Self::Output { root: _, breadcrumb: _, stream: _, text } => known.mask_in(text),
            Self::ComponentChanged {
                root: _,
                breadcrumb: _,
                changes,
                triggered_by: _,
                elapsed: _,
            } => mask_all(changes),
            Self::ComponentFailed { root: _, breadcrumb: _, changes, problem } => {
                mask_all(changes);
                problem.mask(known);
            }
            Self::RolloutWaiting { component: _, wait: _, roots: _, seen } => {
                if let Some(seen) = seen {
                    known.mask_in(seen);
                }
            }
            Self::RolloutFinished { component: _, done: _, failed: _, not_reached: _, stopped } => {
                if let Some(stopped) = stopped {
                    stopped.mask(known);
                }
            }
            Self::InstanceFailed { root: _, problem, out_on: _ }
            | Self::HostFailed { host: _, problem }
            | Self::ComponentUnknown { root: _, breadcrumb: _, problem }
            | Self::Warning { host: _, problem } => problem.mask(known),
            Self::Finished { summary } => summary.mask(known),
        }
    }
}
