//! What a program does that was started by somebody.

use std::cell::OnceCell;
use std::path::Path;
use std::sync::Arc;

use togusa_core::problem::{Problem, code};
use togusa_core::system;

use super::Cli;
use crate::arguments::Arguments;
use crate::commands::Command;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::find_root;
use crate::session::Session;
use crate::shell;
use crate::ui::Ui;

/// Runs a command.
///
/// # Errors
/// What the command reports.
pub fn dispatch(cli: Cli, arguments: Arguments, ui: &Ui) -> Result<Exit, Failure> {
    let registry = Arc::new(cli.registry);
    let program = shell::program_name(std::env::args_os().next().as_ref());
    match &arguments.command {
        Command::Agent(agent) => return agent.run(registry),
        Command::Components(components) => return components.run(&registry, ui),
        Command::Explain(explain) => return explain.run(ui),
        Command::Schema(schema) => return schema.run(&registry, ui),
        Command::Completions(completions) => {
            completions.run(&program, ui);
            return Ok(Exit::Success);
        }
        _ => {}
    }
    let here = system::current_directory().map_err(|error| {
        Failure::wrong_use([Problem::new(
            code::THIS_MACHINE,
            format!("cannot tell the current directory: {error}"),
        )])
    })?;
    let session = Session {
        registry,
        project: cli.project.unwrap_or_else(|| file_name().unwrap_or(program)),
        root: find_root(arguments.global.project.as_deref(), Path::new(&here))?,
        ui: ui.clone(),
        identity_files: arguments.global.identity.clone(),
        identities: OnceCell::new(),
        interrupt: OnceCell::new(),
    };
    match arguments.command {
        Command::Check(check) => check.run(&session),
        Command::Plan(plan) => plan.run(&session),
        Command::Deploy(deploy) => deploy.run(&session),
        Command::Verify(verify) => verify.run(&session),
        Command::Status(status) => status.run(&session),
        Command::Doctor(doctor) => doctor.run(&session),
        Command::Exec(exec) => exec.run(&session),
        Command::Ssh(ssh) => ssh.run(&session),
        Command::Disconnect(disconnect) => disconnect.run(&session),
        Command::Build(build) => build.run(&session),
        Command::Graph(graph) => graph.run(&session),
        Command::ExplainOrder(explain) => explain.run(&session),
        Command::Show(show) => show.run(&session),
        Command::Secrets(secrets) => secrets.run(&session),
        Command::Environments(environments) => environments.run(&session),
        Command::Agent(_)
        | Command::Components(_)
        | Command::Explain(_)
        | Command::Schema(_)
        | Command::Completions(_) => unreachable!("handled above, as they need no project"),
    }
}

/// The name of the program's file, whichever name it was started under: the installed command
/// `togusa` lends its own.
fn file_name() -> Option<String> {
    let file = std::env::current_exe().ok()?;
    Some(file.file_name()?.to_string_lossy().into_owned())
}
