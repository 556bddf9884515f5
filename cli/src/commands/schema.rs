use std::path::PathBuf;

use togusa_core::problem::{Problem, code};
use togusa_core::registry::Registry;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::ui::{Stream, Ui, Verbosity};

/// The schema of events is the same for every project.
const EVENTS: &str = include_str!("../../schemas/events.json");

/// Print a JSON Schema, by which editors complete and check what you write
///
/// `schema environment` knows the components of this project with their attributes. Let the first line
/// of an `environment.toml` be `#:schema ../../environment.schema.json` and write the file with
/// `--out environment.schema.json`; write it anew when attributes change.
#[derive(Debug, clap::Args)]
pub struct Schema {
    /// What to describe
    #[arg(value_name = "WHAT")]
    pub of: SchemaOf,
    /// Write it to this file
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// What a schema describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SchemaOf {
    /// `environment.toml`, with the attributes of this project's components
    Environment,
    /// What `--json` writes, one event per line
    Events,
}

impl Schema {
    /// Prints the schema, or writes it to a file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn run(&self, registry: &Registry, ui: &Ui) -> Result<Exit, Failure> {
        let text = match self.of {
            SchemaOf::Environment => {
                format!("{:#}\n", togusa_environments::schema::environment(Some(registry)))
            }
            SchemaOf::Events => EVENTS.to_owned(),
        };
        let Some(file) = &self.out else {
            ui.write(Stream::Data, &text);
            return Ok(Exit::Success);
        };
        let shown = file.display();
        std::fs::write(file, text).map_err(|error| {
            let problem =
                Problem::new(code::OUTPUT_LOST, format!("cannot write `{shown}`: {error}"));
            Failure::wrong_use([problem.hint("`--out` takes a file in a directory that is there")])
        })?;
        if ui.shows(Verbosity::Normal) {
            ui.write(Stream::Notes, &format!("wrote `{shown}`\n"));
        }
        Ok(Exit::Success)
    }
}

#[cfg(test)]
mod tests {
    use togusa_core::prelude::*;

    use super::*;
    use crate::ui::{Choices, Paint, testing};

    #[derive(Debug, Attributes)]
    struct App {
        #[expect(dead_code, reason = "described, and never read")]
        port: u16,
    }

    impl Component for App {}

    fn print(of: SchemaOf) -> serde_json::Value {
        let (ui, data, _) = testing::recorded(Choices::default());
        Schema { of, out: None }.run(&Registry::new().with::<App>("app"), &ui).unwrap();
        serde_json::from_str(&data.text()).unwrap()
    }

    #[test]
    fn the_environment_is_described_with_the_components_of_the_project() {
        let schema = print(SchemaOf::Environment);
        let app = &schema["properties"]["components"]["properties"]["app"];
        assert_eq!(app["properties"]["port"]["maximum"], 65535);
    }

    #[test]
    fn events_are_described_for_every_project_alike() {
        assert!(print(SchemaOf::Events).to_string().contains("component-changed"));
    }

    #[test]
    fn the_schema_is_written_to_a_file_or_it_is_said_why_not() {
        let here = tempfile::tempdir().unwrap();
        let file = here.path().join("environment.schema.json");
        let (ui, data, notes) = testing::recorded(Choices::default());
        let schema = Schema { of: SchemaOf::Environment, out: Some(file.clone()) };
        schema.run(&Registry::new(), &ui).unwrap();
        assert_eq!(
            (data.text(), notes.text()),
            (String::new(), format!("wrote `{}`\n", file.display()))
        );
        assert!(std::fs::read_to_string(file).unwrap().ends_with("}\n"));

        let lost = Schema { of: SchemaOf::Events, out: Some("/dev/null/events.json".into()) };
        let failure = lost.run(&Registry::new(), &ui).unwrap_err();
        insta::assert_snapshot!(failure.render(Paint(false)), @r"
        error[T0012]: cannot write `/dev/null/events.json`: Not a directory (os error 20)
          hint: `--out` takes a file in a directory that is there
        ");
    }
}
