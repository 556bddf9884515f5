//! What users may do, and their keys of GnuPG.

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use crate::Subject;

/// One host for all tests of rights.
static HERE: LazyLock<Subject> = LazyLock::new(|| {
    let here = Subject::start();
    here.host().sh("echo '@includedir /etc/sudoers.d' >>/etc/sudoers; useradd -m -p '*' deploy");
    here
});

#[test]
fn a_rule_of_sudo_lets_a_user_do_just_that() {
    let host = HERE.host();
    let site = HERE.site("sudo");
    host.sh("useradd -m app; groupadd ops");
    let may = |command: &str| {
        let run = format!("runuser -u deploy -- sudo -n {command}");
        host.command("sh").args(["-c", &run]).output()
    };
    may("/usr/bin/id -un").failed();
    let text = "[components.sudo-rule]\nrule = 'deploy'\n";
    let full = format!(
        "{text}users = ['deploy']\ngroup = 'ops'\ncommands = ['/usr/bin/id -un', '/usr/bin/env']\n\
         run_as = 'app'\nno_password = true\n"
    );
    site.set(["sudo-rule"], &full);
    let created = ["+ create file (mode 0440, owner root)", "~ content (+3 -0 lines)"];
    assert_eq!(site.converge(), created);
    let path = "/etc/sudoers.d/deploy";
    let rules = "# Rule `deploy`, kept by togusa.\n\
                 deploy ALL=(app) NOPASSWD: /usr/bin/id -un, /usr/bin/env\n\
                 %ops ALL=(app) NOPASSWD: /usr/bin/id -un, /usr/bin/env\n";
    assert_eq!(host.read(path), rules);
    assert_eq!(may("-u app /usr/bin/id -un").succeeded(), "app\n");
    may("-u app /usr/bin/id -gn").failed();
    may("-u root /usr/bin/id -un").failed();
    may("-u app X=1 /usr/bin/env").failed();
    for (drift, seen) in [
        (format!("chmod 644 {path}"), "~ mode 0644 → 0440"),
        (format!("chown deploy {path}"), "~ owner deploy → root"),
        (format!("sed -i s/app/root/ {path}"), "~ content (+2 -2 lines)"),
    ] {
        host.sh(&drift);
        assert_eq!(site.converge(), [seen], "{drift}");
    }
    site.set(["sudo-rule"], &format!("{full}set_env = true"));
    assert_eq!(site.converge(), ["~ content (+2 -2 lines)"]);
    assert!(may("-u app X=17 /usr/bin/env").succeeded().contains("X=17\n"));

    // What begins a comment is a part of the command.
    let hash = full.replace("/usr/bin/id -un", "/usr/bin/printf #1");
    site.set(["sudo-rule"], &hash);
    site.converge();
    assert_eq!(may("-u app /usr/bin/printf '#1'").succeeded(), "#1");
    may("-u app /usr/bin/printf '#2'").failed();
    may("-u app /usr/bin/printf other").failed();
    site.set(["sudo-rule"], &format!("{full}set_env = true"));
    site.converge();

    site.set(["sudo-rule"], &format!("{text}text = '''deploy ALL=(root) NOPASSWD /bin/true'''"));
    let failure = site.failure();
    assert!(failure.contains("visudo refuses this rule; nothing was changed"), "{failure}");
    assert!(failure.contains("syntax error"), "{failure}");
    assert_eq!(may("-u app /usr/bin/id -un").succeeded(), "app\n");
    let rule = "deploy ALL=(root) NOPASSWD: /usr/bin/id -un";
    site.set(["sudo-rule"], &format!("{text}text = '''{rule}'''"));
    assert_eq!(site.converge(), ["~ content (+1 -2 lines)"]);
    assert_eq!(may("/usr/bin/id -un").succeeded(), "root\n");
    site.set(["sudo-rule"], &format!("{text}absent = true"));
    assert_eq!(site.converge(), ["- remove file"]);
    may("/usr/bin/id -un").failed();
}

#[test]
fn a_rule_that_could_not_count_is_told() {
    let lacking = Subject::start();
    let host = lacking.host();
    let site = lacking.site("uncounted");
    let text = "[components.sudo-rule]\nrule = 'a'\nusers = ['root']\ncommands = ['ALL']";
    site.set(["sudo-rule"], text);
    let failure = site.failure();
    assert!(failure.contains("`/etc/sudoers` does not read `/etc/sudoers.d`"), "{failure}");
    host.sh("echo '@includedir /etc/sudoers.d' >>/etc/sudoers; rm $(command -v visudo)");
    let failure = site.failure();
    assert!(failure.contains("there is no program `visudo`"), "{failure}");
    assert!(failure.contains("install the package `sudo`"), "{failure}");
    assert!(!host.exists("/etc/sudoers.d/a"));
    host.sh("useradd -m nobodys");
    let site = lacking.site_of("nobodys", "unprivileged");
    site.set(["sudo-rule"], text);
    let failure = site.failure();
    assert!(failure.contains("only root may look at the rules of sudo"), "{failure}");
    site.set(["pam-limit"], "[components.pam-limit]\nuser = 'nobodys'\nsoft = 10");
    assert!(site.failure().contains("only root may limit users"));
}

#[test]
fn a_limit_holds_from_the_next_login_on() {
    let host = HERE.host();
    let site = HERE.site("limit");
    host.sh("useradd -m -p '*' limited");
    let limits = || {
        let ask = "runuser -l limited -c 'ulimit -Sn; ulimit -Hn'";
        host.sh(ask)
    };
    let path = "/etc/security/limits.d/togusa-user-limited.conf";
    let text = "[components.pam-limit]\nuser = 'limited'\n";
    site.set(["pam-limit"], &format!("{text}soft = 77\nhard = 99"));
    let created = ["+ create file (mode 0644, owner root)", "~ content (+3 -0 lines)"];
    assert_eq!(site.converge(), created);
    assert_eq!(limits(), "77\n99\n");
    for (drift, seen) in [
        (format!("sed -i s/77/78/ {path}"), "~ content (+1 -1 lines)"),
        (format!("chmod 600 {path}"), "~ mode 0600 → 0644"),
    ] {
        host.sh(&drift);
        assert_eq!(site.converge(), [seen], "{drift}");
    }
    site.set(["pam-limit"], &format!("{text}absent = true"));
    assert_eq!(site.converge(), ["- remove file"]);
    assert_ne!(limits(), "77\n99\n");
    host.sh("mv /etc/security/limits.d /etc/security/away");
    site.set(["pam-limit"], &format!("{text}soft = 77"));
    let failure = site.failure();
    host.sh("mv /etc/security/away /etc/security/limits.d");
    assert!(failure.contains("package `libpam-modules` of Debian"), "{failure}");
}

/// Taken by each test that uses GnuPG, as one of them takes the program away.
fn gnupg() -> MutexGuard<'static, ()> {
    static GNUPG: Mutex<()> = Mutex::new(());
    GNUPG.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A new key on the host, in a home of its own: fingerprint, public and secret text.
fn new_key(name: &str) -> (String, String, String) {
    let gpg = format!("gpg --batch --quiet --homedir /run/{name} --passphrase ''");
    let make = format!(
        "mkdir -m 700 /run/{name}; {gpg} --quick-generate-key '{name}: <{name}@example.org>' ed25519 sign 2>&1
         {gpg} --with-colons --list-keys | awk -F: '/^fpr/ {{ print $10; exit }}' >/run/{name}.fpr
         {gpg} --quick-add-key $(cat /run/{name}.fpr) cv25519 encr 2031-01-01"
    );
    let host = HERE.host();
    host.sh(&make);
    let export = |what: &str| host.sh(&format!("{gpg} --armor {what}"));
    let texts = (export("--export"), export("--export-secret-keys"));
    (host.read(&format!("/run/{name}.fpr")).trim().to_owned(), texts.0, texts.1)
}

#[test]
fn a_key_of_gnupg_is_in_the_keyring_of_a_user() {
    let _alone = gnupg();
    let host = HERE.host();
    host.sh("useradd -m -p '*' release");
    let (fingerprint, public, secret) = new_key("signer");
    let site = HERE.site("gpg");
    let text = "[components.gpg-key]\nuser = 'release'\n";
    let gpg = |arguments: &str| {
        let run =
            format!("runuser -u release -- gpg --batch --homedir ~release/.gnupg {arguments}");
        host.sh(&run)
    };
    let trusted = format!("{text}key = '''{public}'''\ntrust = 'full'");
    site.set(["gpg-key"], &trusted);
    let short = &fingerprint[24..];
    let created = format!("+ create key {short} (signer: <signer@example.org>)");
    assert_eq!(site.converge(), [&*created, "~ trust unknown → full"]);
    assert_eq!(host.sh("stat -c %U:%a ~release/.gnupg"), "release:700\n");
    assert!(gpg("--with-colons --list-keys").contains(&fingerprint));
    host.write("/run/distrust", format!("{fingerprint}:3:\n"));
    gpg("--import-ownertrust </run/distrust");
    assert_eq!(site.converge(), ["~ trust never → full"]);
    gpg(&format!("--yes --delete-keys {fingerprint}"));
    assert_eq!(site.converge(), [&*created, "~ trust unknown → full"]);
    host.sh(&format!(
        "gpg --batch --homedir /run/signer --passphrase '' --quick-add-uid {fingerprint} 'Second'
         gpg --batch --homedir /run/signer --passphrase '' --quick-add-key {fingerprint} ed25519 sign
         gpg --batch --homedir /run/signer --passphrase '' --quick-set-expire {fingerprint} 2040-01-01"
    ));
    let more = host.sh("gpg --batch --homedir /run/signer --armor --export");
    site.set(["gpg-key"], &format!("{text}key = '''{more}'''"));
    let changes = site.converge();
    assert!(changes.contains(&"+ create name Second".to_owned()), "{changes:?}");
    assert!(changes.iter().any(|it| it.starts_with("+ create subkey ")), "{changes:?}");
    // What it has besides is left alone.
    site.set(["gpg-key"], &trusted);
    let changes = site.converge();
    assert!(changes.iter().all(|it| it.ends_with("expires later")), "{changes:?}");

    let secret_text = format!("{text}secret_key = '''{secret}'''\ntrust = 'ultimate'");
    site.set(["gpg-key"], &secret_text);
    let [created, trust] = &site.converge()[..] else { panic!("two changes") };
    assert!(created.starts_with(&format!("+ create secret key {short}")), "{created}");
    assert_eq!(trust, "~ trust full → ultimate");
    let signed = "--local-user signer@example.org --armor --detach-sign </etc/hostname";
    assert!(gpg(signed).contains("BEGIN PGP SIGNATURE"));
    host.sh("runuser -u release -- gpgconf --homedir ~release/.gnupg --kill gpg-agent");

    site.set(["gpg-key"], &format!("{text}absent = '{fingerprint}'"));
    let [removed] = &site.converge()[..] else { panic!("one change") };
    assert!(removed.starts_with(&format!("- remove key {short}")), "{removed}");
    assert_eq!(host.sh("ls ~release/.gnupg/private-keys-v1.d"), "");
    assert!(host.processes_with("release/.gnupg").is_empty(), "an agent of gpg was left behind");
    site.set(
        ["gpg-key"],
        "[components.gpg-key]\nuser = 'nobody-there'\nabsent = \
                           'A46504B7116B3E3C07267EB137C0354D5E053769'",
    );
    assert_eq!(site.converge(), [""; 0]);
}

#[test]
fn a_secret_key_may_be_left_out_for_its_subkeys() {
    let _alone = gnupg();
    let host = HERE.host();
    host.sh("useradd -m -p '*' builder");
    new_key("subkeys");
    let export = "gpg --batch --quiet --homedir /run/subkeys --passphrase '' --pinentry-mode loopback \
                  --armor --export-secret-subkeys";
    let secret = host.sh(export);
    let site = HERE.site("gpg-subkeys");
    let text = format!("[components.gpg-key]\nuser = 'builder'\nsecret_key = '''{secret}'''");
    site.set(["gpg-key"], &text);
    let [created] = &site.converge()[..] else { panic!("one change") };
    assert!(created.starts_with("+ create secret key "), "{created}");
    host.sh("rm ~builder/.gnupg/private-keys-v1.d/*.key");
    let [created] = &site.converge()[..] else { panic!("one change") };
    assert!(created.starts_with("+ create secret key "), "{created}");
}

#[test]
fn a_secret_key_is_on_no_command_line_and_in_no_output() {
    let _alone = gnupg();
    let host = HERE.host();
    host.sh("useradd -m -p '*' hidden");
    let (_, _, secret) = new_key("hider");
    let site = HERE.site("gpg-secret");
    let text = format!(
        "[components.gpg-key]\nuser = 'hidden'\nhome = '/srv/hidden-ring'\nsecret_key = '''{secret}'''"
    );
    site.set(["gpg-key"], &text);
    let lines: Vec<_> = secret.lines().filter(|line| line.len() > 30).collect();
    let ran = site.deploy_traced("/run/started");
    let ran = ran.expect(0);
    let seen = host.read("/run/started") + &ran.output.stdout + &ran.output.stderr;
    assert!(seen.contains("--import"), "{seen}");
    assert!(lines.iter().all(|line| !seen.contains(line)), "the secret key was seen");
    assert_eq!(site.converge(), [""; 0]);

    let clear = format!("[components.gpg-key]\nuser = 'hidden'\nkey = '''{secret}'''");
    let public = HERE.site("gpg-clear");
    public.set(["gpg-key"], &clear);
    let said = public.deploy().expect(2).output.stderr;
    assert!(said.contains("a secret key stands in the clear"), "{said}");
    for (text, words) in [
        ("absent = 'ABCD'", "`ABCD` is no fingerprint"),
        ("key = 'x'\ntrust = 'much'", "a key cannot be trusted `much`"),
    ] {
        public.set(["gpg-key"], &format!("[components.gpg-key]\nuser = 'hidden'\n{text}"));
        let said = public.deploy().expect(2).output.stderr;
        assert!(said.contains(words), "{said}");
    }
    public.set(["gpg-key"], "[components.gpg-key]\nuser = 'hidden'\nkey = 'x'");
    assert!(public.failure().contains("gpg cannot read the key"));
    host.sh("mv $(command -v gpg) /run/gpg");
    let failure = site.failure();
    host.sh("mv /run/gpg /usr/bin/gpg");
    assert!(failure.contains("there is no program `gpg`"), "{failure}");
}
