use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::*;

const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n\
                      # a comment\n\
                      +@netgroup::::::\n\
                      app:x:1500:1600:\u{fffd}:/srv/app:/bin/sh\n\
                      twin:x:1500:1500::/:/bin/sh\n\
                      broken:x:\n";

const GROUP: &str = "root:x:0:\nstaff:x:50:app,ann\nweb:x:1600:\nown:x:1500:app\n";

/// A system with files of its own, and a `getent` that tells what a test says.
struct System {
    directory: TempDir,
    accounts: Accounts,
}

impl System {
    fn new(getent: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("passwd"), PASSWD).unwrap();
        fs::write(path("group"), GROUP).unwrap();
        // Written by another process, so that none that is started just now holds it open.
        let status = script(&path("getent"), getent);
        assert!(status.success());
        let accounts = Accounts::new(path("passwd"), path("group"), path("getent"));
        Self { directory, accounts }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// How often `getent` was asked.
    fn asked(&self) -> usize {
        fs::read_to_string(self.path("asked")).unwrap_or_default().lines().count()
    }
}

#[expect(clippy::disallowed_methods, reason = "makes what the test runs")]
fn script(path: &std::path::Path, text: &str) -> std::process::ExitStatus {
    let text = format!("#!/bin/sh\necho \"$*\" >> \"${{0%getent}}asked\"\n{text}\n");
    let write = "printf %s \"$1\" > \"$0\" && chmod 755 \"$0\"";
    Command::new("sh").args(["-c", write]).arg(path).arg(text).status().unwrap()
}

const NOBODY_ELSE: &str = "exit 2";

#[test]
fn accounts_are_read_from_the_files_without_asking_further() {
    let System { accounts, .. } = &System::new("exit 1");
    assert_eq!(accounts.user_id("app").unwrap(), Some(1500));
    assert_eq!(accounts.user_name(1500).unwrap().as_deref(), Some("app"), "the first counts");
    assert_eq!(accounts.user_id("twin").unwrap(), Some(1500));
    assert_eq!(accounts.group_id("staff").unwrap(), Some(50));
    assert_eq!(accounts.group_name(1600).unwrap().as_deref(), Some("web"));
    for no_name in ["", "-x", "a:b", "a\nb", "54321"] {
        assert_eq!(accounts.user_id(no_name).unwrap(), None, "{no_name:?}");
    }
}

#[test]
fn what_the_files_lack_is_asked_for_once_and_what_nobody_knows_each_time() {
    let system = System::new(
        r#"case "$*" in
        "passwd ann" | "passwd 7000") echo "ann:*:7000:7000:Ann:/srv/ann:/bin/sh" ;;
        "group ops") echo "ops:*:7001:ann,bob" ;;
        *) exit 2 ;;
        esac"#,
    );
    let accounts = &system.accounts;
    for _ in 0..2 {
        assert_eq!(accounts.user_id("ann").unwrap(), Some(7000));
        assert_eq!(accounts.user_name(7000).unwrap().as_deref(), Some("ann"));
    }
    assert_eq!(system.asked(), 1);
    assert_eq!(accounts.group_id("ops").unwrap(), Some(7001));
    for count in [3, 4] {
        assert_eq!(accounts.user_id("bob").unwrap(), None);
        assert_eq!(system.asked(), count);
    }
    assert_eq!(accounts.user_name(8000).unwrap(), None);
}

#[test]
fn an_account_is_there_as_soon_as_it_is_made_and_gone_as_soon_as_it_is_not() {
    let system = System::new(NOBODY_ELSE);
    let accounts = &system.accounts;
    assert_eq!(accounts.user_id("new").unwrap(), None);
    fs::write(system.path("passwd"), format!("{PASSWD}new:x:1700:1700::/:/bin/sh\n")).unwrap();
    assert_eq!(accounts.user_id("new").unwrap(), Some(1700));
    // As long as before, at another number: the file is another one.
    fs::write(system.path("next"), format!("{PASSWD}new:x:1800:1700::/:/bin/sh\n")).unwrap();
    fs::rename(system.path("next"), system.path("passwd")).unwrap();
    assert_eq!(accounts.user_id("new").unwrap(), Some(1800));
    fs::remove_file(system.path("passwd")).unwrap();
    assert_eq!(accounts.user_id("new").unwrap(), None);
    assert_eq!(accounts.user_id("app").unwrap(), None);
}

#[test]
fn a_getent_that_fails_is_an_error_with_what_it_said_and_a_missing_one_knows_nobody() {
    let system = System::new("echo 'the directory is down' >&2; exit 3");
    let error = system.accounts.user_id("ann").unwrap_err().to_string();
    assert!(error.contains("getent passwd ann` ended with exit status: 3"), "{error}");
    assert!(error.ends_with(": the directory is down"), "{error}");
    assert_eq!(system.accounts.user_id("root").unwrap(), Some(0));

    let garbled = System::new("echo nonsense");
    let error = garbled.accounts.group_id("ann").unwrap_err().to_string();
    assert_eq!(error, "`getent group ann` printed no account");

    fs::remove_file(system.path("getent")).unwrap();
    assert_eq!(system.accounts.user_id("ann").unwrap(), None);
}

#[test]
fn the_real_getent_reads_like_the_files() {
    let empty = TempDir::new().unwrap();
    let nothing = |name: &str| empty.path().join(name);
    let accounts = Accounts::new(nothing("passwd"), nothing("group"), "getent");
    assert_eq!(accounts.user_id("root").unwrap(), Some(0));
    assert_eq!(accounts.user_name(0).unwrap().as_deref(), Some("root"));
    assert_eq!(accounts.group_id("root").unwrap(), Some(0));
    assert_eq!(accounts.user_id("no-such-user").unwrap(), None);
    assert_eq!(accounts.group_name(4_000_000).unwrap(), None);
}

#[test]
fn a_group_of_one_has_nobody_else_by_either_file() {
    let system = System::new(NOBODY_ELSE);
    let alone = |group, user| system.accounts.is_group_of_one(group, user).unwrap();
    assert!(alone(1600, 1500), "by the user's own line");
    assert!(alone(1500, 1500), "by the member of the group's line");
    assert!(alone(0, 0));
    assert!(!alone(50, 1500), "another member");
    assert!(!alone(1600, 0), "another user's own group");
    assert!(!alone(4000, 1500), "not known");
}
