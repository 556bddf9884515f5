use std::collections::BTreeMap;
use std::fmt::Write as _;

use togusa_core::model::Order;

use super::{Chart, label};

impl Chart {
    /// The graph in the language of Graphviz, a cluster for each host.
    pub fn to_dot(&self) -> String {
        let mut dot = String::from("digraph togusa {\n    rankdir=LR;\n    node [shape=box];\n");
        for (number, (host, roots)) in self.by_host().into_iter().enumerate() {
            let host = dot_text(host);
            let _ = writeln!(dot, "    subgraph cluster_{number} {{\n        label={host};");
            for root in roots {
                let root = &self.roots[root];
                let (id, name) = (dot_text(&root.id.to_string()), dot_text(root.id.root.as_str()));
                let style = if root.ignored { ", style=dashed" } else { "" };
                let _ = writeln!(dot, "        {id} [label={name}{style}];");
            }
            dot.push_str("    }\n");
        }
        for (link, resources) in &self.links {
            let id = |root: usize| dot_text(&self.roots[root].id.to_string());
            let style = match link.order {
                Order::ProviderFirst => "",
                Order::Reversed => ", style=dashed",
                Order::Unordered => ", style=dotted, dir=none, constraint=false",
            };
            let label = dot_text(&label(resources, link.order));
            let (from, to) = (id(link.from), id(link.to));
            let _ = writeln!(dot, "    {from} -> {to} [label={label}{style}];");
        }
        dot.push_str("}\n");
        dot
    }

    /// The graph in the language of Mermaid, a subgraph for each host.
    pub fn to_mermaid(&self) -> String {
        let mut mermaid = String::from("flowchart LR\n");
        let mut skipped = Vec::new();
        for (number, (host, roots)) in self.by_host().into_iter().enumerate() {
            let _ = writeln!(mermaid, "    subgraph host{number}[\"{}\"]", mermaid_text(host));
            for root in roots {
                let name = mermaid_text(self.roots[root].id.root.as_str());
                let _ = writeln!(mermaid, "        root{root}[\"{name}\"]");
                skipped.extend(self.roots[root].ignored.then(|| format!("root{root}")));
            }
            mermaid.push_str("    end\n");
        }
        for (link, resources) in &self.links {
            let arrow = match link.order {
                Order::ProviderFirst => "-->",
                Order::Reversed => "-.->",
                Order::Unordered => "-.-",
            };
            let label = mermaid_text(&label(resources, link.order));
            let _ = writeln!(mermaid, "    root{} {arrow}|\"{label}\"| root{}", link.from, link.to);
        }
        if !skipped.is_empty() {
            let _ = writeln!(mermaid, "    classDef skipped stroke-dasharray: 4");
            let _ = writeln!(mermaid, "    class {} skipped", skipped.join(","));
        }
        mermaid
    }

    fn by_host(&self) -> BTreeMap<&str, Vec<usize>> {
        let mut hosts = BTreeMap::<_, Vec<_>>::new();
        for (number, root) in self.roots.iter().enumerate() {
            hosts.entry(root.id.host.as_str()).or_default().push(number);
        }
        hosts
    }
}

fn dot_text(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Mermaid reads its own entities: a number between `#` and `;`.
fn mermaid_text(text: &str) -> String {
    let mut shown = String::new();
    for character in text.chars() {
        match character {
            '"' | '#' | '<' | '>' | '&' => {
                let _ = write!(shown, "#{};", u32::from(character));
            }
            other => shown.push(other),
        }
    }
    shown
}
