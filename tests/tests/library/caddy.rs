//! Sites of a real Caddy.

use togusa_tests::lab::Host;

use crate::site::Site;
use crate::{Subject, wait_until};

fn get(host: &Host, url: &str) -> String {
    host.sh(&format!("curl --silent --show-error --insecure --max-time 20 {url}"))
}

/// Starts Caddy as its package does, as its own user.
fn start(host: &Host) {
    host.sh("install -d -o caddy -g caddy /var/lib/caddy; : >/tmp/caddy.log
         setsid runuser -u caddy -- env HOME=/var/lib/caddy caddy run --environ \
             --config /etc/caddy/Caddyfile >/tmp/caddy.log 2>&1 </dev/null &");
    wait_until("Caddy", || host.sh("cat /tmp/caddy.log").contains("serving initial configuration"));
}

fn stop(host: &Host) {
    host.sh("kill $(pgrep -f '^caddy run')");
    wait_until("the end of Caddy", || host.processes_with("caddy run").is_empty());
}

fn set(site: &Site<'_>, name: &str, address: &str, more: &str) {
    let text = format!("[components.caddy]\nsite = '{name}'\naddress = '{address}'\n{more}");
    site.set(["caddy"], &text);
}

#[test]
fn sites_are_tried_by_the_caddy_that_runs_and_used_by_it() {
    let subject = Subject::start();
    let host = subject.host();
    host.write(
        "/etc/caddy/Caddyfile",
        "{\n\tskip_install_trust\n\tauto_https disable_redirects\n}\n",
    );
    host.sh("mkdir /srv/www; echo hello >/srv/www/index.html; chmod -R a+rX /srv");
    start(host);
    let (one, two) = (subject.site("one"), subject.site("two"));
    let first = "http://localhost:8121";
    set(&one, "one", first, "root = '/srv/www'");
    let changes = one.converge();
    assert_eq!(changes[0], "+ create file");
    assert_eq!(get(host, first), "hello\n");
    set(&two, "two", "http://localhost:8122", "directive = 'respond \"answer of {path}\"'");
    assert_eq!(two.converge()[0], "+ create file");
    let upstream = "root = '/srv/www'\nupstream = 8122\npath = '/api/*'";
    set(&one, "one", first, upstream);
    let changes = one.converge();
    assert!(changes[0].starts_with("~ content (+1 -0 lines)"), "{changes:?}");
    // The other one knows itself by its name.
    assert_eq!(get(host, "-H 'Host: localhost' localhost:8121/api/x"), "answer of /api/x");
    assert_eq!(get(host, first), "hello\n");

    let before = host.sh("cat /etc/caddy/Caddyfile.d/*");
    set(&one, "one", first, "directive = 'nonsense'");
    let failure = one.failure();
    assert!(failure.contains("the site is not changed"), "{failure}");
    assert!(failure.contains("unrecognized directive: nonsense"), "{failure}");
    // What only the Caddy that runs can see.
    let taken = host.command("python3").args(["-m", "http.server", "8123"]).spawn();
    wait_until("the port", || host.sh("ss -ltn").contains(":8123"));
    set(&one, "one", "http://:8123", "root = '/srv/www'");
    let failure = one.failure();
    assert!(failure.contains("the site is not changed"), "{failure}");
    assert!(failure.contains("address already in use"), "{failure}");
    taken.kill();
    set(&one, "one", "https://localhost:8124", "root = '/srv/www'\nkey_mode = '0600'");
    let failure = one.failure();
    assert!(failure.contains("localhost.key: permission denied"), "{failure}");
    assert_eq!(host.sh("cat /etc/caddy/Caddyfile.d/*"), before);
    assert_eq!(get(host, first), "hello\n");
    assert!(!host.sh("ls -A /etc/caddy").contains(".togusa"), "nothing is left behind");

    let secure = "https://localhost:8124";
    let serial = || {
        host.sh(
            "openssl s_client -connect localhost:8124 -servername localhost </dev/null 2>/dev/null | \
             openssl x509 -noout -serial",
        )
    };
    set(&one, "one", secure, "root = '/srv/www'\nkey_mode = '0640'");
    one.converge();
    assert_eq!(get(host, secure), "hello\n");
    let old = serial();
    set(&one, "one", secure, "root = '/srv/www'\nkey_mode = '0640'\ndays = 91");
    assert_eq!(one.converge()[0], "~ days 90 → 91");
    assert_ne!(serial(), old, "the new certificate is served");
    set(&one, "one", secure, "root = '/srv/www'\ninternal = true");
    one.converge();
    wait_until("the internal certificate", || {
        let served =
            "openssl s_client -connect localhost:8124 -servername localhost </dev/null 2>&1";
        host.sh(&format!("{served} | grep -i issuer || :")).contains("Caddy Local Authority")
    });
    assert_eq!(get(host, secure), "hello\n");

    // One that does not run reads its files when it is started.
    stop(host);
    set(&one, "one", first, "directive = 'respond later'");
    one.converge();
    start(host);
    assert_eq!(get(host, first), "later");
    stop(host);
    host.sh("sed -i '1a admin off' /etc/caddy/Caddyfile");
    start(host);
    set(&one, "one", first, "directive = 'respond never'");
    let failure = one.failure();
    assert!(failure.contains("nothing answers at its admin endpoint"), "{failure}");
    assert_eq!(get(host, first), "later");
    stop(host);
    host.sh("sed -i 2d /etc/caddy/Caddyfile");
    start(host);

    set(&one, "one", first, "absent = true");
    one.converge();
    assert!(!host.exists("/etc/caddy/Caddyfile.d/one.caddyfile"));
    let refused = host.command("curl").args(["-s", first]).output();
    assert!(!refused.status.success());
    assert_eq!(get(host, "localhost:8122"), "answer of /");
    host.sh("rm $(command -v caddy)");
    set(&two, "two", "http://localhost:8122", "directive = 'respond x'");
    let failure = two.failure();
    assert!(failure.contains("there is no program `caddy`"), "{failure}");
    assert!(failure.contains("hint: install the package `caddy`"), "{failure}");
}
