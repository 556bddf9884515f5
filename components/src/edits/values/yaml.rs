//! YAML.

use togusa_core::demand;
use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use yaml_edit::{Mapping, ScalarType, ScalarValue, YamlFile, YamlValue};

use super::{Datum, Document};

#[derive(Debug)]
pub(super) struct Yaml {
    file: YamlFile,
}

pub(super) fn parse(text: &str) -> Result<Yaml> {
    let file: YamlFile = text.parse().context("it is not YAML").code(code::EDIT_FORMAT)?;
    demand!(file.documents().count() <= 1, code::EDIT_FORMAT, "it holds several documents");
    let yaml = Yaml { file };
    demand!(
        matches!(yaml.read()?, Datum::Table(_)),
        code::EDIT_FORMAT,
        "the file does not hold a table, but another value"
    );
    Ok(yaml)
}

impl Yaml {
    fn mapping(&self) -> Option<Mapping> {
        self.file.document()?.as_mapping()
    }
}

impl Document for Yaml {
    fn read(&self) -> Result<Datum> {
        let value = self.file.document().map(|document| YamlValue::from_document(&document));
        Ok(
            match value
                .transpose()
                .context("it holds what cannot be read as values")
                .code(code::EDIT_FORMAT)?
            {
                Some(value) => match datum(&value) {
                    Datum::Null => Datum::Table([].into()),
                    datum => datum,
                },
                None => Datum::Table([].into()),
            },
        )
    }

    fn set(&mut self, path: &[String], value: &Datum) -> Result {
        let Some(mut at) = self.mapping() else {
            // What stands in a file without values is comments.
            let text = self.file.to_string();
            let comments = text.lines().filter(|line| line.trim_start().starts_with('#'));
            let comments: String = comments.map(|line| format!("{line}\n")).collect();
            let (name, below) = path.split_first().context("the path is empty")?;
            let mapping = YamlValue::Mapping([(name.clone(), nested(below, value))].into());
            let text = format!("{comments}{}\n", mapping.to_yaml_string(0).trim_end());
            self.file = text.parse().context("it is not YAML").code(code::EDIT_FORMAT)?;
            return Ok(());
        };
        for (depth, name) in path.iter().enumerate() {
            let below = &path[depth + 1..];
            match at.get_mapping(name.as_str()).filter(|_| !below.is_empty()) {
                Some(next) => at = next,
                None => {
                    at.set(name.as_str(), nested(below, value));
                    break;
                }
            }
        }
        Ok(())
    }

    fn remove(&mut self, path: &[String]) -> Result {
        let (name, above) = path.split_last().context("the path is empty")?;
        let Some(mut at) = self.mapping() else { return Ok(()) };
        for name in above {
            let Some(next) = at.get_mapping(name.as_str()) else { return Ok(()) };
            at = next;
        }
        at.remove(name.as_str());
        Ok(())
    }

    fn text(&self) -> String {
        let text = self.file.to_string();
        if text.is_empty() || text.ends_with('\n') { text } else { format!("{text}\n") }
    }
}

/// A value within the tables that lead to it.
fn nested(path: &[String], value: &Datum) -> YamlValue {
    let inner = yaml(value);
    path.iter().rev().fold(inner, |below, name| YamlValue::Mapping([(name.clone(), below)].into()))
}

fn datum(value: &YamlValue) -> Datum {
    match value {
        YamlValue::Scalar(scalar) => of_scalar(scalar),
        YamlValue::Sequence(items) => Datum::List(items.iter().map(datum).collect()),
        YamlValue::Mapping(table) => {
            Datum::Table(table.iter().map(|(name, value)| (name.clone(), datum(value))).collect())
        }
        // What has a tag of its own is only compared.
        other => Datum::Other(other.to_yaml_string(0)),
    }
}

fn of_scalar(scalar: &ScalarValue) -> Datum {
    if let Some(tag) = scalar.tag() {
        return Datum::Other(format!("{tag} {}", scalar.value()));
    }
    let text = || scalar.value().to_owned();
    match scalar.scalar_type() {
        ScalarType::Null => Datum::Null,
        ScalarType::Boolean => scalar.to_bool().map_or_else(|| Datum::Text(text()), Datum::Boolean),
        ScalarType::Integer => scalar.to_i64().map_or_else(|| Datum::Other(text()), Datum::Integer),
        ScalarType::Float => scalar.to_f64().map_or_else(|| Datum::Other(text()), Datum::Float),
        _ => Datum::Text(text()),
    }
}

/// Whether a reader of YAML 1.1 could take a text for a number, a time or a date: `22:22`, `1_000`,
/// `2024-01-01`.
fn is_ambiguous(text: &str) -> bool {
    let could_be = |c: char| c.is_ascii_hexdigit() || "_:.,+-= oxtzOXTZ".contains(c);
    let begins = text.starts_with(|c: char| c.is_ascii_digit() || "+-.=".contains(c));
    (begins && text.chars().all(could_be)) || (text.contains('\t') && !text.contains('\n'))
}

fn yaml(value: &Datum) -> YamlValue {
    match value {
        Datum::Null => YamlValue::Scalar(ScalarValue::null()),
        Datum::Boolean(flag) => YamlValue::scalar(*flag),
        Datum::Integer(number) => YamlValue::scalar(*number),
        Datum::Float(number) => YamlValue::scalar(*number),
        Datum::Text(text) | Datum::Other(text) if is_ambiguous(text) => {
            YamlValue::Scalar(ScalarValue::single_quoted(text))
        }
        Datum::Text(text) | Datum::Other(text) => YamlValue::Scalar(ScalarValue::string(text)),
        Datum::List(items) => YamlValue::Sequence(items.iter().map(yaml).collect()),
        Datum::Table(table) => {
            let all = table.iter().map(|(name, value)| (name.clone(), yaml(value)));
            YamlValue::Mapping(all.collect())
        }
    }
}
