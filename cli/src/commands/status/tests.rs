//! What is shown of recorded hosts, at a fixed time.

use std::collections::BTreeMap;

use togusa_core::deployment::{Commit, Deployment, HostStatus, Record, RecordEnd, RecordedRoot};
use togusa_core::event::Counts;
use togusa_core::names::{Breadcrumb, HostName, RootId};
use togusa_core::problem::{Problem, code};
use tz::TimeZone;

use super::shown::Shown;
use super::{Answer, object};
use crate::ui::Paint;

/// 2026-11-03 13:02:40 in UTC.
const NOW: u64 = 1_793_710_960;

fn deployment(id: &str, ago: u64, commit: Option<(&str, bool)>) -> Deployment {
    let commit = commit.map(|(id, dirty)| Commit {
        id: id.repeat(40),
        branch: (!dirty).then(|| "main".to_owned()),
        dirty,
    });
    let (who, from) = ("ada".to_owned(), "desk".to_owned());
    Deployment { id: id.to_owned(), who, from, started: NOW - ago, commit }
}

fn ended(deployment: Deployment, roots: &[(&str, RecordedRoot)]) -> Record {
    let roots = roots.iter().map(|(name, root)| ((*name).into(), *root)).collect();
    let end = RecordEnd { ended: deployment.started + 5, roots, counts: Counts::default() };
    Record { deployment, end: Some(end) }
}

fn converged(id: &str, ago: u64, commit: Option<(&str, bool)>) -> Record {
    ended(deployment(id, ago, commit), &[("app", RecordedRoot::Converged)])
}

fn status(records: impl Into<Vec<Record>>) -> HostStatus {
    HostStatus { records: records.into(), ..HostStatus::default() }
}

fn shown(whole: bool, hosts: Vec<(&str, Answer)>) -> String {
    let answers: BTreeMap<HostName, _> =
        hosts.into_iter().map(|(host, answer)| (host.into(), answer)).collect();
    let zone = TimeZone::fixed(3600).unwrap();
    Shown { answers: &answers, now: NOW, zone, whole, paint: Paint(false) }.text()
}

/// Every state that a host can be in.
fn hosts() -> Vec<(&'static str, Answer)> {
    use RecordedRoot::{Converged, Failed, Interrupted, NotStarted};
    let unfinished = |id| Record { deployment: deployment(id, 90, Some(("a", false))), end: None };
    let failed = ended(
        deployment("4", 7300, Some(("b", false))),
        &[("app", Failed), ("cron", Converged), ("db", Interrupted), ("web", NotStarted)],
    );
    let pending = vec![Breadcrumb::new("App > Service(\"app\")"), "App > Command(\"x\")".into()];
    let holder = "ada@desk, process 12, for 7 s, now updating app: App > Service(\"app\")";
    vec![
        ("app01", Ok(status([converged("1", 200_000, Some(("a", false)))]))),
        ("app02", Ok(status([converged("2", 5, Some(("a", true)))]))),
        ("app03", Ok(status([failed]))),
        (
            "app04",
            Ok(HostStatus {
                pending: [("app".into(), pending)].into(),
                ..status([unfinished("5"), converged("1", 90_000, None)])
            }),
        ),
        ("app05", Ok(HostStatus { holder: Some(holder.to_owned()), ..status([unfinished("6")]) })),
        ("app06", Ok(HostStatus::default())),
        ("app07", Err(Problem::new(code::NO_ROUTE, "no route to host"))),
        (
            "lb",
            Ok(HostStatus {
                drained: [("haproxy", "app01"), ("haproxy", "app02"), ("nginx", "app02")]
                    .map(|(root, host)| (root.into(), RootId::new(host, "app")))
                    .into(),
                unfinished: vec!["nginx".into()],
                ..status([converged("7", 5, Some(("a", false)))])
            }),
        ),
    ]
}

#[test]
fn every_state_of_a_host_is_told() {
    insta::assert_snapshot!(shown(false, hosts()), @r#"
    host   deployed                       by        commit         outcome
    app01  2 days ago (2026-11-01 06:29)  ada@desk  aaaaaaa main   converged
    app02  5 s ago (2026-11-03 14:02)     ada@desk  aaaaaaa dirty  converged
    app03  2 h ago (2026-11-03 12:01)     ada@desk  bbbbbbb main   failed: `app`, interrupted: `db`, not started: `web`
    app04  1 min ago (2026-11-03 14:01)   ada@desk  aaaaaaa main   did not end
    app05  1 min ago (2026-11-03 14:01)   ada@desk  aaaaaaa main   running now
    app06  never deployed
    app07  could not be asked
    lb     5 s ago (2026-11-03 14:02)     ada@desk  aaaaaaa main   converged
    app04  pending in app: `App > Service("app")`, `App > Command("x")`
    app05  running: ada@desk, process 12, for 7 s, now updating app: App > Service("app")
    lb  haproxy has `app@app01`, `app@app02` out of use
    lb  nginx has `app@app02` out of use
    lb  `nginx` was being rolled
    the hosts are not at the same commit:
      aaaaaaa main: `app01`, `app04`, `app05`, `lb`
      aaaaaaa dirty: `app02`
      bbbbbbb main: `app03`
      never deployed: `app06`
    "#);
}

#[test]
fn with_verbose_the_last_five_deployments_are_shown() {
    let records: Vec<_> =
        (1..=7).map(|n| converged(&n.to_string(), n * 3600, Some(("c", false)))).collect();
    insta::assert_snapshot!(shown(true, vec![("web", Ok(status(records)))]), @r"
    host  deployed                    by        commit        outcome
    web   1 h ago (2026-11-03 13:02)  ada@desk  ccccccc main  converged
          2 h ago (2026-11-03 12:02)  ada@desk  ccccccc main  converged
          3 h ago (2026-11-03 11:02)  ada@desk  ccccccc main  converged
          4 h ago (2026-11-03 10:02)  ada@desk  ccccccc main  converged
          5 h ago (2026-11-03 09:02)  ada@desk  ccccccc main  converged
    ");
}

#[test]
fn hosts_at_one_commit_are_said_to_be() {
    let two = |first: Record, second: Record| {
        let text = shown(false, vec![("a", Ok(status([first]))), ("b", Ok(status([second])))]);
        text.lines().skip(3).collect::<Vec<_>>().join("\n")
    };
    let (clean, dirty) = (Some(("a", false)), Some(("a", true)));
    let same = two(converged("1", 5, clean), converged("2", 9, clean));
    assert_eq!(same, "all 2 hosts are at commit aaaaaaa main");
    let once = two(converged("1", 5, dirty), converged("1", 5, dirty));
    assert_eq!(once, "all 2 hosts are at commit aaaaaaa dirty");
    let twice = two(converged("1", 5, dirty), converged("2", 9, dirty));
    assert!(twice.ends_with("dirty, and may differ in what was not committed"), "{twice}");
    let mixed = two(converged("1", 5, dirty), converged("1", 5, clean));
    assert!(mixed.starts_with("the hosts are not at the same commit:\n"), "{mixed}");
    assert_eq!(two(converged("1", 5, None), converged("2", 9, None)), "");
}

#[test]
fn programs_read_states_records_and_problems() {
    let hosts = hosts();
    let objects: Vec<_> =
        hosts.iter().map(|(host, answer)| object((&HostName::new(*host), answer))).collect();
    let states: Vec<_> = objects.iter().map(|object| object["state"].as_str().unwrap()).collect();
    assert_eq!(
        states,
        [
            "converged",
            "converged",
            "failed",
            "unfinished",
            "running",
            "never-deployed",
            "unknown",
            "converged"
        ]
    );
    assert_eq!(objects[3]["pending"]["app"][1], "App > Command(\"x\")");
    assert_eq!(objects[2]["records"][0]["end"]["roots"]["web"], "not-started");
    assert_eq!(objects[6]["problem"]["message"], "no route to host");
    let instance = serde_json::json!({ "host": "app02", "root": "app" });
    let last = serde_json::json!({ "root": "nginx", "instance": instance });
    assert_eq!(objects[7]["drained"][2], last);
    assert_eq!(objects[7]["unfinished"], serde_json::json!(["nginx"]));
}
