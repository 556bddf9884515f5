//! Users and groups.

use std::sync::LazyLock;

use crate::Subject;

/// One host for all tests of accounts: each has names of its own there.
static HERE: LazyLock<Subject> = LazyLock::new(Subject::start);

#[test]
fn a_group_is_created_kept_right_and_removed() {
    let host = HERE.host();
    let site = HERE.site("group");
    let members = "group = 'web'\ngid = 5100\nmembers = ['daemon', 'bin']";
    site.set(["group"], &format!("[components.group]\n{members}"));
    assert_eq!(site.converge(), ["+ create group (gid 5100)", "~ members none → bin, daemon"]);
    assert_eq!(host.sh("getent group web"), "web:x:5100:bin,daemon\n");

    host.sh("groupmod --gid 5101 web");
    assert_eq!(site.converge(), ["~ gid 5101 → 5100"]);
    host.sh("gpasswd --members bin,sync web");
    assert_eq!(site.converge(), ["~ members bin, sync → bin, daemon"]);
    assert_eq!(host.sh("getent group web"), "web:x:5100:bin,daemon\n");
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
fn busybox_does_what_it_can_where_shadow_is_missing() {
    let bare = Subject::start();
    let host = bare.host();
    host.sh(
        "mkdir /opt/shadow; for it in useradd usermod userdel groupadd groupdel gpasswd chpasswd
             do mv $(command -v $it) /opt/shadow; done",
    );
    // Busybox of Debian has none of them. This one does by shadow what that of Alpine would do.
    let shim = "#!/bin/sh\necho \"$@\" >>/run/asked\nPATH=/opt/shadow:$PATH\ncase \"$*\" in\n\
                'addgroup -g 5300 web') groupadd -g 5300 web ;;\n\
                'adduser '*) useradd -m -u 5301 -g web -d /srv/web -s /bin/sh -c Web web ;;\n\
                'addgroup web audio') gpasswd -a web audio ;;\n\
                'delgroup web audio') gpasswd -d web audio ;;\n\
                'chpasswd -e') exec chpasswd -e ;;\n\
                'passwd -l web') usermod -L web ;;\n\
                'deluser --remove-home web') userdel -r web ;;\n\
                *) echo \"$1: applet not found\" >&2; exit 127 ;;\nesac\n";
    host.write("/usr/local/bin/busybox", shim);
    host.sh("chmod 755 /usr/local/bin/busybox");
    let site = bare.site("busybox");
    let deploy = |roots: &[&str], text: &str| {
        site.set(roots.iter().copied(), text);
        site.converge();
    };
    deploy(&["group"], "[components.group]\ngroup = 'web'\ngid = 5300");
    let user = "[components.user]\nuser = 'web'\nuid = 5301\ngroup = 'web'\nhome = '/srv/web'\n\
                shell = '/bin/sh'\ncomment = 'Web'\npassword = '$6$salt$hash'\n";
    deploy(&["user"], &format!("{user}groups = ['audio']"));
    deploy(&["user"], &format!("{user}groups = []\nlocked = true"));
    site.set(["user"], &user.replace("/bin/sh", "/bin/bash"));
    let failure = site.failure();
    assert!(failure.contains("there is no program `usermod`"), "{failure}");
    assert!(failure.contains("`shadow` of Alpine"), "{failure}");
    deploy(&["user"], "[components.user]\nuser = 'web'\nabsent = true\nremove_home = true");
    let asked = host.read("/run/asked");
    let expected = [
        "addgroup -g 5300 web",
        "adduser -D -u 5301 -G web -h /srv/web -s /bin/sh -g Web web",
        "addgroup web audio",
        "chpasswd -e",
        "delgroup web audio",
        "passwd -l web",
        "deluser --remove-home web",
    ];
    assert_eq!(asked.lines().collect::<Vec<_>>(), expected);
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

const HASH: &str = "$6$salt$hash";

#[test]
fn a_user_is_created_with_all_that_was_said_and_kept_so() {
    let host = HERE.host();
    host.sh("groupadd -g 5200 staff1; groupadd -g 5201 staff2");
    let site = HERE.site("user");
    let text = format!(
        "[components.user]\nuser = 'anna'\nuid = 5242\ngroup = 'staff1'\n\
         groups = ['audio', 'staff2']\nhome = '/srv/anna'\nshell = '/bin/bash'\n\
         comment = 'Anna Berg'\npassword = '{HASH}'\nlocked = false\nexpires = '2031-12-31'"
    );
    site.set(["user"], &text);
    let created = "+ create user (uid 5242, group staff1, home /srv/anna, shell /bin/bash, \
                   comment Anna Berg)";
    let groups = "~ groups none → audio, staff2";
    let expires = "~ expires never → 2031-12-31";
    assert_eq!(site.converge(), [created, groups, "~ another password", expires]);
    let passwd = "anna:x:5242:5200:Anna Berg:/srv/anna:/bin/bash\n";
    assert_eq!(host.sh("getent passwd anna"), passwd);
    assert_eq!(host.sh("id -nG anna").trim(), "staff1 audio staff2");
    assert_eq!(host.sh("stat -c %U:%G /srv/anna"), "anna:staff1\n");
    assert!(host.sh("getent shadow anna").starts_with(&format!("anna:{HASH}:")));

    for (drift, seen) in [
        ("usermod --uid 5142 anna", "~ uid 5142 → 5242"),
        ("usermod --gid staff2 anna", "~ group staff2 → staff1"),
        ("gpasswd --delete anna audio", "~ groups staff2 → audio, staff2"),
        ("gpasswd --add anna video", "~ groups audio, staff2, video → audio, staff2"),
        ("usermod --home /srv/other anna", "~ home /srv/other → /srv/anna"),
        ("mv /srv/anna /srv/away", "+ create home directory `/srv/anna`"),
        ("usermod --shell /bin/sh anna", "~ shell /bin/sh → /bin/bash"),
        ("usermod --comment '' anna", "~ comment none → Anna Berg"),
        ("echo 'anna:$6$other$hash' | chpasswd -e", "~ another password"),
        ("usermod --lock anna", "~ locked yes → no"),
        ("usermod --expiredate '' anna", "~ expires never → 2031-12-31"),
        ("usermod --expiredate 2030-01-01 anna", "~ expires 2030-01-01 → 2031-12-31"),
    ] {
        host.sh(drift);
        assert_eq!(site.converge(), [seen], "{drift}");
    }
    assert_eq!(host.sh("getent passwd anna"), passwd);
    assert_eq!(host.sh("stat -c %U:%G:%a /srv/anna"), "anna:staff1:700\n");

    site.set(["user"], "[components.user]\nuser = 'anna'\nlocked = true\nexpires = 'never'");
    assert_eq!(site.converge(), ["~ locked no → yes", "~ expires 2031-12-31 → never"]);
    assert!(host.sh("getent shadow anna").starts_with(&format!("anna:!{HASH}:")));
}

#[test]
fn a_system_user_takes_the_group_of_its_name_and_has_no_home() {
    let host = HERE.host();
    let site = HERE.site("system-user");
    let group = "[components.group]\ngroup = 'shop'\nsystem = true";
    let user = "[components.user]\nuser = 'shop'\nsystem = true\ngroups = ['audio']\nappend = true";
    site.set(["group", "user"], &format!("{group}\n{user}"));
    let changes = site.deploy().expect(0).differences();
    assert!(changes.contains(&"+ create system user".to_owned()), "{changes:?}");
    assert_eq!(site.converge(), [""; 0]);
    assert_eq!(host.sh("id -gn shop"), "shop\n");
    assert!(host.sh("id -u shop").trim().parse::<u32>().unwrap() < 1000);
    assert!(!host.exists("~shop"));
    host.sh("gpasswd --add shop video");
    assert_eq!(site.converge(), [""; 0], "it may be in other groups");
    host.sh("gpasswd --delete shop audio");
    assert_eq!(site.converge(), ["~ groups video → audio, video"]);
}

#[test]
fn a_home_directory_moves_with_its_files() {
    let host = HERE.host();
    let site = HERE.site("moved");
    site.set(["user"], "[components.user]\nuser = 'mover'");
    assert_eq!(site.converge(), ["+ create user"]);
    host.sh("echo mine >~mover/file");
    let before = host.sh("echo ~mover").trim().to_owned();
    let text = "[components.user]\nuser = 'mover'\nhome = '/srv/mover'\nmove_home = true";
    site.set(["user"], text);
    let home = "+ create home directory `/srv/mover`";
    assert_eq!(site.converge(), [format!("~ home {before} → /srv/mover"), home.to_owned()]);
    assert_eq!(host.read("/srv/mover/file"), "mine\n");
    assert!(!host.exists(&before));

    site.set(["user"], &text.replace("/srv/mover", "/srv/new/place/"));
    assert_eq!(site.converge()[0], "~ home /srv/mover → /srv/new/place");
    assert_eq!(host.read("/srv/new/place/file"), "mine\n");
    host.sh("mkdir /srv/mover");
    site.set(["user"], text);
    for _ in 0..2 {
        let failure = site.failure();
        assert!(failure.contains("cannot be moved to `/srv/mover`, which exists"), "{failure}");
    }
    host.sh("rmdir /srv/mover");
    site.converge();
    assert_eq!(host.read("/srv/mover/file"), "mine\n");
}

#[test]
fn a_user_is_removed_with_or_without_its_home() {
    let host = HERE.host();
    let site = HERE.site("removed");
    host.sh("for user in bert cleo dora; do useradd -m -d /srv/$user $user; done; userdel dora");
    site.set(["user"], "[components.user]\nuser = 'bert'\nabsent = true");
    assert_eq!(site.converge(), ["- remove user"]);
    assert!(host.exists("/srv/bert"));
    let with_home = "absent = true\nremove_home = true";
    site.set(["user"], &format!("[components.user]\nuser = 'cleo'\n{with_home}"));
    let gone = "- remove home directory `/srv/cleo` with all that it holds";
    assert_eq!(site.converge(), ["- remove user", gone]);
    assert!(!host.exists("/srv/cleo"));
    let left = format!("[components.user]\nuser = 'dora'\nhome = '/srv/dora'\n{with_home}");
    site.set(["user"], &left);
    assert_eq!(site.converge(), [gone.replace("cleo", "dora")]);

    host.sh("mkdir /srv/shared; touch /srv/shared/file; useradd -d /srv/shared erna");
    let shared = format!("[components.user]\nuser = 'erna'\nhome = '/srv/shared'\n{with_home}");
    site.set(["user"], &shared);
    for before in ["", "userdel erna"] {
        host.sh(before);
        let failure = site.failure();
        assert!(failure.contains("`/srv/shared` belongs to `root`"), "{failure}");
        assert!(host.exists("/srv/shared/file"));
    }

    host.sh("useradd -m busy");
    let running = host.command("runuser").args(["-u", "busy", "--", "sleep", "1000"]).spawn();
    crate::wait_until("the process", || !host.processes_with("sleep 1000").is_empty());
    site.set(["user"], "[components.user]\nuser = 'busy'\nabsent = true");
    let failure = site.failure();
    assert!(failure.contains("currently used by process"), "{failure}");
    assert!(failure.contains("hint: stop what runs as that user"), "{failure}");
    drop(running);
}

#[test]
fn a_hash_is_on_no_command_line_and_in_no_output() {
    let site = HERE.site("hash");
    let hash = "$6$verysalty$verysecrethash";
    HERE.host().sh("useradd hashed");
    HERE.host().sh("mv /usr/sbin/chpasswd /usr/sbin/chpasswd.real");
    let shim = "#!/bin/sh\ntr '\\0' ' ' </proc/$$/cmdline >/run/seen; env >>/run/seen\n\
                exec /usr/sbin/chpasswd.real \"$@\"\n";
    HERE.host().write("/usr/sbin/chpasswd", shim);
    HERE.host().sh("chmod 755 /usr/sbin/chpasswd");
    site.set(["user"], &format!("[components.user]\nuser = 'hashed'\npassword = '{hash}'"));
    let ran = site.deploy().expect(0);
    assert!(!ran.output.stdout.contains("verysecret"), "{}", ran.output.stdout);
    assert!(HERE.host().sh("getent shadow hashed").contains(hash));
    let seen = HERE.host().read("/run/seen");
    assert!(seen.contains("chpasswd --encrypted") && !seen.contains("verysecret"), "{seen}");
}

#[test]
fn what_cannot_be_a_user_is_refused_before_anything_is_done() {
    let site = HERE.site("wrong");
    for (text, words) in [
        ("user = '-rf'", "`-rf` cannot be the name of a user"),
        ("user = 'x'\ngroups = ['a b']", "`a b` cannot be the name of a group"),
        ("user = 'x'\nhome = 'srv'", "`srv` cannot be the home of a user"),
        ("user = 'x'\ncomment = 'a:b'", "it holds `:`"),
        ("user = 'x'\npassword = 'hunter22'", "the password is no hash"),
        ("user = 'x'\nexpires = '2031-02-30'", "`2031-02-30` is no day"),
        ("user = 'x'\nappend = true", "`.append()` means nothing"),
    ] {
        site.set(["user"], &format!("[components.user]\n{text}"));
        let ran = site.deploy().expect(2);
        let said = ran.output.stdout + &ran.output.stderr;
        assert!(said.contains(words) && !said.contains("hunter22"), "{said}");
    }
}
