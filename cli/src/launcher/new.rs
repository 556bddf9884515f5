//! `togusa new`: a project from nothing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::json;
use togusa::core::problem::{Problem, code};
use togusa::core::system::program;
use togusa::exit::Exit;
use togusa::failure::Failure;
use togusa::ui::{Stream, Ui, Verbosity};

use super::files::Staged;
use super::origin::Origin;
use super::template::{self, File};
use super::{failed, here, names, wrong};

/// The component that a new project has.
const COMPONENT: &str = "app";

/// Make a project that can be deployed at once
///
/// It has a component, a test of it, an environment for this machine, and what a CI needs. All of it
/// is written, or nothing.
#[derive(Debug, clap::Args)]
pub struct New {
    /// The project's directory, whose name becomes the project's; `.` for this one
    #[arg(value_name = "PROJECT")]
    pub directory: PathBuf,
    /// Where the project takes togusa from [default: what this command was installed from]
    #[arg(long, value_name = "PATH|URL|VERSION")]
    pub togusa: Option<String>,
}

impl New {
    /// Writes the project.
    ///
    /// # Errors
    /// The name is none, something is there already, or it cannot be written.
    pub fn run(&self, ui: &Ui) -> Result<Exit, Failure> {
        let here = here()?;
        let place = Place::find(&here.join(&self.directory))?;
        names::check("project", &place.name)?;
        require_outside(&place.directory)?;
        let origin = Origin::find(self.togusa.as_deref(), &here)?;
        let files = files(&place.name, &origin);
        let has_repository = place.write(&files)?;
        self.tell(&place, &origin, &files, has_repository, ui);
        Ok(Exit::Success)
    }

    fn tell(&self, place: &Place, origin: &Origin, files: &[File], git: bool, ui: &Ui) {
        let mut next = Vec::new();
        if place.directory != here().unwrap_or_default() {
            next.push(format!("cd {}", shell_word(&self.directory)));
        }
        next.extend(["plan dev", "deploy dev"].map(|words| format!("togusa {words}")));
        let paths: Vec<_> = files.iter().map(|(path, _)| path.as_str()).collect();
        if ui.choices.json {
            let object = json!({
                "project": place.name, "directory": place.directory, "files": paths, "next": next,
            });
            ui.write(Stream::Data, &format!("{object}\n"));
            return;
        }
        if !ui.shows(Verbosity::Normal) {
            return;
        }
        let mut text = String::new();
        for path in paths {
            text += &format!("+ {}\n", self.directory.join(path).display());
        }
        if git {
            let path = self.directory.join(".git");
            text += &format!("+ {}: an empty repository\n", path.display());
        }
        if let Origin::Path(path) = origin {
            text += &format!(
                "it takes togusa from `{}` on this machine; for others and for a CI, name a git URL \
                 or a version in `Cargo.toml`\n",
                path.display()
            );
        }
        text += "next; the first build takes a minute or two:\n";
        for command in next {
            text += &format!("  {command}\n");
        }
        ui.write(Stream::Data, &text);
    }
}

/// Where the project is to be.
#[derive(Debug)]
struct Place {
    directory: PathBuf,
    name: String,
    /// An empty directory is there already.
    exists: bool,
}

impl Place {
    fn find(directory: &Path) -> Result<Self, Failure> {
        let exists = match fs::read_dir(directory) {
            Ok(entries) => {
                for entry in entries {
                    let name =
                        entry.map_err(|error| failed("read", directory, &error))?.file_name();
                    // A repository that was just cloned.
                    if name != ".git" {
                        return Err(is_there(directory, "not empty"));
                    }
                }
                true
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(is_there(directory, "no directory"));
            }
            Err(error) => return Err(failed("read", directory, &error)),
        };
        let directory = if exists {
            directory.canonicalize().map_err(|error| failed("read", directory, &error))?
        } else {
            directory.components().collect()
        };
        let name = directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { directory, name, exists })
    }

    /// Writes the files; whether a repository was made around them.
    fn write(&self, files: &[File]) -> Result<bool, Failure> {
        if self.exists {
            let staged = Staged::write(&self.directory, files)?;
            let is_clone = self.directory.join(".git").exists();
            let has_repository = !is_clone && make_repository(staged.path());
            staged.move_into(&self.directory)?;
            return Ok(has_repository);
        }
        let staged = Staged::write(self.directory.parent().unwrap_or(Path::new("/")), files)?;
        let has_repository = make_repository(staged.path());
        staged.become_directory(&self.directory)?;
        Ok(has_repository)
    }
}

/// Refuses a place within a project, whose workspace or environments would be mixed up with its own.
fn require_outside(directory: &Path) -> Result<(), Failure> {
    let mut above = directory.ancestors().skip(1);
    // What is not there yet lies in no project, and what cannot be read is told when it is written to.
    let Some(place) = above.find_map(|directory| directory.canonicalize().ok()) else {
        return Ok(());
    };
    let is_project = |directory: &&Path| {
        togusa_environments::list(directory).is_ok_and(|names| !names.is_empty())
    };
    let Some(root) = place.ancestors().find(is_project) else { return Ok(()) };
    let (inner, outer) = (directory.display(), root.display());
    let message = format!("`{inner}` would lie within the project `{outer}`");
    Err(wrong(Problem::new(code::THERE_ALREADY, message).hint(
        "`togusa add component NAME` adds a component to it; a project of its own has its place \
         outside",
    )))
}

fn is_there(directory: &Path, how: &str) -> Failure {
    let problem = Problem::new(
        code::THERE_ALREADY,
        format!("`{}` is there already, and {how}", directory.display()),
    );
    let is_project = directory.join("environments").is_dir();
    wrong(problem.hint(if is_project {
        "it is a project: `togusa add component NAME` in it adds a component, `togusa add \
         environment NAME` an environment"
    } else {
        "choose another name, or an empty directory"
    }))
}

fn files(name: &str, origin: &Origin) -> Vec<File> {
    let dependency = origin.dependency();
    let source = match origin {
        Origin::Path(_) => {
            "\nIt takes togusa from a checkout on one machine: `togusa = { path = … }` in `Cargo.toml`. \
             For colleagues\nand for the CI put a git URL there, `togusa = { git = \"https://…\" }`, \
             or a version.\n"
        }
        Origin::Git(..) | Origin::Version(_) => "",
    };
    let krate = names::crate_of(name);
    let words = [
        ("project", name),
        ("crate", krate.as_str()),
        ("togusa", dependency.as_str()),
        ("source", source),
    ];
    let mut files = template::project(&words);
    files.extend(template::component(COMPONENT, &format!("{name}-{COMPONENT}")));
    files
}

/// Makes an empty repository, unless the directory lies in one; whether it did.
fn make_repository(directory: &Path) -> bool {
    let git = |arguments: &[&str]| {
        let mut git = program("git");
        git.args(arguments).current_dir(directory).stdin(Stdio::null());
        // Whoever started this may work on another repository, as a hook does.
        git.env_remove("GIT_DIR").env_remove("GIT_WORK_TREE");
        let status = git.stdout(Stdio::null()).stderr(Stdio::null()).status();
        // Without git there is no repository, and none is missed.
        status.is_ok_and(|status| status.success())
    };
    !git(&["rev-parse", "--is-inside-work-tree"]) && git(&["init", "--quiet"])
}

/// A path as a shell reads it.
fn shell_word(path: &Path) -> String {
    shell_escape::unix::escape(path.to_string_lossy()).into_owned()
}
