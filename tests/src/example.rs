//! The program of `examples/hello`, for tests that deploy it to a lab.

use std::path::PathBuf;
use std::sync::OnceLock;

use crate::lab::Lab;

/// The directory of the example.
pub const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/hello");

/// The program of the example, built with its agent.
pub fn program(lab: &Lab) -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        let program = test.parent().and_then(|deps| deps.parent()).unwrap().join("hello");
        let build_agent = || {
            let mut command = lab.command(&program);
            command.current_dir(EXAMPLE).arg("build").output()
        };
        // A test of all crates has built it already, with their features.
        if !program.exists() || !build_agent().status.success() {
            let mut cargo = lab.command(env!("CARGO"));
            let arguments = ["build", "--quiet", "--locked", "--offline", "--package", "hello"];
            let target = program.parent().and_then(|profile| profile.parent()).unwrap();
            cargo.args(arguments).arg("--target-dir").arg(target);
            cargo.current_dir(EXAMPLE).output().succeeded();
            build_agent().succeeded();
        }
        program
    })
}
