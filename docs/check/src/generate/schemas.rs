//! The JSON Schemas: of environments, without the components of a project, and of events.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};
use togusa_core::event::Event;
use togusa_core::problem::Problem;

use super::Generated;

const DIRECTORY: &str = "docs/src/schemas";

/// The one that `schema events` prints.
const PRINTED: &str = "cli/schemas/events.json";

/// The files.
pub(super) fn files() -> anyhow::Result<Vec<Generated>> {
    let text = |schema: Value| format!("{schema:#}\n");
    let events = text(events()?);
    Ok(vec![
        Generated::new(
            format!("{DIRECTORY}/environment.json"),
            text(togusa_environments::schema::environment(None)),
        ),
        Generated::new(format!("{DIRECTORY}/events.json"), events.clone()),
        Generated::new(PRINTED, events),
    ])
}

/// One line of `--json`: an event, or the failure that comes instead of events.
fn events() -> anyhow::Result<Value> {
    let mut generator = SchemaSettings::draft07().for_serialize().into_generator();
    // A failure names problems as well; they are described once.
    generator.subschema_for::<Problem>();
    let mut schema = serde_json::to_value(generator.into_root_schema_for::<Event>())?;
    let kinds = schema["oneOf"].as_array_mut();
    kinds.ok_or_else(|| anyhow::anyhow!("events are not described one by one"))?.push(failure());
    schema["title"] = "togusa event".into();
    schema["description"] =
        "A line that `deploy`, `plan` and `verify` write with `--json`. Later versions may add kinds \
         and fields."
            .into();
    Ok(schema)
}

fn failure() -> Value {
    json!({
        "description": "Nothing was run, because the command line, the environment or the model is \
                        wrong; the only line then.",
        "type": "object",
        "properties": {
            "event": { "type": "string", "const": "failure" },
            "exit": { "description": "The exit code.", "type": "integer", "minimum": 1 },
            "problems": {
                "description": "What is wrong.",
                "type": "array",
                "items": { "$ref": "#/definitions/Problem" },
            },
            "follow_ups": {
                "description": "How many more follow from these and are not shown.",
                "type": "integer",
                "minimum": 0,
            },
        },
        "required": ["event", "exit", "problems", "follow_ups"],
    })
}
