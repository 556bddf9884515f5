//! A host of the lab with the subject on it, and environments that are deployed there.

use std::sync::OnceLock;

use togusa_tests::lab::{Host, HostSpec, Lab, Program};
use togusa_tests::project::Ran;

/// Where the subject lies on its host.
const PROGRAM: &str = "/usr/local/bin/library-subject";

/// A host with the subject on it. Tests may share one: each has an environment of its own there,
/// and so a directory of its own to deploy into.
pub struct Subject {
    lab: Lab,
}

impl Subject {
    /// A host with nothing special about it.
    pub fn start() -> Self {
        Self::on(HostSpec::new("here"))
    }

    /// The one host of a lab.
    pub fn on(host: HostSpec) -> Self {
        static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
        let path = env!("CARGO_BIN_EXE_library-subject");
        let bytes = BYTES.get_or_init(|| {
            std::fs::read(path).unwrap_or_else(|error| panic!("cannot read `{path}`: {error}"))
        });
        let lab = Lab::start([host]);
        lab.hosts()[0].write(PROGRAM, bytes);
        lab.hosts()[0].sh(&format!("chmod 755 {PROGRAM}"));
        Self { lab }
    }

    /// The host.
    pub fn host(&self) -> &Host {
        &self.lab.hosts()[0]
    }

    /// Runs a command line on the host as a user does who logs in for it, and gives what it printed.
    #[track_caller]
    pub fn ssh(&self, line: &str) -> String {
        self.lab.command("ssh").args([self.host().name(), line]).output().succeeded()
    }

    /// An environment of a name that no other test takes, deployed by root.
    pub fn site(&self, name: &str) -> Site<'_> {
        self.site_of("root", name)
    }

    /// An environment that a user of the host deploys.
    pub fn site_of(&self, user: &str, name: &str) -> Site<'_> {
        let directory = format!("/srv/{user}/{name}");
        let (user, name) = (user.to_owned(), name.to_owned());
        Site { host: self.host(), user, name, directory, entered: Vec::new() }
    }
}

/// A project on the host, with one environment whose one host is the machine itself.
pub struct Site<'a> {
    host: &'a Host,
    user: String,
    name: String,
    directory: String,
    entered: Vec<String>,
}

impl Site<'_> {
    /// Sets the roots, and what else there is to say about the host or the components, as TOML:
    /// `site.set(["group"], "[components.group]\ngroup = 'web'")`.
    pub fn set<'r>(&self, roots: impl IntoIterator<Item = &'r str>, text: &str) {
        let roots: Vec<_> = roots.into_iter().map(|root| format!("{root:?}")).collect();
        self.write(&format!("[hosts.here]\ncomponents = [{}]\n\n{text}\n", roots.join(", ")));
    }

    /// Sets the hosts too, all of which are the machine itself.
    pub fn write(&self, text: &str) {
        let text = format!("[environment]\nconnect = 'local'\n\n{text}");
        let path = format!("{}/environments/{}/environment.toml", self.directory, self.name);
        self.host.write(&path, text);
        self.host.sh(&format!("chown -R {} {}", self.user, self.directory));
    }

    /// Deploys within what the words enter, such as namespaces on the host.
    pub fn entering(mut self, words: &str) -> Self {
        self.entered = words.split_whitespace().map(str::to_owned).collect();
        self
    }

    /// The program, as the user who deploys.
    pub fn command(&self, arguments: &str) -> Program {
        let mut words = self.entered.iter().map(String::as_str).chain(["runuser"]);
        let mut command = self.host.command(words.next().unwrap_or_default());
        command.args(words).args(["-u", &*self.user, "--", "env"]);
        if self.user != "root" {
            let home = self.host.sh(&format!("getent passwd {} | cut -d: -f6", self.user));
            command.arg(format!("HOME={}", home.trim()));
        }
        command.arg(PROGRAM).args(arguments.split_whitespace()).current_dir(&self.directory);
        command
    }

    /// Deploys, with a list of the programs that were started for it in a file of the host.
    pub fn deploy_traced(&self, list: &str) -> Ran {
        let mut strace = self.host.command("strace");
        strace.args(["-f", "-qq", "-e", "trace=execve", "-e", "signal=none", "-o", list]);
        // Whole arguments: without a length they are cut.
        strace.args(["-s", "1000000", PROGRAM]);
        strace.args(["deploy", &self.name, "--json"]).current_dir(&self.directory);
        Ran::new(strace.output())
    }

    /// What a deployment would do.
    pub fn plan(&self) -> Ran {
        Ran::new(self.command(&format!("plan {} --json", self.name)).output())
    }

    /// Deploys, with whatever end.
    pub fn deploy(&self) -> Ran {
        Ran::new(self.command(&format!("deploy {} --json", self.name)).output())
    }

    /// Plans, deploys, and deploys again: the plan is what the deployment does, and the second one
    /// changes nothing. Gives the differences, each as it is shown, without the components' names.
    #[track_caller]
    pub fn converge(&self) -> Vec<String> {
        let planned = self.plan().expect(0).differences();
        let done = self.deploy().expect(0).differences();
        let again = self.deploy().expect(0).differences();
        assert_eq!(again, Vec::<String>::new(), "the second deployment changed something");
        if !planned.iter().any(|line| line == UNKNOWN) {
            assert_eq!(planned, done, "the plan is not what was done");
        }
        done
    }

    /// What a deployment that must not succeed failed of, as a user reads it.
    #[track_caller]
    pub fn failure(&self) -> String {
        let ran = self.deploy();
        assert!(ran.code != Some(0), "it succeeded: {}", ran.output.stdout);
        let failures = ran.failures();
        if failures.is_empty() { ran.output.stderr } else { failures.join("\n") }
    }
}

/// What stands for a component that cannot be judged before another has changed.
const UNKNOWN: &str = "? unknown until applied";
