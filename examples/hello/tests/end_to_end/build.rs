//! What would be pushed to hosts.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::project::{Project, Ran};

/// What the issue of the deployment over SSH allows for this example.
const LIMIT: u64 = 3_000_000;

fn agent(ran: &Ran) -> Value {
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let list: Vec<Value> = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(list.len(), 1);
    list[0].clone()
}

/// The command, in the environment of this process: the toolchain is found by it.
fn build(project: &Project, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hello"));
    command.arg("build").args(arguments.split_whitespace()).current_dir(project.path(""));
    command
}

fn without_cargo(command: &mut Command) -> &mut Command {
    command.env_remove("PATH").env("CARGO", "/nowhere")
}

#[test]
fn a_small_static_binary_is_built_once_and_prepared_for_machines_without_cargo() {
    let project = Project::new();
    let first = agent(&project.finish(&mut build(&project, "--json")));
    assert!(first["compressed_size"].as_u64().unwrap() <= LIMIT, "{first}");

    // Now there is nothing to do, and no cargo is looked for.
    let mut again = build(&project, "--json");
    assert_eq!(agent(&project.finish(without_cargo(&mut again)))["digest"], first["digest"]);

    // Beside what is prepared lies the whole program, which cargo builds; optimized, it takes minutes.
    let out = project.path("out");
    let mut whole = build(&project, "--json --out out");
    let prepared = agent(&project.finish(whole.env("CARGO_PROFILE_PUSH_OPT_LEVEL", "0")));
    for key in ["target", "size", "compressed_size", "digest", "build"] {
        assert_eq!(prepared[key], first[key], "{key}");
    }

    let name = format!("hello-{}", prepared["target"].as_str().unwrap());
    assert_eq!(prepared["path"], format!("out/{name}"));
    let empty = project.path("empty");
    fs::create_dir(&empty).unwrap();
    fs::copy(out.join(&name), empty.join("hello")).unwrap();
    let version =
        Command::new("chroot").arg(&empty).args(["/hello", "--version"]).output().unwrap();
    assert!(version.status.success(), "{version:?}");
}

#[test]
fn a_target_that_is_not_installed_is_refused_with_the_remedy() {
    let project = Project::new();
    let ran = project.finish(&mut build(&project, "--target sparc-unknown-linux-gnu"));
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(
        ran.err.starts_with("error[T0442]: cannot build for `sparc-unknown-linux-gnu`"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("run `rustup target add sparc-unknown-linux-gnu`"), "{}", ran.err);
}

#[test]
fn without_cargo_and_prepared_binaries_the_remedy_is_told() {
    let project = Project::new();
    let mut build = build(&project, "--target sparc-unknown-linux-gnu");
    let ran = project.finish(without_cargo(&mut build));
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    insta::assert_snapshot!(ran.err, @r"
    error[T0441]: cannot run cargo, to build what is pushed to hosts
      1: No such file or directory (os error 2)
      hint: install Rust, or deploy with `--agents DIR` of binaries that `build --out DIR` wrote elsewhere
    hello explain T0441 tells more
    ");
}
