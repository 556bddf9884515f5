//! Keys of every kind, and what is told where none opens.
#![expect(clippy::disallowed_methods, reason = "keys are made by the programs that make them")]

use std::path::Path;
use std::process::Command;

use age::x25519;
use tempfile::TempDir;

use super::{Answers, Identities, Place, answers, nobody};
use std::sync::Arc;

const A: &str = "components.app.a";

fn ssh_keygen(directory: &Path, name: &str, arguments: &[&str]) -> String {
    let file = directory.join(name);
    let output = Command::new("ssh-keygen")
        .args(["-q", "-C", "a comment", "-f"])
        .arg(&file)
        .args(arguments)
        .output()
        .expect("ssh-keygen comes with openssh-client");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::read_to_string(file.with_extension("pub")).unwrap()
}

/// A place with a member `bob` who has an SSH key.
fn with_ssh_key(arguments: &[&str]) -> (Place, TempDir) {
    let (place, keys) = (Place::new(), tempfile::tempdir().unwrap());
    place.set(A, "first");
    let public = ssh_keygen(keys.path(), "key", arguments);
    let public = crate::secrets::members::public_key(&public).unwrap();
    place.lock("prod").add_member("bob", vec![public], &place.identities()).unwrap();
    (place, keys)
}

fn file(prompt: &Arc<Answers>, keys: &TempDir, name: &str) -> Identities {
    Identities::new(prompt.clone()).with_file(name, keys.path().join(name))
}

#[test]
fn ssh_keys_open_what_is_encrypted_to_them() {
    for arguments in
        [["-t", "ed25519", "-N", ""].as_slice(), &["-t", "rsa", "-b", "2048", "-N", ""]]
    {
        let (place, keys) = with_ssh_key(arguments);
        assert_eq!(place.get_with(A, &file(&answers(&[]), &keys, "key")).unwrap(), b"first");
    }
}

#[test]
fn an_ssh_key_with_a_passphrase_asks_once() {
    let (place, keys) = with_ssh_key(&["-t", "ed25519", "-N", "correct"]);
    let prompt = answers(&["correct"]);
    let identities = file(&prompt, &keys, "key");
    for _ in 0..3 {
        assert_eq!(place.get_with(A, &identities).unwrap(), b"first");
    }
    assert_eq!(*prompt.asked.lock().unwrap(), ["passphrase of key"]);
}

#[test]
fn a_wrong_passphrase_is_told_and_asked_for_again() {
    let (place, keys) = with_ssh_key(&["-t", "ed25519", "-N", "correct"]);
    let identities = file(&answers(&["wrong", "correct"]), &keys, "key");
    let error = place.get_with(A, &identities).unwrap_err();
    assert!(error.contains("): wrong passphrase\n"), "{error}");
    assert_eq!(place.get_with(A, &identities).unwrap(), b"first");
}

#[test]
fn a_key_that_is_no_members_asks_for_no_passphrase() {
    let (place, keys) = with_ssh_key(&["-t", "ed25519", "-N", ""]);
    ssh_keygen(keys.path(), "other", &["-t", "ed25519", "-N", "correct"]);
    let prompt = answers(&["correct"]);
    let error = place.get_with(A, &file(&prompt, &keys, "other")).unwrap_err();
    assert!(error.contains("): no key of a member\n"), "{error}");
    assert!(prompt.asked.lock().unwrap().is_empty());
}

#[test]
fn a_key_without_passphrase_goes_before_those_with_one() {
    let (place, keys) = with_ssh_key(&["-t", "ed25519", "-N", "correct"]);
    let prompt = answers(&[]);
    let key = place.alice.to_string();
    let key = zeroize::Zeroizing::new(age::secrecy::ExposeSecret::expose_secret(&key).to_owned());
    let identities = file(&prompt, &keys, "key").with_text("alice", key);
    assert_eq!(place.get_with(A, &identities).unwrap(), b"first");
    assert!(prompt.asked.lock().unwrap().is_empty());
}

#[test]
fn all_that_was_tried_is_told_with_the_members() {
    let (place, keys) = with_ssh_key(&["-t", "ed25519", "-N", ""]);
    ssh_keygen(keys.path(), "ecdsa", &["-t", "ecdsa", "-N", ""]);
    ssh_keygen(keys.path(), "protected", &["-t", "ed25519", "-N", "x"]);
    std::fs::write(keys.path().join("notes"), "hello\n").unwrap();
    let stranger = x25519::Identity::generate();
    let key = age::secrecy::ExposeSecret::expose_secret(&stranger.to_string()).to_owned();
    std::fs::write(keys.path().join("age"), format!("# created\n{key}\n")).unwrap();
    let identities = ["missing", "ecdsa", "protected", "notes", "age"]
        .iter()
        .fold(nobody(), |all, name| all.with_file(*name, keys.path().join(name)));
    let error = place.get_with(A, &identities).unwrap_err();
    let masked: Vec<&str> = error.lines().map(|line| line.split(" (").next().unwrap()).collect();
    assert_eq!(
        masked,
        [
            "cannot unlock the secrets of `prod`: no identity opens them",
            "  1: missing: there is no such file",
            "  2: ecdsa: SSH keys of its type cannot decrypt; `ssh-ed25519` and `ssh-rsa` can",
            "  3: notes: it is neither an SSH key nor a file of age keys",
            "  4: age",
            "  5: protected",
            "  6: members are alice",
            "  hint: put the private key of a member into TOGUSA_IDENTITY, or name its file with \
             `--identity`; a member adds another with `secrets add`",
        ]
    );
    assert!(!error.contains(&key));
}

#[test]
fn debug_shows_no_key() {
    let place = Place::new();
    let key = place.file().unlock(&place.identities()).unwrap();
    let shown = format!("{key:?} {:?}", place.identities());
    assert!(!shown.contains("SECRET"), "{shown}");
}

#[test]
fn a_key_is_read_once_as_from_a_pipe() {
    let place = Place::new();
    place.set(A, "first");
    let keys = tempfile::tempdir().unwrap();
    let key = place.alice.to_string();
    std::fs::write(keys.path().join("key"), age::secrecy::ExposeSecret::expose_secret(&key))
        .unwrap();
    let identities = file(&answers(&[]), &keys, "key");
    assert_eq!(place.get_with(A, &identities).unwrap(), b"first");
    std::fs::write(keys.path().join("key"), "").unwrap();
    assert_eq!(place.get_with(A, &identities).unwrap(), b"first");
}
