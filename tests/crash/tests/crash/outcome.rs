//! What a deployment left behind: the files, the marks, the log of changes and restarts.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// The dependants as the log names them, `SERVICE` for the name that can change, and where their
/// causes begin there.
pub const TRIGGERS: &[(&str, &[&str])] = &[
    ("database@one/SERVICE", &["one/work/database/config"]),
    ("database@one/pool", &["one/work/database/pool/"]),
    ("two/work/app/built", &["two/work/app/source"]),
    ("app@two/SERVICE", &["two/work/app/built"]),
    ("app@two/reconnect", &["one/work/database/", "database@one/"]),
    ("app@two/both", &["one/work/database/", "database@one/", "two/work/app/source"]),
    ("front@three/SERVICE", &["two/work/app/", "app@two/"]),
    ("front@three/reload", &["three/work/front/page"]),
    ("monitor@one/pool", &["one/work/monitor/pool/"]),
    ("monitor@one/catalogue", &["one/work/database/catalogue"]),
    ("monitor@one/SERVICE", &["three/work/front/", "front@three/"]),
];

/// Everything below a home but what the agent and the test keep for themselves: kind, mode and
/// content by path.
pub fn tree(home: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    walk(home, home, &mut |path, entry| {
        if path == "log" || path.split('/').any(|part| part == ".togusa") {
            return;
        }
        let metadata = fs::symlink_metadata(entry).unwrap();
        let content = match metadata.file_type() {
            kind if kind.is_symlink() => format!("link to {:?}", fs::read_link(entry).unwrap()),
            kind if kind.is_dir() => "directory".to_owned(),
            _ => fs::read_to_string(entry).unwrap(),
        };
        found.insert(path.to_owned(), format!("{:o} {content}", metadata.permissions().mode()));
    });
    found
}

/// Paths at which two trees differ, with the beginning of what is there.
pub fn differences(
    found: &BTreeMap<String, String>,
    expected: &BTreeMap<String, String>,
) -> Vec<String> {
    let short = |text: Option<&String>| text.map(|text| text.chars().take(60).collect::<String>());
    let mut paths: Vec<_> = found.keys().chain(expected.keys()).collect();
    paths.sort();
    paths.dedup();
    let differing = paths.into_iter().filter(|path| found.get(*path) != expected.get(*path));
    differing
        .map(|path| {
            let (found, expected) = (short(found.get(path)), short(expected.get(path)));
            format!("`{path}` is {found:?}, expected {expected:?}")
        })
        .collect()
}

/// Files and links that are neither as they were nor as they shall be.
pub fn half_written(
    found: &BTreeMap<String, String>,
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Vec<String> {
    let is_other = |(path, found): &(&String, &String)| {
        let is_temporary = path.rsplit('/').next().is_some_and(|name| name.starts_with(".togusa-"));
        let is_known = [before, after].iter().any(|tree| tree.get(*path) == Some(*found));
        !is_temporary && !is_known && !found.ends_with(" directory")
    };
    let halves = found.iter().filter(is_other);
    halves.map(|(path, _)| format!("`{path}` is neither the old nor the new one")).collect()
}

/// Temporary files and marks that nobody will need any more.
pub fn remains(home: &Path) -> Vec<String> {
    let mut found = Vec::new();
    walk(home, home, &mut |path, _| {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        let is_temporary = name.starts_with(".togusa-") || name.starts_with(".new-");
        let is_kept =
            [".togusa/pending", ".togusa/running"].iter().any(|at| directory.ends_with(at));
        if is_temporary || is_kept {
            found.push(format!("`{path}` remains"));
        }
    });
    found
}

fn walk(home: &Path, directory: &Path, see: &mut dyn FnMut(&str, &Path)) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        see(path.strip_prefix(home).unwrap().to_str().unwrap(), &path);
        if fs::symlink_metadata(&path).unwrap().is_dir() {
            walk(home, &path, see);
        }
    }
}

/// What was changed and restarted on all hosts, in this order.
#[derive(Debug)]
pub struct Log(Vec<String>);

impl Log {
    pub fn read(home: &Path) -> Self {
        let text = fs::read_to_string(home.join("log")).unwrap_or_default();
        Self(text.lines().map(str::to_owned).collect())
    }

    /// How often a dependant was restarted, under any of its names.
    pub fn restarts(&self, dependant: &str, services: &[&str]) -> usize {
        let names: Vec<_> = names(dependant, services).collect();
        self.0.iter().filter(|line| names.contains(line)).count()
    }

    /// The dependants that were not restarted after the last change of their causes.
    pub fn lost(&self, services: &[&str]) -> Vec<String> {
        let lost = TRIGGERS.iter().filter_map(|(dependant, causes)| {
            let names: Vec<_> = names(dependant, services).collect();
            let is_cause = |line: &String| causes.iter().any(|cause| line.starts_with(cause));
            let changed = self.0.iter().rposition(is_cause)?;
            let restarted = self.0.iter().rposition(|line| names.contains(line));
            (restarted < Some(changed)).then(|| {
                format!("`{dependant}` was not restarted after the change of `{}`", self.0[changed])
            })
        });
        lost.collect()
    }
}

fn names(dependant: &str, services: &[&str]) -> impl Iterator<Item = String> {
    services.iter().map(|service| dependant.replace("SERVICE", service))
}
