//! A copy of the example, and the deployments of it.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;
use togusa_tests::example::{SHOP, shop};
use togusa_tests::lab::{Host, Lab, Program};
use togusa_tests::project::Ran;

/// The key that opens the secrets of the example.
const IDENTITY: &str = "environments/example.key";

/// What the component crates need of the example, without its program.
const PARTS: &str = "app database web environments";

/// The project, in the directory of a coordinator or of a host.
pub struct Project<'a> {
    lab: &'a Lab,
    on: Option<(&'a Host, &'a str)>,
    directory: TempDir,
}

impl<'a> Project<'a> {
    /// The project on the coordinator.
    pub fn new(lab: &'a Lab) -> Self {
        let project = Self { lab, on: None, directory: TempDir::new().unwrap() };
        let here = project.directory.path().display();
        lab.sh(&format!("cd {SHOP} && cp -R {PARTS} {here}"));
        let destination = project.path("app/src/shop-server");
        let mut build = lab.command(format!("{SHOP}/build"));
        build.arg("dev").arg(destination).env("CARGO_NET_OFFLINE", "true").output().succeeded();
        // Debian's version of PostgreSQL, whichever the machine has.
        let version = lab.sh("ls /usr/lib/postgresql | sort -n | tail -n 1");
        for (environment, host) in [("dev", "localhost"), ("staging", "db")] {
            let path = format!("environments/{environment}/environment.toml");
            let lines = format!("\n[hosts.{host}.attributes.database]\nversion = {version}");
            project.write(&path, project.read(&path) + &lines);
        }
        project
    }

    /// The same on a host, for a user there.
    pub fn on(self, host: &'a Host, user: &'a str) -> Self {
        let archive = self.directory.path().with_extension("tar").display().to_string();
        self.lab.sh(&format!("tar -C {} -cf {archive} .", self.directory.path().display()));
        host.write("/srv/shop.tar", fs::read(&archive).unwrap());
        host.write("/usr/local/bin/shop", fs::read(shop(self.lab)).unwrap());
        self.lab.sh(&format!("rm {archive}"));
        let unpack = "chmod 755 /usr/local/bin/shop\nmkdir /srv/project\ncd /srv/project";
        host.sh(&format!("{unpack}\ntar -xf /srv/shop.tar\nchown -R {user} ."));
        Self { on: Some((host, user)), ..self }
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    fn write(&self, path: &str, text: String) {
        self.lab.write(&self.path(path).display().to_string(), text);
    }

    /// Changes a file of the project.
    #[track_caller]
    pub fn replace(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(text.contains(from), "`{path}` has no `{from}`");
        self.write(path, text.replace(from, to));
    }

    /// The program, in the project's directory, with arguments separated by blanks.
    pub fn command(&self, arguments: &str) -> Program {
        let mut command = match self.on {
            None => {
                let mut command = self.lab.command(shop(self.lab));
                command.current_dir(self.directory.path());
                command
            }
            Some((host, user)) => {
                let mut command = host.command("runuser");
                let home = host.sh(&format!("echo ~{user}"));
                command.args(["-u", user, "--", "env", &format!("HOME={}", home.trim()), "shop"]);
                command.current_dir("/srv/project");
                command
            }
        };
        command.env("TOGUSA_IDENTITY", IDENTITY).args(arguments.split_whitespace());
        command
    }

    /// Runs the program with `--json`.
    pub fn run(&self, arguments: &str) -> Ran {
        Ran::new(self.command(arguments).arg("--json").output())
    }

    /// Deploys, which must succeed; what was changed or triggered, in alphabetical order.
    #[track_caller]
    pub fn deploy(&self, environment: &str) -> Vec<String> {
        let mut changes = self.run(&format!("deploy {environment}")).expect(0).changes();
        changes.sort();
        changes
    }
}
