//! The programs of the examples, for tests that deploy them to a lab.

use std::path::PathBuf;
use std::sync::OnceLock;

use crate::built::is_current;
use crate::lab::Lab;

/// The directory of the example `hello`.
pub const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/hello");

/// The directory of the example `shop`.
pub const SHOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/shop");

/// The program of the example `hello`, built with its agent.
pub fn program(lab: &Lab) -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| built(lab, "hello", EXAMPLE))
}

/// The program of the example `shop`, built with its agent.
pub fn shop(lab: &Lab) -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| built(lab, "shop", SHOP))
}

fn built(lab: &Lab, name: &str, directory: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().and_then(|deps| deps.parent()).unwrap().join(name);
    let build_agent = || {
        let mut command = lab.command(&program);
        command.current_dir(directory).arg("build").output()
    };
    if !is_current(&program) || !build_agent().status.success() {
        let mut cargo = lab.command(env!("CARGO"));
        let arguments = ["build", "--quiet", "--locked", "--offline", "--package", name];
        let target = program.parent().and_then(|profile| profile.parent()).unwrap();
        cargo.args(arguments).arg("--target-dir").arg(target);
        cargo.current_dir(directory).output().succeeded();
        build_agent().succeeded();
    }
    program
}
