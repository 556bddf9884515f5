//! Jobs of cron and rotation of logs, as cron and logrotate see them.

use crate::{Subject, wait_until};

#[test]
fn cron_runs_the_jobs_of_root_and_of_others() {
    let subject = Subject::start();
    let host = subject.host();
    host.sh("useradd -m anna; useradd -m app; mkdir -m 777 /srv/out");
    let job = |name: &str, more: &str| {
        format!(
            "[components.job]\nname = '{name}'\nschedule = '@reboot'\n\
             command = 'echo \"$(date +\\%Y) $A $(id -un)\" >/srv/out/{name}'\nenv = {{ A = \"it's %\" }}\n{more}"
        )
    };
    let root = subject.site("root");
    root.set(["job"], &job("of-app", "user = 'app'"));
    assert_eq!(root.converge()[0], "+ create file (mode 0644, owner root)");
    let anna = subject.site_of("anna", "anna");
    anna.set(["job"], &job("of-anna", ""));
    assert_eq!(anna.converge(), ["+ create job in the crontab"]);
    host.sh("cron");
    let year = host.sh("date +%Y");
    for user in ["app", "anna"] {
        let file = format!("/srv/out/of-{user}");
        wait_until("the job", || host.exists(&file) && host.read(&file).ends_with('\n'));
        assert_eq!(host.read(&file), format!("{} it's % {user}\n", year.trim()));
    }
}

#[test]
fn a_job_of_root_is_kept_right_and_removed() {
    let subject = Subject::start();
    let host = subject.host();
    let site = subject.site("job");
    let file = "/etc/cron.d/report";
    let set = |more: &str| {
        let text = "[components.job]\nname = 'report'\nschedule = '5 4 * * *'\ncommand = 'true %'";
        site.set(["job"], &format!("{text}\n{more}"));
    };
    set("env = { MAILTO = 'ops' }");
    assert_eq!(site.converge().len(), 2);
    let text = "# Job `report`, kept by togusa.\nMAILTO=ops\n5 4 * * * root true \\%\n";
    assert_eq!(host.read(file), text);
    for (drift, seen) in [
        ("sed -i 's/^5 4/6 4/'", "~ content (+1 -1 lines)"),
        ("sed -i 's/root true/daemon true/'", "~ content (+1 -1 lines)"),
        ("sed -i 's/true/false/'", "~ content (+1 -1 lines)"),
        ("sed -i /MAILTO/d", "~ content (+1 -0 lines)"),
        ("chmod 664", "~ mode 0664 → 0644"),
        ("chown daemon", "~ owner daemon → root"),
    ] {
        host.sh(&format!("{drift} {file}"));
        assert_eq!(site.converge(), [seen], "{drift}");
        assert_eq!(host.read(file), text);
    }
    set("secret = 'open-sesame'");
    let told = site.deploy().expect(0);
    assert_eq!(told.differences(), ["~ mode 0644 → 0600", "~ content (sensitive)"]);
    assert!(!told.output.stdout.contains("sesame"));
    assert!(host.read(file).contains("TOKEN=open-sesame\n"));
    assert_eq!(site.converge(), [""; 0]);
    set("absent = true");
    assert_eq!(site.converge(), ["- remove file"]);
    host.sh("rm -r /etc/cron.d");
    set("");
    let failure = site.failure();
    assert!(failure.contains("no directory `/etc/cron.d`"), "{failure}");
    assert!(failure.contains("hint: install cron"), "{failure}");
}

#[test]
fn a_user_has_jobs_in_a_crontab_that_stays_its_own() {
    let subject = Subject::start();
    let host = subject.host();
    host.sh("useradd -m anna; echo 'MAILTO=me' | crontab -u anna -");
    let site = subject.site_of("anna", "jobs");
    let set = |more: &str| {
        let text = "[components.job]\nname = 'job'\nschedule = '5 4 * * *'\ncommand = 'true'";
        site.set(["job"], &format!("{text}\n{more}"));
    };
    let crontab = || host.sh("crontab -u anna -l");
    set("count = 3");
    // Counted by a program that comes first.
    let real = host.sh("command -v crontab");
    let shim = format!("#!/bin/sh\necho \"$1\" >>/tmp/crontabs\nexec {} \"$@\"\n", real.trim());
    host.write("/usr/local/bin/crontab", shim);
    host.sh("chmod 755 /usr/local/bin/crontab; touch /tmp/crontabs; chmod 666 /tmp/crontabs");
    assert_eq!(site.converge().len(), 3);
    assert_eq!(crontab().lines().count(), 1 + 3 * 3, "{}", crontab());
    host.sh(": >/tmp/crontabs");
    site.deploy().expect(0);
    assert_eq!(host.read("/tmp/crontabs"), "-l\n", "one query for all jobs");
    host.sh("rm /usr/local/bin/crontab");

    host.sh(
        "crontab -u anna -l | sed '/begin job-2/,/end job-2/d; s/5 4/6 4/' | crontab -u anna -",
    );
    let changed = "~ content (+1 -1 lines)";
    assert_eq!(site.converge(), [changed, "+ create job in the crontab", changed]);
    set("count = 3\nabsent = true");
    assert_eq!(site.converge(), ["- remove job in the crontab"; 3]);
    assert_eq!(crontab(), "MAILTO=me\n");

    set("env = { MAILTO = 'ops' }");
    assert!(site.failure().contains("`MAILTO` would count for all jobs"));
    set("user = 'root'");
    assert!(site.failure().contains("only root may look after the jobs of other users"));
    set("");
    host.sh(&format!("mv {0} {0}.away", real.trim()));
    let failure = site.failure();
    assert!(failure.contains("there is no program `crontab`"), "{failure}");
    assert!(failure.contains("hint: install cron: package `cron`"), "{failure}");
    host.write("/usr/local/bin/crontab", "#!/bin/sh\necho broken >&2; exit 1\n");
    host.sh("chmod 755 /usr/local/bin/crontab");
    assert!(site.failure().contains("`crontab -l` failed: broken"));

    let text = "[components.job]\nname = 'job'\nschedule = '60 4 * * *'\ncommand = 'true'";
    site.set(["job"], text);
    let said = site.deploy().expect(2).output.stderr;
    assert!(said.contains("`60` cannot be the minute"), "{said}");
}

#[test]
fn logs_are_rotated_as_they_shall_be() {
    let subject = Subject::start();
    let host = subject.host();
    let site = subject.site("rotation");
    let file = "/etc/logrotate.d/shop";
    let set = |more: &str| {
        let text = "[components.rotation]\nname = 'shop'\nlog = '/var/log/shop/*.log'";
        site.set(["rotation"], &format!("{text}\n{more}"));
    };
    set("rotate = 2\npost_rotate = 'echo reload >>/run/reloads'\ndirective = 'copytruncate'");
    host.sh("mkdir /var/log/shop; echo one >/var/log/shop/a.log; echo one >/var/log/shop/b.log");
    assert_eq!(site.converge()[0], "+ create file (mode 0644, owner root)");
    for _ in 0..4 {
        host.sh(&format!(
            "logrotate --force --state /run/state {file}; echo >>/var/log/shop/a.log"
        ));
    }
    assert_eq!(host.sh("ls /var/log/shop"), "a.log\na.log.1\na.log.2.gz\nb.log\nb.log.1\n");
    assert_eq!(host.read("/run/reloads"), "reload\n".repeat(4));

    let right = host.read(file);
    for drift in ["s/rotate 2/rotate 3/", "/compress/d", "s/daily/weekly/", "s/shop/other/"] {
        host.sh(&format!("sed -i '{drift}' {file}"));
        assert!(site.converge()[0].starts_with("~ content"), "{drift}");
        assert_eq!(host.read(file), right);
    }
    host.sh(&format!("chmod 666 {file}; chown daemon {file}"));
    assert_eq!(site.converge(), ["~ mode 0666 → 0644", "~ owner daemon → root"]);

    set("directive = 'nosuchdirective'");
    let failure = site.failure();
    assert!(failure.contains("logrotate refuses this rotation"), "{failure}");
    assert!(failure.contains("nosuchdirective"), "{failure}");
    assert_eq!(host.read(file), right, "what was there stays");
    let left = host.sh("find / -xdev -name '*.draft'");
    assert_eq!(left, "");

    set("every = '10M'\nuncompressed = true");
    assert_eq!(site.converge().len(), 1);
    assert!(host.read(file).contains("    size 10M\n") && !host.read(file).contains("compress"));
    host.sh("mv /usr/sbin/logrotate /usr/sbin/away");
    set("every = 'week'");
    let failure = site.failure();
    assert!(failure.contains("there is no program `logrotate`"), "{failure}");
    assert!(failure.contains("hint: install it: package `logrotate`"), "{failure}");
    set("absent = true");
    assert_eq!(site.converge(), ["- remove file"]);
    set("every = 'fortnight'");
    assert!(site.deploy().expect(2).output.stderr.contains("cannot be rotated every `fortnight`"));
}

#[test]
fn a_user_rotates_its_own_logs_by_cron() {
    let subject = Subject::start();
    let host = subject.host();
    host.sh("useradd -m anna");
    let site = subject.site_of("anna", "own");
    let set = |more: &str| {
        let text = "[components.rotation]\nname = 'own'\nlog = 'app.log'\nby_cron = '@reboot'";
        site.set(["rotation"], &format!("{text}\n{more}"));
    };
    set("every = '1'");
    assert_eq!(site.converge()[0], "+ create job in the crontab");
    let work = host.sh("find ~anna -name work -type d").trim().to_owned() + "/rotation";
    host.sh(&format!("runuser -u anna -- sh -c 'echo one >{work}/app.log'; cron"));
    wait_until("the rotation", || host.exists(&format!("{work}/app.log.1")));
    assert!(host.exists(&format!("{work}/logrotate/own.conf")));
    set("absent = true");
    assert_eq!(site.converge(), ["- remove job in the crontab", "- remove file"]);
}
