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
