//! Files that monitoring reads.

use std::fs;
use std::time::Duration;

use togusa_components::prelude::*;

use crate::Bench;
use crate::bench::{mode_of, set_mode};

fn set(test: &Bench, configure: fn(&mut togusa_core::scope::Scope<'_>)) {
    test.set_model(move |scope| {
        configure(scope);
        Ok(())
    });
}

#[test]
fn a_check_stands_in_a_file_of_its_agent() {
    let test = Bench::new().sandbox("~/box");
    set(&test, |scope| {
        scope.add(CheckFile::nrpe("check_disk", "/bin/check -w 20%"));
        let sensu = CheckFile::sensu("disk", "check \"/\"").handler("mail");
        scope.add(sensu.timeout(Duration::from_secs(9)).mode(0o640));
        let icinga = CheckFile::icinga("space", r#"check "$x""#).host("db1");
        scope.add(icinga.interval(Duration::from_secs(300)));
    });
    test.converge();
    let path = |name: &str| test.home("box/etc").join(name);
    let read = |name: &str| fs::read_to_string(path(name)).unwrap();
    let nrpe = "nagios/nrpe.d/check_disk.cfg";
    assert_eq!(read(nrpe), "command[check_disk]=/bin/check -w 20%\n");
    let sensu = read("sensu/conf.d/disk.json");
    let sensu: String = sensu.split_whitespace().collect();
    let check = r#""command":"check\"/\"","handlers":["mail"],"interval":60,"standalone":true"#;
    assert_eq!(sensu, format!(r#"{{"checks":{{"disk":{{{check},"timeout":9}}}}}}"#));
    assert_eq!(
        read("icinga2/conf.d/space.conf"),
        r#"object CheckCommand "space" {
  command = [ "/bin/sh", "-c", "check \"$$x\"" ]
}

object Service "space" {
  host_name = "db1"
  check_command = "space"
  check_interval = 300s
}
"#
    );
    fs::write(path(nrpe), "command[check_disk]=/bin/true\n").unwrap();
    assert_eq!(test.converge(), ["~ content (+1 -1 lines)"]);
    let all = [
        (nrpe, 0o644, "~ mode 0666 → 0644"),
        ("sensu/conf.d/disk.json", 0o640, "~ mode 0666 → 0640"),
        ("icinga2/conf.d/space.conf", 0o644, "~ mode 0666 → 0644"),
    ];
    for (name, mode, seen) in all {
        set_mode(&path(name), 0o666);
        assert_eq!(test.converge(), [seen], "{name}");
        assert_eq!(mode_of(&path(name)), mode, "{name}");
    }
    set(&test, |scope| {
        scope.add(CheckFile::nrpe("check_disk", "").absent());
        scope.add(CheckFile::sensu("disk", "").absent());
        scope.add(CheckFile::icinga("space", "").absent());
    });
    assert_eq!(test.converge().len(), 3);
    assert!(all.iter().all(|(name, ..)| !path(name).exists()));
}

#[test]
fn targets_are_written_as_the_name_of_the_file_says() {
    let test = Bench::new();
    set(&test, |scope| {
        let nodes = |path: &str| PrometheusTarget::new(path).targets(["web:1", "db:1", "web:1"]);
        scope.add(nodes("nodes.json").label("env", "live").mode(0o640));
        scope.add(nodes("nodes.yml").label("env", "a: \"b\""));
        scope.add(nodes("plain.yaml"));
    });
    test.converge();
    let json: String = test.read("nodes.json").split_whitespace().collect();
    assert_eq!(json, r#"[{"labels":{"env":"live"},"targets":["db:1","web:1"]}]"#);
    let yaml = "# Kept by togusa.\n- targets:\n    - \"db:1\"\n    - \"web:1\"\n";
    assert_eq!(test.read("plain.yaml"), yaml);
    assert_eq!(test.read("nodes.yml"), format!("{yaml}  labels:\n    env: \"a: \\\"b\\\"\"\n"));
    assert_eq!(test.mode("nodes.json"), 0o640);
    test.set_mode("nodes.json", 0o666);
    fs::write(test.path("plain.yaml"), "").unwrap();
    assert_eq!(test.converge().len(), 2);
    set(&test, |scope| drop(scope.add(PrometheusTarget::new("nodes.yml").absent())));
    test.converge();
    assert!(!test.exists("nodes.yml"));
}

#[test]
fn what_cannot_be_is_a_model_error() {
    type Make = fn(&mut togusa_core::scope::Scope<'_>);
    let wrong: [(Make, &str); 9] = [
        (|it| drop(it.add(CheckFile::nrpe("a b", "x"))), "`a b` cannot be the name of a check"),
        (|it| drop(it.add(CheckFile::nrpe("a", "x\ny"))), "is not one line"),
        (|it| drop(it.add(CheckFile::nrpe("a", "x").handler("b"))), "has no handlers"),
        (|it| drop(it.add(CheckFile::sensu("a", "x").host("b"))), "has no host"),
        (
            |it| drop(it.add(CheckFile::nrpe("a", "x").timeout(Duration::from_secs(1)))),
            "has no timeout",
        ),
        (|it| drop(it.add(PrometheusTarget::new("a.yml"))), "the file has no target"),
        (
            |it| drop(it.add(PrometheusTarget::new("a.yml").target("http://x:1/"))),
            "`http://x:1/` is no target",
        ),
        (
            |it| drop(it.add(PrometheusTarget::new("a.yml").target("a:1").label("a-b", 1))),
            "`a-b` cannot be a label",
        ),
        (
            |it| drop(it.add(PrometheusTarget::new("a.txt").target("a:1"))),
            "`a.txt` does not say what it is written in",
        ),
    ];
    for (make, words) in wrong {
        let test = Bench::new();
        set(&test, make);
        let problems = test.problems();
        assert!(problems.contains(words), "{problems}");
    }
}
