//! What the installed command does: it makes projects, adds to them, and for everything else builds
//! the project's own program and becomes it.
//!
//! It lies in the binary and not in the library, so that no project compiles it.
//!
//! | module | what it does |
//! |---|---|
//! | `arguments` | the command line: that of every project, and what is added here |
//! | `new` | `new`: a project from nothing |
//! | `add` | `add component`, `add environment` |
//! | `hand_over` | builds the program and becomes it |
//! | `build`, `progress` | runs `cargo build`; which of its lines are shown |
//! | `program` | which of several programs is the project's |
//! | `manifest`, `registration` | edits of `Cargo.toml` and of the registry in `main.rs` |
//! | `names` | names of projects and components |
//! | `origin` | where a new project takes togusa from |
//! | `template` | the files that are written |
//! | `files` | writes all of them or none |

mod add;
mod arguments;
mod build;
mod files;
mod hand_over;
mod manifest;
mod names;
mod new;
mod origin;
mod program;
mod progress;
mod registration;
mod template;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use togusa::core::problem::{Problem, code};
use togusa::core::system;
use togusa::exit::Exit;
use togusa::failure::Failure;
use togusa::project::find_root;
use togusa::shell;
use togusa::ui::{Choices, Ui};

use arguments::{Line, Verb};

/// Runs the command that the process was started with.
pub fn run(words: Vec<OsString>) -> ExitCode {
    let line = Line::parse(&words);
    match line {
        Ok(line) => {
            let choices = Choices::new(&line.global);
            let explainer = name(&words);
            shell::run_parsed(choices, Some(&explainer), |ui| dispatch(line, &words, ui))
        }
        Err(error) => shell::refuse(error),
    }
}

fn dispatch(line: Line, words: &[OsString], ui: &Ui) -> Result<Exit, Failure> {
    let root = || root(line.global.project.as_deref());
    match line.verb {
        Verb::New(new) => new.run(ui),
        Verb::Add(add) => add.run(&root()?, ui),
        Verb::Completions(completions) => {
            completions.run_for(&mut arguments::command(), &name(words), ui);
            Ok(Exit::Success)
        }
        Verb::Explain(explain) => explain.run(ui),
        Verb::OfProject => hand_over::run(&root()?, words, ui),
    }
}

/// The name under which this command was called.
fn name(words: &[OsString]) -> String {
    shell::program_name(words.first())
}

/// The project that the command is about.
fn root(chosen: Option<&std::path::Path>) -> Result<PathBuf, Failure> {
    let here = here()?;
    find_root(chosen, &here).map_err(|failure| {
        let problems = failure.problems.list.into_iter().map(|problem| {
            if chosen.is_some() {
                return problem;
            }
            problem.hint(
                "go into a project, name one with `--project`, or make one: `togusa new NAME`",
            )
        });
        Failure::wrong_use(problems)
    })
}

fn here() -> Result<PathBuf, Failure> {
    system::current_directory().map_err(|error| {
        let problem = Problem::new(code::THIS_MACHINE, "cannot tell the current directory");
        wrong(Problem { causes: vec![error.to_string()], ..problem })
    })
}

fn wrong(problem: Problem) -> Failure {
    Failure::wrong_use([problem])
}

/// A problem with a file or directory, and the system's reason.
fn failed(what: &str, path: &std::path::Path, error: &dyn std::fmt::Display) -> Failure {
    let problem = Problem::new(code::PROJECT_FILES, format!("cannot {what} `{}`", path.display()));
    wrong(Problem { causes: vec![error.to_string()], ..problem })
}
