//! A converge in which nothing has to be done.

use anyhow::Result;

use crate::measure::{beside, by_turns, command, once};
use crate::project::{Project, managed, source};
use crate::table::{Table, megabytes, milliseconds, ratio};

const FILES: usize = 10_000;

/// Many managed files with contents from assets, beside `sha256sum` over the same bytes.
pub fn run(table: &mut Table) -> Result<()> {
    let environment = format!(
        "[hosts.localhost]\ncomponents = [\"files\"]\n[components.files]\ncount = {FILES}\n"
    );
    let project = Project::new()?.with_files(FILES)?.with_environment("files", &environment)?;
    let mut deploy = command(project.path(), beside("bench-subject")?)?;
    deploy.args(["deploy", "files", "--quiet"]);
    let mut floor = command(project.path(), "sha256sum")?;
    floor.args((0..FILES).map(source));
    floor.args((0..FILES).map(|number| managed("files", number)));

    once(&mut deploy)?;
    let [converge, floor] = by_turns([&mut || once(&mut deploy), &mut || once(&mut floor)])?;
    table.line(
        "no-op converge, 10,000 files of 4 KB",
        milliseconds(converge.time),
        &format!("sha256sum {}", milliseconds(floor.time)),
        ratio(converge.time, floor.time),
        "ratio ≤ 1.5",
    );
    table.figure("  peak memory", megabytes(converge.memory), "≤ 150 MB");
    Ok(())
}
