//! Certificates of a real authority, by a real certbot and lego.

use togusa_tests::lab::Host;

use crate::{Subject, wait_until};

/// Has an authority of its own on a host: pebble, which asks over HTTP at port 5002.
const AUTHORITY: &str = r#"
    echo '127.0.0.1 shop.test www.shop.test' >>/etc/hosts
    mkdir /srv/ca && cd /srv/ca
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.crt \
        -subj /CN=authority 2>/dev/null
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout own.key -out own.csr \
        -subj /CN=localhost 2>/dev/null
    echo subjectAltName=DNS:localhost >names
    openssl x509 -req -in own.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out own.crt \
        -extfile names 2>/dev/null
    echo '{"pebble": {"listenAddress": "127.0.0.1:14000", "managementListenAddress": "127.0.0.1:15000",
        "certificate": "own.crt", "privateKey": "own.key", "httpPort": 5002, "tlsPort": 5001,
        "ocspResponderURL": "", "certificateValidityPeriod": 7776000}}' >pebble.json
"#;

fn names(host: &Host, certificate: &str) -> String {
    let told = host.sh(&format!("openssl x509 -in {certificate} -noout -ext subjectAltName"));
    told.lines().nth(1).unwrap_or_default().trim().to_owned()
}

#[test]
fn certbot_and_lego_get_certificates_that_servers_use() {
    let subject = Subject::start();
    let host = subject.host();
    host.sh(AUTHORITY);
    let mut pebble = host.command("env");
    pebble.args(["PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0", "PEBBLE_AUTHZREUSE=100"]);
    let _pebble = pebble.args(["pebble", "-config", "pebble.json"]).current_dir("/srv/ca").spawn();
    wait_until("the authority", || host.sh("ss -ltn").contains("127.0.0.1:14000"));

    let site = subject.site("acme");
    let set = |names: &str, more: &str| {
        let text = format!(
            "names = [{names}]\nauthority = 'https://localhost:14000/dir'\nca_file = '/srv/ca/ca.crt'"
        );
        site.set(["acme"], &format!("[components.acme]\n{text}\n{more}"));
    };
    set("'shop.test'", "port = 5002");
    assert_eq!(site.converge(), ["+ create key", "+ create certificate"]);
    let live = "/etc/letsencrypt/live/shop.test";
    assert_eq!(names(host, &format!("{live}/fullchain.pem")), "DNS:shop.test");

    // A server that runs as another user reads it, and answers the next challenge.
    host.sh("rm -f /etc/nginx/sites-enabled/*; mkdir /srv/acme");
    let paths =
        format!("ssl_certificate {live}/fullchain.pem; ssl_certificate_key {live}/privkey.pem;");
    let servers = format!(
        "server {{ listen 5002; root /srv/acme; }}\nserver {{ listen 8443 ssl; {paths} return 200 safe; }}"
    );
    host.write("/etc/nginx/conf.d/shop.conf", servers);
    host.sh("nginx");
    let served = || {
        let trust = "curl --silent https://localhost:15000/roots/0 --cacert /srv/ca/ca.crt >/srv/ca/root.crt";
        host.sh(&format!("{trust}; curl --silent --cacert /srv/ca/root.crt https://shop.test:8443"))
    };
    assert_eq!(served(), "safe");
    // What certbot lost is put right under the name that it had.
    host.sh(": >/etc/letsencrypt/renewal/shop.test.conf");
    set("'shop.test', 'www.shop.test'", "webroot = '/srv/acme'\nrsa = true\ngroup = 'www-data'");
    let changes = site.converge();
    assert_eq!(
        changes[..2],
        ["~ names shop.test → shop.test, www.shop.test", "~ type of the key P-256 → RSA 2048"]
    );
    assert!(changes.contains(&"~ group of the key root → www-data".to_owned()), "{changes:?}");
    let certificate = format!("{live}/fullchain.pem");
    assert_eq!(names(host, &certificate), "DNS:shop.test, DNS:www.shop.test");
    host.sh(&format!("runuser -u www-data -- cat {live}/privkey.pem >/dev/null"));
    host.sh("nginx -s reload");
    assert_eq!(served(), "safe");

    host.sh(&format!("rm {live}/privkey.pem"));
    set("'shop.test'", "webroot = '/srv/acme'");
    assert_eq!(site.converge(), ["+ create key"]);
    assert_eq!(host.sh("ls /etc/letsencrypt/live"), "README\nshop.test\n");
    let renew = "certbot renew --force-renewal --quiet --no-random-sleep-on-renew";
    host.sh(&format!("REQUESTS_CA_BUNDLE=/srv/ca/ca.crt {renew}"));
    assert!(site.converge().is_empty(), "what certbot renews by itself is right");

    let before = host.sh(&format!("cat {certificate}"));
    set("'shop.test', 'gone.shop.test'", "webroot = '/srv/acme'");
    let failure = site.failure();
    assert!(failure.contains("there is no new certificate"), "{failure}");
    assert!(failure.contains("gone.shop.test"), "{failure}");
    assert_eq!(host.sh(&format!("cat {certificate}")), before);
    set("'shop.test'", "absent = true");
    assert_eq!(site.converge().len(), 3);
    assert_eq!(host.sh("ls /etc/letsencrypt/live /etc/letsencrypt/archive | grep shop || :"), "");

    set("'shop.test'", "webroot = '/srv/acme'\nlego = true\ngroup = 'www-data'");
    assert_eq!(site.converge()[..2], ["+ create key", "+ create certificate"]);
    let within = "/etc/lego/certificates";
    assert_eq!(names(host, &format!("{within}/shop.test.crt")), "DNS:shop.test");
    host.sh(&format!("runuser -u www-data -- cat {within}/shop.test.key {within}/shop.test.crt"));
    let more =
        "webroot = '/srv/acme'\nlego = true\nrsa = true\ngroup = 'www-data'\ncombined = true";
    set("'shop.test'", more);
    let changes = site.converge();
    assert_eq!(changes, ["~ type of the key P-256 → RSA 2048", "+ create combined file"]);
    let config = format!(
        "defaults\n  mode http\n  timeout client 9s\n  timeout connect 9s\n  timeout server 9s\n\
         listen x\n  bind :8444 ssl crt {within}/shop.test.pem\n"
    );
    host.write("/tmp/haproxy.cfg", config);
    host.sh("haproxy -c -f /tmp/haproxy.cfg");
    host.sh("rm $(command -v lego) $(command -v certbot)");
    set("'shop.test'", "webroot = '/srv/acme'\nlego = true\ngroup = 'www-data'");
    let failure = site.failure();
    assert!(failure.contains("hint: install the package `lego`"), "{failure}");
    set("'shop.test'", "lego = true\nabsent = true");
    site.converge();
    assert_eq!(host.sh(&format!("ls {within}")), "");
    set("'shop.test'", "webroot = '/srv/acme'");
    let failure = site.failure();
    assert!(failure.contains("hint: install the package `certbot`"), "{failure}");
}
