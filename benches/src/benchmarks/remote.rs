//! Deployments over SSH to 27 hosts, beside what plain `ssh` takes for the same hosts.
//!
//! The hosts are real sshd's in namespaces of this machine, which does the work of both ends.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, ensure};
use togusa_tests::lab::{Host, Lab};

use crate::measure::{self, Figures, beside, by_turns};
use crate::project::Project;
use crate::table::{Table, megabytes, milliseconds, ratio};

const HOSTS: usize = 27;
const TEMPLATES: usize = 20;

/// No-op deployments over new and over kept connections, one changed template, and a first one.
pub fn run(table: &mut Table) -> Result<()> {
    let bench = Bench::new()?;
    bench.sh(&format!("{} build --out ~/agents >&2", bench.program()?))?;
    bench.deploy("new")?;
    // Those that are kept would be used by all who come.
    let [new, floor_new] =
        by_turns([&mut || bench.deploy("new"), &mut || bench.floor("ssh -o ControlPath=none")])?;

    bench.keep_plain_connections()?;
    bench.deploy("kept")?;
    let plain_kept = "ssh -F ~/.ssh/plain";
    let mut changes = 0;
    let mut change = || {
        changes += 1;
        bench.change_template(changes)?;
        bench.deploy("kept")
    };
    let (mut of_no_op, mut of_change) = (0, 0);
    let [kept, floor_kept, changed] = by_turns([
        &mut || {
            let (figures, bytes) = bench.counted(|| bench.deploy("kept"))?;
            of_no_op = bytes;
            Ok(figures)
        },
        &mut || bench.floor(plain_kept),
        &mut || {
            let (figures, bytes) = bench.counted(&mut change)?;
            of_change = bytes;
            Ok(figures)
        },
    ])?;
    let line = |table: &mut Table,
                what: &str,
                of: &Figures,
                name: &str,
                floor: &Figures,
                target| {
        let floor_text = format!("{name} {}", milliseconds(floor.time));
        table.line(what, milliseconds(of.time), &floor_text, ratio(of.time, floor.time), target);
    };
    line(table, "no-op, 27 hosts, new connections", &new, "ssh true", &floor_new, "ratio ≤ 1.15");
    line(table, "no-op, 27 hosts, kept connections", &kept, "ssh true", &floor_kept, "ratio ≤ 3");
    table.figure("  CPU of the coordinator", milliseconds(kept.cpu), "≤ 500 ms");
    table.figure("  its peak memory", megabytes(kept.memory), "≤ 100 MB");
    table.figure("  bytes to a host", of_no_op.to_string(), "");
    line(table, "one changed template, 27 hosts", &changed, "no-op", &kept, "ratio ≤ 1.2");
    table.figure("  bytes to a host", of_change.to_string(), "proportional to the change");
    bench.agent(table)?;
    bench.first(table)
}

struct Bench {
    lab: Lab,
    project: Project,
}

impl Bench {
    fn new() -> Result<Self> {
        let mut project = Project::new()?.with_templates(TEMPLATES)?;
        let mut hosts = String::new();
        for number in 1..=HOSTS {
            writeln!(hosts, "[hosts.host{number}]\ncomponents = [\"standard\"]")?;
        }
        for (name, keep) in [("new", "0s"), ("kept", "10m")] {
            let head = format!("[environment]\nkeep_connections = \"{keep}\"\n");
            project.write(&format!("environments/{name}/environment.toml"), &(head + &hosts))?;
        }
        project = project.with_templates(TEMPLATES)?;
        Ok(Self { lab: Lab::start(HOSTS), project })
    }

    fn program(&self) -> Result<String> {
        Ok(beside("bench-subject")?.display().to_string())
    }

    fn sh(&self, script: &str) -> Result<String> {
        let mut shell = self.lab.command("sh");
        let output = shell.args(["-ec", script]).current_dir(self.project.path()).output();
        Ok(output.succeeded())
    }

    /// What a command takes that runs on the coordinator.
    fn measure(&self, command: &[&str]) -> Result<Figures> {
        let mut measured = self.lab.command(std::env::current_exe()?);
        measured.arg(measure::WORD).args(command).current_dir(self.project.path());
        measure::figures(&measured.output().succeeded())
    }

    fn deploy(&self, environment: &str) -> Result<Figures> {
        let program = self.program()?;
        self.measure(&[&program, "deploy", environment, "--quiet"])
    }

    /// `ssh HOST true` for all hosts at once.
    fn floor(&self, ssh: &str) -> Result<Figures> {
        let script = format!("for n in $(seq {HOSTS}); do {ssh} host$n true & done; wait");
        self.measure(&["sh", "-c", &script])
    }

    /// Ends the connections that are kept.
    fn disconnect(&self) -> Result<()> {
        self.sh(&format!("{} disconnect >&2", self.program()?))?;
        Ok(())
    }

    /// Plain `ssh` gets kept connections of its own.
    fn keep_plain_connections(&self) -> Result<()> {
        let config = self.lab.read("~/.ssh/config");
        self.lab.write("~/.ssh/plain", format!("ControlPath ~/.ssh/plain-%n\n{config}"));
        let master = "ssh -F ~/.ssh/plain -MNf -o ControlPersist=yes";
        self.sh(&format!("for n in $(seq {HOSTS}); do {master} host$n; done"))?;
        Ok(())
    }

    fn change_template(&self, number: usize) -> Result<()> {
        let path = self.project.path().join("assets/src/templates/t00.conf.j2");
        let text = std::fs::read_to_string(&path)?;
        let (_, rest) = text.split_once('\n').context("an empty template")?;
        std::fs::write(&path, format!("# change {number}\n{rest}"))?;
        Ok(())
    }

    /// How many bytes each host received meanwhile, as the mean.
    fn counted(&self, mut work: impl FnMut() -> Result<Figures>) -> Result<(Figures, u64)> {
        let received = || self.lab.hosts().iter().map(|host| host.traffic().received).sum::<u64>();
        let before = received();
        let figures = work()?;
        Ok((figures, (received() - before) / HOSTS as u64))
    }

    /// What the agent takes on one host, with all that it starts.
    fn agent(&self, table: &mut Table) -> Result<()> {
        let host = &self.lab["host1"];
        host.sh(
            "mv /usr/bin/dash /usr/bin/dash.real; printf '%s\\n' '#!/usr/bin/dash.real' \
             'exec /usr/bin/time -a -o /tmp/usage -f \"%U %S %M\" /usr/bin/dash.real \"$@\"' >/usr/bin/dash; \
             chmod 755 /usr/bin/dash",
        );
        self.deploy("kept")?;
        let usage = host.read("/tmp/usage");
        table.figure(
            "  CPU s and memory KB of an agent",
            usage.trim().replace('\n', " / "),
            "≤ 0.015 s, ≤ 15 MB",
        );
        host.sh("mv /usr/bin/dash.real /usr/bin/dash");
        Ok(())
    }

    /// A first deployment, beside sending the same compressed binary with plain `ssh`.
    fn first(&self, table: &mut Table) -> Result<()> {
        self.disconnect()?;
        let empty = |host: &Host| host.sh("rm -rf ~/.cache/togusa ~/deployment /tmp/pushed");
        let binary = self.sh("ls ~/agents/*.gz")?;
        let push = format!(
            "for n in $(seq {HOSTS}); do ssh -o ControlPath=none host$n 'cat >/tmp/pushed' <{} & done; wait",
            binary.trim()
        );
        let [first, floor] = by_turns([
            &mut || {
                self.lab.hosts().iter().for_each(|host| drop(empty(host)));
                self.deploy("new")
            },
            &mut || self.measure(&["sh", "-c", &push]),
        ])?;
        for host in self.lab.hosts() {
            ensure!(host.exists("/tmp/pushed"), "the floor did not push to {}", host.name());
        }
        let floor_text = format!("ssh cat {}", milliseconds(floor.time));
        let ratio = ratio(first.time, floor.time);
        table.line(
            "first deploy, 27 hosts",
            milliseconds(first.time),
            &floor_text,
            ratio,
            "ratio ≤ 2",
        );
        let size = self.sh("wc -c <$(ls ~/agents/*.gz)")?;
        table.figure("  pushed binary, compressed bytes", size.trim().to_owned(), "≤ 3 MB");
        Ok(())
    }
}
