//! The picture as SVG: one text, with no font, script or file beside it.

use std::fmt::Write as _;

use togusa_core::model::Order;

use super::Chart;
use super::classes::Classes;
use super::layout::{MARGIN, Placed, Row, Scene, Wire};
use super::routes::is_directed;
use crate::text::harmless;

/// How the picture looks: by day, by night and on paper.
pub const STYLE: &str = include_str!("style.css");

const COLOURS: usize = 7;
const ROUND: i32 = 6;

impl Chart {
    /// The graph as a picture of its own.
    pub fn to_svg(&self) -> String {
        let scene = Scene::of(self, &Classes::of(self));
        let Scene { width, height, .. } = scene;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\">\n"
        );
        let _ = writeln!(svg, "<title>{}</title>\n<style>\n{STYLE}</style>", text(&scene.title));
        svg += &content(&scene, false);
        svg += "</svg>\n";
        svg
    }
}

/// What is in the picture. On a page it also says what belongs together.
pub fn content(scene: &Scene, on_page: bool) -> String {
    let mut svg = String::new();
    let Scene { width, height, .. } = scene;
    let _ = writeln!(svg, r#"<rect class="ground" width="{width}" height="{height}"/>"#);
    let (title, summary) = (text(&scene.title), text(&scene.summary));
    let _ = writeln!(svg, r#"<text class="title" x="{MARGIN}" y="26">{title}</text>"#);
    let _ = writeln!(svg, r#"<text class="small" x="{MARGIN}" y="44">{summary}</text>"#);
    for (number, row) in scene.rows.iter().enumerate() {
        svg += &of_row(number, row, on_page);
    }
    let bottom = scene.rows.last().map_or(0, |row| row.area.bottom());
    for (number, x) in scene.columns.iter().enumerate() {
        let _ = writeln!(
            svg,
            r#"<path class="column" d="M{x} 70V{bottom}"/><text class="small" x="{x}" y="62" text-anchor="middle">layer {}</text>"#,
            number + 1
        );
    }
    for (number, wire) in scene.wires.iter().enumerate() {
        svg += &of_wire(number, wire, scene, on_page);
    }
    for (number, placed) in scene.boxes.iter().enumerate() {
        svg += &of_box(number, placed, on_page);
    }
    svg
}

fn of_row(number: usize, row: &Row, on_page: bool) -> String {
    let Row { area, name, names, hosts } = row;
    let middle = area.y + area.height / 2;
    let y = if *hosts > 1 { middle - 3 } else { middle + 4 };
    let mark = if on_page { format!(" data-row=\"{number}\"") } else { String::new() };
    let mut svg = format!("<g class=\"hosts\"{mark}>");
    let (x, top) = (area.x, area.y);
    let _ = write!(
        svg,
        r#"<rect class="row" x="{x}" y="{top}" width="{}" height="{}" rx="8"/>"#,
        area.width, area.height
    );
    let name_x = x + 12;
    let _ = write!(svg, "<text class=\"host\" x=\"{name_x}\" y=\"{y}\">{}", text(name));
    if name != names {
        let _ = write!(svg, "<title>{}</title>", text(names));
    }
    svg += "</text>";
    if *hosts > 1 {
        let y = middle + 13;
        let _ = write!(svg, r#"<text class="small" x="{name_x}" y="{y}">×{hosts} hosts</text>"#);
    }
    svg + "</g>\n"
}

fn of_box(number: usize, placed: &Placed, on_page: bool) -> String {
    let Placed { area, name, notes, ignored, told, .. } = placed;
    let class = if *ignored { "box skipped" } else { "box" };
    let mark = match on_page {
        true => format!(
            " data-box=\"{number}\" tabindex=\"0\" role=\"button\" aria-label=\"{}\"",
            text(told)
        ),
        false => String::new(),
    };
    let mut svg = format!("<g class=\"{class}\"{mark}><title>{}</title>", text(told));
    let _ = write!(
        svg,
        r#"<rect x="{}" y="{}" width="{}" height="{}" rx="5"/>"#,
        area.x, area.y, area.width, area.height
    );
    let x = area.x + area.width / 2;
    let lines = i32::try_from(notes.len()).unwrap_or_default();
    let mut y = area.y + area.height / 2 + 4 - lines * 7;
    let _ = write!(svg, r#"<text x="{x}" y="{y}" text-anchor="middle">{}</text>"#, text(name));
    for note in notes {
        y += 14;
        let note = text(note);
        let _ =
            write!(svg, r#"<text class="note" x="{x}" y="{y}" text-anchor="middle">{note}</text>"#);
    }
    svg + "</g>\n"
}

fn of_wire(number: usize, wire: &Wire, scene: &Scene, on_page: bool) -> String {
    let colour = wire.colour % COLOURS;
    let class = match wire.order {
        Order::ProviderFirst => "",
        Order::Reversed => " reversed",
        Order::Unordered => " unordered",
    };
    let mut svg = String::new();
    let from = &scene.boxes[wire.from];
    for end in &wire.ends {
        let to = &scene.boxes[end.to];
        let mark = match on_page {
            true => {
                let points = end.points.iter().map(|(x, y)| format!("{x},{y}"));
                let points = points.collect::<Vec<_>>().join(" ");
                format!(
                    " data-wire=\"{number}\" data-from=\"{}\" data-to=\"{}\" data-points=\"{points}\"",
                    wire.from, end.to
                )
            }
            false => String::new(),
        };
        let arrow = if is_directed(wire) { "→" } else { "–" };
        let links = if end.links > 1 { format!(" ({} links)", end.links) } else { String::new() };
        let told = format!("{} {arrow} {}: {}{links}", from.told, to.told, wire.label);
        let _ = write!(
            svg,
            "<g class=\"edge c{colour}{class}\"{mark}><title>{}</title><path class=\"line\" d=\"{}\"/>",
            text(&told),
            rounded(&end.points)
        );
        if is_directed(wire)
            && let Some((x, y)) = end.points.last()
        {
            let back = x - 7;
            let _ = write!(svg, r#"<path class="head" d="M{x} {y}L{back} {}V{}z"/>"#, y - 4, y + 4);
        }
        svg += "</g>\n";
    }
    let (x, y) = (from.area.right() + 6, wire.port.1 - 4);
    let mark = if on_page {
        format!(" data-wire=\"{number}\" data-from=\"{}\"", wire.from)
    } else {
        String::new()
    };
    let label = text(&wire.label);
    let _ = writeln!(svg, r#"<text class="label c{colour}"{mark} x="{x}" y="{y}">{label}</text>"#);
    svg
}

/// A line through its corners, which are rounded.
fn rounded(points: &[(i32, i32)]) -> String {
    let mut path = String::new();
    let [first, .., last] = points else { return path };
    let _ = write!(path, "M{} {}", first.0, first.1);
    for corner in points.windows(3) {
        let [before, at, after] = corner else { continue };
        let towards = |other: &(i32, i32)| {
            let (dx, dy) = (other.0 - at.0, other.1 - at.1);
            let round = ROUND.min((dx.abs() + dy.abs()) / 2);
            (at.0 + dx.signum() * round, at.1 + dy.signum() * round)
        };
        let (begin, end) = (towards(before), towards(after));
        let _ = write!(path, "L{} {}Q{} {} {} {}", begin.0, begin.1, at.0, at.1, end.0, end.1);
    }
    let _ = write!(path, "L{} {}", last.0, last.1);
    path
}

/// A text as it stands in XML and HTML, also within quotes.
pub fn text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in harmless(text).chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\n' | '\t' => escaped.push(' '),
            // No part of XML.
            '\u{fffe}' | '\u{ffff}' => escaped.push(char::REPLACEMENT_CHARACTER),
            other => escaped.push(other),
        }
    }
    escaped
}
