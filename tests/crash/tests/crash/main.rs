//! Kills deployments at every step, with a full and a read-only disk, and while commands run.
//!
//! What must hold afterwards: the next run ends in the state of an undisturbed one, and each
//! dependant was restarted after the last change of its cause.

mod deployment;
mod disk;
mod outcome;
mod survivor;
mod sweep;
mod trace;

use deployment::Deployment;
use outcome::{Log, tree};
use sweep::Scenario;
use tempfile::tempdir;

/// All kinds of steps of a first deployment.
const STEPS: [&str; 18] = [
    "directory-created",
    "directory-fsync",
    "exit",
    "fsync",
    "rename",
    "run-cleared",
    "spawn",
    "spawned",
    "state-directory",
    "state-directory-fsync",
    "state-fsync",
    "state-removed",
    "state-rename",
    "state-temp",
    "state-written",
    "symlink-temp",
    "temp-created",
    "temp-written",
];

#[test]
fn the_model_that_is_killed_has_30_components_and_every_trigger_fires() {
    let home = tempdir().unwrap();
    let run = Deployment::all(home.path(), "v1", "old").run();
    run.assert_success();
    let components = run.lines("components: ")[0].parse::<usize>().unwrap();
    assert!(components >= 30, "{components} components");
    assert_eq!(run.lines("changed: ").len(), 31, "{}", run.output);
    let log = Log::read(home.path());
    for (dependant, _) in outcome::TRIGGERS {
        assert_eq!(log.restarts(dependant, &["old"]), 1, "{dependant}");
    }
    assert!(tree(home.path()).contains_key("two/work/app/built"));
}

#[test]
fn a_first_deployment_killed_at_any_step_is_completed_by_the_next_run() {
    let scenario = Scenario { name: "first", before: None, first: "v1", then: ("v1", "old") };
    let swept = scenario.run();
    swept.assert_nothing_lost();
    assert!(swept.steps >= 200, "only {} steps", swept.steps);
    assert_eq!(swept.names, STEPS.map(str::to_owned).into());
}

#[test]
fn a_second_deployment_killed_at_any_step_is_completed_by_the_next_run() {
    let scenario =
        Scenario { name: "second", before: Some("v1"), first: "v2", then: ("v2", "old") };
    let swept = scenario.run();
    swept.assert_nothing_lost();
    assert!(swept.steps >= 100, "only {} steps", swept.steps);
}

#[test]
fn a_trigger_of_a_killed_run_moves_to_the_new_name_of_its_dependant() {
    let scenario =
        Scenario { name: "renamed", before: Some("v1"), first: "v2", then: ("v2", "new") };
    let swept = scenario.run();
    swept.assert_nothing_lost();
    assert!(swept.moved > 0, "no trigger was pending for the old name in any run");
}
