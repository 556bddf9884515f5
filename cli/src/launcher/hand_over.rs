//! Builds the project's program and becomes it.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};

use togusa::core::problem::{Problem, code};
use togusa::core::system::{self, IDENTITY_VARIABLE};
use togusa::exit::Exit;
use togusa::failure::Failure;
use togusa::ui::Ui;

use super::program::Choice;
use super::{build, failed, name, wrong};

/// Builds the program of the project at `root` and becomes it, with the same words.
///
/// It returns when that did not come about: cargo has said by itself why a build failed.
///
/// # Errors
/// Cargo cannot be run, or it is not clear which program is the project's.
pub fn run(root: &Path, words: &[OsString], ui: &Ui) -> Result<Exit, Failure> {
    let manifest = manifest_of(root)?;
    let choice = Choice::read(&manifest)?;
    let Some(built) = build::run(root, choice.named(), ui)? else {
        return choice.lost().map_or(Ok(Exit::Wrong), |problem| Err(wrong(problem)));
    };
    let program = choice.of(built)?;
    // What it says of itself is to be typed again, so it bears the name that was typed.
    let mut command = system::program(&program);
    command.arg0(name(words)).args(words.get(1..).unwrap_or_default());
    if let Some(key) = std::env::var_os(IDENTITY_VARIABLE) {
        command.env(IDENTITY_VARIABLE, key);
    }
    let error = command.exec();
    Err(failed("start", &program, &error))
}

/// The manifest that cargo goes by in a project.
fn manifest_of(root: &Path) -> Result<PathBuf, Failure> {
    let manifests = root.ancestors().map(|directory| directory.join("Cargo.toml"));
    manifests.into_iter().find(|manifest| manifest.is_file()).ok_or_else(|| {
        let message = format!("the project in `{}` has no `Cargo.toml`", root.display());
        wrong(Problem::new(code::MANIFEST_LACKS, message).hint(
            "start its program itself, go into a project that has one, or make one: \
             `togusa new NAME`",
        ))
    })
}
