//! Hosts as rows, many that came to the same in one.

use std::collections::BTreeMap;
use std::time::Duration;

use togusa_core::environment::{Connect, Host};

use super::judge::{LOW, OFF};
use super::{Answer, Answers, Asked, Finding, Supply};
use crate::text::{count, duration, harmless, size};
use crate::transport::converging_user;
use crate::ui::{Ink, Paint};

/// So many hosts that came to the same have a row each; more have one together.
const ALIKE: usize = 3;

const HEAD: [&str; 9] =
    ["host", "ssh", "user", "system", "agent", "store", "target", "clock", "lock"];

/// A host with all that is known of it.
#[derive(Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) host: &'a Host,
    pub(crate) answer: &'a Answer,
    /// What there is to be pushed to it, if that is known.
    pub(crate) supply: Option<Supply>,
    pub(crate) findings: Vec<Finding>,
}

/// What is between two hosts of a row that stands for several.
#[derive(Clone, Copy, Debug)]
struct Measures {
    reached: Duration,
    store: Option<u64>,
    target: Option<u64>,
    clock: Option<f64>,
}

/// A cell and how it is coloured.
type Cell = (String, Option<Ink>);

/// The table: hosts with findings alone, others together unless `whole`.
pub(crate) fn table(seen: &[Seen<'_>], whole: bool, paint: Paint) -> String {
    let mut alike = BTreeMap::<[String; 5], (usize, Measures)>::new();
    for (asked, words) in seen.iter().filter_map(|seen| alike_by(seen, whole)) {
        let measures = Measures::of(asked);
        let (hosts, all) = alike.entry(words).or_insert((0, measures));
        *hosts += 1;
        *all = all.and(measures);
    }
    let mut rows = vec![HEAD.map(|name| (name.to_owned(), None)).to_vec()];
    let mut together = Vec::new();
    for seen in seen {
        let key = alike_by(seen, whole).map(|(_, words)| words);
        match (key.and_then(|key| alike.get_mut(&key)), seen.answer) {
            (Some((0, _)), _) => {}
            (Some((hosts, all)), Ok(asked)) if *hosts > ALIKE => {
                let name = count(std::mem::take(hosts), "host");
                together.push(row(&name, seen, asked, *all, "up to ", "from "));
            }
            (_, Ok(asked)) => {
                let name = harmless(seen.host.name.as_str());
                rows.push(row(&name, seen, asked, Measures::of(asked), "", ""));
            }
            (_, Err(problem)) => {
                let name = harmless(seen.host.name.as_str()).into_owned();
                // Why it was not reached is longer than a cell, and there is nothing else to say.
                let why = harmless(&problem.message).into_owned();
                rows.push(vec![(name, None), (why, Some(Ink::Remove))]);
            }
        }
    }
    rows.extend(together);
    laid_out(&rows, paint)
}

/// What hosts without findings must have in common to share a row.
fn alike_by<'a>(seen: &Seen<'a>, whole: bool) -> Option<(&'a Asked, [String; 5])> {
    let asked = seen.answer.as_ref().ok()?;
    let is_alone = whole || !seen.findings.is_empty();
    let connect = if seen.host.connect == Connect::Ssh { "ssh" } else { "local" };
    let words = [
        connect.to_owned(),
        user(seen.host, &asked.answers).0,
        system(&asked.answers),
        agent(seen, &asked.answers).0,
        lock(&asked.answers).0,
    ];
    (!is_alone).then_some((asked, words))
}

fn row(
    name: &str,
    seen: &Seen<'_>,
    asked: &Asked,
    measures: Measures,
    up_to: &str,
    from: &str,
) -> Vec<Cell> {
    let Seen { host, .. } = seen;
    let answers = &asked.answers;
    let kept = if asked.resumed { " (kept)" } else { "" };
    let ssh = match host.connect {
        Connect::Ssh => format!("{up_to}{}{kept}", short(measures.reached)),
        Connect::Local => "local".to_owned(),
    };
    let store = match host.connect {
        Connect::Ssh => space(answers, "store", measures.store, from),
        Connect::Local => ("-".to_owned(), None),
    };
    vec![
        (name.to_owned(), None),
        (ssh, None),
        user(host, answers),
        (system(answers), None),
        agent(seen, answers),
        store,
        space(answers, "target", measures.target, from),
        clock(measures.clock, up_to),
        lock(answers),
    ]
}

/// A duration that may be far below a second.
fn short(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{:.2} s", time.as_secs_f64())
    } else {
        duration(time)
    }
}

fn user(host: &Host, answers: &Answers) -> Cell {
    let login = answers.login.as_deref().unwrap_or("?");
    match (&answers.user, converging_user(host)) {
        (Some(user), Some(_)) if user != login => {
            (harmless(&format!("{login} → {user}")).into(), None)
        }
        (None, Some(wanted)) => {
            (harmless(&format!("{login}, not {wanted}")).into(), Some(Ink::Remove))
        }
        _ => (harmless(login).into_owned(), None),
    }
}

fn system(answers: &Answers) -> String {
    let release = answers.release.as_ref().or(answers.system.as_ref());
    let parts = [release, answers.machine.as_ref()];
    let parts: Vec<_> = parts.into_iter().flatten().map(|part| harmless(part)).collect();
    if parts.is_empty() { "?".to_owned() } else { parts.join(" ") }
}

/// Whether the host has the agent, or what it would be pushed.
fn agent(seen: &Seen<'_>, answers: &Answers) -> Cell {
    if seen.host.connect == Connect::Local {
        return ("-".to_owned(), None);
    }
    if let Some(missing) = answers.failure("missing") {
        return (harmless(&format!("no {missing}")).into_owned(), Some(Ink::Remove));
    }
    match &seen.supply {
        None => ("?".to_owned(), None),
        Some(Err(_)) => ("none".to_owned(), Some(Ink::Remove)),
        Some(Ok(None)) => ("to build".to_owned(), None),
        Some(Ok(Some(binary))) if answers.agents.contains(&binary.digest) => {
            ("kept".to_owned(), None)
        }
        Some(Ok(Some(_))) => ("to push".to_owned(), None),
    }
}

/// What is free, or what is wrong with the place.
fn space(answers: &Answers, kind: &str, free: Option<u64>, from: &str) -> Cell {
    let wrong = |words: &str| (words.to_owned(), Some(Ink::Remove));
    let of_store = [("owner", "another's"), ("open", "open to all"), ("noexec", "noexec")];
    let of_store = of_store.into_iter().filter(|_| kind == "store");
    if let Some((_, words)) = of_store.into_iter().find(|(kind, _)| answers.failure(kind).is_some())
    {
        return wrong(words);
    }
    if answers.failure(&format!("file-{kind}")).is_some() {
        return wrong("no directory");
    }
    if let Some(said) = answers.failure(&format!("write-{kind}")) {
        let said = said.to_lowercase();
        let is_full = ["no space left", "quota"].iter().any(|text| said.contains(text));
        let is_read_only = said.contains("read-only");
        return wrong(match (is_full, is_read_only) {
            (true, _) => "full",
            (_, true) => "read-only",
            _ => "not writable",
        });
    }
    match free {
        Some(free) => (format!("{from}{}", size(free)), (free < LOW).then_some(Ink::Change)),
        None => ("?".to_owned(), None),
    }
}

fn clock(off: Option<f64>, up_to: &str) -> Cell {
    let Some(off) = off else { return ("?".to_owned(), None) };
    let sign = if off < 0.0 { "-" } else { "+" };
    let amount = duration(Duration::from_secs_f64(off.abs()));
    let is_off = off.abs() > OFF;
    match off {
        0.0 => ("right".to_owned(), None),
        _ => (format!("{up_to}{sign}{amount}"), is_off.then_some(Ink::Change)),
    }
}

fn lock(answers: &Answers) -> Cell {
    match answers.holder {
        _ if !answers.is_whole => ("?".to_owned(), None),
        Some(_) => ("held".to_owned(), Some(Ink::Change)),
        None => ("free".to_owned(), None),
    }
}

impl Measures {
    fn of(asked: &Asked) -> Self {
        let Asked { reached, answers, .. } = asked;
        let (store, target) = (answers.store.free, answers.target.free);
        Self { reached: *reached, store, target, clock: answers.clock }
    }

    /// The worse of each.
    fn and(self, other: Self) -> Self {
        let least = |one: Option<u64>, other: Option<u64>| one.into_iter().chain(other).min();
        let farther = |one: &f64, other: &f64| one.abs().total_cmp(&other.abs());
        Self {
            reached: self.reached.max(other.reached),
            store: least(self.store, other.store),
            target: least(self.target, other.target),
            clock: self.clock.into_iter().chain(other.clock).max_by(farther),
        }
    }
}

/// Columns that line up. A row that is shorter than the others ends in a cell that may be longer.
fn laid_out(rows: &[Vec<Cell>], paint: Paint) -> String {
    let columns = HEAD.len();
    let width = |column: usize| {
        let rows = rows.iter().filter(|row| row.len() == columns || column + 1 < row.len());
        rows.map(|row| row[column].0.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        let last = row.len() - 1;
        for (column, (cell, ink)) in row.iter().enumerate() {
            let ink = match (number, column) {
                (1.., 0) => Some(Ink::Name),
                _ => *ink,
            };
            text += &ink.map_or_else(|| cell.clone(), |ink| paint.text(ink, cell));
            if column < last {
                let padding = widths[column].saturating_sub(cell.chars().count()) + 2;
                text += &" ".repeat(padding);
            }
        }
        text.push('\n');
    }
    text
}

/// What `-v` adds to a host.
pub(crate) fn details(seen: &Seen<'_>) -> String {
    let Ok(asked) = seen.answer else { return String::new() };
    let Answers { kernel, distribution, openssh, sudo, shell, hostname, .. } = &asked.answers;
    let store = asked.answers.store.directory.as_ref();
    let target = asked.answers.target.directory.as_ref();
    let memory = asked.answers.memory_mb.map(|memory| format!("{memory} MiB"));
    let cores = asked.answers.cores.map(|cores| cores.to_string());
    let addresses = asked.answers.addresses.join(", ");
    let parts = [
        ("distribution", distribution.as_ref()),
        ("kernel", kernel.as_ref()),
        ("hostname", hostname.as_ref()),
        ("addresses", Some(&addresses).filter(|addresses| !addresses.is_empty())),
        ("cores", cores.as_ref()),
        ("memory", memory.as_ref()),
        ("login shell", shell.as_ref()),
        ("openssh", openssh.as_ref()),
        ("sudo", sudo.as_ref().filter(|_| converging_user(seen.host).is_some())),
        ("store is made in", store.filter(|_| seen.host.connect == Connect::Ssh)),
        ("target is made in", target),
    ];
    let name = harmless(seen.host.name.as_str());
    let parts = parts.into_iter().filter_map(|(word, value)| Some((word, value?)));
    parts.map(|(word, value)| format!("{name}  {word}: {}\n", harmless(value))).collect()
}
