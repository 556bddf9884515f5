//! The program that the tests deploy to the hosts of a lab.

use std::process::ExitCode;

fn main() -> ExitCode {
    togusa_tests::lab_subject::main()
}
