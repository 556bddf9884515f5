use togusa_tests::lab::{Lab, Output};

use crate::project::{Deployed, Project, connections_to, has_site, on};

#[test]
fn a_target_that_is_not_installed_is_told_before_any_host_is_contacted() {
    let lab = Lab::start(2);
    let project = Project::new(
        &lab,
        &(on("host1", "") + &on("host2", "target = \"sparc64-unknown-linux-gnu\"")),
    );

    let said = project.deploy().refused();

    assert!(said.contains("cannot build for `sparc64-unknown-linux-gnu`"), "{said}");
    assert!(said.contains("`rustup target add sparc64-unknown-linux-gnu`"), "{said}");
    assert!(lab.hosts().iter().all(|host| connections_to(host) == 0));
}

#[test]
fn prepared_binaries_are_deployed_where_there_is_no_cargo() {
    let lab = Lab::start(1);
    let project = Project::on_all(&lab, "");
    // As the tests of the example build it; optimized, it takes minutes.
    let mut build = project.command("build --out agents");
    build.env("CARGO_PROFILE_PUSH_OPT_LEVEL", "0").output().succeeded();
    let made = lab.sh(&format!("ls {}/agents", project.path("").display()));
    let program = made.lines().find(|name| name.starts_with("hello-") && !name.ends_with(".gz"));
    let program = project.path("agents").join(program.unwrap());
    // Git and ssh are there, cargo is not.
    let tools = project.path("tools");
    let links = "for tool in git ssh sh; do ln -s \"$(command -v $tool)\" .; done";
    lab.sh(&format!("mkdir {0}; cd {0}; {links}", tools.display()));
    let without_cargo = |program: Option<&std::path::Path>, arguments: &str| {
        let mut command = match program {
            Some(program) => lab.command(program),
            None => project.command(""),
        };
        command.args(arguments.split(' ')).current_dir(project.path("")).env("PATH", &tools);
        command.output()
    };

    without_cargo(Some(&program), "deploy lab --agents agents").succeeded();
    assert!(has_site(&lab["host1"], "~"));
    without_cargo(None, "deploy lab --agents agents").succeeded();

    // Of another state of the sources.
    let list = project.path("agents/agents.json").display().to_string();
    lab.sh(&format!("sed -i 's/\"build\":\"....../\"build\":\"000000/; s/\"build\": \"....../\"build\": \"000000/' {list}"));
    let said = Deployed(without_cargo(None, "deploy lab --agents agents")).refused();
    assert!(said.contains("are build 000000"), "{said}");
    assert!(said.contains("build --out agents"), "{said}");

    let said = Deployed(without_cargo(None, "deploy lab --agents nowhere")).refused();
    assert!(said.contains("cannot read `nowhere/agents.json`"), "{said}");
}

#[test]
fn a_program_that_is_older_than_its_sources_is_refused() {
    let lab = Lab::start(1);
    let project = Project::on_all(&lab, "");
    // What cargo leaves beside a program: the mark of its directory, and the list of the sources.
    let program = project.program();
    let here = project.path("").display().to_string();
    lab.sh(&format!(
        "cd {here}; mkdir old src; touch old/CACHEDIR.TAG; cp -p {} old/hello; touch src/new.rs",
        program.display()
    ));
    project.write("old/hello.d", &format!("{here}old/hello: {here}src/new.rs\n"));

    let mut command = lab.command(project.path("old/hello"));
    let output: Output = command.args(["deploy", "lab"]).current_dir(project.path("")).output();

    let said = Deployed(output).refused();
    assert!(said.contains("this program is older than `src/new.rs`"), "{said}");
    assert!(said.contains("cargo run"), "{said}");
    assert_eq!(connections_to(&lab["host1"]), 0);
}
