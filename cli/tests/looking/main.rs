//! What `show`, `explain-order` and `graph` tell of a project with bases, hosts and secrets.

#![expect(clippy::disallowed_methods, reason = "tests arrange files and keys by hand")]

mod project;

use std::fs;

use project::{PASSWORD, Project};

/// All forms in which the two could come to light.
const FORMS: [&str; 9] = [
    PASSWORD,
    "tr0ub4dor",
    "dHIwdWI0ZG9yJjMgInF1b3RlZCI",
    "tr0ub4dor%263%20%22quoted%22",
    "tr0ub4dor&amp;3",
    "first line of a key",
    "second line of it",
    "Zmlyc3QgbGluZSBvZiBhIGtleQpzZWNvbmQgbGluZSBvZiBpdAo",
    "placeholder of",
];

#[test]
fn a_host_is_shown_with_where_its_attributes_come_from_and_all_it_gets() {
    let project = Project::new();
    insta::assert_snapshot!(project.run("show dev db"), @r#"
    db  (environments/base/environment.toml:6)
      reached       this machine
      converges as  whoever deploys
      platform      none named
      target        ~/deployment/shop/dev/db
      data.rack     "b4"  (environments/base/environment.toml:8)

    vault@db  Vault, layer 1 of 2
      work directory  ~/deployment/shop/dev/db/work/vault
      attributes
        port        9443      host db in environment dev (environments/dev/environment.toml:7), over 8443 of base environment base (environments/base/environment.toml:12)
        password    [secret]  secret of environment dev (environments/dev/secrets.toml:)
        key         [secret]  secret of environment dev (environments/dev/secrets.toml:)
        limits.cpu  1         base environment base (environments/base/environment.toml:13)
        limits.ram  4         environment dev (environments/dev/environment.toml:4), over 2 of base environment base (environments/base/environment.toml:13)
        note        "here"    host db in environment dev (environments/dev/environment.toml:6)
      provides
        Login  to app@app[1-3], app@mon, watch@mon, by `Vault`
          {"address":{"host":"db","port":9443},"password":"[secret]","url":"vault://x:[secret]@here"}
      components
        Vault  vault vault://x:[secret]@here
        │ its change updates: App of app@app[1-3], app@mon
        │ listens on db:9443
        │ says: reached by vault://x:[secret]@here
        ├── File("vault.conf")  file vault.conf
        ├── File("sizes.conf")  file sizes.conf
        ├── File("url")  file url
        ├── File("key.pem")  file key.pem
        ├── File("quiet")  file quiet
        ├── Group("vault://x:[secret]@here")
        └── Command("restart")
              updated when changed: File("vault.conf"), File("sizes.conf")
    "#);
    insta::assert_snapshot!(project.run("show dev app1"), @r"
    app1  (environments/base/environment.toml:4)
      reached       this machine
      converges as  whoever deploys
      platform      none named
      target        ~/deployment/shop/dev/app1

    app@app1  App, layer 2 of 2
      work directory  ~/deployment/shop/dev/app1/work/app
      requires
        Login  from vault@db  by `App`
      provides
        Watched  to watch@mon, by `App`
          {}
      components
        App
          updated when changed: Vault of vault@db
    ");
    insta::assert_snapshot!(project.run("show dev mon"), @r"
    mon  (environments/base/environment.toml:9)
      reached       this machine
      converges as  whoever deploys
      platform      none named
      target        ~/deployment/shop/dev/mon

    watch@mon  Watch, layer 1 of 2
      work directory  ~/deployment/shop/dev/mon/work/watch
      requires
        Watched  from app@app[1-3], app@mon  by `Watch`, optional, reversed: it waits for this
        Login    from vault@db               by `Watch`, unordered
      components
        Watch

    app@mon  App, layer 2 of 2  (skipped)
      work directory  ~/deployment/shop/dev/mon/work/app
      requires
        Login  from vault@db  by `App`
      provides
        Watched  to watch@mon, by `App`
          {}
      components
        App
          updated when changed: Vault of vault@db
    ");
}

#[test]
fn files_are_shown_as_they_will_be_without_secrets_and_with_what_is_assumed() {
    let project = Project::new();
    let shown = project.run("show dev db vault");
    let (_, files) = shown.split_once("\n\n").unwrap();
    insta::assert_snapshot!(files, @r#"
    ~/deployment/shop/dev/db/work/vault/vault.conf
      │ port = 9443
      │ password = [secret]
      │ url = vault://x:[secret]@here
      │ [
      │ s
      │ e
      │ c
      │ r
      │ e
      │ t
      │ ]

    ~/deployment/shop/dev/db/work/vault/sizes.conf
      │ cores = 1
      │ listen = 0.0.0.0:9443
      │ home = ~/x
      │ limits = 1 4 Some("here")
      only the host knows its facts; placeholders are `1` for cores
      addresses are not resolved here, 0.0.0.0 stands for them; `--resolve` asks
      `~` is the home of the user on the host

    ~/deployment/shop/dev/db/work/vault/url
      │ vault://x:[secret]@here
      (no end of line at the end)

    ~/deployment/shop/dev/db/work/vault/key.pem
      (not shown: it must not be seen)

    ~/deployment/shop/dev/db/work/vault/quiet
      (not shown: it must not be seen)
    "#);
    let resolved = project.run("show dev db sizes.conf --resolve");
    assert!(resolved.contains("does not resolve"), "{resolved}");
}

#[test]
fn a_component_is_found_by_any_part_of_it_that_is_its_own() {
    let project = Project::new();
    for part in ["sizes.conf", "Vault > File(\"sizes", "file(\"SIZES", "vault: sizes", "izes"] {
        let found = project.run_with(&["show", "dev", "db", part]);
        assert!(found.contains("cores = 1"), "{part}: {found}");
    }
    insta::assert_snapshot!(project.run("show dev db conf"), @r#"
    error[T0020]: `conf` means 2 components
      hint: name one of `vault: Vault > File("vault.conf")`, `vault: Vault > File("sizes.conf")`
    "#);
    insta::assert_snapshot!(project.run("show dev db sizs.conf"), @"
    error[T0019]: host `db` has no component `sizs.conf`
      hint: did you mean `sizes.conf`?
    ");
    insta::assert_snapshot!(project.run("show dev db nothing-of-the-kind"), @"
    error[T0019]: host `db` has no component `nothing-of-the-kind`
      hint: it has `vault`; `show` without it lists all below them
    ");
    insta::assert_snapshot!(project.run("show dev dc"), @"
    error[T0005]: there is no host `dc` in `dev`
      hint: did you mean `db`?
    ");
}

#[test]
fn the_order_is_explained_with_resources_and_who_required_them() {
    let project = Project::new();
    insta::assert_snapshot!(project.run("explain-order dev app@app1"), @r"
    app@app1 is in layer 2 of 2

    waits for
    ├── vault@db  Login, required by `App`
    └── watch@mon  Watched, required by `Watch` of watch@mon (reversed)

    nothing waits for it
    ");
    insta::assert_snapshot!(project.run("explain-order dev vault"), @r"
    vault@db is in layer 1 of 2

    waits for nothing

    is waited for by
    └── app@app[1-3], app@mon  Login, required by `App`

    no order with watch@mon: Login, required by `Watch` of watch@mon (unordered)
    ");
    insta::assert_snapshot!(project.run("explain-order dev watch"), @r"
    watch@mon is in layer 1 of 2

    waits for nothing

    is waited for by
    └── app@app[1-3], app@mon  Watched, required by `Watch` of watch@mon (reversed)

    no order with vault@db: Login, required by `Watch` (unordered)
    ");
    insta::assert_snapshot!(project.run("explain-order dev vault@db app@app2"), @r"
    app@app2 comes after vault@db

    vault@db
    └── app@app2  Login, required by `App`
    ");
    insta::assert_snapshot!(project.run("explain-order dev app@app2 app@app1"), @"nothing orders app@app2 and app@app1: they may run at once");
    insta::assert_snapshot!(project.run("explain-order dev watch vault"), @r"
    nothing orders watch@mon and vault@db: they may run at once
    watch@mon only knows vault@db: Login, required by `Watch` (unordered)
    ");
    insta::assert_snapshot!(project.run("explain-order dev app"), @"
    error[T0019]: 4 hosts have component `app`
      hint: name one of `app@app1`, `app@app2`, `app@app3`, `app@mon`
    ");
    insta::assert_snapshot!(project.run("explain-order dev valut"), @"
    error[T0019]: no host has component `valut`
      hint: did you mean `vault`?
    ");
    insta::assert_snapshot!(project.run("explain-order dev vault@app1"), @"
    error[T0019]: host `app1` has no component `vault`
      hint: there are `vault@db`
    ");
    insta::assert_snapshot!(project.run("explain-order dev vault@dd"), @"
    error[T0005]: there is no host `dd` in `dev`
      hint: did you mean `db`?
    ");
}

#[test]
fn programs_read_all_of_it() {
    let project = Project::new();
    let read = |line: &str| -> serde_json::Value {
        serde_json::from_str(&project.run(&format!("{line} --json"))).unwrap()
    };
    let vault = &read("show dev db")["roots"][0];
    assert_eq!(vault["attributes"][0]["name"], "port");
    let from = &vault["attributes"][0]["from"];
    assert_eq!((&from["level"], &from["line"]), (&"host".into(), &7.into()));
    assert_eq!(vault["attributes"][0]["over"][1]["value"], 8080);
    assert_eq!(vault["provides"][0]["value"]["address"]["port"], 9443);
    assert_eq!(vault["files"][1]["assumed_facts"]["cores"], "1");
    assert_eq!(vault["files"][2]["text"], "vault://x:[secret]@here");
    assert!(vault["files"][3]["text"].is_null());

    let order = read("explain-order dev app@app1");
    assert_eq!(order["layer"], 2);
    assert_eq!(order["waits_for"].as_array().unwrap().len(), 2);
    let between = read("explain-order dev vault app@app1");
    assert_eq!((&between["ordered"], &between["ways"]), (&true.into(), &1.into()));
    let graph = read("graph dev");
    assert_eq!(graph["layers"].as_array().unwrap().len(), 2);
    assert_eq!(graph["skipped"], serde_json::json!(["app@mon"]));
}

#[test]
fn no_secret_comes_to_light() {
    let project = Project::new();
    let mut lines = Vec::new();
    for how in ["", " --without-secrets"] {
        for form in ["text", "dot", "mermaid", "svg", "html"] {
            lines.push(format!("graph dev --format {form}{how}"));
        }
        for line in [
            "graph dev --json",
            "show dev db",
            "show dev db -v",
            "show dev db --json",
            "show dev db vault",
            "show dev db tr0ub",
            "show dev db nothing",
            "show dev app1 -v",
            "show dev app1 --json",
            "explain-order dev app@app1",
            "explain-order dev app@app1 --json",
            "explain-order dev vault app@app1",
        ] {
            lines.push(format!("{line}{how}"));
        }
    }
    for line in lines {
        let text = project.run(&line);
        assert!(text.contains("db") || text.contains("app1"), "{line}: {text}");
        for form in FORMS {
            let asked = line.contains("tr0ub");
            let text = if asked { text.replace("`tr0ub`", "") } else { text.clone() };
            let open = line.contains("--without-secrets") && form == "placeholder of";
            assert!(open || !text.contains(form), "{line}: {form} in {text}");
        }
    }
}

#[test]
fn a_graph_of_some_is_that_of_a_run_about_them_alone() {
    let project = Project::new();
    insta::assert_snapshot!(project.run("graph dev"), @r"
    vault@db
    watch@mon  knows vault@db (Login)
    app@app1  waits for vault@db (Login), watch@mon (Watched, reversed)
    app@app2  waits for vault@db (Login), watch@mon (Watched, reversed)
    app@app3  waits for vault@db (Login), watch@mon (Watched, reversed)
    app@mon  (skipped)  waits for vault@db (Login), watch@mon (Watched, reversed)
    ");
    insta::assert_snapshot!(project.run("graph dev --host app*,mon"), @r"
    watch@mon
    app@app1  waits for watch@mon (Watched, reversed)
    app@app2  waits for watch@mon (Watched, reversed)
    app@app3  waits for watch@mon (Watched, reversed)
    app@mon  (skipped)  waits for watch@mon (Watched, reversed)
    ");
    insta::assert_snapshot!(project.run("graph dev --component wach"), @"
    error[T0006]: `--component wach` matches no component
      hint: did you mean `watch`?
    ");
    let file = project.path("order.svg");
    project.run(&format!("graph dev --out {}", file.display()));
    assert!(fs::read_to_string(file).unwrap().starts_with("<svg"));
    let picture = project.path("order.png");
    let line = format!("graph dev --out {}", picture.display());
    let told = project.run(&line).replace(&picture.display().to_string(), "order.png");
    assert!(!picture.exists());
    insta::assert_snapshot!(told, @"
    error[T0001]: `--out order.png`: no form of a graph ends in `.png`
      hint: `.svg`, `.html`, `.dot`, `.mmd` and `.txt` do; `--format` chooses one for any other
    ");
    project.run(&format!("{line} --format text"));
    assert!(picture.exists());
    let told = project.run("graph dev --out /nowhere/order.svg");
    insta::assert_snapshot!(told, @"
    error[T0012]: failed to write `/nowhere/order.svg`
      1: No such file or directory (os error 2)
      hint: `--out` names a file that can be written, in a directory that is there
    ");
}
