//! The installed command `togusa`: it makes projects, and starts their programs.

mod launcher;

fn main() -> std::process::ExitCode {
    launcher::run(std::env::args_os().collect())
}
