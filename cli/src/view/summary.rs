//! What a run came to: a table by host, what was left out, and one sentence.

use std::collections::BTreeMap;
use std::time::Duration;

use togusa_core::event::{Counts, Outcome, Skip, Summary};
use togusa_core::names::{HostName, RootId};

use super::Purpose;
use crate::exit::Ending;
use crate::text::{count, duration, harmless, names};
use crate::ui::{Ink, Paint};

const NAMES: usize = 8;
/// So many hosts that came to the same have a line each; more have one together.
const ALIKE: usize = 3;

#[derive(Clone, Copy, Default)]
struct Row {
    roots: usize,
    counts: Counts,
    failed: usize,
    not_started: usize,
    not_reached: usize,
    stopped: usize,
    elapsed: Duration,
    remark: &'static str,
}

impl Row {
    /// What is the same for hosts on which the same happened; `None`: it needs a line of its own.
    fn numbers(&self) -> Option<[usize; 7]> {
        let Self { roots, not_started, not_reached, .. } = *self;
        let Counts { verified, changed, unknown, triggered } = self.counts;
        let is_well = self.failed + self.stopped == 0 && self.remark.is_empty();
        let numbers = [roots, verified, changed, unknown, triggered, not_started, not_reached];
        is_well.then_some(numbers)
    }
}

/// One line for each host; many that came to the same have one together, unless all are wanted.
/// The time is what the roots of a host took together.
pub(super) fn table(
    summary: &Summary,
    failed_components: &BTreeMap<HostName, usize>,
    whole: bool,
    paint: Paint,
) -> String {
    let rows = rows(summary);
    let any = |value: fn(&Row) -> usize| rows.values().any(|row| value(row) > 0);
    let (unknown, not_started) = (any(|row| row.counts.unknown), any(|row| row.not_started));
    let (triggered, stopped) = (any(|row| row.counts.triggered), any(|row| row.stopped));
    let not_reached = any(|row| row.not_reached);
    let mut lines = Vec::new();
    for (host, row, alike) in folded(&rows, whole) {
        let counts = row.counts;
        let failed = failed_components.get(host).copied().unwrap_or_default();
        let judged = counts.changed + counts.unknown + failed;
        let columns = [
            (true, row.roots, if row.roots == 1 { "root" } else { "roots" }),
            (true, counts.verified.saturating_sub(judged), "current"),
            (true, counts.changed, "changed"),
            (triggered, counts.triggered, "triggered"),
            (unknown, counts.unknown, "unknown"),
            (true, row.failed, "failed"),
            (not_started, row.not_started, "not started"),
            (not_reached, row.not_reached, "not reached"),
            (stopped, row.stopped, "stopped"),
        ];
        let cells = columns.into_iter().filter(|(shown, ..)| *shown);
        let cells = cells.map(|(_, number, word)| (number.to_string(), word)).collect::<Vec<_>>();
        let elapsed = duration(row.elapsed);
        lines.push(match alike {
            1 => (harmless(host.as_str()), cells, format!("{elapsed}{}", row.remark)),
            hosts => (count(hosts, "host").into(), cells, format!("up to {elapsed}")),
        });
    }
    let host_width = lines.iter().map(|(host, ..)| host.chars().count()).max().unwrap_or_default();
    let columns = lines.first().map_or(0, |(_, cells, _)| cells.len());
    let widths = |part: fn(&(String, &'static str)) -> usize| {
        let width = |column: usize| lines.iter().map(|(_, cells, _)| part(&cells[column])).max();
        (0..columns).map(|column| width(column).unwrap_or_default()).collect::<Vec<_>>()
    };
    let (numbers, words) = (widths(|cell| cell.0.len()), widths(|cell| cell.1.len()));
    let mut shown = String::new();
    for (host, cells, rest) in &lines {
        shown += &paint.text(Ink::Name, &format!("{host:host_width$}"));
        for (column, (number, word)) in cells.iter().enumerate() {
            let cell = format!("{number:>0$} {word:<1$}", numbers[column], words[column]);
            shown += &format!("  {cell}");
        }
        shown += &format!("  {rest}\n");
    }
    shown
}

/// A host, its row, and how many hosts the row stands for; those that stand alone come first.
fn folded<'a>(
    rows: &BTreeMap<&'a HostName, Row>,
    whole: bool,
) -> impl Iterator<Item = (&'a HostName, Row, usize)> {
    let mut alike = BTreeMap::<_, (usize, Duration)>::new();
    for row in rows.values() {
        let (hosts, longest) = alike.entry(row.numbers()).or_default();
        *hosts += 1;
        *longest = row.elapsed.max(*longest);
    }
    let (mut alone, mut together) = (Vec::new(), Vec::new());
    for (host, row) in rows {
        match row.numbers().filter(|_| !whole).and_then(|numbers| alike.get_mut(&Some(numbers))) {
            Some((0, _)) => {}
            Some((hosts, longest)) if *hosts > ALIKE => {
                let elapsed = std::mem::take(longest);
                together.push((*host, Row { elapsed, ..*row }, std::mem::take(hosts)));
            }
            _ => alone.push((*host, *row, 1)),
        }
    }
    alone.into_iter().chain(together)
}

fn rows(summary: &Summary) -> BTreeMap<&HostName, Row> {
    let mut rows = BTreeMap::<&HostName, Row>::new();
    for (key, root) in &summary.roots {
        let row = rows.entry(&key.0.host).or_default();
        row.roots += 1;
        row.counts += root.counts;
        row.elapsed += root.elapsed;
        match root.outcome {
            Outcome::Failed => row.failed += 1,
            Outcome::DependencyFailed { .. } => row.not_started += 1,
            Outcome::NotReached => row.not_reached += 1,
            Outcome::Interrupted => row.stopped += 1,
            Outcome::Converged | Outcome::Planned => {}
        }
    }
    for host in summary.failed_hosts.keys() {
        rows.entry(host).or_default().remark = "  (host failed)";
    }
    for host in &summary.locked_hosts {
        rows.entry(host).or_default().remark = "  (locked)";
    }
    rows
}

/// What was not part of the run, by reason; with `whole` every name.
pub(super) fn left_out(skipped: &BTreeMap<RootId, Skip>, whole: bool) -> String {
    let limit = if whole { usize::MAX } else { NAMES };
    let reasons = [
        (Skip::HostIgnored, "whose host is ignored"),
        (Skip::RootIgnored, "ignored"),
        (Skip::NotSelected, "not selected"),
        (Skip::Once, "done once on another host"),
    ];
    let mut shown = String::new();
    for (reason, words) in reasons {
        let roots: Vec<_> =
            skipped.iter().filter(|(_, skip)| **skip == reason).map(|(root, _)| root).collect();
        if !roots.is_empty() {
            let total = count(roots.len(), "root");
            let roots = names(roots.into_iter().map(RootId::to_string), limit);
            shown += &format!("skipped {total} {words}: {roots}\n");
        }
    }
    shown
}

/// How many roots each failed root kept from starting.
pub(super) fn not_started(summary: &Summary) -> String {
    let mut reasons = BTreeMap::<&RootId, usize>::new();
    for root in summary.roots.values() {
        if let Outcome::DependencyFailed { on } = &root.outcome {
            *reasons.entry(on).or_default() += 1;
        }
    }
    let line = |(on, number): (&RootId, usize)| {
        let on = on.to_string();
        format!("{} not started because `{}` failed\n", count(number, "root"), harmless(&on))
    };
    reasons.into_iter().map(line).collect()
}

/// What came out, in one sentence.
pub(super) fn sentence(summary: &Summary, purpose: Purpose) -> String {
    match Ending::of(summary) {
        Ending::Success => success(summary, purpose),
        Ending::Locked => {
            let hosts = names(&summary.locked_hosts, NAMES);
            format!("failed: another deployment holds the lock of {hosts}")
        }
        Ending::Failed => format!("failed: {}", misfortunes(summary).join(", ")),
        Ending::Interrupted => {
            let done = |outcome: &Outcome| matches!(outcome, Outcome::Converged | Outcome::Planned);
            let number = roots(summary, done);
            let done = format!("{number} of {} done", count(summary.roots.len(), "root"));
            let parts = [vec![done], misfortunes(summary)].concat();
            format!("interrupted: {}", parts.join(", "))
        }
    }
}

fn success(summary: &Summary, purpose: Purpose) -> String {
    let Counts { changed, triggered, unknown, .. } = summary.counts();
    let parts = |change: &str, trigger: &str| {
        let parts = [
            (changed, change.to_owned()),
            (triggered, trigger.to_owned()),
            (unknown, format!("{} unknown until applied", count(unknown, "component"))),
        ];
        let some = parts.into_iter().filter(|(number, _)| *number > 0);
        some.map(|(_, words)| words).collect::<Vec<_>>().join(", ")
    };
    let nothing = changed + triggered + unknown == 0;
    match purpose {
        _ if summary.roots.is_empty() => "nothing to do: every root was skipped".to_owned(),
        Purpose::Verify if nothing => "no drift: every component is current".to_owned(),
        _ if nothing => "nothing to do: every component is current".to_owned(),
        Purpose::Plan => {
            let triggers = format!("{} pending", count(triggered, "trigger"));
            parts(&format!("{} planned", count(changed, "change")), &triggers)
        }
        Purpose::Verify => {
            let triggers = format!("{} pending", count(triggered, "trigger"));
            format!(
                "drift: {}",
                parts(&format!("{} changed", count(changed, "component")), &triggers)
            )
        }
        Purpose::Deploy => {
            let triggers = format!("{} performed", count(triggered, "trigger"));
            let changes = format!("{} changed", count(changed, "component"));
            format!("converged: {}", parts(&changes, &triggers))
        }
    }
}

fn misfortunes(summary: &Summary) -> Vec<String> {
    let mut parts = Vec::new();
    let hosts = summary.failed_hosts.keys().filter(|host| !summary.locked_hosts.contains(host));
    let hosts: Vec<_> = hosts.collect();
    if !hosts.is_empty() {
        parts.push(format!("{} dropped out", names(hosts, NAMES)));
    }
    if !summary.locked_hosts.is_empty() {
        parts.push(format!("{} locked", names(&summary.locked_hosts, NAMES)));
    }
    let outcomes = [
        (failed_on_good_hosts(summary), "failed"),
        (
            roots(summary, |outcome| matches!(outcome, Outcome::DependencyFailed { .. })),
            "not started",
        ),
        (roots(summary, |outcome| *outcome == Outcome::NotReached), "not reached"),
        (roots(summary, |outcome| *outcome == Outcome::Interrupted), "stopped"),
    ];
    for (number, words) in outcomes {
        if number > 0 {
            parts.push(format!("{} {words}", count(number, "root")));
        }
    }
    parts
}

fn roots(summary: &Summary, wanted: impl Fn(&Outcome) -> bool) -> usize {
    summary.roots.values().filter(|root| wanted(&root.outcome)).count()
}

fn failed_on_good_hosts(summary: &Summary) -> usize {
    let bad = |host| summary.failed_hosts.contains_key(host) || summary.locked_hosts.contains(host);
    let failed = summary.roots.iter().filter(|(_, root)| root.outcome == Outcome::Failed);
    failed.filter(|(key, _)| !bad(&key.0.host)).count()
}
