//! JSON, also with comments.

use jsonc_parser::cst::{CstInputValue, CstObject, CstRootNode};
use jsonc_parser::{JsonValue, ParseOptions, parse_to_value};
use togusa_core::demand;
use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use super::{Datum, Document};

/// JSON as its users write it: with comments and trailing commas, and no further liberties.
const OPTIONS: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

#[derive(Debug)]
pub(super) struct Json {
    root: CstRootNode,
}

pub(super) fn parse(text: &str) -> Result<Json> {
    // A file that is still empty becomes one with a table.
    let text = if text.trim().is_empty() { "{}\n" } else { text };
    let root =
        CstRootNode::parse(text, &OPTIONS).context("it is not JSON").code(code::EDIT_FORMAT)?;
    demand!(
        root.object_value().is_some(),
        code::EDIT_FORMAT,
        "the file does not hold a table, but another value"
    );
    Ok(Json { root })
}

impl Json {
    fn object(&self) -> Result<CstObject> {
        self.root.object_value().context("the file holds no table").code(code::EDIT_FORMAT)
    }
}

impl Document for Json {
    fn read(&self) -> Result<Datum> {
        let text = self.root.to_string();
        let value =
            parse_to_value(&text, &OPTIONS).context("it is not JSON").code(code::EDIT_FORMAT)?;
        Ok(value.map_or(Datum::Null, datum))
    }

    fn set(&mut self, path: &[String], value: &Datum) -> Result {
        let mut at = self.object()?;
        let (name, above) = path.split_last().context("the path is empty")?;
        for name in above {
            at = at.object_value_or_set(name);
        }
        match at.get(name) {
            Some(present) => present.set_value(input(value)),
            None => {
                at.append(name, input(value));
            }
        }
        Ok(())
    }

    fn remove(&mut self, path: &[String]) -> Result {
        let mut at = self.object()?;
        let (name, above) = path.split_last().context("the path is empty")?;
        for name in above {
            let Some(next) = at.object_value(name) else { return Ok(()) };
            at = next;
        }
        if let Some(present) = at.get(name) {
            present.remove();
        }
        Ok(())
    }

    fn text(&self) -> String {
        self.root.to_string()
    }
}

fn datum(value: JsonValue<'_>) -> Datum {
    match value {
        JsonValue::Null => Datum::Null,
        JsonValue::Boolean(flag) => Datum::Boolean(flag),
        JsonValue::String(text) => Datum::Text(text.into_owned()),
        JsonValue::Number(text) => number(text),
        JsonValue::Array(items) => Datum::List(items.into_iter().map(datum).collect()),
        JsonValue::Object(table) => Datum::Table(
            table.into_iter().map(|(name, value)| (name.into(), datum(value))).collect(),
        ),
    }
}

fn number(text: &str) -> Datum {
    if let Ok(number) = text.parse() {
        return Datum::Integer(number);
    }
    // What is too long for an integer must not lose digits.
    match text.parse::<f64>() {
        Ok(number) if text.contains(['.', 'e', 'E']) => Datum::Float(number),
        _ => Datum::Other(text.to_owned()),
    }
}

fn input(value: &Datum) -> CstInputValue {
    match value {
        Datum::Null => CstInputValue::Null,
        Datum::Boolean(flag) => CstInputValue::Bool(*flag),
        Datum::Integer(number) => CstInputValue::Number(number.to_string()),
        Datum::Float(number) => CstInputValue::Number(format!("{number:?}")),
        Datum::Text(text) | Datum::Other(text) => CstInputValue::String(text.clone()),
        Datum::List(items) => CstInputValue::Array(items.iter().map(input).collect()),
        Datum::Table(table) => {
            let all = table.iter().map(|(name, value)| (name.clone(), input(value)));
            CstInputValue::Object(all.collect())
        }
    }
}
