//! A static site, built and published by togusa.

use std::process::ExitCode;

use hello_pages::Pages;
use hello_site::Site;
use togusa::prelude::*;

fn main() -> ExitCode {
    let registry = Registry::new().with::<Pages>("pages").with::<Site>("site");
    Cli::new(registry).project("hello").run()
}
