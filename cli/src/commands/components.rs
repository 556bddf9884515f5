use std::fmt::Write as _;

use serde_json::json;
use togusa_core::names::{RootName, nearest};
use togusa_core::problem::{Problem, code};
use togusa_core::registry::{ComponentType, Registry};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::ui::{Stream, Ui};

/// List components with their attributes, types and defaults
#[derive(Debug, clap::Args)]
pub struct Components {
    /// Show this component alone
    pub name: Option<String>,
}

impl Components {
    /// Prints what the registry knows.
    ///
    /// # Errors
    /// There is no component of that name.
    pub fn run(&self, registry: &Registry, ui: &Ui) -> Result<Exit, Failure> {
        let known: Vec<_> = registry.iter().map(|(name, _)| name.as_str()).collect();
        if let Some(name) = self.name.as_deref().filter(|name| !known.contains(name)) {
            let problem =
                Problem::new(code::UNKNOWN_COMPONENT, format!("there is no component `{name}`"));
            let near = nearest(name, known.iter().copied());
            let hint = near.map_or_else(
                || format!("there are `{}`", known.join("`, `")),
                |near| format!("did you mean `{near}`?"),
            );
            return Err(Failure::wrong_use([problem.hint(hint)]));
        }
        let shown = registry
            .iter()
            .filter(|(name, _)| self.name.as_deref().is_none_or(|wanted| wanted == name.as_str()));
        if ui.choices.json {
            let list: Vec<_> = shown.map(|(name, component)| object(name, component)).collect();
            ui.write(Stream::Data, &format!("{}\n", json!(list)));
        } else {
            for (name, component) in shown {
                ui.write(Stream::Data, &text(name, component));
            }
        }
        Ok(Exit::Success)
    }
}

fn object(name: &RootName, component: &ComponentType) -> serde_json::Value {
    json!({
        "name": name,
        "type": component.type_name(),
        "features": component.features(),
        "default_features": component.default_features(),
        "attributes": component.schema(),
    })
}

fn text(name: &RootName, component: &ComponentType) -> String {
    let mut text = format!("{name} ({})\n", component.type_name());
    if !component.features().is_empty() {
        let default = component.default_features();
        let features = component.features().iter().map(|feature| {
            let mark = if default.contains(feature) { " (default)" } else { "" };
            format!("{feature}{mark}")
        });
        let _ = writeln!(text, "  features: {}", features.collect::<Vec<_>>().join(", "));
    }
    for attribute in component.schema() {
        let default = match &attribute.default {
            Some(default) => format!(" = {default}"),
            None => ", required".to_owned(),
        };
        let _ = writeln!(text, "  {}: {}{default}", attribute.name, attribute.type_name);
        for line in attribute.doc.lines() {
            let _ = writeln!(text, "      {}", line.trim());
        }
    }
    text
}
