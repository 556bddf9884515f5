//! Values: set, read, moved, damaged.

use proptest::prelude::*;

use super::{Place, parsed, told};
use crate::secrets::{LARGEST, LARGEST_INLINE};

const A: &str = "components.app.a";
const B: &str = "components.app.b";

#[test]
fn every_value_comes_back_as_it_was() {
    let place = Place::new();
    let binary: Vec<u8> = (0..=255).collect();
    let large = vec![b'x'; 1 << 20];
    for value in [
        b"".as_slice(),
        b"hunter2",
        b"two\nlines\n",
        "\n\r\n ünïcode \u{1f511}\t\"\"\" ''' \\".as_bytes(),
        &binary,
        &large,
    ] {
        place.set(A, value);
        assert!(place.get(A).unwrap() == value, "{} bytes", value.len());
    }
}

#[test]
fn the_largest_value_is_ten_megabytes() {
    let place = Place::new();
    place.set(A, vec![7; LARGEST]);
    assert_eq!(place.get(A).unwrap().len(), LARGEST);
    let before = place.text();
    let error = place.lock("prod").set(&parsed(A), &vec![7; LARGEST + 1]).unwrap_err();
    assert!(told(error).contains("10000001 bytes, and 10000000 is the most"));
    assert_eq!(place.text(), before);
}

#[test]
fn a_large_value_lies_beside_the_file_and_goes_with_its_name() {
    let place = Place::new();
    let files = || {
        let Ok(entries) = place.directory("prod").join("secrets").read_dir() else { return vec![] };
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>()
    };
    place.set(A, vec![0xff; LARGEST_INLINE + 1]);
    let first = files();
    assert_eq!(first.len(), 1);
    assert!(first[0].starts_with("components.app.a-") && first[0].ends_with(".age"), "{first:?}");
    place.set(A, vec![0xfe; LARGEST_INLINE + 1]);
    let second = files();
    assert!(second.len() == 1 && second != first, "{first:?} {second:?}");
    place.set(A, "small");
    assert_eq!((files(), place.get(A).unwrap()), (Vec::new(), b"small".to_vec()));
}

#[test]
fn setting_one_value_keeps_every_other_byte_of_the_file() {
    let place = Place::new();
    place.set(A, "first");
    place.set(B, "second");
    let text = format!("# by hand\n{}  # why\n\n# the end\n", place.text().trim_end());
    place.write(&text);
    let old = place.written("a");
    place.set(A, "third");
    let new = place.written("a");
    assert_ne!(old, new);
    assert_eq!(place.text().replace(&new, &old), text);
}

#[test]
fn setting_needs_no_private_key_and_reads_no_other_value() {
    let place = Place::new();
    place.set(A, "first");
    let broken = place.text().replace(&place.written("a"), "not even Base64");
    place.write(&broken);
    place.set(B, "second");
    assert_eq!(place.get(B).unwrap(), b"second");
    assert!(place.text().contains("not even Base64"));
}

#[test]
fn values_that_were_swapped_name_both_paths() {
    let place = Place::new();
    place.set(A, "first");
    place.set(B, "second");
    let (a, b) = (place.written("a"), place.written("b"));
    let swapped = place.text().replace(&a, "?").replace(&b, &a).replace('?', &b);
    place.write(&swapped);
    let error = place.get(A).unwrap_err();
    assert!(
        error.contains(": `components.app.a` holds the value of `components.app.b`"),
        "{error}"
    );
    let error = place.get(B).unwrap_err();
    assert!(error.contains("`components.app.b` holds the value of `components.app.a`"), "{error}");
}

#[test]
fn a_value_that_was_cut_or_changed_names_its_path_and_place() {
    let place = Place::new();
    place.set(A, "first");
    let (text, value) = (place.text(), place.written("a"));
    let line = text.lines().count();
    let foreign = {
        let other = Place::new();
        other.set(A, "foreign");
        other.written("a")
    };
    let mut flipped = value.clone().into_bytes();
    let at = flipped.len() - 6;
    flipped[at] = if flipped[at] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).unwrap();
    let cut = value[..value.len() - 24].to_owned();
    for (instead, cause) in [
        (cut.as_str(), "it is cut short or was changed: "),
        (&flipped, "it is cut short or was changed: "),
        (&value[..40], "it is cut short or was changed: "),
        (&foreign, "it is encrypted to another key"),
        ("hunter2", "it is not encrypted: neither armored nor Base64"),
        ("", "it is not what age writes"),
        ("aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMg==", "it is not what age writes"),
        ("gone.age", "cannot read `secrets/gone.age`: "),
        ("../secrets.age", "`../secrets.age` is no file below `secrets`"),
    ] {
        place.write(&text.replace(&value, instead));
        let error = place.get(A).unwrap_err();
        let start =
            format!("environments/prod/secrets.toml:{line}:5: failed to decrypt `{A}`\n  1: ");
        assert!(error.starts_with(&(start + cause)), "{instead}: {error}");
    }
}

#[test]
fn a_value_of_another_environment_is_refused_even_with_its_key() {
    let place = Place::new();
    place.environment("dev", "[hosts.web1]\ncomponents = ['app']\n");
    place.set(A, "first");
    // The whole file, key and all, as somebody would begin a second environment.
    std::fs::copy(
        place.directory("prod").join("secrets.toml"),
        place.directory("dev").join("secrets.toml"),
    )
    .unwrap();
    let file = place.store("dev").require().unwrap();
    let error = file.unlock(&place.identities()).unwrap_err().to_string();
    assert!(
        error.contains("the environment's key is of environment `prod`, not of `dev`"),
        "{error}"
    );
}

#[test]
fn a_place_that_is_taken_otherwise_is_told() {
    let place = Place::new();
    place.set("components.app.tls.key", "x");
    let set = |path: &str| told(place.lock("prod").set(&parsed(path), b"y").unwrap_err());
    assert_eq!(
        set("components.app.tls"),
        "`components.app.tls` cannot be set: there are secrets below it"
    );
    assert_eq!(
        set("components.app.tls.key.part"),
        "`components.app.tls.key.part` cannot be set: `components.app.tls.key` is a secret itself\n  \
         hint: `secrets unset` removes `components.app.tls.key`"
    );
}

#[test]
fn unsetting_removes_the_value_and_empty_tables() {
    let place = Place::new();
    place.set(A, "first");
    place.set("hosts.\"app[1-3]\".attributes.app.b", "second");
    let unset = |path: &str| place.lock("prod").unset(&parsed(path));
    unset("hosts.\"app[1-3]\".attributes.app.b").unwrap();
    assert!(!place.text().contains("hosts"), "{}", place.text());
    assert_eq!(
        told(unset("components.app.aa").unwrap_err()),
        "`prod` has no secret `components.app.aa`\n  hint: did you mean `components.app.a`?"
    );
}

#[test]
fn mistakes_in_the_file_are_told_together_with_their_places() {
    let place = Place::new();
    let text = place.text()
        + "[components.app]\na = 1\nb = ['x']\n[hosts.web1]\naddress = 'x'\n[x]\ny = 'z'\n";
    place.write(&text);
    let line = text.lines().count() - 6;
    let hint = "a secret is `components.NAME.ATTRIBUTE`, `hosts.NAME.attributes.COMPONENT.ATTRIBUTE`, \
                `hosts.NAME.data.KEY` or `files.NAME`";
    let each = "every secret is a text with a name of its own";
    let at = |down: usize| format!("environments/prod/secrets.toml:{}", line + down);
    assert_eq!(
        place.store("prod").read().map(|_| ()).map_err(told).unwrap_err(),
        format!(
            "{}:5: `components.app.a`: expected a text, found an integer\n  hint: {each}\n\
             {}:5: `components.app.b`: expected a text, found an array\n  hint: {each}\n\
             {}:1: `hosts.web1.address` is no place for a secret\n  hint: {hint}\n\
             {}:1: `x.y` is no place for a secret\n  hint: {hint}",
            at(1),
            at(2),
            at(4),
            at(6)
        )
    );
}

#[test]
fn another_process_that_changes_the_file_keeps_others_out() {
    let place = Place::new();
    let held = place.lock("prod");
    assert_eq!(
        place.store("prod").lock().map(|_| ()).unwrap_err().to_string(),
        "the secrets of `prod` are being changed by another command\n  \
         hint: wait until it is done, or end its editor"
    );
    drop(held);
    place.store("prod").lock().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_come_back(value in prop::collection::vec(any::<u8>(), 0..400)) {
        let place = Place::new();
        place.set(A, &value);
        prop_assert_eq!(place.get(A).unwrap(), value);
    }

    #[test]
    fn any_text_in_place_of_a_value_is_refused(instead in "[^\"\\\\\\p{C}]{0,60}|[A-Za-z0-9+/]{0,80}={0,2}|.{0,20}\\.age") {
        let place = Place::new();
        place.set(A, "first");
        let instead = toml_edit::Value::from(instead).to_string();
        let written = format!("\"{}\"", place.written("a"));
        place.write(&place.text().replace(&written, &instead));
        let error = place.get(A).unwrap_err();
        prop_assert!(error.contains(A) && !error.contains("first"), "{}", error);
    }

    #[test]
    fn a_value_with_any_byte_changed_is_refused(at in 0_usize..1000, flip in 1_u8..=255) {
        use base64::Engine as _;
        let place = Place::new();
        place.set(A, "first");
        let written = place.written("a");
        let mut bytes = base64::prelude::BASE64_STANDARD.decode(&written).unwrap();
        let at = at % bytes.len();
        bytes[at] ^= flip;
        let changed = base64::prelude::BASE64_STANDARD.encode(bytes);
        place.write(&place.text().replace(&written, &changed));
        let error = place.get(A).unwrap_err();
        prop_assert!(error.contains(A), "{}", error);
    }
}

#[test]
fn the_swap_file_of_an_editor_is_nobody_elses() {
    let place = Place::new();
    let swap = place.directory("prod").join(".secrets.toml.swp");
    std::fs::write(&swap, "x").unwrap();
    place.set(A, "first");
    assert!(swap.exists());
}

#[test]
fn files_that_a_link_leads_to_are_not_cleared() {
    let place = Place::new();
    place.set("files.key", "first");
    place.environment("other", "");
    place.begin("other");
    let link = place.directory("other").join("secrets");
    std::os::unix::fs::symlink("../prod/secrets", link).unwrap();
    place.lock("other").set(&parsed(A), b"x").unwrap();
    assert_eq!(place.get("files.key").unwrap(), b"first");
}

#[test]
fn a_device_in_the_place_of_a_file_is_not_waited_for() {
    let place = Place::new();
    place.set("files.key", "first");
    let folder = place.directory("prod").join("secrets");
    let file = folder.read_dir().unwrap().next().unwrap().unwrap().path();
    std::fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &file).unwrap();
    let error = place.get("files.key").unwrap_err();
    assert!(error.contains(": it is no file"), "{error}");
}

#[test]
fn what_stands_in_clear_is_found_in_other_signs_too() {
    let place = Place::new();
    place.set(A, "pa\"ss\\word");
    place.environment(
        "prod",
        "[components.app]\nx = 1\ny = [\"is pa\\\"ss\\\\word\", 'pa\"ss\\word']\n",
    );
    let key = place.file().unlock(&place.identities()).unwrap();
    let secrets = place.file().open_all(&key).unwrap();
    let told: Vec<_> = place.store("prod").in_clear(&secrets).unwrap();
    let told: Vec<_> = told.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(told, ["the value of secret `components.app.a` stands here in clear"]);
    place.environment("prod", "[components.app]\ny = \"pa\\\"ss\\\\word\"\n");
    let told = place.store("prod").in_clear(&secrets).unwrap();
    assert!(
        told[0].to_string().starts_with("environments/prod/environment.toml:2:5: "),
        "{told:?}"
    );
    place.environment("prod", "[components.app]\ny = '''\na\npa\"ss\\word\n'''\n");
    let told = place.store("prod").in_clear(&secrets).unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
}
