//! The attributes of a root, and where each value comes from.

use serde::Serialize;
use togusa_core::environment::Host;
use togusa_core::model::Model;
use togusa_core::names::RootId;
use togusa_core::value::{Table, Value, ValueKind};
use togusa_environments::{Layer, Layers};

use crate::session::Session;

/// An attribute, or a part of one that is a table.
#[derive(Debug, Serialize)]
pub(super) struct Attribute {
    pub(super) name: String,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) type_name: Option<String>,
    pub(super) value: serde_json::Value,
    pub(super) from: From,
    /// What this value is laid over, the next one first.
    pub(super) over: Vec<Over>,
}

/// A value that another one is laid over.
#[derive(Debug, Serialize)]
pub(super) struct Over {
    pub(super) value: serde_json::Value,
    pub(super) from: From,
}

/// Where a value comes from.
#[derive(Debug, Serialize)]
#[serde(tag = "level", rename_all = "lowercase")]
pub(super) enum From {
    /// The component's source.
    Default,
    /// What an environment says for all hosts.
    Environment(Place),
    /// What it says for the host.
    Host(Place),
}

/// A place in a file of an environment.
#[derive(Debug, Serialize)]
pub(super) struct Place {
    pub(super) environment: String,
    /// Whether it is one that the environment extends.
    pub(super) base: bool,
    pub(super) secret: bool,
    pub(super) file: String,
    pub(super) line: u32,
}

/// All attributes of a root, in the order of the component's fields.
pub(super) fn attributes(
    session: &Session,
    model: &Model,
    host: &Host,
    id: &RootId,
    layers: &Layers,
) -> Vec<Attribute> {
    let Some(root) = host.roots.iter().find(|root| root.name == id.root) else { return Vec::new() };
    let schema = session.registry.get(id.root.as_str()).map(|component| component.schema());
    let mut attributes = Vec::new();
    for described in schema.iter().flatten() {
        let Some(value) = root.attributes.get(described.name) else {
            attributes.push(Attribute {
                name: described.name.to_owned(),
                type_name: Some(described.type_name.clone()),
                value: written(described.default.as_deref()),
                from: From::Default,
                over: Vec::new(),
            });
            continue;
        };
        let mut of = Of { model, id, layers, attributes: &mut attributes };
        let default = described.default.as_deref();
        of.add(&[described.name], value, Some(&described.type_name), default);
    }
    attributes
}

struct Of<'a> {
    model: &'a Model,
    id: &'a RootId,
    layers: &'a Layers,
    attributes: &'a mut Vec<Attribute>,
}

impl Of<'_> {
    fn add(
        &mut self,
        path: &[&str],
        value: &Value,
        type_name: Option<&str>,
        default: Option<&str>,
    ) {
        if let ValueKind::Table(Table(entries)) = &value.kind
            && !entries.is_empty()
        {
            for (name, entry) in entries {
                self.add(&[path, &[name.as_str()]].concat(), &entry.value, None, None);
            }
            return;
        }
        let found = self.layers.of(&self.id.host, self.id.root.as_str(), path);
        let mut over = found.into_iter().rev().map(|layer| Over {
            value: masked(self.model, layer.value.to_json()),
            from: self.place(&layer),
        });
        let from = over.next().map_or(From::Default, |top| top.from);
        let mut over: Vec<_> = over.collect();
        if let Some(default) = default {
            over.push(Over { value: written(Some(default)), from: From::Default });
        }
        let type_name = type_name.map(str::to_owned);
        let value = masked(self.model, value.to_json());
        self.attributes.push(Attribute { name: path.join("."), type_name, value, from, over });
    }

    fn place(&self, layer: &Layer) -> From {
        let origin = layer.value.origin.as_ref();
        let place = Place {
            environment: layer.environment.clone(),
            base: layer.environment != self.model.environment().name,
            secret: matches!(layer.value.kind, ValueKind::Secret(_) | ValueKind::SecretBytes(_)),
            file: origin.map(|origin| origin.file.clone()).unwrap_or_default(),
            line: origin.map_or(0, |origin| origin.line),
        };
        if layer.of_host { From::Host(place) } else { From::Environment(place) }
    }
}

/// A default, which is told as it would be written.
fn written(default: Option<&str>) -> serde_json::Value {
    match default {
        None | Some("none") => serde_json::Value::Null,
        Some(text) => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
    }
}

/// A value with each text in it masked.
pub(super) fn masked(model: &Model, value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::String(text) => model.masked(&text).into(),
        serde_json::Value::Array(values) => {
            values.into_iter().map(|value| masked(model, value)).collect()
        }
        serde_json::Value::Object(values) => {
            values.into_iter().map(|(name, value)| (name, masked(model, value))).collect()
        }
        // A number may be what is secret elsewhere.
        other => {
            let text = other.to_string();
            if model.masked(&text) == text { other } else { togusa_core::secret::MASK.into() }
        }
    }
}
