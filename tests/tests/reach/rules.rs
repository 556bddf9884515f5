use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use togusa_tests::lab::Lab;

use crate::project::{Deployed, Project, connections_to, has_site};

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn an_environment_that_wants_a_confirmation_gets_it() {
    let lab = Lab::start(1);
    let project = Project::on_all(&lab, "confirm = true");
    let said = project.deploy().refused();
    assert!(said.contains("`lab` wants a confirmation, but nobody can be asked"), "{said}");
    assert!(said.contains("`--yes`"), "{said}");
    assert_eq!(connections_to(&lab["host1"]), 0);

    // On a terminal, the plan is shown before the question.
    let answer = |text: &str| {
        let line = format!("{} deploy lab", project.program().display());
        let mut command = lab.command("script");
        command.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
        Deployed(command.current_dir(project.path("")).input(text).output())
    };
    let refused = answer("yes\n");
    assert_eq!(refused.0.code(), Some(2), "{refused}");
    assert!(refused.0.stdout.contains("create file"), "{refused}");
    assert!(refused.0.stdout.contains("not confirmed, nothing was deployed"), "{refused}");
    assert!(!lab["host1"].exists("~/deployment/hello/lab/work"));

    Deployed(project.command("deploy lab --yes").output()).succeeded();
    assert!(has_site(&lab["host1"], "~"));
    let confirmed = answer("lab\n");
    assert_eq!(confirmed.0.code(), Some(0), "{confirmed}");
}

#[test]
fn what_was_deployed_stands_in_the_record_and_must_be_pushed_where_that_is_asked_for() {
    let lab = Lab::start(1);
    let host = &lab["host1"];
    let project = Project::on_all(&lab, "require_clean = true");
    let git = |script: &str| {
        let here = project.path("").display().to_string();
        lab.sh(&format!(
            "cd {here}; export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a GIT_COMMITTER_NAME=a \
             GIT_COMMITTER_EMAIL=a; {script}"
        ))
    };
    let refused = |words: &str| {
        let said = project.deploy().refused();
        assert!(said.contains(words), "{said}");
        assert_eq!(connections_to(host), 0);
    };
    refused("not a git repository");
    git("git init -q -b main . && git init -q --bare .git/origin");
    git("git remote add origin .git/origin");
    refused("is not committed");
    git("git add . && git commit -q -m first");
    refused("is in no remote branch");
    git("git push -q origin main");

    let before = now();
    project.deploy().succeeded();
    let first = git("git rev-parse HEAD");

    project.write("pages/src/imprint.html.j2", "Changed\n");
    let said = project.deploy().refused();
    assert!(said.contains("`pages/src/imprint.html.j2` is not committed"), "{said}");
    project.environment("[hosts.host1]\ncomponents = [\"pages\", \"site\"]\n");
    git("git checkout -q -b changed");
    project.deploy().succeeded();

    let records = host.read("~/deployment/hello/lab/.togusa/deployments.jsonl");
    let records: Vec<Value> = records
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let ended: Vec<_> = records.iter().filter(|record| !record["end"].is_null()).collect();
    assert_eq!(ended.len(), 2);
    let machine = lab.sh("hostname");
    for (record, (branch, dirty)) in ended.iter().zip([("main", false), ("changed", true)]) {
        assert_eq!(record["commit"]["id"], first.trim());
        assert_eq!(record["commit"]["branch"], branch);
        assert_eq!(record["commit"]["dirty"], dirty);
        assert_eq!((&record["who"], &record["from"]), (&"root".into(), &machine.trim().into()));
        let started = record["started"].as_u64().unwrap();
        assert!(before <= started && started <= now(), "{started}");
        assert_eq!(record["end"]["roots"]["site"], "converged");
    }
}
