//! `togusa add`: more of a project.

mod component;
mod environment;

use std::path::Path;

use serde_json::json;
use togusa::core::problem::{Problem, code};
use togusa::exit::Exit;
use togusa::failure::Failure;
use togusa::ui::{Stream, Ui, Verbosity};

use component::Component;
use environment::Environment;

use super::{failed, wrong};

/// Add a component or an environment to the project
///
/// Nothing is overwritten, and what is changed is listed.
#[derive(Debug, clap::Args)]
pub struct Add {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Component(Component),
    Environment(Environment),
}

impl Add {
    /// Adds it to the project at `root`.
    ///
    /// # Errors
    /// It is there already, or cannot be written.
    pub fn run(&self, root: &Path, ui: &Ui) -> Result<Exit, Failure> {
        match &self.what {
            What::Component(component) => component.run(root, ui)?,
            What::Environment(environment) => environment.run(root, ui)?,
        }
        Ok(Exit::Success)
    }
}

/// Refuses to write where something is.
fn require_absent(root: &Path, path: &str) -> Result<(), Failure> {
    match root.join(path).symlink_metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed("look at", Path::new(path), &error)),
        Ok(_) => {
            let problem = Problem::new(code::THERE_ALREADY, format!("`{path}` is there already"));
            Err(wrong(problem.hint("choose another name; nothing is overwritten")))
        }
    }
}

/// What was done, to be told.
#[derive(Debug, Default)]
struct Done {
    /// The files that are new.
    files: Vec<String>,
    /// The files that were changed, and how.
    changed: Vec<(String, String)>,
    /// What is left to do.
    next: Vec<String>,
}

impl Done {
    fn tell(&self, ui: &Ui) {
        if ui.choices.json {
            let changed: Vec<_> = self.changed.iter().map(|(path, _)| path).collect();
            let object = json!({ "files": self.files, "changed": changed, "next": self.next });
            ui.write(Stream::Data, &format!("{object}\n"));
        } else if ui.shows(Verbosity::Normal) {
            let files = self.files.iter().map(|path| format!("+ {path}\n"));
            let changed = self.changed.iter().map(|(path, how)| format!("~ {path}: {how}\n"));
            let next = self.next.iter().map(|line| format!("next: {line}\n"));
            ui.write(Stream::Data, &files.chain(changed).chain(next).collect::<String>());
        }
    }
}
