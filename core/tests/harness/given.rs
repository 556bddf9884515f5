use std::panic::AssertUnwindSafe;

use insta::assert_snapshot;
use serde::{Deserialize, Serialize};
use togusa_core::prelude::*;
use togusa_core::testing::Harness;

use super::failure;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Database {
    name: String,
    password: Secret,
}

impl Resource for Database {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Backend {
    address: Address,
}

impl Resource for Backend {}

#[derive(Debug, Attributes)]
#[attributes(features("cached"))]
struct App {
    #[attribute(default = 8080)]
    port: u16,
}

impl Component for App {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        for database in scope.require_all::<Database>()? {
            scope.log(format!("{} on {}", database.name, database.host()));
        }
        let name = format!("{}-{}", scope.platform().unwrap_or("any"), scope.has_feature("cached"));
        let rack: Option<String> = scope.data("rack")?;
        scope.add(Facts { name: format!("{name}-{}", rack.unwrap_or_default()) });
        scope.provide(Backend { address: scope.address(self.port) });
        Ok(())
    }
}

/// Writes down what the host is.
#[derive(Debug)]
struct Facts {
    name: String,
}

impl Component for Facts {
    fn update(&self, _: &Machine<'_>) -> Result {
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let facts = probe.facts();
        ensure!(facts.cores == 64, "{} has {} cores", self.name, facts.cores);
        Ok(Verdict::current())
    }
}

fn database(name: &str) -> Database {
    Database { name: name.into(), password: Secret::new("correct horse battery") }
}

fn harness() -> Harness {
    Harness::new(Registry::new().with::<App>("app"))
        .host("web", ["app"])
        .facts("web", |facts| facts.cores = 64)
        .provide(database("one"))
}

#[test]
fn values_are_given_by_hand_from_any_host_and_read_back() {
    let harness = harness().provide_on("db1", database("two")).provide(database("three"));
    let harness = harness.require::<Backend>();
    harness.assert_converges();
    let model = harness.configure().unwrap();
    let logs: Vec<_> = model.logs().map(|(_, _, text)| text.to_owned()).collect();
    assert_eq!(logs, ["two on db1", "one on given", "three on given"]);
    let backends = harness.provided::<Backend>();
    assert_eq!(backends.len(), 1);
    assert_eq!(backends[0].host().as_str(), "web");
    assert_eq!(backends[0].address.to_string(), "web:8080");
    assert_eq!(harness.provided::<Database>()[0].password.expose(), "correct horse battery");
}

#[test]
fn what_nobody_requires_is_an_error_of_the_model() {
    harness().assert_refused_with("`Backend`");
}

#[test]
fn hosts_are_what_a_test_says() {
    let harness = harness().require::<Backend>();
    let harness = harness.platform("web", "debian").data("web", "rack", "b4").features(
        "web",
        "app",
        ["cached"],
    );
    harness.assert_converges();
    assert_snapshot!(harness.model_text(), @r#"
    app@web
      App  App { port: 8080 }
        Facts  Facts { name: "debian-true-b4" }
      provides Backend
      requires Database
    "#);
    let harness = harness.facts("web", |facts| facts.cores = 2);
    harness.assert_fails_with("has 2 cores");
}

#[test]
fn a_name_that_the_harness_lacks_is_told_with_those_that_it_has() {
    let set = |host: &'static str, root: &'static str| {
        failure(AssertUnwindSafe(move || drop(harness().set(host, root, "port", 1))))
    };
    assert_snapshot!(set("wbe", "app"), @"the harness has no host `wbe`; it has `given`, `web`");
    assert_snapshot!(set("web", "ap"), @"the host `web` of the harness has no root `ap`; it has `app`");
}

#[test]
fn a_value_that_cannot_be_read_back_is_told_and_not_left_out() {
    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Uneven {
        #[serde(rename(serialize = "written", deserialize = "read"))]
        name: String,
    }
    impl Resource for Uneven {}
    let told = failure(|| drop(harness().provide(Uneven { name: "one".into() })));
    assert!(told.starts_with("a resource must be readable from the JSON that it is"), "{told}");
    assert!(told.contains("Uneven"), "{told}");
}
