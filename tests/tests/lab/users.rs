use togusa_tests::lab::{HostSpec, Lab, Shell, User};

use crate::ssh;

#[test]
fn users_have_the_shell_home_and_banner_that_they_were_given() {
    let shells = [
        (Shell::Dash, "dash"),
        (Shell::Bash, "bash"),
        (Shell::Zsh, "zsh"),
        (Shell::Busybox, "busybox"),
    ];
    let hosts = shells.map(|(shell, name)| {
        HostSpec::new(name).user(User::new("anna").shell(shell).banner("Be welcome!"))
    });
    let lab = Lab::start(hosts);
    for (_, name) in shells {
        let out = ssh(&lab, name, "readlink -f /proc/$$/exe; cd; pwd; id -un").succeeded();
        let lines: Vec<_> = out.lines().collect();
        let [banner, shell, home, user] = lines[..] else { panic!("{name}: {out}") };
        assert_eq!(banner, "Be welcome!");
        assert!(shell.ends_with(name), "{name}: {shell}");
        assert!(home.ends_with("/anna") && user == "anna", "{out}");
        // Without ssh nothing is said.
        assert_eq!(lab[name].sh("su anna -s /bin/sh -c true"), "");
    }
}

#[test]
fn sh_itself_can_be_another_shell() {
    let hosts = [Shell::Bash, Shell::Zsh, Shell::Busybox]
        .map(|shell| HostSpec::new(format!("{shell:?}").to_lowercase()).sh(shell));
    let lab = Lab::start(hosts);
    for host in lab.hosts() {
        let shell = ssh(&lab, host.name(), "sh -c 'readlink -f /proc/$$/exe; true'").succeeded();
        assert!(shell.trim().ends_with(host.name()), "{}: {shell}", host.name());
        host.restart();
    }
}

#[test]
fn sudo_does_what_its_rules_say() {
    let lab = Lab::start([
        HostSpec::new("free")
            .user(User::new("anna").may_become("app").may_become("root"))
            .user(User::service("app"))
            .user(User::service("other")),
        HostSpec::new("asks").user(User::new("anna").may_become_with_password("root")),
        HostSpec::new("terminal").user(User::new("anna").may_become("ALL").sudo_wants_terminal()),
    ]);
    let sudo = |host: &str, user: &str| ssh(&lab, host, &format!("sudo -n -H -u {user} id -un"));
    assert_eq!(sudo("free", "app").succeeded(), "app\n");
    assert_eq!(sudo("free", "root").succeeded(), "root\n");
    assert!(sudo("free", "other").failed().contains("a password is required"));
    assert!(sudo("asks", "root").failed().contains("a password is required"));
    let failed = sudo("terminal", "root").failed();
    assert!(failed.contains("you must have a tty"), "{failed}");
    let failed = ssh(&lab, "app@free", "true").failed();
    assert!(failed.contains("Permission denied"), "{failed}");
}

#[test]
fn small_file_systems_fill_up_and_others_refuse() {
    let lab = Lab::start([HostSpec::new("web")
        .user(User::new("small"))
        .user(User::new("noexec"))
        .user(User::new("readonly"))
        .small("~small", 2)
        .small("~root", 1)
        .no_exec("~noexec")
        .read_only("~readonly")]);
    let host = &lab["web"];
    let copy = "cp /bin/true ~/program && ~/program";
    ssh(&lab, "small@web", copy).succeeded();
    host.fill("~small");
    let full = ssh(&lab, "small@web", "echo a >~/file").failed();
    assert!(full.contains("No space left on device"), "{full}");
    host.free("~small");
    ssh(&lab, "small@web", "echo a >~/file; ls ~/.bashrc").succeeded();
    assert_eq!(host.sh("stat -c %U ~small/file ~small/.bashrc ~small"), "small\nsmall\nsmall\n");

    host.fill("~root");
    let full = ssh(&lab, "root@web", "echo a >~/file").failed();
    assert!(full.contains("No space left on device"), "{full}");

    let refused = ssh(&lab, "noexec@web", copy).failed();
    assert!(refused.contains("Permission denied"), "{refused}");
    let refused = ssh(&lab, "readonly@web", copy).failed();
    assert!(refused.contains("Read-only file system"), "{refused}");
}

#[test]
#[should_panic(expected = "has no small file system")]
fn the_machine_itself_is_never_filled() {
    Lab::start(1)["host1"].fill("/var/tmp");
}
