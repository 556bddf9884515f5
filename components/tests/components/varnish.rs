//! The configuration of Varnish, with fakes of its programs.

use std::fs;

use togusa_components::prelude::*;
use togusa_core::digest::Digest;
use togusa_core::prelude::*;
use togusa_core::testing::{Answer, Fake};

use crate::Bench;

const FIRST: &str = "vcl 4.1;\nbackend a none;\n";
const SECOND: &str = "vcl 4.1;\nbackend b none;\n";

/// Varnish 7.1.1, which nobody runs.
const NOBODY: &str = "Could not get hold of varnishd, is it running?\n";

/// Varnish 7.1.1: what its compiler says.
const REFUSED: &str = "Message from VCC-compiler:\nExpected one of\n\t'acl', 'sub', 'backend', \
                       'probe', 'import',  or 'vcl'\nFound: 'nonsense' at\n";

fn compiler() -> Fake {
    Fake::new("varnishd").on(["-C", "-f", "*"], Answer::ok().stdout("/* in C */\n"))
}

/// A Varnish that was started with something else, loads two configurations, and goes back.
fn running(prefix: &str) -> Fake {
    let [first, second] = [1, 2].map(|number| format!("{prefix}{number}"));
    let [first, second] = [&*first, &*second];
    let list = |text: &str| Answer::ok().stdout(text);
    let line = |status: &str, name: &str| format!("{status}   auto    warm         1    {name}\n");
    let lines = |active: &str, others: &[&str]| {
        let others: String = others.iter().map(|name| line("available", name)).collect();
        format!("{}{others}\n", line("active", active))
    };
    let boot = &lines("boot", &[]);
    let loaded = &lines("boot", &[first]);
    let one = &lines(first, &["boot"]);
    let both = &lines(first, &["boot", second]);
    let used = &lines(second, &["boot", first]);
    let gone = format!("discarded   cold    busy         1    {first}\n");
    let two = &format!("{gone}{}", lines(second, &["boot"]));
    Fake::new("varnishadm")
        .on(["-t", "0.2", "vcl.list"], list(loaded).when("back"))
        .on(["-t", "0.2", "vcl.list"], list(two).when("discarded 1"))
        .on(["-t", "0.2", "vcl.list"], list(used).when("used 2"))
        .on(["-t", "0.2", "vcl.list"], list(both).when("loaded 2"))
        .on(["-t", "0.2", "vcl.list"], list(one).when("used 1"))
        .on(["-t", "0.2", "vcl.list"], list(loaded).when("loaded 1"))
        .on(["-t", "0.2", "vcl.list"], list(boot))
        .on(["vcl.show", "boot"], list("vcl 4.1;\n\n"))
        .on(["vcl.show", first], list(&format!("{FIRST}\n")))
        .on(["vcl.show", second], list(&format!("{SECOND}\n")))
        .on(["-t", "120", "vcl.load", first, "*"], Answer::ok().sets("loaded 1"))
        .on(["-t", "120", "vcl.load", second, "*"], Answer::ok().sets("loaded 2"))
        .on(["-t", "120", "vcl.use", first], Answer::ok().sets("used 1"))
        .on(["-t", "120", "vcl.use", second], Answer::ok().sets("used 2"))
        .on(["-t", "120", "vcl.use", "boot"], Answer::ok().sets("back"))
        .on(["-t", "120", "vcl.discard", first], Answer::ok().sets("discarded 1").unsets("back"))
        .on(["-t", "120", "vcl.discard", second], Answer::ok())
        .on(["-t", "0.2", "status"], list("Child in state running\n"))
}

fn stopped() -> Fake {
    Fake::new("varnishadm").otherwise(Answer::exit(2).stderr(NOBODY))
}

fn bench(varnishadm: Fake) -> Bench {
    started(|_| varnishadm)
}

/// What the names begin with of what a component has loaded of a file.
fn prefix(test: &Bench, below: &str) -> String {
    let digest = Digest::of(test.home(below).to_str().unwrap().as_bytes()).to_string();
    format!("togusa-{}-", &digest[..8])
}

fn started(varnishadm: impl FnOnce(&str) -> Fake) -> Bench {
    let test = Bench::new().fake(compiler());
    let fake = varnishadm(&prefix(&test, "varnish/default.vcl"));
    let test = test.fake(fake);
    fs::create_dir_all(test.home("varnish")).unwrap();
    test
}

fn set(test: &Bench, make: impl Fn() -> Varnish + Send + Sync + 'static) {
    test.set_model(move |scope| {
        scope.add(make());
        Ok(())
    });
}

fn shop() -> Varnish {
    Varnish::new("~/varnish/default.vcl")
}

fn file(test: &Bench) -> String {
    fs::read_to_string(test.home("varnish/default.vcl")).unwrap()
}

#[test]
fn what_is_asked_for_is_compiled_loaded_written_and_used() {
    let test = started(running);
    set(&test, || shop().content(FIRST));
    let changes = test.converge();
    assert_eq!(changes[0], "+ create file");
    assert!(
        changes.contains(&"~ Varnish uses another configuration, `boot`".into()),
        "{changes:?}"
    );
    assert_eq!(file(&test), FIRST);
    let done = |calls: Vec<String>| -> Vec<String> {
        let asks = |call: &String| call.contains("vcl.list") || call.contains("vcl.show");
        calls.into_iter().filter(|call| !asks(call)).collect()
    };
    let own = prefix(&test, "varnish/default.vcl");
    assert_eq!(
        done(test.new_calls("varnishadm")),
        [
            format!("varnishadm -t 120 vcl.load {own}1 '~/varnish/.togusa-default.vcl'"),
            format!("varnishadm -t 120 vcl.use {own}1")
        ]
    );
    set(&test, || shop().content(SECOND));
    let changes = test.converge();
    assert!(changes[0].starts_with("~ content (+1 -1 lines)"), "{changes:?}");
    let calls = done(test.new_calls("varnishadm"));
    let command = |rest: &str| format!("varnishadm -t 120 {rest}");
    let then = [command(&format!("vcl.use {own}2")), command(&format!("vcl.discard {own}1"))];
    assert_eq!(calls[1..], then);
    assert_eq!(fs::read_dir(test.home("varnish")).unwrap().count(), 1, "nothing is left behind");
    assert!(test.unhealthy().is_empty());
}

#[test]
fn a_configuration_that_was_written_and_not_used_is_used_by_the_next_run() {
    // As a run leaves it that was killed in between.
    let test = started(running);
    set(&test, || shop().content(FIRST));
    fs::write(test.home("varnish/default.vcl"), FIRST).unwrap();
    let changes = test.converge();
    assert_eq!(changes[0], "~ Varnish uses another configuration, `boot`");
    assert!(changes[1].starts_with("~ content (+1 -0 lines)"), "{changes:?}");
}

#[test]
fn one_that_is_refused_leaves_the_old_one() {
    let test = started(running);
    set(&test, || shop().content(FIRST));
    test.converge();

    let refusing = Fake::new("varnishd").otherwise(Answer::exit(2).stderr(REFUSED));
    let test = test.fake(refusing);
    set(&test, || shop().content("nonsense\n"));
    let failure = test.failure();
    assert!(failure.contains("the configuration is not changed"), "{failure}");
    assert!(failure.contains("Found: 'nonsense' at"), "{failure}");
    assert_eq!(file(&test), FIRST);

    let test = test.fake(compiler()).fake(
        Fake::new("varnishadm")
            .on_start(["-t", "120", "vcl.load"], Answer::exit(1).stderr("No space left\n"))
            .on(["-t", "0.2", "vcl.list"], Answer::ok().stdout("active auto warm 1 boot\n"))
            .on_start(["vcl.show"], Answer::ok().stdout(FIRST)),
    );
    let failure = test.failure();
    assert!(failure.contains("No space left"), "{failure}");
    assert_eq!(file(&test), FIRST);
    assert_eq!(fs::read_dir(test.home("varnish")).unwrap().count(), 1, "nothing is left behind");
}

#[test]
fn of_one_that_does_not_run_the_file_is_right_and_it_is_not_healthy() {
    let test = bench(stopped());
    set(&test, || shop().content(FIRST));
    assert_eq!(test.converge()[0], "+ create file");
    let calls = test.new_calls("varnishd");
    assert_eq!(calls, ["varnishd -C -f '~/varnish/.togusa-default.vcl'"]);
    assert!(test.unhealthy().ends_with(": Varnish does not run"), "{}", test.unhealthy());
    fs::write(test.home("varnish/default.vcl"), SECOND).unwrap();
    assert_eq!(test.converge()[0], "~ content (+1 -1 lines)");
    if crate::is_root() {
        set(&test, || shop().content(FIRST).group("daemon"));
        assert_eq!(test.converge(), ["~ mode 0644 → 0640", "~ group root → daemon"]);
    }
    set(&test, || shop().absent());
    assert_eq!(test.converge(), ["- remove file"]);

    let broken =
        Fake::new("varnishadm").otherwise(Answer::exit(1).stderr("Authentication required\n"));
    let test = bench(broken);
    set(&test, || shop().content(FIRST));
    assert!(test.failure().contains("Authentication required"));
}

#[test]
fn what_is_absent_is_given_up_for_what_varnish_was_started_with() {
    let test = started(running);
    set(&test, || shop().content(FIRST));
    test.converge();
    test.new_calls("varnishadm");
    set(&test, || shop().absent());
    let run = test.plan();
    let own = prefix(&test, "varnish/default.vcl");
    assert_eq!(crate::lines(&run), ["- remove file", &*format!("- remove configuration `{own}1`")]);
    test.deploy();
    let calls = test.new_calls("varnishadm");
    let done: Vec<_> = calls.iter().filter(|call| !call.ends_with("vcl.list")).collect();
    let discard = format!("varnishadm -t 120 vcl.discard {own}1");
    assert_eq!(done, ["varnishadm -t 120 vcl.use boot", &*discard]);
    assert!(!test.home("varnish/default.vcl").exists());

    let test = started(|prefix| {
        let alone = format!("active auto warm 1 {prefix}3\n");
        Fake::new("varnishadm").on(["-t", "0.2", "vcl.list"], Answer::ok().stdout(alone))
    });
    set(&test, || shop().absent());
    let failure = test.failure();
    assert!(failure.contains("Varnish has no other configuration to use"), "{failure}");
    assert!(failure.contains("hint: let it use another one"), "{failure}");
}

#[test]
fn what_another_component_or_a_label_needs_stays_when_one_is_absent() {
    // Two that are loaded side by side, the other one in use, and one that a label leads to.
    let test = Bench::new();
    let own = prefix(&test, "varnish/default.vcl");
    let other = prefix(&test, "varnish/other.vcl");
    let line = |status: &str, name: &str| format!("{status}   auto    warm         0    {name}\n");
    let list = |first: &str| {
        let labelled = format!("{own}1    <-    (1 label)");
        let label = format!("available  label   warm         0    shop    ->    {own}1\n");
        let active = line("active", &format!("{other}1"));
        let told = format!("{first}{active}{}{label}", line("available", &labelled));
        Answer::ok().stdout(told)
    };
    let second = format!("{own}2");
    let varnishadm = Fake::new("varnishadm")
        .on(["-t", "0.2", "vcl.list"], list("").when("discarded"))
        .on(["-t", "0.2", "vcl.list"], list(&line("available", &second)))
        .on(["vcl.show", &*format!("{other}1")], Answer::ok().stdout(format!("{SECOND}\n")))
        .on(["-t", "120", "vcl.discard", &*second], Answer::ok().sets("discarded"));
    let test = test.fake(compiler()).fake(varnishadm);
    fs::create_dir_all(test.home("varnish")).unwrap();
    fs::write(test.home("varnish/other.vcl"), SECOND).unwrap();
    test.set_model(|scope| {
        scope.add(Varnish::new("~/varnish/other.vcl").content(SECOND));
        scope.add(shop().absent());
        Ok(())
    });
    assert_eq!(test.converge(), [format!("- remove configuration `{second}`")]);
}

#[test]
fn what_a_failed_load_has_left_is_discarded() {
    // The answer came too late, and Varnish went on.
    let test = started(|prefix| {
        let boot = "active   auto    warm         1    boot\n";
        let list = |rest: &str| Answer::ok().stdout(format!("{boot}{rest}"));
        let left = format!("{prefix}1");
        Fake::new("varnishadm")
            .on(
                ["-t", "0.2", "vcl.list"],
                list(&format!("available auto warm 0 {left}\n")).when("left"),
            )
            .on(["-t", "0.2", "vcl.list"], list(""))
            .on(["vcl.show", "boot"], Answer::ok().stdout(FIRST))
            .on_start(
                ["-t", "120", "vcl.load"],
                Answer::exit(1).stderr("CLI communication error (hdr)\n").sets("left"),
            )
            .on(["-t", "120", "vcl.discard", &*left], Answer::ok().unsets("left"))
    });
    set(&test, || shop().content(SECOND));
    assert!(test.failure().contains("CLI communication error"));
    let calls = test.new_calls("varnishadm").join("\n");
    assert!(calls.contains("-t 120 vcl.discard"), "{calls}");
}

#[test]
fn a_secret_is_never_shown_and_another_instance_is_asked_by_its_name() {
    let told = "active auto warm 1 boot\n";
    let varnishadm = Fake::new("varnishadm")
        .on(["-n", "shop", "-t", "0.2", "vcl.list"], Answer::ok().stdout(told))
        .on(["-n", "shop", "vcl.show", "boot"], Answer::ok().stdout("# hunter11\n\n"))
        .on_start(["-n", "shop"], Answer::ok());
    let test = bench(varnishadm);
    set(&test, || shop().instance("shop").content(Secret::new("# hunter22\n")));
    let run = test.deploy();
    // The fake never uses what it loads.
    assert!(!run.summary.is_success());
    assert!(!format!("{run:?}").contains("hunter"), "{run:?}");
    assert_eq!(crate::bench::mode_of(&test.home("varnish/default.vcl")), 0o600);
    let model = Bench::new();
    set(&model, || shop().instance("-x"));
    assert!(model.problems().contains("`-x` is no name of a Varnish"));
}
