//! A new project is built, tested, deployed and added to, with no editing in between.

use std::fs;

use togusa_tests::new_project::{NewProject, cargo};

const TEMPLATE: &str = "components/app/src/app.conf.j2";

#[test]
fn a_new_project_is_deployed_tested_and_added_to_as_it_is() {
    let project = NewProject::new("shop");
    let first = project.run("deploy dev").expect(0);
    assert!(first.compiled(), "{}", first.err);
    assert!(first.err.contains("deploying `shop` to `dev`"), "{}", first.err);
    let deployed = || {
        let path = "deployment/shop/dev/work/app/app.conf";
        fs::read_to_string(project.home(path)).expect("the component is deployed")
    };
    assert!(deployed().contains("greeting = hello from dev\nport = 8080\n"), "{}", deployed());

    // Nothing to do: not a word of cargo's.
    let again = project.run("deploy dev").expect(0);
    assert!(again.err.starts_with("deploying"), "{}", again.err);
    assert!(again.err.contains("\nnothing to do"), "{}", again.err);

    // A template is no source.
    let built = || fs::metadata(project.program()).and_then(|it| it.modified()).unwrap();
    let before = built();
    project.replace(TEMPLATE, "greeting =", "salutation =");
    let changed = project.run("deploy dev").expect(0);
    assert!(changed.err.starts_with("deploying"), "{}", changed.err);
    assert_eq!(built(), before);
    assert!(deployed().contains("salutation = hello from dev"), "{}", deployed());

    // More of it, and its own tests; what was added is used at once.
    project.run("add component mail-queue").expect(0);
    project.run("add environment laptop").expect(0);
    project.run("add environment other --from dev").expect(0);
    let mut test = project.command(cargo());
    let tests = project.finish(test.args(["test", "--offline"])).expect(0);
    assert_eq!(tests.out.matches("2 passed").count(), 2, "{}", tests.out);
    let told = project.run("deploy laptop").expect(0);
    assert!(told.err.contains("2 roots on 1 host"), "{}", told.err);
    let queue = project.home("deployment/shop/laptop/work/mail-queue/mail-queue.conf");
    assert!(fs::read_to_string(queue).unwrap().contains("port = 8080"));
    project.run("check other").expect(0);

    // What the file of the CI and the README say.
    let ci = project.read(".github/workflows/check.yml");
    assert!(ci.contains("check \"$environment\" --without-secrets"), "{ci}");
    for environment in project.run("environments").expect(0).out.lines() {
        project.run(&format!("check {environment} --without-secrets")).expect(0);
    }
    let mut format = project.command(cargo());
    project.finish(format.args(["fmt", "--all", "--check"])).expect(0);
    let mut lint = project.command(cargo());
    lint.args(["clippy", "--offline", "--quiet", "--no-deps", "--", "--deny", "warnings"]);
    project.finish(&mut lint).expect(0);
}
