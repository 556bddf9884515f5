//! What looks at hosts and works on them, on local ones: nothing is between.

use crate::project::Project;

#[test]
fn status_tells_of_a_local_host() {
    let project = Project::new();
    let never = project.expect(0, "status dev");
    assert_eq!(
        never.out,
        "host       deployed        by  commit  outcome\nlocalhost  never deployed\n"
    );
    assert!(project.is_untouched(), "a look leaves nothing behind");

    project.expect(0, "deploy dev");
    project.write("site/src/build.sh", "exit 3");
    project.expect(1, "deploy dev");
    // Not through `expect`, which hides who it was.
    let shown = project.command("status dev -v").output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    let rows: Vec<_> = shown.lines().skip(1).collect();
    assert_eq!(rows.len(), 3, "{shown}");
    assert!(rows[0].starts_with("localhost  ") && rows[0].ends_with("failed: `site`"), "{shown}");
    assert!(rows[1].contains("jo@") && rows[1].ends_with("-       converged"), "{shown}");

    assert!(rows[2].starts_with("localhost  pending in site: `Site > Command("), "{shown}");

    project.extend("[hosts.localhost.attributes.site]\nkeep = \"many\"");
    project.expect(2, "check dev");
    project.expect(0, "status dev");
}

#[test]
fn a_command_runs_on_every_host_that_is_selected() {
    let project = Project::new();
    let both = project.expect(0, "exec staging -- pwd");
    let mut lines: Vec<_> = both.out.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["web1  | [tmp]/home", "web2  | [tmp]/home"]);
    assert_eq!(both.err, "exit 0: all 2 hosts\n");
    let one = project.expect(1, "exec staging --host web2 -- ls nothing");
    assert!(one.err.contains("nothing") && one.err.ends_with("\nexit 2: `web2`\n"), "{}", one.err);
    let json = project.expect(0, "exec dev --json -- echo hi");
    let expected = "{\"host\":\"localhost\",\"stream\":\"stdout\",\"text\":\"hi\"}\n\
                    {\"exit\":0,\"host\":\"localhost\"}\n";
    assert_eq!(json.out, expected);
}
