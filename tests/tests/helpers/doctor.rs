use togusa_tests::lab::{HostSpec, Lab, Shell, User};

use crate::project::{Project, expect, hosts};

/// What is the same in each run: letters stand for times, sizes and names that are drawn, and
/// columns are two blanks apart.
fn settled(shown: &str) -> String {
    let word = |word: &str| {
        let number = word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.');
        match word {
            _ if number => "N".to_owned(),
            "GB" | "MB" => "B".to_owned(),
            _ => word.to_owned(),
        }
    };
    let line = |line: &str| {
        let cells = line.split("  ").filter(|cell| !cell.is_empty());
        let cells =
            cells.map(|cell| cell.trim().split(' ').map(word).collect::<Vec<_>>().join(" "));
        cells.collect::<Vec<_>>().join("  ") + "\n"
    };
    shown.lines().map(line).collect()
}

/// A build that ends when it is told to.
const BUILD: &str = "echo waiting\nuntil [ -e /tmp/go ]; do sleep 0.02; done\n\
                     mkdir -p public\n: >public/checksums\n";

/// A host for each fault, and some without.
fn lab() -> Lab {
    let user = || User::new("deploy");
    let lab = Lab::start([
        HostSpec::new("fine").user(user().may_become("app")).user(User::service("app")),
        HostSpec::new("noisy").user(user().shell(Shell::Zsh).banner("Welcome")),
        HostSpec::new("full").user(user()).small("~deploy", 24),
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
    lab["late"].write("/usr/local/bin/date", "#!/bin/sh\nexec /bin/date -d '1 hour ago' \"$@\"\n");
    lab["late"].sh("chmod 755 /usr/local/bin/date");
    lab["nogzip"].sh("rm \"$(command -v gzip)\"");
    lab
}

#[test]
fn what_stands_in_the_way_of_a_deployment_is_told_with_what_to_do() {
    let lab = lab();
    let entries = lab.hosts().iter().map(|host| {
        let converges_as = match host.name() {
            "fine" | "nosudo" => "service_user = \"app\"\n",
            _ => "",
        };
        hosts(host.name()) + converges_as
    });
    let entries = entries.collect::<String>() + &hosts("here") + "connect = \"local\"\n";
    let project = Project::new(&lab, "", &entries);
    project.write("site/src/build.sh", BUILD);
    let running = project.command("deploy lab --host busy --json").spawn();
    running.wait_until_printed("\"waiting\"");

    let shown = project.expect(1, "doctor lab");

    let (here, hosts) = shown.stdout.split_once("\n\n").unwrap();
    assert!(here.contains("\n  program      up to date, builds for `"), "{here}");
    assert!(here.contains("\n  secrets      none"), "{here}");
    let (table, findings) = hosts.split_once("\n\n").unwrap();
    let facts = togusa_core::host::Facts::read();
    let system = format!("{} {}", facts.release, facts.architecture);
    insta::assert_snapshot!(settled(&table.replace(&system, "SYSTEM")), @r"
    host  ssh  user  system  agent  store  target  clock  lock
    busy  N s (kept)  deploy  SYSTEM  kept  N B  N B  right  held
    fine  N s  deploy → app  SYSTEM  to push  N B  N B  right  free
    forced  the login ended with exit code 3 and started no agent
    full  N s  deploy  SYSTEM  to push  full  full  right  free
    here  local  root  SYSTEM  -  -  N B  right  free
    keyless  cannot connect: `keyless` refuses the login
    late  N s  deploy  SYSTEM  to push  N B  N B  -1 h 0 min  free
    noexec  N s  deploy  SYSTEM  to push  noexec  N B  right  free
    nogzip  N s  deploy  SYSTEM  no gzip  N B  N B  right  free
    noisy  N s  deploy  SYSTEM  to push  N B  N B  right  free
    nosudo  N s  deploy, not app  SYSTEM  to push  ?  ?  right  ?
    refused  cannot connect: nothing listens at the SSH port of `refused`
    unknown  cannot connect: the host key of `unknown` is not known
    ");
    let findings = findings.replace(lab["full"].sh("echo ~deploy").trim(), "HOME");
    let (before, lock) = findings.split_once("warning: another deployment holds").unwrap();
    let (holder, after) = lock.split_once('\n').unwrap();
    assert!(holder.ends_with("now updating site: Site > Command(\"build\") (on busy)"), "{holder}");
    insta::assert_snapshot!(before.to_owned() + after, @r#"
    error: `gzip` is missing, which unpacks the agent (on nogzip)
      hint: install `gzip` there
    error: cannot connect: `keyless` refuses the login (on keyless)
      1: deploy@keyless: Permission denied (publickey).
      hint: install your key with `ssh-copy-id keyless`; `ssh-add` unlocks one that has a passphrase
    error: cannot connect: nothing listens at the SSH port of `refused` (on refused)
      1: ssh: connect to host refused port 22: Connection refused
      hint: check that sshd runs and that the port is right: `port` in environment.toml, or `Port` in ssh_config
    error: cannot connect: the host key of `unknown` is not known (on unknown)
      1: Host key verification failed.
      hint: connect once by hand to see and accept it: `ssh unknown`
    error: cannot keep the agent in the store (on full)
      1: cat: write error: No space left on device
      hint: make room there (`df` and `df -i` show it), or set `store = "/path"` in environment.toml
    error: cannot write to the target directory `~/deployment/hello/lab` (on full)
      1: cat: write error: No space left on device
      hint: make room there: `df HOME` and `df -i`
    error: sudo asks for a password to become `app` (on nosudo)
      1: sudo: a password is required
      hint: let the host's sudo do it: `visudo -f /etc/sudoers.d/togusa`, with the line `deploy ALL=(app) NOPASSWD: ALL`
    error: the login ended with exit code 3 and started no agent (on forced)
      1: No entrance
      hint: see what `ssh forced true` does: the login shell, `ForceCommand` in sshd_config or `command=` of the key may run something else
    error: the store may not run programs (on noexec)
      1: sh: 72: HOME/.togusa: Permission denied
      hint: set `store = "/path"` in environment.toml to a file system that is not mounted with `noexec`
      hint: wait until it is done, or use `--wait`
    warning: the clock is 1 h 0 min behind the one here (on late)
      hint: let both follow a time server: `timedatectl set-ntp true`; certificates, tokens and the times of files are judged by it

    8 of 13 hosts of `lab` cannot be deployed to
    "#);
    assert_eq!(shown.stderr, "");
    for host in lab.hosts().iter().filter(|host| host.name() != "busy") {
        let left = host.sh("find ~deploy /tmp -newer /run/sshd.pid -name '.togusa*'");
        assert_eq!(left, "", "{}", host.name());
        assert!(!host.exists("~deploy/.cache") && !host.exists("~deploy/deployment"));
    }

    let quiet = project.expect(0, "doctor lab --host fine,noisy,here -q");
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    let told = project.expect(1, "doctor lab --host fine,busy,refused --json").stdout;
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&told["sound"], &told["hosts"][1]["host"]), (&false.into(), &"fine".into()));
    assert_eq!(told["hosts"][1]["answers"]["user"], "app");
    assert_eq!(told["hosts"][0]["findings"][0]["severity"], "warning");
    assert_eq!(told["hosts"][2]["findings"][0]["severity"], "error");
    assert!(told["hosts"][2].get("answers").is_none());

    // The facts may stand behind the environment that they are of.
    let data = project.expect(1, "doctor lab --data --host fine,noisy,refused");
    assert!(data.stderr.starts_with("error: cannot connect: nothing listens"), "{}", data.stderr);
    let names: Vec<_> = data.stdout.lines().filter(|line| line.starts_with('[')).collect();
    assert_eq!(names, ["[hosts.fine.data]", "[hosts.noisy.data]"]);
    assert!(data.stdout.contains("hostname = \"noisy\""), "{}", data.stdout);
    let address = format!("addresses = [\"{}\"]", lab["fine"].address());
    assert!(data.stdout.contains(&address), "{}", data.stdout);
    let site = "[components.site]\ntitle = \"Looked at\"\n";
    project.write("environments/lab/environment.toml", &(entries + site + &data.stdout));
    project.expect(0, "check lab");

    lab["busy"].write("/tmp/go", "");
    expect(0, running.wait());
}
