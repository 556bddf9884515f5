//! The example `hello`, for tests that look at what a program of a project writes.

use std::process::ExitCode;

use hello_pages::Pages;
use hello_site::Site;
use togusa::prelude::*;

fn main() -> ExitCode {
    let registry = Registry::new().with::<Pages>("pages").with::<Site>("site");
    Cli::new(registry).project("hello").run()
}
