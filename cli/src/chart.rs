//! The order of the roots as something to look at: text, the languages of others, a picture, a page.
//!
//! | module | what it does |
//! |---|---|
//! | `lines` | text and JSON |
//! | `languages` | DOT and Mermaid |
//! | `classes` | folds hosts that look alike into one |
//! | `layout`, `routes` | gives everything its place: hosts are rows, layers are columns |
//! | `svg`, `page` | the picture, and the page around it |
//! | `names` | many names as a few: `app[01-80]` |

mod classes;
mod languages;
mod layout;
mod lines;
mod names;
mod page;
mod routes;
mod svg;
#[cfg(test)]
mod tests;
mod width;

use std::collections::{BTreeMap, BTreeSet};

use togusa_core::model::{Model, Order};
use togusa_core::names::RootId;

pub use names::{folded, of_roots};

/// The order of some roots of a model.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    /// What it is about: project and environment.
    pub title: String,
    /// The roots, each behind those that it waits for.
    pub roots: Vec<Node>,
    /// What connects them, by their places in the list of roots.
    pub links: BTreeMap<Link, BTreeSet<String>>,
}

/// One root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The root and its host.
    pub id: RootId,
    /// When it can start: one more than the last that it waits for, from 0.
    pub layer: usize,
    /// Whether it is left out of every run.
    pub ignored: bool,
}

/// What connects two roots: one link for all resources of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// The root that comes first; of an unordered one, who provides.
    pub from: usize,
    /// The root that waits; of an unordered one, who asks.
    pub to: usize,
    /// What the requirement says of the order.
    pub order: Order,
}

impl Chart {
    /// The order of the given roots, as a run has it that is about them alone.
    pub fn new(model: &Model, roots: &BTreeSet<RootId>) -> Self {
        let graph = model.graph().among(roots);
        let layers = graph.layers();
        let nodes = graph.order().iter().map(|id| Node {
            id: id.clone(),
            layer: layers.get(id).copied().unwrap_or_default(),
            ignored: model.is_ignored(id),
        });
        let numbers: BTreeMap<_, _> =
            graph.order().iter().enumerate().map(|(number, id)| (id, number)).collect();
        let mut links = BTreeMap::<Link, BTreeSet<String>>::new();
        for (asker, number) in &numbers {
            for requirement in model.requirements(asker) {
                for provider in &requirement.providers {
                    let Some(provider) = numbers.get(&provider.root) else { continue };
                    if provider == number {
                        continue;
                    }
                    let (from, to) = match requirement.order {
                        Order::Reversed => (*number, *provider),
                        Order::ProviderFirst | Order::Unordered => (*provider, *number),
                    };
                    let link = Link { from, to, order: requirement.order };
                    links.entry(link).or_default().insert(requirement.resource.clone());
                }
            }
        }
        let environment = model.environment();
        let title = format!("{}: {}", environment.project, environment.name);
        Self { title, roots: nodes.collect(), links }
    }

    /// How many layers there are.
    fn layers(&self) -> usize {
        self.roots.iter().map(|root| root.layer + 1).max().unwrap_or_default()
    }

    /// How many hosts there are.
    fn hosts(&self) -> usize {
        self.roots.iter().map(|root| &root.id.host).collect::<BTreeSet<_>>().len()
    }

    /// The links that make something wait.
    fn ordered(&self) -> impl Iterator<Item = (&Link, &BTreeSet<String>)> {
        self.links.iter().filter(|(link, _)| link.order != Order::Unordered)
    }
}

/// Resources as the label of a link.
fn label(resources: &BTreeSet<String>, order: Order) -> String {
    let resources: Vec<_> = resources.iter().map(String::as_str).collect();
    let mark = match order {
        Order::ProviderFirst => "",
        Order::Reversed => " (reversed)",
        Order::Unordered => " (unordered)",
    };
    format!("{}{mark}", resources.join(", "))
}
