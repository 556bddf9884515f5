//! Runs and models as texts that are the same wherever a test runs.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use crate::event::{Counts, Event, Outcome};
use crate::model::Model;
use crate::model::draft::{Cause, Draft, NodeId};
use crate::names::RootId;
use crate::problem::Problem;
use crate::system;
use crate::verdict::Change;

use super::{Harness, Run};

/// What differs from machine to machine, and what stands in its place.
#[derive(Clone, Debug, Default)]
pub(super) struct Masks(Vec<(String, String)>);

impl Masks {
    /// The text without what differs.
    pub(super) fn mask(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (from, to) in &self.0 {
            text = text.replace(from, to);
        }
        without_durations(&text)
    }
}

impl Harness {
    pub(super) fn masks(&self) -> Masks {
        let directory = self.directory.path();
        let real = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
        let mut masks = Vec::new();
        for host in self.environment.hosts.keys() {
            for directory in [directory, &real] {
                masks.push((directory.join(host.as_str()).display().to_string(), "~".to_owned()));
            }
        }
        // The home of `web1` begins like that of `web`.
        masks.sort_by_key(|(home, _)| std::cmp::Reverse(home.len()));
        masks.push((self.project.display().to_string(), "PROJECT".to_owned()));
        if let Some(path) = system::variable("PATH") {
            masks.push((path, "PATH".to_owned()));
        }
        if let Some(user) = system::user_name() {
            masks.push((format!("as user `{user}`"), "as user `USER`".to_owned()));
        }
        Masks(masks)
    }
}

/// Texts say `after 0.3 s`.
fn without_durations(text: &str) -> String {
    let mut parts = text.split(" after ");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let rest = digits.strip_prefix(" s").filter(|_| digits.len() < part.len());
        let _ = match rest {
            Some(rest) => write!(shown, " after … s{rest}"),
            None => write!(shown, " after {part}"),
        };
    }
    shown
}

/// What an event says of a component that changes, if it says so.
pub(super) fn change(event: &Event) -> Option<String> {
    match event {
        Event::ComponentChanged { root, breadcrumb, changes, triggered_by, .. } => {
            let mut text = format!("{root}: {breadcrumb}");
            for change in changes {
                let _ = write!(text, "\n  {} {change}", change.symbol());
            }
            for cause in triggered_by {
                let _ = write!(text, "\n  triggered by {cause}");
            }
            Some(text)
        }
        Event::ComponentUnknown { root, breadcrumb, .. } => {
            Some(format!("{root}: {breadcrumb}\n  ? unknown until applied"))
        }
        _ => None,
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = self.events.iter().find_map(|event| match event {
            Event::Started { roots, .. } => Some(roots.as_slice()),
            _ => None,
        });
        // Roots run at the same time, in any order; within one, the order is that of its components.
        let mut of_roots = BTreeMap::<&RootId, String>::new();
        let mut text = String::new();
        for event in &self.events {
            if let Some((root, words)) = of_component(event) {
                *of_roots.entry(root).or_default() += &words;
            }
            match event {
                Event::HostFailed { host, problem } => {
                    let _ = writeln!(text, "{host}  error: {}", below(&placeless(problem)));
                }
                Event::Warning { host, problem } => {
                    let _ = writeln!(text, "{host}  warning: {}", below(&placeless(problem)));
                }
                _ => {}
            }
        }
        for root in order.into_iter().flatten() {
            text += of_roots.get(root).map_or("", String::as_str);
        }
        if !text.is_empty() {
            text.push('\n');
        }
        for root in order.into_iter().flatten() {
            let ended = self.summary.roots.iter().find(|(id, _)| id.0 == *root);
            if let Some((_, ended)) = ended
                && root.host.as_str() != "given"
            {
                let _ = writeln!(text, "{root}  {}", end(&ended.outcome, ended.counts));
            }
        }
        f.write_str(self.masks.mask(&text).trim_end())
    }
}

/// What happened to a component, as a user sees it.
fn of_component(event: &Event) -> Option<(&RootId, String)> {
    match event {
        Event::ComponentChanged { root, breadcrumb, changes, triggered_by, .. } => {
            let mut text = format!("{}  {breadcrumb}\n", root.host);
            changes.iter().for_each(|change| add_change(&mut text, change));
            for cause in triggered_by {
                let _ = writeln!(text, "  ~ triggered by {cause}");
            }
            Some((root, text))
        }
        Event::ComponentUnknown { root, breadcrumb, .. } => {
            Some((root, format!("{}  {breadcrumb}\n  ? unknown until applied\n", root.host)))
        }
        Event::ComponentFailed { root, breadcrumb, changes, problem } => {
            let mut text = format!("{}  {breadcrumb}\n", root.host);
            changes.iter().for_each(|change| add_change(&mut text, change));
            let _ = writeln!(text, "  error: {}", below(&placeless(problem)));
            Some((root, text))
        }
        _ => None,
    }
}

fn add_change(text: &mut String, change: &Change) {
    let _ = writeln!(text, "  {} {}", change.symbol(), below(&change.to_string()));
    if let Change::Text { diff } = change {
        for line in diff.lines() {
            let _ = writeln!(text, "{}", format!("      {line}").trim_end());
        }
    }
}

fn placeless(problem: &Problem) -> String {
    Problem { breadcrumb: None, hosts: Default::default(), ..problem.clone() }.to_string()
}

fn below(text: &str) -> String {
    text.trim_end().replace('\n', "\n  ")
}

fn end(outcome: &Outcome, counts: Counts) -> String {
    let words = match outcome {
        Outcome::Converged => "converged".to_owned(),
        Outcome::Planned => "planned".to_owned(),
        Outcome::Failed => "failed".to_owned(),
        Outcome::DependencyFailed { on } => format!("not started, since {on} failed"),
        Outcome::NotReached => "not reached by the rollout".to_owned(),
        Outcome::Interrupted => "stopped".to_owned(),
    };
    let counted =
        [(counts.changed, "changed"), (counts.triggered, "triggered"), (counts.unknown, "unknown")];
    let counted = counted.iter().filter(|(number, _)| *number > 0);
    let counted = counted.map(|(number, word)| format!(", {number} {word}"));
    words + &counted.collect::<String>()
}

/// Each root with its components, what triggers them, and what it provides.
pub(super) fn of_model(model: &Model, masks: &Masks) -> String {
    let mut text = String::new();
    let given = |id: &&RootId| id.host.as_str() != "given";
    for id in model.graph().order().iter().filter(given) {
        let Some(root) = model.roots.get(id) else { continue };
        let _ = writeln!(text, "{id}");
        add_node(&mut text, &root.draft, 0, 1);
        for provided in &root.draft.provided {
            let _ = writeln!(text, "  provides {}", provided.key.short());
        }
        for requirement in &root.draft.required {
            let Some(host) = &requirement.query.host else {
                let _ = writeln!(text, "  requires {}", requirement.query.key.short());
                continue;
            };
            let _ = writeln!(text, "  requires {} of {host}", requirement.query.key.short());
        }
    }
    masks.mask(text.trim_end())
}

fn add_node(text: &mut String, draft: &Draft, id: NodeId, depth: usize) {
    let node = &draft.nodes[id];
    let indent = "  ".repeat(depth);
    let name = node.breadcrumb.as_str();
    let last = name.rsplit(" > ").next().unwrap_or(name);
    let _ = match &node.component {
        Some(component) => {
            let masked = draft.secrets.mask(&format!("{component:?}")).into_owned();
            writeln!(text, "{indent}{last}  {masked}")
        }
        None => writeln!(text, "{indent}{last}"),
    };
    for trigger in draft.triggers.iter().filter(|trigger| trigger.dependant == id) {
        let cause = match &trigger.cause {
            Cause::Node(cause) => draft.breadcrumb(*cause).to_string(),
            Cause::Provider(provider) => format!("{}: {}", provider.root, provider.breadcrumb),
        };
        let _ = writeln!(text, "{indent}  triggered by {cause}");
    }
    node.children.iter().for_each(|child| add_node(text, draft, *child, depth + 1));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_left_out_and_nothing_else() {
        let text = "`a` exited with 3 after 0.1 s\n  look after 5 of them after 12.5 s.";
        let shown = "`a` exited with 3 after … s\n  look after 5 of them after … s.";
        assert_eq!(without_durations(text), shown);
    }
}
