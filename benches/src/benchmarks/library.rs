//! A host with much on it, where nothing is to be done: what finding that out takes.
//!
//! Programs that tell of packages and services are shims that answer at once; users, files and the
//! deployment are real.

use anyhow::Result;
use togusa_tests::lab::Lab;
use togusa_tests::library_subject::crowd;

use crate::measure::{self, Figures, beside, by_turns};
use crate::table::{Table, megabytes, milliseconds, ratio};

const PROJECT: &str = "/srv/project";
const PROGRAM: &str = "/usr/local/bin/bench-subject";
const MEASURE: &str = "/usr/local/bin/bench";

/// 200 packages, 50 users, 100 services and 500 files; the floor are checksums of the files.
pub fn run(table: &mut Table) -> Result<()> {
    let lab = Lab::start(1);
    let host = &lab.hosts()[0];
    crowd::prepare(host);
    for (from, to) in [(beside("bench-subject")?, PROGRAM), (std::env::current_exe()?, MEASURE)] {
        host.write(to, std::fs::read(from)?);
        host.sh(&format!("chmod 755 {to}"));
    }
    let environment = format!(
        "[environment]\nconnect = \"local\"\n[hosts.here]\ncomponents = [\"{}\"]\n",
        crowd::ROOT
    );
    host.write(&format!("{PROJECT}/environments/here/environment.toml"), environment);
    let measure = |command: &[&str]| -> Result<Figures> {
        let mut measured = host.command(MEASURE);
        measured.arg(measure::WORD).args(command).current_dir(PROJECT);
        measure::figures(&measured.output().succeeded())
    };
    let mut deploy = || measure(&[PROGRAM, "deploy", "here", "--quiet"]);
    deploy()?;
    let mut floor =
        || measure(&["sh", "-c", "exec sha256sum ~/deployment/bench/here/work/crowd/*.conf"]);
    let [no_op, sums] = by_turns([&mut deploy, &mut floor])?;
    table.line(
        "no-op, 200 packages, 50 users, 100 services, 500 files",
        milliseconds(no_op.time),
        &format!("sha256sum {}", milliseconds(sums.time)),
        ratio(no_op.time, sums.time),
        "≤ 500 ms",
    );
    table.figure("  CPU", milliseconds(no_op.cpu), "");
    table.figure("  peak memory", megabytes(no_op.memory), "");
    Ok(())
}
