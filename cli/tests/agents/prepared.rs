//! Agents that were prepared for machines without cargo.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use togusa::agents::{AgentBinary, Agents, prepare, short};

use crate::project::Project;

/// A project, its prepared binary and the directory of it.
fn prepared() -> (Project, Arc<AgentBinary>, PathBuf) {
    let project = Project::new();
    let agents = project.agents().unwrap();
    let agent = agents.get(None).unwrap();
    let directory = project.path("out");
    let whole = agents.whole(&agent.target).unwrap();
    let written = prepare(&directory, "shop", &[(Arc::clone(&agent), whole)]).unwrap();
    assert_eq!(written, [directory.join(format!("shop-{}", agent.target))]);
    (project, agent, directory)
}

#[test]
fn what_was_prepared_is_what_is_got() {
    let (project, agent, directory) = prepared();
    let agents = Agents::prepared(&directory, &project.program()).unwrap();
    assert_eq!(agents.get(None).unwrap(), agent);
    assert_eq!(agents.get(Some(&agent.target)).unwrap(), agent);
    assert_eq!(agents.for_machine("Linux", std::env::consts::ARCH).unwrap(), agent);
    assert!(agents.path(&agent).unwrap().is_file());
    let problem = agents.get(Some("sparc-unknown-linux-gnu")).unwrap_err();
    let shown = project.filtered(&problem.to_string()).replace(&agent.target, "[target]");
    insta::assert_snapshot!(shown, @r"
    `[project]/out` has no binary for `sparc-unknown-linux-gnu`
      hint: it has `[target]`; `build --target sparc-unknown-linux-gnu --out DIR` prepares one
    ");
}

#[test]
fn a_program_that_cargo_listed_nothing_for_is_known_by_what_was_built_of_it() {
    let (project, agent, directory) = prepared();
    fs::remove_file(project.path("target/debug/shop.d")).unwrap();
    let agents = Agents::prepared(&directory, &project.program()).unwrap();
    assert_eq!(agents.get(None).unwrap(), agent);
    fs::remove_dir_all(project.path("target/togusa")).unwrap();
    let problem = Agents::prepared(&directory, &project.program()).unwrap_err();
    assert!(problem.message.starts_with("cannot tell what"), "{problem}");
}

#[test]
fn a_prepared_program_starts_as_coordinator_without_its_sources() {
    let (project, agent, directory) = prepared();
    let elsewhere = tempfile::tempdir().unwrap();
    let program = elsewhere.path().join("shop");
    fs::rename(agents_file(&directory, &agent), &program).unwrap();
    fs::remove_dir_all(project.path("web")).unwrap();
    let agents = Agents::prepared(&directory, &program).unwrap();
    assert_eq!(agents.get(None).unwrap(), agent);
}

#[test]
fn a_prepared_program_is_no_coordinator_for_other_sources() {
    let (project, agent, directory) = prepared();
    let program = project.path("shop-prepared/shop");
    fs::create_dir(program.parent().unwrap()).unwrap();
    fs::copy(agents_file(&directory, &agent), &program).unwrap();
    let get = || Agents::of_project(&project.path(""), &program).unwrap().get(None);
    assert_eq!(get().unwrap().build, agent.build);

    project.replace("web/src/lib.rs", "hello", "good day");
    let problem = get().unwrap_err();
    let ours = format!("this program is build {}, the project's", short(&agent.build));
    assert!(problem.message.starts_with(&ours), "{problem}");
}

#[test]
fn binaries_of_another_build_are_refused_and_both_are_named() {
    let (project, agent, directory) = prepared();
    project.replace("web/src/lib.rs", "hello", "good day");
    project.build();
    let now = project.agents().unwrap().get(None).unwrap();
    let problem = Agents::prepared(&directory, &project.program()).unwrap_err();
    let shown = project.filtered(&problem.to_string()).replace(&agent.target, "[target]");
    let shown = shown.replace(short(&agent.build), "[then]").replace(short(&now.build), "[now]");
    insta::assert_snapshot!(shown, @r"
    the binaries in `[project]/out` are build [then], this program is build [now]
      hint: start the `shop-[target]` that lies beside them, or prepare them again with `build --out [project]/out`
    ");
}

#[test]
fn a_binary_that_was_tampered_with_is_refused() {
    let (project, agent, directory) = prepared();
    let file = agents_file(&directory, &agent).with_file_name(format!("shop-{}.gz", agent.target));
    let mut content = fs::read(&file).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 1;
    fs::write(&file, content).unwrap();
    let agents = Agents::prepared(&directory, &project.program()).unwrap();
    let problem = agents.get(None).unwrap_err();
    assert!(problem.message.ends_with("is not the file that was prepared"), "{problem}");
}

#[test]
fn a_directory_without_binaries_says_how_to_make_them() {
    let project = Project::new();
    let problem = Agents::prepared(&project.path("web"), &project.program()).unwrap_err();
    insta::assert_snapshot!(project.filtered(&problem.to_string()), @r"
    cannot read `[project]/web/agents.json`
      1: No such file or directory (os error 2)
      hint: `build --out DIR` writes the binaries and this list of them
    ");
}

fn agents_file(directory: &std::path::Path, agent: &AgentBinary) -> PathBuf {
    directory.join(format!("shop-{}", agent.target))
}
