//! Who may decrypt, and what somebody can do who may only write the file.

use age::x25519;

use super::{Place, nobody, parsed, told, with_key};
use crate::secrets::EnvironmentKey;
use crate::secrets::members::{public_key, public_keys};
use crate::secrets::rewrite::Rewrite;

const A: &str = "components.app.a";
const B: &str = "components.app.b";

fn with_bob() -> (Place, x25519::Identity) {
    let place = Place::new();
    place.set(A, "first");
    place.set(B, vec![0xff; 20_000]);
    let bob = x25519::Identity::generate();
    let key = bob.to_public().to_string();
    place.lock("prod").add_member("bob", vec![key], &place.identities()).unwrap();
    (place, bob)
}

#[test]
fn a_member_that_was_added_can_read_and_nothing_else_changes() {
    let place = Place::new();
    place.set(A, "first");
    let value = place.written("a");
    let bob = x25519::Identity::generate();
    assert!(place.get_with(A, &with_key(&bob)).is_err());
    let key = bob.to_public().to_string();
    place.lock("prod").add_member("bob", vec![key], &place.identities()).unwrap();
    assert_eq!(place.get_with(A, &with_key(&bob)).unwrap(), b"first");
    assert_eq!(place.get(A).unwrap(), b"first");
    assert_eq!(place.written("a"), value);
}

#[test]
fn a_member_that_was_removed_opens_nothing_of_what_the_file_holds_then() {
    let (place, bob) = with_bob();
    let old = place.text();
    let file = place.lock("prod").remove_member("bob", &place.identities()).unwrap();
    assert_eq!(file.paths().count(), 2);
    let error = place.get_with(A, &with_key(&bob)).unwrap_err();
    assert!(error.contains("no identity opens them"), "{error}");
    assert_eq!(place.get(A).unwrap(), b"first");
    assert_eq!(place.get(B).unwrap(), vec![0xff; 20_000]);

    // The old key, which bob may have kept, opens no new value.
    let new = place.written("a");
    place.write(&old);
    let old_value = place.written("a");
    place.write(&old.replace(&old_value, &new));
    let error = place.get_with(A, &with_key(&bob)).unwrap_err();
    assert!(error.contains("it is encrypted to another key"), "{error}");
}

#[test]
fn rotation_makes_a_new_key_and_keeps_values_members_and_comments() {
    let (place, bob) = with_bob();
    place.write(&format!("{}# kept\n", place.text()));
    let (old_key, old) = (place.file().public_key().to_owned(), place.written("a"));
    place.lock("prod").rotate(&with_key(&bob)).unwrap();
    assert_ne!(place.file().public_key(), old_key);
    assert_ne!(place.written("a"), old);
    assert_eq!(place.get(A).unwrap(), b"first");
    assert_eq!(place.get_with(B, &with_key(&bob)).unwrap(), vec![0xff; 20_000]);
    assert!(place.text().ends_with("# kept\n"));
}

#[test]
fn a_rotation_with_a_broken_value_changes_nothing() {
    let (place, _) = with_bob();
    place.write(&place.text().replace(&place.written("a"), "broken"));
    let before = place.text();
    let error = place.lock("prod").rotate(&place.identities()).map(|_| ()).map_err(told);
    assert!(error.unwrap_err().contains("failed to decrypt `components.app.a`"));
    assert_eq!(place.text(), before);
}

#[test]
fn what_cannot_be_done_with_members_is_told() {
    let (place, bob) = with_bob();
    let key = bob.to_public().to_string();
    let add = |name: &str, key: &str| {
        let added = place.lock("prod").add_member(name, vec![key.into()], &place.identities());
        told(added.unwrap_err())
    };
    let other = x25519::Identity::generate().to_public().to_string();
    assert!(add("bob", &other).starts_with("`bob` is a member already\n"));
    assert_eq!(add("robert", &key), "member `bob` has this key already");
    assert!(add("a b", &other).starts_with("`a b` is no name of a member\n"));
    let remove =
        |name: &str| told(place.lock("prod").remove_member(name, &place.identities()).unwrap_err());
    assert!(remove("carol").starts_with("`carol` is no member\n  hint: members are alice (age1"));
    place.lock("prod").remove_member("bob", &place.identities()).unwrap();
    assert!(remove("alice").starts_with("`alice` is the last member\n"));
}

#[test]
fn nobody_adds_a_member_without_being_one() {
    let (place, _) = with_bob();
    let before = place.text();
    let carol = x25519::Identity::generate();
    let key = carol.to_public().to_string();
    let error = place.lock("prod").add_member("carol", vec![key], &with_key(&carol)).unwrap_err();
    assert!(told(error).contains("no identity opens them"));
    assert_eq!(place.text(), before);
}

#[test]
fn a_list_of_members_that_was_changed_by_hand_is_refused() {
    let (place, bob) = with_bob();
    let text = place.text();
    let bobs_key = bob.to_public().to_string();
    let mallory = x25519::Identity::generate().to_public().to_string();
    for (changed, message) in [
        (
            text.replace("\nbob = ", &format!("\nmallory = \"{mallory}\"\nbob = ")),
            "`mallory` stands in `encryption.members` without having been added",
        ),
        (
            text.replace(&format!("bob = \"{bobs_key}\"\n"), ""),
            "`bob` is missing from `encryption.members`, but can decrypt",
        ),
        (
            text.replace(&bobs_key, &mallory),
            "`bob` stands in `encryption.members` without having been added",
        ),
    ] {
        assert_ne!(changed, text);
        place.write(&changed);
        let error = place.get(A).unwrap_err();
        let start = format!("environments/prod/secrets.toml:2:14: {message}\n  hint: ");
        assert!(error.starts_with(&start), "{error}");
    }
}

#[test]
fn a_public_half_that_was_replaced_is_refused() {
    let (place, _) = with_bob();
    let own = place.file().public_key().to_owned();
    let mallory = x25519::Identity::generate().to_public().to_string();
    place.write(&place.text().replace(&own, &mallory));
    let error = place.get(A).unwrap_err();
    let message =
        format!("`encryption.public_key` is not the one of this environment, `{own}`\n  hint: ");
    assert!(error.contains(&message), "{error}");
}

#[test]
fn mistakes_in_the_header_are_told_with_their_places() {
    let place = Place::new();
    let check = |text: &str| {
        place.write(text);
        let read = place.store("prod").read().map(|_| ()).map_err(told).unwrap_err();
        read.replace("environments/prod/secrets.toml:", "")
    };
    assert_eq!(
        check("[components.app]\na = 'x'\n"),
        "1:1: the file has no table `[encryption]`, which holds the environment's key\n  \
         hint: take the file from an earlier commit"
    );
    assert_eq!(
        check("[encryption]\npublic_key = 'x'\nprivat_key = ''\nmembers = 1\n"),
        "1:1: required key `encryption.private_key` is not set\n  hint: set `private_key` (string)\n\
         3:1: unknown key `encryption.privat_key`\n  hint: did you mean `private_key`?"
    );
    assert_eq!(
        check(
            "[encryption]\npublic_key = 'x'\nprivate_key = ''\nmembers = {'a b' = 1, c = ['y']}\n"
        ),
        "2:14: key `encryption.public_key` is no public key of age\n  \
         hint: take the file from an earlier commit\n\
         4:12: `a b` is no name of a member\n  \
         hint: a name holds letters, digits, `-`, `_`, `.`, `@`, `+`\n\
         4:20: an integer is no public key\n\
         4:28: `y` is no public key\n  hint: give `age1…`, `ssh-ed25519 …` or `ssh-rsa …`"
    );
}

#[test]
fn keys_that_cannot_be_members_are_told_by_what_they_are() {
    let check = |text: &str| public_key(text).unwrap_err().to_string();
    let private =
        age::secrecy::ExposeSecret::expose_secret(&x25519::Identity::generate().to_string())
            .to_owned();
    for text in [private.as_str(), "-----BEGIN OPENSSH PRIVATE KEY-----"] {
        let error = check(text);
        assert!(error.starts_with("this is a private key; ") && !error.contains(text), "{error}");
    }
    assert!(check("age1pq1qqqq").starts_with("post-quantum keys"));
    assert!(check("hello").starts_with("`hello` is no public key"));
    let ecdsa = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBH9B";
    assert!(check(ecdsa).starts_with("SSH keys of type `ecdsa-sha2-nistp256` cannot decrypt"));
}

#[test]
fn a_file_of_keys_has_one_a_line() {
    let first = x25519::Identity::generate().to_public().to_string();
    let second = x25519::Identity::generate().to_public().to_string();
    let text = format!("# keys\n\n{first}\n  {second}  \n{first}\n");
    assert_eq!(public_keys("f", &text).unwrap(), [first.clone(), second]);
    let error = public_keys("f", &format!("{first}\nx\n")).unwrap_err().to_string();
    assert!(error.starts_with("f:2: `x` is no public key"), "{error}");
    assert_eq!(public_keys("f", "\n").unwrap_err().to_string(), "`f` holds no public key");
}

#[test]
fn an_environment_without_secrets_says_how_to_begin() {
    let place = Place::new();
    place.environment("dev", "");
    assert_eq!(
        told(place.lock("dev").set(&parsed(A), b"x").unwrap_err()),
        "environment `dev` has no secrets\n  \
         hint: begin with a first member: `secrets add dev NAME PUBLIC-KEY`"
    );
    assert!(place.store("dev").read().unwrap().is_none());
    assert!(
        place
            .get_with(A, &nobody())
            .unwrap_err()
            .contains("1: there was none to try\n  2: members")
    );
}

#[test]
fn a_header_that_was_begun_anew_opens_nothing_of_before() {
    let place = Place::new();
    place.set(A, "first");
    let mallory = x25519::Identity::generate();
    let mut members = place.file().members().clone();
    members.0.insert("mallory".into(), vec![mallory.to_public().to_string()]);
    let key = EnvironmentKey::generate();
    let locked = key.locked("prod", &members, &nobody()).unwrap();
    let mut forged = Rewrite::new(&place.text()).unwrap();
    forged.set_header(&key, &locked, &members);
    place.write(&forged.finish().text);

    // Nobody signs, so that it cannot be told from a file that a member began.
    place.file().unlock(&place.identities()).unwrap();
    for identities in [place.identities(), with_key(&mallory)] {
        let error = place.get_with(A, &identities).unwrap_err();
        assert!(error.contains("it is encrypted to another key"), "{error}");
    }
}
