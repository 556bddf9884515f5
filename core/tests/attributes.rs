//! What `#[derive(Attributes)]` reads, refuses and describes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use togusa_core::attributes::{AttributeSchema, Attributes, FromValue, Reader, Shape};
use togusa_core::value::{Entry, Origin, Table, Value};

const LIMIT: usize = 3;

/// A component with every kind of field.
#[derive(Debug, Default, PartialEq, Attributes)]
#[attributes(features("web", "worker"), default_features("web"))]
struct App {
    /// Port to listen on,
    /// for every address.
    ///
    /// Ports below 1024 need root.
    #[attribute(default = 8_080u16)]
    port: u16,
    workers: usize,
    #[attribute(default = "10s")]
    timeout: Duration,
    #[attribute(default = "a \"b\"")]
    title: String,
    #[attribute(default = "/srv/app")]
    home: PathBuf,
    #[attribute(default = -1)]
    nice: i8,
    #[attribute(default = 1)]
    share: f64,
    #[attribute(default = true)]
    proxied: bool,
    #[attribute(default = LIMIT + usize::from(2u8))]
    limit: usize,
    #[attribute(default = vec!["a".to_owned(), String::from("b")])]
    names: Vec<String>,
    #[attribute(default)]
    groups: BTreeSet<String>,
    #[attribute(name = "log-level", default = Level::VeryLoud)]
    level: Level,
    user: Option<String>,
    #[attribute(default = 5)]
    retries: Option<u8>,
    tls: Option<Tls>,
    #[attribute(default)]
    r#type: String,
    #[attribute(skip)]
    cache: Vec<u8>,
    #[attribute(serde)]
    rules: Option<Rules>,
}

#[derive(Debug, PartialEq, Attributes)]
struct Tls {
    port: Port,
    #[attribute(default)]
    ciphers: Vec<String>,
}

#[derive(Debug, PartialEq, Attributes)]
struct Port(u16);

#[derive(Debug, PartialEq, Attributes)]
struct Raw(#[attribute(serde)] Rules);

#[derive(Clone, Copy, Debug, Default, PartialEq, Attributes)]
enum Level {
    #[default]
    Quiet,
    VeryLoud,
    HTTPOnly,
    #[attribute(name = "http1.1")]
    Http11,
}

#[derive(Debug, PartialEq, serde::Deserialize)]
struct Rules {
    allow: Vec<String>,
    #[serde(default)]
    rate: BTreeMap<String, f64>,
}

#[derive(Debug, PartialEq, Attributes)]
#[attributes(crate = "togusa_core")]
struct Nothing;

#[derive(Debug, Attributes)]
struct WrongDefault {
    #[attribute(default = "soon")]
    _wait: Duration,
}

fn table<const N: usize>(entries: [(&str, Value); N]) -> Table {
    let mut table = Table::default();
    for (line, (name, mut value)) in entries.into_iter().enumerate() {
        let at = |column| Origin { file: "prod.toml".into(), line: line as u32 + 1, column };
        value.origin = Some(at(10));
        table.0.insert(name.into(), Entry { name_origin: Some(at(1)), value });
    }
    table
}

fn read<T: Attributes>(table: &Table) -> (Option<T>, Vec<String>) {
    let place = Origin { file: "prod.toml".into(), line: 99, column: 1 };
    let mut reader = Reader::new(table, Some(place));
    let read = T::read(&mut reader);
    (read, reader.finish().iter().map(ToString::to_string).collect())
}

fn app<const N: usize>(entries: [(&str, Value); N]) -> App {
    let mut table = table(entries);
    table.insert("workers", 1);
    let (app, problems) = read(&table);
    assert_eq!(problems, Vec::<String>::new());
    app.expect("no problem was found")
}

fn problems<T: Attributes, const N: usize>(entries: [(&str, Value); N]) -> Vec<String> {
    read::<T>(&table(entries)).1
}

fn strings<const N: usize>(texts: [&str; N]) -> Value {
    texts.map(Value::from).to_vec().into()
}

fn schema(name: &str) -> AttributeSchema {
    App::schema().into_iter().find(|one| one.name == name).expect("the attribute is described")
}

#[test]
fn what_is_not_set_has_its_default() {
    let expected = App {
        port: 8080,
        workers: 1,
        timeout: Duration::from_secs(10),
        title: "a \"b\"".into(),
        home: "/srv/app".into(),
        nice: -1,
        share: 1.0,
        proxied: true,
        limit: 5,
        names: vec!["a".into(), "b".into()],
        level: Level::VeryLoud,
        retries: Some(5),
        ..App::default()
    };
    assert_eq!(app([]), expected);
}

#[test]
fn what_is_set_takes_the_place_of_the_default() {
    let app = app([
        ("port", 80.into()),
        ("timeout", "2m".into()),
        ("names", strings([])),
        ("groups", strings(["x", "x"])),
        ("user", "www".into()),
        ("type", "blue".into()),
        ("log-level", "http1.1".into()),
    ]);
    assert_eq!((app.port, app.timeout, app.names), (80, Duration::from_secs(120), vec![]));
    assert_eq!(app.groups, BTreeSet::from(["x".to_owned()]));
    assert_eq!((app.user.as_deref(), app.r#type.as_str()), (Some("www"), "blue"));
    assert_eq!(app.level, Level::Http11);
}

#[test]
fn every_mistake_is_found_at_its_place() {
    let place = Some(Origin { file: "prod.toml".into(), line: 4, column: 15 });
    let found = problems::<App, _>([
        ("port", "eighty".into()),
        ("wrokers", 2.into()),
        ("timeout", "10".into()),
        ("names", vec!["a".into(), Value { origin: place, ..1.into() }].into()),
        ("loglevel", "quiet".into()),
    ]);
    assert_eq!(
        found,
        [
            "prod.toml:1:10: attribute `port`: expected an integer, found a string (\"eighty\")",
            "prod.toml:99:1: required attribute `workers` is not set\n  hint: set `workers` (integer)",
            "prod.toml:3:10: attribute `timeout`: \"10\" is no duration; \
             write a number and a unit of ms, s, m, h or d",
            "prod.toml:4:15: attribute `names.1`: expected a string, found an integer (1)",
            "prod.toml:2:1: unknown attribute `wrokers`\n  hint: did you mean `workers`?",
            "prod.toml:5:1: unknown attribute `loglevel`\n  hint: did you mean `log-level`?",
        ]
    );
}

#[test]
fn a_skipped_field_is_no_attribute() {
    let [problem] = &problems::<App, _>([("workers", 1.into()), ("cache", 1.into())])[..] else {
        panic!("one problem was expected");
    };
    assert!(problem.starts_with("prod.toml:2:1: unknown attribute `cache`"), "{problem}");
    assert!(!App::schema().iter().any(|one| one.name == "cache"));
}

#[test]
fn nothing_is_built_when_one_attribute_is_wrong() {
    let (app, _) = read::<App>(&table([("workers", "many".into())]));
    assert_eq!(app, None);
}

#[test]
fn nested_attributes_are_read_and_named_by_their_path() {
    let tls = app([("tls", table([("port", 443.into())]).into())]).tls;
    assert_eq!(tls, Some(Tls { port: Port(443), ciphers: vec![] }));

    let wrong = table([("port", 70_000.into()), ("cipher", strings([]))]);
    assert_eq!(
        problems::<App, _>([("workers", 1.into()), ("tls", wrong.into())]),
        [
            "prod.toml:1:10: attribute `tls.port`: 70000 is not between 0 and 65535",
            "prod.toml:2:1: unknown attribute `tls.cipher`\n  hint: did you mean `ciphers`?",
        ]
    );
    assert_eq!(
        problems::<App, _>([("workers", 1.into()), ("tls", Table::default().into())]),
        ["prod.toml:2:10: required attribute `tls.port` is not set\n  hint: set `port` (integer)"]
    );
    assert_eq!(
        problems::<App, _>([("workers", 1.into()), ("tls", true.into())]),
        ["prod.toml:2:10: attribute `tls`: expected a table, found a boolean (true)"]
    );
}

#[test]
fn variants_go_by_their_kebab_case() {
    assert_eq!(app([("log-level", "very-loud".into())]).level, Level::VeryLoud);
    assert_eq!(app([("log-level", "http-only".into())]).level, Level::HTTPOnly);
    assert_eq!(Level::type_name(), r#""quiet" | "very-loud" | "http-only" | "http1.1""#);
}

#[test]
fn a_choice_that_does_not_exist_is_refused_with_the_nearest() {
    let wrong = |level: Value| problems::<App, _>([("workers", 1.into()), ("log-level", level)]);
    let all = r#""quiet", "very-loud", "http-only", "http1.1""#;
    assert_eq!(
        wrong("very_loud".into()),
        [format!(
            "prod.toml:2:10: attribute `log-level`: \"very_loud\" is none of {all}; \
             did you mean \"very-loud\"?"
        )]
    );
    assert_eq!(
        wrong("zebra".into()),
        [format!("prod.toml:2:10: attribute `log-level`: \"zebra\" is none of {all}")]
    );
    assert_eq!(
        wrong(3.into()),
        [format!(
            "prod.toml:2:10: attribute `log-level`: expected one of {all}, found an integer (3)"
        )]
    );
}

#[test]
fn serde_reads_what_it_is_asked_to() {
    let rules =
        table([("allow", strings(["10.0.0.0/8"])), ("rate", table([("a", 1.5.into())]).into())]);
    let expected =
        Rules { allow: vec!["10.0.0.0/8".into()], rate: BTreeMap::from([("a".to_owned(), 1.5)]) };
    assert_eq!(app([("rules", rules.clone().into())]).rules, Some(expected));

    let place = table([("raw", rules.into())]);
    let mut reader = Reader::new(&place, None);
    assert_eq!(reader.required::<Raw>("raw").map(|raw| raw.0.allow.len()), Some(1));
}

#[test]
fn what_serde_refuses_is_reported_at_the_attribute() {
    let found = problems::<App, _>([("workers", 1.into()), ("rules", Table::default().into())]);
    assert_eq!(found, ["prod.toml:2:10: attribute `rules`: missing field `allow`"]);
}

#[test]
fn a_component_without_fields_has_no_attributes() {
    assert_eq!(read::<Nothing>(&Table::default()), (Some(Nothing), vec![]));
    assert_eq!(
        problems::<Nothing, _>([("port", 1.into())]),
        ["prod.toml:1:1: unknown attribute `port`\n  hint: the component has no attributes"]
    );
    assert_eq!(Nothing::schema(), []);
}

#[test]
fn a_literal_default_that_cannot_be_read_is_reported() {
    assert_eq!(
        problems::<WrongDefault, _>([]),
        ["prod.toml:99:1: attribute `_wait`: \"soon\" is no duration; \
          write a number and a unit of ms, s, m, h or d\n  \
          hint: this is the default in the component's source"]
    );
}

#[test]
fn the_schema_describes_every_attribute_in_order() {
    let names: Vec<_> = App::schema().iter().map(|one| one.name).collect();
    assert_eq!(
        names.join(" "),
        "port workers timeout title home nice share proxied limit names groups log-level user \
         retries tls type rules"
    );
    assert_eq!(
        schema("port"),
        AttributeSchema {
            name: "port",
            type_name: "integer".into(),
            default: Some("8080".into()),
            doc: "Port to listen on, for every address.\nPorts below 1024 need root.",
            shape: Shape::Integer(0, 65_535),
        }
    );
    assert_eq!(schema("tls").type_name, "table");
    assert_eq!(schema("rules").type_name, "any value");
    assert_eq!(schema("log-level").type_name, Level::type_name());
}

/// A component that holds itself.
#[derive(Debug, PartialEq, Attributes)]
struct Menu {
    #[attribute(default)]
    entries: BTreeMap<String, Menu>,
}

#[test]
fn the_schema_tells_which_values_there_are() {
    assert_eq!(schema("nice").shape, Shape::Integer(-128, 127));
    assert_eq!(schema("workers").shape, Shape::Integer(0, i64::MAX));
    assert_eq!(schema("timeout").shape, Shape::Duration);
    assert_eq!(schema("groups").shape, Shape::Array(Box::new(Shape::Text)));
    assert_eq!(schema("log-level").shape, Level::shape());
    assert!(matches!(Level::shape(), Shape::Choice(names) if names.contains(&"very-loud")));
    assert_eq!(schema("rules").shape, Shape::Any);
    let Shape::Table(fields) = schema("tls").shape else { panic!("`tls` is a table") };
    assert_eq!(fields.0(), Tls::schema());
    let Shape::Map(menu) = &Menu::schema()[0].shape else { panic!("`entries` is a map") };
    assert_eq!(**menu, Menu::shape());
}

#[test]
fn the_schema_shows_defaults_as_they_are_written() {
    let defaults = App::schema().into_iter().map(|one| one.default.unwrap_or("required".into()));
    assert_eq!(
        defaults.collect::<Vec<_>>(),
        [
            "8080",
            "required",
            r#""10s""#,
            r#""a \"b\"""#,
            r#""/srv/app""#,
            "-1",
            "1",
            "true",
            "LIMIT + usize::from(2u8)",
            r#"vec!["a".to_owned(), String::from("b")]"#,
            "[]",
            "Level::VeryLoud",
            "none",
            "5",
            "none",
            r#""""#,
            "none",
        ]
    );
}

#[test]
fn features_are_those_of_the_derive() {
    assert_eq!(App::features(), ["web", "worker"]);
    assert_eq!(App::default_features(), ["web"]);
    assert_eq!(Tls::features(), <&[&str]>::default());
}

#[test]
fn the_source_is_where_the_derive_is_used() {
    let source = App::source();
    assert_eq!((source.crate_name, source.directory()), ("togusa-core", "tests"));
    assert!(source.file.ends_with("tests/attributes.rs"), "{}", source.file);
    assert_eq!(source.manifest_dir, env!("CARGO_MANIFEST_DIR"));
}
