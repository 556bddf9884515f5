//! Leads the lines around the boxes.
//!
//! Between two columns there is a channel, in which lines run up and down; between two rows there is
//! a corridor, in which those run that go past a column. Each line has a track of its own there, so
//! that no two lie on each other, and all ends of one wire share it.

use std::collections::{BTreeMap, BTreeSet};

use togusa_core::model::Order;

use super::layout::{Placed, Scene, Wire};

/// Between two tracks.
const TRACK: i32 = 9;
/// Between tracks and what is beside them.
const CLEAR: i32 = 12;
/// Lines that come this near to each other look like one.
const NEAR: i32 = 4;
/// Between two that end on one side of a box.
const APART: i32 = 9;

/// The height at which each line ends, by wire and end.
pub type Entries = BTreeMap<(usize, usize), i32>;

/// How a line gets to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// To the right side of a box of the same column.
    Beside,
    /// To the next column.
    Next,
    /// Along its own row, which is free up to there.
    Along,
    /// Through a corridor.
    Around(usize),
}

/// The way of each line.
#[derive(Debug, Default)]
pub struct Ways(BTreeMap<(usize, usize), Way>);

impl Ways {
    pub fn new(boxes: &[Placed], wires: &[Wire]) -> Self {
        let taken: BTreeSet<_> = boxes.iter().map(|placed| (placed.row, placed.column)).collect();
        let mut ways = BTreeMap::new();
        for (number, wire) in wires.iter().enumerate() {
            let from = &boxes[wire.from];
            let right = taken.range((from.row, from.column + 1)..(from.row + 1, 0)).next();
            let free = right.map_or(usize::MAX, |(_, column)| *column);
            for (end, to) in wire.ends.iter().enumerate() {
                let to = &boxes[to.to];
                let way = match () {
                    () if to.column == from.column => Way::Beside,
                    () if to.column == from.column + 1 => Way::Next,
                    () if to.column <= free => Way::Along,
                    // Above the row for what comes from above, else below it.
                    () if to.row < from.row => Way::Around(to.row + 1),
                    () => Way::Around(to.row),
                };
                ways.insert((number, end), way);
            }
        }
        Self(ways)
    }
}

/// Spreads the ends over the sides of their boxes: as high as they come from where that is free.
pub fn entries(ways: &Ways, boxes: &[Placed], wires: &[Wire]) -> Entries {
    // What runs through a channel from the left stands in the way of what ends on its right.
    let mut taken = BTreeMap::<usize, BTreeSet<Line>>::new();
    for (number, wire) in wires.iter().enumerate() {
        let channel = boxes[wire.from].column + 1;
        taken.entry(channel).or_default().insert((wire.port.1, Some(number)));
    }
    for ((wire, end), way) in &ways.0 {
        if *way == Way::Along {
            let channel = boxes[wires[*wire].ends[*end].to].column;
            taken.entry(channel).or_default().insert((wires[*wire].port.1, Some(*wire)));
        }
    }
    let mut keys: Vec<_> = ways.0.iter().collect();
    keys.sort_by_key(|((wire, end), _)| (wires[*wire].ends[*end].to, wires[*wire].port.1, *wire));
    let mut on_sides = BTreeMap::<(usize, bool), BTreeSet<i32>>::new();
    let mut entries = Entries::new();
    for (&(wire, end), way) in keys {
        let number = wires[wire].ends[end].to;
        let (to, beside) = (&boxes[number], *way == Way::Beside);
        let channel = if beside { to.column + 1 } else { to.column };
        let (top, bottom) = (to.area.y + 8, to.area.bottom() - 8);
        let wanted = wires[wire].port.1.clamp(top, bottom);
        let taken = taken.entry(channel).or_default();
        let side = on_sides.entry((number, beside)).or_default();
        // A wire goes straight on where it comes from the left.
        let own = Some(wire).filter(|_| !beside);
        let blocked = |y: i32| near(taken, y, own).or_else(|| too_close(side, y));
        let y = nearest_free(wanted, top, bottom, blocked).unwrap_or(wanted);
        side.insert(y);
        taken.insert((y, None));
        entries.insert((wire, end), y);
    }
    entries
}

/// A height that is taken, and the wire that runs there; `None`: one that ends there.
type Line = (i32, Option<usize>);

/// The heights around `y` that a line in the channel keeps free.
fn near(taken: &BTreeSet<Line>, y: i32, own: Option<usize>) -> Option<(i32, i32)> {
    let around = taken.range((y - NEAR, None)..=(y + NEAR, Some(usize::MAX)));
    let mut blocked = around.filter_map(|(other, by)| match (by.is_some() && *by == own, y) {
        (true, y) if y == *other => None,
        (true, y) if y < *other => Some((other - NEAR, other - 1)),
        (true, _) => Some((other + 1, other + NEAR)),
        (false, _) => Some((other - NEAR, other + NEAR)),
    });
    blocked.next()
}

/// The heights around `y` that another end on the same side keeps free.
fn too_close(side: &BTreeSet<i32>, y: i32) -> Option<(i32, i32)> {
    let other = side.range(y - APART + 1..y + APART).next()?;
    Some((other - APART + 1, other + APART - 1))
}

/// The free height that is nearest to the one that is wanted, from `top` to `bottom`.
fn nearest_free(
    wanted: i32,
    top: i32,
    bottom: i32,
    blocked: impl Fn(i32) -> Option<(i32, i32)>,
) -> Option<i32> {
    let (mut up, mut down) = (wanted, wanted);
    // From one end of what is blocked to the other, as there may be a thousand of them.
    while let Some((first, _)) = blocked(up).filter(|_| up >= top) {
        up = first - 1;
    }
    while let Some((_, last)) = blocked(down).filter(|_| down <= bottom) {
        down = last + 1;
    }
    let free = [up, down].into_iter().filter(|y| (top..=bottom).contains(y));
    free.min_by_key(|y| (y - wanted).abs())
}

/// The corridors: the one of a number is above the row of that number.
#[derive(Debug, Default)]
pub struct Corridors {
    /// The track of each wire in a corridor.
    tracks: BTreeMap<(usize, usize), usize>,
    counts: BTreeMap<usize, usize>,
}

impl Corridors {
    pub fn new(ways: &Ways, boxes: &[Placed], wires: &[Wire]) -> Self {
        let mut last = BTreeMap::<(usize, usize), usize>::new();
        for ((wire, end), way) in &ways.0 {
            let Way::Around(corridor) = way else { continue };
            let column = boxes[wires[*wire].ends[*end].to].column;
            let last = last.entry((*corridor, *wire)).or_default();
            *last = column.max(*last);
        }
        let mut spans = BTreeMap::<usize, Vec<Span<usize>>>::new();
        for ((corridor, wire), last) in last {
            let first = whole(boxes[wires[wire].from].column + 1);
            let span = Span { first, last: whole(last), key: wire };
            spans.entry(corridor).or_default().push(span);
        }
        let mut corridors = Self::default();
        for (corridor, spans) in spans {
            let (tracks, count) = on_tracks(spans, 0);
            corridors.counts.insert(corridor, count);
            let tracks = tracks.into_iter().map(|(wire, track)| ((corridor, wire), track));
            corridors.tracks.extend(tracks);
        }
        corridors
    }

    /// The height of a corridor.
    pub fn height(&self, corridor: usize) -> i32 {
        match self.counts.get(&corridor) {
            None => 8,
            Some(tracks) => 2 * CLEAR + tracks_wide(*tracks),
        }
    }

    /// The height at which a wire runs through a corridor.
    fn y(&self, scene: &Scene, corridor: usize, wire: usize) -> i32 {
        let track = self.tracks.get(&(corridor, wire)).copied().unwrap_or_default();
        let below = scene.rows.get(corridor).map(|row| row.area.y);
        let last = || scene.rows.last().map_or(0, |row| row.area.bottom()) + self.height(corridor);
        let top = below.unwrap_or_else(last) - self.height(corridor);
        top + CLEAR + tracks_wide(track + 1)
    }
}

fn tracks_wide(tracks: usize) -> i32 {
    (whole(tracks) - 1) * TRACK
}

fn whole(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX / TRACK)
}

/// The channels: the one of a number is on the left of the column of that number.
#[derive(Debug, Default)]
pub struct Channels {
    /// The track of each line that goes up or down.
    tracks: BTreeMap<(usize, Vertical), usize>,
    counts: BTreeMap<usize, usize>,
}

/// A line that goes up or down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Vertical {
    /// In the channel beside the box that the wire leaves, or where it leaves its row.
    Out(usize),
    /// From a corridor to a box.
    In { wire: usize, corridor: usize },
}

impl Channels {
    pub fn new(ways: &Ways, scene: &Scene, entries: &Entries, corridors: &Corridors) -> Self {
        let Scene { boxes, wires, .. } = scene;
        let mut spans = BTreeMap::<(usize, Vertical), (i32, i32)>::new();
        let mut reach = |channel: usize, vertical: Vertical, y: i32| {
            let span = spans.entry((channel, vertical)).or_insert((y, y));
            *span = (span.0.min(y), span.1.max(y));
        };
        for (&(wire, end), &y) in entries {
            let (from, to) = (&boxes[wires[wire].from], &boxes[wires[wire].ends[end].to]);
            let (out, port) = (from.column + 1, wires[wire].port.1);
            match ways.0[&(wire, end)] {
                Way::Beside | Way::Next => {
                    reach(out, Vertical::Out(wire), port);
                    reach(out, Vertical::Out(wire), y);
                }
                Way::Along => {
                    reach(to.column, Vertical::Out(wire), port);
                    reach(to.column, Vertical::Out(wire), y);
                }
                Way::Around(corridor) => {
                    let along = corridors.y(scene, corridor, wire);
                    reach(out, Vertical::Out(wire), port);
                    reach(out, Vertical::Out(wire), along);
                    reach(to.column, Vertical::In { wire, corridor }, along);
                    reach(to.column, Vertical::In { wire, corridor }, y);
                }
            }
        }
        let mut by_channel = BTreeMap::<usize, Vec<Span<Vertical>>>::new();
        for ((channel, key), (first, last)) in spans {
            if first < last {
                by_channel.entry(channel).or_default().push(Span { first, last, key });
            }
        }
        let mut channels = Self::default();
        for (channel, spans) in by_channel {
            let (tracks, count) = on_tracks(spans, NEAR);
            channels.counts.insert(channel, count);
            let tracks = tracks.into_iter().map(|(vertical, track)| ((channel, vertical), track));
            channels.tracks.extend(tracks);
        }
        channels
    }

    /// The width of a channel.
    pub fn width(&self, channel: usize) -> i32 {
        match self.counts.get(&channel) {
            None if channel == 0 => 0,
            None => 2 * CLEAR,
            Some(tracks) => 2 * CLEAR + 6 + tracks_wide(*tracks),
        }
    }

    fn x(&self, left: i32, channel: usize, vertical: Vertical) -> i32 {
        let track = self.tracks.get(&(channel, vertical)).copied().unwrap_or_default();
        left + CLEAR + tracks_wide(track + 1)
    }
}

/// Writes the corners of every line.
pub fn draw(
    scene: &mut Scene,
    ways: &Ways,
    entries: &Entries,
    corridors: &Corridors,
    channels: &Channels,
) {
    let mut lefts = BTreeMap::<usize, i32>::new();
    for placed in &scene.boxes {
        lefts.insert(placed.column, placed.area.x - channels.width(placed.column));
    }
    let mut drawn = Vec::new();
    for (&(wire, end), &y) in entries {
        let Wire { from, port, ends, .. } = &scene.wires[wire];
        let (from, to) = (&scene.boxes[*from], &scene.boxes[ends[end].to]);
        // Behind the last column there is nothing but its own lines.
        let left = |channel: usize| lefts.get(&channel).copied().unwrap_or(port.0);
        let x = |channel, vertical| channels.x(left(channel), channel, vertical);
        let out = Vertical::Out(wire);
        let mut points = vec![(from.area.right(), port.1)];
        match ways.0[&(wire, end)] {
            Way::Beside => {
                let x = x(from.column + 1, out);
                points.extend([(x, port.1), (x, y), (to.area.right(), y)]);
            }
            Way::Next | Way::Along => {
                let x = x(to.column, out);
                points.extend([(x, port.1), (x, y), (to.area.x, y)]);
            }
            Way::Around(corridor) => {
                let along = corridors.y(scene, corridor, wire);
                let first = x(from.column + 1, out);
                let second = x(to.column, Vertical::In { wire, corridor });
                points.extend([(first, port.1), (first, along), (second, along), (second, y)]);
                points.push((to.area.x, y));
            }
        }
        points.dedup();
        drawn.push((wire, end, straightened(points)));
    }
    for (wire, end, points) in drawn {
        scene.wires[wire].ends[end].points = points;
    }
}

/// Without the points at which the line goes on in its direction.
fn straightened(points: Vec<(i32, i32)>) -> Vec<(i32, i32)> {
    let mut kept: Vec<(i32, i32)> = Vec::new();
    for point in points {
        if let [.., before, last] = kept[..]
            && (before.0 == last.0 && last.0 == point.0 || before.1 == last.1 && last.1 == point.1)
        {
            kept.pop();
        }
        kept.push(point);
    }
    kept
}

/// What a line takes of its channel or corridor.
#[derive(Clone, Copy, Debug)]
struct Span<K> {
    first: i32,
    last: i32,
    key: K,
}

/// Puts spans on as few tracks as there need be, so that those on one track keep a distance; the
/// track of each, and how many there are.
fn on_tracks<K: Copy + Ord>(mut spans: Vec<Span<K>>, distance: i32) -> (Vec<(K, usize)>, usize) {
    spans.sort_by_key(|span| (span.first, span.last, span.key));
    let mut ends: Vec<i32> = Vec::new();
    let mut tracks = Vec::new();
    for span in spans {
        let free = ends.iter().position(|end| end + distance < span.first);
        let track = free.unwrap_or(ends.len());
        match free {
            Some(track) => ends[track] = span.last,
            None => ends.push(span.last),
        }
        tracks.push((span.key, track));
    }
    (tracks, ends.len())
}

/// Whether a wire has a direction.
pub fn is_directed(wire: &Wire) -> bool {
    wire.order != Order::Unordered
}
