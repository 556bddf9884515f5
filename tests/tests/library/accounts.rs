//! Users and groups.

use std::sync::LazyLock;

use crate::Subject;

/// One host for all tests of accounts: each has names of its own there.
static HERE: LazyLock<Subject> = LazyLock::new(Subject::start);

#[test]
fn a_group_is_created_kept_right_and_removed() {
    let host = HERE.host();
    let site = HERE.site("group");
    let members = "group = 'web'\ngid = 4100\nmembers = ['daemon', 'bin']";
    site.set(["group"], &format!("[components.group]\n{members}"));
    assert_eq!(site.converge(), ["+ create group (gid 4100)", "~ members none → bin, daemon"]);
    assert_eq!(host.sh("getent group web"), "web:x:4100:bin,daemon\n");

    host.sh("groupmod --gid 4101 web");
    assert_eq!(site.converge(), ["~ gid 4101 → 4100"]);
    host.sh("gpasswd --members bin,sync web");
    assert_eq!(site.converge(), ["~ members bin, sync → bin, daemon"]);
    assert_eq!(host.sh("getent group web"), "web:x:4100:bin,daemon\n");
    site.set(["group"], "[components.group]\ngroup = 'web'\nmembers = []");
    assert_eq!(site.converge(), ["~ members bin, daemon → none"]);

    site.set(["group"], "[components.group]\ngroup = 'web'\nabsent = true");
    assert_eq!(site.converge(), ["- remove group"]);
    assert!(!host.read("/etc/group").contains("web:"));
}

#[test]
fn a_program_that_is_missing_is_named_with_the_package_that_has_it() {
    let lacking = Subject::start();
    lacking.host().sh("rm $(command -v groupadd)");
    let site = lacking.site("missing");
    site.set(["group"], "[components.group]\ngroup = 'web'");
    let failure = site.failure();
    assert!(failure.contains("there is no program `groupadd`"), "{failure}");
    assert!(failure.contains("package `passwd` of Debian"), "{failure}");

    lacking.host().sh("printf '#!/bin/sh\\necho broken >&2; exit 7' >/usr/sbin/groupadd");
    lacking.host().sh("chmod 755 /usr/sbin/groupadd");
    let failure = site.failure();
    assert!(failure.contains("`groupadd web` exited with 7"), "{failure}");
    assert!(failure.contains("| broken"), "{failure}");
}

#[test]
fn only_root_may_change_accounts() {
    HERE.host().sh("useradd -m nobodys");
    let site = HERE.site_of("nobodys", "unprivileged");
    site.set(["group"], "[components.group]\ngroup = 'forbidden'");
    let failure = site.failure();
    assert!(
        failure.contains("only root may change accounts, and this runs as `nobodys`"),
        "{failure}"
    );
    assert!(failure.contains("hint: set `sudo = true`"), "{failure}");
}
