//! Debian's `age` reads what is written here, and writes what is read here.
#![expect(clippy::disallowed_methods, reason = "what is tested against is a program")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use age::secrecy::ExposeSecret as _;
use age::x25519;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::{Place, answers};
use crate::secrets::Identities;

const A: &str = "components.app.a";

fn age(directory: &Path, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("age")
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("`age` is installed by tests/run: apt-get install age");
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "age {arguments:?}");
    output.stdout
}

#[test]
fn age_opens_the_key_and_with_it_a_value() {
    let place = Place::new();
    place.set(A, "first\nline");
    let keys = tempfile::tempdir().unwrap();
    std::fs::write(keys.path().join("alice"), place.alice.to_string().expose_secret()).unwrap();
    let text = place.text();
    let armored = text.split("\"\"\"").nth(1).unwrap().trim_start();

    let key = age(keys.path(), &["-d", "-i", "alice"], armored.as_bytes());
    std::fs::write(keys.path().join("environment"), key).unwrap();
    let value = BASE64_STANDARD.decode(place.written("a")).unwrap();
    let opened = age(keys.path(), &["-d", "-i", "environment"], &value);
    assert_eq!(opened, b"togusa-secret 1 prod components.app.a\nfirst\nline");
}

#[test]
fn a_value_that_age_encrypted_is_read_armored_and_in_base64() {
    let place = Place::new();
    place.set(A, "first");
    let keys = tempfile::tempdir().unwrap();
    let public = place.file().public_key().to_owned();
    let (text, written) = (place.text(), format!("\"{}\"", place.written("a")));
    let clear = b"togusa-secret 1 prod components.app.a\nby age";

    let armored = age(keys.path(), &["-a", "-r", &public], clear);
    let armored = format!("'''\n{}'''", String::from_utf8(armored).unwrap());
    place.write(&text.replace(&written, &armored));
    assert_eq!(place.get(A).unwrap(), b"by age");

    let binary = BASE64_STANDARD.encode(age(keys.path(), &["-r", &public], clear));
    place.write(&text.replace(&written, &format!("\"{binary}\"")));
    assert_eq!(place.get(A).unwrap(), b"by age");

    let unbound = BASE64_STANDARD.encode(age(keys.path(), &["-r", &public], b"by age"));
    place.write(&text.replace(&written, &format!("\"{unbound}\"")));
    let error = place.get(A).unwrap_err();
    assert!(error.contains("`components.app.a` does not say what it is the value of"), "{error}");
}

#[test]
fn a_key_of_age_keygen_is_a_members_key() {
    let place = Place::new();
    place.set(A, "first");
    let keys = tempfile::tempdir().unwrap();
    let bob = keys.path().join("bob");
    let made = Command::new("age-keygen").arg("-o").arg(&bob).stderr(Stdio::null()).status();
    assert!(made.unwrap().success());
    let public = Command::new("age-keygen").arg("-y").arg(&bob).output().unwrap().stdout;
    let public = String::from_utf8(public).unwrap().trim().to_owned();
    place.lock("prod").add_member("bob", vec![public], &place.identities()).unwrap();
    let identities = Identities::new(answers(&[])).with_file("bob", bob);
    assert_eq!(place.get_with(A, &identities).unwrap(), b"first");
}

#[test]
fn a_file_of_keys_that_is_encrypted_with_a_passphrase_asks_once() {
    let place = Place::new();
    place.set(A, "first");
    let keys = tempfile::tempdir().unwrap();
    let mut encryptor = age::scrypt::Recipient::new("correct".to_owned().into());
    encryptor.set_work_factor(10);
    let sealed = age::encrypt(&encryptor, place.alice.to_string().expose_secret().as_bytes());
    std::fs::write(keys.path().join("alice"), sealed.unwrap()).unwrap();
    let prompt = answers(&["wrong", "correct"]);
    let identities = Identities::new(prompt.clone()).with_file("alice", keys.path().join("alice"));
    let error = place.get_with(A, &identities).unwrap_err();
    assert!(error.contains("1: alice: wrong passphrase\n"), "{error}");
    for _ in 0..2 {
        assert_eq!(place.get_with(A, &identities).unwrap(), b"first");
    }
    assert_eq!(prompt.asked.lock().unwrap().len(), 2);
}

#[test]
fn a_file_encrypted_to_a_key_is_no_key() {
    let place = Place::new();
    let keys = tempfile::tempdir().unwrap();
    let other = x25519::Identity::generate();
    let sealed = age::encrypt(&other.to_public(), b"x").unwrap();
    std::fs::write(keys.path().join("alice"), sealed).unwrap();
    let identities = Identities::new(answers(&[])).with_file("alice", keys.path().join("alice"));
    let error = place.get_with(A, &identities).unwrap_err();
    assert!(error.contains("only one with a passphrase is a key"), "{error}");
}
