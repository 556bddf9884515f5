//! The configuration of a real Varnish.

use togusa_tests::lab::Host;

use crate::{Subject, wait_until};

fn text(says: &str) -> String {
    format!(
        "vcl 4.1;\ninclude \"/etc/varnish/included.vcl\";\nbackend none none;\n\
         sub vcl_recv {{ return (synth(200, \"{says}\")); }}\n"
    )
}

fn start(host: &Host) {
    host.sh(
        "varnishd -a 127.0.0.1:6081 -f /etc/varnish/default.vcl -s malloc,16m -P /run/varnish.pid \
         2>/tmp/varnish.log",
    );
    wait_until("Varnish", || host.sh("ss -ltn").contains("127.0.0.1:6081"));
}

/// The word that Varnish answers with.
fn answer(host: &Host) -> String {
    let code = "curl --silent --output /dev/null --dump-header - --max-time 20 localhost:6081";
    host.sh(&format!("{code} | head -n 1 | cut -d' ' -f3 | tr -d '\\r\\n'"))
}

/// Each configuration that is there, with its state, without the digits that stand for its file.
fn listed(host: &Host) -> String {
    host.sh("varnishadm vcl.list | sed -E 's/togusa-[0-9a-f]{8}-/togusa-/'")
}

fn active(host: &Host) -> String {
    let listed = listed(host);
    let active = listed.lines().find(|line| line.starts_with("active"));
    active.and_then(|line| line.split_whitespace().last()).unwrap_or_default().to_owned()
}

#[test]
fn a_configuration_is_compiled_loaded_used_and_given_up() {
    let subject = Subject::start();
    let host = subject.host();
    host.write("/etc/varnish/default.vcl", "vcl 4.1;\nbackend packaged none;\n");
    start(host);
    let site = subject.site("varnish");
    let set = |says: &str, more: &str| {
        let text = text(says);
        site.set(["varnish"], &format!("[components.varnish]\ntext = '''{text}'''\n{more}"));
    };
    set("one", "");
    let changes = site.converge();
    assert!(
        changes.contains(&"~ Varnish uses another configuration, `boot`".into()),
        "{changes:?}"
    );
    assert_eq!((answer(host), active(host)), ("one".into(), "togusa-1".into()));
    set("two", "");
    site.converge();
    assert_eq!((answer(host), active(host)), ("two".into(), "togusa-2".into()));
    let listed = listed(host);
    assert!(!listed.lines().any(|line| line.contains("togusa-1") && !line.contains("discarded")));

    set("two", "included = 'sub vcl_synth { set resp.http.included = \"yes\"; }'");
    site.converge();
    assert_eq!(active(host), "togusa-3", "what it includes is read anew");
    assert!(host.sh("curl -s -D - -o /dev/null localhost:6081").contains("included: yes"));
    host.sh("varnishadm vcl.use boot");
    let changes = site.converge();
    assert_eq!(changes[0], "~ Varnish uses another configuration, `boot`");
    assert_eq!(answer(host), "two");

    let before = host.read("/etc/varnish/default.vcl");
    set("x\"); nonsense(\"", "");
    let failure = site.failure();
    assert!(failure.contains("the configuration is not changed"), "{failure}");
    assert!(failure.contains("Message from VCC-compiler:"), "{failure}");
    assert_eq!(host.read("/etc/varnish/default.vcl"), before);
    assert_eq!(answer(host), "two");
    assert!(!host.sh("ls -A /etc/varnish").contains(".togusa"), "nothing is left behind");

    // One that does not run uses the file when it is started.
    host.sh("kill $(cat /run/varnish.pid)");
    wait_until("the end of Varnish", || host.processes_with("varnishd").is_empty());
    set("three", "group = 'varnish'");
    site.converge();
    start(host);
    assert_eq!((answer(host), active(host)), ("three".into(), "boot".into()));
    assert!(site.converge().is_empty(), "what it was started with is right");
    set("four", "group = 'varnish'");
    site.converge();
    assert_eq!(answer(host), "four");
    assert_eq!(host.sh("stat -c %G:%a /etc/varnish/default.vcl"), "varnish:640\n");

    set("four", "absent = true");
    site.converge();
    assert_eq!((answer(host), active(host)), ("three".into(), "boot".into()));
    assert!(!host.exists("/etc/varnish/default.vcl"));
    host.sh("rm $(command -v varnishadm)");
    assert!(site.converge().is_empty(), "what is not there has loaded nothing");
    set("five", "");
    let failure = site.failure();
    assert!(failure.contains("hint: install the package `varnish`"), "{failure}");
}
