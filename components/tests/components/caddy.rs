//! Sites of Caddy, with a fake of it.

use std::fs;

use togusa_components::prelude::*;
use togusa_core::prelude::*;
use togusa_core::testing::{Answer, Fake};

use crate::Bench;

const ADAPT: [&str; 5] = ["adapt", "--config", "*", "--adapter", "caddyfile"];
const RELOAD: [&str; 5] = ["reload", "--config", "*", "--adapter", "caddyfile"];

/// Caddy 2.6.2: what it says of a configuration that it cannot read.
const REFUSED: &str = "Error: adapting config using caddyfile: .togusa-shop.caddyfile:2: \
                       unrecognized directive: nonsense\n";

fn bench(reloads: Vec<Answer>) -> Bench {
    let caddy = Fake::new("caddy").on(ADAPT, Answer::exit(1).stderr(REFUSED).when("refusing"));
    let caddy = caddy.on(ADAPT, Answer::ok().stdout("{}\n")).on_start(RELOAD, reloads);
    let test = Bench::new().fake(caddy);
    fs::create_dir_all(test.home("caddy")).unwrap();
    fs::write(test.home("caddy/Caddyfile"), "{\n\tadmin off\n}\n").unwrap();
    test
}

fn set(test: &Bench, make: impl Fn() -> CaddySite + Send + Sync + 'static) {
    test.set_model(move |scope| {
        scope.add(make().config("~/caddy/Caddyfile"));
        Ok(())
    });
}

fn shop() -> CaddySite {
    let app = Address { host: "10.0.0.2".into(), port: 8080 };
    CaddySite::new("shop").address("shop.test").upstream(&app)
}

fn site(test: &Bench) -> String {
    fs::read_to_string(test.home("caddy/Caddyfile.d/shop.caddyfile")).unwrap()
}

#[test]
fn a_site_is_tried_written_imported_and_loaded() {
    let test = bench(vec![Answer::ok()]);
    set(&test, shop);
    let changes = test.converge();
    assert_eq!(changes[0], "+ create file");
    let told = site(&test);
    assert_eq!(told, "shop.test {\n\treverse_proxy 10.0.0.2:8080\n}\n");
    let import = format!("import {}/*.caddyfile\n", test.home("caddy/Caddyfile.d").display());
    let config = fs::read_to_string(test.home("caddy/Caddyfile")).unwrap();
    assert_eq!(config, format!("{{\n\tadmin off\n}}\n{import}"));
    let calls = test.new_calls("caddy");
    let trial = "'~/caddy/.togusa-shop.caddyfile.conf' --adapter caddyfile";
    assert_eq!(
        calls,
        [
            format!("caddy adapt --config {trial}"),
            format!("caddy reload --config {trial}"),
            "caddy reload --config '~/caddy/Caddyfile' --adapter caddyfile".to_owned(),
        ]
    );
    let left: Vec<_> = fs::read_dir(test.home("caddy")).unwrap().collect();
    assert_eq!(left.len(), 2, "nothing else is left behind: {left:?}");

    fs::write(test.home("caddy/Caddyfile"), "import Caddyfile.d/*\n").unwrap();
    assert!(test.converge().is_empty(), "an import of one's own does");
    fs::write(test.home("caddy/Caddyfile"), "# import Caddyfile.d/*").unwrap();
    assert_eq!(test.converge()[0], "~ content (+2 -1 lines)");
    fs::remove_file(test.home("caddy/Caddyfile")).unwrap();
    let failure = test.failure();
    assert!(failure.contains("hint: install the package `caddy`, or add the file"), "{failure}");
}

#[test]
fn each_attribute_is_a_line_and_its_drift_is_mended() {
    type Made = fn() -> CaddySite;
    let made: [(Made, &str); 8] = [
        (|| shop().address(":81"), "shop.test, :81 {\n\treverse_proxy 10.0.0.2:8080\n}\n"),
        (
            || shop().upstream(&Address { host: "::1".into(), port: 81 }),
            "shop.test {\n\treverse_proxy 10.0.0.2:8080 [::1]:81\n}\n",
        ),
        (
            || shop().root("/srv/my shop").upstream_path("/api/*"),
            "shop.test {\n\troot * \"/srv/my shop\"\n\tfile_server\n\
             \treverse_proxy /api/* 10.0.0.2:8080\n}\n",
        ),
        (
            || shop().certificate("/a.crt", "/a.key"),
            "shop.test {\n\ttls \"/a.crt\" \"/a.key\"\n\treverse_proxy 10.0.0.2:8080\n}\n",
        ),
        (
            || shop().internal_tls(),
            "shop.test {\n\ttls internal\n\treverse_proxy 10.0.0.2:8080\n}\n",
        ),
        (|| shop().without_tls(), "http://shop.test {\n\treverse_proxy 10.0.0.2:8080\n}\n"),
        (
            || shop().directive("header {\n\t-Server\n}"),
            "shop.test {\n\theader {\n\t\t-Server\n\t}\n\treverse_proxy 10.0.0.2:8080\n}\n",
        ),
        (|| CaddySite::new("shop").content("whole {{ x }}\n"), "whole {{ x }}\n"),
    ];
    let test = bench(vec![Answer::ok()]);
    set(&test, shop);
    test.converge();
    for (make, expected) in made {
        set(&test, make);
        let changes = test.converge();
        assert!(changes[0].starts_with("~ content ("), "{changes:?}");
        assert_eq!(site(&test), expected);
    }
    let path = test.home("caddy/Caddyfile.d/shop.caddyfile");
    fs::write(&path, "by hand").unwrap();
    test.converge();
    assert_eq!(site(&test), "whole {{ x }}\n");
    if crate::is_root() {
        set(&test, || shop().group("daemon"));
        let changes = test.converge().join("\n");
        assert!(changes.contains("~ group root → daemon"), "{changes}");
    }
}

#[test]
fn a_secret_needs_a_group_that_caddy_is_in() {
    let test = bench(vec![Answer::ok()]);
    let secret = || CaddySite::new("shop").content(Secret::new("basicauth hunter22"));
    set(&test, secret);
    let failure = test.failure();
    assert!(failure.contains("the site holds a secret, and Caddy could not read it"), "{failure}");
    assert!(failure.contains("hint: let Caddy's own user read it, by `.group("), "{failure}");
    assert!(!test.home("caddy/Caddyfile.d/shop.caddyfile").exists());
    assert!(test.new_calls("caddy").is_empty());
    let group = if crate::is_root() { "daemon".to_owned() } else { own_group() };
    set(&test, move || secret().group(&group));
    let run = test.deploy();
    run.assert_success();
    assert!(!format!("{run:?}").contains("hunter"), "{run:?}");
    assert_eq!(crate::bench::mode_of(&test.home("caddy/Caddyfile.d/shop.caddyfile")), 0o640);
}

fn own_group() -> String {
    let output = std::process::Command::new("id").arg("-gn").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_variable_of_whoever_loads_a_site_is_refused() {
    let test = bench(vec![Answer::ok()]);
    set(&test, || shop().directive("respond {$GREETING}"));
    let failure = test.failure();
    assert!(failure.contains("holds `{$`"), "{failure}");
    assert!(failure.contains("hint: write `{env.NAME}`"), "{failure}");
    assert!(test.new_calls("caddy").is_empty());
    set(&test, || shop().directive("respond {env.GREETING}"));
    test.converge();
}

#[test]
fn a_site_that_is_refused_leaves_the_old_one() {
    let refused = "Error: sending configuration to instance: caddy responded with error: HTTP 400: \
                   {\"error\":\"listen tcp :81: bind: address already in use\"}\n";
    let test =
        bench(vec![Answer::ok(), Answer::ok(), Answer::exit(1).stderr(refused), Answer::ok()]);
    set(&test, shop);
    test.converge();
    let before = site(&test);
    set(&test, || shop().address(":81"));
    let failure = test.failure();
    assert!(failure.contains("the site is not changed"), "{failure}");
    assert!(failure.contains("Caddy refuses its configuration"), "{failure}");
    assert!(failure.contains("address already in use"), "{failure}");
    assert_eq!(site(&test), before);
    let changes = test.converge();
    assert!(changes[0].starts_with("~ content ("), "{changes:?}");

    let caddy = Fake::new("caddy").on(ADAPT, Answer::exit(1).stderr(REFUSED));
    let test = Bench::new().fake(caddy);
    fs::create_dir_all(test.home("caddy")).unwrap();
    fs::write(test.home("caddy/Caddyfile"), "").unwrap();
    set(&test, || shop().directive("nonsense"));
    let failure = test.failure();
    assert!(failure.contains("unrecognized directive: nonsense"), "{failure}");
    assert!(!test.home("caddy/Caddyfile.d").exists());
    let left: Vec<_> = fs::read_dir(test.home("caddy")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn a_reload_that_was_missed_is_made_up_for() {
    // The file is written, and the reload fails as if the run had been killed there.
    let gone = Answer::exit(1).stderr("Error: unexpected end\n");
    let test = bench(vec![Answer::ok(), gone, Answer::ok()]);
    set(&test, shop);
    assert!(test.failure().contains("unexpected end"));
    assert!(site(&test).starts_with("shop.test"));
    test.new_calls("caddy");
    let run = test.deploy();
    run.assert_success();
    let told = run.changes().join("\n");
    assert!(told.contains("triggered by"), "{told}");
    let reload = "caddy reload --config '~/caddy/Caddyfile' --adapter caddyfile";
    assert_eq!(test.new_calls("caddy"), [reload]);
    assert!(test.converge().is_empty());
}

#[test]
fn a_caddy_that_does_not_run_is_left_alone_and_absent_sites_go() {
    // Caddy 2.6.2, which nobody runs.
    let refused = "Error: sending configuration to instance: performing request: Post \
                   \"http://localhost:2019/load\": dial tcp 127.0.0.1:2019: connect: connection \
                   refused\n";
    let test = bench(vec![Answer::exit(1).stderr(refused)]);
    set(&test, shop);
    test.converge();
    test.new_calls("caddy");
    test.set_model(|scope| {
        scope.add(shop().address(":81").config("~/caddy/Caddyfile").without_reload());
        scope.on_any_change().add(CaddyReload::new().config("~/caddy/Caddyfile"));
        Ok(())
    });
    test.converge();
    let calls = test.new_calls("caddy");
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert!(calls[1].ends_with("caddyfile --force"), "{calls:?}");
    set(&test, || CaddySite::new("shop").absent());
    let changes = test.converge();
    assert!(changes[0].starts_with("- remove file `"), "{changes:?}");
    assert!(!test.home("caddy/Caddyfile.d/shop.caddyfile").exists());
}

#[test]
fn what_cannot_be_is_a_model_error() {
    let problems = |make: fn() -> CaddySite| {
        let test = Bench::new();
        set(&test, make);
        test.problems()
    };
    assert!(problems(|| CaddySite::new("a/b").root("/x")).contains("`a/b` is no name for a site"));
    assert!(problems(|| shop().address("a b")).contains("`a b` is no address of a site"));
    assert!(problems(|| CaddySite::new("a")).contains("nothing says what the site does"));
    assert!(problems(|| shop().content("x")).contains("the text is given as a whole"));
    assert!(problems(|| shop().root("/x")).contains("none is left for the files"));
    assert!(problems(|| shop().upstream_path("api")).contains("`api` is no path of requests"));
    let told = problems(|| shop().address("https://a").without_tls());
    assert!(told.contains("`https://a` is encrypted, and the site is not to be"), "{told}");
}
