//! Files: where their content comes from, and how differences are shown.

use std::fs;

use togusa_components::prelude::*;
use togusa_core::prelude::*;

use crate::Bench;

type Make = fn() -> File;

fn bench(make: Make) -> Bench {
    Bench::new().model(move |scope| {
        scope.add(make());
        Ok(())
    })
}

#[test]
fn without_content_it_is_the_asset_of_the_same_name() {
    let test =
        bench(|| File::new("conf/app.conf").leading_directories().context(context! { x => 7 }))
            .asset("app.conf", "x = {{ x }}\n");
    test.converge();
    assert_eq!(test.read("conf/app.conf"), "x = 7\n");
}

#[test]
fn without_content_and_asset_the_error_has_both_remedies() {
    let problems = bench(|| File::new("app.conf")).problems();
    assert!(problems.contains("it has neither content nor source"), "{problems}");
    assert!(problems.contains("1: no asset `app.conf`: looked for `src/app.conf`"), "{problems}");
    let hint = "hint: give it `.content(…)` or `.source(…)`, or put `app.conf` beside";
    assert!(problems.contains(hint), "{problems}");
    assert!(!problems.contains("2:"), "{problems}");
}

#[test]
fn content_and_source_together_are_an_error() {
    let problems = bench(|| File::new("a").content("x").source("b")).problems();
    let both = "both `.content(…)` and `.source(…)` give it content";
    assert!(problems.contains(both), "{problems}");
    let problems = bench(|| File::new("a").content("x").verbatim()).problems();
    assert!(problems.contains("`.verbatim(…)` means nothing beside `.content(…)`"), "{problems}");
    let problems = bench(|| File::new("a").content("x").context(context! {})).problems();
    assert!(problems.contains("`.context(…)` means nothing beside `.content(…)`"), "{problems}");
}

#[test]
fn empty_content_empties_a_file() {
    let test = bench(|| File::new("a").content(""));
    fs::create_dir_all(test.path("")).unwrap();
    fs::write(test.path("a"), "full\n").unwrap();
    assert_eq!(test.converge(), ["~ content (+0 -1 lines)"]);
    assert_eq!(test.read("a"), "");
}

#[test]
fn content_is_taken_as_it_is_and_an_inline_template_is_rendered() {
    let test = Bench::new().model(|scope| {
        scope.add(File::new("a").content("{{ x }}\n"));
        scope.add(File::new("b").inline_template("{{ x }}\n", context! { x => "y" }));
        Ok(())
    });
    test.converge();
    assert_eq!((test.read("a").as_str(), test.read("b").as_str()), ("{{ x }}\n", "y\n"));
}

#[test]
fn text_sources_are_rendered_unless_this_is_switched_off() {
    let test = Bench::new()
        .model(|scope| {
            scope.add(File::new("rendered").source("s").context(context! { x => 1 }));
            scope.add(File::new("verbatim").source("s").verbatim());
            scope.add(File::new("binary").source("s").binary());
            scope.add(File::new("plain").source("plain"));
            scope.add(File::new("raw").source("raw"));
            scope.add(File::new("template").template("s", context! { x => 2 }));
            Ok(())
        })
        .asset("s", "x{{ x }}\n")
        .asset("plain", "no syntax\n\n")
        .asset("raw", b"\xff{{ x }}");
    test.converge();
    assert_eq!(test.read("rendered"), "x1\n");
    assert_eq!(test.read("verbatim"), "x{{ x }}\n");
    assert_eq!(test.read("binary"), "x{{ x }}\n");
    assert_eq!(test.read("plain"), "no syntax\n\n");
    assert_eq!(fs::read(test.path("raw")).unwrap(), b"\xff{{ x }}");
    assert_eq!(test.read("template"), "x2\n");

    for name in ["rendered", "verbatim", "binary", "plain", "raw", "template"] {
        fs::write(test.path(name), "drift").unwrap();
    }
    assert_eq!(test.deploy().changes().len(), 6);
    assert_eq!(test.read("plain"), "no syntax\n\n");
}

#[test]
fn drift_of_the_same_size_is_seen() {
    let test = Bench::new()
        .model(|scope| {
            scope.add(File::new("a").source("a"));
            scope.add(File::new("b").content("abc"));
            scope.add(File::new("c").inline_template("{{ x }}", context! { x => "abc" }));
            Ok(())
        })
        .asset("a", "abc");
    test.converge();
    for name in ["a", "b", "c"] {
        fs::write(test.path(name), "abd").unwrap();
    }
    assert_eq!(test.converge().len(), 3);
    assert_eq!([test.read("a"), test.read("b"), test.read("c")], ["abc"; 3]);
}

#[test]
fn a_changed_asset_changes_the_file() {
    let test = bench(|| File::new("a")).asset("a", "one\ntwo\n");
    test.converge();
    fs::write(test.asset_path("a"), "one\n2\n").unwrap();
    let planned = test.plan();
    assert!(format!("{planned:?}").contains(r"-two\n+2\n"), "{planned:?}");
    assert_eq!(test.converge(), ["~ content (+1 -1 lines)"]);
}

#[test]
fn an_undefined_variable_is_a_model_error_with_template_line_and_variable() {
    let expected = "template `t.conf`, line 2:";
    let test = bench(|| File::new("a").source("t.conf")).asset("t.conf", "a\n{{ nothing }}\n");
    let problems = test.problems();
    assert!(problems.contains(expected) && problems.contains("nothing"), "{problems}");
    let test = bench(|| File::new("t.conf").inline_template("\n{% if %}", context! {}));
    assert!(test.problems().contains(expected));
}

#[test]
fn a_missing_source_and_a_template_that_is_no_text_are_model_errors() {
    let problems = bench(|| File::new("a").source("b")).problems();
    assert!(problems.contains("no asset `b`: looked for `src/b`"), "{problems}");
    let test = bench(|| File::new("a").template("b", context! {})).asset("b", b"\xff");
    assert!(test.problems().contains("template `b` is not text in UTF-8"));
}

#[test]
fn binary_and_large_content_is_shown_by_size_and_digest() {
    let cases: [(Make, &[u8]); 3] = [
        (|| File::new("a").source("a"), b"\0\x01"),
        (|| File::new("a").source("a").binary(), b"text"),
        (|| File::new("a").source("a"), &[b'x'; 1_100_000]),
    ];
    for (make, content) in cases {
        let test = bench(make).asset("a", content);
        let created = test.converge();
        let expected = format!("~ content ({} bytes, sha256 ", content.len());
        assert!(created[1].starts_with(&expected), "{created:?}");
        fs::write(test.path("a"), "old").unwrap();
        let changed = test.converge();
        assert!(changed[0].starts_with("~ content (3 bytes, sha256 "), "{changed:?}");
        assert_eq!(fs::read(test.path("a")).unwrap(), content);
    }
}

#[test]
fn a_path_in_a_template_is_the_real_one_on_its_host() {
    let test = Bench::new().model(|scope| {
        let data = scope.add(File::new("~/data").content(""));
        scope
            .add(File::new("conf").inline_template("{{ data }}", context! { data => data.path() }));
        Ok(())
    });
    test.converge();
    assert_eq!(test.read("conf"), test.home("data").display().to_string());
}
