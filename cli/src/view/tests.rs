//! What the views make of recorded runs.

mod rollout;

use std::time::Duration;

use togusa_core::event::{Event, Mode, Outcome, Skip, Summary};
use togusa_core::problem::{Problem, code};
use togusa_core::verdict::Change;

use super::Purpose;
use super::recorded::*;
use crate::ui::Choices;

#[test]
fn a_deployment_tells_on_standard_error_how_it_goes_on() {
    let events = a_deployment(Mode::Converge);
    insta::assert_snapshot!(shown(NORMAL, Purpose::Deploy, true, &events), @r#"
    [stderr]
    deploying `shop` to `prod`: 2 roots on 2 hosts
    web1  App > File("app.conf")
      ~ mode 0644 → 0600
      ~ content (+1 -1 lines)
          @@ -1,2 +1,2 @@
          -port = 80
          +port = 8080
           user = www
    web1  App > File("key.pem")
      + create file
      ~ content (sensitive)
    web1  App > Service("app")  (3.2 s)
      ~ triggered by App > File("app.conf"), App > File("key.pem")
    web2  Nginx > File("old.conf")
      - remove old.conf
    web1  1 root  12 current  3 changed  1 triggered  0 failed  3.4 s
    web2  1 root   0 current  1 changed  0 triggered  0 failed  0.0 s
    slowest:
      web1  App > Service("app")  3.2 s
    converged: 4 components changed, 1 trigger performed
    "#);
}

#[test]
fn a_host_that_reboots_goes_and_comes_back() {
    let kernel = root("web1", "kernel");
    let reboot = "Kernel > Reboot";
    let mut events = vec![
        started(Mode::Converge, std::slice::from_ref(&kernel), &[]),
        changed(&kernel, "Kernel > File(\"grub\")", [Change::create("file")], &[], Some(12)),
        updates(&kernel, reboot),
        Event::Rebooting {
            root: kernel.clone(),
            breadcrumb: reboot.into(),
            timeout: Duration::from_secs(600),
        },
        Event::Rebooted { host: "web1".into(), elapsed: Duration::from_secs(41) },
        changed(&kernel, reboot, [], &["Kernel > File(\"grub\")"], Some(42_000)),
    ];
    events.extend(ends(&[(&kernel, Outcome::Converged, [3, 1, 0, 1], 43_100)]));
    insta::assert_snapshot!(shown(NORMAL, Purpose::Deploy, false, &events), @r#"
    [stderr]
    deploying `shop` to `prod`: 1 root on 1 host
    web1  Kernel > File("grub")
      + create file
    web1  reboots for Kernel > Reboot
    web1  is back after 41 s
    web1  Kernel > Reboot  (42 s)
      ~ triggered by Kernel > File("grub")
    web1  1 root  2 current  1 changed  1 triggered  0 failed  43 s
    slowest:
      web1  Kernel > Reboot  42 s
    converged: 1 component changed, 1 trigger performed
    "#);
}

#[test]
fn a_plan_is_data_and_its_diffs_can_be_left_out() {
    let events = a_deployment(Mode::Verify);
    insta::assert_snapshot!(shown(NORMAL, Purpose::Plan, false, &events), @r#"
    [stdout]
    web1  App > File("app.conf")
      ~ mode 0644 → 0600
      ~ content (+1 -1 lines)
    web1  App > File("key.pem")
      + create file
      ~ content (sensitive)
    web1  App > Service("app")
      ~ triggered by App > File("app.conf"), App > File("key.pem")
    web2  Nginx > File("old.conf")
      - remove old.conf
    web1  1 root  12 current  3 changed  1 triggered  0 failed  3.4 s
    web2  1 root   0 current  1 changed  0 triggered  0 failed  0.0 s
    4 changes planned, 1 trigger pending
    [stderr]
    planning `shop` in `prod`: 2 roots on 2 hosts
    "#);
}

#[test]
fn with_verbose_current_components_output_and_logs_are_shown() {
    let events = a_deployment(Mode::Converge);
    insta::assert_snapshot!(shown(VERBOSE, Purpose::Deploy, false, &events), @r#"
    [stderr]
    deploying `shop` to `prod`: 2 roots on 2 hosts
    web1  App  | 3 workers on 2 cores
    web1  connected in 0.2 s
    web1  App > Directory("data")  = current
    web1  App > File("app.conf")
      ~ mode 0644 → 0600
      ~ content (+1 -1 lines)
    web1  App > File("key.pem")
      + create file
      ~ content (sensitive)
    web1  App > Service("app")  | restarting
    web1  App > Service("app")  | \x1b[32mok\x1b[0m
    web1  App > Service("app")  (3.2 s)
      ~ triggered by App > File("app.conf"), App > File("key.pem")
    web2  Nginx > File("old.conf")
      - remove old.conf
    web1  App  = current
    web1  app: converged, 3.4 s
    web2  nginx: converged, 0.0 s
    web1  1 root  12 current  3 changed  1 triggered  0 failed  3.4 s
    web2  1 root   0 current  1 changed  0 triggered  0 failed  0.0 s
    slowest:
      web1  App > Service("app")  3.2 s
    converged: 4 components changed, 1 trigger performed
    "#);
}

#[test]
fn quiet_shows_nothing_of_a_success() {
    assert_eq!(shown(QUIET, Purpose::Deploy, true, &a_deployment(Mode::Converge)), "");
    assert_eq!(shown(QUIET, Purpose::Plan, true, &a_deployment(Mode::Verify)), "");
}

#[test]
fn verify_calls_differences_drift() {
    let text = shown(NORMAL, Purpose::Verify, false, &a_deployment(Mode::Verify));
    assert!(text.contains("\ndrift: 4 components changed, 1 trigger pending\n"), "{text}");
}

#[test]
fn a_failure_is_told_when_it_happens_and_wholly_at_the_end() {
    insta::assert_snapshot!(shown(NORMAL, Purpose::Deploy, true, &a_failure()), @r#"
    [stderr]
    deploying `shop` to `prod`: 3 roots on 3 hosts
    db1  Db > Command("make")
      ~ `/usr/bin/db` is missing
      error[T0605]: failed to run `make install`: exit code 2 after 0.4 s
    db1   1 root  1 current  1 changed  1 failed  0 not started  0.5 s
    web1  1 root  0 current  0 changed  0 failed  1 not started  0.0 s
    web2  1 root  1 current  0 changed  0 failed  0 not started  0.0 s
    db1  Db > Command("make")
      error[T0605]: failed to run `make install`
        1: exit code 2 after 0.4 s
        2: standard error ended with
           cc: not found
           \x07make: *** [all] Error 127
        hint: `make check` names what is missing
    1 root not started because `db@db1` failed
    failed: 1 root failed, 1 root not started
    "#);
}

#[test]
fn quiet_shows_failures_and_what_they_came_to() {
    insta::assert_snapshot!(shown(QUIET, Purpose::Deploy, true, &a_failure()), @r#"
    [stderr]
    db1  Db > Command("make")
      error[T0605]: failed to run `make install`
        1: exit code 2 after 0.4 s
        2: standard error ended with
           cc: not found
           \x07make: *** [all] Error 127
        hint: `make check` names what is missing
    failed: 1 root failed, 1 root not started
    "#);
}

#[test]
fn a_failure_is_told_wholly_although_the_run_breaks_off() {
    let events = a_failure();
    let text = shown(NORMAL, Purpose::Deploy, false, &events[..events.len() - 1]);
    assert!(text.ends_with("    hint: `make check` names what is missing\n"), "{text}");
}

#[test]
fn a_hundred_hosts_stay_readable() {
    let events = a_hundred_hosts();
    insta::assert_snapshot!(shown(NORMAL, Purpose::Deploy, true, &events), @r#"
    [stderr]
    deploying `shop` to `prod`: 100 roots on 100 hosts
    web001  App > File("app.conf")
      ~ content (+1 -1 lines)
          @@ -1 +1 @@
          -port = 80
          +port = 0
    web002  App > File("app.conf")  as on web001
    web003  App > File("app.conf")  as on web001
    web004  App > File("app.conf")  as on web001
    web005  App > File("app.conf")
      ~ content (+1 -1 lines)
          @@ -1 +1 @@
          -port = 80
          +port = 1
    web030  App > Command("make")
      error[T0605]: failed to run `make`: exit code 2 after 0.30 s
    web060  App > Command("make")
      error[T0605]: failed to run `make`: exit code 2 after 0.60 s
    web090  App > Command("make")
      error[T0605]: failed to run `make`: exit code 2 after 0.90 s
    web030    1 root   9 current  0 changed  1 failed  0.0 s
    web060    1 root   9 current  0 changed  1 failed  0.0 s
    web090    1 root   9 current  0 changed  1 failed  0.0 s
    5 hosts   1 root   9 current  1 changed  0 failed  up to 0.0 s
    92 hosts  1 root  10 current  0 changed  0 failed  up to 0.0 s
    web030  App > Command("make")
      error[T0605]: failed to run `make`
        1: exit code 2 after 0.30 s
        2: standard error ended with
           make: no such target
      the same on `web090`
    web060  App > Command("make")
      error[T0605]: failed to run `make`
        1: exit code 2 after 0.60 s
        2: standard error ended with
           cc: not found
    failed: 3 roots failed
    "#);
    let whole = shown(VERBOSE, Purpose::Deploy, true, &events);
    assert_eq!(whole.matches("    2: standard error ended with").count(), 3, "{whole}");
    assert!(whole.contains("\nweb099  1 root  10 current"), "{whole}");
    assert!(!whole.contains("as on"), "{whole}");
}

#[test]
fn a_host_that_drops_out_is_named_with_the_reason() {
    let (web1, web2) = (root("web1", "app"), root("web2", "app"));
    let problem = Problem::new(code::NO_ROUTE, "failed to connect")
        .hint("is it switched on?")
        .on(&"web2".into());
    let summary =
        Summary { failed_hosts: [("web2".into(), problem.clone())].into(), ..Summary::default() };
    let mut events = vec![
        started(Mode::Converge, &[web1.clone(), web2.clone()], &[]),
        Event::HostFailed { host: "web2".into(), problem },
        Event::Warning {
            host: "web1".into(),
            problem: Problem::new(code::THIS_MACHINE, "the clock is 3 min slow"),
        },
    ];
    events.extend(ends_with(
        &[(&web1, Outcome::Converged, [4, 0, 0, 0], 90), (&web2, Outcome::Failed, [0; 4], 0)],
        summary,
    ));
    insta::assert_snapshot!(shown(NORMAL, Purpose::Deploy, true, &events), @r"
    [stderr]
    deploying `shop` to `prod`: 2 roots on 2 hosts
    web2  error[T0409]: failed to connect
      hint: is it switched on?
    web1  warning[T0010]: the clock is 3 min slow
    web1  1 root  4 current  0 changed  0 failed  0.1 s
    web2  1 root  0 current  0 changed  1 failed  0.0 s  (host failed)
    failed: `web2` dropped out
    ");
}

#[test]
fn a_lock_is_a_reason_of_its_own() {
    let web1 = root("web1", "app");
    let summary = Summary { locked_hosts: vec!["web1".into()], ..Summary::default() };
    let events = ends_with(&[(&web1, Outcome::Failed, [0; 4], 0)], summary);
    insta::assert_snapshot!(shown(NORMAL, Purpose::Deploy, true, &events), @r"
    [stderr]
    web1  1 root  0 current  0 changed  1 failed  0.0 s  (locked)
    failed: another deployment holds the lock of `web1`
    ");
}

#[test]
fn an_interrupted_run_says_how_far_it_came() {
    let (db, app) = (root("db1", "db"), root("web1", "app"));
    let mut events = vec![
        started(Mode::Converge, &[db.clone(), app.clone()], &[]),
        looks(&app, "App > File(\"a\")"),
    ];
    events.extend(ends_with(
        &[
            (&db, Outcome::Converged, [2, 0, 0, 0], 100),
            (&app, Outcome::Interrupted, [1, 0, 0, 0], 100),
        ],
        Summary { interrupted: true, ..Summary::default() },
    ));
    let text = shown(VERBOSE, Purpose::Deploy, true, &events);
    assert!(!text.contains("= current"), "nothing is known of what was interrupted: {text}");
    insta::assert_snapshot!(shown(NORMAL, Purpose::Deploy, true, &events), @r"
    [stderr]
    deploying `shop` to `prod`: 2 roots on 2 hosts
    db1   1 root  2 current  0 changed  0 failed  0 stopped  0.1 s
    web1  1 root  1 current  0 changed  0 failed  1 stopped  0.1 s
    interrupted: 1 of 2 roots done, 1 root stopped
    ");
}

#[test]
fn a_run_that_breaks_off_claims_nothing() {
    let events = a_deployment(Mode::Converge);
    let text = shown(NORMAL, Purpose::Deploy, false, &events[..events.len() - 1]);
    assert!(text.contains("key.pem"));
    assert!(!text.contains("converged") && !text.contains("nothing to do"), "{text}");
}

#[test]
fn what_is_left_out_is_named_by_reason() {
    let app = root("web1", "app");
    let skipped = [
        (root("web2", "app"), Skip::HostIgnored),
        (root("web1", "cron"), Skip::RootIgnored),
        (root("db1", "db"), Skip::NotSelected),
        (root("db2", "db"), Skip::NotSelected),
    ];
    let mut events = vec![started(Mode::Converge, std::slice::from_ref(&app), &skipped)];
    events.extend(ends(&[(&app, Outcome::Converged, [4, 0, 0, 0], 90)]));
    insta::assert_snapshot!(shown(NORMAL, Purpose::Deploy, true, &events), @r"
    [stderr]
    deploying `shop` to `prod`: 1 root on 1 host
    web1  1 root  4 current  0 changed  0 failed  0.1 s
    skipped 1 root whose host is ignored: `app@web2`
    skipped 1 root ignored: `cron@web1`
    skipped 2 roots not selected: `db@db1`, `db@db2`
    nothing to do: every component is current
    ");
}

#[test]
fn many_roots_that_are_left_out_are_named_with_verbose_alone() {
    let skipped: Vec<_> =
        (10..30).map(|n| (root(&format!("web{n}"), "app"), Skip::NotSelected)).collect();
    let mut events = vec![started(Mode::Verify, &[], &skipped)];
    events.extend(ends(&[]));
    let text = shown(NORMAL, Purpose::Plan, true, &events);
    assert!(text.contains("skipped 20 roots not selected: `app@web10`, "), "{text}");
    assert!(text.contains("`app@web17`, … 12 more\n"), "{text}");
    assert!(text.ends_with("planning `shop` in `prod`: 0 roots on 0 hosts\n"), "{text}");
    assert!(shown(VERBOSE, Purpose::Plan, true, &events).contains("`app@web29`\n"));
}

#[test]
fn what_cannot_be_judged_yet_is_unknown_with_the_reason_on_request() {
    let app = root("web1", "app");
    let mut problem = Problem::new(code::NO_ACCOUNT, "failed to look up user `app`");
    problem.causes = vec!["no such user".into()];
    let mut events = vec![
        started(Mode::Verify, std::slice::from_ref(&app), &[]),
        changed(&app, "App > User(\"app\")", [Change::create("user")], &[], None),
        Event::ComponentUnknown {
            root: app.clone(),
            breadcrumb: "App > File(\"a\")".into(),
            problem,
        },
    ];
    events.extend(ends(&[(&app, Outcome::Planned, [3, 1, 1, 0], 90)]));
    insta::assert_snapshot!(shown(NORMAL, Purpose::Plan, true, &events), @r#"
    [stdout]
    web1  App > User("app")
      + create user
    web1  App > File("a")
      ? unknown until applied
    web1  1 root  1 current  1 changed  1 unknown  0 failed  0.1 s
    1 change planned, 1 component unknown until applied
    [stderr]
    planning `shop` in `prod`: 1 root on 1 host
    "#);
    let text = shown(VERBOSE, Purpose::Plan, true, &events);
    let reason = "    now[T0620]: failed to look up user `app`\n      1: no such user\n";
    assert!(text.contains(reason), "{text}");
}

#[test]
fn a_long_diff_ends_in_the_count_of_the_rest() {
    let app = root("web1", "app");
    let text: String = (1..=152).map(|line| format!("line {line}\n")).collect();
    let change = Change::text("", &text);
    let events = [changed(&app, "App > File(\"a\")", [change], &[], None)];

    let short = shown(NORMAL, Purpose::Plan, true, &events);
    assert!(short.ends_with("      +line 19\n      … 133 more lines\n"), "{short}");
    let whole = shown(VERBOSE, Purpose::Plan, true, &events);
    assert!(whole.ends_with("      +line 152\n"), "{whole}");
}

#[test]
fn a_diff_cannot_steer_the_terminal_and_shows_changed_line_ends() {
    let app = root("web1", "app");
    let change = Change::text("a\n", "\u{1b}]0;title\u{7}a\r\n");
    let events = [changed(&app, "App > File(\"a\u{1b}\")", [change], &[], None)];
    insta::assert_snapshot!(shown(NORMAL, Purpose::Plan, true, &events), @r#"
    [stdout]
    web1  App > File("a\x1b")
      ~ content (+1 -1 lines)
          @@ -1 +1 @@
          -a
          +\x1b]0;title\x07a\r
    "#);
}

#[test]
fn a_trigger_that_lost_its_dependant_is_shown() {
    let moved = |moved_to: &[&str]| Event::TriggerMoved {
        root: "app".into(),
        host: "web1".into(),
        cause: "App > File(\"a\")".into(),
        dependant: "App > Service(\"old\")".into(),
        moved_to: moved_to.iter().map(|&name| name.into()).collect(),
    };
    let events = [moved(&["App > Service(\"new\")"]), moved(&[])];
    insta::assert_snapshot!(shown(NORMAL, Purpose::Deploy, true, &events), @r#"
    [stderr]
    web1  App > File("a") had changed for App > Service("old"), which is gone: now pending for App > Service("new")
    web1  App > File("a") had changed for App > Service("old"), which is gone: nothing depends on it any more
    "#);
}

#[test]
fn only_the_slowest_five_are_named() {
    let app = root("web1", "app");
    let mut events: Vec<_> = [4000, 900, 70_000, 1000, 2000, 3000, 5000]
        .into_iter()
        .map(|took| changed(&app, &format!("App > Command({took})"), [], &[], Some(took)))
        .collect();
    events.extend(ends(&[(&app, Outcome::Converged, [7, 7, 0, 0], 85_900)]));
    let text = shown(NORMAL, Purpose::Deploy, true, &events);
    let slowest: Vec<_> =
        text.lines().skip_while(|line| *line != "slowest:").skip(1).take(6).collect();
    assert_eq!(
        slowest,
        [
            "  web1  App > Command(70000)  1 min 10 s",
            "  web1  App > Command(5000)  5.0 s",
            "  web1  App > Command(4000)  4.0 s",
            "  web1  App > Command(3000)  3.0 s",
            "  web1  App > Command(2000)  2.0 s",
            "converged: 7 components changed",
        ]
    );
}

#[test]
fn json_lines_are_the_events_themselves_whatever_else_is_chosen() {
    let events = [a_deployment(Mode::Converge), a_failure()].concat();
    let choices = Choices { json: true, ..QUIET };
    let text = shown(choices, Purpose::Deploy, false, &events);
    let lines = text.strip_prefix("[stdout]\n").unwrap().lines();
    let read: Vec<Event> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(read, events);
}

#[test]
fn colour_adds_nothing_but_colour_to_a_run() {
    let events = [a_deployment(Mode::Converge), a_failure()].concat();
    let coloured = Choices { data_colour: true, notes_colour: true, ..NORMAL };
    let coloured = shown(coloured, Purpose::Deploy, true, &events);
    let parts = coloured.split('\u{1b}').enumerate();
    let stripped: String = parts
        .map(|(number, part)| if number == 0 { part } else { part.split_once('m').unwrap().1 })
        .collect();
    assert_ne!(coloured, stripped);
    assert_eq!(stripped, shown(NORMAL, Purpose::Deploy, true, &events));
}

#[test]
fn progress_changes_no_line_of_what_stays() {
    let events = [a_deployment(Mode::Converge), a_failure()].concat();
    let live = Choices { progress: true, ..NORMAL };
    assert_eq!(
        shown(live, Purpose::Deploy, true, &events),
        shown(NORMAL, Purpose::Deploy, true, &events)
    );
}
