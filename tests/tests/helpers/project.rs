//! The example project, deployed from the coordinator of a lab.

use std::path::PathBuf;

use tempfile::TempDir;
use togusa_tests::example::{EXAMPLE, program};
use togusa_tests::lab::{Lab, Output, Program};

/// A copy of the project with an environment `lab`, whose connections are kept.
pub struct Project<'a> {
    lab: &'a Lab,
    directory: TempDir,
}

impl<'a> Project<'a> {
    /// The project with these hosts, as TOML, and lines for `[environment]`.
    pub fn new(lab: &'a Lab, settings: &str, hosts: &str) -> Self {
        let project = Self { lab, directory: TempDir::new().unwrap() };
        let here = project.path("");
        lab.sh(&format!("cp -R {EXAMPLE}/pages {EXAMPLE}/site {}", here.display()));
        project.environment("lab", settings, hosts);
        project
    }

    /// Writes an environment.
    pub fn environment(&self, name: &str, settings: &str, hosts: &str) {
        let text = format!(
            "[environment]\nkeep_connections = \"5m\"\n{settings}\n{hosts}\n\
             [components.site]\ntitle = \"Looked at\"\n"
        );
        self.write(&format!("environments/{name}/environment.toml"), &text);
    }

    pub fn write(&self, path: &str, text: &str) {
        self.lab.write(&self.path(path).display().to_string(), text);
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    /// A shell script in the project's directory.
    pub fn sh(&self, script: &str) -> String {
        self.lab.sh(&format!("cd {}\n{script}", self.path("").display()))
    }

    /// The program in the project's directory, with arguments separated by blanks.
    pub fn command(&self, arguments: &str) -> Program {
        let mut command = self.lab.command(program(self.lab));
        command.current_dir(self.directory.path()).args(arguments.split_whitespace());
        command
    }

    /// Runs the program and expects an exit code.
    #[track_caller]
    pub fn expect(&self, code: i32, arguments: &str) -> Output {
        expect(code, self.command(arguments).output())
    }
}

#[track_caller]
pub fn expect(code: i32, output: Output) -> Output {
    assert_eq!(output.code(), Some(code), "{}\n{}", output.stdout, output.stderr);
    output
}

/// Hosts of these names with the roots of the project.
pub fn hosts(names: &str) -> String {
    format!("[hosts.\"{names}\"]\ncomponents = [\"pages\", \"site\"]\n")
}
