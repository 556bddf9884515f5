//! Agents of other users, through sudo.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};

use super::host::{Host, agent};
use crate::push::StartError;

const NOBODY: u32 = 65534;

/// A host whose home everybody may enter.
fn host() -> Host {
    let host = Host::new(&["dash", "-c"]);
    fs::set_permissions(host.home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    host
}

#[test]
fn the_binary_belongs_to_the_user_who_converges() {
    let host = host();
    fs::create_dir(host.store()).unwrap();
    chown(host.store(), Some(NOBODY), None).unwrap();
    let agent = agent("nobody", 300_000);
    let mut start = host.start(&agent);
    start.user = Some("nobody".into());
    start.store = host.store().display().to_string();
    let push = host.talk(&start, &agent);
    push.assert_runs("nobody", &agent);
    push.assert_pushed(&agent);
    let metadata = fs::metadata(host.place(&agent)).unwrap();
    assert_eq!((metadata.uid(), metadata.mode() & 0o777), (NOBODY, 0o700));

    start.tag = crate::push::tag().unwrap();
    let have = host.talk(&start, &agent);
    have.assert_runs("nobody", &agent);
    assert_eq!(have.sent, "frames".len());
}

#[test]
fn the_home_is_the_one_of_the_user_who_converges() {
    let host = host();
    let agent = agent("nobody", 1000);
    let mut start = host.start(&agent);
    start.user = Some("nobody".into());
    let refused = host.talk(&start, &agent).refused();
    assert!(refused.contains("/nonexistent"), "{refused}");
    assert!(refused.contains("directory that the converging user may write to"), "{refused}");
}

#[test]
fn a_sudo_that_wants_a_password_ends_the_start() {
    let host = Host { user: Some(NOBODY), ..host() };
    let agent = agent("root", 1000);
    let mut start = host.start(&agent);
    start.user = Some("root".into());
    let talk = host.talk(&start, &agent);
    let Err(StartError::Ended { printed }) = &talk.said else { panic!("{talk:?}") };
    assert_eq!(printed, "");
    assert!(talk.stderr.contains("sudo: a password is required"), "{talk:?}");
    assert_eq!(talk.exit, Some(1));
}
