//! A lab of SSH hosts to look around in: `lab COUNT [COMMAND…]`.

use std::process::ExitCode;

fn main() -> ExitCode {
    togusa_tests::lab::main()
}
