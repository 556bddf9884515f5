mod ways;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value, json};
use togusa_core::model::{Model, Order};
use togusa_core::names::{Breadcrumb, RootId};

use crate::chart::of_roots;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::selection::find_component;
use crate::session::{Secrets, Session};
use crate::text::{count, harmless};
use crate::ui::{Ink, Paint, Stream};

/// Tell why a component waits for what, or why one comes after another
///
/// A component waits for another if it requires a resource that the other provides, or if the other
/// asked for it to wait (`reversed`). Each reason names the resource and the component that required
/// it.
#[derive(Debug, clap::Args)]
pub struct ExplainOrder {
    /// The environment's name
    pub environment: String,
    /// The component; its name alone will do where one host has it
    #[arg(value_name = "COMPONENT@HOST")]
    pub component: String,
    /// Another one: tell which of the two comes first, and why
    #[arg(value_name = "OTHER@HOST")]
    pub other: Option<String>,
    /// Open no secrets: placeholders stand for them, and no key is needed
    #[arg(long)]
    pub without_secrets: bool,
}

/// Why one root waits for another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Reason {
    resource: String,
    /// The root whose component asked.
    by: RootId,
    breadcrumb: Breadcrumb,
    order: Order,
}

/// What orders the roots of a model, and what does not.
struct Reasons<'a> {
    model: &'a Model,
    layers: BTreeMap<&'a RootId, usize>,
    /// How many layers there are.
    count: usize,
    /// By the root that comes first and the one that waits.
    ordered: BTreeMap<(RootId, RootId), BTreeSet<Reason>>,
    /// By the root that provides and the one that asks.
    unordered: BTreeMap<(RootId, RootId), BTreeSet<Reason>>,
}

impl ExplainOrder {
    /// Prints why.
    ///
    /// # Errors
    /// All that is wrong with the environment or the model, or there is no such component.
    pub fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let secrets = if self.without_secrets { Secrets::Closed } else { Secrets::Open };
        let model = session.configure(&self.environment, false, secrets)?.model;
        let root = find_component(&model, &self.component)?;
        let other = self.other.as_deref().map(|other| find_component(&model, other)).transpose()?;
        let reasons = Reasons::of(&model);
        let ui = &session.ui;
        let text = match (other, ui.choices.json) {
            (None, true) => format!("{}\n", reasons.to_json(&root)),
            (None, false) => reasons.tell(&root, ui.paint(Stream::Data)),
            (Some(other), true) => format!("{}\n", reasons.between_as_json(&root, &other)),
            (Some(other), false) => reasons.tell_between(&root, &other),
        };
        ui.write(Stream::Data, &text);
        Ok(Exit::Success)
    }
}

impl<'a> Reasons<'a> {
    fn of(model: &'a Model) -> Self {
        let layers = model.graph().layers();
        let mut reasons = Self {
            model,
            count: layers.values().max().map_or(1, |last| last + 1),
            layers,
            ordered: BTreeMap::new(),
            unordered: BTreeMap::new(),
        };
        for asker in model.roots() {
            for requirement in model.requirements(asker) {
                let reason = Reason {
                    resource: requirement.resource,
                    by: asker.clone(),
                    breadcrumb: requirement.breadcrumb,
                    order: requirement.order,
                };
                for provider in requirement.providers {
                    let provider = provider.root;
                    let (links, ends) = match reason.order {
                        _ if provider == *asker => continue,
                        Order::ProviderFirst => (&mut reasons.ordered, (provider, asker.clone())),
                        Order::Reversed => (&mut reasons.ordered, (asker.clone(), provider)),
                        Order::Unordered => (&mut reasons.unordered, (provider, asker.clone())),
                    };
                    links.entry(ends).or_default().insert(reason.clone());
                }
            }
        }
        reasons
    }

    /// In which layer a root starts, counted from 1, and how many there are.
    fn layer(&self, root: &RootId) -> (usize, usize) {
        (self.layers.get(root).copied().unwrap_or_default() + 1, self.count)
    }

    fn tell(&self, root: &RootId, paint: Paint) -> String {
        let (layer, layers) = self.layer(root);
        let skipped = if self.model.is_ignored(root) { "; it is skipped" } else { "" };
        let name = paint.text(Ink::Name, &root.to_string());
        let mut text = format!("{name} is in layer {layer} of {layers}{skipped}\n\n");
        let direct = self.model.graph().dependencies(root).next().is_some();
        if direct {
            text += "waits for\n";
            self.tree(&[root.clone()].into(), "", &mut BTreeSet::new(), &mut text);
        } else {
            text += "waits for nothing\n";
        }
        let mut behind = BTreeSet::new();
        let mut queue = vec![root];
        while let Some(next) = queue.pop() {
            let new = self.model.graph().dependants(next).filter(|id| behind.insert(*id));
            queue.extend(new.collect::<Vec<_>>());
        }
        let after: BTreeSet<_> = self.model.graph().dependants(root).cloned().collect();
        text += if after.is_empty() { "\nnothing waits for it\n" } else { "\nis waited for by\n" };
        let groups = self.grouped(after.iter().map(|then| (then, self.between(root, then))));
        for (index, (why, roots)) in groups.iter().enumerate() {
            let (branch, _) = branches(index, groups.len());
            let _ = writeln!(text, "{branch}{}  {why}", of_roots(roots.iter().copied()).join(", "));
        }
        let further = behind.len() - after.len();
        if further > 0 {
            let _ = writeln!(text, "and {} behind them", count(further, "more root"));
        }
        let beside = self.unordered.iter().filter(|((one, two), _)| one == root || two == root);
        let beside = beside.map(|((provider, asker), reasons)| {
            (if provider == root { asker } else { provider }, self.why(reasons, root))
        });
        for (why, roots) in self.grouped(beside) {
            let roots = of_roots(roots).join(", ");
            let _ = writeln!(text, "\nno order with {roots}: {why}");
        }
        harmless(&text).into_owned()
    }

    /// What some roots wait for, those together that do so for the same reasons.
    fn tree(
        &self,
        roots: &BTreeSet<RootId>,
        indent: &str,
        told: &mut BTreeSet<BTreeSet<RootId>>,
        text: &mut String,
    ) {
        let edges = roots.iter().flat_map(|then| {
            let first = self.model.graph().dependencies(then);
            first.map(move |first| (first, self.between(first, then)))
        });
        let groups = self.grouped(edges);
        for (index, (why, group)) in groups.iter().enumerate() {
            let (branch, below) = branches(index, groups.len());
            let all: BTreeSet<RootId> = group.iter().copied().cloned().collect();
            let names = of_roots(group.iter().copied()).join(", ");
            let skipped =
                if all.iter().all(|root| self.model.is_ignored(root)) { " (skipped)" } else { "" };
            let leads_on =
                all.iter().any(|id| self.model.graph().dependencies(id).next().is_some());
            let again = leads_on && !told.insert(all.clone());
            let above = if again { "  (as above)" } else { "" };
            let _ = writeln!(text, "{indent}{branch}{names}{skipped}  {why}{above}");
            if leads_on && !again {
                self.tree(&all, &format!("{indent}{below}"), told, text);
            }
        }
    }

    fn between(&self, first: &RootId, then: &RootId) -> String {
        let reasons = self.ordered.get(&(first.clone(), then.clone()));
        reasons.map(|reasons| self.why(reasons, then)).unwrap_or_default()
    }

    /// Reasons in words; who asked is named where it is not the root that waits.
    fn why(&self, reasons: &BTreeSet<Reason>, waits: &RootId) -> String {
        let mut told = BTreeSet::new();
        for Reason { resource, by, breadcrumb, order } in reasons {
            let of = match by == waits {
                true => String::new(),
                false => format!(" of {by}"),
            };
            let mark = match order {
                Order::ProviderFirst => "",
                Order::Reversed => " (reversed)",
                Order::Unordered => " (unordered)",
            };
            told.insert(format!("{resource}, required by `{breadcrumb}`{of}{mark}"));
        }
        told.into_iter().collect::<Vec<_>>().join("; ")
    }

    /// Roots by the reasons, and among those by name and layer.
    fn grouped<'r>(
        &self,
        edges: impl Iterator<Item = (&'r RootId, String)>,
    ) -> Vec<(String, BTreeSet<&'r RootId>)> {
        let mut groups = BTreeMap::<_, BTreeSet<_>>::new();
        for (root, why) in edges {
            let key = (self.layer(root).0, root.root.clone(), why);
            groups.entry(key).or_default().insert(root);
        }
        groups.into_iter().map(|((_, _, why), roots)| (why, roots)).collect()
    }

    fn to_json(&self, root: &RootId) -> Value {
        let mut edges = Vec::new();
        let mut seen = BTreeSet::from([root]);
        let mut queue = vec![root];
        while let Some(then) = queue.pop() {
            for first in self.model.graph().dependencies(then) {
                edges.push(self.edge(first, then));
                if seen.insert(first) {
                    queue.push(first);
                }
            }
        }
        let after = self.model.graph().dependants(root).map(|then| self.edge(root, then));
        let beside = self.unordered.iter().filter(|((one, two), _)| one == root || two == root);
        let beside = beside.map(|((provider, asker), reasons)| {
            json!({ "provider": provider.to_string(), "asker": asker.to_string(),
                    "reasons": reasons })
        });
        let (layer, layers) = self.layer(root);
        json!({
            "root": root.to_string(),
            "layer": layer,
            "layers": layers,
            "skipped": self.model.is_ignored(root),
            "waits_for": edges,
            "waited_for_by": after.collect::<Vec<_>>(),
            "unordered": beside.collect::<Vec<_>>(),
        })
    }

    fn edge(&self, first: &RootId, then: &RootId) -> Value {
        let reasons = self.ordered.get(&(first.clone(), then.clone()));
        json!({ "first": first.to_string(), "then": then.to_string(), "reasons": reasons })
    }
}

/// What stands before one of several lines, and before what belongs below it.
pub(crate) fn branches(index: usize, count: usize) -> (&'static str, &'static str) {
    if index + 1 == count { ("└── ", "    ") } else { ("├── ", "│   ") }
}
