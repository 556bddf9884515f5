//! The two commands: `build` and `generate`.

use std::process::ExitCode;

use crate::{book, generate};

/// Does what the command says.
#[expect(clippy::print_stderr, clippy::print_stdout, reason = "a program for a terminal")]
pub fn run(command: Option<&str>) -> ExitCode {
    let done = match command {
        Some("build") => {
            book::build().map(|built| format!("{}\n", built.join("index.html").display()))
        }
        Some("generate") => generate::write()
            .map(|paths| paths.iter().map(|path| format!("wrote {path}\n")).collect::<String>()),
        _ => Err(anyhow::anyhow!("usage: togusa-docs build | generate")),
    };
    match done {
        Ok(told) => {
            print!("{told}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
