use serde_json::json;

use togusa_core::problem::{Problem, code};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::ui::Stream;

/// List the environments of the project
#[derive(Debug, clap::Args)]
pub struct Environments {}

impl Environments {
    /// Prints the names, one per line.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let names = togusa_environments::list(&session.root).map_err(|error| {
            Failure::wrong_use([Problem::new(
                code::ENVIRONMENT_UNREADABLE,
                format!("cannot list the environments: {error}"),
            )])
        })?;
        let ui = &session.ui;
        if ui.choices.json {
            ui.write(Stream::Data, &format!("{}\n", json!(names)));
        } else {
            names.iter().for_each(|name| ui.write(Stream::Data, &format!("{name}\n")));
        }
        Ok(Exit::Success)
    }
}
