//! The program that deploys the library's components on a host of the lab.

use std::process::ExitCode;

fn main() -> ExitCode {
    togusa_tests::library_subject::main()
}
