//! Secrets as attributes.

use std::collections::BTreeMap;

use serde::Deserialize;
use togusa_core::attributes::Reader;
use togusa_core::prelude::*;
use togusa_core::value::{Origin, Table, Value, ValueKind};

#[derive(Debug, PartialEq, Attributes)]
struct App {
    password: Secret,
    key: Option<Secret<Vec<u8>>>,
    #[attribute(default)]
    users: BTreeMap<String, Secret>,
    #[attribute(serde)]
    token: Option<Token>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Token {
    name: String,
    value: Secret,
}

#[expect(dead_code, reason = "what matters is that they are not read")]
#[derive(Debug, Attributes)]
struct Clear {
    text: String,
    number: u16,
    #[attribute(serde)]
    token: Option<BTreeMap<String, String>>,
}

fn secret(text: &str) -> Value {
    let origin = Origin { file: "secrets.toml".to_owned(), line: 7, column: 3 };
    Value { kind: ValueKind::Secret(Secret::new(text)), origin: Some(origin) }
}

fn table<const N: usize>(entries: [(&str, Value); N]) -> Table {
    let mut table = Table::default();
    for (name, value) in entries {
        table.insert(name, value);
    }
    table
}

fn read<T: Attributes>(table: &Table) -> (Option<T>, Vec<String>) {
    let mut reader = Reader::new(table, None);
    let read = T::read(&mut reader);
    (read, reader.finish().iter().map(ToString::to_string).collect())
}

#[test]
fn an_attribute_takes_a_secret_and_shows_none() {
    let token = table([("name", "ci".into()), ("value", secret("t0ken-value"))]);
    let given = table([
        ("password", secret("tr0ub4dor")),
        ("key", Secret::new(vec![0, 255]).into()),
        ("users", table([("ada", secret("l0velace"))]).into()),
        ("token", token.into()),
    ]);
    let (app, problems) = read::<App>(&given);
    assert_eq!(problems, Vec::<String>::new());
    let app = app.unwrap();
    assert_eq!(app.password.expose(), "tr0ub4dor");
    assert_eq!(app.key.as_ref().unwrap().expose(), &[0, 255]);
    assert_eq!(app.users["ada"].expose(), "l0velace");
    assert_eq!(app.token.as_ref().unwrap().value.expose(), "t0ken-value");
    assert_eq!(
        format!("{app:?}"),
        r#"App { password: [secret], key: Some([secret]), users: {"ada": [secret]}, token: Some(Token { name: "ci", value: [secret] }) }"#
    );
    for shown in [format!("{given:?}"), given.to_json().to_string()] {
        for value in ["tr0ub4dor", "l0velace", "t0ken-value"] {
            assert!(!shown.contains(value), "{shown}");
        }
    }
}

#[test]
fn a_secret_attribute_takes_a_text_in_clear() {
    let (app, problems) = read::<App>(&table([("password", "x".into()), ("key", "y".into())]));
    assert_eq!(problems, Vec::<String>::new());
    let app = app.unwrap();
    assert_eq!(app.password.expose(), "x");
    assert_eq!(app.key.unwrap().expose(), b"y");
}

#[test]
fn a_secret_for_another_type_is_an_error_with_its_place_and_the_remedy() {
    let token = table([("value", secret("t0ken-value"))]);
    let given =
        table([("text", secret("tr0ub4dor")), ("number", secret("8080")), ("token", token.into())]);
    let (clear, problems) = read::<Clear>(&given);
    assert!(clear.is_none());
    let hint = "let the field be a `Secret`, so that it is masked, or set the value in clear";
    assert_eq!(
        problems[..2],
        [
            format!(
                "secrets.toml:7:3: attribute `text`: expected a string, found a secret\n  hint: {hint}"
            ),
            format!(
                "secrets.toml:7:3: attribute `number`: expected an integer, found a secret\n  hint: {hint}"
            ),
        ]
    );
    assert!(problems[2].starts_with("attribute `token`: invalid type: map"), "{problems:?}");
    assert!(problems.iter().all(|text| !text.contains("tr0ub4dor") && !text.contains("t0ken")));
}

#[test]
fn bytes_that_are_no_text_do_not_become_one() {
    let (app, problems) = read::<App>(&table([("password", Secret::new(vec![255]).into())]));
    assert!(app.is_none());
    assert_eq!(problems, ["attribute `password`: the secret is not text in UTF-8"]);
}

#[test]
fn the_schema_tells_secrets_from_other_texts() {
    let types: Vec<_> = App::schema().into_iter().map(|one| one.type_name).collect();
    assert_eq!(types, ["secret string", "secret bytes", "table of secret string", "any value"]);
}
