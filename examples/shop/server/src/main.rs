//! The application of the shop.

use std::process::ExitCode;

fn main() -> ExitCode {
    shop_server::main()
}
