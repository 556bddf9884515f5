//! What hosts know of their deployments, as a table and what follows from it.

use std::collections::{BTreeMap, BTreeSet};

use togusa_core::deployment::{Commit, Deployment, HostStatus, Record, RecordEnd, RecordedRoot};
use togusa_core::names::{Breadcrumb, HostName, RootName};
use tz::{DateTime, TimeZone};

use super::Answer;
use crate::text::{columns, count, harmless, names};
use crate::ui::{Ink, Paint};

/// How many deployments of a host are shown at most.
const RECORDS: usize = 5;
/// How many names are listed.
const NAMES: usize = 8;
/// How much of a commit is shown, in characters.
const SHORT: usize = 7;

/// What is shown, and how.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    pub(super) answers: &'a BTreeMap<HostName, Answer>,
    /// Seconds since 1970.
    pub(super) now: u64,
    pub(super) zone: TimeZone,
    /// The last few deployments of each host, and every name.
    pub(super) whole: bool,
    pub(super) paint: Paint,
}

/// How the last deployment of a host ended, if it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Never,
    Running,
    Converged,
    Failed,
    Unfinished,
}

impl State {
    pub(super) fn of(status: &HostStatus) -> Self {
        match status.records.first() {
            None if status.holder.is_some() => Self::Running,
            None => Self::Never,
            Some(Record { end: None, .. }) if status.holder.is_some() => Self::Running,
            Some(record) => Self::of_record(record),
        }
    }

    fn of_record(record: &Record) -> Self {
        match &record.end {
            None => Self::Unfinished,
            Some(end) if end.is_success() => Self::Converged,
            Some(_) => Self::Failed,
        }
    }

    /// The state in JSON.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Never => "never-deployed",
            Self::Running => "running",
            Self::Converged => "converged",
            Self::Failed => "failed",
            Self::Unfinished => "unfinished",
        }
    }
}

impl Shown<'_> {
    /// The table, what is running, pending and out of use, and whether all hosts are at the same commit.
    pub(super) fn text(&self) -> String {
        let mut rows = vec![["host", "deployed", "by", "commit", "outcome"].map(str::to_owned)];
        let mut after = String::new();
        for (host, answer) in self.answers {
            let name = harmless(host.as_str()).into_owned();
            match answer {
                Err(_) => rows.push(row(&name, "could not be asked")),
                Ok(status) => {
                    self.rows(&name, status, &mut rows);
                    after += &self.under_way(&name, status);
                }
            }
        }
        columns(&rows) + &after + &self.commits()
    }

    fn rows(&self, host: &str, status: &HostStatus, rows: &mut Vec<[String; 5]>) {
        let state = State::of(status);
        if status.records.is_empty() {
            let words = if state == State::Never { "never deployed" } else { "for the first time" };
            let mut row = row(host, words);
            row[4] = self.outcome(state, None);
            return rows.push(row);
        }
        let limit = if self.whole { RECORDS } else { 1 };
        for (number, record) in status.records.iter().take(limit).enumerate() {
            let deployment = &record.deployment;
            let state = if number == 0 { state } else { State::of_record(record) };
            rows.push([
                if number == 0 { host.to_owned() } else { String::new() },
                self.when(deployment.started),
                harmless(&deployment.by()).into_owned(),
                deployment.commit.as_ref().map_or_else(|| "-".to_owned(), described),
                self.outcome(state, record.end.as_ref()),
            ]);
        }
    }

    /// How long ago, and when by the clock here.
    fn when(&self, seconds: u64) -> String {
        let ago = age(self.now.saturating_sub(seconds));
        let time = i64::try_from(seconds).ok();
        let time = time.and_then(|it| DateTime::from_timespec(it, 0, self.zone.as_ref()).ok());
        let Some(time) = time else { return ago };
        let (year, month, day) = (time.year(), time.month(), time.month_day());
        let (hour, minute) = (time.hour(), time.minute());
        format!("{ago} ({year}-{month:02}-{day:02} {hour:02}:{minute:02})")
    }

    fn outcome(&self, state: State, end: Option<&RecordEnd>) -> String {
        match state {
            State::Never => String::new(),
            State::Running => self.paint.text(Ink::Change, "running now"),
            State::Converged => self.paint.text(Ink::Create, "converged"),
            State::Unfinished => self.paint.text(Ink::Remove, "did not end"),
            State::Failed => {
                let parts = end.map(misfortunes).unwrap_or_default();
                self.paint.text(Ink::Remove, &parts.join(", "))
            }
        }
    }

    fn under_way(&self, host: &str, status: &HostStatus) -> String {
        let mut text = String::new();
        if let Some(holder) = &status.holder {
            text += &format!("{host}  running: {}\n", harmless(holder));
        }
        let limit = if self.whole { usize::MAX } else { NAMES };
        for (root, pending) in &status.pending {
            let pending = names(pending.iter().map(Breadcrumb::as_str), limit);
            text += &format!("{host}  pending in {}: {pending}\n", harmless(root.as_str()));
        }
        let mut drained = BTreeMap::<&RootName, Vec<String>>::new();
        for (root, instance) in &status.drained {
            drained.entry(root).or_default().push(instance.to_string());
        }
        for (root, instances) in drained {
            let instances = names(instances.iter().map(String::as_str), limit);
            let (has, out) = (harmless(root.as_str()), "out of use");
            text += &format!("{host}  {has} has {instances} {out}\n");
        }
        if !status.unfinished.is_empty() {
            let roots = names(status.unfinished.iter().map(RootName::as_str), limit);
            let were = if status.unfinished.len() == 1 { "was" } else { "were" };
            text += &format!("{host}  {roots} {were} being rolled\n");
        }
        text
    }

    /// Whether all hosts that answered are at the same commit, if there are several.
    fn commits(&self) -> String {
        let mut at = BTreeMap::<Place, Vec<&HostName>>::new();
        let mut deployments = BTreeSet::new();
        for (host, answer) in self.answers {
            let Ok(status) = answer else { continue };
            let last = status.records.first().map(|record| &record.deployment);
            deployments.extend(last.map(|deployment| &deployment.id));
            at.entry(Place::of(last)).or_default().push(host);
        }
        let total: usize = at.values().map(Vec::len).sum();
        if total < 2 {
            return String::new();
        }
        if at.len() == 1 {
            let Some(Place::Commit { dirty, words, .. }) = at.into_keys().next() else {
                return String::new();
            };
            // Who deployed with changes twice may have deployed different ones.
            let differ = dirty && deployments.len() > 1;
            let differ = if differ { ", and may differ in what was not committed" } else { "" };
            return format!("all {} are at commit {words}{differ}\n", count(total, "host"));
        }
        let limit = if self.whole { usize::MAX } else { NAMES };
        let lines = at.into_iter().map(|(place, hosts)| {
            let hosts = names(hosts.into_iter().map(HostName::as_str), limit);
            format!("  {}: {hosts}\n", place.words())
        });
        lines.fold("the hosts are not at the same commit:\n".to_owned(), |text, line| text + &line)
    }
}

/// What a host is at, in the order in which it is told.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Commit { id: String, dirty: bool, words: String },
    NoGit,
    Nowhere,
}

impl Place {
    fn of(deployment: Option<&Deployment>) -> Self {
        match deployment.map(|deployment| &deployment.commit) {
            Some(Some(commit)) => {
                let (id, words) = (commit.id.clone(), described(commit));
                Self::Commit { id, dirty: commit.dirty, words }
            }
            Some(None) => Self::NoGit,
            None => Self::Nowhere,
        }
    }

    fn words(&self) -> &str {
        match self {
            Self::Commit { words, .. } => words,
            Self::NoGit => "not under git",
            Self::Nowhere => "never deployed",
        }
    }
}

fn row(host: &str, deployed: &str) -> [String; 5] {
    [host, deployed, "", "", ""].map(str::to_owned)
}

/// The commit in short, its branch, and whether there were further changes.
fn described(commit: &Commit) -> String {
    let id: String = commit.id.chars().take(SHORT).collect();
    let branch = commit.branch.as_ref().map(|branch| format!(" {branch}")).unwrap_or_default();
    let dirty = if commit.dirty { " dirty" } else { "" };
    harmless(&format!("{id}{branch}{dirty}")).into_owned()
}

fn misfortunes(end: &RecordEnd) -> Vec<String> {
    let of = |wanted| {
        let roots = end.roots.iter().filter(move |(_, root)| **root == wanted);
        roots.map(|(name, _)| name.as_str()).collect::<Vec<_>>()
    };
    let kinds = [
        (RecordedRoot::Failed, "failed"),
        (RecordedRoot::Interrupted, "interrupted"),
        (RecordedRoot::NotStarted, "not started"),
    ];
    let kinds = kinds.into_iter().map(|(kind, words)| (of(kind), words));
    let kinds = kinds.filter(|(roots, _)| !roots.is_empty());
    kinds.map(|(roots, words)| format!("{words}: {}", names(roots, NAMES))).collect()
}

/// A time that has passed: `12 s ago`, `3 min ago`, `5 h ago`, `2 days ago`.
fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86_400 => format!("{} h ago", seconds / 3600),
        _ => {
            let days = usize::try_from(seconds / 86_400).unwrap_or(usize::MAX);
            format!("{} ago", count(days, "day"))
        }
    }
}
