//! What surrounds every command: arguments, streams, failures, panics and the exit code.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser as _;
use clap::error::ContextKind;
use togusa_core::problem::{Problem, code};

use crate::arguments::Arguments;
use crate::commands::Command;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ui::{Choices, Ui, colour_is_welcome};

/// Whether any thread of the process panicked outside of component code.
static PANICKED: AtomicBool = AtomicBool::new(false);

/// Parses the arguments, runs the command, shows its failure and returns the exit code.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    command: impl FnOnce(Arguments, &Ui) -> Result<Exit, Failure>,
) -> ExitCode {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let program = program_name(arguments.first());
    match Arguments::try_parse_from(arguments) {
        Ok(arguments) => {
            let choices = Choices::new(&arguments.global);
            // What an agent prints is shown among the causes of what its coordinator reports.
            let for_people = !matches!(arguments.command, Command::Agent(_));
            let explainer = for_people.then_some(program.as_str());
            run_parsed(choices, explainer, |ui| command(arguments, ui))
        }
        Err(error) => refuse(error),
    }
}

/// Shows what clap has to say of the arguments: an error, or the help that was asked for.
pub fn refuse(mut error: clap::Error) -> ExitCode {
    // The help lists the commands that are for users.
    error.remove(ContextKind::ValidSubcommand);
    print(&error);
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Exit::Wrong as u8))
}

/// Runs a command, shows its failure and returns the exit code; `explainer` is the program whose
/// `explain` tells more about what failed.
pub fn run_parsed(
    choices: Choices,
    explainer: Option<&str>,
    command: impl FnOnce(&Ui) -> Result<Exit, Failure>,
) -> ExitCode {
    install_panic_hook();
    let ui = Ui::new(choices);
    let exit = guarded(&ui, || command(&ui));
    if let Some(program) = explainer {
        ui.tell_of_explain(program);
    }
    exit.into()
}

/// Prints the help that was asked for, or what is wrong with the arguments.
fn print(error: &clap::Error) {
    let shown = error.render();
    let coloured = colour_is_welcome() && io::stderr().is_terminal();
    let text = if coloured { shown.ansi().to_string() } else { shown.to_string() };
    let code = code::ARGUMENTS;
    // Nobody is left to be told that this could not be printed.
    let _ = match text.split_once("error:").filter(|(before, _)| !before.contains('\n')) {
        Some((before, after)) => write!(io::stderr(), "{before}error[{code}]:{after}"),
        None => error.print(),
    };
}

/// The name under which the program was called.
pub fn program_name(argument: Option<&OsString>) -> String {
    let path = argument.map(Path::new).and_then(Path::file_name);
    path.map_or_else(|| "togusa".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn guarded(ui: &Ui, command: impl FnOnce() -> Result<Exit, Failure>) -> Exit {
    let result = catch_unwind(AssertUnwindSafe(command));
    let exit = match result {
        Err(_) => Exit::Defect,
        Ok(Ok(exit)) => exit,
        Ok(Err(failure)) => {
            failure.show(ui);
            failure.exit
        }
    };
    match ui.finish() {
        Err(error) if exit == Exit::Success => {
            let mut problem = Problem::new(code::OUTPUT_LOST, "failed to write to standard output");
            problem.causes.push(error.to_string());
            Failure::failed(problem).show(ui);
            Exit::Failed
        }
        _ if PANICKED.load(Ordering::SeqCst) => Exit::Defect,
        _ => exit,
    }
}

fn install_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        PANICKED.store(true, Ordering::SeqCst);
        let backtrace = std::backtrace::Backtrace::capture();
        // Not through `Ui`: the thread that panicked may hold its locks.
        let mut stderr = std::io::stderr().lock();
        let _ = writeln!(stderr, "error[{}]: this is a defect of togusa: {info}", code::DEFECT);
        if backtrace.status() == std::backtrace::BacktraceStatus::Captured {
            let _ = writeln!(stderr, "{backtrace}");
        }
        let _ = writeln!(
            stderr,
            "  hint: please report it with the lines above; RUST_BACKTRACE=1 shows where it was"
        );
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing;

    #[test]
    fn a_failure_is_shown_and_gives_its_exit_code() {
        let (ui, _, notes) = testing::recorded(Choices::default());
        let exit = guarded(&ui, || {
            Err(Failure::wrong_use([Problem::new(
                code::UNKNOWN_ENVIRONMENT,
                "no such environment",
            )]))
        });
        assert_eq!(exit, Exit::Wrong);
        assert_eq!(notes.text(), "error[T0003]: no such environment\n");
    }

    #[test]
    fn a_panic_of_togusa_is_a_defect() {
        let (ui, ..) = testing::recorded(Choices::default());
        assert_eq!(guarded(&ui, || panic!("expected by the test")), Exit::Defect);
    }

    #[test]
    fn output_that_was_lost_is_no_success() {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let bars = indicatif::MultiProgress::new();
        let notes = testing::Buffer::default();
        let ui =
            Ui::with_writers(Choices::default(), Box::new(full), Box::new(notes.clone()), bars);
        let exit = guarded(&ui, || {
            ui.write(crate::ui::Stream::Data, "lost");
            Ok(Exit::Success)
        });
        assert_eq!(exit, Exit::Failed);
        assert!(
            notes.text().starts_with("error[T0012]: failed to write to standard output\n  1: ")
        );
    }

    #[test]
    fn the_program_is_called_what_its_file_is_called() {
        assert_eq!(program_name(Some(&"/opt/shop/shop".into())), "shop");
        assert_eq!(program_name(None), "togusa");
    }
}
