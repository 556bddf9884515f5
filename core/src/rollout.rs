//! How fast a component rolls over its hosts, and what must stay up meanwhile: as plain data.
//!
//! The `environments` crate reads it from `[rollout.NAME]`; a test can build it by hand. Instances of
//! a component are its roots on all hosts that are not ignored.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::environment::Environment;
use crate::names::{RootId, RootName};
use crate::problem::{Problem, code};
use crate::value::Origin;

/// How a component is rolled over its hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollout {
    /// How many instances are taken at once: the first batch, the second, …; the last one counts for
    /// all that follow. A share is one of all instances, rounded down, and at least one. Default: one
    /// by one.
    pub batch: Vec<Amount>,
    /// How many instances must stay up; a share is one of all, rounded up. Default: one, where there
    /// are several.
    pub minimum_up: Option<Amount>,
    /// How many instances may fail before the rollout stops; a share is one of all, rounded down.
    /// Default: none.
    pub max_failed: Amount,
    /// How long an instance must have been healthy before it counts as done. Default: 10 s.
    pub settle: Duration,
    /// How long an instance may take to become healthy. Default: 2 min.
    pub timeout: Duration,
    /// Ask after the first batch whether to go on.
    pub confirm: bool,
    /// The components whose rollouts name one group count together for `minimum_up`.
    pub group: Option<String>,
    /// The component is converged on one host only, the first of its hosts; the others count as done
    /// with it. Nothing else may be set beside it.
    pub once: bool,
    /// Where it is written.
    pub origin: Option<Origin>,
}

impl Default for Rollout {
    fn default() -> Self {
        Self {
            batch: vec![Amount::Count(1)],
            minimum_up: None,
            max_failed: Amount::Count(0),
            settle: Duration::from_secs(10),
            timeout: Duration::from_secs(120),
            confirm: false,
            group: None,
            once: false,
            origin: None,
        }
    }
}

/// So many of something, or a share of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Amount {
    /// So many.
    Count(usize),
    /// So many of a hundred, at most 100.
    Percent(u8),
}

impl Amount {
    /// How many of a total, a share rounded down.
    pub fn at_most(self, total: usize) -> usize {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => total * usize::from(percent) / 100,
        }
    }

    /// How many of a total, a share rounded up.
    pub fn at_least(self, total: usize) -> usize {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => (total * usize::from(percent)).div_ceil(100),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl Rollout {
    /// The size of a batch, counted from 0, for so many instances.
    pub fn batch_size(&self, number: usize, instances: usize) -> usize {
        let amount = self.batch.get(number).or(self.batch.last());
        amount.map_or(1, |amount| amount.at_most(instances)).max(1)
    }

    /// How many of all instances of its group must stay up.
    pub fn minimum(&self, instances: usize) -> usize {
        match self.minimum_up {
            Some(minimum) => minimum.at_least(instances),
            None => usize::from(instances > 1),
        }
    }
}

/// The instances of components, by component: their roots on hosts that are not ignored.
pub(crate) fn instances(environment: &Environment) -> BTreeMap<RootName, BTreeSet<RootId>> {
    let mut instances = BTreeMap::<_, BTreeSet<_>>::new();
    for host in environment.hosts.values().filter(|host| !host.ignore) {
        for root in host.roots.iter().filter(|root| !root.ignore) {
            let id = RootId::new(host.name.clone(), root.name.clone());
            instances.entry(root.name.clone()).or_default().insert(id);
        }
    }
    instances
}

/// What no rollout of an environment could keep to: batches that are larger than `minimum_up`
/// allows, and groups that do not agree.
pub fn problems(environment: &Environment) -> Vec<Problem> {
    let instances = instances(environment);
    let count = |name: &RootName| instances.get(name).map_or(0, BTreeSet::len);
    let mut problems = Vec::new();
    let rolled = environment.rollouts.iter().filter(|(_, rollout)| !rollout.once);
    let mut groups = BTreeMap::<&str, Vec<(&RootName, &Rollout)>>::new();
    for (name, rollout) in rolled.clone() {
        if let Some(group) = &rollout.group {
            groups.entry(group).or_default().push((name, rollout));
        }
    }
    for (group, members) in &groups {
        let Some(((first, settings), others)) = members.split_first() else { continue };
        for (name, other) in others.iter().filter(|(_, it)| it.minimum_up != settings.minimum_up) {
            problems.push(
                Problem::new(
                    code::ROLLOUT_GROUP,
                    format!("`{first}` and `{name}` of group `{group}` differ in `minimum_up`"),
                )
                .hint("what is in one group counts together: give all of it the same `minimum_up`")
                .at(other.origin.clone()),
            );
        }
    }
    for (name, rollout) in rolled {
        let (own, all) = match rollout.group.as_deref().and_then(|group| groups.get(group)) {
            Some(members) => {
                (count(name), members.iter().map(|(name, _)| count(name)).sum::<usize>())
            }
            None => (count(name), count(name)),
        };
        let minimum = rollout.minimum(all);
        if own == 0 {
            continue;
        }
        let largest = (0..rollout.batch.len()).map(|number| rollout.batch_size(number, own));
        let largest = largest.max().unwrap_or(1).min(own);
        if minimum + largest <= all {
            continue;
        }
        let down = all.saturating_sub(minimum);
        let what = match &rollout.group {
            Some(group) => format!("of {all} instances in group `{group}`"),
            None => format!("of {all} instances"),
        };
        let message = format!(
            "a batch takes {largest} {what}, and `minimum_up` leaves none for it: {minimum} must stay up"
        );
        let message = match down {
            0 => message,
            _ => format!(
                "a batch takes {largest} {what}, but `minimum_up` keeps {minimum} of them up"
            ),
        };
        let hint = match down {
            0 => "lower `minimum_up`, or add a host".to_owned(),
            _ => format!(
                "at most {down} of them may be down: take smaller batches, or lower `minimum_up`"
            ),
        };
        problems.push(
            Problem::new(code::ROLLOUT_MINIMUM, message).hint(hint).at(rollout.origin.clone()),
        );
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Host;
    use crate::value::Table;

    fn environment(hosts: usize, rollouts: &[(&str, Rollout)]) -> Environment {
        let mut environment = Environment::new("shop", "test");
        for number in 0..hosts {
            let mut host = Host::local(format!("app{number}"), "~");
            for (name, _) in rollouts {
                host = host.with_root(*name, Table::default());
            }
            environment = environment.with(host);
        }
        let rollouts = rollouts.iter().cloned();
        environment.rollouts = rollouts.map(|(name, rollout)| (name.into(), rollout)).collect();
        environment
    }

    fn told(hosts: usize, rollouts: &[(&str, Rollout)]) -> Vec<String> {
        let problems = problems(&environment(hosts, rollouts));
        problems.iter().map(|problem| problem.message.clone()).collect()
    }

    #[test]
    fn shares_are_rounded_to_the_safe_side() {
        let rollout = Rollout {
            batch: vec![Amount::Count(1), Amount::Percent(25)],
            minimum_up: Some(Amount::Percent(75)),
            ..Rollout::default()
        };
        let sizes = |all| [0, 1, 2].map(|number| rollout.batch_size(number, all));
        assert_eq!((sizes(3), sizes(4), sizes(11)), ([1, 1, 1], [1, 1, 1], [1, 2, 2]));
        assert_eq!([1, 3, 4, 5].map(|all| rollout.minimum(all)), [1, 3, 3, 4]);
        assert_eq!([1, 2, 9].map(|all| Rollout::default().minimum(all)), [0, 1, 1]);
    }

    #[test]
    fn batches_must_leave_as_many_up_as_must_stay_up() {
        let rollout = |batch: &[Amount], minimum| Rollout {
            batch: batch.to_vec(),
            minimum_up: minimum,
            ..Rollout::default()
        };
        let quarter = [Amount::Count(1), Amount::Percent(25)];
        let most = Some(Amount::Percent(75));
        assert_eq!(told(4, &[("app", rollout(&quarter, most))]), [""; 0]);
        assert_eq!(
            told(4, &[("app", rollout(&[Amount::Count(2)], most))]),
            ["a batch takes 2 of 4 instances, but `minimum_up` keeps 3 of them up"]
        );
        assert_eq!(
            told(3, &[("app", rollout(&quarter, most))]),
            ["a batch takes 1 of 3 instances, and `minimum_up` leaves none for it: 3 must stay up"]
        );
        assert_eq!(told(1, &[("app", Rollout::default())]), [""; 0]);
        let once = Rollout { once: true, ..rollout(&[Amount::Count(9)], most) };
        assert_eq!(told(4, &[("app", once)]), [""; 0]);
    }

    #[test]
    fn what_is_in_one_group_counts_together_and_must_agree() {
        let member = |batch, minimum| Rollout {
            batch: vec![Amount::Count(batch)],
            minimum_up: Some(Amount::Percent(minimum)),
            group: Some("front".to_owned()),
            ..Rollout::default()
        };
        assert_eq!(told(4, &[("app", member(2, 75)), ("web", member(2, 75))]), [""; 0]);
        assert_eq!(
            told(4, &[("app", member(3, 75)), ("web", member(2, 75))]),
            [
                "a batch takes 3 of 8 instances in group `front`, but `minimum_up` keeps 6 of them up"
            ]
        );
        assert_eq!(
            told(4, &[("app", member(1, 50)), ("web", member(1, 75))]),
            ["`app` and `web` of group `front` differ in `minimum_up`"]
        );
    }
}
