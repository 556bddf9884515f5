//! What users do wrong, and what they are told.

use std::fs;

use crate::project::Project;

/// What a user is told about a mistake that is known before any host is touched.
fn refused(change: impl FnOnce(&Project)) -> String {
    let project = Project::new();
    change(&project);
    let ran = project.expect(2, "deploy dev");
    assert!(project.is_untouched(), "a host was touched");
    assert_eq!(ran.out, "");
    ran.err
}

const DEV: &str = "environments/dev/environment.toml";

#[test]
fn what_is_no_toml() {
    let told = refused(|project| project.replace(DEV, "\"local\"", "\"local"));
    insta::assert_snapshot!(told, @r#"
    error[T0101]: environments/dev/environment.toml:4:17: not valid TOML: invalid basic string, expected `"`
    hello explain T0101 tells more
    "#);
}

#[test]
fn an_unknown_key() {
    let told = refused(|project| project.replace(DEV, "connect =", "conect ="));
    insta::assert_snapshot!(told, @r"
    error[T0105]: environments/dev/environment.toml:4:1: unknown key `conect`
      hint: did you mean `connect`?
    hello explain T0105 tells more
    ");
}

#[test]
fn an_unknown_attribute_and_a_wrong_type_together() {
    let told = refused(|project| project.extend("kep = 2\nurl = 80"));
    insta::assert_snapshot!(told, @r"
    error[T0123]: environments/dev/environment.toml:11:1: component `site`: unknown attribute `kep` (on localhost)
      hint: did you mean `keep`?
    error[T0125]: environments/dev/environment.toml:12:7: component `site`: attribute `url`: expected a string, found an integer (80) (on localhost)
    hello explain T0123 T0125 tells more
    ");
}

#[test]
fn a_required_attribute_that_is_missing() {
    let told = refused(|project| project.replace(DEV, "title = \"Hello\"", ""));
    insta::assert_snapshot!(told, @r"
    error[T0124]: environments/dev/environment.toml:7:24: component `site`: required attribute `title` is not set (on localhost)
      hint: set `title` (string)
    hello explain T0124 tells more
    ");
}

#[test]
fn an_unknown_component_and_an_unknown_feature() {
    let told =
        refused(|project| project.replace(DEV, r#"["pages", "site"]"#, r#"["page", "site:fed"]"#));
    insta::assert_snapshot!(told, @r"
    error[T0121]: environments/dev/environment.toml:7:15: unknown component `page` (on localhost)
      hint: did you mean `pages`?
    error[T0122]: environments/dev/environment.toml:7:23: component `site` has no feature `fed` (on localhost)
      hint: did you mean `feed`?
    hello explain T0121 T0122 tells more
    ");
}

#[test]
fn a_missing_environment() {
    let project = Project::new();
    insta::assert_snapshot!(project.expect(2, "deploy stagin").err, @r"
    error[T0003]: there is no environment `stagin`
      hint: did you mean `staging`? the project has `dev`, `staging`
    hello explain T0003 tells more
    ");
    assert!(project.is_untouched());
}

#[test]
fn a_host_that_is_named_twice() {
    let told = refused(|project| project.extend("[hosts.localhost]\ncomponents = []"));
    insta::assert_snapshot!(told, @r"
    error[T0102]: environments/dev/environment.toml:11:8: `localhost` is written twice, first at environments/dev/environment.toml:6:8
      hint: remove or rename one of the two
    error[T0102]: environments/dev/environment.toml:12:1: `components` is written twice
      hint: remove or rename one of the two
    hello explain T0102 tells more
    ");
}

#[test]
fn a_requirement_that_nobody_satisfies() {
    let told = refused(|project| project.replace(DEV, r#""pages", "#, ""));
    insta::assert_snapshot!(told, @r"
    error[T0301]: Site: required resource `Page` is not provided on host `localhost` (on localhost)
      hint: add a root that provides it to a host, or require it as `optional()`
    hello explain T0301 tells more
    ");
}

#[test]
fn a_resource_that_nobody_requires() {
    let told = refused(|project| {
        project.replace(DEV, r#", "site"]"#, "]");
        project.replace(DEV, "[components.site]\ntitle = \"Hello\"", "");
    });
    insta::assert_snapshot!(told, @r"
    error[T0302]: Pages: resource `Page` is required by nobody (on localhost)
      hint: require it somewhere, or `offer` it instead of `provide`
    hello explain T0302 tells more
    ");
}

#[test]
fn an_undefined_variable_of_a_template() {
    let told =
        refused(|project| project.replace("site/src/index.html.j2", "{{ title }}", "{{ titel }}"));
    insta::assert_snapshot!(told, @r#"
    error[T0312]: Site > File("index.html"): template `index.html.j2`, line 5: variable `titel` is undefined (on localhost)
      hint: did you mean `title`?
    hello explain T0312 tells more
    "#);
}

#[test]
fn a_missing_asset() {
    let told = refused(|project| fs::remove_file(project.path("site/src/build.sh")).unwrap());
    insta::assert_snapshot!(told, @r#"
    error[T0314]: Site > File("build.sh"): it has neither content nor source (on localhost)
      1: no asset `build.sh`: looked for `site/src/build.sh`
      hint: give it `.content(…)` or `.source(…)`, or put `build.sh` beside the component's source
    hello explain T0314 tells more
    "#);
}

#[test]
fn a_value_that_the_component_refuses() {
    let told = refused(|project| project.extend("keep = 0"));
    insta::assert_snapshot!(told, @r"
    error[T0300]: Site: `keep` is 0, but the present release must stay (on localhost)
    hello explain T0300 tells more
    ");
}

#[test]
fn a_selection_that_matches_nothing() {
    let project = Project::new();
    insta::assert_snapshot!(project.expect(2, "deploy dev --host web*").err, @r"
    error[T0006]: `--host web*` matches no host
      hint: there are `localhost`
    hello explain T0006 tells more
    ");
    insta::assert_snapshot!(project.expect(2, "deploy dev --component sites").err, @r"
    error[T0006]: `--component sites` matches no component
      hint: did you mean `site`?
    hello explain T0006 tells more
    ");
    assert!(project.is_untouched());
}

#[test]
fn a_directory_that_is_no_project() {
    let project = Project::new();
    insta::assert_snapshot!(project.expect(2, "--project site check dev").err, @r"
    error[T0002]: `site` has no directory `environments`
      hint: `--project` or TOGUSA_PROJECT names the directory of a project
    hello explain T0002 tells more
    ");
}

#[test]
fn a_directory_without_a_project() {
    let project = Project::new();
    let mut command = project.command("check dev");
    let ran = project.finish(command.current_dir(project.home("")));
    assert_eq!(ran.code, Some(2));
    insta::assert_snapshot!(ran.err, @r"
    error[T0002]: no project here: neither `[tmp]/home` nor a directory above it has `environments/NAME/environment.toml`
      hint: go into a project, or name it with `--project`
    hello explain T0002 tells more
    ");
}

#[test]
fn no_home() {
    let project = Project::new();
    let ran = project.finish(project.command("deploy dev").env_remove("HOME"));
    assert_eq!(ran.code, Some(2));
    insta::assert_snapshot!(ran.err, @r"
    error[T0011]: the home directory is not known
      hint: set `HOME` to an absolute path
    hello explain T0011 tells more
    ");
}

#[test]
fn words_that_are_no_command() {
    let project = Project::new();
    insta::assert_snapshot!(project.expect(2, "depoly dev").err, @r"
    error[T0001]: unrecognized subcommand 'depoly'

      tip: a similar subcommand exists: 'deploy'

    Usage: hello [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(project.expect(2, "--quiet").err, @r"
    error[T0001]: 'hello' requires a subcommand but one was not provided

    Usage: hello [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(project.expect(2, "deploy").err, @r"
    error[T0001]: the following required arguments were not provided:
      <ENVIRONMENT>

    Usage: hello deploy <ENVIRONMENT>

    For more information, try '--help'.
    ");
}

#[test]
fn failures_are_json_lines_where_these_are_asked_for() {
    let project = Project::new();
    project.extend("keep = \"many\"");
    let ran = project.expect(2, "deploy dev --json");
    let failure: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(failure["event"], "failure");
    assert_eq!(failure["exit"], 2);
    assert_eq!(failure["problems"][0]["origin"]["line"], 11);
}
