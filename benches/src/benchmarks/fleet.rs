//! One coordinator over many hosts, each simulated by a whole agent in the same process.

use anyhow::Result;

use super::configure::{environment, name};
use crate::measure::{beside, by_turns, command, once};
use crate::project::Project;
use crate::table::{Table, megabytes, milliseconds, ratio};

/// 27, 300 and 1,000 hosts with 40 components each; nothing has to be done. The floor of the larger
/// ones is what the smallest takes, for so many more hosts. Agents and their checks of all files are
/// part of the figures.
pub fn run(table: &mut Table) -> Result<()> {
    const SIZES: [u32; 3] = [27, 300, 1000];
    let mut project = Project::new()?.with_templates(20)?;
    for hosts in SIZES {
        let hosts = hosts as usize;
        project = project.with_environment(&name(hosts), &environment(hosts))?;
    }
    let deploy = |hosts: u32| {
        let mut deploy = command(project.path(), beside("bench-subject")?)?;
        deploy.args(["deploy", &name(hosts as usize), "--quiet"]);
        Ok::<_, anyhow::Error>(deploy)
    };
    let (mut few, mut some, mut many) = (deploy(27)?, deploy(300)?, deploy(1000)?);
    for first in [&mut few, &mut some, &mut many] {
        once(first)?;
    }
    let figures =
        by_turns([&mut || once(&mut few), &mut || once(&mut some), &mut || once(&mut many)])?;
    for (hosts, of_hosts) in SIZES.into_iter().zip(figures) {
        let linear = figures[0].time * hosts / SIZES[0];
        table.line(
            &format!("no-op deploy of {hosts} simulated hosts"),
            milliseconds(of_hosts.time),
            &format!("linear {}", milliseconds(linear)),
            ratio(of_hosts.time, linear),
            if hosts == 1000 { "ratio about 1" } else { "" },
        );
        let target = if hosts == 1000 { "≤ 500 MB" } else { "" };
        table.figure("  peak memory", megabytes(of_hosts.memory), target);
    }
    Ok(())
}
