//! A project whose program is deployed in a lab: its files, its runs, and what they tell.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use togusa_core::event::{Counts, Event, Outcome, RootIdKey, Summary};
use togusa_core::names::RootId;
use togusa_core::system;

use crate::built::is_current;
use crate::lab::{Lab, Output, Program, Running};

/// Longer than anything that a test waits for: what is not there by then never comes.
const PATIENCE: Duration = Duration::from_secs(180);

/// A project in a temporary directory, with one environment, `test`.
#[derive(Debug)]
pub struct Project {
    directory: TempDir,
    program: PathBuf,
}

impl Project {
    /// A project of this program, whose agent is built if it is not there yet.
    pub fn new(program: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let project = Self { directory, program: program.into() };
        project.write("assets/Cargo.toml", "[package]\nname = \"subject-assets\"\n");
        project.environment("[hosts.nowhere]\ncomponents = [\"aside\"]\n");
        project.build();
        project
    }

    /// Builds the program as a user does, with cargo's list of its sources beside it, and its
    /// agent; before any lab, which has no way to a registry, and once for all tests.
    #[expect(clippy::disallowed_methods, reason = "the program of a lab, before there is a lab")]
    fn build(&self) {
        static BUILT: OnceLock<()> = OnceLock::new();
        BUILT.get_or_init(|| {
            if !is_current(&self.program) {
                let name = self.program.file_name().unwrap_or_default();
                let directory = self.program.ancestors().nth(2).unwrap_or(Path::new("target"));
                let cargo = system::variable("CARGO").unwrap_or("cargo".to_owned());
                let mut cargo = Command::new(cargo);
                cargo.args(["build", "--locked", "--package", env!("CARGO_PKG_NAME"), "--bin"]);
                cargo.arg(name).arg("--target-dir").arg(directory);
                succeed(cargo.current_dir(env!("CARGO_MANIFEST_DIR")));
            }
            succeed(Command::new(&self.program).arg("build").current_dir(self.path("")));
        });
    }

    /// A path in the project.
    pub fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    /// Writes a file of the project, with the directories that it needs.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        let write = || {
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::write(&path, content)
        };
        write().unwrap_or_else(|error| panic!("cannot write `{}`: {error}", path.display()));
    }

    /// Sets the environment, as TOML.
    pub fn environment(&self, text: impl AsRef<str>) {
        self.write("environments/test/environment.toml", text.as_ref());
    }

    /// The program, in the directory of the project, on the coordinator of a lab.
    pub fn command(&self, lab: &Lab, arguments: &str) -> Program {
        let mut command = lab.command(&self.program);
        command.args(arguments.split_whitespace()).current_dir(self.directory.path()).own_group();
        command
    }

    /// Runs the program to its end, with `--json`.
    pub fn run(&self, lab: &Lab, arguments: &str) -> Ran {
        self.start_with(lab, arguments).end()
    }

    /// Deploys.
    pub fn deploy(&self, lab: &Lab) -> Ran {
        self.run(lab, "deploy test")
    }

    /// Starts a deployment.
    pub fn start(&self, lab: &Lab) -> Deployment {
        self.start_with(lab, "deploy test")
    }

    /// Starts a run.
    pub fn start_with(&self, lab: &Lab, arguments: &str) -> Deployment {
        Deployment { running: self.command(lab, arguments).arg("--json").spawn() }
    }
}

/// A run that has not been seen to end.
#[derive(Debug)]
pub struct Deployment {
    /// The program.
    pub running: Running,
}

impl Deployment {
    /// What it has told so far.
    pub fn events(&self) -> Vec<Event> {
        events(&self.running.stdout())
    }

    /// Waits until something has happened, and panics if the run ends without it.
    pub fn wait_until(&self, what: &str, mut happened: impl FnMut(&[Event]) -> bool) {
        let start = Instant::now();
        loop {
            // Asked first: what happened right before the end counts.
            let is_running = self.running.is_running();
            if happened(&self.events()) {
                return;
            }
            let told = || format!("{}\n{}", self.running.stdout(), self.running.stderr());
            assert!(is_running, "the run ended without {what}:\n{}", told());
            assert!(start.elapsed() < PATIENCE, "there is no {what}:\n{}", told());
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits until the gated updates of these hosts wait.
    pub fn wait_for_gates(&self, hosts: &[&str]) {
        let waits = |events: &[Event], host: &str| {
            events.iter().any(|event| {
                matches!(event, Event::Output { root, text, .. }
                    if root.host.as_str() == host && text.trim() == "waiting")
            })
        };
        self.wait_until(&format!("wait on {hosts:?}"), |events| {
            hosts.iter().all(|host| waits(events, host))
        });
    }

    /// Waits for the end.
    pub fn end(&self) -> Ran {
        Ran::new(self.running.wait_for(PATIENCE))
    }
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed:\n{words}");
}

fn events(stdout: &str) -> Vec<Event> {
    // A line that is not there as a whole is not told yet.
    stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// A run that has ended.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; `None` after a signal.
    pub code: Option<i32>,
    /// All that it told.
    pub events: Vec<Event>,
    /// What it printed.
    pub output: Output,
}

impl Ran {
    /// A run with `--json` that was started elsewhere.
    pub fn new(output: Output) -> Self {
        Self { code: output.code(), events: events(&output.stdout), output }
    }

    /// Panics unless it ended so, with all that it printed.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        let Output { stdout, stderr, .. } = &self.output;
        assert_eq!(self.code, Some(code), "stdout:\n{stdout}stderr:\n{stderr}");
        self
    }

    /// What all roots came to.
    #[track_caller]
    pub fn summary(&self) -> &Summary {
        let summary = self.events.iter().rev().find_map(|event| match event {
            Event::Finished { summary } => Some(summary),
            _ => None,
        });
        summary.unwrap_or_else(|| panic!("the run has no summary: {:?}", self.output))
    }

    /// How `ROOT@HOST` ended.
    #[track_caller]
    pub fn outcome(&self, root: &str) -> &Outcome {
        let key = RootIdKey::try_from(root.to_owned()).expect("a root is written `ROOT@HOST`");
        let summary = self.summary();
        let root = summary.roots.get(&key).unwrap_or_else(|| panic!("no {root} in {summary:?}"));
        &root.outcome
    }

    /// What all roots did.
    #[track_caller]
    pub fn counts(&self) -> Counts {
        self.summary().counts()
    }

    /// The roots that failed, and the hosts that did.
    #[track_caller]
    pub fn failed_hosts(&self) -> Vec<&str> {
        self.summary().failed_hosts.keys().map(|host| host.as_str()).collect()
    }

    /// What a host failed of, as a user reads it.
    #[track_caller]
    pub fn host_problem(&self, host: &str) -> String {
        let hosts = &self.summary().failed_hosts;
        let problem = hosts.get(host).unwrap_or_else(|| panic!("{host} did not fail: {hosts:?}"));
        problem.to_string()
    }

    /// What a component of a root failed of, as a user reads it.
    #[track_caller]
    pub fn problem(&self, id: &str) -> String {
        let problem = self.events.iter().find_map(|event| match event {
            Event::ComponentFailed { root, problem, .. } if root.to_string() == id => Some(problem),
            _ => None,
        });
        problem.unwrap_or_else(|| panic!("{id} did not fail: {:?}", self.output)).to_string()
    }

    /// The components that were changed or triggered: `ROOT@HOST: BREADCRUMB`.
    pub fn changes(&self) -> Vec<String> {
        let changes = self.events.iter().filter_map(|event| match event {
            Event::ComponentChanged { root, breadcrumb, .. } => {
                Some(format!("{root}: {breadcrumb}"))
            }
            _ => None,
        });
        changes.collect()
    }

    /// Every difference that was mended or would be, as it is shown, and every trigger, without the
    /// names of the components.
    pub fn differences(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for event in &self.events {
            match event {
                Event::ComponentChanged { changes, triggered_by, .. } => {
                    let shown = changes.iter().map(|it| format!("{} {it}", it.symbol()));
                    lines.extend(shown);
                    lines.extend(triggered_by.iter().map(|cause| format!("triggered by {cause}")));
                }
                Event::ComponentUnknown { .. } => lines.push("? unknown until applied".to_owned()),
                _ => {}
            }
        }
        lines
    }

    /// All that components and hosts failed of, as a user reads it.
    pub fn failures(&self) -> Vec<String> {
        let failures = self.events.iter().filter_map(|event| match event {
            Event::ComponentFailed { problem, .. } | Event::HostFailed { problem, .. } => {
                Some(problem.to_string())
            }
            _ => None,
        });
        failures.collect()
    }

    /// Where in the order of events a root started and ended.
    #[track_caller]
    pub fn span(&self, id: &str) -> (usize, usize) {
        let place = |found: &dyn Fn(&Event) -> Option<RootId>| {
            let is_it = |event| found(event).is_some_and(|root| root.to_string() == id);
            self.events.iter().position(is_it)
        };
        let started = place(&|event| match event {
            Event::RootStarted { root } => Some(root.clone()),
            _ => None,
        });
        let finished = place(&|event| match event {
            Event::RootFinished { root, .. } => Some(root.clone()),
            _ => None,
        });
        started.zip(finished).unwrap_or_else(|| panic!("{id} did not run: {:?}", self.output))
    }
}
