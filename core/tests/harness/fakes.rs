use std::panic::AssertUnwindSafe;
use std::time::Duration;

use insta::assert_snapshot;
use togusa_core::prelude::*;
use togusa_core::testing::{Answer, Fake, Harness};

use super::failure;

/// A service of systemd, of which another user is asked about and to whom something is told.
#[derive(Debug, Attributes)]
struct Service {
    #[attribute(default = "app")]
    name: String,
    password: Option<Secret>,
}

impl Component for Service {
    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let asked = Exec::new("systemctl").args(["is-active", &self.name]).accept([0, 3]);
        let answer = probe.query(&asked)?;
        Ok(Verdict::expect(answer.stdout_text() == "active\n", "not running"))
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        machine.run(&Exec::new("systemctl").args(["start", &self.name]))?;
        if let Some(password) = &self.password {
            let work = machine.host().work_directory(&"service".into());
            let tell = Exec::new("psql").args(["--no-psqlrc", "it's"]).user("postgres");
            let tell = tell.env("PGPASSWORD", password.expose()).env("PATH", "/nowhere");
            let sql = format!("alter role app\npassword '{}';\n", password.expose());
            machine.run(&tell.directory(&work).stdin(sql))?;
        }
        Ok(())
    }
}

/// Runs what an environment says in a shell, unless it has done so.
#[derive(Debug, Attributes)]
struct Shell {
    script: String,
    /// Runs instead of the shell.
    program: Option<String>,
    user: Option<String>,
    #[attribute(default = 60000)]
    patience: u64,
}

impl Component for Shell {
    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let done = HostPath::new(&probe.host().name, "~/done");
        Ok(Verdict::expect(probe.entry(&done)?.is_some(), "not done"))
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let exec = Exec::shell(format!("set -e\n{}\n: >done", self.script));
        let exec = self.program.iter().fold(exec, Exec::program);
        let exec = self.user.iter().fold(exec, Exec::user);
        machine.run(&exec.timeout(Duration::from_millis(self.patience)))?;
        Ok(())
    }
}

fn systemctl() -> Fake {
    Fake::new("systemctl")
        .on(["is-active", "app"], Answer::ok().stdout("active\n").when("running"))
        .on(["is-active", "app"], Answer::exit(3).stdout("inactive\n"))
        .on(["start", "app"], Answer::ok().sets("running"))
}

fn service() -> Harness {
    Harness::new(Registry::new().with::<Service>("service"))
        .host("web1", ["service"])
        .fake(systemctl())
}

fn shell(script: &str) -> Harness {
    let harness = Harness::new(Registry::new().with::<Shell>("shell")).host("web1", ["shell"]);
    harness.set("web1", "shell", "script", script)
}

#[test]
fn a_fake_answers_by_its_arguments_and_by_what_it_remembers() {
    let harness = service();
    assert_snapshot!(harness.plan(), @"
    web1  Service
      ~ not running

    service@web1  planned, 1 changed
    ");
    harness.assert_converges();
    assert_snapshot!(harness.calls("systemctl"), @"
    web1  systemctl is-active app
    web1  systemctl is-active app
    web1  systemctl start app
    web1  systemctl is-active app
    web1  systemctl is-active app
    ");
    harness.assert_called("systemctl", ["start", "*"]);
    harness.assert_not_called("systemctl", ["restart", "app"]);
    harness.forget_calls();
    harness.assert_unchanged();
    assert_eq!(harness.all_calls().len(), 1);
}

#[test]
fn a_call_tells_user_directory_variables_and_input_and_no_secret() {
    let harness =
        service().fake("psql").set("web1", "service", "password", Secret::new("hunter22"));
    harness.assert_converges();
    assert_snapshot!(harness.calls("psql"), @r#"
    web1  psql --no-psqlrc 'it'\''s'
      as postgres
      in ~/target/work/service
      PGPASSWORD='[secret]'
      | alter role app
      | password '[secret]';
    "#);
    let revealed = harness.revealed_calls().filter(|call| call.program == "psql");
    assert_eq!(revealed[0].variables["PGPASSWORD"], "hunter22");
    assert_eq!(revealed[0].user.as_deref(), Some("postgres"));
}

#[test]
fn the_fakes_of_one_harness_are_not_those_of_another() {
    std::thread::scope(|scope| {
        for number in 0..4 {
            scope.spawn(move || {
                let answer = Answer::ok().stdout(format!("number {number}\n"));
                let harness = shell("mytool >answer").fake(Fake::new("mytool").otherwise(answer));
                harness.assert_converges();
                assert_eq!(harness.read("web1", "~/answer"), format!("number {number}\n"));
                assert_eq!(harness.calls("mytool").len(), 1);
            });
        }
    });
}

#[test]
fn what_a_fake_remembers_belongs_to_one_host() {
    let harness = service().host("web2", ["service"]);
    harness.assert_converges();
    for host in ["web1", "web2"] {
        assert_eq!(harness.calls("systemctl").on(host).with(["start"]).len(), 1, "{host}");
    }
}

#[test]
fn scripts_find_fakes_and_keep_their_own_input() {
    let harness = shell(
        "printf 'first\\nsecond\\n' >input; while read -r line; do npm \"$line\"; done <input
         echo piped | npm read; npm",
    );
    let harness = harness.fake("npm");
    harness.assert_converges();
    assert_snapshot!(harness.calls("npm"), @"
    web1  npm first
    web1  npm second
    web1  npm read
      | piped
    web1  npm
    ");
    assert!(harness.calls("npm").iter().all(|call| call.within_script));
}

#[test]
fn answers_in_a_row_are_given_one_after_the_other() {
    let lines = |number: usize| Answer::exit(1).stdout(format!("{number}\n"));
    let harness = shell("until wait-tool for it >>~/seen; do :; done; wait-tool for it");
    let fake = Fake::new("wait-tool").on_start(["for"], [lines(1), lines(2), Answer::ok()]);
    let harness = harness.fake(fake);
    harness.assert_converges();
    assert_eq!(harness.calls("wait-tool").len(), 4);
}

#[test]
fn a_fake_makes_and_removes_files_and_can_run_the_real_program() {
    let harness =
        shell("tool make; tool clean; (cd / && tool home); printf 'b\\na\\n' | sort >sorted");
    let tool = Fake::new("tool")
        .on(["make"], Answer::ok().creates("build/it's", "made\n").creates("other", ""))
        .on(["clean"], Answer::ok().removes("other"))
        .on(["home"], Answer::ok().creates("~/deep/in/home", "h"));
    let harness = harness.fake(tool).fake(Fake::new("sort").otherwise(Answer::real()));
    harness.assert_converges();
    assert_eq!(harness.read("web1", "~/build/it's"), "made\n");
    assert!(!harness.local("web1", "~/other").exists());
    assert_eq!(harness.read("web1", "~/deep/in/home"), "h");
    assert_eq!(harness.read("web1", "~/sorted"), "a\nb\n");
    assert_eq!(harness.calls("sort")[0].stdin.as_deref(), Some("b\na\n"));
}

#[test]
fn a_call_without_an_answer_fails_and_says_so() {
    let fake = Fake::new("systemctl").on(["is-active", "app"], Answer::exit(3));
    let run = service().fake(fake).assert_fails_with("has no answer to these arguments: start app");
    assert_snapshot!(run, @"
    web1  Service
      ~ not running
      error: update failed
        1: command `systemctl start app` exited with 99 after … s
        2: in directory `~` as user `USER`
        3: stderr ends with:
           | the fake of `systemctl` has no answer to these arguments: start app

    service@web1  failed
    ");
}

#[test]
fn a_command_that_hangs_is_ended_as_on_a_host() {
    let harness = shell("slow").fake(Fake::new("slow").otherwise(Answer::hangs()));
    let harness = harness.set("web1", "shell", "patience", 300);
    harness.assert_fails_with("hung: it was killed after");
}

#[test]
fn with_fakes_nobody_needs_sudo() {
    let harness = shell("id -u >who; tool").set("web1", "shell", "user", "nobody-at-all");
    let harness = harness.fake("tool");
    harness.assert_converges();
    assert_eq!(harness.calls("tool")[0].user.as_deref(), Some("nobody-at-all"));
    let own = harness.read("web1", "~/who");
    assert_eq!(own.trim().parse(), Ok(togusa_core::system::user_id()));
}

#[test]
fn where_fakes_alone_may_run_every_other_program_is_an_error() {
    let harness = shell("tool").fake("tool").only_fakes();
    let run = harness.assert_fails_with("`sh` is not faked");
    assert_snapshot!(run, @r#"
    web1  Shell
      ~ not done
      error: update failed
        1: `sh` is not faked, and nothing else may run: `sh -c 'set -e …`
        hint: `.fake("sh")` answers in its place, `.allow(["sh"])` lets it run

    shell@web1  failed
    "#);
    let harness = harness.allow(["sh"]);
    harness.assert_converges();
    let harness = shell("tool && uname").fake("tool").only_fakes().allow(["sh"]);
    harness.assert_fails_with("uname: not found");
}

#[test]
fn what_is_called_by_a_path_is_faked_by_that_path() {
    let fake = Fake::new("/usr/sbin/tool").otherwise(Answer::ok().creates("done", ""));
    let harness = shell(":").set("web1", "shell", "program", "/usr/sbin/tool").fake(fake);
    harness.assert_converges();
    assert_eq!(harness.calls("/usr/sbin/tool").len(), 1);
}

#[test]
fn a_wrong_expectation_shows_the_calls() {
    let harness = service();
    harness.assert_converges();
    assert_snapshot!(failure(AssertUnwindSafe(|| harness.assert_called("systemctl", ["restart", "app"]))), @"
    `systemctl restart app` was not called; it was called so:
    web1  systemctl is-active app
    web1  systemctl start app
    web1  systemctl is-active app
    web1  systemctl is-active app
    ");
    assert_snapshot!(failure(AssertUnwindSafe(|| harness.assert_called("systemd", ["x"]))), @r#"`systemd x` was not called; there is no fake of `systemd`: `harness.fake("systemd")` makes one"#);
    assert_snapshot!(failure(AssertUnwindSafe(|| harness.assert_not_called("systemd", ["x"]))), @r#"there is no fake of `systemd`: `harness.fake("systemd")` makes one"#);
}
