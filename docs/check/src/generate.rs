//! What is written by code. It is checked in, so that it can be read on a forge; a test fails when it
//! is stale, and `docs/generate` writes it anew.

mod commands;
mod components;
mod doctests;
mod errors;
mod keys;
mod schemas;
mod sections;

use std::path::PathBuf;

use anyhow::{Context as _, bail};

use crate::root;

/// A file, or a part of one, that is written by code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// Relative to the repository.
    pub path: String,
    /// The whole text of the file.
    pub text: String,
}

impl Generated {
    fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    fn file(&self) -> PathBuf {
        root().join(&self.path)
    }
}

/// The directories in which nothing else lies than what is generated.
const WHOLE: [&str; 3] =
    ["docs/src/reference/components", "docs/src/reference/errors", "docs/src/schemas"];

/// Everything that is generated.
///
/// # Errors
/// The code lacks what the pages need, such as the documentation of a method.
pub fn all() -> anyhow::Result<Vec<Generated>> {
    let mut files = components::pages()?;
    files.extend(errors::pages()?);
    files.push(commands::page());
    files.push(keys::page()?);
    files.extend(schemas::files()?);
    files.push(doctests::list()?);
    files.push(summary(&files)?);
    Ok(files)
}

/// The summary, with a line for each page that comes and goes with the code.
fn summary(files: &[Generated]) -> anyhow::Result<Generated> {
    let lines = |directory: &str| {
        let pages = files.iter().filter_map(|file| {
            let name = file.path.strip_prefix("docs/src/")?;
            name.strip_prefix(directory)?.strip_prefix('/')?;
            let title = file.text.lines().next()?.trim_start_matches("# ");
            Some(format!("  - [{title}]({name})\n"))
        });
        pages.collect::<String>()
    };
    let mut text = sections::Text::read("docs/src/SUMMARY.md")?;
    text.fill("components", &lines("reference/components"))?;
    text.fill("errors", &lines("reference/errors"))?;
    Ok(text.into())
}

/// Whether two texts say the same; how JSON is ordered is no difference.
fn same(path: &str, one: &str, other: &str) -> bool {
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    one == other
        || (path.ends_with(".json") && json(one).is_some_and(|one| json(other) == Some(one)))
}

/// What is not as the code would have it: files that differ, and files that nothing writes any more.
///
/// # Errors
/// As [`all`], or a directory cannot be read.
pub fn stale() -> anyhow::Result<Vec<String>> {
    let files = all()?;
    let mut stale = Vec::new();
    for file in &files {
        // A file that is missing, or no text, is as stale as one that differs.
        let there = std::fs::read_to_string(file.file()).ok();
        if !there.is_some_and(|there| same(&file.path, &there, &file.text)) {
            stale.push(file.path.clone());
        }
    }
    stale.extend(orphans(&files)?);
    Ok(stale)
}

/// Writes what is stale; the paths of what was written or removed.
///
/// # Errors
/// As [`stale`], or a file cannot be written.
pub fn write() -> anyhow::Result<Vec<String>> {
    let files = all()?;
    let stale = stale()?;
    for path in &stale {
        let target = root().join(path);
        match files.iter().find(|file| file.path == *path) {
            Some(file) => {
                let directory = target.parent().context("a generated file lies in a directory")?;
                std::fs::create_dir_all(directory)?;
                std::fs::write(&target, &file.text)
            }
            None => std::fs::remove_file(&target),
        }
        .with_context(|| format!("cannot write `{path}`"))?;
    }
    Ok(stale)
}

fn orphans(files: &[Generated]) -> anyhow::Result<Vec<String>> {
    let mut orphans = Vec::new();
    for directory in WHOLE {
        let entries = match root().join(directory).read_dir() {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => bail!("cannot read `{directory}`: {error}"),
        };
        for entry in entries {
            let path = format!("{directory}/{}", entry?.file_name().to_string_lossy());
            if !files.iter().any(|file| file.path == path) {
                orphans.push(path);
            }
        }
    }
    Ok(orphans)
}
