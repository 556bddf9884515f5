//! Runs `cargo build`, which alone decides what is fresh.

use std::io::{self, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStderr, Command, ExitStatus, Stdio};
use std::thread;

use serde::Deserialize;
use togusa::core::problem::{Problem, code};
use togusa::core::system;
use togusa::failure::Failure;
use togusa::ui::{Stream, Ui, Verbosity};

use super::program::Built;
use super::progress::Progress;
use super::wrong;

/// A line that cargo writes to standard output.
#[derive(Deserialize)]
struct Message {
    manifest_path: Option<PathBuf>,
    executable: Option<PathBuf>,
    target: Option<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// Builds a project, one of its programs or all; `None` when that failed and cargo has said why.
///
/// Nothing is shown of a build that had nothing to do.
///
/// # Errors
/// Cargo cannot be run.
pub fn run(root: &Path, program: Option<&str>, ui: &Ui) -> Result<Option<Vec<Built>>, Failure> {
    let mut command = cargo(root, program, ui);
    let mut child = command.spawn().map_err(|error| no_cargo(&error))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let listener = ui.clone();
    let listener = thread::spawn(move || stderr.map(|stream| listen(stream, &listener)));
    // What macros print while they are expanded stands among it, and may be anything.
    let mut told = Vec::new();
    let read = stdout.map_or(Ok(0), |mut stream| stream.read_to_end(&mut told));
    let status = read.and_then(|_| child.wait()).map_err(|error| no_cargo(&error))?;
    let held = listener.join().ok().flatten().unwrap_or_default();
    if !status.success() {
        ui.write_bytes(Stream::Notes, &held);
        return if status.code().is_some() { Ok(None) } else { Err(killed(status)) };
    }
    let lines = told.split(|byte| *byte == b'\n');
    let messages = lines.filter_map(|line| serde_json::from_slice::<Message>(line).ok());
    Ok(Some(messages.filter_map(built).collect()))
}

fn built(message: Message) -> Option<Built> {
    let target = message.target.filter(|target| target.kind.iter().any(|kind| kind == "bin"))?;
    Some(Built { name: target.name, file: message.executable?, manifest: message.manifest_path? })
}

fn cargo(root: &Path, program: Option<&str>, ui: &Ui) -> Command {
    let mut command = system::program(system::variable("CARGO").unwrap_or("cargo".to_owned()));
    command.args(["build", "--message-format", "json-render-diagnostics", "--color"]);
    command.arg(if ui.choices.notes_colour { "always" } else { "never" });
    if let Some(program) = program {
        command.args(["--bin", program]);
    }
    if !ui.shows(Verbosity::Normal) {
        command.arg("--quiet");
    }
    // What `cargo run` sets for what it starts must not make build scripts run again.
    let names = std::env::vars_os().map(|(name, _)| name);
    for name in names.filter(|name| {
        let name = name.to_string_lossy();
        name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
    }) {
        command.env_remove(name);
    }
    if ui.choices.progress && io::stderr().is_terminal() {
        let (_, width) = console::Term::stderr().size();
        command.env("CARGO_TERM_PROGRESS_WHEN", "always");
        command.env("CARGO_TERM_PROGRESS_WIDTH", width.to_string());
    }
    // The input is for the program.
    command.current_dir(root).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Shows what cargo says as soon as it has something to do; what was held back until the end.
fn listen(mut stream: ChildStderr, ui: &Ui) -> Vec<u8> {
    let mut progress = Progress::default();
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Cargo's exit code tells whether something was lost that matters.
            Ok(0) | Err(_) => break,
            Ok(length) => ui.write_bytes(Stream::Notes, &progress.take(&buffer[..length])),
        }
    }
    progress.rest()
}

/// Cargo ended without a chance to say why.
fn killed(status: ExitStatus) -> Failure {
    let problem = Problem::new(code::BUILD_ENDED, format!("`cargo build` was ended by {status}"));
    wrong(problem.hint(
        "start it again; after SIGKILL, which the system sends where memory runs out, build with less \
         at once: `CARGO_BUILD_JOBS=1`",
    ))
}

fn no_cargo(error: &io::Error) -> Failure {
    let problem =
        Problem::new(code::NO_RUST, "cannot run `cargo`, which builds the project's program");
    wrong(Problem { causes: vec![error.to_string()], ..problem }.hint(
        "install Rust, as https://rustup.rs tells, or start a program that `togusa build --out DIR` \
         wrote on another machine",
    ))
}
