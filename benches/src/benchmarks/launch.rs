//! What the installed command adds to what cargo and the program take.

use std::path::Path;

use anyhow::Result;

use crate::measure::{beside, by_turns, command, once};
use crate::table::{Table, milliseconds};

const PROJECT: &str = "examples/hello";

/// `togusa check` in the example, beside a `cargo build` that has nothing to do, followed by the
/// program itself.
pub fn run(table: &mut Table) -> Result<()> {
    let here = Path::new(PROJECT);
    let mut whole = command(here, std::path::absolute(beside("togusa")?)?)?;
    whole.args(["check", "dev"]);
    let mut build = command(here, "cargo")?;
    build.args(["build", "--quiet"]);
    // The first makes everything fresh, and the program that the others measure.
    once(&mut build)?;
    let target = std::env::current_exe()?.ancestors().nth(2).map(|it| it.join("debug/hello"));
    let mut program = command(here, target.unwrap_or_default())?;
    program.args(["check", "dev"]);
    let [whole, build, program] =
        by_turns([&mut || once(&mut whole), &mut || once(&mut build), &mut || once(&mut program)])?;
    let parts = build.time + program.time;
    table.line(
        "togusa check of examples/hello",
        milliseconds(whole.time),
        &format!("cargo build {} + check {}", milliseconds(build.time), milliseconds(program.time)),
        format!("+ {}", milliseconds(whole.time.saturating_sub(parts))),
        "≤ + 150 ms",
    );
    Ok(())
}
