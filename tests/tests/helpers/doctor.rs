use togusa_tests::lab::{HostSpec, Lab, Shell, User};

use crate::project::{Project, hosts};

/// What differs from run to run, in the place of which a letter stands; columns are one blank apart.
fn settled(shown: &str) -> String {
    let word = |word: &str| {
        let is_number = word.starts_with(|c: char| c.is_ascii_digit());
        if is_number && word.contains('.') { "N".to_owned() } else { word.to_owned() }
    };
    let line = |line: &str| {
        let words = line.split_whitespace().map(word).collect::<Vec<_>>().join(" ");
        let indent = &line[..line.len() - line.trim_start().len()];
        format!("{indent}{words}\n")
    };
    shown.lines().map(line).collect()
}

#[test]
fn what_stands_in_the_way_of_a_deployment_is_told_with_what_to_do() {
    let user = || User::new("deploy");
    let lab = Lab::start([
        HostSpec::new("fine").user(user().may_become("app")).user(User::service("app")),
        HostSpec::new("noisy").user(user().shell(Shell::Zsh).banner("Welcome")),
        HostSpec::new("full").user(user()).small("~deploy", 24),
        HostSpec::new("tight").user(user()).small("~deploy", 8),
        HostSpec::new("noexec").user(user()).no_exec("~deploy"),
        HostSpec::new("nosudo").user(user()).user(User::service("app")),
        HostSpec::new("keyless").user(user()),
        HostSpec::new("refused").user(user()),
        HostSpec::new("unknown").user(user()),
        HostSpec::new("late").user(user()),
        HostSpec::new("nogzip").user(user()),
        HostSpec::new("forced").user(user()).sshd("ForceCommand echo No entrance; exit 3"),
        HostSpec::new("busy").user(user()),
    ]);
    lab["full"].fill("~deploy");
    lab["keyless"].revoke_key("deploy");
    lab["refused"].refuse();
    lab["unknown"].forget_host_key();
    let late = "#!/bin/sh\nexec /bin/date -d '1 hour ago' \"$@\"\n";
    lab["late"].write("/usr/local/bin/date", late);
    lab["late"].sh("chmod 755 /usr/local/bin/date");
    lab["nogzip"].sh("rm \"$(command -v gzip)\"");
    let names = [
        "fine", "noisy", "full", "tight", "noexec", "nosudo", "keyless", "refused", "unknown",
        "late", "nogzip", "forced", "busy",
    ];
    let entry = |name: &str| {
        let user = if ["fine", "nosudo"].contains(&name) { "service_user = \"app\"\n" } else { "" };
        hosts(name) + user
    };
    let all: String = names.map(entry).concat();
    let local = "[hosts.here]\nconnect = \"local\"\ncomponents = [\"pages\", \"site\"]\n";
    let project = Project::new(&lab, "user = \"deploy\"", &(all + local));
    project.write("site/src/build.sh", "echo waiting\nuntil [ -e /tmp/go ]; do sleep 0.02; done\n");
    let running = project.command("deploy lab --host busy --json").spawn();
    running.wait_until_printed("\"waiting\"");

    let shown = project.command("doctor lab -v").output();
    println!("{}\n{}", shown.stdout, shown.stderr);
    let shown = project.command("doctor lab").output();
    println!("{}\n{}", shown.stdout, shown.stderr);
    let shown = project.command("doctor lab --data").output();
    println!("{}\n{}", shown.stdout, shown.stderr);
    let shown = project.command("doctor lab --json").output();
    println!("{}\n{}", shown.stdout, shown.stderr);
    lab["busy"].write("/tmp/go", "");
    drop(settled(""));
}
