//! The graph of roots over all hosts: their order, its layers, its cycles.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use petgraph::Direction;
use petgraph::algo::{astar, tarjan_scc};
use petgraph::graph::{DiGraph, NodeIndex};

use crate::names::RootId;
use crate::problem::{Problem, code};

/// That one root must be done before another starts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The root that comes first.
    pub first: RootId,
    /// The root that waits for it.
    pub then: RootId,
    /// The resources on whose account it waits.
    pub resources: BTreeSet<String>,
}

/// The order of all roots.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    edges: Vec<Edge>,
    order: Vec<RootId>,
    dependencies: BTreeMap<RootId, BTreeSet<RootId>>,
    dependants: BTreeMap<RootId, BTreeSet<RootId>>,
}

impl Graph {
    /// Orders roots by their edges; of those that could come next, the first by host and name does.
    ///
    /// # Errors
    /// The cycles, each as the path that it is.
    pub fn new<'a>(
        roots: impl IntoIterator<Item = &'a RootId>,
        edges: Vec<Edge>,
    ) -> Result<Self, Vec<Problem>> {
        let mut graph = DiGraph::<RootId, String>::new();
        let mut indices = BTreeMap::new();
        for root in roots {
            indices.insert(root.clone(), graph.add_node(root.clone()));
        }
        for edge in &edges {
            let (Some(first), Some(then)) = (indices.get(&edge.first), indices.get(&edge.then))
            else {
                continue;
            };
            let resources: Vec<_> = edge.resources.iter().map(String::as_str).collect();
            graph.add_edge(*first, *then, resources.join(", "));
        }
        let mut waiting: BTreeMap<_, _> = graph
            .node_indices()
            .map(|node| (node, graph.neighbors_directed(node, Direction::Incoming).count()))
            .collect();
        let mut ready: BTreeSet<(&RootId, NodeIndex)> = waiting
            .iter()
            .filter(|(_, count)| **count == 0)
            .map(|(node, _)| (&graph[*node], *node))
            .collect();
        let mut order = Vec::with_capacity(indices.len());
        while let Some((root, node)) = ready.pop_first() {
            order.push(root.clone());
            for then in graph.neighbors(node) {
                if let Some(count) = waiting.get_mut(&then) {
                    *count -= 1;
                    if *count == 0 {
                        ready.insert((&graph[then], then));
                    }
                }
            }
        }
        if order.len() < graph.node_count() {
            return Err(cycles(&graph));
        }
        let mut dependencies = BTreeMap::<RootId, BTreeSet<RootId>>::new();
        let mut dependants = BTreeMap::<RootId, BTreeSet<RootId>>::new();
        for edge in &edges {
            dependencies.entry(edge.then.clone()).or_default().insert(edge.first.clone());
            dependants.entry(edge.first.clone()).or_default().insert(edge.then.clone());
        }
        Ok(Self { edges, order, dependencies, dependants })
    }

    /// All roots, each behind those that it waits for.
    pub fn order(&self) -> &[RootId] {
        &self.order
    }

    /// All edges.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// The roots that a root waits for.
    pub fn dependencies(&self, root: &RootId) -> impl Iterator<Item = &RootId> {
        self.dependencies.get(root).into_iter().flatten()
    }

    /// The roots that wait for a root.
    pub fn dependants(&self, root: &RootId) -> impl Iterator<Item = &RootId> {
        self.dependants.get(root).into_iter().flatten()
    }

    /// The layer of each root, from 0: one more than that of the last root that it waits for. Roots
    /// of one layer never wait for each other.
    pub fn layers(&self) -> BTreeMap<&RootId, usize> {
        let mut layers = BTreeMap::new();
        for root in &self.order {
            let before = self.dependencies(root).filter_map(|first| layers.get(first));
            let layer = before.max().map_or(0, |last: &usize| last + 1);
            layers.insert(root, layer);
        }
        layers
    }

    /// The order of some of the roots, as a run has it that is about them alone: what is left out
    /// counts as done.
    pub fn among(&self, roots: &BTreeSet<RootId>) -> Self {
        let edges = self.edges.iter();
        let edges = edges.filter(|edge| roots.contains(&edge.first) && roots.contains(&edge.then));
        match Self::new(roots, edges.cloned().collect()) {
            Ok(graph) => graph,
            Err(_) => unreachable!("what has no circle has none in a part of it"),
        }
    }
}

/// One path through each group of roots that wait for each other.
fn cycles(graph: &DiGraph<RootId, String>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for group in tarjan_scc(graph) {
        let Some(start) = group.iter().copied().min_by_key(|node| &graph[*node]) else { continue };
        if group.len() == 1 && graph.find_edge(start, start).is_none() {
            continue;
        }
        let shortest = graph
            .neighbors(start)
            .filter_map(|next| astar(graph, next, |node| node == start, |_| 1, |_| 0))
            .min_by_key(|(length, path)| {
                (*length, path.iter().map(|n| &graph[*n]).collect::<Vec<_>>())
            });
        let Some((_, path)) = shortest else { continue };
        let mut text = format!("`{}`", graph[start]);
        let mut last = start;
        for node in path {
            let edge = graph.find_edge(last, node).map_or("", |edge| graph[edge].as_str());
            let _ = write!(text, " -[{edge}]-> `{}`", graph[node]);
            last = node;
        }
        problems.push(Problem::new(code::CIRCLE, format!("roots wait for each other in a circle: {text}")).hint(
            "let one of the requirements be `unordered()` or `reversed()`, or split a component",
        ));
    }
    problems.sort();
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &str)]) -> Result<Graph, Vec<Problem>> {
        let id = |name: &str| RootId::new("h", name);
        let roots: BTreeSet<_> =
            edges.iter().flat_map(|(first, then)| [id(first), id(then)]).collect();
        let edges = edges.iter().map(|(first, then)| Edge {
            first: id(first),
            then: id(then),
            resources: ["R".to_owned()].into(),
        });
        Graph::new(&roots, edges.collect())
    }

    #[test]
    fn what_could_come_next_comes_by_name() {
        let graph =
            graph(&[("db", "app"), ("db", "cron"), ("app", "web"), ("aux", "web")]).unwrap();
        let order: Vec<_> = graph.order().iter().map(|root| root.root.as_str()).collect();
        assert_eq!(order, ["aux", "db", "app", "cron", "web"]);
    }

    #[test]
    fn a_cycle_is_the_path_that_it_is() {
        let problems = graph(&[("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")]).unwrap_err();
        assert_eq!(
            problems[0].message,
            "roots wait for each other in a circle: `a@h` -[R]-> `b@h` -[R]-> `c@h` -[R]-> `a@h`"
        );
        assert_eq!(problems.len(), 1);
    }
}
