use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};
use togusa_core::model::Order;

use super::{Chart, label, of_roots};
use crate::text::harmless;

impl Chart {
    /// One line for each root, in their order, with what it waits for.
    pub fn to_text(&self) -> String {
        let mut waits = BTreeMap::<usize, BTreeMap<String, Vec<usize>>>::new();
        let mut beside = BTreeMap::<usize, BTreeMap<String, Vec<usize>>>::new();
        for (link, resources) in &self.links {
            let of = if link.order == Order::Unordered { &mut beside } else { &mut waits };
            let by_label = of.entry(link.to).or_default();
            let reversed = if link.order == Order::Reversed { ", reversed" } else { "" };
            let resources = format!("{}{reversed}", label(resources, Order::ProviderFirst));
            by_label.entry(resources).or_default().push(link.from);
        }
        let told = |links: Option<&BTreeMap<String, Vec<usize>>>, verb: &str| {
            let told = links.into_iter().flatten().flat_map(|(resources, roots)| {
                let roots = of_roots(roots.iter().map(|root| &self.roots[*root].id));
                roots.into_iter().map(move |roots| format!("{roots} ({resources})"))
            });
            let told = told.collect::<Vec<_>>().join(", ");
            if told.is_empty() { told } else { format!("  {verb} {told}") }
        };
        let mut text = String::new();
        for (number, root) in self.roots.iter().enumerate() {
            let skipped = if root.ignored { "  (skipped)" } else { "" };
            let waits = told(waits.get(&number), "waits for");
            let beside = told(beside.get(&number), "knows");
            let _ = writeln!(text, "{}{skipped}{waits}{beside}", root.id);
        }
        harmless(&text).into_owned()
    }

    /// The whole as one object.
    pub fn to_json(&self) -> Value {
        let name = |number: usize| self.roots[number].id.to_string();
        let mut edges = BTreeMap::<(usize, usize), (Vec<&String>, Vec<&String>)>::new();
        for (link, resources) in self.ordered() {
            let edge = edges.entry((link.from, link.to)).or_default();
            edge.0.extend(resources);
            if link.order == Order::Reversed {
                edge.1.extend(resources);
            }
        }
        let edges = edges.into_iter().map(|((from, to), (mut resources, reversed))| {
            resources.sort();
            resources.dedup();
            json!({ "first": name(from), "then": name(to), "resources": resources,
                    "reversed": reversed })
        });
        let unordered = self.links.iter().filter(|(link, _)| link.order == Order::Unordered);
        let unordered = unordered.map(|(link, resources)| {
            json!({ "provider": name(link.from), "asker": name(link.to), "resources": resources })
        });
        let mut layers = vec![Vec::new(); self.layers()];
        for (number, root) in self.roots.iter().enumerate() {
            layers[root.layer].push(name(number));
        }
        let all = 0..self.roots.len();
        json!({
            "order": all.clone().map(name).collect::<Vec<_>>(),
            "layers": layers,
            "skipped": all.filter(|root| self.roots[*root].ignored).map(name).collect::<Vec<_>>(),
            "edges": edges.collect::<Vec<_>>(),
            "unordered": unordered.collect::<Vec<_>>(),
        })
    }
}
