use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use roxmltree::Document;
use togusa_core::model::Order;
use togusa_core::names::RootId;

use super::classes::Classes;
use super::layout::{Area, Scene};
use super::{Chart, Link, Node};

/// A chart of roots and what connects them.
fn chart(roots: &[(&str, &str)], links: &[(usize, usize, &str, Order)]) -> Chart {
    let mut layers = vec![0; roots.len()];
    for _ in roots {
        for (from, to, _, order) in links.iter().filter(|link| link.3 != Order::Unordered) {
            assert_ne!(*order, Order::Unordered);
            layers[*to] = layers[*to].max(layers[*from] + 1);
        }
    }
    let nodes = roots.iter().zip(layers).map(|((root, host), layer)| Node {
        id: RootId::new(*host, *root),
        layer,
        ignored: root.starts_with("old"),
    });
    let mut all = BTreeMap::<Link, BTreeSet<String>>::new();
    for (from, to, resource, order) in links {
        let link = Link { from: *from, to: *to, order: *order };
        all.entry(link).or_default().insert((*resource).to_owned());
    }
    Chart { title: "shop: test".into(), roots: nodes.collect(), links: all }
}

fn small() -> Chart {
    use Order::{ProviderFirst, Reversed, Unordered};
    chart(
        &[("db", "one"), ("app", "one"), ("app", "two"), ("old-web", "two"), ("watch", "three")],
        &[
            (0, 1, "Database", ProviderFirst),
            (0, 2, "Database", ProviderFirst),
            (0, 2, "Schema", ProviderFirst),
            (2, 3, "Backend", ProviderFirst),
            (4, 3, "Drained", Reversed),
            (1, 2, "Peer", Unordered),
        ],
    )
}

/// A database, a thousand hosts that use it, and some in front of them.
fn fleet(hosts: usize) -> Chart {
    let names: Vec<_> = (0..hosts).map(|number| format!("app{number:04}")).collect();
    let fronts: Vec<_> = (1..=9).map(|number| format!("web{number}")).collect();
    let mut roots = vec![("db", "db")];
    roots.extend(names.iter().map(|name| ("app", name.as_str())));
    roots.extend(fronts.iter().map(|name| ("web", name.as_str())));
    let mut links = Vec::new();
    for app in 1..=hosts {
        links.push((0, app, "Database", Order::ProviderFirst));
        for web in 0..fronts.len() {
            links.push((app, 1 + hosts + web, "Backend", Order::ProviderFirst));
        }
    }
    chart(&roots, &links)
}

#[test]
fn text_tells_what_waits_for_what() {
    insta::assert_snapshot!(small().to_text(), @r"
    db@one
    app@one  waits for db@one (Database)
    app@two  waits for db@one (Database, Schema)  knows app@one (Peer)
    old-web@two  (skipped)  waits for app@two (Backend), watch@three (Drained, reversed)
    watch@three
    ");
    let fleet = fleet(30).to_text();
    assert!(fleet.ends_with("web@web9  waits for app@app[0000-0029] (Backend)\n"), "{fleet}");
}

#[test]
fn the_languages_of_others_show_kinds_of_links_and_what_is_skipped() {
    insta::assert_snapshot!(small().to_dot(), @r#"
    digraph togusa {
        rankdir=LR;
        node [shape=box];
        subgraph cluster_0 {
            label="one";
            "db@one" [label="db"];
            "app@one" [label="app"];
        }
        subgraph cluster_1 {
            label="three";
            "watch@three" [label="watch"];
        }
        subgraph cluster_2 {
            label="two";
            "app@two" [label="app"];
            "old-web@two" [label="old-web", style=dashed];
        }
        "db@one" -> "app@one" [label="Database"];
        "db@one" -> "app@two" [label="Database, Schema"];
        "app@one" -> "app@two" [label="Peer (unordered)", style=dotted, dir=none, constraint=false];
        "app@two" -> "old-web@two" [label="Backend"];
        "watch@three" -> "old-web@two" [label="Drained (reversed)", style=dashed];
    }
    "#);
    insta::assert_snapshot!(small().to_mermaid(), @r#"
    flowchart LR
        subgraph host0["one"]
            root0["db"]
            root1["app"]
        end
        subgraph host1["three"]
            root4["watch"]
        end
        subgraph host2["two"]
            root2["app"]
            root3["old-web"]
        end
        root0 -->|"Database"| root1
        root0 -->|"Database, Schema"| root2
        root1 -.-|"Peer (unordered)"| root2
        root2 -->|"Backend"| root3
        root4 -.->|"Drained (reversed)"| root3
        classDef skipped stroke-dasharray: 4
        class root3 skipped
    "#);
}

#[test]
fn names_of_any_kind_stay_text() {
    let odd = "</script><b>&amp;\"'\\\u{1}\u{ffff}";
    let chart = chart(&[(odd, "h"), ("b", odd)], &[(0, 1, odd, Order::ProviderFirst)]);
    let svg = chart.to_svg();
    let picture = Document::parse(&svg).unwrap();
    let texts: String = picture.descendants().filter_map(|node| node.text()).collect();
    assert!(texts.contains("</script><b>&amp;\"'\\\\x01\u{fffd}"), "{texts}");
    let html = chart.to_html();
    assert_eq!(html.matches("</script>").count(), 2);
    page(&html);
    assert!(chart.to_dot().contains(r#""</script><b>&amp;\"'\\"#));
    assert!(chart.to_mermaid().contains("#60;/script#62;"));
}

#[test]
fn the_picture_needs_nothing_beside_it() {
    for text in [small().to_svg(), small().to_html()] {
        assert_eq!(
            text,
            if text.starts_with("<svg") { small().to_svg() } else { small().to_html() }
        );
        let outside = text.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        let outside = outside.replace("createElementNS(\"http://www.w3.org/2000/svg\"", "");
        for reference in ["http", "url(", "@import", "src=", "href="] {
            assert!(!outside.contains(reference), "{reference}");
        }
    }
}

#[test]
fn many_hosts_that_look_alike_are_few_rows_and_a_small_file() {
    let fleet = fleet(1000);
    let classes = Classes::of(&fleet);
    let rows: Vec<_> = classes.hosts.iter().map(|class| class.names.len()).collect();
    assert_eq!(rows, [1, 1000, 9]);
    assert_eq!(classes.links.values().sum::<usize>(), 1000 + 9000);
    assert!(fleet.to_svg().len() < 10_000);
    let html = fleet.to_html();
    assert!(html.len() < 120_000, "{}", html.len());
    page(&html);
}

#[test]
fn a_thousand_hosts_that_all_differ_lead_to_one() {
    let names: Vec<_> = (0..=1000).map(|number| format!("h{number}")).collect();
    let roots: Vec<_> = names.iter().map(|name| ("a", name.as_str())).collect();
    let chain = (0..1000).map(|at| (at, at + 1, "R", Order::ProviderFirst));
    let links: Vec<_> =
        chain.chain((0..1000).map(|at| (at, 1000, "S", Order::ProviderFirst))).collect();
    let chart = chart(&roots, &links);
    let scene = Scene::of(&chart, &Classes::of(&chart));
    let ends = scene.wires.iter().flat_map(|wire| &wire.ends).filter(|end| end.to == 1000);
    let heights: BTreeSet<_> = ends.map(|end| end.points[end.points.len() - 1].1).collect();
    assert_eq!(heights.len(), 1000, "each of its lines ends at a height of its own");
}

#[test]
fn hosts_that_differ_in_what_they_are_connected_to_stay_apart() {
    let names: Vec<_> = (0..12).map(|number| format!("h{number}")).collect();
    let roots: Vec<_> = names.iter().map(|name| ("a", name.as_str())).collect();
    // A chain: each host is at another place of it.
    let chain: Vec<_> = (0..11).map(|at| (at, at + 1, "R", Order::ProviderFirst)).collect();
    assert_eq!(Classes::of(&chart(&roots, &chain)).hosts.len(), 12);
    assert_eq!(Classes::of(&chart(&roots, &[])).hosts.len(), 1);
    assert_eq!(Classes::of(&chart(&roots, &[(3, 5, "R", Order::Unordered)])).hosts.len(), 3);
    assert_eq!(Classes::of(&chart(&roots[..8], &[])).hosts.len(), 8, "few hosts are not folded");
}

/// The page without its script, as a document.
fn page(html: &str) -> serde_json::Value {
    let (before, rest) = html.split_once("<script").unwrap();
    let (data, _) = rest.split_once("</script>").unwrap();
    let markup = format!("{before}</body></html>").replace("<!DOCTYPE html>", "");
    Document::parse(&markup).unwrap();
    serde_json::from_str(data.split_once('>').unwrap().1).unwrap()
}

fn any_chart() -> impl Strategy<Value = Chart> {
    let roots = proptest::collection::btree_set((0..5_usize, 0..14_usize), 1..26);
    roots.prop_flat_map(|roots| {
        let count = roots.len();
        let link = (0..count, 0..count, 0..4_usize, 0..6_u8);
        let links = proptest::collection::vec(link, 0..40);
        (Just(roots), links).prop_map(|(roots, links)| {
            const ROOTS: [&str; 5] =
                ["app", "database", "old", "a-rather-long-name-of-a-root-this-is", "web"];
            const RESOURCES: [&str; 4] = ["Database", "Backend", "R", "ARatherLongNameOfAResource"];
            let hosts: Vec<_> = roots.iter().map(|(_, host)| format!("host{host}")).collect();
            let names = roots.iter().zip(&hosts);
            let names: Vec<_> =
                names.map(|((root, _), host)| (ROOTS[*root], host.as_str())).collect();
            let links = links.into_iter().filter(|(one, other, ..)| one != other);
            let links: Vec<_> = links
                .map(|(one, other, resource, order)| {
                    let (first, then) = (one.min(other), one.max(other));
                    match order {
                        0 => (one, other, RESOURCES[resource], Order::Unordered),
                        1 => (first, then, RESOURCES[resource], Order::Reversed),
                        _ => (first, then, RESOURCES[resource], Order::ProviderFirst),
                    }
                })
                .collect();
            chart(&names, &links)
        })
    })
}

fn apart(one: Area, other: Area) -> bool {
    one.right() <= other.x
        || other.right() <= one.x
        || one.bottom() <= other.y
        || other.bottom() <= one.y
}

type Piece = ((i32, i32), (i32, i32));

fn pieces(points: &[(i32, i32)]) -> impl Iterator<Item = Piece> {
    let pairs = points.windows(2);
    pairs.map(|pair| (pair[0].min(pair[1]), pair[0].max(pair[1])))
}

/// Whether a piece of a line runs through the inside of a box.
fn crosses(((left, top), (right, bottom)): Piece, area: Area) -> bool {
    left < area.right() && right > area.x && top < area.bottom() && bottom > area.y
}

/// Whether two pieces lie on each other for more than a point.
fn overlap((a, b): Piece, (c, d): Piece) -> bool {
    let upright = a.0 == b.0 && c.0 == d.0 && a.0 == c.0 && a.1.max(c.1) < b.1.min(d.1);
    let level = a.1 == b.1 && c.1 == d.1 && a.1 == c.1 && a.0.max(c.0) < b.0.min(d.0);
    upright || level
}

proptest! {
    #[test]
    fn everything_has_a_place_of_its_own(chart in any_chart()) {
        let scene = Scene::of(&chart, &Classes::of(&chart));
        let whole = Area { x: 0, y: 0, width: scene.width, height: scene.height };
        let inside = |area: Area| {
            area.x >= 0 && area.y >= 0 && area.right() <= whole.width && area.bottom() <= whole.height
        };
        for (number, placed) in scene.boxes.iter().enumerate() {
            let row = scene.rows[placed.row].area;
            prop_assert!(placed.area.x > row.x && placed.area.right() <= row.right());
            prop_assert!(placed.area.y > row.y && placed.area.bottom() < row.bottom());
            for other in &scene.boxes[number + 1..] {
                prop_assert!(apart(placed.area, other.area), "{:?} {:?}", placed, other);
            }
        }
        for (number, row) in scene.rows.iter().enumerate() {
            prop_assert!(inside(row.area));
            prop_assert!(scene.rows[number + 1..].iter().all(|other| apart(row.area, other.area)));
        }
        for wire in &scene.wires {
            let from = &scene.boxes[wire.from];
            let room = wire.port.0 - from.area.right();
            prop_assert!(super::width::width(&wire.label, super::layout::SMALL) <= room);
            prop_assert!(wire.port.1 > from.area.y && wire.port.1 < from.area.bottom());
            for end in &wire.ends {
                let to = &scene.boxes[end.to];
                if wire.order != Order::Unordered {
                    prop_assert!(from.column < to.column);
                }
                prop_assert_eq!(end.points[0], (from.area.right(), wire.port.1));
                let (x, y) = end.points[end.points.len() - 1];
                prop_assert!(x == to.area.x || x == to.area.right());
                prop_assert!(y > to.area.y && y < to.area.bottom());
                for point in &end.points {
                    let (x, y) = *point;
                    prop_assert!(inside(Area { x, y, width: 0, height: 0 }), "{:?}", point);
                }
                for piece in pieces(&end.points) {
                    let crossed = scene.boxes.iter().find(|placed| crosses(piece, placed.area));
                    prop_assert!(crossed.is_none(), "{:?} crosses {:?}", end.points, crossed);
                }
            }
        }
    }

    #[test]
    fn lines_of_different_resources_never_lie_on_each_other(chart in any_chart()) {
        let scene = Scene::of(&chart, &Classes::of(&chart));
        let all: Vec<_> = scene.wires.iter().enumerate().flat_map(|(number, wire)| {
            let points = wire.ends.iter().flat_map(|end| pieces(&end.points).collect::<Vec<_>>());
            points.map(move |piece| (number, piece))
        }).collect();
        for (number, (wire, piece)) in all.iter().enumerate() {
            for (other, beside) in &all[number + 1..] {
                prop_assert!(wire == other || !overlap(*piece, *beside), "{:?} {:?}", piece, beside);
            }
        }
    }

    #[test]
    fn each_root_and_each_link_is_drawn_once(chart in any_chart()) {
        let svg = chart.to_svg();
        let picture = Document::parse(&svg).unwrap();
        let of_class = |class: &str| {
            let groups = picture.descendants().filter(|node| node.has_tag_name("g"));
            let is = |node: &roxmltree::Node<'_, '_>| {
                node.attribute("class").is_some_and(|all| all.split(' ').any(|one| one == class))
            };
            groups.filter(is).count()
        };
        let classes = Classes::of(&chart);
        let between = classes.links.keys().filter(|(link, _)| link.from != link.to);
        // What two know of each other is one line.
        let ends: BTreeSet<_> = between.map(|(Link { from, to, order }, label)| {
            let backwards = *order == Order::Unordered
                && classes.roots[*from].layer > classes.roots[*to].layer;
            let ends = if backwards { (*to, *from) } else { (*from, *to) };
            (ends, *order, label)
        }).collect();
        prop_assert_eq!(of_class("box"), classes.roots.len());
        prop_assert_eq!(of_class("edge"), ends.len());
        let members: usize = classes.roots.iter().map(|class| class.members.len()).sum();
        prop_assert_eq!(members, chart.roots.len());
        prop_assert_eq!(classes.links.values().sum::<usize>(), chart.links.len());

        let data = page(&chart.to_html());
        prop_assert_eq!(data["roots"].as_array().unwrap().len(), chart.roots.len());
        let spans = |set: &serde_json::Value| {
            let spans = data["sets"][set.as_u64().unwrap() as usize].as_array().unwrap();
            spans.iter().map(|span| span[2].as_u64().unwrap() - span[1].as_u64().unwrap() + 1).sum::<u64>()
        };
        let before: u64 = data["roots"].as_array().unwrap().iter().map(|root| spans(&root[3])).sum();
        prop_assert_eq!(before, chart.links.len() as u64);
    }
}
