//! The lints of component crates bite: what goes round `Machine` is refused, with its remedy.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const CONFIGURATIONS: [&str; 2] = ["components/clippy.toml", "examples/hello/clippy.toml"];

/// What `togusa new` writes.
const OF_NEW: &str = "cli/src/launcher/template/project/clippy.toml.in";

#[expect(clippy::disallowed_methods, reason = "the one home of the commands of this test")]
fn clippy(configuration: &str, code: &str) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let crate_ = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(crate_.path().join(name), text).unwrap();
    let manifest = "[package]\nname = \"part\"\nedition = \"2024\"\n\n[lib]\npath = \"lib.rs\"\n";
    write("Cargo.toml", &format!("{manifest}\n[workspace]\n"));
    write("lib.rs", code);
    write("clippy.toml", &fs::read_to_string(root.join(configuration)).unwrap());
    let mut command = Command::new(env!("CARGO"));
    command.args(["clippy", "--offline", "--quiet", "--", "--deny", "warnings"]);
    command.current_dir(&crate_).env("CARGO_TARGET_DIR", crate_.path().join("target"));
    command.output().unwrap()
}

#[test]
fn writing_and_running_past_the_machine_is_refused() {
    let code = "pub fn update() -> std::io::Result<()> {\n    \
                std::fs::write(\"a\", \"b\")?;\n    \
                std::fs::OpenOptions::new().append(true).open(\"a\")?;\n    \
                std::process::Command::new(\"true\").status()?;\n    \
                Ok(())\n}\n";
    for configuration in CONFIGURATIONS {
        let output = clippy(configuration, code);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{configuration}: {told}");
        assert_eq!(told.matches("error: use of a disallowed method").count(), 3, "{told}");
        assert!(told.contains("use `Machine::write`, which is atomic and durable"), "{told}");
        assert!(told.contains("use `Machine::run`, or `Probe::query` in `verify`"), "{told}");
    }
}

#[test]
fn reading_is_not_refused_and_every_banned_method_exists() {
    let code = "pub fn read() -> std::io::Result<String> {\n    \
                std::fs::read_to_string(\"a\")\n}\n";
    for configuration in CONFIGURATIONS {
        let output = clippy(configuration, code);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && told.is_empty(), "{configuration}: {told}");
    }
}

#[test]
fn a_new_project_has_the_lints_of_the_example() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let rules = |path: &str| {
        let text = fs::read_to_string(root.join(path)).unwrap();
        text.split_once("disallowed-methods").map(|(_, rules)| rules.to_owned()).unwrap()
    };
    assert_eq!(rules(OF_NEW), rules(CONFIGURATIONS[1]));
}
