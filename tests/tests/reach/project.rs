//! The example project, deployed from the coordinator of a lab.

use std::path::PathBuf;

use tempfile::TempDir;
use togusa_tests::example::{EXAMPLE, program};
use togusa_tests::lab::{Host, Lab, Output, Process, Program};

/// The example that is deployed.
/// What the last component of the last root makes.
const SITE: &str = "deployment/hello/lab/work/site/current/checksums";

/// What is the same in all environments.
const REST: &str = "[components.site]\ntitle = \"Reached\"\n";

/// A copy of the project with an environment `lab` of its own.
pub struct Project<'a> {
    lab: &'a Lab,
    directory: TempDir,
}

impl<'a> Project<'a> {
    /// The project with this `environment.toml`.
    pub fn new(lab: &'a Lab, environment: &str) -> Self {
        let project = Self { lab, directory: TempDir::new().unwrap() };
        let here = project.directory.path().display();
        lab.sh(&format!("cp -R {EXAMPLE}/pages {EXAMPLE}/site {here}"));
        project.environment(environment);
        project
    }

    /// The project on all hosts of the lab, with these lines for the environment.
    pub fn on_all(lab: &'a Lab, settings: &str) -> Self {
        let hosts: String = lab.hosts().iter().map(|host| on(host.name(), "")).collect();
        Self::new(lab, &format!("[environment]\n{settings}\n{hosts}"))
    }

    /// Replaces `environment.toml`.
    pub fn environment(&self, text: &str) {
        self.write("environments/lab/environment.toml", &format!("{text}{REST}"));
    }

    pub fn write(&self, path: &str, text: &str) {
        self.lab.write(&self.path(path).display().to_string(), text);
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    /// The program in the project's directory, with arguments separated by blanks.
    pub fn command(&self, arguments: &str) -> Program {
        let mut command = self.lab.command(self.program());
        command.current_dir(self.directory.path()).args(arguments.split_whitespace());
        command
    }

    /// The file of the program.
    pub fn program(&self) -> &'static PathBuf {
        program(self.lab)
    }

    /// Deploys to all hosts; what came of it.
    pub fn deploy(&self) -> Deployed {
        Deployed(self.command("deploy lab --no-diff").output())
    }
}

/// A host of the environment with further lines of its own.
pub fn on(host: &str, lines: &str) -> String {
    format!("[hosts.{host}]\ncomponents = [\"pages\", \"site\"]\n{lines}\n")
}

/// Whether the whole site was made below this home directory of the host.
pub fn has_site(host: &Host, home: &str) -> bool {
    host.exists(&format!("{home}/{SITE}"))
}

/// Whether nothing was put into this home directory.
pub fn is_untouched(host: &Host, home: &str) -> bool {
    let made = ["deployment", ".cache"].map(|name| format!("{home}/{name}"));
    !made.iter().any(|path| host.exists(path))
}

/// How many connections the host has taken since it was started.
pub fn connections_to(host: &Host) -> u64 {
    let counters = host.sh("grep ^Tcp: /proc/net/snmp");
    let lines: Vec<Vec<_>> = counters.lines().map(|line| line.split(' ').collect()).collect();
    let at = lines[0].iter().position(|name| *name == "PassiveOpens").unwrap();
    lines[1][at].parse().unwrap()
}

/// The agents that run on a host, without the shells and the sudo that started them.
pub fn agents_on(host: &Host) -> Vec<Process> {
    let mut agents = host.processes_with("/agents/hello/");
    agents.retain(|process| process.command.starts_with('/'));
    agents
}

/// Lets the build of the site wait until there is a file `/tmp/go` on its host.
pub fn build_that_waits(project: &Project<'_>) {
    let script = "echo waiting\nuntil [ -e /tmp/go ]; do sleep 0.02; done\n\
                  mkdir -p public\n: >public/checksums\n";
    project.write("site/src/build.sh", script);
}

/// How a deployment ended.
#[derive(Debug)]
pub struct Deployed(pub Output);

impl Deployed {
    /// All hosts converged.
    #[track_caller]
    pub fn succeeded(self) -> String {
        let Output { stderr, .. } = &self.0;
        let said = stderr.clone();
        self.0.succeeded();
        said
    }

    /// Some host failed, and the exit code says so.
    #[track_caller]
    pub fn failed(self) -> Self {
        assert_eq!(self.0.code(), Some(1), "{self}");
        self
    }

    /// Nothing was begun, since something is wrong with what was asked for; what was said.
    #[track_caller]
    pub fn refused(self) -> String {
        assert_eq!(self.0.code(), Some(2), "{self}");
        self.0.stderr
    }

    /// Expects that a host failed, and that these words are said of it.
    #[track_caller]
    pub fn assert_said(&self, host: &str, words: &[&str]) {
        let said = self.about(host);
        for word in words {
            assert!(said.contains(word), "`{word}` is not in:\n{said}");
        }
    }

    /// What is said about a host that failed: the line with its name and those below it.
    #[track_caller]
    pub fn about(&self, host: &str) -> String {
        let begin = format!("{host}  error[T");
        let mut lines = self.0.stderr.lines().skip_while(|line| !line.starts_with(&begin));
        let first = lines.next().unwrap_or_else(|| panic!("`{host}` did not fail:\n{self}"));
        let rest = lines.take_while(|line| line.starts_with(' '));
        [first].into_iter().chain(rest).map(|line| format!("{line}\n")).collect()
    }
}

impl std::fmt::Display for Deployed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Output { status, stdout, stderr, .. } = &self.0;
        write!(f, "{status}\nstdout:\n{stdout}stderr:\n{stderr}")
    }
}
