//! Agents that are built when they are needed.

use std::fs;
use std::sync::Arc;

use togusa::agents::{Agents, build_of_file};
use togusa::core::digest::Digest;

use crate::project::{Project, run};

#[test]
fn an_agent_is_static_and_carries_its_build_id() {
    let project = Project::new();
    let agents = project.agents().unwrap();
    let agent = agents.get(None).unwrap();
    assert_eq!(run(&agent.compressed, &project.path("")), "hello included\n");
    let path = agents.path(&agent).unwrap();
    let content = fs::read(&path).unwrap();
    assert_eq!(agent.size, content.len() as u64);
    assert_eq!(agent.digest, Digest::of(&content).to_string());
    assert_eq!(build_of_file(&path).unwrap().as_ref(), Some(&agent.build));
    assert_eq!(build_of_file(&project.program()).unwrap(), None);
    assert_eq!(agents.get(Some(&agent.target)).unwrap(), agent);
}

#[test]
fn a_changed_source_gives_another_build_and_a_touched_one_the_same() {
    let project = Project::new();
    let first = project.agents().unwrap().get(None).unwrap();

    project.replace("web/src/lib.rs", "hello", "hello");
    project.build();
    assert_eq!(project.agents().unwrap().get(None).unwrap(), first);

    for (file, from, to) in
        [("web/src/lib.rs", "hello", "good day,"), ("web/src/text", "included", "and welcome")]
    {
        project.replace(file, from, to);
        project.build();
        let next = project.agents().unwrap().get(None).unwrap();
        assert_ne!(next.build, first.build, "{file}");
        assert_ne!(next.digest, first.digest, "{file}");
        assert!(run(&next.compressed, &project.path("")).contains(to), "{file}");
    }
}

#[test]
fn a_changed_asset_changes_no_agent() {
    let project = Project::new();
    let first = project.agents().unwrap().get(None).unwrap();
    project.write("web/src/app.conf", "changed");
    assert_eq!(project.agents().unwrap().get(None).unwrap(), first);
    project.build();
    assert_eq!(project.agents().unwrap().get(None).unwrap(), first);
}

#[test]
fn the_same_sources_elsewhere_are_the_same_build() {
    let (here, there) = (Project::new(), Project::new());
    let build = |project: &Project| project.agents().unwrap().get(None).unwrap().build.clone();
    assert_eq!(build(&here), build(&there));
}

#[test]
fn a_program_older_than_its_sources_is_refused_by_the_name_of_the_source() {
    let project = Project::new();
    project.replace("web/src/lib.rs", "hello", "good day");
    insta::assert_snapshot!(project.agents().unwrap_err(), @r"
    this program is older than `web/src/lib.rs`
      hint: build it again; `cargo run -- …` does
    ");
}

#[test]
fn a_program_that_was_built_for_tests_has_no_list_and_is_checked_all_the_same() {
    let project = Project::new();
    let list = project.path("target/debug/shop.d");
    fs::remove_file(&list).unwrap();
    let first = project.agents().unwrap().get(None).unwrap();
    assert_eq!(project.agents().unwrap().get(None).unwrap(), first);

    project.replace("web/src/lib.rs", "hello", "good day");
    let older = "this program is older than `web/src/lib.rs`";
    assert_eq!(project.agents().unwrap().get(None).unwrap_err().message, older);
    project.build();
    project.agents().unwrap().get(None).unwrap();
    fs::remove_file(&list).unwrap();
    project.replace("web/src/lib.rs", "good day", "good day");
    assert_eq!(project.agents().unwrap().get(None).unwrap_err().message, older);
}

#[test]
fn a_source_that_is_gone_makes_no_program_old() {
    let project = Project::new();
    project.write("web/src/lib.rs", "pub fn greeting() -> &'static str {\n    \"short\"\n}\n");
    let list = fs::read(project.path("target/debug/shop.d")).unwrap();
    project.build();
    fs::write(project.path("target/debug/shop.d"), list).unwrap();
    fs::remove_file(project.path("web/src/text")).unwrap();
    let agent = project.agents().unwrap().get(None).unwrap();
    assert_eq!(run(&agent.compressed, &project.path("")), "short\n");
}

#[test]
fn a_source_that_changes_while_the_agent_is_built_is_noticed() {
    let project = Project::new();
    let agents = project.agents().unwrap();
    project.replace("web/src/lib.rs", "hello", "good day");
    let problem = agents.get(None).unwrap_err();
    assert_eq!(problem.message, "this program is older than `web/src/lib.rs`");
    project.build();
    let agent = project.agents().unwrap().get(None).unwrap();
    assert_eq!(run(&agent.compressed, &project.path("")), "good day included\n");
}

#[test]
fn a_program_of_which_nothing_is_known_is_refused() {
    let project = Project::new();
    let copy = project.path("shop-copy");
    fs::copy(project.program(), &copy).unwrap();
    let problem = Agents::of_project(&project.path(""), &copy).unwrap_err();
    insta::assert_snapshot!(project.filtered(&problem.to_string()), @r"
    cannot tell what `[project]/shop-copy` was built from
      1: it carries no build id, and lies where cargo did not put it
      hint: start it with `cargo run`, or use a binary that `build --out DIR` wrote
    ");
}

#[test]
fn the_environments_may_lie_outside_of_the_workspace() {
    let project = Project::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let agents = Agents::of_project(elsewhere.path(), &project.program()).unwrap();
    let agent = agents.get(None).unwrap();
    assert_eq!(run(&agent.compressed, &project.path("")), "hello included\n");
}

#[test]
fn a_target_that_is_not_installed_is_named_with_the_remedy() {
    let project = Project::new();
    let problem = project.agents().unwrap().get(Some("sparc-unknown-linux-gnu")).unwrap_err();
    assert_eq!(problem.message, "cannot build for `sparc-unknown-linux-gnu`: it is not installed");
    assert!(problem.hint.unwrap().starts_with("run `rustup target add sparc-unknown-linux-gnu`"));
    let problem = project.agents().unwrap().get(Some("pdp11")).unwrap_err();
    assert!(problem.hint.unwrap().starts_with("a target is a triple such as"));
}

#[test]
fn what_the_compiler_says_is_shown() {
    let project = Project::new();
    let text = "#[cfg(not(debug_assertions))]\ncompile_error!(\"no release today\");\n";
    let lib = fs::read_to_string(project.path("web/src/lib.rs")).unwrap();
    project.write("web/src/lib.rs", &(lib + text));
    project.build();
    let problem = project.agents().unwrap().get(None).unwrap_err();
    assert!(problem.message.starts_with("failed to build `shop` for `"), "{problem}");
    assert!(
        problem.causes[0].starts_with("error: no release today\n --> web/src/lib.rs:"),
        "{problem}"
    );
    assert!(!problem.causes[0].contains("Compiling"), "{problem}");
}

#[test]
fn flags_and_profile_of_the_user_hold_for_agents_too() {
    let project = Project::new();
    project.write(".cargo/config.toml", "[build]\nrustflags = [\"--cfg\", \"polite\"]\n");
    let manifest = fs::read_to_string(project.path("Cargo.toml")).unwrap();
    let profile = "[profile.push]\ninherits = \"release\"\ndebug-assertions = true\n";
    project.write("Cargo.toml", &(manifest + profile));
    let text = "pub fn greeting() -> &'static str {\n    \
                if cfg!(polite) && cfg!(debug_assertions) { \"welcome\" } else { \"hello\" }\n}\n";
    project.write("web/src/lib.rs", text);
    project.build();
    let agent = project.agents().unwrap().get(None).unwrap();
    assert_eq!(run(&agent.compressed, &project.path("")), "welcome\n");
}

#[test]
fn who_asks_at_once_is_given_the_same_binary() {
    let project = Project::new();
    let (one, other) = (project.agents().unwrap(), project.agents().unwrap());
    let got = std::thread::scope(|scope| {
        let asked: Vec<_> = [&one, &other, &one, &other]
            .map(|agents| scope.spawn(|| agents.get(None).unwrap()))
            .into_iter()
            .collect();
        asked.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(Arc::ptr_eq(&got[0], &got[2]) && Arc::ptr_eq(&got[1], &got[3]));
    assert_eq!(got[0], got[1]);
    assert_eq!(run(&got[0].compressed, &project.path("")), "hello included\n");
}
