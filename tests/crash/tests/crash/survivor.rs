//! Commands that outlive a deployment that was killed.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};

use tempfile::tempdir;

use super::deployment::{Deployment, Ended};
use super::outcome::remains;

/// A deployment that runs; killed when the test ends before it.
struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(home: &Path) -> Self {
        let mut command = Deployment::gated(home).command();
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next line that begins so; fails when the deployment ends without one.
    fn line(&mut self, prefix: &str) -> String {
        let mut said = Vec::new();
        for line in self.lines.by_ref() {
            let line = line.unwrap();
            if line.starts_with(prefix) {
                return line;
            }
            said.push(line);
        }
        panic!("the deployment ended without `{prefix}`:\n{}", said.join("\n"));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_run_after_a_killed_one_waits_for_the_command_that_it_left_behind() {
    let home = tempdir().unwrap();
    let mut killed = Running::start(home.path());
    killed.line("output: started");
    killed.child.kill().unwrap();
    killed.child.wait().unwrap();
    assert_eq!(fs::read_to_string(home.path().join("log")).unwrap(), "one/work/gated/conf\n");

    let mut next = Running::start(home.path());
    let warning = next.line("warning: ");
    assert!(warning.contains("a command of an earlier run is still running: `sh -c"), "{warning}");
    assert!(warning.contains("of Gated > Command(\"service\"), process group "), "{warning}");
    let group = warning.split("process group ").nth(1).unwrap();
    let group: String = group.chars().take_while(char::is_ascii_digit).collect();
    assert!(Path::new("/proc").join(group).exists(), "{warning}");

    // Who only reads, or only writes, waits for the other side; who does both waits for nobody.
    File::create(home.path().join("opened")).unwrap();
    let mut gate = File::options().read(true).write(true).open(home.path().join("gate")).unwrap();
    gate.write_all(b"go on\n").unwrap();
    next.line("changed: gated@one: Gated > Command(\"service\")");
    assert!(next.child.wait().unwrap().success());

    let log = fs::read_to_string(home.path().join("log")).unwrap();
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines, ["one/work/gated/conf", "gated@one/service", "gated@one/service"]);
    assert_eq!(remains(home.path()), Vec::<String>::new());
    let third = Ended::of(Deployment::gated(home.path()).command());
    third.assert_success();
    assert_eq!(third.lines("changed: "), Vec::<&str>::new());
}
