//! How long a command takes that does little.

use std::path::Path;

use anyhow::Result;

use crate::measure::{beside, by_turns, command, once};
use crate::table::{Table, megabytes, milliseconds, ratio};

/// `check` of the example, beside the start of a process that does nothing.
pub fn run(table: &mut Table) -> Result<()> {
    let here = Path::new(".");
    let mut check = command(here, std::path::absolute(beside("hello")?)?)?;
    check.args(["--project", "examples/hello", "check", "dev"]);
    let mut floor = command(here, "true")?;
    let [check, floor] = by_turns([&mut || once(&mut check), &mut || once(&mut floor)])?;
    table.line(
        "check of examples/hello",
        milliseconds(check.time),
        &format!("true {}", milliseconds(floor.time)),
        ratio(check.time, floor.time),
        "≤ 20 ms",
    );
    table.figure("  peak memory", megabytes(check.memory), "");
    Ok(())
}
