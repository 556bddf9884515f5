//! The text for an editor, and what comes back from it.

use proptest::prelude::*;

use super::{Place, told};
use crate::secrets::Editing;
use crate::secrets::editing::Edited;

const A: &str = "components.app.a";

/// Edits the secrets as an editor would.
fn edit(place: &Place, change: impl Fn(&str) -> String) -> Result<Edited, String> {
    let locked = place.lock("prod");
    let editing = Editing::new(&locked, &place.identities()).map_err(told)?;
    editing.save("text", &change(editing.text())).map_err(told)
}

fn place() -> Place {
    let place = Place::new();
    place.set(A, "first");
    place.set("components.app.b", "two\nlines");
    place.set("components.app.binary", [0xff, 0]);
    place.set("components.app.file", vec![b'x'; 20_000]);
    place.set("hosts.web1.data.c", "third");
    place
}

#[test]
fn the_text_is_the_file_in_clear_without_its_header() {
    let place = place();
    let locked = place.lock("prod");
    let editing = Editing::new(&locked, &place.identities()).unwrap();
    let text: Vec<&str> = editing.text().lines().filter(|line| !line.starts_with("#:")).collect();
    let file = place.written("file");
    assert_eq!(
        text.join("\n"),
        format!(
            "\n[components.app]\na = \"first\"\nb = \"\"\"\ntwo\nlines\"\"\"\nbinary = \"base64:/wA=\"\n\
             file = \"file:{file}\"\n\n[hosts.web1.data]\nc = \"third\""
        )
    );
}

#[test]
fn a_text_that_did_not_change_changes_no_byte() {
    let place = place();
    let commented = format!("# top\n{}\n# end\n", place.text());
    place.write(&commented);
    assert!(edit(&place, str::to_owned).unwrap().is_empty());
    assert_eq!(place.text(), commented);
}

#[test]
fn only_what_changed_is_encrypted_anew() {
    let place = place();
    let before = place.text();
    let (old, host) = (place.written("a"), place.written("c"));
    let edited = edit(&place, |text| text.replace("\"first\"", "\"other\"  # new")).unwrap();
    assert_eq!(edited.changed.iter().map(ToString::to_string).collect::<Vec<_>>(), [A]);
    let new = place.written("a");
    assert_ne!(new, old);
    assert_eq!(place.written("c"), host);
    assert_eq!(place.text().replace(&format!("\"{new}\"  # new"), &format!("\"{old}\"")), before);
    assert_eq!(place.get(A).unwrap(), b"other");
    assert_eq!(place.get("components.app.file").unwrap().len(), 20_000);
}

#[test]
fn values_are_added_and_removed_with_their_tables() {
    let place = place();
    let edited = edit(&place, |text| {
        let kept = text.split("[hosts.web1.data]").next().unwrap();
        let kept: String = kept
            .lines()
            .filter(|line| !line.starts_with("file"))
            .flat_map(|line| [line, "\n"])
            .collect();
        format!("{kept}[components.db]\nroot = 'base64:AAE='\n")
    })
    .unwrap();
    let names = |paths: &[crate::secrets::SecretPath]| {
        paths.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(names(&edited.added), ["components.db.root"]);
    assert_eq!(names(&edited.removed), ["components.app.file", "hosts.web1.data.c"]);
    assert_eq!(place.get("components.db.root").unwrap(), [0, 1]);
    assert!(!place.text().contains("hosts"));
    assert!(place.text().starts_with("[encryption]"), "{}", place.text());
    assert!(!place.directory("prod").join("secrets").exists());
}

#[test]
fn a_mistake_leaves_the_file_alone_and_is_told_with_its_line() {
    let place = place();
    let before = place.text();
    let line =
        |text: &str, of: &str| text.lines().position(|line| line.starts_with(of)).unwrap() + 1;
    let number = std::cell::Cell::new(0);
    let check = |from: &str, to: &str| {
        edit(&place, |text| {
            number.set(line(text, from.split('\n').next().unwrap()));
            text.replace(from, to)
        })
        .unwrap_err()
        .replace(&format!("text:{}:", number.get()), "HERE:")
    };
    let error = check("a = \"first\"", "a = first");
    assert!(error.starts_with("HERE:5: not valid TOML: "), "{error}");
    assert_eq!(
        check("a = \"first\"", "a = 5"),
        "HERE:5: `components.app.a`: expected a text, found an integer\n  \
         hint: every secret is a text with a name of its own"
    );
    assert_eq!(
        check("binary = \"base64:/wA=\"", "binary = \"base64:?\""),
        "HERE:10: `components.app.binary`: what follows `base64:` is no Base64"
    );
    let error = check("a = \"first\"", "a = \"file:x.age\"");
    assert!(error.contains("`secrets set prod components.app.a --file FILE` sets it"), "{error}");
    let error = check("[hosts.web1.data]", "[hosts.web1]");
    assert!(error.contains("`hosts.web1.c` is no place for a secret"), "{error}");
    let error = check("a = \"first\"", "a = \"first\"\n[encryption]\nx = 'y'");
    assert!(error.contains("`encryption` is written by the commands for members"), "{error}");
    assert_eq!(place.text(), before);
}

#[test]
fn comments_hold_no_secret() {
    let place = place();
    place.set(A, "hunter2hunter2");
    let check = |line: &str| edit(&place, |text| text.replace("a = ", &format!("{line}\na = ")));
    for line in ["# old = 'swordfish'", "#token=\"abcdefgh\"  "] {
        let error = check(line).unwrap_err();
        assert!(error.contains("the comment holds a value"), "{line}: {error}");
    }
    let error = check("z = 'x' # was hunter2hunter2").unwrap_err();
    assert!(error.contains("the comment holds a secret"), "{error}");
    assert!(check("# the one for the database (see the wiki)").is_ok());
    assert!(check("z = 'text with # a = \"hunter2hunter2\"'").is_ok());
}

#[test]
fn texts_that_look_like_marks_come_back() {
    let place = Place::new();
    for value in ["base64:!", "file:x", "#: no", "'''\"\"\"", "\n\n"] {
        place.set(A, value);
        place.set("components.app.b", "other");
        edit(&place, |text| text.replace("\"other\"", "\"another\"")).unwrap();
        assert_eq!(place.get(A).unwrap(), value.as_bytes(), "{value}");
    }
}

#[test]
fn a_file_that_changed_meanwhile_is_not_overwritten() {
    let place = place();
    let error = edit(&place, |text| {
        let pulled = format!("{}# pulled\n", place.text());
        place.write(&pulled);
        text.replace("first", "other")
    });
    let message = "`environments/prod/secrets.toml` was changed meanwhile";
    assert!(error.unwrap_err().starts_with(message));
    assert!(place.text().ends_with("# pulled\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_text_survives_the_editor(value in "(?s).{0,80}", other in "[a-z]{1,9}") {
        let place = Place::new();
        place.set("components.app.b", &other);
        place.set(A, &value);
        prop_assert!(edit(&place, str::to_owned).unwrap().is_empty());
        edit(&place, |text| format!("{text}\n[components.db]\nx = 'y'\n")).unwrap();
        prop_assert_eq!(place.get(A).unwrap(), value.into_bytes());
    }
}

#[test]
fn a_comment_that_looks_like_an_explanation_holds_no_secret_either() {
    let place = place();
    for line in ["#: a = \"other\"", "#:: x = \"y\""] {
        let below =
            |text: &str| text.replace("[components.app]", &format!("{line}\n[components.app]"));
        let error = edit(&place, |text| {
            let (explained, rest) = text.split_once("\n\n").unwrap();
            format!("{explained}\n\n{}", below(rest))
        });
        assert!(error.as_ref().is_err_and(|error| error.contains("the comment holds")), "{line}");
    }
}
