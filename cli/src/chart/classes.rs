//! Hosts that look alike, as one.
//!
//! Two hosts look alike if they have roots of the same names, and what connects those leads to roots
//! that look alike. Such classes are found by refining: begin with the names, and split a class as
//! long as its members differ in what they are connected to. The order of the classes has no circle,
//! as every member of a class has a counterpart in each class that its fellows are connected to, and
//! a class stands in one layer.

use std::collections::{BTreeMap, BTreeSet};

use togusa_core::model::Order;
use togusa_core::names::HostName;

use super::{Chart, Link, label};

/// Up to so many hosts each has a row of its own.
pub const FOLDED_FROM: usize = 9;

/// A chart of classes.
#[derive(Debug, Default)]
pub struct Classes {
    /// The classes of hosts, in the order in which they are drawn.
    pub hosts: Vec<HostClass>,
    /// The classes of roots.
    pub roots: Vec<RootClass>,
    /// What connects classes of roots, with its label and the number of links that it stands for.
    pub links: BTreeMap<(Link, String), usize>,
}

/// Hosts that look alike.
#[derive(Debug)]
pub struct HostClass {
    /// Their names.
    pub names: Vec<HostName>,
}

/// Roots of one name on hosts that look alike.
#[derive(Debug)]
pub struct RootClass {
    /// The class of hosts.
    pub host: usize,
    /// The roots, by host.
    pub members: Vec<usize>,
    /// The name of all of them.
    pub name: String,
    /// The layer of all of them.
    pub layer: usize,
    /// Whether they are left out of every run.
    pub ignored: bool,
}

/// A connection as a root sees it: what for, which end it is, and the class at the other end.
type Seen = (Order, bool, usize, usize);

impl Classes {
    /// Folds a chart.
    pub fn of(chart: &Chart) -> Self {
        let mut hosts = BTreeMap::<&HostName, Vec<usize>>::new();
        for (number, root) in chart.roots.iter().enumerate() {
            hosts.entry(&root.id.host).or_default().push(number);
        }
        let colours = colours(chart, &hosts);
        let mut by_class = BTreeMap::<Vec<usize>, Vec<&HostName>>::new();
        for (host, roots) in &hosts {
            let mut key: Vec<_> = roots.iter().map(|root| colours[*root]).collect();
            key.sort_unstable();
            by_class.entry(key).or_default().push(host);
        }
        let mut classes: Vec<_> = by_class.into_values().collect();
        let place = |names: &Vec<&HostName>| {
            let layers: Vec<_> =
                hosts[names[0]].iter().map(|root| chart.roots[*root].layer).collect();
            let mean = layers.iter().sum::<usize>() * 100 / layers.len().max(1);
            (mean, names[0].clone())
        };
        classes.sort_by_key(place);
        let mut folded = Self::default();
        let mut class_of = vec![0; chart.roots.len()];
        for names in classes {
            let mut members = BTreeMap::<(usize, &str), Vec<usize>>::new();
            for root in names.iter().flat_map(|name| &hosts[name]) {
                let node = &chart.roots[*root];
                members.entry((node.layer, node.id.root.as_str())).or_default().push(*root);
            }
            for ((layer, name), members) in members {
                for member in &members {
                    class_of[*member] = folded.roots.len();
                }
                let ignored = chart.roots[members[0]].ignored;
                let (host, name) = (folded.hosts.len(), name.to_owned());
                folded.roots.push(RootClass { host, members, name, layer, ignored });
            }
            let names = names.into_iter().cloned().collect();
            folded.hosts.push(HostClass { names });
        }
        for (link, resources) in &chart.links {
            let (from, to) = (class_of[link.from], class_of[link.to]);
            let link = Link { from, to, order: link.order };
            *folded.links.entry((link, label(resources, link.order))).or_default() += 1;
        }
        folded
    }
}

/// The class of each root.
fn colours(chart: &Chart, hosts: &BTreeMap<&HostName, Vec<usize>>) -> Vec<usize> {
    let apart = hosts.len() < FOLDED_FROM;
    let first = chart.roots.iter().map(|root| {
        let host = apart.then_some(&root.id.host);
        (root.id.root.as_str(), root.ignored, host)
    });
    let mut colours = numbered(first.collect());
    let labels: Vec<_> = chart.links.values().collect();
    let labels = numbered(labels);
    loop {
        let mut seen = vec![BTreeSet::<Seen>::new(); chart.roots.len()];
        for (link, label) in chart.links.keys().zip(&labels) {
            seen[link.from].insert((link.order, true, *label, colours[link.to]));
            seen[link.to].insert((link.order, false, *label, colours[link.from]));
        }
        let mut beside = vec![BTreeSet::new(); chart.roots.len()];
        for roots in hosts.values() {
            let all: BTreeSet<_> = roots.iter().map(|root| colours[*root]).collect();
            roots.iter().for_each(|root| beside[*root].clone_from(&all));
        }
        let refined = colours.iter().zip(seen).zip(beside).collect();
        let refined = numbered(refined);
        let count = |colours: &[usize]| colours.iter().max().copied();
        if count(&refined) == count(&colours) {
            return colours;
        }
        colours = refined;
    }
}

/// A number for each value, the same for the same, in their order.
fn numbered<T: Ord>(values: Vec<T>) -> Vec<usize> {
    let mut numbers = BTreeMap::<&T, usize>::new();
    values.iter().for_each(|value| {
        numbers.insert(value, 0);
    });
    numbers.values_mut().enumerate().for_each(|(number, value)| *value = number);
    values.iter().map(|value| numbers[value]).collect()
}
