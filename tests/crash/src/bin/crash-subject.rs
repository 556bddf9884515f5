//! A deployment to be killed: `crash-subject HOME MODEL TEXT SERVICE`.

use std::process::ExitCode;

fn main() -> ExitCode {
    togusa_crash::subject::main()
}
