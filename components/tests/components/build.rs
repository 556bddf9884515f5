//! Builds, of a source that a test makes.

use std::fs;

use togusa_components::prelude::*;

use crate::Bench;
use crate::bench::set_mode;

const CONFIGURE: &str = "#!/bin/sh\nset -e\nprefix=${1#--prefix=}\nshift\n\
    echo \"PREFIX = $prefix\" > config.mk\necho \"ARGS = $* $FLAVOUR\" >> config.mk\n";
const MAKEFILE: &str = "include config.mk\nall: out\nout: main.txt\n\tcp main.txt out; echo $(ARGS) >> out\n\
    install: all\n\tmkdir -p $(PREFIX)/bin\n\tcp out $(PREFIX)/bin/out\n\techo x >> $(PREFIX)/log\n";

fn bench(make: fn() -> Build) -> Bench {
    let test = Bench::new().model(move |scope| {
        scope.add(make());
        Ok(())
    });
    fs::create_dir_all(test.path("src")).unwrap();
    fs::write(test.path("src/configure"), CONFIGURE).unwrap();
    set_mode(&test.path("src/configure"), 0o755);
    fs::write(test.path("src/Makefile"), MAKEFILE).unwrap();
    fs::write(test.path("src/main.txt"), "one\n").unwrap();
    test
}

#[test]
fn it_is_built_once_and_again_when_source_or_options_change() {
    let test = bench(|| Build::new("tool", "src").configure_args(["--x"]).creates("bin/out"));
    assert_eq!(test.converge(), ["+ create build of tool"]);
    assert_eq!(test.read("tool/bin/out"), "one\n--x\n");
    assert!(!test.exists("src/out"), "it was built in its source");
    assert!(test.converge().is_empty());
    fs::write(test.path("src/main.txt"), "two\n").unwrap();
    assert_eq!(test.converge(), ["~ the source changed"]);
    assert_eq!(test.read("tool/bin/out"), "two\n--x\n");
    test.set_model(|scope| {
        let build = Build::new("tool", "src").configure_args(["--y"]).creates("bin/out");
        scope.add(build.env("FLAVOUR", "sweet"));
        Ok(())
    });
    let changes = test.converge();
    assert!(changes[0].contains("configure [\"--x\"]") && changes[0].contains("→"), "{changes:?}");
    assert_eq!(changes[1], "~ the environment variables changed");
    assert_eq!(test.read("tool/bin/out"), "two\n--y sweet\n");
    assert_eq!(test.read("tool/log").lines().count(), 3);
}

#[test]
fn what_it_creates_is_built_again_when_it_is_gone() {
    let test = bench(|| Build::new("tool", "src").creates("bin/out"));
    test.converge();
    fs::remove_file(test.path("tool/bin/out")).unwrap();
    let changes = test.converge();
    assert!(changes[0].ends_with("tool/bin/out`"), "{changes:?}");
    fs::remove_dir_all(test.path("tool")).unwrap();
    assert_eq!(test.converge().len(), 2);
}

#[test]
fn a_source_without_configure_is_made_at_once() {
    let test = bench(|| {
        let build = Build::new("tool", "src").without_configure().make_args(["ARGS=made"]);
        build.install_args(["install", "PREFIX=../../made"]).prefix("made").jobs(1)
    });
    fs::write(test.path("src/config.mk"), "").unwrap();
    fs::remove_file(test.path("src/configure")).unwrap();
    test.converge();
    assert_eq!(test.read("made/bin/out"), "one\nmade\n");
}

#[test]
fn a_build_that_fails_shows_why_and_where() {
    let test = bench(|| Build::new("tool", "src"));
    fs::write(test.path("src/Makefile"), "all:\n\techo broken >&2; exit 3\n").unwrap();
    let failure = test.failure();
    assert!(failure.contains("the copy that was built in is `"), "{failure}");
    assert!(failure.contains("| broken"), "{failure}");
    assert!(test.failure().contains("broken"), "it is not tried again");
    fs::remove_file(test.path("src/configure")).unwrap();
    assert!(test.failure().contains("the source has no `configure`"));
    fs::remove_dir_all(test.path("src")).unwrap();
    let failure = test.failure();
    assert!(
        failure.contains("there is no source in `") && failure.contains("`Archive`"),
        "{failure}"
    );
}

#[test]
fn what_cannot_be_meant_is_a_model_error() {
    let problems = |make: fn() -> Build| {
        let test = Bench::new().model(move |scope| {
            scope.add(make());
            Ok(())
        });
        test.problems()
    };
    assert!(problems(|| Build::new("a/b", "src")).contains("is no name of a build"));
    assert!(
        problems(|| Build::new("a", "src").creates("../x")).contains("no path below the prefix")
    );
    assert!(problems(|| Build::new("src", "src")).contains("into its own source"));
}

#[test]
fn it_is_built_again_without_configure() {
    let test = bench(|| Build::new("tool", "src"));
    test.converge();
    test.set_model(|scope| {
        let build = Build::new("tool", "src").without_configure();
        scope.add(build.make_args(["-f", "Makefile"]).install_args(["--version"]));
        Ok(())
    });
    let changes = test.plan().changes().concat();
    let (from, to) = changes.split_once('→').unwrap();
    assert!(from.contains("configure []") && !to.contains("configure"), "{changes}");
}

#[test]
fn what_was_built_is_removed() {
    let test = bench(|| Build::new("tool", "src"));
    test.converge();
    test.set_model(|scope| {
        scope.add(Build::new("tool", "src").absent());
        Ok(())
    });
    let changes = test.converge();
    assert!(changes.len() == 1 && changes[0].starts_with("- remove `"), "{changes:?}");
    assert!(!test.exists("tool") && test.exists("src"));
    // From a prefix that others use only what is named.
    let shared = || Build::new("tool", "src").prefix("shared").creates("bin/out");
    test.set_model(move |scope| {
        scope.add(shared());
        Ok(())
    });
    test.converge();
    test.set_model(move |scope| {
        scope.add(shared().absent());
        Ok(())
    });
    assert_eq!(test.converge().len(), 1);
    assert!(!test.exists("shared/bin/out") && test.exists("shared/log"));
    test.set_model(move |scope| {
        scope.add(Build::new("tool", "src").prefix("shared").absent());
        Ok(())
    });
    assert!(test.plan_problems().contains("it is not known what the build brought"));
}

#[test]
fn a_package_of_rust_is_built_by_cargo() {
    let crate_ = |version: &str| {
        let test = Bench::new().model(|scope| {
            scope.add(Build::cargo("tool", "src").args(["--offline"]).creates("bin/tool"));
            Ok(())
        });
        fs::create_dir_all(test.path("src/src")).unwrap();
        let manifest =
            format!("[package]\nname = \"tool\"\nversion = \"{version}\"\nedition = \"2024\"\n");
        fs::write(test.path("src/Cargo.toml"), manifest).unwrap();
        let lock =
            format!("version = 4\n\n[[package]]\nname = \"tool\"\nversion = \"{version}\"\n");
        fs::write(test.path("src/Cargo.lock"), lock).unwrap();
        test
    };
    let test = crate_("1.0.0");
    let main = |text: &str| {
        let main = format!("fn main() {{ println!(\"{text}\"); }}\n");
        fs::write(test.path("src/src/main.rs"), main).unwrap();
    };
    let says = || {
        let ran = std::process::Command::new(test.path("tool/bin/tool")).output().unwrap();
        String::from_utf8(ran.stdout).unwrap()
    };
    main("one");
    assert_eq!(test.converge().first().map(String::as_str), Some("+ create build of tool"));
    assert_eq!(says(), "one\n");
    // What somebody builds in the source is no source.
    fs::create_dir_all(test.path("src/target/debug")).unwrap();
    assert!(test.converge().is_empty());
    main("two!");
    assert_eq!(test.converge(), ["~ the source changed"]);
    assert_eq!(says(), "two!\n");
    fs::remove_file(test.path("src/Cargo.toml")).unwrap();
    assert!(test.failure().contains("Cargo.toml"));
    test.set_model(|scope| {
        scope.add(Build::cargo("tool", "src").absent());
        Ok(())
    });
    assert_eq!(test.converge().len(), 1);
    assert!(!test.exists("tool"));
}

#[test]
fn what_a_script_of_npm_makes_becomes_the_prefix() {
    let test = Bench::new();
    let set = |change: fn(Build) -> Build| {
        test.set_model(move |scope| {
            let build = Build::npm("site", "src").prefix("www").env("npm_config_offline", "true");
            scope.add(change(build));
            Ok(())
        });
    };
    set(|build| build);
    fs::create_dir_all(test.path("src")).unwrap();
    let package = |made: &str| {
        let script = format!("mkdir -p {made} && echo page > {made}/index.html");
        let text = format!(
            r#"{{"name": "site", "version": "1.0.0", "scripts": {{"build": "{script}", "none": "true"}}}}"#
        );
        fs::write(test.path("src/package.json"), text).unwrap();
    };
    package("dist");
    let lock = r#"{"name": "site", "version": "1.0.0", "lockfileVersion": 3, "requires": true,
        "packages": {"": {"name": "site", "version": "1.0.0"}}}"#;
    fs::write(test.path("src/package-lock.json"), lock).unwrap();
    assert_eq!(test.converge().first().map(String::as_str), Some("+ create build of site"));
    assert_eq!(test.read("www/index.html"), "page\n");
    assert!(!test.exists("src/dist") && !test.exists(".www.togusa-new"));
    fs::write(test.path("www/old"), "").unwrap();
    package("out");
    assert!(test.failure().contains("script `build` made no directory `dist`"));
    assert!(test.exists("www/old"), "a build that failed changes nothing");
    set(|build| build.output("out"));
    assert_eq!(test.converge().len(), 2);
    assert!(!test.exists("www/old") && test.exists("www/index.html"));
    set(|build| build.prefix("other"));
    fs::create_dir_all(test.path("other/of somebody")).unwrap();
    assert!(test.failure().contains("holds what was not built here"));
    set(Build::absent);
    assert_eq!(test.converge().len(), 1);
    assert!(!test.exists("www"));
}
