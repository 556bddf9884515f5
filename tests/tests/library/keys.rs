//! Keys of SSH, as OpenSSH itself sees them.

use std::sync::LazyLock;

use togusa_tests::lab::HostSpec;

use crate::Subject;

/// One host for all tests of keys; its sshd also reads the file that is usual.
static HERE: LazyLock<Subject> = LazyLock::new(|| {
    let files = "AuthorizedKeysFile /etc/ssh/authorized_keys/%u .ssh/authorized_keys";
    Subject::on(HostSpec::new("here").sshd(files))
});

/// A new pair of keys on the host, below `/run/NAME`: the public one.
fn new_key(name: &str, kind: &str) -> String {
    let make =
        format!("ssh-keygen -q -t {kind} -N '' -C {name} -f /run/{name}; cat /run/{name}.pub");
    HERE.host().sh(&make).trim().to_owned()
}

#[test]
fn a_key_lets_in_as_its_options_say_and_is_kept_right() {
    let host = HERE.host();
    host.sh("useradd -m -p '*' -s /bin/sh anna");
    let key = new_key("anna", "ed25519");
    let other = new_key("other", "ecdsa");
    let file = "/home/anna/.ssh/authorized_keys";
    let site = HERE.site("authorized");
    let set = |more: &str| {
        site.set(
            ["authorized-keys"],
            &format!("[components.authorized-keys]\nuser = 'anna'\nkeys = ['{key}']\n{more}"),
        );
    };
    let log_in = || {
        let ssh = "ssh -i /run/anna -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
                   -o BatchMode=yes -o IdentitiesOnly=yes anna@localhost id -un";
        host.command("sh").args(["-c", ssh]).output()
    };
    assert!(log_in().failed().contains("Permission denied"));
    set("");
    let [created] = &site.converge()[..] else { panic!("one key is one change") };
    assert!(created.starts_with("+ create key ssh-ed25519 …"), "{created}");
    assert_eq!(log_in().succeeded(), "anna\n");
    assert_eq!(host.sh(&format!("stat -c %U:%a {file} /home/anna/.ssh")), "anna:600\nanna:700\n");

    host.sh("chmod 770 /home/anna/.ssh; chown root /home/anna/.ssh");
    let directory = ["~ owner of `.ssh` root → anna", "~ mode of `.ssh` 0770 → 0750"];
    assert_eq!(site.converge(), directory);
    host.sh(&format!("chmod 666 {file}; chown root {file}"));
    assert_eq!(site.converge(), ["~ owner root → anna", "~ mode 0666 → 0644"]);
    assert_eq!(log_in().succeeded(), "anna\n");

    set("options = ['restrict', 'command=\"echo \\\"no  shell\\\"\"']");
    let [options] = &site.converge()[..] else { panic!("one line is one change") };
    assert!(options.contains(" none → restrict,command="), "{options}");
    assert_eq!(log_in().succeeded(), "no  shell\n");

    host.sh(&format!("echo '{other}' >>{file}; sed -i 's/ anna$/ who/' {file}"));
    let [comment] = &site.converge()[..] else { panic!("another's key is left alone") };
    assert!(comment.contains(" who → anna"), "{comment}");
    assert!(host.read(file).contains(&other));
    set("exclusive = true\noptions = []");
    let [options, removed] = &site.converge()[..] else { panic!("two changes") };
    assert!(options.ends_with(" → none"), "{options}");
    assert!(removed.starts_with("- remove key ecdsa-sha2-nistp256 …"), "{removed}");
    assert_eq!(host.read(file), format!("{key}\n"));

    set("absent = true");
    let [removed] = &site.converge()[..] else { panic!("one key is one change") };
    assert!(removed.starts_with("- remove key ssh-ed25519 …"), "{removed}");
    assert!(log_in().failed().contains("Permission denied"));
}

#[test]
fn a_user_looks_after_its_own_keys_but_not_after_those_of_others() {
    let host = HERE.host();
    host.sh("useradd -m -p '*' bert; useradd -m cleo");
    let key = new_key("bert", "ed25519");
    let text =
        |user: &str| format!("[components.authorized-keys]\nuser = '{user}'\nkeys = ['{key}']");
    let site = HERE.site_of("bert", "own-keys");
    site.set(["authorized-keys"], &text("bert"));
    assert_eq!(site.converge().len(), 1);
    assert_eq!(host.read("/home/bert/.ssh/authorized_keys"), format!("{key}\n"));
    site.set(["authorized-keys"], &text("cleo"));
    let failure = site.failure();
    assert!(failure.contains("only root may look after the keys of `cleo`"), "{failure}");
    site.set(["authorized-keys"], &text("nobody-there"));
    assert!(site.failure().contains("there is no user `nobody-there`"));
    site.set(["authorized-keys"], "[components.authorized-keys]\nuser = 'x'\nkeys = ['no key']");
    let said = site.deploy().expect(2).output.stderr;
    assert!(said.contains("`no key` is no public key"), "{said}");
}

#[test]
fn ssh_knows_a_host_that_was_made_known() {
    let host = HERE.host();
    let site = HERE.site("known");
    let [first, second] = ["first", "second"].map(|name| new_key(name, "ed25519"));
    let rsa = new_key("third", "rsa");
    let set = |more: &str| {
        site.set(["known-host"], &format!("[components.known-host]\nhost = 'db'\n{more}"));
    };
    let known = |name: &str, file: &str| {
        let find = format!("ssh-keygen -F {name} -f {file} | grep -v '^#' | cut -d' ' -f2,3 || :");
        host.sh(&find)
    };
    let blob = |key: &str| key.split(' ').take(2).collect::<Vec<_>>().join(" ") + "\n";
    let system = "/etc/ssh/ssh_known_hosts";

    set(&format!("keys = ['{first}', '{rsa}']"));
    assert_eq!(site.converge().len(), 2);
    assert_eq!(known("db", system), blob(&first) + &blob(&rsa));
    host.sh(&format!("sed -i '/ssh-rsa/d' {system}; ssh-keygen -q -H -f {system}"));
    let [created] = &site.converge()[..] else { panic!("one key is missing") };
    assert!(created.starts_with("+ create key ssh-rsa …"), "{created}");
    set(&format!("keys = ['{second}']"));
    let [replaced] = &site.converge()[..] else { panic!("one key is another") };
    assert!(replaced.starts_with("~ key ssh-ed25519 …") && replaced.contains(" → …"), "{replaced}");
    assert!(known("db", system).contains(&blob(&second)));
    assert!(!known("db", system).contains(&blob(&first)));
    set("keys = []\nabsent = true");
    assert_eq!(site.converge().len(), 2);
    assert_eq!(known("db", system), "");

    host.sh("useradd -m dora");
    let own = "/home/dora/.ssh/known_hosts";
    set(&format!("keys = ['{first}']\nport = 2222\nuser = 'dora'\nhashed = true"));
    assert_eq!(site.converge().len(), 1);
    assert!(!host.read(own).contains("db"));
    assert_eq!(known("'[db]:2222'", own), blob(&first));
    assert_eq!(host.sh(&format!("stat -c %U:%a {own}")), "dora:600\n");
    set("keys = []");
    assert!(site.deploy().expect(2).output.stderr.contains("no key of the host is given"));
}
