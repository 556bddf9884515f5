//! How long an author waits for the program after a change.

use std::path::Path;

use anyhow::{Context as _, Result};

use crate::measure::{by_turns, command, once};
use crate::table::{Table, milliseconds, ratio};

/// The source that is changed; `benches/run` puts it back.
const CHANGED: &str = "examples/hello/site/src/lib.rs";

/// A debug build of the example after a change in one component crate, beside one that has nothing
/// to do.
pub fn run(table: &mut Table) -> Result<()> {
    let original = std::fs::read_to_string(CHANGED).context("to be run by `benches/run`")?;
    let mut build = command(Path::new("."), "cargo")?;
    build.args(["build", "--quiet", "--bin", "hello"]);
    let mut floor = command(Path::new("."), "cargo")?;
    floor.args(["build", "--quiet", "--bin", "hello"]);

    once(&mut build)?;
    let mut changes = 0..;
    let mut change = || {
        let number: u32 = changes.next().unwrap_or_default();
        let addition =
            format!("\n/// Changed by a benchmark.\npub const CHANGED: u32 = {number};\n");
        std::fs::write(CHANGED, format!("{original}{addition}"))?;
        once(&mut build)
    };
    let [rebuild, floor] = by_turns([&mut change, &mut || once(&mut floor)])?;
    std::fs::write(CHANGED, &original)?;
    table.line(
        "rebuild after a change in one crate",
        milliseconds(rebuild.time),
        &format!("no change {}", milliseconds(floor.time)),
        ratio(rebuild.time, floor.time),
        "≤ 3000 ms",
    );
    Ok(())
}
