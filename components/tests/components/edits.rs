//! Edits of files that something else looks after.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown, symlink};

use togusa_components::prelude::*;
use togusa_core::prelude::*;
use togusa_core::testing::Run;

use crate::bench::set_mode;
use crate::{Bench, is_root, lines};

fn bench<C: Component>(make: fn() -> C) -> Bench {
    Bench::new().model(move |scope| {
        scope.add(make());
        Ok(())
    })
}

/// The file as it is before anybody edits it.
fn put(test: &Bench, text: &str) {
    fs::create_dir_all(test.path("")).unwrap();
    fs::write(test.path("f"), text).unwrap();
}

#[test]
fn a_line_is_mended_and_the_rest_of_the_file_stays() {
    let test = bench(|| Line::new("f", "Port 22").matching("^#?Port "));
    put(&test, "a\n#Port 1\nb\n");
    test.set_mode("f", 0o640);
    assert_eq!(test.converge(), ["~ content (+1 -1 lines)"]);
    assert_eq!((test.read("f").as_str(), test.mode("f")), ("a\nPort 22\nb\n", 0o640));
    let stamp = test.stamp("f");
    assert!(test.converge().is_empty());
    assert_eq!(test.stamp("f"), stamp, "a right file is touched");
    put(&test, "a\nPort 23\nb\nc\n");
    test.converge();
    assert_eq!(test.read("f"), "a\nPort 22\nb\nc\n");
}

#[test]
fn an_absent_line_goes_and_a_missing_file_has_none() {
    let test = bench(|| Line::new("f", "x").absent());
    assert!(test.converge().is_empty());
    assert!(!test.exists("f"));
    put(&test, "x\ny\n");
    assert_eq!(test.converge(), ["~ content (+0 -1 lines)"]);
    assert_eq!(test.read("f"), "y\n");
}

#[test]
fn a_missing_file_is_an_error_unless_it_is_created() {
    let failure = bench(|| Line::new("f", "x")).failure();
    assert!(failure.contains("there is no file `") && failure.contains("`.create()`"), "{failure}");
    let test = bench(|| Line::new("d/f", "x").create().leading_directories().mode(0o640));
    assert_eq!(test.converge(), ["+ create file (mode 0640)", "~ content (+1 -0 lines)"]);
    assert_eq!((test.read("d/f").as_str(), test.mode("d/f")), ("x\n", 0o640));
}

#[test]
fn mode_and_owner_of_an_edited_file_are_kept_or_mended() {
    let test = bench(|| Line::new("f", "x"));
    put(&test, "a\n");
    test.set_mode("f", 0o604);
    if is_root() {
        chown(test.path("f"), Some(1), Some(2)).unwrap();
    }
    test.converge();
    let kept = test.path("f").metadata().unwrap();
    assert_eq!(test.mode("f"), 0o604);
    if is_root() {
        assert_eq!((kept.uid(), kept.gid()), (1, 2));
        test.set_model(|scope| {
            scope.add(Line::new("f", "x").mode(0o600).owner("0").group("0"));
            Ok(())
        });
        assert_eq!(test.converge().len(), 3);
        chown(test.path("f"), None, Some(1)).unwrap();
        assert_eq!(test.converge().len(), 1);
        set_mode(&test.path("f"), 0o644);
        assert_eq!(test.converge(), ["~ mode 0644 → 0600"]);
    }
}

#[test]
fn a_link_in_the_place_of_the_file_is_an_error_that_says_where_it_leads() {
    let test = bench(|| Line::new("f", "x"));
    fs::create_dir_all(test.path("")).unwrap();
    fs::write(test.outside("real"), "a\n").unwrap();
    symlink(test.outside("real"), test.path("f")).unwrap();
    let failure = test.failure();
    assert!(failure.contains("is a link to `") && failure.contains("/real`"), "{failure}");
    assert_eq!(fs::read_to_string(test.outside("real")).unwrap(), "a\n");
}

#[test]
fn what_is_no_text_is_not_edited() {
    let test = bench(|| Line::new("f", "x"));
    fs::create_dir_all(test.path("")).unwrap();
    fs::write(test.path("f"), [0xff, 0xfe]).unwrap();
    let failure = test.failure();
    assert!(failure.contains("is not text in UTF-8"), "{failure}");
}

#[test]
fn what_cannot_be_meant_is_a_model_error() {
    let problems = bench(|| Line::new("f", "x").matching("(")).problems();
    assert!(problems.contains("`(` is no regular expression"), "{problems}");
    let problems = bench(|| Line::new("f", "x\ny")).problems();
    assert!(problems.contains("has an end of line in it"), "{problems}");
    let problems = bench(|| Block::new("f", "a\nb", "x")).problems();
    assert!(problems.contains("the name of a block is a text on one line"), "{problems}");
    let problems = bench(|| Values::new("f").set("a", 1)).problems();
    assert!(problems.contains("the format of `f` is not known"), "{problems}");
    let problems = bench(|| Values::new("f.toml")).problems();
    assert!(problems.contains("no value is set or unset"), "{problems}");
    let problems = bench(|| Values::new("f.toml").set("a", 1).unset("a.b")).problems();
    assert!(problems.contains("`a.b` is asked for beside `a`"), "{problems}");
    let problems = bench(|| Values::new("f.ini").set("a.b.c", 1)).problems();
    assert!(problems.contains("sections and names, and nothing below them"), "{problems}");
    let problems = bench(|| Permissions::new("f")).problems();
    assert!(problems.contains("neither mode nor owner nor group"), "{problems}");
    let problems = bench(|| Permissions::new("[").mode(0o600)).problems();
    assert!(problems.contains("`[` is no pattern"), "{problems}");
}

#[test]
fn a_block_is_mended_between_its_markers() {
    let test = bench(|| Block::new("f", "hosts", "one\ntwo\n"));
    put(&test, "first\n");
    assert_eq!(test.converge(), ["~ content (+4 -0 lines)"]);
    assert_eq!(test.read("f"), "first\n# BEGIN hosts\none\ntwo\n# END hosts\n");
    put(&test, "# BEGIN hosts\none\nmine\n# END hosts\nlast\n");
    assert_eq!(test.converge(), ["~ content (+1 -1 lines)"]);
    assert_eq!(test.read("f"), "# BEGIN hosts\none\ntwo\n# END hosts\nlast\n");
    test.set_model(|scope| {
        scope.add(Block::absent("f", "hosts"));
        Ok(())
    });
    test.converge();
    assert_eq!(test.read("f"), "last\n");
    assert!(test.converge().is_empty());
}

#[test]
fn a_block_is_rendered_from_a_template() {
    let test = bench(|| Block::template("f", "b", "b.j2", context! { port => 80 }).create());
    let test = test.asset("b.j2", "port {{ port }}\n");
    test.converge();
    assert_eq!(test.read("f"), "# BEGIN b\nport 80\n# END b\n");
}

#[test]
fn many_edits_of_one_file_lose_nothing() {
    let test = Bench::new().model(|scope| {
        for number in 0..20 {
            scope.add(Line::new("f", format!("line {number}")).create());
        }
        Ok(())
    });
    test.deploy().assert_success();
    assert_eq!(test.read("f").lines().count(), 20);
}

#[test]
fn drift_of_every_value_is_seen_and_mended() {
    let formats = [
        ("f.json", "{\"keep\": 1}\n"),
        ("f.yaml", "keep: 1\n"),
        ("f.toml", "keep = 1\n"),
        ("f.ini", "keep = 1\n"),
    ];
    for (name, text) in formats {
        let test = Bench::new().model(move |scope| {
            let values = Values::new(name).set("server.port", 8080).set("server.host", "a b");
            scope.add(values.unset("debug"));
            Ok(())
        });
        fs::create_dir_all(test.path("")).unwrap();
        fs::write(test.path(name), text).unwrap();
        let created = ["+ create `server.port` 8080", "+ create `server.host` a b"];
        assert_eq!(test.converge(), created, "{name}");
        assert!(test.read(name).contains("keep"), "{name}");
        let drifted = test.read(name).replace("8080", "80").replace("a b", "c");
        let drifted = match name {
            "f.json" => drifted.replacen('{', "{\"debug\": true, ", 1),
            "f.yaml" => format!("debug: true\n{drifted}"),
            _ => format!("debug = true\n{drifted}"),
        };
        fs::write(test.path(name), drifted).unwrap();
        let mended = ["~ `server.port` 80 → 8080", "~ `server.host` c → a b", "- remove `debug`"];
        assert_eq!(test.converge(), mended, "{name}");
        assert!(!test.read(name).contains("debug"), "{name}");
    }
}

#[test]
fn a_file_of_values_is_created_where_this_is_asked_for() {
    let test = bench(|| Values::new("f.toml").set(["a.b", "c"], 1).create());
    assert_eq!(test.converge(), ["+ create file", "+ create `a.b.c` 1"]);
    assert_eq!(test.read("f.toml"), "[\"a.b\"]\nc = 1\n");
}

#[test]
fn a_broken_file_is_named_with_the_place_in_it() {
    let test = bench(|| {
        Values::new("f").format(togusa_components::edits::values::Format::Toml).set("a", 1)
    });
    put(&test, "a = \n");
    let failure = test.failure();
    assert!(failure.contains("cannot edit `") && failure.contains("it is not TOML"), "{failure}");
    assert!(failure.contains("line 1"), "{failure}");
    assert_eq!(test.read("f"), "a = \n");
}

const PASSWORD: &str = "tr0ub4dor & 3";

fn with_secret<F>(configure: F) -> Bench
where
    F: Fn(&mut Scope<'_>, Secret) -> Result + Send + Sync + 'static,
{
    Bench::new().data("password", Secret::new(PASSWORD)).model(move |scope| {
        let password = scope.data("password")?.context("no password")?;
        configure(scope, password)
    })
}

#[track_caller]
fn secretly(run: &Run) -> Vec<String> {
    run.assert_success();
    assert!(!format!("{run:?}").contains("tr0ub"), "the secret is in an event: {run:?}");
    lines(run)
}

#[test]
fn a_secret_in_an_edit_is_never_shown() {
    let test = with_secret(|scope, password| {
        scope.add(Line::new("line", &password).create());
        scope.add(Block::new("block", "b", &password).create());
        let values = Values::new("values.json").set("a", password.clone()).set("b", 1);
        scope.add(values.create());
        let shaped = context! { password => password };
        scope.add(Block::template("template", "b", "b.j2", shaped).create());
        Ok(())
    });
    let test = test.asset("b.j2", "{{ password|upper }}\n");
    let new = ["+ create file (mode 0600)", "~ content (sensitive)"];
    let values = ["+ create file (mode 0600)", "+ create `a` (sensitive)", "+ create `b` 1"];
    let expected = [&new[..], &new, &values, &new].concat();
    assert_eq!(secretly(&test.plan()), expected);
    assert_eq!(secretly(&test.deploy()), expected);
    assert_eq!(test.read("line"), format!("{PASSWORD}\n"));
    assert_eq!(test.mode("values.json"), 0o600);
    fs::write(test.path("values.json"), "{\"a\": \"other\", \"b\": 1}").unwrap();
    assert_eq!(secretly(&test.deploy()), ["~ `a` (sensitive)"]);
    assert_eq!(secretly(&test.deploy()), Vec::<String>::new());
}

#[test]
fn a_printed_secret_is_refused() {
    let test = with_secret(|scope, password| {
        scope.add(Line::new("f", format!("password = {password}")).create());
        Ok(())
    });
    let problems = test.problems();
    assert!(problems.contains("a secret was printed, not exposed"), "{problems}");
}

/// Files and directories with modes, below `tree`.
fn tree(test: &Bench) {
    for directory in ["tree/sub", "tree/.hidden"] {
        fs::create_dir_all(test.path(directory)).unwrap();
    }
    for file in ["tree/a.txt", "tree/run.sh", "tree/sub/b.txt", "tree/.hidden/c.txt"] {
        fs::write(test.path(file), "").unwrap();
        test.set_mode(file, 0o600);
    }
    for directory in ["tree", "tree/sub", "tree/.hidden"] {
        test.set_mode(directory, 0o700);
    }
}

#[test]
fn permissions_hold_for_files_and_directories_apart() {
    let test = bench(|| {
        let all = Permissions::new("tree").recursive().except("*.sh");
        all.file_mode(0o640).directory_mode(0o750)
    });
    tree(&test);
    let changes = test.converge();
    assert_eq!(changes.len(), 6, "{changes:?}");
    let modes = ["tree", "tree/sub", "tree/.hidden", "tree/a.txt", "tree/sub/b.txt", "tree/run.sh"];
    let modes = modes.map(|path| test.mode(path));
    assert_eq!(modes, [0o750, 0o750, 0o750, 0o640, 0o640, 0o600]);
    assert_eq!(test.mode("tree/.hidden/c.txt"), 0o640);
    test.set_mode("tree/sub/b.txt", 0o666);
    let file = test.path("tree/sub/b.txt").display().to_string();
    assert_eq!(test.converge(), [format!("~ mode of `{file}` 0666 → 0640")]);
}

#[test]
fn permissions_of_a_pattern_leave_links_and_others_alone() {
    let test = bench(|| Permissions::new("tree/*").mode(0o711));
    tree(&test);
    fs::write(test.outside("real"), "").unwrap();
    set_mode(&test.outside("real"), 0o600);
    symlink(test.outside("real"), test.path("tree/link")).unwrap();
    test.converge();
    let modes =
        ["tree/a.txt", "tree/sub", "tree/sub/b.txt", "tree/.hidden"].map(|path| test.mode(path));
    assert_eq!(modes, [0o711, 0o711, 0o600, 0o700]);
    assert_eq!(test.outside("real").metadata().unwrap().mode() & 0o777, 0o600);
    if is_root() {
        test.set_model(|scope| {
            scope.add(Permissions::new("tree/a.*").owner("1").group("2"));
            Ok(())
        });
        assert_eq!(test.converge().len(), 2);
        let file = test.path("tree/a.txt").metadata().unwrap();
        assert_eq!((file.uid(), file.gid()), (1, 2));
    }
    assert!(bench(|| Permissions::new("nothing/*").mode(0o600)).converge().is_empty());
}
