//! The installed command becomes the program of the project.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use tempfile::TempDir;
use togusa_tests::new_project::{NewProject, Ran, finish};

#[test]
fn the_program_gets_what_the_command_was_given() {
    let project = NewProject::new("relay");
    project.run("check dev").expect(0);

    // From below the project, and from elsewhere.
    let mut below = project.togusa("environments");
    let below = project.finish(below.current_dir(project.path("components/app/src")));
    assert_eq!(below.expect(0).out, "dev\n");
    let mut elsewhere = project.togusa("environments --json");
    elsewhere.current_dir("/").env("TOGUSA_PROJECT", project.path(""));
    assert_eq!(project.finish(&mut elsewhere).expect(0).out, "[\"dev\"]\n");

    // What it says of itself can be typed again, and the project keeps its name.
    let usage = project.run("deploy").expect(2).err;
    assert!(usage.contains("Usage: togusa deploy <ENVIRONMENT>"), "{usage}");
    project.run("plan dev --exit-code").expect(4);
    let told = project.run("deploy dev").expect(0).err;
    assert!(told.starts_with("deploying `relay` to `dev`"), "{told}");

    // Standard input, and the variable with a private key.
    let mut add = project.togusa("secrets add dev jo");
    let key = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
    project.finish(add.arg(key)).expect(0);
    let mut set = project.togusa("secrets set dev components.app.greeting");
    let mut set = set.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    set.stdin.take().unwrap().write_all(b"from a pipe\n").unwrap();
    assert!(set.wait().unwrap().success());
    let get = "secrets get dev components.app.greeting";
    let private = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
    let mut get = project.togusa(get);
    let got = project.finish(get.env("TOGUSA_IDENTITY", private)).expect(0);
    assert_eq!(got.out, "from a pipe");

    // Several programs.
    fs::remove_file(project.path("environments/dev/secrets.toml")).unwrap();
    fs::copy(project.path("src/main.rs"), project.path("src/tool.rs")).unwrap();
    let manifest = project.read("Cargo.toml");
    let programs = "[[bin]]\nname = \"relay\"\npath = \"src/main.rs\"\n\n\
                    [[bin]]\nname = \"tool\"\npath = \"src/tool.rs\"\n";
    project.write("Cargo.toml", format!("{manifest}\n{programs}"));
    insta::assert_snapshot!(project.run("check dev --quiet").expect(2).err, @r#"
    error[T0025]: `[project]/Cargo.toml` has 2 programs: `relay`, `tool`
      hint: name the one that deploys with `default-run = "relay"` in `[package]`, or with `program = "…"` in `[package.metadata.togusa]`
    "#);
    project.replace(
        "Cargo.toml",
        "[dependencies]",
        "[package.metadata.togusa]\nprogram = \"tool\"\n\n[dependencies]",
    );
    let told = project.run("deploy dev").expect(0).err;
    assert!(told.contains("deploying `tool` to `dev`"), "{told}");
}

#[test]
fn help_and_completions_need_no_project() {
    let project = NewProject::new("helped");
    for directory in [project.home(""), project.path("")] {
        let mut help = project.togusa("--help");
        let help = project.finish(help.current_dir(&directory)).expect(0);
        for word in ["  new  ", "  add  ", "  deploy  ", "  completions  "] {
            assert!(help.out.contains(word), "{word} is not in\n{}", help.out);
        }
        let mut script = project.togusa("completions bash");
        let script = project.finish(script.current_dir(&directory)).expect(0);
        assert!(script.out.contains("complete -F _togusa "), "{}", script.out);
        assert!(script.out.contains("togusa__subcmd__new)"), "{}", script.out);
        assert!(script.out.contains("togusa__subcmd__deploy)"), "{}", script.out);
        assert!(!script.err.contains("Compiling"), "{}", script.err);
    }
}

/// The installed command in a project, with a script in the place of cargo.
fn with_cargo(name: &'static str, script: &str) -> Ran {
    let directory = TempDir::new().unwrap();
    let cargo = directory.path().join("cargo");
    fs::write(&cargo, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    let project = NewProject::new(name);
    finish(project.togusa("check dev").env("CARGO", cargo).env("ROOT", project.path("")))
}

#[test]
fn a_build_that_was_killed_is_told() {
    insta::assert_snapshot!(with_cargo("killed", "kill -KILL $$").expect(2).err, @"
    error[T0028]: `cargo build` was ended by signal: 9 (SIGKILL)
      hint: start it again; after SIGKILL, which the system sends where memory runs out, build with less at once: `CARGO_BUILD_JOBS=1`
    togusa explain T0028 tells more
    ");
}

#[test]
fn what_a_macro_prints_does_not_hide_the_program() {
    let script = r#"printf '\377\n'
echo '{"manifest_path":"'$ROOT'Cargo.toml","executable":"/bin/echo","target":{"name":"scripted","kind":["bin"]}}'"#;
    assert_eq!(with_cargo("scripted", script).expect(0).out, "check dev\n");
}
