//! Certificates of ACME, with fakes of the clients that leave what the real ones do.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use togusa_components::prelude::*;
use togusa_core::testing::{Answer, Fake};

use crate::Bench;

/// What an authority issues: a certificate, and its key.
#[derive(Clone)]
struct Issued {
    certificate: String,
    key: String,
}

const P256: &str = "ec -pkeyopt ec_paramgen_curve:P-256";

fn issued(names: &[&str], key: &str, days: u32) -> Issued {
    let directory = tempfile::tempdir().unwrap();
    let names: Vec<_> = names.iter().map(|name| format!("DNS:{name}")).collect();
    let names = names.join(",");
    let line = format!(
        "req -x509 -nodes -newkey {key} -keyout k -out c -days {days} -subj /CN=x -addext \
         subjectAltName={names}"
    );
    let output = Command::new("openssl").args(line.split(' ')).current_dir(&directory).output();
    assert!(output.unwrap().status.success(), "{line}");
    let read = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap();
    Issued { certificate: read("c"), key: read("k") }
}

const TEST: &str = "https://ca.test/dir";

/// certbot 2.1.0, as far as it is looked at: links into an archive are left to the real one.
fn certbot_gives(issued: &Issued, authority: &str, below: &str) -> Answer {
    let record = format!("version = 2.1.0\n[renewalparams]\nserver = {authority}\n");
    Answer::ok()
        .creates(format!("{below}/live/shop.test/fullchain.pem"), &*issued.certificate)
        .creates(format!("{below}/live/shop.test/privkey.pem"), &*issued.key)
        .creates(format!("{below}/renewal/shop.test.conf"), record)
}

/// Its directory, below the home.
const DIRECTORY: &str = "~/acme";

fn bench(answers: Vec<Answer>) -> Bench {
    let certbot = Fake::new("certbot").on_start(["certonly"], answers);
    Bench::new().fake(certbot).allow(["openssl"])
}

fn set(test: &Bench, make: impl Fn() -> AcmeCertificate + Send + Sync + 'static) {
    test.set_model(move |scope| {
        scope.add(make());
        Ok(())
    });
}

fn shop() -> AcmeCertificate {
    AcmeCertificate::new("Shop.test").terms_agreed().authority(TEST).directory(DIRECTORY)
}

#[test]
fn what_certbot_is_told_is_what_was_asked_for() {
    let whole = issued(&["shop.test"], P256, 90);
    let test = bench(vec![certbot_gives(&whole, TEST, DIRECTORY)]);
    set(&test, || shop().email("ops@shop.test").port(8402).ca_file("/ca.pem"));
    assert_eq!(test.converge(), ["+ create key", "+ create certificate"]);
    let calls = test.new_calls("certbot");
    assert_eq!(calls.len(), 1, "once, and not for the plan: {calls:?}");
    assert_eq!(
        calls[0],
        "certbot certonly --non-interactive --agree-tos --email ops@shop.test --server \
         https://ca.test/dir --config-dir '~/acme' --work-dir '~/acme/work' --logs-dir \
         '~/acme/logs' --cert-name shop.test --domain shop.test --standalone --http-01-port 8402 --key-type ecdsa \
         --elliptic-curve secp256r1 --force-renewal --renew-with-new-domains"
    );
    let challenge = || shop().webroot("/srv/acme").key_type(KeyType::Rsa4096);
    let answer = issued(&["shop.test"], "rsa:2048", 90);
    let test = bench(vec![certbot_gives(&answer, TEST, DIRECTORY)]);
    set(&test, move || challenge().options(["--preferred-chain", "Root"]));
    // The authority gave another kind of key.
    assert!(test.failure().contains("type of the key RSA 2048 → RSA 4096"));
    let told = test.new_calls("certbot").remove(0);
    let end = "--register-unsafely-without-email --server";
    assert!(told.contains(end), "{told}");
    let end = "--webroot --webroot-path /srv/acme --key-type rsa --rsa-key-size 4096 \
               --force-renewal --renew-with-new-domains --preferred-chain Root";
    assert!(told.ends_with(end), "{told}");
}

#[test]
fn drift_in_each_attribute_is_seen_and_mended() {
    let whole = || issued(&["shop.test"], P256, 90);
    let both = issued(&["www.shop.test", "shop.test"], P256, 90);
    let given = |issued: &Issued| certbot_gives(issued, TEST, DIRECTORY);
    let answers = vec![
        given(&whole()),
        given(&both),
        given(&whole()),
        given(&issued(&["shop.test"], "rsa:2048", 90)),
        certbot_gives(&whole(), "https://other.test/dir", DIRECTORY),
        given(&whole()),
        given(&whole()),
        given(&whole()),
        given(&whole()),
        given(&whole()),
    ];
    let number = answers.len();
    let test = bench(answers);
    set(&test, shop);
    test.converge();
    set(&test, || shop().names(["www.shop.test"]));
    assert_eq!(test.converge(), ["~ names shop.test → shop.test, www.shop.test"]);
    set(&test, shop);
    assert_eq!(test.converge(), ["~ names shop.test, www.shop.test → shop.test"]);
    set(&test, || shop().key_type(KeyType::Rsa2048));
    assert_eq!(test.converge(), ["~ type of the key P-256 → RSA 2048"]);
    set(&test, || shop().authority("https://other.test/dir"));
    let changes = test.converge();
    assert_eq!(
        changes,
        [
            "~ type of the key RSA 2048 → P-256",
            "~ authority https://ca.test/dir → https://other.test/dir"
        ]
    );

    let chain = test.home("acme/live/shop.test/fullchain.pem");
    let key = test.home("acme/live/shop.test/privkey.pem");
    set(&test, || shop().authority("https://other.test/dir"));
    let record = test.home("acme/renewal/shop.test.conf");
    fs::remove_file(&record).unwrap();
    set(&test, shop);
    assert_eq!(test.converge(), ["~ authority unknown → https://ca.test/dir"]);
    fs::write(&key, whole().key).unwrap();
    let changes = test.converge();
    assert_eq!(changes[0], "~ the key does not belong to the certificate");
    fs::write(&chain, "nonsense").unwrap();
    assert_eq!(test.converge(), ["~ what the certificate holds is no certificate"]);
    fs::remove_file(&key).unwrap();
    assert_eq!(test.converge(), ["+ create key"]);
    let near = issued(&["shop.test"], P256, 29);
    set(&test, || shop().renew_before(30));
    fs::write(&chain, near.certificate).unwrap();
    fs::write(&key, near.key).unwrap();
    let changes = test.converge();
    assert!(changes[0].starts_with("~ expires in 29 days"), "{changes:?}");
    assert_eq!(test.new_calls("certbot").len(), number);
}

#[test]
fn access_is_mended_in_place() {
    let test = bench(vec![certbot_gives(&issued(&["shop.test"], P256, 90), TEST, DIRECTORY)]);
    set(&test, shop);
    test.converge();
    let key = test.home("acme/live/shop.test/privkey.pem");
    let mode = |below: &str| crate::bench::mode_of(&test.home(below));
    assert_eq!(mode("acme/live/shop.test/privkey.pem"), 0o600, "the fake leaves it to the umask");
    crate::bench::set_mode(&key, 0o644);
    assert_eq!(test.converge(), ["~ mode of the key 0644 → 0600"]);

    crate::bench::set_mode(&test.home("acme/live"), 0o700);
    crate::bench::set_mode(&test.home("acme/live/shop.test/fullchain.pem"), 0o600);
    set(&test, || shop().key_mode(0o640));
    let changes = test.converge();
    assert_eq!(changes.len(), 3, "{changes:?}");
    assert_eq!(changes[0], "~ mode of the key 0600 → 0640");
    assert_eq!(changes[1], "~ mode of the certificate 0600 → 0644");
    assert!(changes[2].ends_with("acme/live` 0700 → 0711"), "{changes:?}");
    if crate::is_root() {
        set(&test, || shop().group("daemon"));
        assert_eq!(test.converge(), ["~ group of the key root → daemon"]);
        set(&test, || shop().group("no-such-group"));
        assert!(test.failure().contains("there is no group `no-such-group`"));
    }
    assert_eq!(test.new_calls("certbot").len(), 1);
}

#[test]
fn a_link_that_another_user_could_have_made_is_not_followed() {
    let test = bench(vec![certbot_gives(&issued(&["shop.test"], P256, 90), TEST, DIRECTORY)]);
    set(&test, shop);
    test.converge();
    let live = test.home("acme/live/shop.test");
    let trap = test.home("trap");
    fs::rename(live.join("privkey.pem"), &trap).unwrap();
    crate::bench::set_mode(&trap, 0o644);
    symlink(&trap, live.join("privkey.pem")).unwrap();
    crate::bench::set_mode(&live, 0o777);
    let failure = test.failure();
    assert!(failure.contains("other users may put something else in the place of"), "{failure}");
    assert!(failure.contains("hint: let its directories belong to root"), "{failure}");
    assert_eq!(crate::bench::mode_of(&trap), 0o644);
    crate::bench::set_mode(&live, 0o755);
    assert_eq!(test.converge(), ["~ mode of the key 0644 → 0600"]);
    // Nor is a file changed that could be another one by then.
    crate::bench::set_mode(&trap, 0o644);
    fs::remove_file(live.join("privkey.pem")).unwrap();
    fs::rename(&trap, live.join("privkey.pem")).unwrap();
    crate::bench::set_mode(&live, 0o777);
    let failure = test.failure();
    assert!(failure.contains("other users may put something else in the place of"), "{failure}");
    assert_eq!(crate::bench::mode_of(&live.join("privkey.pem")), 0o644);
}

#[test]
fn directories_are_not_opened_where_another_key_would_be_shown() {
    let test = bench(vec![certbot_gives(&issued(&["shop.test"], P256, 90), TEST, DIRECTORY)]);
    set(&test, shop);
    test.converge();
    let other = test.home("acme/archive/other.test");
    fs::create_dir_all(&other).unwrap();
    fs::write(other.join("privkey1.pem"), "key").unwrap();
    crate::bench::set_mode(&other.join("privkey1.pem"), 0o644);
    let archive = test.home("acme/archive");
    crate::bench::set_mode(&archive, 0o700);
    set(&test, || shop().key_mode(0o640));
    let failure = test.failure();
    assert!(
        failure.contains("other.test/privkey1.pem` would be readable by everybody"),
        "{failure}"
    );
    assert!(failure.contains("hint: take that right away from it, by `chmod o=`"), "{failure}");
    assert_eq!(crate::bench::mode_of(&archive), 0o700);
    crate::bench::set_mode(&other.join("privkey1.pem"), 0o600);
    test.converge();
    assert_eq!(crate::bench::mode_of(&archive), 0o711);
}

#[test]
fn an_openssl_that_fails_is_not_a_broken_certificate() {
    let test = bench(vec![certbot_gives(&issued(&["shop.test"], P256, 90), TEST, DIRECTORY)]);
    set(&test, shop);
    test.converge();
    let broken = "x509: Error allocating memory\n";
    let test = test.fake(Fake::new("openssl").otherwise(Answer::exit(1).stderr(broken)));
    let failure = test.failure();
    assert!(failure.contains("Error allocating memory"), "{failure}");
    assert!(test.home("acme/live/shop.test/fullchain.pem").exists());
    assert_eq!(test.new_calls("certbot").len(), 1);
}

#[test]
fn both_are_in_one_file_where_that_is_asked_for() {
    let (first, second) = (issued(&["shop.test"], P256, 90), issued(&["shop.test"], P256, 90));
    let test = bench(vec![
        certbot_gives(&first, TEST, DIRECTORY),
        certbot_gives(&second, "https://other.test/dir", DIRECTORY),
    ]);
    set(&test, || shop().combined());
    let changes = test.converge();
    assert_eq!(changes, ["+ create key", "+ create certificate", "+ create combined file"]);
    let path = test.home("acme/combined/shop.test.pem");
    let read = || fs::read_to_string(&path).unwrap();
    assert_eq!(read(), format!("{}{}", first.certificate, first.key));
    assert_eq!(crate::bench::mode_of(&path), 0o600);
    crate::bench::set_mode(&path, 0o644);
    assert_eq!(test.converge(), ["~ mode of the combined file 0644 → 0600"]);
    set(&test, || shop().combined().authority("https://other.test/dir"));
    test.converge();
    assert_eq!(read(), format!("{}{}", second.certificate, second.key));
    // As after a renewal by the client alone.
    fs::write(&path, first.certificate).unwrap();
    assert_eq!(test.converge(), ["~ the combined file holds something else"]);
    set(&test, || shop().authority("https://other.test/dir"));
    assert_eq!(test.converge(), ["- remove combined file"]);
    set(&test, || shop().combined().authority("https://other.test/dir"));
    assert_eq!(test.converge(), ["+ create combined file"]);
    set(&test, || AcmeCertificate::new("shop.test").directory(DIRECTORY).absent());
    assert_eq!(test.converge().len(), 3);
    assert!(!path.exists());
    assert_eq!(test.new_calls("certbot").len(), 2);
}

#[test]
fn one_that_is_absent_is_gone_without_the_client() {
    let test = bench(vec![certbot_gives(&issued(&["shop.test"], P256, 90), TEST, DIRECTORY)]);
    set(&test, shop);
    test.converge();
    fs::create_dir_all(test.home("acme/live/other.test")).unwrap();
    // Nothing but the name is needed for that.
    set(&test, || AcmeCertificate::new("shop.test").directory(DIRECTORY).absent());
    let changes = test.converge();
    assert_eq!(changes.len(), 2, "{changes:?}");
    assert!(changes.iter().all(|change| change.starts_with("- remove `")), "{changes:?}");
    assert!(
        !test.home("acme/live/shop.test").exists() && test.home("acme/live/other.test").exists()
    );
    assert!(!test.home("acme/renewal/shop.test.conf").exists());
    assert_eq!(test.new_calls("certbot").len(), 1);
}

#[test]
fn one_of_lego_is_known_by_host_and_port_of_its_authority() {
    // The files of lego 4.9.1; of its record only what is read.
    let given = |issued: &Issued, authority: &str| {
        let record = format!("{{\n\t\"domain\": \"x\",\n\t\"certUrl\": \"{authority}/cert/1\"\n}}");
        Answer::ok()
            .creates("~/acme/certificates/shop.test.crt", &*issued.certificate)
            .creates("~/acme/certificates/shop.test.key", &*issued.key)
            .creates("~/acme/certificates/shop.test.json", record)
    };
    let whole = issued(&["shop.test"], P256, 90);
    let answers = vec![given(&whole, "https://ca.test"), given(&whole, "https://other.test")];
    let lego = Fake::new("lego").on_start(["--accept-tos"], answers);
    let test = Bench::new().fake(lego).allow(["openssl"]);
    let shop = || shop().lego().email("ops@shop.test");
    set(&test, move || shop().port(8402));
    assert_eq!(test.converge(), ["+ create key", "+ create certificate"]);
    assert_eq!(
        test.new_calls("lego")[0],
        "lego --accept-tos --email ops@shop.test --server https://ca.test/dir --path '~/acme' --domains \
         shop.test --key-type ec256 --http --http.port :8402 run"
    );
    set(&test, move || shop().authority("https://ca.test/v2").webroot("/srv/acme"));
    assert!(test.converge().is_empty());
    set(&test, move || shop().authority("https://other.test/v2").webroot("/srv/acme"));
    assert_eq!(test.converge(), ["~ authority https://ca.test → https://other.test"]);
    assert!(test.new_calls("lego")[0].ends_with("--http --http.webroot /srv/acme run"));
    set(&test, move || shop().absent());
    assert_eq!(test.converge().len(), 3);
    assert!(fs::read_dir(test.home("acme/certificates")).unwrap().next().is_none());
}

#[test]
fn a_client_that_fails_leaves_what_there_is() {
    let refused = Answer::exit(1).stderr("Some challenges have failed.\n");
    let short = issued(&["shop.test"], P256, 6);
    let answers = vec![certbot_gives(&short, TEST, DIRECTORY), refused.clone(), refused];
    let test = bench(answers);
    set(&test, shop);
    assert_eq!(test.converge().len(), 2, "a third of six days is not over");
    let chain = fs::read_to_string(test.home("acme/live/shop.test/fullchain.pem")).unwrap();
    set(&test, || shop().renew_before(7));
    let failure = test.failure();
    assert!(failure.contains("there is no new certificate"), "{failure}");
    assert!(failure.contains("Some challenges have failed."), "{failure}");
    assert!(failure.contains("hint: what the client says tells why"), "{failure}");
    let now = fs::read_to_string(test.home("acme/live/shop.test/fullchain.pem")).unwrap();
    assert_eq!(now, chain, "the old one stays in use");

    let test = bench(vec![certbot_gives(&short, TEST, DIRECTORY)]);
    set(&test, || shop().renew_before(7));
    let failure = test.failure();
    assert!(failure.contains("hold for 6 days, and would be renewed at once"), "{failure}");
    set(&test, shop);
    test.converge();
}

#[test]
fn what_is_broken_is_there_again_after_a_refusal() {
    let first = issued(&["shop.test"], P256, 90);
    // What a client leaves that gives up in the middle.
    let refused = Answer::exit(1).stderr("Some challenges have failed.\n");
    let refused = refused.creates("~/acme/live/shop.test/README", "half");
    let second = certbot_gives(&issued(&["shop.test"], P256, 90), TEST, DIRECTORY);
    let test = bench(vec![certbot_gives(&first, TEST, DIRECTORY), refused, second]);
    set(&test, shop);
    test.converge();
    let live = test.home("acme/live/shop.test");
    let archive = test.home("acme/archive/shop.test");
    fs::create_dir_all(&archive).unwrap();
    fs::write(archive.join("privkey1.pem"), "archived").unwrap();
    fs::write(live.join("privkey.pem"), issued(&["shop.test"], P256, 90).key).unwrap();
    assert!(test.failure().contains("Some challenges have failed."));
    let chain = fs::read_to_string(live.join("fullchain.pem")).unwrap();
    assert_eq!(chain, first.certificate);
    assert!(!live.join("README").exists() && archive.join("privkey1.pem").exists());
    assert!(test.home("acme/renewal/shop.test.conf").exists());
    assert_eq!(fs::read_dir(test.home("acme/live")).unwrap().count(), 1, "nothing is left aside");
    test.converge();
    assert!(!archive.exists(), "what was broken is gone");
    for below in ["acme/live", "acme/archive", "acme/renewal"] {
        let mut names = fs::read_dir(test.home(below)).unwrap().map(|entry| entry.unwrap());
        assert!(!names.any(|entry| entry.file_name().to_str().unwrap().starts_with('.')));
    }
}

#[test]
fn a_copy_without_links_is_made_anew_and_a_lineage_is_renewed() {
    let near = issued(&["shop.test"], P256, 5);
    let whole = issued(&["shop.test"], P256, 90);
    let given = |issued: &Issued| certbot_gives(issued, TEST, DIRECTORY);
    let test = bench(vec![given(&near), given(&near), given(&whole)]);
    set(&test, shop);
    test.converge();
    let live = test.home("acme/live/shop.test");
    let archive = test.home("acme/archive/shop.test");
    fs::create_dir_all(&archive).unwrap();
    for name in ["cert", "chain"] {
        fs::write(live.join(format!("{name}.pem")), "x").unwrap();
    }
    fs::write(live.join("README"), "of before").unwrap();
    set(&test, || shop().renew_before(6));
    assert!(test.failure().contains("would be renewed at once"));
    assert!(!live.join("README").exists(), "what has no links is not certbot's");

    for name in ["cert", "chain"] {
        fs::write(live.join(format!("{name}.pem")), "x").unwrap();
    }
    for name in ["cert", "chain", "privkey", "fullchain"] {
        let target = archive.join(format!("{name}1.pem"));
        fs::create_dir_all(&archive).unwrap();
        fs::rename(live.join(format!("{name}.pem")), &target).unwrap();
        symlink(format!("../../archive/shop.test/{name}1.pem"), live.join(format!("{name}.pem")))
            .unwrap();
    }
    fs::write(live.join("README"), "of certbot").unwrap();
    test.converge();
    assert!(live.join("README").exists(), "certbot renews what is its own");
}

#[test]
fn another_certbot_is_waited_for() {
    // certbot 2.1.0, beside another one.
    let busy = Answer::exit(1).stderr("Another instance of Certbot is already running.\n");
    let given = certbot_gives(&issued(&["shop.test"], P256, 90), TEST, DIRECTORY);
    let test = bench(vec![busy, given]);
    set(&test, shop);
    test.converge();
    assert_eq!(test.new_calls("certbot").len(), 2);
}

#[test]
fn what_cannot_be_is_a_model_error() {
    let problems = |make: fn() -> AcmeCertificate| {
        let test = Bench::new();
        set(&test, make);
        test.problems()
    };
    for name in ["*.shop.test", "10.0.0.1", "a b", "", "a..b", "-x.test"] {
        let test = Bench::new();
        set(&test, move || AcmeCertificate::new(name).terms_agreed());
        let problems = test.problems();
        assert!(problems.contains(&format!("`{name}` is no name that is asked over HTTP")));
    }
    let told = problems(|| AcmeCertificate::new("shop.test"));
    assert!(told.contains("nobody has agreed to the terms of the authority `https://acme-v02"));
    assert!(told.contains("say `.terms_agreed()`"), "{told}");
    assert!(problems(|| shop().lego()).contains("lego needs an address of mail"));
    assert!(problems(|| shop().email("ops")).contains("`ops` is no address of mail"));
    assert!(problems(|| shop().authority("http://ca.test")).contains("no address of a directory"));
    assert!(problems(|| shop().webroot("/x").port(80)).contains("the client answers at no port"));
    assert!(problems(|| shop().key_mode(0o644)).contains("mode 0644 would show the key"));
}
