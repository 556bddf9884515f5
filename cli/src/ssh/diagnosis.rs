//! What a failure of ssh or of the remote start means, and what to do about it.

use std::time::Duration;

use togusa_core::environment::Host;
use togusa_core::problem::{Code, Problem, code};

/// What keeps a host from being deployed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    BadConfig,
    KeyChanged,
    KeyRevoked,
    KeyUnknown,
    NoAlgorithm,
    LoginRefused,
    NoSuchName,
    NoRoute,
    Refused,
    TimedOut,
    SessionRefused,
    Dropped,
    SudoPassword,
    SudoTerminal,
    SudoNotAllowed,
    SudoUnknownUser,
    SudoMissing,
    SudoBroken,
    DiskFull,
    ReadOnly,
    OtherMachine,
    NotExecutable,
    NoLogin,
}

use Kind::{
    BadConfig, DiskFull, Dropped, KeyChanged, KeyRevoked, KeyUnknown, LoginRefused, NoAlgorithm,
    NoLogin, NoRoute, NoSuchName, NotExecutable, OtherMachine, ReadOnly, Refused, SessionRefused,
    SudoBroken, SudoMissing, SudoNotAllowed, SudoPassword, SudoTerminal, SudoUnknownUser, TimedOut,
};

impl Kind {
    fn code(self) -> Code {
        match self {
            BadConfig => code::SSH_CONFIG,
            KeyChanged => code::HOST_KEY_CHANGED,
            KeyRevoked => code::HOST_KEY_REVOKED,
            KeyUnknown => code::HOST_KEY_UNKNOWN,
            NoAlgorithm => code::NO_ALGORITHM,
            LoginRefused => code::LOGIN_REFUSED,
            NoSuchName => code::NAME_UNRESOLVED,
            NoRoute => code::NO_ROUTE,
            Refused => code::CONNECTION_REFUSED,
            TimedOut => code::HOST_SILENT,
            SessionRefused => code::SESSION_REFUSED,
            Dropped => code::CONNECTION_DROPPED,
            SudoPassword => code::SUDO_PASSWORD,
            SudoTerminal => code::SUDO_TERMINAL,
            SudoNotAllowed => code::SUDO_NOT_ALLOWED,
            SudoUnknownUser => code::NO_SERVICE_USER,
            SudoMissing => code::NO_SUDO,
            SudoBroken => code::SUDO_BROKEN,
            DiskFull | ReadOnly => code::STORE_UNWRITABLE,
            OtherMachine => code::OTHER_ARCHITECTURE,
            NotExecutable => code::STORE_NOEXEC,
            NoLogin => code::NO_LOGIN_SHELL,
        }
    }
}

/// Words by which a failure is known, in lower case. The first that is found decides, so what says
/// more stands before what says less.
const SIGNS: &[(&str, Kind)] = &[
    ("bad configuration option", BadConfig),
    ("can't open user config file", BadConfig),
    ("bad owner or permissions on", BadConfig),
    ("bad configuration options", BadConfig),
    ("remote host identification has changed", KeyChanged),
    ("marked as revoked", KeyRevoked),
    ("host key verification failed", KeyUnknown),
    ("unable to negotiate", NoAlgorithm),
    ("permission denied (", LoginRefused),
    ("too many authentication failures", LoginRefused),
    ("sudo: a password is required", SudoPassword),
    ("sudo: a terminal is required", SudoPassword),
    ("you must have a tty to run sudo", SudoTerminal),
    ("is not in the sudoers file", SudoNotAllowed),
    ("is not allowed to execute", SudoNotAllowed),
    ("may not run sudo", SudoNotAllowed),
    ("sudo: unknown user", SudoUnknownUser),
    ("sudo: not found", SudoMissing),
    ("sudo: command not found", SudoMissing),
    ("command not found: sudo", SudoMissing),
    ("sudo: the \"no new privileges\" flag", SudoBroken),
    ("sudo: account validation failure", SudoBroken),
    ("must be owned by uid 0 and have the setuid bit set", SudoBroken),
    ("no space left on device", DiskFull),
    ("disk quota exceeded", DiskFull),
    ("read-only file system", ReadOnly),
    ("exec format error", OtherMachine),
    ("cannot execute binary file", OtherMachine),
    ("cannot execute: required file not found", OtherMachine),
    ("this account is currently not available", NoLogin),
    ("could not resolve hostname", NoSuchName),
    ("name or service not known", NoSuchName),
    ("name resolution", NoSuchName),
    ("no route to host", NoRoute),
    ("network is unreachable", NoRoute),
    ("host is down", NoRoute),
    ("connection refused", Refused),
    ("timed out", TimedOut),
    ("not responding", TimedOut),
    ("session open refused", SessionRefused),
    ("administratively prohibited", SessionRefused),
    ("kex_exchange_identification", Dropped),
    ("connection reset", Dropped),
    ("connection closed", Dropped),
    ("closed by remote host", Dropped),
    ("broken pipe", Dropped),
    ("not allowed at this time", Dropped),
];

/// What ssh prints after the ssh to a jump host has given up.
const NO_PROXY: &str = "UNKNOWN port 65535";

/// Lines that say nothing about a failure.
const CHATTER: [&str; 11] = [
    "debug1:",
    "debug2:",
    "debug3:",
    "OpenSSH_",
    "Authenticated to ",
    "Pseudo-terminal will not",
    "Transferred: ",
    "Bytes per second: ",
    "Killed by signal",
    "Warning: Permanently added",
    "@@@@",
];

/// As many lines of what was printed are shown.
const SHOWN: usize = 6;

/// Says what a failure means, from what ssh, sudo or the remote shell printed: why the host cannot
/// be reached or nothing be started on it, the words themselves, and what to do.
pub fn diagnose(host: &Host, printed: &str) -> Problem {
    let lines = relevant(printed);
    let behind_jump = lines.iter().any(|line| line.contains(NO_PROXY));
    let lines: Vec<_> = lines.into_iter().filter(|line| !line.contains(NO_PROXY)).collect();
    let of_jump: Vec<_> =
        lines.iter().copied().filter(|line| !line.contains("kex_exchange_ident")).collect();
    // What ssh says of its proxy only repeats that it has ended.
    let lines = if behind_jump && !of_jump.is_empty() { of_jump } else { lines };
    let kind = kind(&lines);
    let from_jump = lines.iter().any(|line| line.starts_with("stdio forwarding failed"));
    let (message, hint) = match (kind, behind_jump) {
        (kind, true) if from_jump => beyond_jump(host, kind),
        (Some(kind), true) => {
            let message = format!("cannot connect through the jump host: {}", at_jump(kind));
            (message, format!("see what `{}` says", by_hand(host)))
        }
        (Some(kind), false) => (message(host, kind), hint(host, kind, &lines)),
        (None, _) => {
            let message = "cannot start the agent over ssh".to_owned();
            (message, format!("see what `{}` says", by_hand(host)))
        }
    };
    let code = match kind {
        _ if behind_jump || from_jump => code::JUMP_HOST,
        Some(kind) => kind.code(),
        None => code::NO_AGENT_SPOKE,
    };
    let causes = causes(kind, &lines);
    Problem { causes, ..Problem::new(code, message) }.hint(hint).on(&host.name)
}

/// A login that ended without an agent: why, as far as what was printed tells it.
pub fn not_run(host: &Host, code: i32, printed: &str) -> Problem {
    let lines = relevant(printed);
    if kind(&lines).is_some() {
        return diagnose(host, printed);
    }
    let message = format!("the login ended with exit code {code} and started no agent");
    let problem =
        Problem { causes: causes(None, &lines), ..Problem::new(code::NO_AGENT_SPOKE, message) };
    problem.hint(runs_another(host)).on(&host.name)
}

/// A sudo that did not become the user that the host converges as; `printed` is what it said.
pub fn sudo_failed(host: &Host, printed: &str) -> Problem {
    let lines = relevant(printed);
    let found = kind(&lines).filter(|kind| {
        let of_sudo = [SudoPassword, SudoTerminal, SudoNotAllowed, SudoUnknownUser, SudoMissing];
        of_sudo.contains(kind)
    });
    let kind = found.unwrap_or(SudoBroken);
    let problem =
        Problem { causes: causes(None, &lines), ..Problem::new(kind.code(), message(host, kind)) };
    problem.hint(hint(host, kind, &lines)).on(&host.name)
}

/// A login that neither ends nor says anything of ours; `printed` is what it says instead.
pub fn mute(host: &Host, limit: Duration, printed: &str) -> Problem {
    let message = format!("the login was done but no agent spoke within {} s", limit.as_secs());
    let problem = Problem {
        causes: causes(None, &relevant(printed)),
        ..Problem::new(code::NO_AGENT_SPOKE, message)
    };
    let hint = format!("{}; `timeout` in environment.toml is how long to wait", runs_another(host));
    problem.hint(hint).on(&host.name)
}

fn runs_another(host: &Host) -> String {
    format!(
        "see what `{} true` does: the login shell, `ForceCommand` in sshd_config or `command=` of \
         the key may run something else",
        by_hand(host)
    )
}

/// A connection that was lost while a command ran.
pub fn lost(host: &Host, printed: &str) -> Problem {
    let lines = relevant(printed);
    let problem = Problem::new(code::CONNECTION_LOST, "the connection was lost");
    Problem { causes: causes(None, &lines), ..problem }
        .hint(format!("see whether `{}` works; the next run goes on from there", by_hand(host)))
        .on(&host.name)
}

/// A login that was not done in time, though the host took the connection.
pub fn slow_login(host: &Host, limit: Duration, printed: &str) -> Problem {
    let message = format!("the login was not done after {} s", limit.as_secs());
    let problem = Problem {
        causes: causes(None, &relevant(printed)),
        ..Problem::new(code::HOST_SLOW, message)
    };
    let hint = format!(
        "see where `{}` stops: an agent may wait for a touch or a confirmation, or the host hangs",
        by_hand(host)
    );
    problem.hint(hint).on(&host.name)
}

/// A host that took the login and then did not start the command.
pub fn slow_command(host: &Host, limit: Duration) -> Problem {
    let seconds = limit.as_secs();
    Problem::new(
        code::HOST_SLOW,
        format!("the host took the login, but started no command within {seconds} s"),
    )
    .hint(format!("see whether `{} true` comes back: the host may hang", by_hand(host)))
    .on(&host.name)
}

/// Whether sshd took the connection and then dropped it, as it does when too many come at once.
pub fn is_dropped(printed: &str) -> bool {
    let lines = relevant(printed);
    let lines: Vec<_> = lines.into_iter().filter(|line| !line.contains(NO_PROXY)).collect();
    // A jump host that gave a reason gives it again.
    kind(&lines) == Some(Dropped)
}

fn relevant(printed: &str) -> Vec<&str> {
    let lines = printed.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.filter(|line| !CHATTER.iter().any(|chatter| line.starts_with(chatter))).collect()
}

fn kind(lines: &[&str]) -> Option<Kind> {
    let text = lines.join("\n").to_lowercase();
    let found = SIGNS.iter().find(|(sign, _)| text.contains(sign)).map(|(_, kind)| *kind);
    found.or_else(|| {
        let denied = text.lines().find(|line| line.contains("permission denied"))?;
        Some(if denied.contains("connect to host") { NoRoute } else { NotExecutable })
    })
}

fn causes(kind: Option<Kind>, lines: &[&str]) -> Vec<String> {
    let tells = |line: &&&str| {
        let words = ["SHA256:", "Offending", "has changed and"];
        kind != Some(KeyChanged) || words.iter().any(|word| line.contains(word))
    };
    // What it is the fingerprint of stands in the line before, which is too long to be shown.
    let shown = |line: &&str| match line.strip_prefix("SHA256:") {
        Some(digest) => format!("the host's key is now SHA256:{}", digest.trim_end_matches('.')),
        None => (*line).to_owned(),
    };
    let lines: Vec<_> = lines.iter().filter(tells).map(shown).collect();
    lines[lines.len().saturating_sub(SHOWN)..].to_vec()
}

fn message(host: &Host, kind: Kind) -> String {
    let address = host.address();
    let user = converging_user(host);
    match kind {
        BadConfig => "ssh refuses its configuration".to_owned(),
        KeyChanged => format!("cannot connect: the host key of `{address}` has changed"),
        KeyRevoked => format!("cannot connect: the host key of `{address}` was revoked"),
        KeyUnknown => format!("cannot connect: the host key of `{address}` is not known"),
        NoAlgorithm => format!("cannot connect: ssh and `{address}` have no algorithm in common"),
        LoginRefused => format!("cannot connect: `{address}` refuses the login"),
        NoSuchName => format!("cannot connect: the name `{address}` does not resolve"),
        NoRoute => format!("cannot connect: there is no route to `{address}`"),
        Refused => format!("cannot connect: nothing listens at {} of `{address}`", port(host)),
        TimedOut => format!("cannot connect: `{address}` does not answer"),
        SessionRefused => format!("`{address}` takes the login but no command"),
        Dropped => format!("cannot connect: `{address}` closes the connection"),
        SudoPassword => format!("sudo asks for a password to become `{user}`"),
        SudoTerminal => format!("sudo wants a terminal to become `{user}`"),
        SudoNotAllowed => format!("sudo does not let the login user become `{user}`"),
        SudoUnknownUser => format!("there is no user `{user}` on the host"),
        SudoMissing => "sudo is not installed on the host".to_owned(),
        SudoBroken => format!("sudo cannot become `{user}`"),
        DiskFull => "the disk of the host is full".to_owned(),
        ReadOnly => "the file system of the host is read-only".to_owned(),
        OtherMachine => "the agent was built for another kind of machine".to_owned(),
        NotExecutable => "the host does not let the agent be stored or run".to_owned(),
        NoLogin => "the login user has no shell".to_owned(),
    }
}

/// What is wrong with the jump host, or with the way to it.
fn at_jump(kind: Kind) -> &'static str {
    match kind {
        KeyChanged => "its host key has changed",
        KeyRevoked => "its host key was revoked",
        KeyUnknown => "its host key is not known",
        NoAlgorithm => "ssh and it have no algorithm in common",
        LoginRefused => "it refuses the login",
        NoSuchName => "its name does not resolve",
        NoRoute => "there is no route to it",
        Refused => "nothing listens at its port",
        TimedOut => "it does not answer",
        Dropped => "the connection is closed",
        _ => "ssh to it failed",
    }
}

/// The jump host is there, but the host behind it cannot be reached from there.
fn beyond_jump(host: &Host, kind: Option<Kind>) -> (String, String) {
    if kind == Some(SessionRefused) {
        let message = "the jump host forwards no connections".to_owned();
        return (message, "set `AllowTcpForwarding yes` in its sshd_config".to_owned());
    }
    let what = match kind {
        Some(Refused) => "nothing listens at its port",
        Some(NoSuchName) => "its name does not resolve there",
        Some(NoRoute) => "there is no route from there",
        Some(TimedOut) => "it does not answer",
        _ => "no connection from there",
    };
    let message = format!("the jump host cannot reach `{}`: {what}", host.address());
    (message, "check address and port, as the jump host sees them".to_owned())
}

fn hint(host: &Host, kind: Kind, lines: &[&str]) -> String {
    let by_hand = by_hand(host);
    let sudoers = |rule: String| {
        format!(
            "let the host's sudo do it: `visudo -f /etc/sudoers.d/togusa`, with the line `{rule}`"
        )
    };
    let (login, user) = (host.user.as_deref().unwrap_or("LOGIN"), converging_user(host));
    match kind {
        BadConfig => format!("mend the file that it names; `{by_hand}` must work"),
        KeyChanged => {
            let remove = lines.iter().find(|line| line.starts_with("ssh-keygen"));
            let remove = remove.map_or("ssh-keygen -R ADDRESS", |line| *line);
            format!(
                "if the host was made anew, remove the old key with `{remove}`, then see and accept \
                 the new one with `{by_hand}`"
            )
        }
        KeyRevoked => "ask who revoked it; the host needs a new key".to_owned(),
        KeyUnknown => format!("connect once by hand to see and accept it: `{by_hand}`"),
        NoAlgorithm => "update the older side, or allow one of those offered in ssh_config".to_owned(),
        LoginRefused => format!(
            "install your key with `{}`; `ssh-add` unlocks one that has a passphrase",
            by_hand.replacen("ssh ", "ssh-copy-id ", 1).replacen(" -l ", " -o User=", 1)
        ),
        NoSuchName => {
            "set `address` of the host in environment.toml, or `HostName` in ssh_config".to_owned()
        }
        NoRoute => format!("check the network and the VPN; `ip route get {}` may tell", host.address()),
        Refused => "check that sshd runs and that the port is right: `port` in environment.toml, or \
                    `Port` in ssh_config"
            .to_owned(),
        TimedOut => "check that the host is up and that no firewall drops the packets; `timeout` in \
                     environment.toml is how long to wait"
            .to_owned(),
        SessionRefused => "see `MaxSessions` and `ForceCommand` in its sshd_config".to_owned(),
        Dropped => "its sshd may be full (`MaxStartups` in sshd_config) or refuse this address; its \
                    log tells"
            .to_owned(),
        SudoPassword | SudoNotAllowed => sudoers(format!("{login} ALL=({user}) NOPASSWD: ALL")),
        SudoTerminal => sudoers(format!("Defaults:{login} !requiretty")),
        SudoUnknownUser => {
            format!("make it there, or set another `service_user`: `useradd --system -m {user}`")
        }
        SudoMissing => {
            "install it there, or set neither `sudo` nor `service_user` and log in as that user"
                .to_owned()
        }
        SudoBroken => format!("see what `{by_hand} sudo -n -u {user} true` says"),
        DiskFull => format!(
            "make room, or set `store` in environment.toml to a directory elsewhere: `{by_hand} df -h`"
        ),
        ReadOnly | NotExecutable => {
            "set `store` in environment.toml to a directory where the user may write and run programs"
                .to_owned()
        }
        OtherMachine => {
            format!("set `target` in environment.toml to what `{by_hand} uname -m` says")
        }
        NoLogin => format!("give it one: `usermod --shell /bin/sh {login}`"),
    }
}

fn converging_user(host: &Host) -> &str {
    if host.sudo { "root" } else { host.service_user.as_deref().unwrap_or("root") }
}

fn port(host: &Host) -> String {
    host.port.map_or_else(|| "the SSH port".to_owned(), |port| format!("port {port}"))
}

/// The command that connects to the host by hand, from the project's directory.
fn by_hand(host: &Host) -> String {
    let mut words = vec!["ssh".to_owned()];
    if let Some(file) = &host.ssh_config {
        words.extend(["-F".to_owned(), file.clone()]);
    }
    if let Some(port) = host.port {
        words.extend(["-p".to_owned(), port.to_string()]);
    }
    if let Some(user) = &host.user {
        words.extend(["-l".to_owned(), user.clone()]);
    }
    words.push(host.address().to_owned());
    words.join(" ")
}

#[cfg(test)]
mod tests;
