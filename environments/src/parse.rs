//! TOML text to core's tables: every value and every name with its place.

use togusa_core::problem::{Problem, code};
use togusa_core::value::{Entry, Table, Value, ValueKind};
use toml::Spanned;
use toml::de::{DeFloat, DeInteger, DeTable, DeValue};

use crate::source::Source;
use crate::syntax;

/// Parses a document; `None` when it is no TOML, with a problem for every such place.
pub(crate) fn parse(source: &Source<'_>, problems: &mut Vec<Problem>) -> Option<Table> {
    let (document, errors) = DeTable::parse_recoverable(source.text);
    if errors.is_empty() {
        return Some(table(document.get_ref(), source, problems));
    }
    problems.extend(errors.iter().map(|error| syntax::problem(error, source)));
    None
}

fn table(table: &DeTable<'_>, source: &Source<'_>, problems: &mut Vec<Problem>) -> Table {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    let entries = entries.into_iter().map(|(name, inner)| {
        let name_origin = Some(source.origin(name.span().start));
        let value = value(inner, source, problems);
        (name.get_ref().to_string(), Entry { name_origin, value })
    });
    Table(entries.collect())
}

fn value(value: &Spanned<DeValue<'_>>, source: &Source<'_>, problems: &mut Vec<Problem>) -> Value {
    let origin = source.origin(value.span().start);
    let kind = match value.get_ref() {
        DeValue::String(text) => ValueKind::String(text.to_string()),
        DeValue::Integer(number) => ValueKind::Integer(integer(number).unwrap_or_else(|| {
            let message = format!("{number} does not fit into a whole number of 64 bits");
            problems.push(Problem::new(code::NUMBER_RANGE, message).at(Some(origin.clone())));
            0
        })),
        DeValue::Float(number) => ValueKind::Float(float(number).unwrap_or_else(|| {
            let message = format!("{number} does not fit into a number of 64 bits");
            problems.push(Problem::new(code::NUMBER_RANGE, message).at(Some(origin.clone())));
            0.0
        })),
        DeValue::Boolean(flag) => ValueKind::Boolean(*flag),
        DeValue::Datetime(time) => ValueKind::Datetime(time.to_string()),
        DeValue::Array(values) => ValueKind::Array(
            values.iter().map(|inner| self::value(inner, source, problems)).collect(),
        ),
        DeValue::Table(inner) => ValueKind::Table(table(inner, source, problems)),
    };
    Value { kind, origin: Some(origin) }
}

fn integer(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn float(number: &DeFloat<'_>) -> Option<f64> {
    let parsed: f64 = number.as_str().parse().ok()?;
    let meant = number.as_str().contains("inf");
    (meant || !parsed.is_infinite()).then_some(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Table, String> {
        let mut problems = Vec::new();
        let table = parse(&Source::new("f", text), &mut problems);
        let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
        table.filter(|_| problems.is_empty()).ok_or(told.join("\n"))
    }

    #[test]
    fn every_type_of_toml_has_its_value() {
        let table = check(
            "i = 0x1f\nf = 1.5\nb = true\ns = 'x'\nd = 2024-05-06T07:08:09Z\na = [1, 2]\nt.u = 1",
        );
        assert_eq!(
            table.unwrap().to_json().to_string(),
            r#"{"a":[1,2],"b":true,"d":"2024-05-06T07:08:09Z","f":1.5,"i":31,"s":"x","t":{"u":1}}"#
        );
    }

    #[test]
    fn names_keep_the_order_of_the_file() {
        let table = check("z = 1\n[y.b]\n[y.a]\n[x]\n[y]\nc = 1").unwrap();
        assert_eq!(table.0.keys().collect::<Vec<_>>(), ["z", "x", "y"]);
    }

    #[test]
    fn names_and_values_know_their_places() {
        let table = check("\n  'größe' = [1,\n  2]").unwrap();
        let entry = &table.0["größe"];
        assert_eq!(entry.name_origin.as_ref().unwrap().to_string(), "f:2:3");
        let ValueKind::Array(values) = &entry.value.kind else { panic!("no array") };
        assert_eq!(values[1].origin.as_ref().unwrap().to_string(), "f:3:3");
    }

    #[test]
    fn numbers_that_do_not_fit_are_told_with_their_place() {
        assert_eq!(
            check("a = 99999999999999999999\nb = 1e999").unwrap_err(),
            "f:1:5: 99999999999999999999 does not fit into a whole number of 64 bits\n\
             f:2:5: 1e999 does not fit into a number of 64 bits"
        );
    }
}
