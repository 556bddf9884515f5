use insta::assert_snapshot;

use crate::project::Project;
use crate::terminal::{Shown, Terminal};
use crate::three;

const PLAIN: &[(&str, &str)] = &[("NO_COLOR", "1")];

/// Whether the screen ends with a whole line for each of these hosts.
fn shows(screen: &str, hosts: &[&str]) -> bool {
    let mut lines: Vec<_> = screen.lines().rev().take(hosts.len()).collect();
    lines.reverse();
    lines.len() == hosts.len()
        && lines.iter().zip(hosts).all(|(line, host)| {
            line.contains(&format!("s  {host}  Shown > ")) && line.ends_with(['…', ')'])
        })
}

/// Waits until all hosts wait.
fn wait_for_all(terminal: &Terminal) -> Shown {
    terminal.wait_for("three hosts", |screen| shows(screen, &["db", "web1", "web2"]))
}

/// Lets one host after the other go on, so that what they print has an order.
fn go_on(project: &Project, terminal: &Terminal) {
    for (host, last) in [
        ("web1", "\nweb1  Shown > Command(\"restart\")\n"),
        ("web2", "\nweb2  Shown > Command(\"restart\")  as on web1"),
        ("db", "exited with 3"),
    ] {
        project.open(host);
        terminal.wait_for(last, |screen| screen.contains(last));
    }
}

/// Neither a wheel nor the time of a host that runs.
fn assert_nothing_live_is_left(terminal: &Terminal) {
    let screen = terminal.screen().text();
    assert!(!screen.contains(|c: char| ('\u{2800}'..'\u{2900}').contains(&c)), "{screen}");
    assert!(!screen.contains("s  web1  Shown") && !screen.contains("s  db  Shown"), "{screen}");
}

#[test]
fn a_deployment_on_eighty_columns() {
    let project = three();
    let mut terminal = project.terminal("deploy test", 80, PLAIN);
    let midst = wait_for_all(&terminal);
    assert_snapshot!(project.steady(&midst.text()), @r#"
    deploying `subject` to `test`: 3 roots on 3 hosts
    *  #s  db  Shown > Command("start the server")
    *  #s  web1  Shown > Command("start the server")
    *  #s  web2  Shown > Command("migrate the tables of the shop, then rebuild ea…
    "#);
    go_on(&project, &terminal);
    assert_eq!(terminal.end(), 1);
    assert_snapshot!(project.steady(&terminal.screen().text()), @r#"
    deploying `subject` to `test`: 3 roots on 3 hosts
    web1  Shown > Command("start the server")
      + create `DIR/home/deployment/subject/test/web1/work/shown/done`
    web1  Shown > File("conf")
      + create file (mode 0640)
      ~ content (+1 -0 lines)
          @@ -0,0 +1 @@
          +name = start the server
    web1  Shown > Command("restart")
      ~ triggered by Shown > File("conf")
    web2  Shown > Command("migrate the tables of the shop, then rebuild each index t
    hat they have, and 数据库 änderungen last of all")
      + create `DIR/home/deployment/subject/test/web2/work/shown/done`
    web2  Shown > File("conf")
      + create file (mode 0640)
      ~ content (+1 -0 lines)
          @@ -0,0 +1 @@
          +name = migrate the tables of the shop, then rebuild each index that they
    have, and 数据库 änderungen last of all
    web2  Shown > Command("restart")  as on web1
    db  Shown > Command("start the server")
      + create `DIR/home/deployment/subject/test/db/work/shown/done`
    db  Shown > File("conf")  as on web1
    db  Shown > Command("restart")
      error: update failed: command `sh -c 'echo "cannot listen on port 80" >&2; exi
    t 3'` exited with 3 after # s
    db    1 root  0 current  2 changed  0 triggered  1 failed  # s
    web1  1 root  2 current  2 changed  1 triggered  0 failed  # s
    web2  1 root  2 current  2 changed  1 triggered  0 failed  # s
    db  Shown > Command("restart")
      error: update failed
        1: command `sh -c 'echo "cannot listen on port 80" >&2; exit 3'` exited with
     3 after # s
        2: in directory `DIR/home/deployment/subject/test/db/work/shown`
     as user `root`
        3: stderr ends with:
                | cannot listen on port 80
    failed: 1 root failed
    "#);
}

#[test]
fn a_deployment_on_two_hundred_columns_in_colour() {
    let project = three();
    let mut terminal = project.terminal("deploy test", 200, &[]);
    let midst = wait_for_all(&terminal);
    assert_snapshot!(project.steady(&midst.colours()), @r#"
    deploying `subject` to `test`: 3 roots on 3 hosts
    *  #s  db  Shown > Command("start the server")
    *  #s  web1  Shown > Command("start the server")
    *  #s  web2  Shown > Command("migrate the tables of the shop, then rebuild each index that they have, and 数据库 änderungen last of all")
    "#);
    go_on(&project, &terminal);
    assert_eq!(terminal.end(), 1);
    assert_snapshot!(project.steady(&terminal.screen().colours()), @r#"
    deploying `subject` to `test`: 3 roots on 3 hosts
    [bold]web1[/]  Shown > Command("start the server")
      [green]+[/] create `DIR/home/deployment/subject/test/web1/work/shown/done`
    [bold]web1[/]  Shown > File("conf")
      [green]+[/] create file (mode 0640)
      [yellow]~[/] content (+1 -0 lines)
          [cyan]@@ -0,0 +1 @@[/]
          [green]+name = start the server[/]
    [bold]web1[/]  Shown > Command("restart")
      [yellow]~[/] triggered by Shown > File("conf")
    [bold]web2[/]  Shown > Command("migrate the tables of the shop, then rebuild each index that they have, and 数据库 änderungen last of all")
      [green]+[/] create `DIR/home/deployment/subject/test/web2/work/shown/done`
    [bold]web2[/]  Shown > File("conf")
      [green]+[/] create file (mode 0640)
      [yellow]~[/] content (+1 -0 lines)
          [cyan]@@ -0,0 +1 @@[/]
          [green]+name = migrate the tables of the shop, then rebuild each index that they have, and 数据库 änderungen last of all[/]
    [bold]web2[/]  Shown > Command("restart")[dim]  as on web1[/]
    [bold]db[/]  Shown > Command("start the server")
      [green]+[/] create `DIR/home/deployment/subject/test/db/work/shown/done`
    [bold]db[/]  Shown > File("conf")[dim]  as on web1[/]
    [bold]db[/]  Shown > Command("restart")
      [red]error:[/] update failed: command `sh -c 'echo "cannot listen on port 80" >&2; exit 3'` exited with 3 after # s
    [bold]db  [/]  1 root  0 current  2 changed  0 triggered  1 failed  # s
    [bold]web1[/]  1 root  2 current  2 changed  1 triggered  0 failed  # s
    [bold]web2[/]  1 root  2 current  2 changed  1 triggered  0 failed  # s
    [bold]db[/]  Shown > Command("restart")
      [red]error:[/] update failed
        1: command `sh -c 'echo "cannot listen on port 80" >&2; exit 3'` exited with 3 after # s
        2: in directory `DIR/home/deployment/subject/test/db/work/shown` as user `root`
        3: stderr ends with:
                | cannot listen on port 80
    [red]failed: 1 root failed[/]
    "#);
}

#[test]
fn a_terminal_that_gets_narrow_keeps_a_line_for_each_host() {
    let project = three();
    let mut terminal = project.terminal("deploy test", 120, PLAIN);
    wait_for_all(&terminal);
    terminal.resize(40);
    project.open("web1");
    let midst = terminal.wait_for("two hosts", |screen| {
        screen.contains("Command(\"restart\")\n")
            && shows(screen, &["db", "web2"])
            && screen.lines().rev().take(2).all(|line| line.ends_with('…'))
    });
    assert_snapshot!(project.steady(&midst.text()), @r#"
    deploying `subject` to `test`: 3 roots o
    web1  Shown > Command("start the server"
    )
      + create `DIR/home/deploym
    ent/subject/test/web1/work/shown/done`
    web1  Shown > File("conf")
      + create file (mode 0640)
      ~ content (+1 -0 lines)
          @@ -0,0 +1 @@
          +name = start the server
    web1  Shown > Command("restart")
      ~ triggered by Shown > File("conf")
    *  #s  db  Shown > Command("start the…
    *  #s  web2  Shown > Command("migrate…
    "#);
    ["db", "web2"].iter().for_each(|host| project.open(host));
    assert_eq!(terminal.end(), 1);
    assert_nothing_live_is_left(&terminal);
}

#[test]
fn control_c_ends_what_is_shown_live() {
    let project = three();
    let mut terminal = project.terminal("deploy test", 80, PLAIN);
    wait_for_all(&terminal);
    terminal.press("\u{3}");
    let stopping = terminal.wait_for("that it stops", |screen| {
        screen.contains("stopping") && shows(screen, &["db", "web1", "web2"])
    });
    assert_snapshot!(project.steady(&stopping.text()), @r#"
    deploying `subject` to `test`: 3 roots on 3 hosts
    stopping after the running updates; press Ctrl-C again to kill them
    *  #s  db  Shown > Command("start the server")
    *  #s  web1  Shown > Command("start the server")
    *  #s  web2  Shown > Command("migrate the tables of the shop, then rebuild ea…
    "#);
    ["db", "web1", "web2"].iter().for_each(|host| project.open(host));
    assert_eq!(terminal.end(), 130);
    assert_nothing_live_is_left(&terminal);
    let screen = terminal.screen().text();
    assert!(screen.ends_with("interrupted: 0 of 3 roots done, 3 roots stopped\n"), "{screen}");
}

#[test]
fn a_dumb_terminal_is_sent_nothing_but_lines() {
    let project = three();
    let mut terminal = project.terminal("deploy test --host web1", 80, &[("TERM", "dumb")]);
    project.open("web1");
    assert_eq!(terminal.end(), 0);
    let bytes = String::from_utf8(terminal.bytes()).unwrap();
    assert!(!bytes.contains('\u{1b}'), "{bytes:?}");
    assert_snapshot!(project.steady(&terminal.screen().text()), @r#"
    deploying `subject` to `test`: 1 root on 1 host
    web1  Shown > Command("start the server")
      + create `DIR/home/deployment/subject/test/web1/work/shown/done`
    web1  Shown > File("conf")
      + create file (mode 0640)
      ~ content (+1 -0 lines)
          @@ -0,0 +1 @@
          +name = start the server
    web1  Shown > Command("restart")
      ~ triggered by Shown > File("conf")
    web1  1 root  2 current  2 changed  1 triggered  0 failed  # s
    skipped 2 roots not selected: `shown@db`, `shown@web2`
    converged: 2 components changed, 1 trigger performed
    "#);
}
