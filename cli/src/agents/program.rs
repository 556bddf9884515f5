//! The running program: what it was built from.

use std::io;
use std::path::{Path, PathBuf};

use togusa_core::problem::{Problem, code};

use super::cache::Cache;
use super::sources::{self, Sources};
use super::{dep_info, trailer, unreadable};

/// The running program, and how it is known what it was built from.
#[derive(Debug)]
pub struct Program {
    /// Its file.
    pub path: PathBuf,
    /// The name of its file, which is the name of its target in cargo's manifest.
    pub name: String,
    /// The sources that cargo listed beside it. Cargo writes the list when it is asked to build the
    /// program, but not when it does so for tests: it may be missing, or older than the program.
    pub listed: Vec<PathBuf>,
    /// How it is known what it was built from.
    pub origin: Origin,
}

/// How it is known what a program was built from.
#[derive(Debug)]
pub enum Origin {
    /// It was prepared: its last line is its build id.
    Prepared(String),
    /// Cargo built it into this target directory.
    Cargo(PathBuf),
}

impl Program {
    /// Looks at the file of the running program.
    ///
    /// # Errors
    /// The file cannot be read, or nothing says what it was built from.
    pub fn of(path: &Path) -> Result<Self, Problem> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let failed = |error| unreadable(path, &error);
        let listed = dep_info::of_program(path).map_err(failed)?.unwrap_or_default();
        let prepared = trailer::build_of_file(path).map_err(failed)?.map(Origin::Prepared);
        let origin = prepared.or_else(|| target_directory(path).map(Origin::Cargo));
        let origin = origin.ok_or_else(|| unknown(path))?;
        Ok(Self { path: path.to_owned(), name, listed, origin })
    }

    /// Refuses a program that is older than one of its sources.
    ///
    /// # Errors
    /// It is; the source is named.
    pub fn require_current(&self, sources: &[PathBuf], root: &Path) -> Result<(), Problem> {
        if matches!(self.origin, Origin::Prepared(_)) {
            return Ok(());
        }
        let built =
            std::fs::metadata(&self.path).map_err(|error| unreadable(&self.path, &error))?;
        let built = sources::modified(&built);
        for file in sources {
            let newer = match std::fs::metadata(file) {
                Ok(found) => found.is_file() && sources::modified(&found) > built,
                // The list may be older than the program.
                Err(error) if error.kind() == io::ErrorKind::NotFound => false,
                Err(error) => return Err(unreadable(file, &error)),
            };
            if newer {
                let file = file.strip_prefix(root).unwrap_or(file).display();
                let problem = Problem::new(
                    code::PROGRAM_OUTDATED,
                    format!("this program is older than `{file}`"),
                );
                return Err(problem.hint("build it again; `cargo run -- …` does"));
            }
        }
        Ok(())
    }

    /// The build id, known without a look into cargo's workspace.
    ///
    /// # Errors
    /// The program is older than one of its sources, or nothing lists them.
    pub fn build_id(&self, root: &Path) -> Result<String, Problem> {
        let directory = match &self.origin {
            Origin::Prepared(build) => return Ok(build.clone()),
            Origin::Cargo(directory) => directory,
        };
        let listed = Cache::new(directory, &self.name).listed();
        let listed = listed.unwrap_or_else(|| self.listed.clone());
        if listed.is_empty() {
            return Err(unknown(&self.path));
        }
        self.require_current(&listed, root)?;
        Sources::of(&listed)?.build_id()
    }
}

/// Cargo's target directory, if a program lies in one.
fn target_directory(program: &Path) -> Option<PathBuf> {
    let marked = |directory: &&Path| directory.join("CACHEDIR.TAG").is_file();
    let nearest = program.ancestors().skip(1).find(marked)?;
    // The directory of a target lies inside and is marked too.
    nearest.ancestors().take_while(marked).last().map(Path::to_owned)
}

fn unknown(program: &Path) -> Problem {
    let mut problem = Problem::new(
        code::PROGRAM_ORIGIN,
        format!("cannot tell what `{}` was built from", program.display()),
    );
    problem.causes.push("it carries no build id, and lies where cargo did not put it".into());
    problem.hint("start it with `cargo run`, or use a binary that `build --out DIR` wrote")
}
