//! `togusa add`: more of a project.

mod component;
mod environment;

use std::fs::File;
use std::io;
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
        // Of two at once, the second must see what the first has changed.
        let _lock = lock(root).map_err(|error| failed("lock", root, &error))?;
        match &self.what {
            What::Component(component) => component.run(root, ui)?,
            What::Environment(environment) => environment.run(root, ui)?,
        }
        Ok(Exit::Success)
    }
}

fn lock(root: &Path) -> io::Result<File> {
    let directory = File::open(root)?;
    directory.lock()?;
    Ok(directory)
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

/// What was added, to be told.
struct Added {
    what: &'static str,
    name: String,
    files: Vec<String>,
    /// The files that were changed, each with how.
    changed: Vec<(&'static str, String)>,
    /// What is left to do.
    next: Vec<String>,
}

impl Added {
    fn new<'a>(what: &'static str, name: &str, files: impl IntoIterator<Item = &'a str>) -> Self {
        let files = files.into_iter().map(str::to_owned).collect();
        Self { what, name: name.to_owned(), files, changed: Vec::new(), next: Vec::new() }
    }

    fn change(&mut self, file: &'static str, how: String) {
        self.changed.push((file, how));
    }

    fn tell(&self, ui: &Ui) {
        let Self { what, name, files, changed, next } = self;
        if ui.choices.json {
            let changed: Vec<_> = changed.iter().map(|(file, _)| file).collect();
            let object = json!({ *what: name, "files": files, "changed": changed, "next": next });
            ui.write(Stream::Data, &format!("{object}\n"));
        } else if ui.shows(Verbosity::Normal) {
            let files = files.iter().map(|file| format!("+ {file}\n"));
            let changed = changed.iter().map(|(file, how)| format!("~ {file}: {how}\n"));
            let next = next.iter().map(|line| format!("next: {line}\n"));
            ui.write(Stream::Data, &files.chain(changed).chain(next).collect::<String>());
        }
    }
}
