//! The running program: what it was built from.

use std::path::{Path, PathBuf};

use togusa_core::problem::Problem;

use super::sources::{self, Sources};
use super::{dep_info, trailer, unreadable};

/// The running program, and how it is known what it was built from.
#[derive(Debug)]
pub struct Program {
    /// Its file.
    pub path: PathBuf,
    /// The name of its file, which is the name of its target in cargo's manifest.
    pub name: String,
    /// What it was built from.
    pub origin: Origin,
}

/// How it is known what a program was built from.
#[derive(Debug)]
pub enum Origin {
    /// It was prepared: its last line is its build id.
    Prepared(String),
    /// Cargo built it from these files.
    Cargo(Vec<PathBuf>),
}

impl Program {
    /// Looks at the file of the running program.
    ///
    /// # Errors
    /// The file cannot be read, or nothing says what it was built from.
    pub fn of(path: &Path) -> Result<Self, Problem> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let failed = |error| unreadable(path, &error);
        let origin = match trailer::build_of_file(path).map_err(failed)? {
            Some(build) => Origin::Prepared(build),
            None => {
                Origin::Cargo(dep_info::of_program(path).map_err(failed)?.ok_or_else(|| {
                    let message = format!("cannot tell what `{}` was built from", path.display());
                    let mut problem = Problem::new(message);
                    problem
                        .causes
                        .push("it carries no build id, and lies beside no list of cargo's".into());
                    problem.hint(
                        "start it with `cargo run`, or use a binary that `build --out DIR` wrote",
                    )
                })?)
            }
        };
        Ok(Self { path: path.to_owned(), name, origin })
    }

    /// Refuses a program whose sources were changed since it was built.
    ///
    /// # Errors
    /// A source is newer than the program, or is gone.
    pub fn require_current(&self, root: &Path) -> Result<(), Problem> {
        let Origin::Cargo(files) = &self.origin else { return Ok(()) };
        let metadata =
            |file: &Path| std::fs::metadata(file).map_err(|error| unreadable(file, &error));
        let built = sources::modified(&metadata(&self.path)?);
        for file in files {
            let newer = match std::fs::metadata(file) {
                Ok(found) => found.is_file() && sources::modified(&found) > built,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
                Err(error) => return Err(unreadable(file, &error)),
            };
            if newer {
                let file = file.strip_prefix(root).unwrap_or(file).display();
                let problem = Problem::new(format!("this program is older than `{file}`"));
                return Err(problem.hint("build it again; `cargo run -- …` does"));
            }
        }
        Ok(())
    }

    /// The build id.
    ///
    /// # Errors
    /// A source cannot be read.
    pub fn build_id(&self) -> Result<String, Problem> {
        match &self.origin {
            Origin::Prepared(build) => Ok(build.clone()),
            Origin::Cargo(files) => Sources::of(files)?.build_id(),
        }
    }

    /// The sources that cargo listed; none for a prepared program.
    pub fn sources(&self) -> &[PathBuf] {
        match &self.origin {
            Origin::Prepared(_) => &[],
            Origin::Cargo(files) => files,
        }
    }

    /// Cargo's target directory, if the program lies in one.
    pub fn target_directory(&self) -> Option<PathBuf> {
        let marked = |directory: &&Path| directory.join("CACHEDIR.TAG").is_file();
        let nearest = self.path.ancestors().skip(1).find(marked)?;
        // The directory of a target lies inside and is marked too.
        nearest.ancestors().take_while(marked).last().map(Path::to_owned)
    }
}
