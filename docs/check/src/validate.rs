//! What a JSON Schema says to a document.

use jsonschema::Validator;
use serde_json::{Map, Value};

/// A schema by which documents are judged.
#[derive(Debug)]
pub struct Schema(Validator);

impl Schema {
    /// Reads a schema.
    ///
    /// # Errors
    /// It is none, or refers to something else.
    pub fn new(schema: &Value) -> anyhow::Result<Self> {
        let validator = jsonschema::draft7::new(schema);
        Ok(Self(validator.map_err(|error| anyhow::anyhow!("no schema: {error}"))?))
    }

    /// What is wrong with a document, each with its place.
    pub fn refuses(&self, document: &Value) -> Vec<String> {
        let errors = self.0.iter_errors(document);
        errors.map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    /// What is wrong with a document of TOML, as editors hand it to a schema.
    ///
    /// # Errors
    /// It is no TOML.
    pub fn refuses_toml(&self, text: &str) -> anyhow::Result<Vec<String>> {
        Ok(self.refuses(&json(toml::Value::Table(text.parse()?))))
    }
}

/// The same schema, which takes no properties beside those that it describes: for examples, where a
/// later version's would be a mistake.
pub fn strict(schema: &Value) -> Value {
    match schema {
        Value::Array(items) => items.iter().map(strict).collect(),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), strict(value)));
            let mut members: Map<_, _> = members.collect();
            if members.get("properties").is_some_and(Value::is_object) {
                members.entry("additionalProperties").or_insert(false.into());
            }
            members.into()
        }
        other => other.clone(),
    }
}

fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(flag) => flag.into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(values) => values.into_iter().map(json).collect(),
        toml::Value::Table(table) => {
            table.into_iter().map(|(name, value)| (name, json(value))).collect()
        }
    }
}
