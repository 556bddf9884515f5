//! Drift: what somebody changes on a host behind the back of a deployment.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::assets::ProjectAssets;
use crate::engine::Options;
use crate::engine::state::{Managed, read_json};
use crate::event::Mode;
use crate::interrupt::Interrupt;
use crate::model::Model;
use crate::names::HostName;

use super::run::run;
use super::tree::{Kind, Tree};
use super::{Harness, Run};

/// How many drifts are shown that were not mended.
const SHOWN: usize = 20;

/// What happens to a file, a directory or a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Drift {
    /// A file has another content.
    Content,
    /// A file is empty.
    Emptied,
    /// A file or directory has another mode.
    Mode,
    /// A link leads elsewhere.
    Target,
    /// It is gone, a directory with all that is in it.
    Removed,
    /// An empty file is in its place.
    File,
    /// An empty directory is in its place.
    Directory,
    /// A link is in its place, which leads to what was there.
    Link,
}

impl Drift {
    const ALL: [Self; 8] = [
        Self::Content,
        Self::Emptied,
        Self::Mode,
        Self::Target,
        Self::Removed,
        Self::File,
        Self::Directory,
        Self::Link,
    ];

    fn happens_to(self, kind: &Kind) -> bool {
        match (kind, self) {
            (Kind::Other, _) => false,
            (_, Self::Removed) => true,
            (Kind::File(content), Self::Emptied) => !content.is_empty(),
            (Kind::File(_), Self::Content | Self::Mode | Self::Directory | Self::Link) => true,
            (Kind::Directory, Self::Mode | Self::File | Self::Link) => true,
            (Kind::Link(_), Self::Target | Self::File | Self::Directory) => true,
            _ => false,
        }
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Content => "its content was changed",
            Self::Emptied => "it was emptied",
            Self::Mode => "its mode was changed",
            Self::Target => "it was made to lead elsewhere",
            Self::Removed => "it was removed",
            Self::File => "a file was put in its place",
            Self::Directory => "a directory was put in its place",
            Self::Link => "a link was put in its place",
        })
    }
}

/// Drift of all that the roots of a harness made, to be seen and mended.
///
/// It happens to each file and link in the home of each host, and to each directory that a component
/// [manages](crate::scope::Scope::manages). The mode of what has the usual mode of new files may be
/// left as it is, because components set no mode unless they are told to.
#[derive(Debug)]
#[must_use = "`assert_mends` makes the drift"]
pub struct Drifts<'a> {
    harness: &'a Harness,
    left_alone: Vec<(Option<Drift>, glob::Pattern)>,
}

impl Harness {
    /// Converges, then makes drift in each file, directory and link, one at a time: plan must show
    /// it, and a deployment must make everything as it was.
    ///
    /// # Panics
    /// Drift is not seen, or not mended; each is shown with its path.
    #[track_caller]
    pub fn assert_mends(&self) {
        self.drifts().assert_mends();
    }

    /// The same, but for paths that fit a pattern: see [`Drifts::except`].
    ///
    /// # Panics
    /// Drift is not seen, or not mended.
    #[track_caller]
    pub fn assert_mends_except<'a>(&self, patterns: impl IntoIterator<Item = &'a str>) {
        patterns.into_iter().fold(self.drifts(), Drifts::except).assert_mends();
    }

    /// The drift that [`assert_mends`](Self::assert_mends) makes, to leave out some of it.
    pub fn drifts(&self) -> Drifts<'_> {
        Drifts { harness: self, left_alone: Vec::new() }
    }
}

/// Drift that happens to one path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Case {
    host: HostName,
    path: PathBuf,
    drift: Drift,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}: {}", self.host, shown(&self.path), self.drift)
    }
}

/// A path as tests write it: below the work directories without them, else below `~`.
fn shown(path: &Path) -> String {
    match path.strip_prefix("target/work") {
        Ok(below) if below.components().next().is_some() => below.display().to_string(),
        _ => format!("~/{}", path.display()),
    }
}

impl<'a> Drifts<'a> {
    /// Leaves alone what fits a pattern such as `site/releases/**` or `~/log/*`: nothing is done to
    /// it, and it may be changed by deployments. Paths are written as for [`Harness::local`].
    pub fn except(self, pattern: &str) -> Self {
        self.add(None, pattern)
    }

    /// Leaves out one kind of drift where a path fits a pattern.
    pub fn except_of(self, drift: Drift, pattern: &str) -> Self {
        self.add(Some(drift), pattern)
    }

    fn add(mut self, drift: Option<Drift>, pattern: &str) -> Self {
        let pattern = glob::Pattern::new(pattern)
            .unwrap_or_else(|error| panic!("`{pattern}` is no pattern: {error}"));
        self.left_alone.push((drift, pattern));
        self
    }

    fn is_left_alone(&self, path: &Path, drift: Option<Drift>) -> bool {
        let path = shown(path);
        let options = glob::MatchOptions { require_literal_separator: true, ..Default::default() };
        let fits = |(of, pattern): &(Option<Drift>, glob::Pattern)| {
            (of.is_none() || *of == drift) && pattern.matches_with(&path, options)
        };
        self.left_alone.iter().any(fits)
    }

    /// Converges, makes the drift, one at a time, and expects it to be seen and mended.
    ///
    /// # Panics
    /// Drift is not seen, or not mended; each is shown with its path. Or the harness does not
    /// converge in the first place, or manages what lies outside of it.
    #[track_caller]
    pub fn assert_mends(&self) {
        self.harness.assert_converges();
        let trial = Trial::new(self);
        let cases = trial.cases();
        assert!(!cases.is_empty(), "the roots made no file, link or directory that could drift");
        let findings = trial.findings(&cases);
        let count = findings.len();
        let findings = findings.into_iter().take(SHOWN);
        let mut list: Vec<_> = findings.map(|(case, why)| format!("{case}\n  {why}")).collect();
        if count > SHOWN {
            list.push(format!("… {} more", count - SHOWN));
        }
        assert!(
            list.is_empty(),
            "{count} of {} drifts were not seen or not mended:\n\n{}\n\nhint: what components are \
             meant to leave alone is left out by `.drifts().except(\"PATH\").assert_mends()`",
            cases.len(),
            list.join("\n")
        );
    }
}

/// Hosts that have converged, and drift from there.
struct Trial<'a> {
    drifts: &'a Drifts<'a>,
    model: Model,
    assets: Arc<ProjectAssets>,
    converged: BTreeMap<HostName, Tree>,
    /// The modes that new files and directories get.
    usual: BTreeSet<u32>,
}

impl<'a> Trial<'a> {
    #[track_caller]
    fn new(drifts: &'a Drifts<'a>) -> Self {
        let (model, assets) = drifts.harness.configured();
        let mut trial =
            Self { drifts, model, assets, converged: BTreeMap::new(), usual: BTreeSet::new() };
        trial.usual = done(usual_modes(drifts.harness.directory.path()));
        trial.converged = trial.trees();
        trial
    }

    fn trees(&self) -> BTreeMap<HostName, Tree> {
        let harness = self.drifts.harness;
        let hosts = harness.environment.hosts.values().filter(|host| !host.ignore);
        let read = |host: &HostName| {
            let state = harness.target_directory(host.as_str()).join(".togusa");
            Tree::read(&harness.home(host), &state)
        };
        hosts.map(|host| (host.name.clone(), done(read(&host.name)))).collect()
    }

    /// The drift that is to happen.
    fn cases(&self) -> Vec<Case> {
        let mut cases = Vec::new();
        for (host, tree) in &self.converged {
            let managed = self.managed(host);
            for (path, entry) in &tree.entries {
                if entry.kind == Kind::Directory && !managed.contains(path) {
                    continue;
                }
                let fit = Drift::ALL.into_iter().filter(|drift| drift.happens_to(&entry.kind));
                let fit = fit.filter(|drift| !self.is_left_alone(path, Some(*drift)));
                let case = |drift| Case { host: host.clone(), path: path.clone(), drift };
                cases.extend(fit.map(case));
            }
        }
        cases
    }

    fn is_left_alone(&self, path: &Path, drift: Option<Drift>) -> bool {
        path.ancestors().any(|above| self.drifts.is_left_alone(above, drift))
    }

    /// The paths in the home of a host that components say they manage.
    fn managed(&self, host: &HostName) -> BTreeSet<PathBuf> {
        let harness = self.drifts.harness;
        let home = harness.home(host);
        let state = harness.target_directory(host.as_str()).join(".togusa/managed");
        let records = fs::read_dir(state).into_iter().flatten().flatten();
        let records = records.filter_map(|entry| done(read_json::<Managed>(&entry.path())));
        let items = records.flat_map(|record| record.items.into_values());
        let mut found = BTreeSet::new();
        for item in items.filter(|item| !item.left) {
            let path = match (item.name.strip_prefix("~/"), item.name.starts_with('/')) {
                (Some(below), _) => home.join(below),
                (None, true) => PathBuf::from(&item.name),
                (None, false) => continue,
            };
            match path.strip_prefix(&home) {
                Ok(below) => found.extend([below.to_owned()]),
                Err(_) if !path.exists() => {}
                Err(_) => panic!(
                    "`{}` of {} lies outside of the harness, where no drift is made; \
                     `harness.sandbox(\"{host}\")` puts it below the home of the host",
                    path.display(),
                    item.breadcrumb
                ),
            }
        }
        found
    }

    /// What was not seen or not mended, and why.
    fn findings(&self, cases: &[Case]) -> Vec<(Case, String)> {
        let mut findings = Vec::new();
        let mut seen = Vec::new();
        for case in cases {
            self.make(case);
            let plan = self.run(Mode::Verify);
            self.restore();
            if !plan.summary.is_success() {
                findings.push((case.clone(), format!("plan fails:\n{}", indented(&plan))));
            } else if !plan.changes().is_empty() {
                seen.push(case);
            } else if !self.may_stay(case) {
                findings.push((case.clone(), "plan does not show it".to_owned()));
            }
        }
        for round in rounds(&seen) {
            // Mending much at once is quick; what goes wrong is then looked at by itself.
            round.iter().for_each(|case| self.make(case));
            if self.mends().is_err() {
                self.restore();
                for case in round {
                    self.make(case);
                    let mended = self.mends();
                    self.restore();
                    findings.extend(mended.err().map(|why| (case.clone(), why)));
                }
            }
        }
        findings.sort();
        findings
    }

    /// Deploys, which must make everything as it was.
    fn mends(&self) -> Result<(), String> {
        let run = self.run(Mode::Converge);
        if !run.summary.is_success() {
            return Err(format!("deploy fails:\n{}", indented(&run)));
        }
        let now = self.trees();
        let mut left = Vec::new();
        for (host, tree) in &self.converged {
            let differences = tree.differences(&now[host]).into_iter();
            let differences = differences.filter(|(path, _)| !self.is_left_alone(path, None));
            let of_host = differences.map(|(path, words)| format!("`{}` {words}", shown(&path)));
            left.extend(of_host.map(|words| format!("{words} on {host}")));
        }
        match left.is_empty() {
            true => Ok(()),
            false => Err(format!("after deploy {}", left.join(", "))),
        }
    }

    fn run(&self, mode: Mode) -> Run {
        let (assets, options) = (Arc::clone(&self.assets), Options::new(mode));
        run(self.drifts.harness, &self.model, assets, &options, &Interrupt::default(), &|_| ())
    }

    fn restore(&self) {
        let now = self.trees();
        for (host, tree) in &self.converged {
            done(tree.restore(&now[host]));
        }
    }

    /// Whether it is no wonder that nobody minds.
    fn may_stay(&self, case: &Case) -> bool {
        let entry = &self.converged[&case.host].entries[&case.path];
        case.drift == Drift::Mode && self.usual.contains(&entry.mode)
    }

    fn make(&self, case: &Case) {
        let home = self.drifts.harness.home(&case.host);
        let entry = &self.converged[&case.host].entries[&case.path];
        let aside = self.drifts.harness.directory.path().join(".drift");
        done(make(&home.join(&case.path), case.drift, &entry.kind, &aside));
    }
}

fn make(path: &Path, drift: Drift, kind: &Kind, aside: &Path) -> io::Result<()> {
    let remove = || match kind {
        Kind::Directory => fs::remove_dir_all(path),
        _ => fs::remove_file(path),
    };
    match drift {
        Drift::Content => {
            let Kind::File(content) = kind else { return Ok(()) };
            fs::write(path, [content.as_slice(), b"drift\n"].concat())
        }
        Drift::Emptied => fs::write(path, ""),
        Drift::Mode => {
            let mode = path.metadata()?.permissions().mode() ^ 0o001;
            fs::set_permissions(path, fs::Permissions::from_mode(mode))
        }
        Drift::Target => {
            remove()?;
            symlink("drift", path)
        }
        Drift::Removed => remove(),
        Drift::File => {
            remove()?;
            fs::write(path, "")
        }
        Drift::Directory => {
            remove()?;
            fs::create_dir(path)
        }
        Drift::Link => {
            // Who follows it finds what should be there.
            fs::create_dir_all(aside)?;
            let number = fs::read_dir(aside)?.count();
            let moved = aside.join(number.to_string());
            fs::rename(path, &moved)?;
            symlink(moved, path)
        }
    }
}

/// The modes of a new file, of one that is executable, and of a new directory.
fn usual_modes(directory: &Path) -> io::Result<BTreeSet<u32>> {
    let (file, below) = (directory.join(".file"), directory.join(".directory"));
    fs::write(&file, "")?;
    fs::create_dir_all(&below)?;
    let mode = |path: &Path| Ok::<_, io::Error>(path.metadata()?.permissions().mode() & 0o7777);
    Ok(BTreeSet::from([mode(&file)?, mode(&below)?]))
}

/// Cases that can be mended together, because none happens to the path of another or below it.
fn rounds<'c>(cases: &[&'c Case]) -> Vec<Vec<&'c Case>> {
    let mut rounds = Vec::<Vec<&Case>>::new();
    let meet = |one: &Case, other: &Case| {
        one.host == other.host
            && (one.path.starts_with(&other.path) || other.path.starts_with(&one.path))
    };
    for case in cases {
        match rounds.iter_mut().find(|round| !round.iter().any(|other| meet(case, other))) {
            Some(round) => round.push(case),
            None => rounds.push(vec![case]),
        }
    }
    rounds
}

fn indented(run: &Run) -> String {
    let text = run.to_string();
    let lines = text.lines().map(|line| format!("    {line}").trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

fn done<T, E: fmt::Display>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("cannot make or mend drift: {error}"))
}
