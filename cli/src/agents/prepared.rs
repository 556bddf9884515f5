//! Binaries that `togusa build --out DIR` wrote, for machines without cargo.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use togusa_core::digest::Digest;
use togusa_core::problem::{Problem, code};

use super::binary::AgentBinary;
use super::files::write;
use super::{targets, unreadable, unwritable};

const LIST: &str = "agents.json";

/// A directory of prepared binaries.
#[derive(Debug)]
pub struct Prepared {
    directory: PathBuf,
    list: List,
}

/// What `agents.json` says.
#[derive(Debug, Serialize, Deserialize)]
struct List {
    program: String,
    build: String,
    agents: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    target: String,
    /// The name of the program's file; the agent's, which is compressed, has `.gz` behind it.
    file: String,
    size: u64,
    digest: String,
    compressed_digest: String,
}

impl Prepared {
    /// Reads what was prepared.
    ///
    /// # Errors
    /// The directory has no list, or it cannot be read.
    pub fn read(directory: &Path) -> Result<Self, Problem> {
        let path = directory.join(LIST);
        let failed = |error: &dyn std::fmt::Display| {
            unreadable(&path, error)
                .hint("`build --out DIR` writes the binaries and this list of them")
        };
        let text = std::fs::read(&path).map_err(|error| failed(&error))?;
        let list = serde_json::from_slice(&text).map_err(|error| failed(&error))?;
        Ok(Self { directory: directory.to_owned(), list })
    }

    /// Refuses binaries that were built from other sources than the running program.
    ///
    /// # Errors
    /// They were; both are named.
    pub fn require_build(&self, build: &str) -> Result<(), Problem> {
        if self.list.build == build {
            return Ok(());
        }
        let directory = self.directory.display();
        let message = format!(
            "the binaries in `{directory}` are build {}, this program is build {}",
            short(&self.list.build),
            short(build)
        );
        let [default, other] = targets::defaults();
        let is_default = |entry: &&Entry| entry.target == default || entry.target == other;
        let hint = match self.list.agents.iter().find(is_default) {
            Some(entry) => format!(
                "start the `{}` that lies beside them, or prepare them again with `build --out {directory}`",
                entry.file
            ),
            None => format!("prepare them again with `build --out {directory}`"),
        };
        Err(Problem::new(code::PREPARED_DIFFER, message).hint(hint))
    }

    /// The binary for a target, or for this machine's architecture.
    ///
    /// # Errors
    /// There is none, or it is not the one that was prepared.
    pub fn get(&self, target: Option<&str>) -> Result<Arc<AgentBinary>, Problem> {
        let entry = match target {
            Some(target) => self.entry(target),
            None => targets::defaults().iter().find_map(|target| self.entry(target)),
        };
        let entry = entry.ok_or_else(|| self.missing(target))?;
        let path = self.directory.join(compressed_name(&entry.file));
        let compressed = std::fs::read(&path).map_err(|error| unreadable(&path, &error))?;
        if Digest::of(&compressed).to_string() != entry.compressed_digest {
            let message = format!("`{}` is not the file that was prepared", path.display());
            let directory = self.directory.display();
            let hint = format!("prepare it again with `build --out {directory}`");
            return Err(Problem::new(code::PREPARED_DIFFER, message).hint(hint));
        }
        Ok(Arc::new(AgentBinary {
            digest: entry.digest.clone(),
            target: entry.target.clone(),
            size: entry.size,
            compressed,
            build: self.list.build.clone(),
        }))
    }

    /// The targets that there are binaries for.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        self.list.agents.iter().map(|entry| entry.target.as_str())
    }

    /// The file of the program for the same target.
    pub fn path_of(&self, target: &str) -> Option<PathBuf> {
        self.entry(target).map(|entry| self.directory.join(&entry.file))
    }

    fn entry(&self, target: &str) -> Option<&Entry> {
        self.list.agents.iter().find(|entry| entry.target == target)
    }

    fn missing(&self, target: Option<&str>) -> Problem {
        let [default, _] = targets::defaults();
        let target = target.unwrap_or(&default);
        let directory = self.directory.display();
        let known: Vec<_> = self.targets().map(|target| format!("`{target}`")).collect();
        let message = format!("`{directory}` has no binary for `{target}`");
        Problem::new(code::PREPARED_MISSING, message).hint(format!(
            "it has {}; `build --target {target} --out DIR` prepares one",
            if known.is_empty() { "none".to_owned() } else { known.join(", ") }
        ))
    }
}

/// Writes binaries of one build, each beside the whole program for its target, and the list of them;
/// the files of the programs.
///
/// # Errors
/// The directory cannot be written.
pub fn prepare(
    directory: &Path,
    program: &str,
    binaries: &[(Arc<AgentBinary>, Vec<u8>)],
) -> Result<Vec<PathBuf>, Problem> {
    std::fs::create_dir_all(directory).map_err(|error| unwritable(directory, &error))?;
    let mut list = List { program: program.to_owned(), build: String::new(), agents: Vec::new() };
    let mut written = Vec::new();
    for (binary, whole) in binaries {
        let file = format!("{program}-{}", binary.target);
        let path = directory.join(&file);
        write(&path, whole, 0o755)?;
        write(&directory.join(compressed_name(&file)), &binary.compressed, 0o644)?;
        list.build.clone_from(&binary.build);
        list.agents.push(Entry {
            target: binary.target.clone(),
            file,
            size: binary.size,
            digest: binary.digest.clone(),
            compressed_digest: Digest::of(&binary.compressed).to_string(),
        });
        written.push(path);
    }
    let path = directory.join(LIST);
    let text = serde_json::to_string_pretty(&list).map_err(|error| unwritable(&path, &error))?;
    write(&path, (text + "\n").as_bytes(), 0o644)?;
    Ok(written)
}

fn compressed_name(file: &str) -> String {
    format!("{file}.gz")
}

/// The first digits of a digest: enough to tell two apart in a message.
pub fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}
