//! The order of what a deployment asks of the system: fsync before rename, mark before update.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use tempfile::tempdir;

use super::deployment::{Deployment, Ended, command};

const CALLS: &str = "fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,symlink,\
                     symlinkat,write";

/// A system call that succeeded, from the line in the trace where it began to that where it ended.
#[derive(Debug)]
struct Call {
    name: String,
    arguments: String,
    began: usize,
    ended: usize,
}

impl Call {
    /// The path of the file that it was given as a number.
    fn file(&self) -> &str {
        let path = self.arguments.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
        path.map_or("", |(path, _)| path)
    }

    /// The paths that it was given as text; a relative one counts from the directory before it.
    fn paths(&self) -> Vec<String> {
        let parts: Vec<_> = self.arguments.split('"').collect();
        let pairs = parts.chunks_exact(2).map(|pair| (pair[0], pair[1]));
        let paths = pairs.map(|(before, path)| {
            let directory = before.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>'));
            match directory {
                Some((directory, _)) if !path.starts_with('/') => format!("{directory}/{path}"),
                _ => path.to_owned(),
            }
        });
        paths.collect()
    }

    fn syncs(&self, path: &str) -> bool {
        self.name.ends_with("sync") && self.file() == path
    }
}

fn parse(trace: &str) -> Vec<Call> {
    let mut calls = Vec::new();
    let mut unfinished = HashMap::new();
    for (number, line) in trace.lines().enumerate() {
        let Some((process, text)) = line.split_once(' ') else { continue };
        let text = text.trim_start();
        let (began, text) = match text.strip_suffix("<unfinished ...>") {
            Some(begin) => {
                unfinished.insert(process, (number, begin));
                continue;
            }
            None => match text.strip_prefix("<... ").and_then(|text| text.split_once("resumed>")) {
                Some((_, end)) => {
                    let (began, begin) = unfinished.remove(process).unwrap();
                    (began, format!("{begin}{end}"))
                }
                None => (number, text.to_owned()),
            },
        };
        let parts = text.split_once('(').zip(text.rsplit_once(" = "));
        let Some(((name, _), (call, result))) = parts else { continue };
        if !result.starts_with('-') {
            let arguments = call[name.len()..].to_owned();
            calls.push(Call { name: name.to_owned(), arguments, began, ended: number });
        }
    }
    calls
}

fn trace(home: &Path) -> Vec<Call> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut strace = command("strace");
    strace.args(["-f", "-y", "-s", "1000", "-e", &format!("trace={CALLS}"), "-o"]).arg(file.path());
    if let Err(error) = command("strace").arg("-V").output() {
        panic!("cannot run `strace`: {error}; install it with `apt-get install strace`");
    }
    Ended::of(Deployment::all(home, "v1", "old").below(strace)).assert_success();
    parse(&std::fs::read_to_string(file.path()).unwrap())
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').unwrap().0
}

/// Renames into place, but those of records that need not reach the disk.
fn renames(calls: &[Call]) -> impl Iterator<Item = (&Call, String, String)> {
    calls.iter().filter(|call| call.name.starts_with("rename")).filter_map(|call| {
        let mut paths = call.paths().into_iter();
        let (from, to) = paths.next().zip(paths.next())?;
        (!to.contains("/.togusa/running/")).then_some((call, from, to))
    })
}

#[test]
fn each_file_is_on_the_disk_before_it_is_renamed_and_its_name_after_it() {
    let home = tempdir().unwrap();
    let calls = trace(home.path());
    let links = calls.iter().filter(|call| call.name.starts_with("symlink"));
    let links: BTreeSet<_> = links.map(|call| call.paths()[1].clone()).collect();
    assert_eq!(links.len(), 2);
    let mut files = 0;
    for (rename, from, to) in renames(&calls) {
        let synced = |call: &&Call| call.syncs(&from) && call.ended < rename.began;
        let written = |call: &&Call| call.name == "write" && call.file() == from;
        if !links.contains(&from) {
            let synced = calls.iter().rfind(synced);
            let synced = synced.unwrap_or_else(|| panic!("`{to}` was renamed without fsync"));
            let last = calls.iter().rfind(written).unwrap();
            assert!(last.ended < synced.began, "`{to}` was written to after fsync");
            files += 1;
        }
        let name = |call: &Call| call.syncs(parent(&to)) && call.began > rename.ended;
        assert!(calls.iter().any(name), "the name `{to}` did not reach the disk");
    }
    assert!(files >= 35, "only {files} files");
}

/// Causes, in the state of the agent and below the home: a composite, a link of a chain, files.
const CAUSES: &[(&str, &str)] = &[
    ("Database > Config", "one/work/database/config/"),
    ("Database > Pool(\"pool\") > Text(\"pool/size\")", "one/work/database/pool/size"),
    ("App > Text(\"source\")", "two/work/app/source"),
    ("App > Build", "two/work/app/built"),
    ("Front > Text(\"page\")", "three/work/front/page"),
];

/// Where a text stands in a JSON text, as the trace shows it.
fn shown(text: &str) -> String {
    let json = serde_json::to_string(text).unwrap();
    json.replace('\\', "\\\\").replace('"', "\\\"")
}

#[test]
fn marks_are_on_the_disk_before_what_they_stand_for_is_changed() {
    let home = tempdir().unwrap();
    let root = home.path().to_str().unwrap();
    let calls = trace(home.path());
    for (cause, target) in CAUSES {
        let cause = format!("\\\"cause\\\":{}", shown(cause));
        let target = format!("{root}/{target}");
        let change = renames(&calls).find(|(_, _, to)| to.starts_with(&target)).unwrap().0;
        let is_mark = |call: &&Call| {
            call.file().contains("/.togusa/pending/.new-") && call.arguments.contains(&cause)
        };
        let marks: Vec<_> = calls.iter().filter(is_mark).map(Call::file).collect();
        assert!(!marks.is_empty(), "nothing was marked for {cause}");
        for mark in marks {
            let (renamed, _, path) = renames(&calls).find(|(_, from, _)| *from == mark).unwrap();
            let synced = calls.iter().find(|call| {
                call.syncs(parent(&path)) && call.began > renamed.ended && call.ended < change.began
            });
            assert!(synced.is_some(), "`{target}` was changed before its mark was on the disk");
            let removed = |call: &&Call| call.name.starts_with("unlink") && call.paths()[0] == path;
            let removed = calls.iter().find(removed).expect("a mark is removed at last");
            assert!(removed.began > change.ended, "the mark of `{target}` was removed too early");
        }
    }
}

#[test]
fn a_mark_is_removed_after_the_restart_that_it_stands_for() {
    let home = tempdir().unwrap();
    let calls = trace(home.path());
    let dependant = format!("\\\"dependant\\\":{}", shown("Database > Service(\"old\")"));
    let mark = calls.iter().find(|call| call.arguments.contains(&dependant)).unwrap().file();
    let (_, _, path) = renames(&calls).find(|(_, from, _)| *from == mark).unwrap();
    let restart =
        |call: &&Call| call.name == "write" && call.arguments.contains("database@one/old");
    let restart = calls.iter().find(restart).unwrap();
    let removed = |call: &&Call| call.name.starts_with("unlink") && call.paths()[0] == path;
    assert!(calls.iter().find(removed).unwrap().began > restart.ended);
}

#[test]
fn the_directories_of_marks_and_counts_are_on_the_disk_before_anything_is_changed() {
    let home = tempdir().unwrap();
    let calls = trace(home.path());
    let is_state = |path: &str| path.ends_with("/.togusa") || path.contains("/.togusa/");
    let made = calls.iter().filter(|call| call.name.starts_with("mkdir"));
    let made = made.map(|call| (call, call.paths()[0].clone()));
    let made = made.filter(|(_, path)| is_state(path) && !path.ends_with("/running"));
    let made: Vec<_> = made.collect();
    assert!(made.len() >= 12, "{made:?}");
    for (call, path) in made {
        let host = path.split("/.togusa").next().unwrap();
        let change = renames(&calls).find(|(rename, _, to)| {
            rename.began > call.ended && to.starts_with(host) && !is_state(to)
        });
        let before = change.map_or(usize::MAX, |(change, _, _)| change.began);
        let synced = calls.iter().find(|synced| {
            synced.syncs(parent(&path)) && synced.began > call.ended && synced.ended < before
        });
        assert!(synced.is_some(), "`{path}` was not on the disk before something was changed");
    }
}
