use insta::assert_snapshot;

use crate::three;

fn printed(arguments: &str) -> String {
    let project = three();
    ["db", "web1", "web2"].iter().for_each(|host| project.open(host));
    project.steady(&project.piped(arguments))
}

#[test]
fn a_plan_is_data() {
    assert_snapshot!(printed("plan test --host web2"), @r#"
    exit Some(0)
    [stdout]
    web2  Shown > Command("migrate the tables of the shop, then rebuild each index that they have, and 数据库 änderungen last of all")
      + create `DIR/home/deployment/subject/test/web2/work/shown/done`
    web2  Shown > File("conf")
      + create file (mode 0640)
      ~ content (+1 -0 lines)
          @@ -0,0 +1 @@
          +name = migrate the tables of the shop, then rebuild each index that they have, and 数据库 änderungen last of all
    web2  Shown > Command("restart")
      ~ triggered by Shown > File("conf")
    web2  1 root  2 current  2 changed  1 triggered  0 failed  # s
    skipped 2 roots not selected: `shown@db`, `shown@web1`
    2 changes planned, 1 trigger pending
    [stderr]
    planning `subject` in `test`: 1 root on 1 host
    "#);
}

#[test]
fn a_deployment_on_one_host_tells_all_that_is_asked_for() {
    assert_snapshot!(printed("deploy test --host db"), @r#"
    exit Some(1)
    [stdout]
    [stderr]
    deploying `subject` to `test`: 1 root on 1 host
    db  Shown > Command("start the server")
      + create `DIR/home/deployment/subject/test/db/work/shown/done`
    db  Shown > File("conf")
      + create file (mode 0640)
      ~ content (+1 -0 lines)
          @@ -0,0 +1 @@
          +name = start the server
    db  Shown > Command("restart")
      error: update failed: command `sh -c 'echo "cannot listen on port 80" >&2; exit 3'` exited with 3 after # s
    db  1 root  0 current  2 changed  1 failed  # s
    skipped 2 roots not selected: `shown@web1`, `shown@web2`
    db  Shown > Command("restart")
      error: update failed
        1: command `sh -c 'echo "cannot listen on port 80" >&2; exit 3'` exited with 3 after # s
        2: in directory `DIR/home/deployment/subject/test/db/work/shown` as user `root`
        3: stderr ends with:
                | cannot listen on port 80
    failed: 1 root failed
    "#);
    assert_snapshot!(printed("deploy test --host web1 -v"), @r#"
    exit Some(0)
    [stdout]
    [stderr]
    deploying `subject` to `test`: 1 root on 1 host
    db  Shown  | waits for the gate of db
    web1  Shown  | waits for the gate of web1
    web2  Shown  | waits for the gate of web2
    web1  connected in # s
    web1  Shown > Command("start the server")
      + create `DIR/home/deployment/subject/test/web1/work/shown/done`
    web1  Shown > File("conf")
      + create file (mode 0640)
      ~ content (+1 -0 lines)
          @@ -0,0 +1 @@
          +name = start the server
    web1  Shown > Command("restart")  | restarted
    web1  Shown > Command("restart")
      ~ triggered by Shown > File("conf")
    web1  shown: converged, # s
    web1  1 root  2 current  2 changed  1 triggered  0 failed  # s
    skipped 2 roots not selected: `shown@db`, `shown@web2`
    converged: 2 components changed, 1 trigger performed
    "#);
}

#[test]
fn who_wants_quiet_hears_of_failures_alone() {
    assert_snapshot!(printed("deploy test --quiet --host web1"), @"
    exit Some(0)
    [stdout]
    [stderr]
    ");
    assert_snapshot!(printed("deploy test --quiet --host db"), @r#"
    exit Some(1)
    [stdout]
    [stderr]
    db  Shown > Command("restart")
      error: update failed
        1: command `sh -c 'echo "cannot listen on port 80" >&2; exit 3'` exited with 3 after # s
        2: in directory `DIR/home/deployment/subject/test/db/work/shown` as user `root`
        3: stderr ends with:
                | cannot listen on port 80
    failed: 1 root failed
    "#);
}
