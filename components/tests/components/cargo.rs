//! Programs of a crate on the same machine, built by a real cargo; and of a registry, by a fake.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use togusa_components::prelude::*;
use togusa_core::testing::{Answer, Fake};

use crate::Bench;

const TEXT: &str = "fn main() {\n    println!(\"{}\", env!(\"CARGO_PKG_VERSION\"));\n    \
                    if cfg!(feature = \"loud\") {\n        println!(\"loud\");\n    }\n}\n";

/// Writes a crate without dependencies.
fn write(test: &Bench, version: &str) {
    let source = test.outside("tool");
    fs::create_dir_all(source.join("src")).unwrap();
    let manifest = format!(
        "[package]\nname = \"a-tool\"\nversion = \"{version}\"\nedition = \"2021\"\n\
         [[bin]]\nname = \"tool\"\npath = \"src/main.rs\"\n[features]\nloud = []\n[workspace]\n"
    );
    fs::write(source.join("Cargo.toml"), manifest).unwrap();
    fs::write(source.join("src/main.rs"), TEXT).unwrap();
}

fn set(test: &Bench, make: impl Fn(CargoInstall) -> CargoInstall + Send + Sync + 'static) {
    let target = test.outside("target").display().to_string();
    test.set_model(move |scope| {
        let tool = CargoInstall::new("a-tool", "rust");
        scope.add(make(tool).options(["--offline", "--debug", "--target-dir", &*target]));
        Ok(())
    });
}

fn says(test: &Bench) -> String {
    let ran = Command::new(test.path("rust/bin/tool")).output().unwrap();
    String::from_utf8(ran.stdout).unwrap()
}

#[test]
fn a_crate_is_built_with_its_version_and_features_and_goes_again() {
    let test = Bench::new();
    write(&test, "1.0.0");
    let source = test.outside("tool").display().to_string();
    let from = source.clone();
    set(&test, move |tool| tool.path(&from).version("1.0.0"));
    assert_eq!(test.converge(), ["+ create crate a-tool 1.0.0"]);
    assert_eq!(says(&test), "1.0.0\n");
    fs::remove_file(test.path("rust/bin/tool")).unwrap();
    assert_eq!(test.converge(), ["+ create program `tool`"]);

    let from = source.clone();
    set(&test, move |tool| tool.path(&from).version("1.0.0").features(["loud"]));
    assert_eq!(test.converge(), ["~ features default → default, loud"]);
    assert_eq!(says(&test), "1.0.0\nloud\n");
    write(&test, "2.0.0");
    let from = source.clone();
    set(&test, move |tool| tool.path(&from).version("2.0.0").without_default_features());
    let both = ["~ version 1.0.0 → 2.0.0", "~ features default, loud → none"];
    assert_eq!(test.converge(), both);
    assert_eq!(says(&test), "2.0.0\n");

    set(&test, |tool| tool.absent().program("cargo-of-nowhere"));
    let failure = test.failure();
    assert!(failure.contains("there is no program `cargo-of-nowhere`"), "{failure}");
    assert!(failure.contains("install Rust on the host"), "{failure}");
    // No option of an installation is one of a removal.
    test.set_model(|scope| {
        scope.add(CargoInstall::new("a-tool", "rust").absent());
        Ok(())
    });
    assert_eq!(test.converge(), ["- remove crate a-tool 2.0.0"]);
    assert!(!test.exists("rust/bin/tool"));
}

#[test]
fn a_commit_of_git_is_built() {
    let test = Bench::new();
    let source = test.outside("tool");
    let git = |args: &[&str]| {
        let who = ["-c", "user.name=a", "-c", "user.email=a@b"];
        let ran = Command::new("git").args(who).args(args).current_dir(&source).output().unwrap();
        assert!(ran.status.success(), "{args:?}: {}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap().trim().to_owned()
    };
    let mut commits = Vec::new();
    for version in ["1.0.0", "2.0.0"] {
        write(&test, version);
        git(&["init", "-q"]);
        git(&["add", "--all"]);
        git(&["commit", "-q", "-m", version]);
        commits.push(git(&["rev-parse", "HEAD"]));
    }
    let target = test.outside("target").display().to_string();
    let url = format!("file://{}", source.display());
    // What cargo fetches lies in no home of who runs the tests.
    let program = test.outside("cargo").display().to_string();
    let home = test.outside("cargo-home").display().to_string();
    fs::write(&program, format!("#!/bin/sh\nCARGO_HOME='{home}' exec cargo \"$@\"\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let set = |commit: &str| {
        let (url, target, commit) = (url.clone(), target.clone(), commit.to_owned());
        let program = program.clone();
        test.set_model(move |scope| {
            let tool = CargoInstall::new("a-tool", "rust").git(&url, &commit);
            // `--offline` is left out: cargo takes also this repository for one of the network.
            scope.add(tool.program(&*program).options(["--debug", "--target-dir", &*target]));
            Ok(())
        });
    };
    set(&commits[0]);
    assert_eq!(test.converge(), ["+ create crate a-tool"]);
    set(&commits[1]);
    assert_eq!(test.converge(), [format!("~ commit {} → {}", commits[0], commits[1])]);
    assert_eq!(says(&test), "2.0.0\n");
    assert!(test.outside("cargo-home/git").exists(), "this cargo was asked");
}

/// As cargo 1.95 notes what it installed from its registry, shortened.
const NOTE: &str = r#"{"installs": {"ripgrep 14.1.0 (registry+https://github.com/rust-lang/crates.io-index)":
    {"bins": ["rg"], "features": [], "all_features": false, "no_default_features": false}}}"#;

#[test]
fn what_cargo_is_told_is_what_was_asked_for() {
    // cargo 1.95.0, of a crate that the registry has not.
    let unknown =
        "error: could not find `ripgrep` in registry `crates-io` with version `=14.1.0`\n";
    let mut test = Bench::new();
    let root = test.path("rust").display().to_string();
    let install = ["install", "--root", &*root, "--force", "ripgrep"];
    let install = [&install[..], &["--version", "14.1.0", "--locked"]].concat();
    let there = Answer::ok()
        .creates(format!("{root}/.crates2.json"), NOTE)
        .creates(format!("{root}/bin/rg"), "");
    let answers = [Answer::exit(101).stderr(unknown), there];
    let removed = Answer::ok().removes(format!("{root}/.crates2.json"));
    let fake = Fake::new("cargo")
        .on(install.iter().copied(), answers)
        .on(["uninstall", "--root", &*root, "ripgrep"], removed);
    test = test.fake(fake);
    let tool = || CargoInstall::new("ripgrep", "rust").version("14.1.0").locked().user("ada");
    test.set_model(move |scope| {
        scope.add(tool());
        Ok(())
    });
    let failure = test.failure();
    assert!(failure.contains("could not find `ripgrep` in registry"), "{failure}");
    assert_eq!(test.converge(), ["+ create crate ripgrep 14.1.0"]);
    let calls = test.calls("cargo").to_string();
    assert_eq!(calls.matches("  as ada").count(), 2, "{calls}");
    fs::remove_file(test.path("rust/bin/rg")).unwrap();
    assert_eq!(test.converge(), ["+ create program `rg`"]);
    test.set_model(move |scope| {
        scope.add(tool().absent());
        Ok(())
    });
    assert_eq!(test.converge(), ["- remove crate ripgrep 14.1.0"]);
}

#[test]
fn what_cannot_be_is_named() {
    let problem = |make: fn(CargoInstall) -> CargoInstall| {
        let test = Bench::new();
        set(&test, make);
        test.problems()
    };
    let other = Bench::new().model(|scope| {
        scope.add(CargoInstall::new("a b", "rust"));
        Ok(())
    });
    assert!(other.problems().contains("`a b` is no name of a crate"));
    assert!(problem(|tool| tool.version("^1")).contains("is no whole version"));
    assert!(problem(|tool| tool.path("x")).contains("which version is to be there"));
    assert!(problem(|tool| tool.git("u", "main")).contains("no commit by its 40 digits"));
    let both = problem(|tool| tool.git("u", "a".repeat(40)).path("x").version("1.0.0"));
    assert!(both.contains("from a path and from git"), "{both}");
}
