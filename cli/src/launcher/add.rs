//! `togusa add`: more of a project.

mod component;
mod environment;

use std::fs::File;
use std::io;
use std::path::Path;

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

/// Tells what was written and what comes next.
fn tell(ui: &Ui, lines: &[String]) {
    if ui.shows(Verbosity::Normal) {
        ui.write(Stream::Data, &(lines.join("\n") + "\n"));
    }
}
