//! Keys of SSH in files of the work directory, keys of GnuPG.

use togusa_components::prelude::*;

use crate::Bench;

const BLOB: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB";

#[test]
fn a_key_that_is_given_twice_is_one_key_that_all_can_read() {
    let test = Bench::new().model(|scope| {
        let keys = ["anna", "anna@home"].map(|comment| format!("ssh-ed25519 {BLOB} {comment}"));
        scope.add(AuthorizedKey::all("deploy", keys).file("keys"));
        Ok(())
    });
    assert_eq!(test.converge(), ["+ create key ssh-ed25519 …AQEBAQEB (anna)"]);
    assert_eq!(test.read("keys"), format!("ssh-ed25519 {BLOB} anna\n"));
    assert_eq!(test.mode("keys"), 0o644);
}

#[test]
fn nobody_has_keys_to_remove() {
    let test = Bench::new().model(|scope| {
        let key = format!("ssh-ed25519 {BLOB}");
        scope.add(AuthorizedKey::new("no-such-user", key).absent());
        scope.add(KnownHost::new("web").user("no-such-user").absent());
        Ok(())
    });
    assert!(test.converge().is_empty());
}

#[test]
fn a_user_has_several_keys_of_gnupg() {
    let test = Bench::new().model(|scope| {
        let secret = togusa_core::secret::Secret::new("a secret key");
        scope.add(GpgKey::new("no-such-user", "a key"));
        scope.add(GpgKey::new("no-such-user", &secret));
        scope.add(GpgKey::absent("no-such-user", "A46504B7116B3E3C07267EB137C0354D5E053769"));
        Ok(())
    });
    assert!(test.failure().contains("there is no user `no-such-user`"), "{}", test.failure());
}
