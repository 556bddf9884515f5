//! Units and services of a real systemd, which is the first process of a container on a host.

use togusa_tests::lab::Running;

use crate::site::Site;
use crate::{Subject, wait_until};

/// What systemd finds when it starts: none of the machine's units, so that none of them changes the
/// kernel.
const PREPARE: &str = "
mkdir -p /sys/fs/cgroup /opt/units
mount -t tmpfs tmpfs /sys
mkdir -p /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
mkdir /sys/fs/cgroup/NAME
echo $$ >/sys/fs/cgroup/NAME/cgroup.procs
rm -rf /etc/systemd/system/*
for target in basic sysinit shutdown timers multi-user sockets paths; do
    printf '[Unit]\\nDefaultDependencies=no\\n' >/etc/systemd/system/$target.target
done
ln -s multi-user.target /etc/systemd/system/default.target
mkdir -p /run/user/0
";

const BOOT: &str = "
umount /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
exec env -i container=lab PATH=\"$PATH\" SYSTEMD_UNIT_PATH=/etc/systemd/system:/run/systemd/system \
    SYSTEMD_GENERATOR_PATH=/none SYSTEMD_LOG_TARGET=null \
    /usr/lib/systemd/systemd --system --show-status=no --default-standard-output=null
";

/// A host whose systemd runs.
struct Systemd {
    here: Subject,
    running: Running,
    cgroup: String,
    pid: String,
}

impl Systemd {
    fn start() -> Self {
        let here = Subject::start();
        let host = here.host();
        let cgroup = format!("togusa-{}", host.command("true").spawn().pid());
        let script = format!("set -e\n{}", PREPARE.replace("NAME", &cgroup));
        host.write("/opt/boot", format!("set -e\n{BOOT}"));
        let start = format!(
            "{script}exec unshare --cgroup --mount --pid --fork --kill-child --mount-proc \
             sh /opt/boot"
        );
        let running = host.command("sh").args(["-c", &start]).spawn();
        let find = || host.sh("pgrep -f '^/usr/lib/systemd/systemd --system' || :");
        wait_until("systemd", || {
            assert!(running.is_running(), "{}{}", running.stdout(), running.stderr());
            !find().is_empty() && host.exists("/run/systemd/private")
        });
        let pid = find().trim().to_owned();
        Self { here, running, cgroup, pid }
    }

    fn entry(&self) -> String {
        format!("nsenter --target {} --mount --pid --cgroup --", self.pid)
    }

    fn site(&self, name: &str) -> Site<'_> {
        let words = format!("{} env --chdir=/srv/root/{name}", self.entry());
        self.here.site(name).entering(&words)
    }

    fn sh(&self, script: &str) -> String {
        let entry = self.entry();
        let words: Vec<_> = entry.split_whitespace().collect();
        let mut command = self.here.host().command(words[0]);
        command.args(&words[1..]).args(["sh", "-ec", script]).output().succeeded()
    }

    fn property(&self, unit: &str, name: &str) -> String {
        self.sh(&format!("systemctl show --value --property={name} {unit}")).trim().to_owned()
    }
}

impl Drop for Systemd {
    fn drop(&mut self) {
        self.running.kill();
        // What systemd made of the machine's tree of control groups goes with it.
        let tree = format!("/sys/fs/cgroup/{}", self.cgroup);
        let script = format!(
            "for i in $(seq 50); do find {tree} -depth -type d -exec rmdir {{}} + 2>/dev/null || :; \
             test -e {tree} || exit 0; sleep 0.1; done; exit 1"
        );
        let cleared = self.here.host().command("sh").args(["-c", &script]).output();
        assert!(cleared.status.success() || std::thread::panicking(), "{tree} stays");
    }
}

fn unit(name: &str, text: &str, more: &str) -> String {
    format!("[components.unit]\nunit = '{name}'\ntext = '''{text}'''\n{more}")
}

const DEMO: &str = "[Service]\nExecStart=/bin/sleep 999\n\n[Install]\nWantedBy=multi-user.target\n";

#[test]
fn a_unit_is_loaded_its_service_runs_and_each_drift_is_mended() {
    let systemd = Systemd::start();
    let site = systemd.site("unit");
    site.set(["unit"], &unit("demo", DEMO, ""));
    let planned = site.plan().expect(0).differences();
    assert!(planned.contains(&"+ create file (mode 0644)".to_owned()), "{planned:?}");
    assert!(planned.contains(&"? unknown until applied".to_owned()), "{planned:?}");
    let done = site.converge();
    assert!(done.contains(&"~ start at boot disabled → enabled".to_owned()), "{done:?}");
    assert!(done.contains(&"~ state inactive (dead) → running".to_owned()), "{done:?}");
    let invocation = || systemd.property("demo", "InvocationID");
    let first = invocation();

    systemd.sh("systemctl stop demo");
    assert_eq!(site.converge(), ["~ state inactive (dead) → running"]);
    systemd.sh("systemctl disable demo");
    let running = invocation();
    assert_eq!(site.converge(), ["~ start at boot disabled → enabled"]);
    assert_eq!(invocation(), running, "what is only to be enabled is not restarted");
    assert_ne!(running, first);
    systemd.sh("systemctl kill --signal=KILL demo");
    wait_until("the end", || systemd.property("demo", "ActiveState") == "failed");
    assert_eq!(site.converge(), ["~ state failed (failed) → running"]);
    systemd.sh("systemctl disable --now demo; rm /etc/systemd/system/demo.service; \
                systemctl mask demo");
    let done = site.deploy().expect(0).differences();
    assert!(done.contains(&"- remove symlink".to_owned()), "{done:?}");

    let before = invocation();
    systemd.sh("echo '# by hand' >>/etc/systemd/system/demo.service");
    let done = site.converge();
    assert_eq!(done[0], "~ content (+0 -1 lines)");
    assert_ne!(invocation(), before);
    systemd.sh("touch /etc/systemd/system/demo.service");
    let done = site.converge();
    assert_eq!(done[0], "~ changed on disk since systemd loaded it");

    let more = "drop_in = \"[Service]\\nEnvironment=A=b\\n\"";
    site.set(["unit"], &unit("demo", DEMO, more));
    site.converge();
    assert_eq!(systemd.property("demo", "Environment"), "A=b");

    site.set(["unit"], &unit("demo", DEMO, "absent = true"));
    let done = site.converge();
    assert!(done.contains(&"~ state active (running) → stopped".to_owned()), "{done:?}");
    assert!(done.contains(&"~ start at boot enabled → disabled".to_owned()), "{done:?}");
}

#[test]
fn a_service_reloads_on_a_trigger_and_what_fails_is_told() {
    let systemd = Systemd::start();
    let site = systemd.site("reload");
    let text = |extra: &str| DEMO.replace("[Service]\n", &format!("[Service]\n{extra}\n"));
    let reloads = "ExecReload=/bin/kill -CONT $MAINPID";
    site.set(["unit"], &unit("demo", &text(reloads), "reload = true"));
    site.converge();
    let before = systemd.property("demo", "InvocationID");
    site.set(["unit"], &unit("demo", &text(&format!("Nice=1\n{reloads}")), "reload = true"));
    site.converge();
    assert_eq!(systemd.property("demo", "InvocationID"), before);
    site.set(["unit"], &unit("demo", &text("Nice=2"), "reload = true"));
    let failure = site.failure();
    assert!(failure.contains("cannot reload `demo.service`"), "{failure}");
    assert!(failure.contains("Job type reload is not applicable"), "{failure}");

    let once = "[Service]\nExecStart=/bin/sh -c 'sleep 0.1; exit 3'\n\
                [Install]\nWantedBy=multi-user.target\n";
    let site = systemd.site("fails");
    site.set(["unit"], &unit("fails", once, ""));
    let failure = site.failure();
    assert!(failure.contains("`fails.service` is failed (failed) within 0.5 s"), "{failure}");
    assert!(failure.contains("the journal of `fails.service`"), "{failure}");

    // One that is just starting, since before what the trigger tells of.
    let slow = |nice: u8| {
        let text = text(&format!("Nice={nice}\nExecStartPre=/bin/sleep 2"));
        unit("slow", &text.replace("999", "997"), "")
    };
    let site = systemd.site("slow");
    site.set(["unit"], &slow(1));
    site.converge();
    systemd.sh("systemctl restart --no-block slow");
    wait_until("the start", || systemd.property("slow", "ActiveState") == "activating");
    let before = systemd.property("slow", "InvocationID");
    site.set(["unit"], &slow(2));
    site.converge();
    assert_ne!(systemd.property("slow", "InvocationID"), before);

    let site = systemd.site("refused");
    site.set(["unit"], &unit("refused", "[Service]\nExecStrt=/bin/true\n", ""));
    let failure = site.failure();
    assert!(failure.contains("Unknown key 'ExecStrt'"), "{failure}");
    assert!(failure.contains("the unit is not changed"), "{failure}");
    assert!(failure.contains("hint: correct the unit"), "{failure}");
    assert!(!systemd.here.host().exists("/etc/systemd/system/refused.service"));
    let fixed = "[Service]\nExecStart=/bin/sleep 998\n";
    site.set(["unit"], &unit("refused", fixed, ""));
    let failure = site.failure();
    assert!(failure.contains("`refused.service` cannot be enabled: it is static"), "{failure}");
    assert!(failure.contains("hint: give its file an `[Install]` section"), "{failure}");
    site.set(["unit"], &unit("refused", &format!("{fixed}[Install]\nAlias=x.service\n"), ""));
    site.deploy().expect(0);

    let site = systemd.site("service");
    let set = |name: &str, more: &str| {
        site.set(["service"], &format!("[components.service]\nservice = '{name}'\n{more}"));
    };
    set("nope", "");
    let failure = site.failure();
    assert!(failure.contains("there is no unit `nope.service`"), "{failure}");
    set("nope", "boot = 'disabled'\nstate = 'stopped'");
    assert!(site.converge().is_empty());
    set("demo", "boot = 'masked'\nstate = 'stopped'");
    assert!(site.failure().contains("hint: a unit whose file lies in `/etc/systemd/system`"));
    systemd.sh("mkdir -p /run/systemd/system; cp /etc/systemd/system/demo.service \
                /run/systemd/system/packaged.service; systemctl daemon-reload");
    set("packaged", "");
    site.converge();
    set("packaged", "boot = 'masked'\nstate = 'stopped'");
    let done = site.converge();
    assert_eq!(done, ["~ start at boot enabled → masked", "~ state active (running) → stopped"]);
    set("packaged", "");
    site.converge();
}

#[test]
fn a_timer_is_set_changed_and_removed_and_its_command_runs() {
    let systemd = Systemd::start();
    let site = systemd.site("timer");
    let set = |times: &str, more: &str| {
        let command = "['/bin/sh', '-c', 'echo \"$PASSWORD 100%\" >/opt/ran']";
        let text = format!("command = {}\non_calendar = '{times}'\n", command.replace('\'', "'''"));
        let text = format!("[components.timer]\n{text}password = 'a \"b\" $c'\n{more}");
        site.set(["timer"], &text);
    };
    set("daily", "");
    let done = site.converge();
    assert!(done.contains(&"~ start at boot disabled → enabled".to_owned()), "{done:?}");
    let status = systemd.sh("systemctl show tick.timer --property=TimersCalendar,ActiveState");
    assert!(status.contains("OnCalendar=*-*-* 00:00:00") && status.contains("=active"), "{status}");
    systemd.sh("systemctl start tick.service");
    assert_eq!(systemd.here.host().read("/opt/ran"), "a \"b\" $c 100%\n");
    set("hourly", "");
    site.converge();
    let status = systemd.sh("systemctl show tick.timer --property=TimersCalendar");
    assert!(status.contains("OnCalendar=*-*-* *:00:00"), "{status}");
    set("every blue moon", "");
    assert!(site.failure().contains("Failed to parse calendar specification"));
    let files = systemd.sh("systemctl show tick.service --value --property=EnvironmentFiles");
    let variables = files.split(' ').next().unwrap();
    assert!(systemd.here.host().exists(variables), "{files}");
    set("daily", "absent = true");
    let done = site.converge();
    assert!(!systemd.here.host().exists(variables), "secrets stay behind in {variables}");
    assert!(done.contains(&"~ state active (waiting) → stopped".to_owned()), "{done:?}");
    assert_eq!(systemd.property("tick.timer", "LoadState"), "not-found");
}

#[test]
fn a_service_of_a_user_runs_below_the_systemd_of_that_user() {
    let systemd = Systemd::start();
    let site = systemd.site("user");
    site.set(["unit"], &unit("mine", &DEMO.replace("multi-user", "default"), "of_user = true"));
    let failure = site.failure();
    assert!(failure.contains("enable-linger root"), "{failure}");
    systemd.sh("mkdir -p /var/lib/systemd/linger; touch /var/lib/systemd/linger/root");
    let failure = site.failure();
    assert!(failure.contains("the user's own systemd does not run"), "{failure}");
    systemd.sh("mkdir /sys/fs/cgroup/user; echo $$ >/sys/fs/cgroup/user/cgroup.procs; \
                chmod 700 /run/user/0; XDG_RUNTIME_DIR=/run/user/0 SYSTEMD_LOG_TARGET=null \
                setsid -f /usr/lib/systemd/systemd --user </dev/null >/dev/null 2>&1");
    wait_until("the user's systemd", || systemd.here.host().exists("/run/user/0/systemd/private"));
    site.deploy().expect(0);
    let state = "XDG_RUNTIME_DIR=/run/user/0 systemctl --user show --value --property=ActiveState";
    assert_eq!(systemd.sh(&format!("{state} mine")), "active\n");
    systemd.sh("XDG_RUNTIME_DIR=/run/user/0 systemctl --user stop mine");
    assert_eq!(site.converge(), ["~ state inactive (dead) → running"]);
}

#[test]
fn without_systemd_or_without_root_it_says_so() {
    let here = Subject::start();
    let host = here.host();
    let site = here.site("none");
    let text = "[components.service]\nservice = 'demo'\n";
    site.set(["service"], text);
    let failure = site.failure();
    assert!(failure.contains("hint: systemd does not run on this machine"), "{failure}");
    host.sh("rm $(command -v systemctl)");
    let failure = site.failure();
    assert!(failure.contains("hint: install the package `systemd`"), "{failure}");
}
