//! Packages of npm, from tarballs on the same machine; and of a registry, by a fake.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use togusa_components::prelude::*;
use togusa_core::testing::{Answer, Fake};

use crate::Bench;

/// Runs npm as somebody who works on a project.
#[track_caller]
fn npm(test: &Bench, directory: &Path, args: &[&str]) {
    let mut command = Command::new("npm");
    command.args(["--offline", "--no-audit", "--no-fund", "--no-update-notifier", "--cache"]);
    let ran = command.arg(test.outside("cache")).args(args).current_dir(directory).output();
    let ran = ran.expect("no `npm`: install the package `npm`");
    assert!(ran.status.success(), "{args:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

/// A tarball of a package with a program; gives its path.
fn pack(test: &Bench, name: &str, version: &str) -> String {
    let work = test.outside("work");
    fs::create_dir_all(&work).unwrap();
    let manifest =
        format!(r#"{{"name": "{name}", "version": "{version}", "bin": {{"{name}": "cli.js"}}}}"#);
    fs::write(work.join("package.json"), manifest).unwrap();
    let script = format!("#!/usr/bin/env node\nconsole.log('{version}')\n");
    fs::write(work.join("cli.js"), script).unwrap();
    fs::set_permissions(work.join("cli.js"), fs::Permissions::from_mode(0o755)).unwrap();
    npm(test, &work, &["pack", "--silent"]);
    work.join(format!("{name}-{version}.tgz")).display().to_string()
}

/// The options that keep npm from the network, and from the home of who runs the tests.
fn offline(test: &Bench) -> [String; 3] {
    ["--offline".into(), "--cache".into(), test.outside("cache").display().to_string()]
}

fn set(test: &Bench, make: impl Fn() -> Npm + Send + Sync + 'static) {
    let options = offline(test);
    test.set_model(move |scope| {
        scope.add(make().options(options.iter().cloned()));
        Ok(())
    });
}

#[test]
fn a_package_below_a_prefix_has_its_version_and_its_programs() {
    let test = Bench::new();
    let (one, two) = (pack(&test, "tool", "1.0.0"), pack(&test, "tool", "2.0.0"));
    let tool = || Npm::new("tool").prefix("node");
    let first = one.clone();
    set(&test, move || tool().version("1.0.0").source(&*first));
    assert_eq!(test.converge(), ["+ create package tool 1.0.0"]);
    let says = || {
        let ran = Command::new(test.path("node/bin/tool")).output().unwrap();
        String::from_utf8(ran.stdout).unwrap()
    };
    assert_eq!(says(), "1.0.0\n");

    let prefix = test.path("node").display().to_string();
    npm(&test, &test.outside(""), &["install", "--global", "--prefix", &prefix, &two]);
    assert_eq!(test.converge(), ["~ version 2.0.0 → 1.0.0"]);
    fs::remove_file(test.path("node/bin/tool")).unwrap();
    assert_eq!(test.converge(), ["+ create program `tool`"]);
    assert_eq!(says(), "1.0.0\n");
    fs::write(test.path("node/lib/node_modules/tool/package.json"), "{ broken").unwrap();
    assert_eq!(test.converge(), ["+ create package tool 1.0.0"]);
    set(&test, tool);
    assert!(test.converge().is_empty(), "any version is right");
    set(&test, move || tool().version("2.0.0").source(&*two));
    assert_eq!(test.converge(), ["~ version 1.0.0 → 2.0.0"]);
    assert_eq!(says(), "2.0.0\n");

    set(&test, move || tool().absent());
    assert_eq!(test.converge(), ["- remove package tool"]);
    assert!(!test.exists("node/lib/node_modules/tool") && !test.exists("node/bin/tool"));
    // npm itself leaves what is no package.
    fs::create_dir_all(test.path("node/lib/node_modules/tool")).unwrap();
    fs::write(test.path("node/lib/node_modules/tool/package.json"), "{ broken").unwrap();
    assert_eq!(test.converge(), ["- remove package tool"]);
    assert!(!test.exists("node/lib/node_modules/tool"));
}

#[test]
fn what_a_project_locks_is_what_it_has() {
    let test = Bench::new();
    let (tool, more) = (pack(&test, "tool", "1.0.0"), pack(&test, "more", "1.0.0"));
    let (newer, dev) = (pack(&test, "tool", "2.0.0"), pack(&test, "dev", "1.0.0"));
    let app = test.path("app");
    fs::create_dir_all(&app).unwrap();
    fs::write(app.join("package.json"), r#"{"name": "app"}"#).unwrap();
    npm(&test, &app, &["install", "--save", &tool, &more]);
    npm(&test, &app, &["install", "--save-dev", &dev]);
    fs::remove_dir_all(app.join("node_modules")).unwrap();
    set(&test, || Npm::locked("app").production());
    let both = ["+ create package more 1.0.0", "+ create package tool 1.0.0"];
    assert_eq!(test.converge(), both);
    assert!(!test.exists("app/node_modules/dev"));
    set(&test, || Npm::locked("app"));
    assert_eq!(test.converge(), ["+ create package dev 1.0.0"]);

    fs::remove_dir_all(app.join("node_modules/more")).unwrap();
    assert_eq!(test.converge(), ["+ create package more 1.0.0"]);
    let lock = test.read("app/package-lock.json");
    let manifest = test.read("app/package.json");
    npm(&test, &app, &["install", "--save", &newer]);
    fs::write(app.join("package-lock.json"), &lock).unwrap();
    fs::write(app.join("package.json"), manifest).unwrap();
    assert_eq!(test.converge(), ["~ version of tool 2.0.0 → 1.0.0"]);
    fs::remove_file(app.join("node_modules/.package-lock.json")).unwrap();
    assert_eq!(test.converge().len(), 3, "of a broken installation nothing is believed");

    fs::write(app.join("package-lock.json"), "<<<<<<< HEAD").unwrap();
    assert!(test.failure().contains("`package-lock.json` cannot be read"));
    fs::remove_file(app.join("package-lock.json")).unwrap();
    assert!(test.failure().contains("there is no `"));
    set(&test, || Npm::locked("app").absent());
    assert_eq!(test.converge(), ["- remove `node_modules` with all that it holds"]);
    assert!(!test.exists("app/node_modules") && test.exists("app/package.json"));
}

#[test]
fn a_package_of_a_project_is_named_in_it() {
    let test = Bench::new();
    let one = pack(&test, "tool", "1.0.0");
    fs::create_dir_all(test.path("app")).unwrap();
    let tool = || Npm::new("tool").directory("app");
    set(&test, move || tool().version("1.0.0").source(&*one));
    assert_eq!(test.converge(), ["+ create package tool 1.0.0"]);
    assert!(test.read("app/package.json").contains("\"tool\""));
    fs::remove_file(test.path("app/node_modules/.bin/tool")).unwrap();
    assert_eq!(test.converge(), ["+ create program `tool`"]);
    set(&test, move || tool().absent());
    assert_eq!(test.converge(), ["- remove package tool"]);
    assert!(!test.read("app/package.json").contains("\"tool\""));
}

#[test]
fn what_npm_is_told_is_what_was_asked_for() {
    // npm 11.19.1, of a package that the registry has not, shortened.
    let unknown = "npm error code E404\nnpm error 404  The requested resource could not be found or \
                   you do not have permission to access it.\n";
    for (package, version) in [("typescript", Some("5.4.5")), ("@at/tool", None)] {
        let mut test = Bench::new();
        let prefix = test.path("node").display().to_string();
        let named = version.map_or(package.to_owned(), |version| format!("{package}@{version}"));
        let quiet = ["--no-audit", "--no-fund", "--no-update-notifier"];
        let whereto = ["--global", "--prefix", &*prefix];
        let call = |command: &[&'static str], named: &str| {
            let words = command.iter().chain(&quiet).chain(&whereto).map(|it| (*it).to_owned());
            words.chain([named.to_owned()]).collect::<Vec<_>>()
        };
        let manifest = format!("{prefix}/lib/node_modules/{package}/package.json");
        let version_there = version.unwrap_or("1.0.0");
        let text = format!(r#"{{"version": "{version_there}", "bin": "cli.js"}}"#);
        let program = package.rsplit('/').next().unwrap();
        let there =
            Answer::ok().creates(&manifest, text).creates(format!("{prefix}/bin/{program}"), "");
        let (install, uninstall) =
            (call(&["install", "--save-exact"], &named), call(&["uninstall"], package));
        let fake = Fake::new("npm")
            .on(install.iter().map(|it| &**it), [Answer::exit(1).stderr(unknown), there])
            .on(uninstall.iter().map(|it| &**it), Answer::ok());
        test = test.fake(fake);
        let tool = move || {
            let tool = Npm::new(package).prefix("node").user("ada");
            match version {
                Some(version) => tool.version(version),
                None => tool,
            }
        };
        test.set_model(move |scope| {
            scope.add(tool());
            Ok(())
        });
        let failure = test.failure();
        assert!(failure.contains("E404"), "{failure}");
        let shown = version.map_or(package.to_owned(), |version| format!("{package} {version}"));
        assert_eq!(test.converge(), [format!("+ create package {shown}")]);
        let calls = test.calls("npm").to_string();
        assert_eq!(calls.matches("  as ada").count(), 2, "{calls}");
        test.set_model(move |scope| {
            scope.add(tool().absent());
            Ok(())
        });
        assert_eq!(test.converge(), [format!("- remove package {package}")]);
    }
}

#[test]
fn what_cannot_be_is_named() {
    let problem = |make: fn() -> Npm| {
        let test = Bench::new().model(move |scope| {
            scope.add(make());
            Ok(())
        });
        test.problems()
    };
    assert!(problem(|| Npm::new("a@1")).contains("`a@1` is no name of a package"));
    assert!(problem(|| Npm::new("a").version("^1.2.3")).contains("is no whole version"));
    assert!(problem(|| Npm::new("a").source("/a.tgz")).contains("which version is to be there"));
    let relative = || Npm::new("a").source("a.tgz").version("1.0.0");
    assert!(problem(relative).contains("neither an absolute path nor a URL"));
    assert!(problem(|| Npm::new("a").production()).contains("for what is locked"));
    assert!(problem(|| Npm::locked("a").version("1.0.0")).contains("in the lock file"));
    assert!(problem(|| Npm::locked("a").prefix("b")).contains("has no prefix"));
}
