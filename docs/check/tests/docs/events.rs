use std::collections::BTreeSet;
use std::path::Path;
use std::process::Output;

use serde_json::Value;
use togusa_core::event::Event;
use togusa_core::system;
use togusa_docs::pages::{self, Page};
use togusa_docs::root;
use togusa_docs::validate::{Schema, strict};

fn described() -> Value {
    let text = std::fs::read_to_string(root().join("docs/src/schemas/events.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn page() -> Page {
    let pages = pages::of_book().unwrap();
    pages.into_iter().find(|page| page.in_book() == Some("reference/events.md")).unwrap()
}

/// The kinds of events that a schema knows.
fn kinds(schema: &Value) -> BTreeSet<&str> {
    let kinds = schema["oneOf"].as_array().unwrap().iter();
    kinds.map(|kind| kind["properties"]["event"]["const"].as_str().unwrap()).collect()
}

#[test]
fn every_kind_of_event_has_an_example_that_is_one() {
    let described = described();
    let schema = Schema::new(&strict(&described)).unwrap();
    let page = page();
    let examples: Vec<Value> = page
        .blocks_in("json")
        .flat_map(|block| block.text.lines())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for example in &examples {
        assert_eq!(schema.refuses(example), [""; 0], "{example}");
        if example["event"] != "failure" {
            let event: Event = serde_json::from_value(example.clone()).unwrap();
            assert_eq!(serde_json::to_value(event).unwrap(), *example);
        }
    }
    let shown: BTreeSet<_> = examples.iter().map(|one| one["event"].as_str().unwrap()).collect();
    assert_eq!(shown, kinds(&described));
}

#[test]
fn what_is_no_event_is_refused() {
    let schema = Schema::new(&described()).unwrap();
    for wrong in [
        r#"{"event":"exploded"}"#,
        r#"{"event":"connecting"}"#,
        r#"{"event":"connected","host":"a","elapsed":"0.1s"}"#,
        r#"{"event":"failure","exit":2,"problems":[{"hint":"x"}],"follow_ups":0}"#,
        r#"{"host":"a"}"#,
    ] {
        assert_ne!(schema.refuses(&serde_json::from_str(wrong).unwrap()), [""; 0], "{wrong}");
    }
    let later = r#"{"event":"connecting","host":"a","by":"carrier pigeon"}"#;
    assert_eq!(schema.refuses(&serde_json::from_str(later).unwrap()), [""; 0]);
}

/// Runs the program of the example `hello`.
fn run(home: &Path, arguments: &[&str]) -> Output {
    let mut program = system::program(env!("CARGO_BIN_EXE_docs-subject"));
    program.args(arguments).arg("--project").arg(root().join("examples/hello"));
    program.env("HOME", home).stdin(std::process::Stdio::null());
    program.output().unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_real_run_writes_what_the_schema_describes() {
    let schema = Schema::new(&strict(&described())).unwrap();
    let home = tempfile::tempdir().unwrap();
    let deployed = run(home.path(), &["deploy", "dev", "--json"]);
    assert!(deployed.status.success(), "{}", String::from_utf8_lossy(&deployed.stderr));
    let mut events = lines(&deployed);
    let file = home.path().join("deployment/hello/dev/work/site");
    assert!(file.is_dir(), "{} is not there", file.display());
    std::fs::remove_dir_all(file).unwrap();
    events.extend(lines(&run(home.path(), &["verify", "dev", "--json"])));
    events.extend(lines(&run(home.path(), &["deploy", "production", "--json"])));
    let seen: BTreeSet<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    for kind in ["started", "component-changed", "root-finished", "finished", "failure"] {
        assert!(seen.contains(kind), "no `{kind}` among {seen:?}");
    }
    for event in &events {
        assert_eq!(schema.refuses(event), [""; 0], "{event}");
    }
}

#[test]
fn the_schema_of_a_project_takes_its_environments() {
    let home = tempfile::tempdir().unwrap();
    let printed = run(home.path(), &["schema", "environment"]);
    let schema = Schema::new(&lines_together(&printed)).unwrap();
    for name in ["dev", "staging"] {
        let file = root().join(format!("examples/hello/environments/{name}/environment.toml"));
        let text = std::fs::read_to_string(file).unwrap();
        assert_eq!(schema.refuses_toml(&text).unwrap(), [""; 0], "{name}");
        let wrong = text.replace("title", "ttile");
        assert!(
            !text.contains("title") || !schema.refuses_toml(&wrong).unwrap().is_empty(),
            "{name}"
        );
    }
}

fn lines_together(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}
