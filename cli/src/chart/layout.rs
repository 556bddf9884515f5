//! Gives everything in the picture its place.
//!
//! Each host, or class of hosts, is a row, and each layer a column, so that hosts stay together, the
//! order runs from left to right, and boxes cannot overlap. What a root is waited for leaves its box
//! on the right, one line for each resource with the name on it; `routes` leads the lines around the
//! boxes. All is in whole pixels, so that it is the same on every machine.

use std::collections::BTreeMap;

use togusa_core::model::Order;

use super::classes::Classes;
use super::names::folded;
use super::routes;
use super::width::{fitted, width};
use super::{Chart, Link};

/// The size of names, and of all that is smaller.
pub const TEXT: i32 = 13;
pub const SMALL: i32 = 11;
/// Between the picture and its edge.
pub const MARGIN: i32 = 16;
/// Above the rows: the title, and the heads of the columns.
const HEAD: i32 = 66;
const FOOT: i32 = 30;
/// Around the boxes of a row, and between two of them.
const PADDING: i32 = 10;
const GAP: i32 = 8;
/// The height that a line needs where it leaves a box.
const PORT: i32 = 20;
/// The height that it needs where it ends.
const ENTRY: i32 = 11;
const NARROWEST_BOX: i32 = 72;
const WIDEST_BOX: i32 = 190;
const WIDEST_LABEL: i32 = 220;
const WIDEST_HOST: i32 = 180;

/// The picture as places.
#[derive(Debug, Default)]
pub struct Scene {
    pub title: String,
    pub summary: String,
    pub width: i32,
    pub height: i32,
    /// The middle of each column.
    pub columns: Vec<i32>,
    pub rows: Vec<Row>,
    pub boxes: Vec<Placed>,
    pub wires: Vec<Wire>,
}

/// A host, or hosts that look alike.
#[derive(Debug)]
pub struct Row {
    pub area: Area,
    pub name: String,
    /// The name in full.
    pub names: String,
    pub hosts: usize,
}

/// A root, or those of hosts that look alike.
#[derive(Debug)]
pub struct Placed {
    pub area: Area,
    pub row: usize,
    pub column: usize,
    pub name: String,
    pub notes: Vec<String>,
    pub ignored: bool,
    /// What it is, in words.
    pub told: String,
}

/// All that leaves a box on account of the same resources.
#[derive(Debug)]
pub struct Wire {
    pub from: usize,
    pub label: String,
    pub order: Order,
    /// Where the label ends and the line begins.
    pub port: (i32, i32),
    /// A colour for each label.
    pub colour: usize,
    pub ends: Vec<End>,
}

/// One end of a wire.
#[derive(Debug)]
pub struct End {
    pub to: usize,
    /// The corners of the line from the port to the box.
    pub points: Vec<(i32, i32)>,
    /// How many links it stands for.
    pub links: usize,
}

/// A rectangle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Area {
    pub x: i32,
    pub y: i32,
    pub width: i32,
    pub height: i32,
}

impl Area {
    pub fn right(self) -> i32 {
        self.x + self.width
    }

    pub fn bottom(self) -> i32 {
        self.y + self.height
    }
}

impl Scene {
    /// Lays a chart out.
    pub fn of(chart: &Chart, classes: &Classes) -> Self {
        let mut scene = Self { title: chart.title.clone(), ..Self::default() };
        scene.summary = summary(chart);
        scene.boxes(chart, classes);
        scene.wires(classes);
        scene.sizes();
        let ways = routes::Ways::new(&scene.boxes, &scene.wires);
        let corridors = routes::Corridors::new(&ways, &scene.boxes, &scene.wires);
        scene.place_rows(classes, &corridors);
        scene.ports();
        let entries = routes::entries(&ways, &scene.boxes, &scene.wires);
        let channels = routes::Channels::new(&ways, &scene, &entries, &corridors);
        scene.place_columns(&channels);
        routes::draw(&mut scene, &ways, &entries, &corridors, &channels);
        scene
    }

    fn boxes(&mut self, chart: &Chart, classes: &Classes) {
        for class in &classes.roots {
            let ids = class.members.iter().map(|member| &chart.roots[*member].id);
            let told = super::of_roots(ids).join(", ");
            let mut notes = Vec::new();
            if class.ignored {
                notes.push("skipped".to_owned());
            }
            self.boxes.push(Placed {
                area: Area::default(),
                row: class.host,
                column: class.layer,
                name: fitted(&class.name, TEXT, WIDEST_BOX - 20),
                notes,
                ignored: class.ignored,
                told,
            });
        }
    }

    fn wires(&mut self, classes: &Classes) {
        let mut wires = BTreeMap::<(usize, Order, &str), Vec<(usize, usize)>>::new();
        for ((link, label), links) in &classes.links {
            let Link { mut from, mut to, order } = *link;
            if from == to {
                let resource = label.trim_end_matches(" (unordered)");
                self.boxes[from].notes.push(format!("know each other: {resource}"));
                continue;
            }
            // A line without direction begins on the left.
            if order == Order::Unordered && self.boxes[from].column > self.boxes[to].column {
                (from, to) = (to, from);
            }
            let ends = wires.entry((from, order, label)).or_default();
            match ends.iter_mut().find(|(known, _)| *known == to) {
                Some((_, all)) => *all += links,
                None => ends.push((to, *links)),
            }
        }
        let mut colours = BTreeMap::new();
        for (_, _, label) in wires.keys() {
            let next = colours.len();
            colours.entry(label.to_owned()).or_insert(next);
        }
        for ((from, order, label), ends) in wires {
            let ends = ends.into_iter().map(|(to, links)| End { to, points: Vec::new(), links });
            self.wires.push(Wire {
                from,
                label: fitted(label, SMALL, WIDEST_LABEL),
                order,
                port: (0, 0),
                colour: colours[label],
                ends: ends.collect(),
            });
        }
    }

    /// The size of each box, from what stands in it and on its sides.
    fn sizes(&mut self) {
        let (mut ports, mut ends) = (vec![0_i32; self.boxes.len()], vec![0_i32; self.boxes.len()]);
        for wire in &self.wires {
            ports[wire.from] += 1;
            wire.ends.iter().for_each(|end| ends[end.to] += 1);
        }
        for ((placed, ports), ends) in self.boxes.iter_mut().zip(ports).zip(ends) {
            let text = placed.notes.iter().map(|note| width(note, SMALL));
            let text = text.chain([width(&placed.name, TEXT)]).max().unwrap_or_default();
            let lines = i32::try_from(placed.notes.len()).unwrap_or_default();
            let high = (32 + lines * 14).max(ports * PORT + 12).max(ends * ENTRY + 16);
            placed.area.width = (text + 24).max(NARROWEST_BOX);
            placed.area.height = high;
        }
    }

    fn place_rows(&mut self, classes: &Classes, corridors: &routes::Corridors) {
        let mut y = HEAD;
        for (number, class) in classes.hosts.iter().enumerate() {
            y += corridors.height(number);
            let mut heights = BTreeMap::<usize, i32>::new();
            for placed in self.boxes.iter().filter(|placed| placed.row == number) {
                *heights.entry(placed.column).or_insert(-GAP) += placed.area.height + GAP;
            }
            let height = heights.values().max().copied().unwrap_or_default().max(34);
            let mut tops: BTreeMap<_, _> = heights
                .into_iter()
                .map(|(column, own)| (column, y + PADDING + (height - own) / 2))
                .collect();
            for placed in self.boxes.iter_mut().filter(|placed| placed.row == number) {
                let Some(top) = tops.get_mut(&placed.column) else { continue };
                placed.area.y = *top;
                *top += placed.area.height + GAP;
            }
            let names = folded(class.names.iter().map(|name| name.as_str())).join(", ");
            let area = Area { x: MARGIN, y, width: 0, height: height + 2 * PADDING };
            let name = fitted(&names, TEXT, WIDEST_HOST);
            self.rows.push(Row { area, name, names, hosts: class.names.len() });
            y = area.bottom();
        }
        self.height = y + corridors.height(classes.hosts.len()) + FOOT;
    }

    /// Where each wire leaves its box.
    fn ports(&mut self) {
        for (number, placed) in self.boxes.iter().enumerate() {
            let own = self.wires.iter_mut().filter(|wire| wire.from == number);
            let own: Vec<_> = own.collect();
            let count = i32::try_from(own.len()).unwrap_or_default();
            let mut y = placed.area.y + placed.area.height / 2 - (count - 1) * PORT / 2;
            for wire in own {
                wire.port.1 = y;
                y += PORT;
            }
        }
    }

    fn place_columns(&mut self, channels: &routes::Channels) {
        let names = self.rows.iter().map(|row| width(&row.name, TEXT));
        let hosts = names.max().unwrap_or_default().max(60);
        let columns = self.boxes.iter().map(|placed| placed.column + 1).max().unwrap_or_default();
        let mut x = MARGIN + hosts + 28;
        for column in 0..columns {
            x += channels.width(column);
            let inside = self.boxes.iter().filter(|placed| placed.column == column);
            let wide = inside.map(|placed| placed.area.width).max().unwrap_or_default();
            let mut labels = 0;
            for wire in &self.wires {
                if self.boxes[wire.from].column == column {
                    labels = labels.max(width(&wire.label, SMALL) + 14);
                }
            }
            for placed in self.boxes.iter_mut().filter(|placed| placed.column == column) {
                (placed.area.x, placed.area.width) = (x, wide);
            }
            self.columns.push(x + wide / 2);
            x += wide + labels;
            for wire in &mut self.wires {
                if self.boxes[wire.from].column == column {
                    wire.port.0 = x;
                }
            }
        }
        x += channels.width(columns) + PADDING;
        let least = MARGIN + width(&self.title, 16).max(width(&self.summary, SMALL));
        for row in &mut self.rows {
            row.area.width = x.max(least) - MARGIN;
        }
        self.width = x.max(least) + MARGIN;
    }
}

fn summary(chart: &Chart) -> String {
    let count = crate::text::count;
    let (hosts, roots) = (count(chart.hosts(), "host"), count(chart.roots.len(), "root"));
    format!("{hosts}, {roots}; what stands in one column can run at the same time")
}
