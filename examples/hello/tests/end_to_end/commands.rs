//! Every command, as it should go.

use std::fs;

use serde_json::Value;

use crate::project::{Project, Ran};

fn lines(ran: &Ran) -> Vec<Value> {
    ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_second_deployment_changes_nothing() {
    let project = Project::new();
    let first = project.expect(0, "deploy dev");
    assert!(first.err.contains("converged: "), "{}", first.err);
    assert!(fs::read_to_string(project.site("current/index.html")).unwrap().contains("Hello"));

    let link = fs::read_link(project.site("current")).unwrap();
    let second = project.expect(0, "deploy dev");
    assert!(second.err.contains("nothing to do: every component is current"), "{}", second.err);
    assert_eq!(fs::read_link(project.site("current")).unwrap(), link);
}

#[test]
fn the_first_command_of_the_readme_works_elsewhere_too() {
    let project = Project::new();
    let mut command = project.command("--project project deploy dev --json");
    let ran = project.finish(command.current_dir(project.path("..")));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let lines = lines(&ran);
    assert_eq!(lines[0]["event"], "started");
    assert_eq!(lines[lines.len() - 1]["event"], "finished");
}

#[test]
fn a_plan_touches_nothing_and_tells_what_the_deployment_does() {
    let project = Project::new();
    let plan = project.expect(0, "plan dev");
    assert!(!project.site("").exists());
    project.expect(4, "plan dev --exit-code");
    let changes = |text: &str| {
        text.lines()
            .filter(|line| line.starts_with([' ', '~']))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let deployed = project.expect(0, "deploy dev");
    assert_eq!(changes(&plan.out), changes(&deployed.err));
    project.expect(0, "plan dev --exit-code");
}

#[test]
fn a_changed_template_of_a_copied_project_needs_no_rebuild() {
    let project = Project::new();
    project.expect(0, "deploy dev");
    project.replace("site/src/index.html.j2", "<h1>", "<h1>The site: ");
    let ran = project.expect(0, "deploy dev --no-diff");
    insta::assert_snapshot!(&ran.err, @r#"
    deploying `hello` to `dev`: 2 roots on 1 host
    localhost  Site > File("index.html")
      ~ content (+1 -1 lines)
    localhost  Site > Command("build")
      ~ triggered by Site > File("index.html")
    localhost  Site > Release
      ~ triggered by Site > Command("build")
    localhost  2 roots  14 current  1 changed  2 triggered  0 failed  [time] s
    converged: 1 component changed, 2 triggers performed
    "#);
    let index = fs::read_to_string(project.site("current/index.html")).unwrap();
    assert!(index.contains("<h1>The site: Hello</h1>"), "{index}");
}

#[test]
fn drift_is_found_and_mended() {
    let project = Project::new();
    project.expect(0, "deploy dev");
    project.expect(0, "verify dev");
    fs::write(project.site("sitemap.txt"), "by hand\n").unwrap();
    let ran = project.expect(4, "verify dev");
    insta::assert_snapshot!(&ran.out, @r#"
    localhost  Site > File("sitemap.txt")
      ~ content (+4 -1 lines)
    localhost  Site > Command("build")
      ~ triggered by Site > File("sitemap.txt")
    localhost  Site > Release
      ~ triggered by Site > Command("build")
    localhost  2 roots  14 current  1 changed  2 triggered  0 failed  [time] s
    drift: 1 component changed, 2 triggers pending
    "#);
    project.expect(0, "deploy dev");
    project.expect(0, "verify dev");
}

#[test]
fn a_selection_leaves_the_rest_alone() {
    let project = Project::new();
    let ran = project.expect(0, "deploy staging --host web2 --component pa*");
    assert!(ran.err.contains("skipped 3 roots not selected"), "{}", ran.err);
    assert!(project.home("deployment/hello/staging/web2/work/pages/imprint.html").exists());
    assert!(!project.home("deployment/hello/staging/web1").exists());
    assert!(!project.home("deployment/hello/staging/web2/work/site").exists());
}

#[test]
fn staging_is_derived_from_dev() {
    let project = Project::new();
    project.expect(0, "deploy staging");
    let second = project.expect(0, "deploy staging");
    assert!(second.err.contains("nothing to do"), "{}", second.err);
    for host in ["web1", "web2"] {
        let current = format!("deployment/hello/staging/{host}/work/site/current");
        let feed = fs::read_to_string(project.home(&current).join("feed.xml")).unwrap();
        assert!(feed.contains("<title>Hello, staging</title>"), "{feed}");
        let imprint = fs::read_to_string(project.home(&current).join("imprint.html")).unwrap();
        assert!(imprint.contains(host) && imprint.contains("staging@example.org"), "{imprint}");
    }
}

#[test]
fn a_check_touches_no_host() {
    let project = Project::new();
    let ran = project.expect(0, "check staging");
    assert_eq!(ran.out, "`staging` is sound: 2 hosts, 4 roots, 32 components\n");
    assert!(project.is_untouched());
}

#[test]
fn the_graph_has_three_forms() {
    let project = Project::new();
    insta::assert_snapshot!(project.expect(0, "graph dev").out, @r#"
    pages@localhost
    site@localhost  waits for pages@localhost (Page)
    "#);
    insta::assert_snapshot!(project.expect(0, "graph dev --format dot").out, @r#"
    digraph togusa {
        rankdir=LR;
        node [shape=box];
        subgraph cluster_0 {
            label="localhost";
            "pages@localhost" [label="pages"];
            "site@localhost" [label="site"];
        }
        "pages@localhost" -> "site@localhost" [label="Page"];
    }
    "#);
    insta::assert_snapshot!(project.expect(0, "graph dev --format mermaid").out, @r#"
    flowchart LR
        subgraph host0["localhost"]
            root0["pages"]
            root1["site"]
        end
        root0 -->|"Page"| root1
    "#);
}

#[test]
fn components_and_environments_are_listed() {
    let project = Project::new();
    insta::assert_snapshot!(project.expect(0, "components").out, @r#"
    pages (Pages)
      contact: string = "webmaster@localhost"
          Whom readers write to, as the imprint says.
    site (Site)
      features: feed
      title: string, required
          Name of the site, shown on every page.
      url: string = "http://localhost:8000"
          Where readers find the site, without a slash at the end.
      keep: integer = 3
          How many releases stay on the host, the present one among them.
      timeout: duration = "1m"
          How long a build may take.
    "#);
    assert_eq!(project.expect(0, "environments").out, "dev\nstaging\n");
    assert_eq!(
        lines(&project.expect(0, "environments --json"))[0],
        serde_json::json!(["dev", "staging"])
    );
}

#[test]
fn completions_are_for_this_program() {
    let script = Project::new().expect(0, "completions bash").out;
    assert!(script.contains("complete -F _hello "), "{script}");
}

#[test]
fn without_a_terminal_there_is_no_colour_unless_asked_for() {
    let project = Project::new();
    let plain = project.expect(0, "plan dev");
    assert!(!plain.out.contains('\u{1b}') && !plain.err.contains('\u{1b}'));
    assert!(project.expect(0, "plan dev --color always").out.contains('\u{1b}'));
    let mut command = project.command("plan dev");
    assert!(!project.finish(command.env("NO_COLOR", "1")).out.contains('\u{1b}'));
}

#[test]
fn quiet_shows_nothing_that_went_well() {
    let project = Project::new();
    let ran = project.expect(0, "deploy dev --quiet");
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
}
