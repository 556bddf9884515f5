//! All benchmarks, and which of them run.

use std::io::Write as _;

use anyhow::{Result, bail};

use crate::benchmarks::{
    configure, converge, fleet, launch, library, rebuild, remote, rollout, secrets, start,
};
use crate::measure;
use crate::table::Table;

type Benchmark = fn(&mut Table) -> Result<()>;

/// The benchmarks by name.
const BENCHMARKS: [(&str, Benchmark); 10] = [
    ("converge", converge::run),
    ("configure", configure::run),
    ("fleet", fleet::run),
    ("library", library::run),
    ("remote", remote::run),
    ("rollout", rollout::run),
    ("secrets", secrets::run),
    ("start", start::run),
    ("launch", launch::run),
    ("rebuild", rebuild::run),
];

/// Runs the named benchmarks, or all of them, and prints their figures.
///
/// # Errors
/// A name that no benchmark has, or what a benchmark reports.
pub fn run(arguments: &[String]) -> Result<()> {
    if let Some((measure::WORD, command)) =
        arguments.split_first().map(|(first, rest)| (first.as_str(), rest))
    {
        return measure::this(command);
    }
    if let Some(unknown) =
        arguments.iter().find(|name| BENCHMARKS.iter().all(|(known, _)| known != name))
    {
        let known = BENCHMARKS.map(|(name, _)| name).join(", ");
        bail!("no benchmark `{unknown}`; there are {known}");
    }
    let mut table = Table::default();
    for (name, benchmark) in BENCHMARKS {
        if arguments.is_empty() || arguments.iter().any(|wanted| wanted == name) {
            benchmark(&mut table)?;
        }
    }
    write!(std::io::stdout(), "{table}")?;
    Ok(())
}
