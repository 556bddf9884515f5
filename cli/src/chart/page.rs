//! The picture on a page of its own, on which a reader can look closer.
//!
//! Without its script the page shows the same picture, and below it the same as a table. The script
//! unfolds hosts, tells what a root waits for and what waits for it, and finds names.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::classes::Classes;
use super::layout::Scene;
use super::svg::{self, STYLE, text};
use super::{Chart, label, of_roots};

const PAGE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

impl Chart {
    /// The graph as a page of its own.
    pub fn to_html(&self) -> String {
        let classes = Classes::of(self);
        let scene = Scene::of(self, &classes);
        let Scene { width, height, .. } = scene;
        let title = text(&scene.title);
        let (picture, table) = (svg::content(&scene, true), self.table(&classes));
        // `<` begins the end of a script, also in a text.
        let data = self.data(&classes).to_string().replace('<', "\\u003c");
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
             <meta name=\"viewport\" content=\"width=device-width\"/>\n<title>{title}</title>\n\
             <style>\n{STYLE}{PAGE}</style>\n</head>\n<body>\n\
             <header hidden=\"\"><label>Find <input type=\"search\" placeholder=\"host or root\"/></label>\
             <span class=\"found\" role=\"status\"></span>\
             <span class=\"help\"><kbd>/</kbd> find, <kbd>Tab</kbd> from root to root, \
             <kbd>Enter</kbd> keeps one or unfolds hosts, <kbd>Esc</kbd> lets go</span></header>\n\
             <main><svg width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
             {picture}</svg></main>\n<aside role=\"status\" hidden=\"\"></aside>\n\
             <details><summary>As a table</summary>\n{table}</details>\n\
             <script type=\"application/json\" id=\"graph\">{data}</script>\n\
             <script>\n{SCRIPT}</script>\n</body>\n</html>\n"
        )
    }

    /// The same as the picture, for who cannot see it.
    fn table(&self, classes: &Classes) -> String {
        let mut waits = vec![Vec::new(); classes.roots.len()];
        let roots = |class: usize| {
            of_roots(classes.roots[class].members.iter().map(|root| &self.roots[*root].id))
        };
        for (link, label) in classes.links.keys() {
            waits[link.to].push(format!("{} ({label})", roots(link.from).join(", ")));
        }
        let mut table =
            String::from("<table>\n<tr><th>root</th><th>column</th><th>on account of</th></tr>\n");
        let mut order: Vec<_> = (0..classes.roots.len()).collect();
        order.sort_by_key(|class| (classes.roots[*class].layer, *class));
        for class in order {
            let skipped = if classes.roots[class].ignored { " (skipped)" } else { "" };
            let (name, column) = (text(&roots(class).join(", ")), classes.roots[class].layer + 1);
            let waits = text(&waits[class].join("; "));
            let _ = writeln!(
                table,
                "<tr><td>{name}{skipped}</td><td>{column}</td><td>{waits}</td></tr>"
            );
        }
        table + "</table>\n"
    }

    /// What the script knows: roots by name and host, and what each is connected to as spans of
    /// roots, each set once.
    fn data(&self, classes: &Classes) -> Value {
        let mut sorted: Vec<_> = (0..self.roots.len()).collect();
        sorted.sort_by_key(|root| {
            let id = &self.roots[*root].id;
            (&id.root, &id.host)
        });
        let mut place = vec![0; sorted.len()];
        sorted.iter().enumerate().for_each(|(at, root)| place[*root] = at);
        let mut class_of = vec![0; sorted.len()];
        for (class, roots) in classes.roots.iter().enumerate() {
            roots.members.iter().for_each(|member| class_of[*member] = class);
        }
        let mut labels = BTreeMap::<String, usize>::new();
        let mut before = vec![Vec::new(); sorted.len()];
        let mut after = vec![Vec::new(); sorted.len()];
        for (link, resources) in &self.links {
            let next = labels.len();
            let label = *labels.entry(label(resources, link.order)).or_insert(next);
            before[link.to].push((label, place[link.from]));
            after[link.from].push((label, place[link.to]));
        }
        let mut sets = BTreeMap::<Vec<[usize; 3]>, usize>::new();
        let mut set = |mut links: Vec<(usize, usize)>| {
            links.sort_unstable();
            let mut spans: Vec<[usize; 3]> = Vec::new();
            for (label, root) in links {
                match spans.last_mut() {
                    Some(span) if span[0] == label && span[2] + 1 == root => span[2] = root,
                    _ => spans.push([label, root, root]),
                }
            }
            let next = sets.len();
            *sets.entry(spans).or_insert(next)
        };
        let roots: Vec<_> = sorted
            .iter()
            .map(|root| {
                let id = &self.roots[*root].id;
                let sets = (
                    set(std::mem::take(&mut before[*root])),
                    set(std::mem::take(&mut after[*root])),
                );
                json!([id.root, id.host, class_of[*root], sets.0, sets.1])
            })
            .collect();
        let mut in_order = vec![Vec::new(); sets.len()];
        sets.into_iter().for_each(|(spans, number)| in_order[number] = spans);
        let mut names = vec![String::new(); labels.len()];
        labels.into_iter().for_each(|(label, number)| names[number] = label);
        let rows: Vec<_> = classes.hosts.iter().map(|class| &class.names).collect();
        json!({ "rows": rows, "roots": roots, "sets": in_order, "labels": names })
    }
}
