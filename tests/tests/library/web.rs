//! A real nginx and HAProxy, certificates, and checks of what answers.

use std::sync::LazyLock;

use togusa_tests::lab::Host;

use crate::{Subject, wait_until};

/// One host where nginx runs, without any site.
static HERE: LazyLock<Subject> = LazyLock::new(|| {
    let here = Subject::start();
    here.host().sh("rm -f /etc/nginx/sites-enabled/*; nginx");
    here
});

fn workers(host: &Host) -> Vec<i32> {
    let found = host.processes_with("nginx: worker process");
    let serving = found.iter().filter(|process| !process.command.contains("shutting"));
    serving.map(|process| process.pid).collect()
}

fn get(host: &Host, url: &str) -> String {
    host.sh(&format!("curl --silent --show-error --insecure --max-time 20 {url}"))
}

#[test]
fn a_site_is_enabled_reloaded_disabled_and_removed() {
    let host = HERE.host();
    let site = HERE.site("site");
    let text = |says: &str| format!("server {{ listen 8101; return 200 \"{says}\\n\"; }}\n");
    let set = |says: &str, more: &str| {
        let text = text(says);
        site.set(
            ["site"],
            &format!("[components.site]\nsite = 'one'\ntext = '''{text}'''\n{more}"),
        );
    };
    set("first", "");
    let changes = site.converge();
    assert_eq!(changes[0], "+ create file");
    assert_eq!(get(host, "localhost:8101"), "first\n");
    assert_eq!(
        host.sh("readlink /etc/nginx/sites-enabled/one"),
        "/etc/nginx/sites-available/one\n"
    );

    let before = workers(host);
    set("second", "");
    let changes = site.converge();
    assert!(changes[0].starts_with("~ content (+1 -1 lines)"), "{changes:?}");
    assert_eq!(get(host, "localhost:8101"), "second\n");
    assert!(workers(host).iter().all(|worker| !before.contains(worker)));

    host.sh("rm /etc/nginx/sites-enabled/one; nginx -s reload");
    let changes = site.converge();
    assert!(changes[0].starts_with("+ create symlink"), "{changes:?}");
    wait_until("the site", || get(host, "localhost:8101") == "second\n");

    set("second", "disabled = true");
    site.converge();
    assert!(!host.exists("/etc/nginx/sites-enabled/one"));
    assert!(host.exists("/etc/nginx/sites-available/one"));
    let refused = || !host.command("curl").args(["-s", "localhost:8101"]).output().status.success();
    wait_until("the end of the site", refused);
    set("", "absent = true");
    site.converge();
    assert!(!host.exists("/etc/nginx/sites-available/one"));
    assert!(!host.sh("ls -A /etc/nginx").contains(".togusa-one"), "nothing is left behind");
}

#[test]
fn a_site_that_nginx_refuses_leaves_the_old_one_in_place() {
    let host = HERE.host();
    let site = HERE.site("refused");
    let set = |text: &str| {
        let text = format!("[components.site]\nsite = 'two'\nconf_d = true\ntext = '''{text}'''");
        site.set(["site"], &text);
    };
    set("server { listen 8102; return 200 \"good\\n\"; }\n");
    site.converge();
    for bad in ["server { listen 8102; nonsense on; }\n", "server {\n"] {
        set(bad);
        let failure = site.failure();
        assert!(failure.contains("the site is not changed"), "{failure}");
        assert!(failure.contains("nginx refuses its configuration"), "{failure}");
        assert!(failure.contains("[emerg]"), "{failure}");
        assert!(host.read("/etc/nginx/conf.d/two.conf").contains("good"));
        assert_eq!(get(host, "localhost:8102"), "good\n");
    }
    assert!(!host.sh("ls -A /etc/nginx").contains(".togusa-two"), "nothing is left behind");
    host.sh("nginx -t");
    set("server { listen 8102; return 200 \"mended\\n\"; }\n");
    site.converge();
    assert_eq!(get(host, "localhost:8102"), "mended\n");
}

#[test]
fn a_reload_that_nginx_does_not_perform_is_seen() {
    let here = Subject::start();
    let host = here.host();
    host.sh("rm -f /etc/nginx/sites-enabled/*; nginx");
    let site = here.site("blocked");
    let set = |port: u16| {
        let text = format!("server {{ listen 127.0.0.1:{port}; return 200; }}");
        site.set(["site"], &format!("[components.site]\nsite = 'x'\ntext = '{text}'"));
    };
    set(8103);
    site.converge();
    // The test of nginx does not see that another has the port.
    let config = "defaults\n  mode tcp\n  timeout client 9s\n  timeout connect 9s\n  \
                  timeout server 9s\nlisten x\n  bind 127.0.0.1:8104\n";
    host.write("/tmp/taken.cfg", config);
    let running = host.command("/usr/sbin/haproxy").args(["-db", "-f", "/tmp/taken.cfg"]).spawn();
    wait_until("the port", || host.sh("ss -ltn").contains("127.0.0.1:8104"));
    set(8104);
    let failure = site.failure();
    assert!(failure.contains("nginx did not reload: after 10 s"), "{failure}");
    assert!(failure.contains("hint: the error log of nginx tells why"), "{failure}");
    running.kill();
    // What is pending is done by the next deployment.
    let changes = site.deploy().expect(0).differences();
    assert!(changes[0].starts_with("triggered by"), "{changes:?}");
    let answer = host.sh("curl -s -o /dev/null -w '%{http_code}' 127.0.0.1:8104");
    assert_eq!(answer, "200");
}

#[test]
fn an_nginx_whose_number_is_written_as_an_included_file_says_is_found() {
    let here = Subject::start();
    let host = here.host();
    host.write("/etc/nginx/pid.conf", "pid /run/other.pid;\n");
    host.sh("sed -i 's|^pid .*|include /etc/nginx/pid.conf;|' /etc/nginx/nginx.conf");
    host.sh("rm -f /etc/nginx/sites-enabled/*; nginx");
    let site = here.site("pid");
    for says in ["first", "second"] {
        let text = format!("server {{ listen 8105; return 200 {says}; }}");
        site.set(["site"], &format!("[components.site]\nsite = 'x'\ntext = '{text}'"));
        site.converge();
        assert_eq!(get(host, "localhost:8105"), says);
    }
}

#[test]
fn an_nginx_that_is_missing_or_includes_no_sites_is_named() {
    let here = Subject::start();
    let host = here.host();
    let site = here.site("missing");
    site.set(["site"], "[components.site]\nsite = 'x'\ntext = '# x'");
    site.converge();
    host.sh("sed -i '/sites-enabled/d' /etc/nginx/nginx.conf");
    site.set(["site"], "[components.site]\nsite = 'x'\ntext = '# y'");
    let failure = site.failure();
    assert!(failure.contains("includes no `/etc/nginx/sites-enabled/x`"), "{failure}");
    assert!(failure.contains("hint: add `include /etc/nginx/sites-enabled/*;`"), "{failure}");
    host.sh("rm $(command -v nginx)");
    site.set(["site"], "[components.site]\nsite = 'x'\nconf_d = true\ntext = '# y'");
    let failure = site.failure();
    assert!(failure.contains("there is no program `nginx`"), "{failure}");
    assert!(failure.contains("hint: install the package `nginx`"), "{failure}");
}

#[test]
fn a_backend_is_put_beside_others_tested_and_reloaded() {
    let here = Subject::start();
    let host = here.host();
    host.sh("mkdir -p /run/haproxy; haproxy -W -D -f /etc/haproxy/haproxy.cfg -p /run/haproxy.pid");
    host.sh("rm -f /etc/nginx/sites-enabled/*");
    let servers = "server { listen 8111; return 200 a; } server { listen 8112; return 200 b; }";
    host.write("/etc/nginx/conf.d/servers.conf", servers);
    host.sh("nginx");
    let site = here.site("backend");
    let set = |listen: u16, ports: &str, more: &str| {
        let text = format!("backend = 'shop'\nlisten = {listen}\nports = {ports}\n{more}");
        site.set(["backend"], &format!("[components.backend]\n{text}"));
    };
    let packaged = host.read("/etc/haproxy/haproxy.cfg");
    set(8110, "[8111]", "options = []");
    let changes = site.converge();
    assert_eq!(changes[0], "~ content (+7 -0 lines)");
    wait_until("the first server", || get(host, "localhost:8110") == "a");
    let present = host.read("/etc/haproxy/haproxy.cfg");
    assert!(present.starts_with(&packaged), "what was there stays: {present}");

    set(8110, "[8112]", "options = ['option httpchk GET /']");
    site.converge();
    wait_until("the second server", || get(host, "localhost:8110") == "b");

    set(8110, "[8111]", "options = ['nonsense']");
    let failure = site.failure();
    assert!(failure.contains("the section is not changed"), "{failure}");
    assert!(failure.contains("HAProxy refuses its configuration"), "{failure}");
    assert!(failure.contains("unknown keyword 'nonsense'"), "{failure}");
    assert_eq!(get(host, "localhost:8110"), "b");

    host.sh("sed -i s/8112/8111/ /etc/haproxy/haproxy.cfg");
    set(8110, "[8112]", "options = ['option httpchk GET /']");
    let changes = site.converge();
    assert_eq!(changes[0], "~ content (+1 -1 lines)");

    set(8110, "[]", "options = []\nabsent = true");
    site.converge();
    assert_eq!(host.read("/etc/haproxy/haproxy.cfg"), packaged);

    set(8110, "[8111]", "options = []\ninclude_directory = '/etc/haproxy/conf.d'");
    host.sh("mkdir /etc/haproxy/conf.d");
    site.converge();
    assert!(host.read("/etc/haproxy/conf.d/shop.cfg").starts_with("listen shop\n"));
    assert_eq!(host.sh("ls -A /etc/haproxy/conf.d"), "shop.cfg\n");

    host.sh("rm $(command -v haproxy)");
    set(8110, "[8112]", "options = []");
    let failure = site.failure();
    assert!(failure.contains("there is no program `haproxy`"), "{failure}");
    assert!(failure.contains("hint: install the package `haproxy`"), "{failure}");
}

#[test]
fn a_certificate_serves_tls_and_the_web_is_asked_over_it() {
    let host = HERE.host();
    let site = HERE.site("tls");
    host.sh("useradd tls; install -d -m 755 /etc/tls");
    let paths =
        "ssl_certificate /etc/tls/localhost.crt; ssl_certificate_key /etc/tls/localhost.key;";
    let server = format!("server {{ listen 8443 ssl; {paths} return 200 \"safe\\n\"; }}");
    let text = format!(
        "[components.certificate]\nname = 'localhost'\ndirectory = '/etc/tls'\nowner = 'tls'\n\
         [components.site]\nsite = 'tls'\ntext = '''{server}'''\n"
    );
    let (own, web) = text.split_once("[components.site]").unwrap();
    site.set(["certificate"], own);
    let changes = site.converge();
    assert_eq!(changes[0], "+ create key (mode 0600, owner tls)");
    assert_eq!(host.sh("stat -c %U:%a /etc/tls/localhost.key"), "tls:600\n");
    host.sh("chown root /etc/tls/localhost.key");
    assert_eq!(site.converge(), ["~ owner of the key root → tls"]);

    let web_site = HERE.site("tls-site");
    web_site.set(["site"], &format!("[components.site]{web}"));
    web_site.converge();
    let check = HERE.site("tls-check");
    let ask = |url: &str, insecure: bool| {
        let text = format!("url = '{url}'\ncontains = 'safe'\ninsecure = {insecure}");
        check.set(["answers"], &format!("[components.answers]\n{text}"));
    };
    ask("https://localhost:8443/", true);
    assert!(check.converge().is_empty());
    ask("https://localhost:8443/", false);
    let failure = check.failure();
    assert!(failure.contains("localhost:8443: its certificate is not trusted"), "{failure}");
    ask("http://localhost:8443/", false);
    let failure = check.failure();
    assert!(failure.contains("status 400 in place of 200"), "{failure}");
    host.sh("mv /usr/bin/openssl /opt/openssl");
    let failure = site.failure();
    host.sh("mv /opt/openssl /usr/bin/openssl");
    assert!(failure.contains("hint: install the package `openssl`"), "{failure}");
}
