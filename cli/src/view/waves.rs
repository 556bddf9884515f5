//! How rollouts would go, as a table: a row for each wave, a column for each host.
//!
//! Hosts to which the same happens share a column. Where that is still wider than [`WIDTH`], waves that
//! follow each other and are alike share a row, and with it their hosts a column; `whole` keeps them
//! apart. What is wider even then is told without columns for hosts.

use std::collections::{BTreeMap, BTreeSet};

use togusa_core::event::{PlannedBatch, PlannedRollout};
use togusa_core::names::{HostName, RootName};

use super::rollouts;
use crate::chart::folded;
use crate::text::{columns, count, harmless};
use crate::ui::{Ink, Paint};

/// How wide the table may be.
const WIDTH: usize = 80;
/// How long the name of a column may be.
const NAME: usize = 24;
/// Between two columns.
const GAP: &str = "  ";

/// What the rollouts are about, and their waves; without a wave, what was left unfinished.
pub(super) fn text(
    rollouts: &[PlannedRollout],
    waves: &[Vec<PlannedBatch>],
    whole: bool,
    paint: Paint,
) -> String {
    let plan = Plan::new(rollouts, waves, whole);
    let mut text: String =
        rollouts.iter().map(|rollout| heading(rollout, waves, whole, paint)).collect();
    if waves.is_empty() {
        return text;
    }
    let tables = [Alike::Never, Alike::InSize, Alike::InComponents];
    let mut tables = tables.iter().map(|alike| plan.table(*alike));
    let table = match whole {
        true => tables.next(),
        false => tables.find(|table| table.width() <= WIDTH),
    };
    match table {
        Some(table) => {
            text += &table.text(paint);
            let sign = if plan.is_single() { "~ rolled in this wave, " } else { "" };
            let legend = format!("{sign}· still to come, = done or current");
            text += &format!("{}\n", paint.text(Ink::Faint, &legend));
        }
        None => text += &plan.list(),
    }
    text
}

fn heading(
    rollout: &PlannedRollout,
    waves: &[Vec<PlannedBatch>],
    whole: bool,
    paint: Paint,
) -> String {
    let batches = waves.iter().flatten().filter(|batch| batch.component == rollout.component);
    let sizes: Vec<_> = batches.map(|batch| batch.roots.len()).collect();
    let mut text = String::new();
    if !sizes.is_empty() {
        let (some, all) = (sizes.iter().sum::<usize>(), count(rollout.instances.len(), "instance"));
        let batches = match sizes.len() {
            1 => "1 batch".to_owned(),
            number => format!("{number} batches"),
        };
        let group = rollout.group.as_deref().map(harmless);
        let group = group.map(|group| format!(" in group `{group}`")).unwrap_or_default();
        let name = paint.text(Ink::Name, &harmless(rollout.component.as_str()));
        let minimum = rollout.minimum_up;
        text += &format!("{name}: {some} of {all} in {batches}, minimum {minimum} up{group}\n");
    }
    if !rollout.unfinished.is_empty() {
        let roots = rollouts::roots(&rollout.unfinished, whole);
        text += &format!("left unfinished or out of use by an earlier run: {roots}\n");
    }
    text
}

/// When waves that follow each other share a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Alike {
    Never,
    /// They take as many instances of the same components.
    InSize,
    /// They take instances of the same components.
    InComponents,
}

struct Plan<'a> {
    waves: &'a [Vec<PlannedBatch>],
    whole: bool,
    /// By component: what it counts together with, and how many of that must stay up.
    minimums: BTreeMap<&'a RootName, (&'a str, usize)>,
    /// By host: the waves in which something is rolled there.
    hosts: BTreeMap<&'a HostName, Vec<(usize, &'a RootName)>>,
    /// The components whose first batch is small and alone.
    canaries: BTreeSet<&'a RootName>,
    components: BTreeSet<&'a RootName>,
}

impl<'a> Plan<'a> {
    fn new(rollouts: &'a [PlannedRollout], waves: &'a [Vec<PlannedBatch>], whole: bool) -> Self {
        let mut sizes = BTreeMap::<_, Vec<usize>>::new();
        for batch in waves.iter().flatten() {
            sizes.entry(&batch.component).or_default().push(batch.roots.len());
        }
        let is_canary = |sizes: &[usize]| match sizes {
            [first, next, ..] => *first == 1 || first < next,
            _ => false,
        };
        let canaries = sizes.iter().filter(|(_, sizes)| is_canary(sizes)).map(|(name, _)| *name);
        let canaries = canaries.collect();
        let mut hosts = BTreeMap::<_, Vec<_>>::new();
        let rolled = rollouts.iter().filter(|rollout| sizes.contains_key(&rollout.component));
        for root in rolled.flat_map(|rollout| &rollout.instances) {
            hosts.entry(&root.host).or_default();
        }
        for (wave, batches) in waves.iter().enumerate() {
            for batch in batches {
                for root in &batch.roots {
                    hosts.entry(&root.host).or_default().push((wave, &batch.component));
                }
            }
        }
        let minimum = |rollout: &'a PlannedRollout| {
            let together = rollout.group.as_deref().unwrap_or(rollout.component.as_str());
            (&rollout.component, (together, rollout.minimum_up))
        };
        let minimums = rollouts.iter().map(minimum).collect();
        let components = sizes.into_keys().collect();
        Self { waves, whole, minimums, hosts, canaries, components }
    }

    fn is_single(&self) -> bool {
        self.components.len() == 1
    }

    fn is_canary(&self, batch: &PlannedBatch) -> bool {
        batch.number == 1 && self.canaries.contains(&batch.component)
    }

    /// The waves of each row: its first one, and the one behind its last.
    fn rows(&self, alike: Alike) -> Vec<(usize, usize)> {
        let shape = |wave: usize| -> BTreeSet<(&RootName, bool, usize)> {
            let batches = self.waves[wave].iter();
            let size = |batch: &PlannedBatch| match alike {
                Alike::InComponents => 0,
                _ => batch.roots.len(),
            };
            batches.map(|batch| (&batch.component, self.is_canary(batch), size(batch))).collect()
        };
        let mut rows = Vec::<(usize, usize)>::new();
        for wave in 0..self.waves.len() {
            match rows.last_mut() {
                Some((first, end)) if alike != Alike::Never && shape(*first) == shape(wave) => {
                    *end = wave + 1;
                }
                _ => rows.push((wave, wave + 1)),
            }
        }
        rows
    }

    fn table(&self, alike: Alike) -> Table {
        let rows = self.rows(alike);
        let row_of = |wave: usize| rows.partition_point(|(_, end)| *end <= wave);
        let mut alike = BTreeMap::<Vec<(usize, &RootName)>, Vec<&str>>::new();
        for (host, rolled) in &self.hosts {
            let rolled = rolled.iter().map(|(wave, component)| (row_of(*wave), *component));
            alike.entry(rolled.collect()).or_default().push(host.as_str());
        }
        // In the order in which their turn comes; hosts without a turn stand at the end.
        let mut hosts: Vec<_> = alike.into_iter().collect();
        hosts.sort_by_key(|(rolled, _)| rolled.first().map_or(usize::MAX, |(row, _)| *row));
        let mut table = vec![Column::of("wave"), Column::of("up (min)")];
        for (first, end) in &rows {
            table[0].cells.push((waves(*first, *end), None));
            table[1].cells.push((self.up(*first, *end), None));
        }
        for (rolled, names) in hosts {
            let mut column = Column::of(&self.column_name(&names));
            for (row, (first, end)) in rows.iter().enumerate() {
                let now: Vec<_> = rolled.iter().filter(|(of, _)| *of == row).collect();
                column.cells.push(match () {
                    () if !now.is_empty() => {
                        let words = now.iter().map(|(_, name)| self.cell(name, *first, *end));
                        (words.collect::<Vec<_>>().join(", "), Some(Ink::Change))
                    }
                    () if rolled.iter().any(|(of, _)| *of > row) => {
                        ("·".to_owned(), Some(Ink::Faint))
                    }
                    () => ("=".to_owned(), Some(Ink::Create)),
                });
            }
            table.push(column);
        }
        Table(table)
    }

    fn column_name(&self, hosts: &[&str]) -> String {
        let names = folded(hosts.iter().copied()).join(", ");
        match hosts {
            [first, rest @ ..]
                if names.chars().count() > NAME && !rest.is_empty() && !self.whole =>
            {
                harmless(&format!("{first} (+{} more)", rest.len())).into_owned()
            }
            _ => harmless(&names).into_owned(),
        }
    }

    /// What happens to a component in the waves of a row.
    fn cell(&self, component: &RootName, first: usize, end: usize) -> String {
        let batches = self.waves[first..end].iter().flatten();
        let batches: Vec<_> = batches.filter(|batch| batch.component == *component).collect();
        let name = harmless(component.as_str());
        let is_canary = batches.iter().any(|batch| self.is_canary(batch));
        let sizes = || batches.iter().map(|batch| batch.roots.len());
        let each = match (sizes().min(), sizes().max()) {
            (Some(least), Some(most)) if least == most => format!("{most} each"),
            (least, most) => {
                format!("{}-{} each", least.unwrap_or_default(), most.unwrap_or_default())
            }
        };
        match (self.is_single(), end - first > 1) {
            (true, true) => each,
            (true, false) if is_canary => "canary".to_owned(),
            (true, false) => "~".to_owned(),
            (false, true) => format!("{name} {each}"),
            (false, false) if is_canary => format!("{name} (canary)"),
            (false, false) => name.into_owned(),
        }
    }

    /// How many stay up at least in the waves of a row, and how many must.
    fn up(&self, first: usize, end: usize) -> String {
        let mut all = BTreeMap::<&str, (usize, usize)>::new();
        for batch in self.waves[first..end].iter().flatten() {
            let Some((together, minimum)) = self.minimums.get(&batch.component) else { continue };
            let (up, _) = all.entry(together).or_insert((batch.up, *minimum));
            *up = batch.up.min(*up);
        }
        let together = self.components.iter().filter_map(|name| self.minimums.get(*name));
        let is_single = together.map(|(together, _)| together).collect::<BTreeSet<_>>().len() == 1;
        let words = all.into_iter().map(|(together, (up, minimum))| match is_single {
            true => format!("{up} ({minimum})"),
            false => format!("{} {up} ({minimum})", harmless(together)),
        });
        words.collect::<Vec<_>>().join(", ")
    }

    /// The waves with what they take.
    fn list(&self) -> String {
        let mut lines = vec![["wave", "up (min)", "rolled"].map(str::to_owned)];
        for (first, end) in self.rows(Alike::InComponents) {
            let mut taken = BTreeMap::<_, Vec<_>>::new();
            for batch in self.waves[first..end].iter().flatten() {
                taken.entry(&batch.component).or_default().extend(batch.roots.iter().cloned());
            }
            let taken = taken.into_iter().map(|(name, roots)| {
                let hosts = rollouts::hosts(&roots, self.whole);
                match self.cell(name, first, end).as_str() {
                    "~" => hosts,
                    cell => format!("{cell}: {hosts}"),
                }
            });
            let taken: Vec<_> = taken.collect();
            lines.push([waves(first, end), self.up(first, end), taken.join("; ")]);
        }
        columns(&lines)
    }
}

/// The numbers of waves, from 1.
fn waves(first: usize, end: usize) -> String {
    match end - first {
        1 => end.to_string(),
        _ => format!("{}-{end}", first + 1),
    }
}

struct Table(Vec<Column>);

/// What stands in a cell, and how it is coloured.
type Cell = (String, Option<Ink>);

struct Column {
    head: String,
    cells: Vec<Cell>,
}

impl Column {
    fn of(head: &str) -> Self {
        Self { head: head.to_owned(), cells: Vec::new() }
    }

    /// The head on one line, or the range of hosts in it below what is before it.
    fn head(&self, in_two: bool) -> [&str; 2] {
        match self.head.find('[').filter(|at| in_two && *at > 0) {
            Some(at) => [&self.head[..at], &self.head[at..]],
            None => ["", &self.head],
        }
    }

    fn width(&self, in_two: bool) -> usize {
        let texts = self.head(in_two).into_iter();
        let texts = texts.chain(self.cells.iter().map(|(text, _)| text.as_str()));
        texts.map(console::measure_text_width).max().unwrap_or_default()
    }
}

impl Table {
    fn width(&self) -> usize {
        self.width_with(false).min(self.width_with(true))
    }

    fn width_with(&self, in_two: bool) -> usize {
        let widths: usize = self.0.iter().map(|column| column.width(in_two)).sum();
        widths + GAP.len() * self.0.len().saturating_sub(1)
    }

    fn text(&self, paint: Paint) -> String {
        let in_two = self.width_with(false) > WIDTH && self.width_with(true) <= WIDTH;
        let widths: Vec<_> = self.0.iter().map(|column| column.width(in_two)).collect();
        let line = |cells: Vec<(&str, Option<Ink>)>| {
            let last = cells.iter().rposition(|(text, _)| !text.is_empty());
            let cells = cells.into_iter().take(last.map_or(0, |last| last + 1)).enumerate();
            let cells = cells.map(|(number, (text, ink))| {
                let filler = widths[number].saturating_sub(console::measure_text_width(text));
                let filler = if Some(number) == last { String::new() } else { " ".repeat(filler) };
                format!("{}{filler}", ink.map_or(text.to_owned(), |ink| paint.text(ink, text)))
            });
            format!("{}\n", cells.collect::<Vec<_>>().join(GAP))
        };
        let head = |part: usize| {
            let cells = self.0.iter().map(|column| (column.head(in_two)[part], Some(Ink::Name)));
            line(cells.collect())
        };
        let mut text = if in_two { head(0) } else { String::new() };
        text += &head(1);
        for row in 0..self.0.first().map_or(0, |column| column.cells.len()) {
            let cells = self.0.iter().map(|column| {
                let (text, ink) = &column.cells[row];
                (text.as_str(), *ink)
            });
            text += &line(cells.collect());
        }
        text
    }
}

#[cfg(test)]
mod tests;
