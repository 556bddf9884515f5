//! What the pages in `docs` say, held against the code.

use std::collections::BTreeSet;

use togusa::core::event::Event;
use togusa::core::problem::Problem;

const ENVIRONMENT: &str = include_str!("../../docs/environment.md");
const SSH: &str = include_str!("../../docs/ssh.md");
const EVENTS: &str = include_str!("../../docs/events.md");

/// The fenced blocks of a language.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    let after = page.split(fence.as_str()).skip(1);
    after.map(|rest| rest.split("```").next().unwrap_or_default()).collect()
}

#[test]
fn every_example_of_an_event_is_one() {
    let mut kinds = BTreeSet::new();
    for line in blocks(EVENTS, "json").into_iter().flat_map(str::lines) {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        let kind = object["event"].as_str().unwrap().to_owned();
        if kind == "failure" {
            let problems: Vec<Problem> =
                serde_json::from_value(object["problems"].clone()).unwrap();
            assert_eq!(problems.len(), 1);
            assert!(object["exit"].is_u64() && object["follow_ups"].is_u64());
        } else {
            let event: Event = serde_json::from_str(line).unwrap();
            assert_eq!(serde_json::to_value(event).unwrap(), object, "fields of `{kind}`");
        }
        kinds.insert(kind);
    }
    // The error for an unknown kind lists all that there are.
    let unknown = serde_json::from_str::<Event>(r#"{"event":"?"}"#).unwrap_err().to_string();
    let (_, known) = unknown.split_once("expected one of ").unwrap();
    let known = known.split('`').skip(1).step_by(2).chain(["failure"]);
    assert_eq!(kinds, known.map(str::to_owned).collect());
}

#[test]
fn every_example_of_an_environment_loads() {
    let examples = blocks(ENVIRONMENT, "toml");
    assert_eq!(examples.len(), 2);
    for example in examples {
        // That `app` is a component, and `workers` its attribute, is for the registry to judge.
        togusa_environments::from_str("shop", "prod", example).unwrap();
    }
}

#[test]
fn every_key_of_an_environment_is_described() {
    let sections = ["qqqqqqqq = 1", "[environment]\nqqqqqqqq = 1", "[hosts.web]\nqqqqqqqq = 1"];
    for section in sections {
        let problems = togusa_environments::from_str("shop", "prod", section).unwrap_err();
        let hint = problems.list.iter().filter_map(|problem| problem.hint.as_deref());
        let (_, keys) = hint.filter_map(|hint| hint.split_once("known keys: ")).next().unwrap();
        for key in keys.split(", ") {
            assert!(ENVIRONMENT.contains(&format!("\n| {key} |")), "{key} of {section:?}");
        }
    }
}

#[test]
fn what_the_page_about_ssh_quotes_is_said() {
    for example in blocks(SSH, "toml") {
        togusa_environments::from_str("hello", "live", example).unwrap();
    }
    let said = [
        include_str!("../src/push/converse.rs"),
        include_str!("../src/push/refusal.rs"),
        include_str!("../src/ssh/diagnosis.rs"),
        include_str!("../src/transport/ssh.rs"),
    ]
    .concat();
    let (_, table) = SSH.split_once("| it says | do |\n|---|---|\n").unwrap();
    let rows = table.lines().map_while(|line| line.strip_prefix("| ")?.split(" | ").next());
    let quoted: Vec<_> = rows.flat_map(|row| row.split('`').skip(1).step_by(2)).collect();
    assert!(quoted.len() > 20);
    for words in quoted {
        assert!(said.contains(words), "nobody says `{words}`");
    }
}
