//! The ways from one root to another.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

use serde_json::{Value, json};
use togusa_core::names::RootId;

use super::Reasons;
use crate::text::harmless;

/// How one root comes after another.
struct Ways {
    /// The shortest way, from the first to the last.
    path: Vec<RootId>,
    /// How many ways there are, all told.
    count: u64,
}

impl Reasons<'_> {
    pub(super) fn tell_between(&self, one: &RootId, other: &RootId) -> String {
        let mut text = String::new();
        if one == other {
            return format!("{one} is both of the two\n");
        }
        let Some(Ways { path, count }) = self.ways(one, other) else {
            let _ = writeln!(text, "nothing orders {one} and {other}: they may run at once");
            for ends in [(one, other), (other, one)] {
                let (provider, asker) = ends;
                let key = (provider.clone(), asker.clone());
                if let Some(reasons) = self.unordered.get(&key) {
                    let why = self.why(reasons, asker);
                    let _ = writeln!(text, "{asker} only knows {provider}: {why}");
                }
            }
            return harmless(&text).into_owned();
        };
        if let [first, .., last] = &path[..] {
            let _ = writeln!(text, "{last} comes after {first}\n\n{first}");
        }
        for (step, pair) in path.windows(2).enumerate() {
            let indent = "    ".repeat(step);
            let why = self.between(&pair[0], &pair[1]);
            let _ = writeln!(text, "{indent}└── {}  {why}", pair[1]);
        }
        if count > 1 {
            let _ = writeln!(text, "\nthe shortest of {count} ways");
        }
        harmless(&text).into_owned()
    }

    pub(super) fn between_as_json(&self, one: &RootId, other: &RootId) -> Value {
        let Some(Ways { path, count }) = self.ways(one, other) else {
            return json!({ "ordered": false, "ways": 0, "path": [] });
        };
        let path: Vec<_> = path.windows(2).map(|pair| self.edge(&pair[0], &pair[1])).collect();
        json!({ "ordered": true, "ways": count, "path": path })
    }

    /// The ways between two roots, in the direction in which there are any.
    fn ways(&self, one: &RootId, other: &RootId) -> Option<Ways> {
        if one == other {
            return None;
        }
        self.one_way(one, other).or_else(|| self.one_way(other, one))
    }

    fn one_way(&self, first: &RootId, last: &RootId) -> Option<Ways> {
        let graph = self.model.graph();
        let mut before = BTreeMap::<&RootId, &RootId>::new();
        let mut queue = VecDeque::from([first]);
        while let Some(next) = queue.pop_front() {
            for then in graph.dependants(next) {
                if !before.contains_key(then) {
                    before.insert(then, next);
                    queue.push_back(then);
                }
            }
        }
        before.get(last)?;
        let back = std::iter::successors(Some(last), |root| before.get(root).copied());
        let mut path: Vec<RootId> = back.cloned().collect();
        path.reverse();
        let mut counts = BTreeMap::<&RootId, u64>::from([(first, 1)]);
        for root in graph.order() {
            let ways = graph.dependencies(root).filter_map(|first| counts.get(first));
            let ways = ways.fold(0_u64, |sum, ways| sum.saturating_add(*ways));
            if ways > 0 && root != first {
                counts.insert(root, ways);
            }
        }
        Some(Ways { path, count: counts.get(last).copied().unwrap_or_default() })
    }
}
