//! The program `lab`: a lab to look around in.

use std::process::ExitCode;

use super::Lab;

/// Starts a lab of so many hosts and runs a command, or a shell, on its coordinator.
///
/// Its arguments are the number of hosts, 1 by default, and the command.
pub fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let count: usize = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(1);
    let lab = Lab::start(count);
    let command: Vec<_> = arguments.collect();
    let mut program = match command.split_first() {
        Some((program, arguments)) => {
            let mut program = lab.command(program);
            program.args(arguments);
            program
        }
        None => lab.command("bash"),
    };
    let code = program.env("TERM", "xterm-256color").status().code();
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
