//! Killing a deployment at each of its steps in turn.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tempfile::tempdir;

use super::deployment::{Deployment, command};
use super::outcome::{Log, TRIGGERS, differences, half_written, remains, tree};

/// How many deployments run at the same time.
const THREADS: usize = 2;

/// A deployment to be killed, and the one after it.
pub struct Scenario {
    pub name: &'static str,
    /// The text of the files that the homes start with; none: the homes are empty.
    pub before: Option<&'static str>,
    /// The text that is being deployed when the run is killed.
    pub first: &'static str,
    /// The text and the name of the services in the run after it.
    pub then: (&'static str, &'static str),
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Swept {
    pub steps: usize,
    /// The names of the steps at which runs were killed.
    pub names: BTreeSet<String>,
    /// How many triggers moved to another dependant.
    pub moved: usize,
    faults: Vec<String>,
}

impl Swept {
    pub fn assert_nothing_lost(&self) {
        let first: Vec<_> = self.faults.iter().take(20).map(String::as_str).collect();
        assert!(first.is_empty(), "{} faults:\n{}", self.faults.len(), first.join("\n"));
    }
}

/// What an undisturbed run comes to.
struct Reference {
    steps: Vec<String>,
    before: BTreeMap<String, String>,
    tree: BTreeMap<String, String>,
    restarts: Vec<usize>,
}

impl Scenario {
    pub fn run(&self) -> Swept {
        let began = Instant::now();
        let before = tempdir().unwrap();
        if let Some(text) = self.before {
            Deployment::all(before.path(), text, "old").run().assert_success();
        }
        let reference = self.reference(before.path());
        let steps = reference.steps.len();
        let swept = Mutex::new(Swept { steps, ..Swept::default() });
        let next = AtomicUsize::new(1);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    loop {
                        let step = next.fetch_add(1, Ordering::SeqCst);
                        if step > steps {
                            return;
                        }
                        self.kill_at(step, before.path(), &reference, &swept);
                    }
                });
            }
        });
        let mut swept = swept.into_inner().unwrap();
        let unhit: Vec<_> =
            reference.steps.iter().filter(|name| !swept.names.contains(*name)).collect();
        if !unhit.is_empty() {
            swept.faults.push(format!("no run was killed at {unhit:?}"));
        }
        // Not by a macro, whose output the test harness keeps to itself.
        let seconds = began.elapsed().as_secs_f64();
        let _ = writeln!(std::io::stdout(), "{}: steps: {steps}, in {seconds:.1} s", self.name);
        swept
    }

    fn services(&self) -> Vec<&str> {
        let mut services = vec!["old", self.then.1];
        services.dedup();
        services
    }

    fn reference(&self, before: &Path) -> Reference {
        let directory = tempdir().unwrap();
        let home = copy(before, directory.path());
        let log = directory.path().join("steps");
        Deployment::all(&home, self.first, "old").run_by_steps(&log, None).assert_success();
        let restarts = Log::read(&home);
        let restarts = TRIGGERS.iter().map(|(name, _)| restarts.restarts(name, &["old"]));
        let restarts = restarts.collect();
        Deployment::all(&home, self.then.0, self.then.1).run().assert_success();
        let lost = Log::read(&home).lost(&self.services());
        assert!(lost.is_empty(), "without being killed:\n{}", lost.join("\n"));
        Reference { steps: names(&log), before: tree(before), tree: tree(&home), restarts }
    }

    fn kill_at(&self, step: usize, before: &Path, reference: &Reference, swept: &Mutex<Swept>) {
        let directory = tempdir().unwrap();
        let home = copy(before, directory.path());
        let log = directory.path().join("steps");
        let killed = Deployment::all(&home, self.first, "old").run_by_steps(&log, Some(step));
        // Another thread may have passed a step and not yet have logged it.
        let passed = names(&log);
        let name = passed.get(step - 1).or(passed.last()).cloned().unwrap_or_default();
        let mut faults = Vec::new();
        if !killed.was_killed() {
            faults.push(format!("the run was not killed: {}\n{}", killed.status, killed.output));
        }
        faults.extend(half_written(&tree(&home), &reference.before, &reference.tree));
        let next = Deployment::all(&home, self.then.0, self.then.1);
        let completed = next.run();
        if !completed.status.success() {
            faults.push(format!("the next run failed:\n{}", completed.output));
        }
        faults.extend(differences(&tree(&home), &reference.tree));
        faults.extend(remains(&home));
        let restarts = Log::read(&home);
        faults.extend(restarts.lost(&self.services()));
        for ((dependant, _), expected) in TRIGGERS.iter().zip(&reference.restarts) {
            let found = restarts.restarts(dependant, &self.services());
            if found < *expected {
                faults.push(format!("`{dependant}`: {found} restarts of {expected}"));
            }
        }
        let again = next.run();
        if !again.status.success() || !again.lines("changed: ").is_empty() {
            faults.push(format!("the run after the next one changed something:\n{}", again.output));
        }
        let mut swept = swept.lock().unwrap();
        swept.moved += completed.lines("moved: ").len();
        let place = |fault| format!("killed at step {step}, {name}: {fault}");
        swept.faults.extend(faults.into_iter().map(place));
        swept.names.insert(name);
    }
}

fn names(log: &Path) -> Vec<String> {
    let log = fs::read_to_string(log).unwrap_or_default();
    log.lines().map(str::to_owned).collect()
}

/// Copies a home as it is into a directory.
fn copy(home: &Path, directory: &Path) -> std::path::PathBuf {
    let target = directory.join("home");
    let status = command("cp").arg("-a").arg(home).arg(&target).status().unwrap();
    assert!(status.success());
    target
}
