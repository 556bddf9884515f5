//! How a run ended, and the exit code that says so.

use std::collections::BTreeSet;

use togusa_core::event::{Outcome, Summary};
use togusa_core::names::HostName;

/// The exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Converged, or nothing to do.
    Success = 0,
    /// The deployment failed somewhere.
    Failed = 1,
    /// Wrong use, or the environment or the model is wrong; no host was touched.
    Wrong = 2,
    /// Another deployment holds the lock of a host.
    Locked = 3,
    /// `plan --exit-code` or `verify` found changes.
    Changes = 4,
    /// A defect of togusa.
    Defect = 70,
    /// The file of an agent is not the one that its coordinator asked for.
    Altered = 82,
    /// The user stopped it.
    Interrupted = 130,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// The exit code of a run; with `changes_count`, changes that were found are told by it.
    pub fn of_run(summary: &Summary, changes_count: bool) -> Self {
        match Ending::of(summary) {
            Ending::Interrupted => Self::Interrupted,
            Ending::Failed => Self::Failed,
            Ending::Locked => Self::Locked,
            Ending::Success if changes_count && has_changes(summary) => Self::Changes,
            Ending::Success => Self::Success,
        }
    }
}

fn has_changes(summary: &Summary) -> bool {
    let counts = summary.counts();
    counts.changed + counts.unknown + counts.triggered > 0
}

/// How a run ended as a whole; the worst that happened to a root or a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every selected root reached what was asked of it.
    Success,
    /// All that went wrong is that another deployment holds a lock.
    Locked,
    /// A root or a host failed, or a rollout stopped.
    Failed,
    /// The run was stopped.
    Interrupted,
}

impl Ending {
    /// Judges a run. It is a success exactly when the summary says so.
    pub fn of(summary: &Summary) -> Self {
        if summary.is_success() {
            return Self::Success;
        }
        if summary.interrupted {
            return Self::Interrupted;
        }
        let locked: BTreeSet<&HostName> = summary.locked_hosts.iter().collect();
        let ended = |outcome: Outcome| {
            let mut roots = summary.roots.iter();
            roots.any(|(key, root)| !locked.contains(&key.0.host) && root.outcome == outcome)
        };
        let host_failed = summary.failed_hosts.keys().any(|host| !locked.contains(host));
        // Why a rollout stopped is another thing than a lock that may be free the next time.
        if host_failed || ended(Outcome::Failed) || ended(Outcome::NotReached) {
            Self::Failed
        } else if !locked.is_empty() {
            Self::Locked
        } else if ended(Outcome::Interrupted) {
            Self::Interrupted
        } else {
            Self::Failed
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use togusa_core::event::{Counts, RootIdKey, RootSummary};
    use togusa_core::names::RootId;
    use togusa_core::problem::{Problem, code};

    use super::*;

    fn summary(outcomes: &[(&str, Outcome)]) -> Summary {
        let roots = outcomes.iter().map(|(host, outcome)| {
            let counts = Counts { verified: 2, ..Counts::default() };
            let root = RootSummary { outcome: outcome.clone(), counts, elapsed: Duration::ZERO };
            (RootIdKey(RootId::new(*host, "app")), root)
        });
        Summary { roots: roots.collect(), ..Summary::default() }
    }

    fn dependency_failed() -> Outcome {
        Outcome::DependencyFailed { on: RootId::new("db1", "db") }
    }

    #[test]
    fn a_failed_root_is_never_hidden() {
        let summary = summary(&[("web1", Outcome::Converged), ("web2", Outcome::Failed)]);
        assert_eq!(Exit::of_run(&summary, false), Exit::Failed);
        assert_eq!(Exit::of_run(&summary, true), Exit::Failed);
    }

    #[test]
    fn a_root_that_did_not_start_is_a_failure() {
        let summary = summary(&[("web1", dependency_failed())]);
        assert_eq!(Exit::of_run(&summary, false), Exit::Failed);
    }

    #[test]
    fn a_host_without_roots_can_fail_a_run() {
        let mut summary = summary(&[("web1", Outcome::Converged)]);
        summary
            .failed_hosts
            .insert("web2".into(), Problem::new(code::NO_ROUTE, "no route to host"));
        assert_eq!(Exit::of_run(&summary, false), Exit::Failed);
    }

    #[test]
    fn a_lock_has_its_own_code_unless_something_failed_too() {
        let mut summary = summary(&[("web1", Outcome::Failed), ("web2", dependency_failed())]);
        summary.locked_hosts.push("web1".into());
        summary.failed_hosts.insert("web1".into(), Problem::new(code::LOCKED, "locked"));
        assert_eq!(Exit::of_run(&summary, false), Exit::Locked);

        summary
            .failed_hosts
            .insert("web3".into(), Problem::new(code::NO_ROUTE, "no route to host"));
        assert_eq!(Exit::of_run(&summary, false), Exit::Failed);
    }

    #[test]
    fn a_rollout_that_stopped_is_a_failure_whatever_else_went_wrong() {
        let mut summary = summary(&[
            ("web1", Outcome::Failed),
            ("web2", Outcome::NotReached),
            ("web3", Outcome::Interrupted),
        ]);
        summary.locked_hosts.push("web1".into());
        assert_eq!(Exit::of_run(&summary, false), Exit::Failed);
        summary.interrupted = true;
        assert_eq!(Exit::of_run(&summary, false), Exit::Interrupted);
    }

    #[test]
    fn a_stopped_run_is_interrupted_even_if_all_its_roots_are_done() {
        let mut summary = summary(&[("web1", Outcome::Converged)]);
        summary.interrupted = true;
        assert_eq!(Exit::of_run(&summary, false), Exit::Interrupted);
    }

    #[test]
    fn roots_that_fail_fast_stopped_make_no_interruption() {
        let summary = summary(&[("web1", Outcome::Failed), ("web2", Outcome::Interrupted)]);
        assert_eq!(Exit::of_run(&summary, false), Exit::Failed);
    }

    #[test]
    fn changes_have_a_code_where_it_is_asked_for() {
        let mut planned = summary(&[("web1", Outcome::Planned)]);
        assert_eq!(Exit::of_run(&planned, true), Exit::Success);
        for root in planned.roots.values_mut() {
            root.counts.unknown = 1;
        }
        assert_eq!(Exit::of_run(&planned, true), Exit::Changes);
        assert_eq!(Exit::of_run(&planned, false), Exit::Success);
    }

    #[test]
    fn the_ending_is_a_success_exactly_when_the_summary_is() {
        let outcomes = [
            Outcome::Converged,
            Outcome::Planned,
            Outcome::Failed,
            dependency_failed(),
            Outcome::NotReached,
            Outcome::Interrupted,
        ];
        for first in &outcomes {
            for second in &outcomes {
                let summary = summary(&[("web1", first.clone()), ("web2", second.clone())]);
                let success = Ending::of(&summary) == Ending::Success;
                assert_eq!(success, summary.is_success(), "{first:?}, {second:?}");
            }
        }
    }
}
