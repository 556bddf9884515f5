use togusa_tests::lab::{HostSpec, Lab, Shell, User};

use crate::project::{Project, has_site, is_untouched};
use crate::wait_until;

const SHELLS: [(&str, Shell, &str); 4] = [
    ("dash", Shell::Dash, ".ssh/rc"),
    ("bash", Shell::Bash, ".bashrc"),
    ("zsh", Shell::Zsh, ".zshenv"),
    ("busybox", Shell::Busybox, ".ssh/rc"),
];

#[test]
fn whatever_the_login_shell_is_and_prints_the_host_converges() {
    let quiet =
        SHELLS.map(|(name, shell, _)| HostSpec::new(name).user(User::new("deploy").shell(shell)));
    let loud = SHELLS.map(|(name, shell, _)| {
        HostSpec::new(format!("loud-{name}")).user(User::new("deploy").shell(shell))
    });
    let by_sh = [Shell::Zsh, Shell::Busybox]
        .map(|sh| HostSpec::new(format!("sh-{sh:?}").to_lowercase()).sh(sh));
    let lab = Lab::start([&quiet[..], &loud, &by_sh].concat());
    // What such a shell reads for a command, or sshd in its place: a line with its end, and one
    // without.
    for (name, _, start) in SHELLS {
        let printing = "echo Welcome to a host\nprintf 'last login: yes'\n";
        lab[&*format!("loud-{name}")].write(&format!("~deploy/{start}"), printing);
    }
    for host in lab.hosts() {
        let greeting = lab.command("ssh").args([host.name(), "true"]).output().succeeded();
        assert_eq!(greeting.ends_with("a host\nlast login: yes"), host.name().contains("loud"));
    }

    let project = Project::on_all(&lab, "");
    for _ in 0..2 {
        project.deploy().succeeded();
    }

    for host in lab.hosts() {
        assert!(has_site(host, &format!("~{}", host.user())), "{}", host.name());
    }
}

#[test]
fn a_login_without_a_shell_is_told_with_what_it_printed() {
    let user = || User::new("deploy");
    let lab = Lab::start([
        HostSpec::new("nologin").user(user().shell(Shell::None)),
        HostSpec::new("forced").user(user()).sshd("ForceCommand echo No entrance; exit 3"),
        HostSpec::new("mute").user(user()).sshd("ForceCommand true"),
        HostSpec::new("sftp").user(user()).sshd("ForceCommand internal-sftp"),
        HostSpec::new("hanging").user(user()).sshd("ForceCommand sleep 1000"),
        HostSpec::new("endless").user(user()).sshd("ForceCommand yes"),
        HostSpec::new("gone").user(user()),
        HostSpec::new("fine").user(user()),
    ]);
    lab["gone"].sh("usermod --shell /bin/gone deploy");
    let project = Project::on_all(&lab, "timeout = \"3s\"");

    let deployed = project.deploy().failed();

    let said = |host, words: &[&str]| deployed.assert_said(host, words);
    said("nologin", &["no shell", "currently not available", "usermod"]);
    said("forced", &["exit code 3", "No entrance", "ForceCommand"]);
    said("mute", &["exit code 0", "`ssh mute true`", "ForceCommand"]);
    said("sftp", &["exit code 1", "sftp connections only", "ForceCommand"]);
    said("hanging", &["no agent spoke within 3 s", "ForceCommand", "`timeout`"]);
    said("endless", &["prints more than 64 KiB"]);
    said("gone", &["refuses the login"]);
    wait_until("the end of every ssh", || lab.processes().is_empty());
    assert!(has_site(&lab["fine"], "~deploy"));
    assert!(lab.hosts().iter().all(|host| is_untouched(host, "~deploy") || host.name() == "fine"));
}
