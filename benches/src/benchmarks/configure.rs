//! Configuring the models of many hosts.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Result;

use crate::measure::{beside, by_turns, command, once};
use crate::project::Project;
use crate::table::{Table, megabytes, milliseconds, ratio};

const TEMPLATES: usize = 20;

/// How many values a root requires.
const PEERS: usize = 5;

/// 100, 300 and 1,000 hosts, each with 40 components; the floor of each is what the fewest hosts
/// take, for so many more hosts.
pub fn run(table: &mut Table) -> Result<()> {
    let mut project = Project::new()?.with_templates(TEMPLATES)?;
    for hosts in [100, 300, 1000] {
        project = project.with_environment(&name(hosts), &environment(hosts))?;
    }
    let graph = |hosts| {
        let mut graph = command(project.path(), beside("bench-subject")?)?;
        graph.args(["graph", &name(hosts), "--format", "dot"]);
        Ok::<_, anyhow::Error>(graph)
    };
    let (mut few, mut some, mut many) = (graph(100)?, graph(300)?, graph(1000)?);
    let figures =
        by_turns([&mut || once(&mut few), &mut || once(&mut some), &mut || once(&mut many)])?;
    for (hosts, of_hosts) in [100_u32, 300, 1000].into_iter().zip(figures) {
        let linear: Duration = figures[0].time * hosts / 100;
        table.line(
            &format!("configure {hosts} hosts x 40 components"),
            milliseconds(of_hosts.time),
            &format!("linear {}", milliseconds(linear)),
            ratio(of_hosts.time, linear),
            if hosts == 1000 { "≤ 2000 ms, ratio about 1" } else { "" },
        );
        table.figure("  per host", milliseconds(of_hosts.time / hosts), "");
    }
    table.figure("  peak memory of 1000", megabytes(figures[2].memory), "≤ 400 MB");
    Ok(())
}

/// The name of the environment with so many hosts.
pub fn name(hosts: usize) -> String {
    format!("hosts{hosts}")
}

/// Each host requires what those before it provide, the balancer what all do.
pub fn environment(hosts: usize) -> String {
    let mut text = String::from("[hosts.balancer]\ncomponents = [\"balancer\"]\n");
    for host in 0..hosts {
        let peers = (host.saturating_sub(PEERS)..host).map(|peer| format!("\"web{peer:04}\""));
        let peers = peers.collect::<Vec<_>>().join(", ");
        let _ = write!(
            text,
            "[hosts.web{host:04}]\ncomponents = [\"service\"]\n\
             attributes.service.peers = [{peers}]\n"
        );
    }
    text
}
