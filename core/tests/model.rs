//! The rules of the model: what `configure` may do, and what is reported of it.

#[path = "model/once.rs"]
mod once;
mod support;

use serde::{Deserialize, Serialize};
use support::{Service, Text, problems};
use togusa_core::names::RootId;
use togusa_core::prelude::*;
use togusa_core::testing::Harness;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Database {
    name: String,
}
impl Resource for Database {}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Backend {
    address: Address,
}
impl Resource for Backend {}

root!(Provider, |scope| {
    scope.provide(Database { name: format!("db of {}", scope.host()) });
});

root!(Consumer, |scope| {
    let database = scope.require_one::<Database>()?;
    scope.add(Text::new("database", database.name.as_str()));
});

root!(Balancer, |scope| {
    let backends = scope.require_all::<Backend>()?;
    let lines: Vec<_> = backends.iter().map(|backend| backend.address.to_string()).collect();
    scope.add(Text::new("backends", lines.join(" ")));
});

root!(App, |scope| {
    scope.provide(Backend { address: scope.address(8080) });
});

fn registry() -> Registry {
    Registry::new()
        .with::<Provider>("a-provider")
        .with::<Consumer>("consumer")
        .with::<Balancer>("balancer")
        .with::<App>("app")
}

#[test]
fn a_consumer_gets_the_value_whatever_the_order_and_depends_on_the_provider() {
    let harness = Harness::new(registry()).host("one", ["consumer"]).host("two", ["a-provider"]);
    let model = harness.configure().unwrap();
    let order: Vec<_> = model.graph().order().iter().map(RootId::to_string).collect();
    assert_eq!(order, ["a-provider@two", "consumer@one"]);

    harness.assert_converges();
    assert_eq!(harness.read("one", "~/database"), "db of two");
}

#[test]
fn all_values_come_in_the_order_of_host_and_root() {
    let harness = Harness::new(registry())
        .host("lb", ["balancer"])
        .host("web10", ["app"])
        .host("web2", ["app"])
        .host("web1", ["app"]);
    harness.assert_converges();
    assert_eq!(harness.read("lb", "~/backends"), "web1:8080 web10:8080 web2:8080");
}

#[test]
fn a_required_resource_that_nobody_provides_names_resource_roots_and_hosts() {
    let harness = Harness::new(registry()).host("one", ["consumer"]).host("two", ["consumer"]);
    assert_eq!(
        problems(&harness),
        "Consumer: required resource `Database` is not provided (on one, two)\n  \
         hint: add a root that provides it to a host, or require it as `optional()`"
    );
}

#[test]
fn a_provided_resource_that_nobody_requires_is_an_error_unless_it_is_offered() {
    let harness = Harness::new(registry()).host("one", ["a-provider"]);
    assert_eq!(
        problems(&harness),
        "Provider: resource `Database` is required by nobody (on one)\n  \
         hint: require it somewhere, or `offer` it instead of `provide`"
    );

    root!(Offering, |scope| {
        scope.offer(Database { name: "spare".into() });
    });
    let harness = Harness::new(Registry::new().with::<Offering>("o")).host("one", ["o"]);
    harness.configure().unwrap();
}

#[test]
fn one_value_is_required_but_two_are_provided() {
    let harness = Harness::new(registry())
        .host("one", ["consumer", "a-provider"])
        .host("two", ["a-provider"]);
    let text = problems(&harness);
    assert!(
        text.contains(
            "one value of resource `Database` is required, but 2 are provided: by \
             `a-provider@one`, `a-provider@two`"
        ),
        "{text}"
    );
}

#[test]
fn a_requirement_restricted_to_a_host_names_that_host() {
    root!(Picky, |scope| {
        scope.require::<Database>().on("tow").one()?;
    });
    let harness = Harness::new(registry().with::<Picky>("picky"))
        .host("one", ["picky"])
        .host("two", ["a-provider"]);
    assert_eq!(
        problems(&harness),
        "Picky: required resource `Database` is not provided on host `tow` (on one)\n  \
         hint: there is no host `tow`; did you mean `two`?"
    );
}

#[test]
fn a_requirement_restricted_to_its_own_host_depends_on_that_host_alone() {
    root!(Local, |scope| {
        scope.require::<Database>().on_this_host().one()?;
    });
    let harness = Harness::new(Registry::new().with::<Provider>("p").with::<Local>("local"))
        .host("one", ["local", "p"])
        .host("two", ["local", "p"]);
    let model = harness.configure().unwrap();
    let first: Vec<_> = model.graph().dependencies(&RootId::new("one", "local")).collect();
    assert_eq!(first, [&RootId::new("one", "p")]);
}

#[test]
fn a_reversed_requirement_lets_the_provider_wait() {
    root!(Migration, |scope| {
        scope.require::<Backend>().reversed().all()?;
    });
    let harness = Harness::new(registry().with::<Migration>("migration"))
        .host("one", ["app"])
        .host("two", ["migration"]);
    let model = harness.configure().unwrap();
    let order: Vec<_> = model.graph().order().iter().map(RootId::to_string).collect();
    assert_eq!(order, ["migration@two", "app@one"]);
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Ping(String);
impl Resource for Ping {}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Pong(String);
impl Resource for Pong {}

#[test]
fn two_roots_can_know_each_other_without_an_order() {
    root!(A, |scope| {
        scope.provide(Ping("ping".into()));
        let pong = scope.require::<Pong>().unordered().one()?;
        scope.add(Text::new("a", pong.0.as_str()));
    });
    root!(B, |scope| {
        scope.provide(Pong("pong".into()));
        let ping = scope.require::<Ping>().unordered().one()?;
        scope.add(Text::new("b", ping.0.as_str()));
    });
    let harness = Harness::new(Registry::new().with::<A>("a").with::<B>("b"))
        .host("one", ["a"])
        .host("two", ["b"]);
    harness.assert_converges();
    assert_eq!(harness.read("one", "~/a"), "pong");
}

#[test]
fn a_cycle_is_reported_as_a_path_of_roots_and_resources() {
    root!(A, |scope| {
        scope.provide(Ping("ping".into()));
        scope.require_one::<Pong>()?;
    });
    root!(B, |scope| {
        scope.provide(Pong("pong".into()));
        scope.require_one::<Ping>()?;
    });
    let harness =
        Harness::new(Registry::new().with::<A>("a").with::<B>("b")).host("one", ["a", "b"]);
    assert_eq!(
        problems(&harness),
        "roots wait for each other in a circle: `a@one` -[Ping]-> `b@one` -[Pong]-> `a@one`\n  \
         hint: let one of the requirements be `unordered()` or `reversed()`, or split a component"
    );
}

#[test]
fn roots_that_wait_for_each_other_are_told_to_provide_first() {
    root!(A, |scope| {
        scope.require_one::<Pong>()?;
        scope.provide(Ping("ping".into()));
    });
    root!(B, |scope| {
        scope.require_one::<Ping>()?;
        scope.provide(Pong("pong".into()));
    });
    let harness =
        Harness::new(Registry::new().with::<A>("a").with::<B>("b")).host("one", ["a", "b"]);
    assert_eq!(
        problems(&harness),
        "A: required resource `Pong` is not provided (on one)\n  \
         hint: `b` waits for `Ping`: if they wait for each other, let one provide before it \
         requires\n\
         B: required resource `Ping` is not provided (on one)\n  \
         hint: `a` waits for `Pong`: if they wait for each other, let one provide before it \
         requires"
    );
}

#[test]
fn a_value_that_never_settles_names_resource_and_roots() {
    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Count(u64);
    impl Resource for Count {}
    root!(Counting, |scope| {
        let before: Vec<_> =
            scope.require::<Count>().unordered().optional().all()?.iter().map(|c| c.0).collect();
        scope.provide(Count(before.iter().max().map_or(0, |max| max + 1)));
    });
    let harness =
        Harness::new(Registry::new().with::<Counting>("counting")).host("one", ["counting"]);
    assert_eq!(
        problems(&harness),
        "the model never settles: resource `Count` of `counting@one` keeps changing\n  \
         hint: `counting@one` is configured again each time; let no value depend on itself in a \
         circle"
    );
}

#[test]
fn an_index_into_values_that_are_not_there_yet_is_tried_again() {
    root!(Indexing, |scope| {
        let all = scope.require::<Database>().optional().all()?;
        scope.add(Text::new("first", all[0].name.as_str()));
    });
    let harness = Harness::new(registry().with::<Indexing>("an-index"))
        .host("one", ["an-index"])
        .host("two", ["a-provider"]);
    harness.assert_converges();

    let harness = Harness::new(registry().with::<Indexing>("an-index")).host("one", ["an-index"]);
    let text = problems(&harness);
    assert!(text.starts_with("Indexing: panicked at core/tests/model.rs:"), "{text}");
}

#[test]
fn logs_appear_once_providers_first() {
    root!(Saying, |scope| {
        scope.require_one::<Database>()?;
        scope.log("consumer");
    });
    root!(Chatty, |scope| {
        scope.log("provider");
        scope.provide(Database { name: "x".into() });
    });
    let registry = Registry::new().with::<Saying>("a").with::<Chatty>("b");
    let harness = Harness::new(registry).host("one", ["a", "b"]);
    let model = harness.configure().unwrap();
    let logs: Vec<_> = model.logs().map(|(_, _, text)| text).collect();
    assert_eq!(logs, ["provider", "consumer"]);
}

#[test]
fn absolute_paths_are_mapped_below_the_sandbox() {
    root!(Paths, |scope| {
        let paths = [scope.path("/etc/app"), scope.path("conf"), scope.path("~/x")];
        let paths: Vec<_> = paths.iter().map(|path| path.as_str().to_owned()).collect();
        scope.log(paths.join(" "));
    });
    let harness = Harness::new(Registry::new().with::<Paths>("paths"))
        .host("one", ["paths"])
        .with_host("one", |host| {
            host.sandbox = Some("~/sandbox".into());
            host.target_directory = "~/deployment/p/e".into();
        });
    let model = harness.configure().unwrap();
    let logs: Vec<_> = model.logs().map(|(_, _, text)| text).collect();
    assert_eq!(logs, ["~/sandbox/etc/app ~/deployment/p/e/work/paths/conf ~/x"]);
}

#[test]
fn a_trigger_on_an_unordered_requirement_is_refused() {
    root!(Restarting, |scope| {
        let database = scope.require::<Database>().unordered().one()?;
        scope.on_change(&database).add(Service::new("app"));
    });
    let registry = registry().with::<Restarting>("restarting");
    let harness = Harness::new(registry).host("one", ["a-provider", "restarting"]);
    let text = problems(&harness);
    assert!(text.contains("does not let `a-provider@one` come first"), "{text}");
}

#[test]
fn unknown_components_features_and_attributes_are_reported_together() {
    #[derive(Debug, Attributes)]
    #[attributes(features("web", "worker"))]
    #[expect(dead_code, reason = "only its reading matters")]
    struct Typed {
        port: u16,
    }
    impl Component for Typed {}
    let harness = Harness::new(Registry::new().with::<Typed>("typed"))
        .host("one", ["typd", "typed"])
        .set("one", "typed", "prot", 80)
        .with_host("one", |host| host.roots[1].features.push("webb".into()));
    assert_eq!(
        problems(&harness),
        "component `typed` has no feature `webb` (on one)\n  hint: did you mean `web`?\n\
         component `typed`: required attribute `port` is not set (on one)\n  \
         hint: set `port` (integer)\n\
         component `typed`: unknown attribute `prot` (on one)\n  hint: did you mean `port`?\n\
         unknown component `typd` (on one)\n  hint: did you mean `typed`?"
    );
}

#[test]
fn features_override_the_default_only_when_given() {
    #[derive(Debug, Attributes)]
    #[attributes(features("web", "worker"), default_features("web"))]
    struct Featured {}
    impl Component for Featured {
        fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
            let features = scope.features().join(",");
            scope.log(features);
            Ok(())
        }
    }
    let harness = Harness::new(Registry::new().with::<Featured>("f"))
        .host("one", ["f"])
        .host("two", ["f"])
        .with_host("two", |host| host.roots[0].features.push("worker".into()));
    let model = harness.configure().unwrap();
    let logs: Vec<_> = model.logs().map(|(_, _, text)| text).collect();
    assert_eq!(logs, ["web", "worker"]);
}

#[test]
fn resources_can_be_given_by_hand() {
    let harness = Harness::new(registry())
        .host("one", ["consumer"])
        .provide(Database { name: "by hand".into() });
    harness.assert_converges();
    assert_eq!(harness.read("one", "~/database"), "by hand");
}

#[test]
fn host_data_reaches_components_and_a_wrong_type_names_the_host() {
    root!(Racked, |scope| {
        let rack = scope.data::<String>("rack")?;
        scope.log(rack.unwrap_or_else(|| "nowhere".into()));
    });
    let harness = Harness::new(Registry::new().with::<Racked>("racked"))
        .host("one", ["racked"])
        .host("two", ["racked"])
        .with_host("one", |host| host.data.insert("rack", "b4"));
    let model = harness.configure().unwrap();
    let logs: Vec<_> = model.logs().map(|(_, _, text)| text).collect();
    assert_eq!(logs, ["b4", "nowhere"]);

    let harness = harness.with_host("two", |host| host.data.insert("rack", 4));
    assert_eq!(
        problems(&harness),
        "Racked: host `two` has wrong data (on two)\n  \
         1: attribute `rack`: expected a string, found an integer (4)"
    );
}

#[test]
fn a_template_with_an_undefined_variable_is_found_before_a_host_is_touched() {
    root!(Templated, |scope| {
        let template =
            scope.inline_template("app.conf", "port = {{ prot }}\n", context! { port => 1 });
        scope.log(template.name());
    });
    let harness = Harness::new(Registry::new().with::<Templated>("t")).host("one", ["t"]);
    assert_eq!(
        problems(&harness),
        "Templated: template `app.conf`, line 1: variable `prot` is undefined (on one)\n  \
         hint: did you mean `port`?"
    );
    assert!(!harness.home(&"one".into()).exists());
}

#[test]
fn a_missing_asset_says_where_it_was_looked_for() {
    root!(Careless, |scope| {
        scope.asset("nowhere.conf")?;
    });
    let harness = Harness::new(Registry::new().with::<Careless>("c")).host("one", ["c"]);
    let text = problems(&harness);
    assert!(
        text.contains("no asset `nowhere.conf`: looked for `tests/support/nowhere.conf`")
            || text.contains("no asset `nowhere.conf`: looked for `tests/nowhere.conf`"),
        "{text}"
    );
    assert!(text.contains("hint: put the file beside the source of the component"), "{text}");
}
