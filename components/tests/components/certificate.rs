//! Certificates that sign themselves, and given ones.

use std::fs;
use std::path::Path;
use std::process::Command as Run;
use std::sync::LazyLock;

use togusa_components::prelude::*;

use crate::Bench;

fn bench(make: impl Fn() -> Certificate + Send + Sync + 'static) -> Bench {
    Bench::new().model(move |scope| {
        scope.add(make());
        Ok(())
    })
}

fn openssl(directory: &Path, arguments: &str) -> String {
    let output = Run::new("openssl").args(arguments.split(' ')).current_dir(directory).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn own() -> Certificate {
    Certificate::self_signed("shop.localhost").names(["127.0.0.1"]).days(90)
}

#[test]
fn a_new_one_holds_for_its_names_and_belongs_to_its_key() {
    let test = bench(own);
    let changes = test.converge();
    assert_eq!(changes, ["+ create key (mode 0600)", "+ create certificate (mode 0644)"]);
    let text = openssl(&test.path(""), "x509 -in shop.localhost.crt -noout -text");
    assert!(text.contains("DNS:shop.localhost, IP Address:127.0.0.1"), "{text}");
    assert!(text.contains("Subject: CN = shop.localhost"), "{text}");
    let of_key = openssl(&test.path(""), "pkey -in shop.localhost.key -pubout");
    let of_certificate = openssl(&test.path(""), "x509 -in shop.localhost.crt -noout -pubkey");
    assert_eq!(of_key, of_certificate);
    assert_eq!((test.mode("shop.localhost.key"), test.mode("shop.localhost.crt")), (0o600, 0o644));
}

#[test]
fn drift_in_each_attribute_is_seen_and_mended() {
    let test = bench(own);
    test.converge();
    let first = test.read("shop.localhost.key");
    test.set_mode("shop.localhost.key", 0o644);
    test.set_mode("shop.localhost.crt", 0o600);
    assert_eq!(
        test.converge(),
        ["~ mode of the key 0644 → 0600", "~ mode of the certificate 0600 → 0644"]
    );
    assert_eq!(test.read("shop.localhost.key"), first, "a mode alone makes no new key");

    type Made = fn() -> Certificate;
    let changed: [(Made, &str); 3] = [
        (
            || own().names(["::1"]),
            "~ names 127.0.0.1, shop.localhost → 127.0.0.1, ::1, shop.localhost",
        ),
        (|| own().names(["::1"]).days(100), "~ days 90 → 100"),
        (|| own().names(["::1"]).days(100).key_mode(0o640), "~ mode of the key 0600 → 0640"),
    ];
    for (make, expected) in changed {
        test.set_model(move |scope| {
            scope.add(make());
            Ok(())
        });
        assert_eq!(test.converge(), [expected]);
    }

    openssl(&test.path(""), "genpkey -algorithm ED25519 -out shop.localhost.key");
    test.set_mode("shop.localhost.key", 0o640);
    assert_eq!(test.converge(), ["~ the key does not belong to the certificate"]);
    fs::write(test.path("shop.localhost.crt"), "nonsense").unwrap();
    assert_eq!(test.converge(), ["~ what the certificate holds is no certificate"]);
    fs::remove_file(test.path("shop.localhost.crt")).unwrap();
    assert_eq!(test.converge(), ["+ create certificate (mode 0644)"]);
}

#[test]
fn one_that_comes_to_its_end_is_made_anew() {
    let test = bench(|| own().days(60).renew_before(10));
    test.converge();
    let near = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
                -keyout shop.localhost.key -out shop.localhost.crt -days 5 -subj /CN=shop.localhost \
                -addext subjectAltName=DNS:shop.localhost,IP:127.0.0.1";
    openssl(&test.path(""), near);
    let changes = test.converge();
    assert_eq!(changes.len(), 2, "{changes:?}");
    assert_eq!(changes[0], "~ days 5 → 60");
    assert!(changes[1].starts_with("~ expires in "), "{changes:?}");
    let problems = bench(|| own().days(30)).problems();
    assert!(problems.contains("made anew as soon as it was made"), "{problems}");
}

/// A root, one that it has issued, and the key of that.
struct Chain {
    own: String,
    root: String,
    key: String,
    other_key: String,
    expired: String,
}

static CHAIN: LazyLock<Chain> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let ec = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(at, &format!("req -x509 {ec} -keyout root.key -out root.crt -days 90 -subj /CN=root"));
    openssl(at, &format!("req {ec} -keyout own.key -out own.csr -subj /CN=own"));
    let sign = "x509 -req -in own.csr -CA root.crt -CAkey root.key -CAcreateserial";
    openssl(at, &format!("{sign} -out own.crt -days 90"));
    openssl(at, &format!("{sign} -out expired.crt -days -1"));
    openssl(at, "genpkey -algorithm ED25519 -out other.key");
    let read = |name: &str| fs::read_to_string(at.join(name)).unwrap();
    Chain {
        own: read("own.crt"),
        root: read("root.crt"),
        key: read("own.key"),
        other_key: read("other.key"),
        expired: read("expired.crt"),
    }
});

fn given(certificate: String, key: &'static str) -> Bench {
    bench(move || Certificate::given("own", certificate.as_str(), key))
}

#[test]
fn a_given_one_is_written_and_kept_with_its_key_private() {
    let test = given(format!("{}{}", CHAIN.own, CHAIN.root), &CHAIN.key);
    let run = test.deploy();
    run.assert_success();
    let line = CHAIN.key.lines().nth(1).unwrap();
    assert!(!format!("{run:?}").contains(line), "the key is shown");
    assert!(test.converge().is_empty());
    assert_eq!(test.read("own.key"), CHAIN.key);
    assert_eq!((test.mode("own.key"), test.mode("own.crt")), (0o600, 0o644));
    test.set_mode("own.key", 0o604);
    assert_eq!(test.converge(), ["~ mode 0604 → 0600"]);
    fs::write(test.path("own.crt"), "x").unwrap();
    assert_eq!(test.converge().len(), 1);
}

#[test]
fn a_given_one_that_cannot_serve_is_refused_before_anything_is_written() {
    let check = |certificate: String, key: &'static str, expected: &str| {
        let test = given(certificate, key);
        let failure = test.failure();
        assert!(failure.contains(expected), "{failure}");
        assert!(failure.contains("hint: "), "{failure}");
        assert!(!test.exists("own.key") && !test.exists("own.crt"));
    };
    let (own, root) = (&CHAIN.own, &CHAIN.root);
    check(own.clone(), &CHAIN.other_key, "the key does not belong to the certificate of CN=own");
    check(
        format!("{root}{own}"),
        &CHAIN.key,
        "certificate 1 of the chain was issued by CN=root, but",
    );
    check(own.clone(), "nonsense", "the key cannot be read");
    check(CHAIN.expired.clone(), &CHAIN.key, "the certificate of CN=own expired ");
    let failure = given("nonsense".into(), &CHAIN.key).failure();
    assert!(failure.contains("the certificate is not in PEM"), "{failure}");
}

#[test]
fn a_given_one_that_comes_to_its_end_is_reported() {
    let test = given(CHAIN.own.clone(), &CHAIN.key);
    test.converge();
    test.set_model(|scope| {
        scope.add(
            Certificate::given("own", CHAIN.own.as_str(), CHAIN.key.as_str()).renew_before(99),
        );
        Ok(())
    });
    let planned = test.plan();
    assert!(crate::lines(&planned)[0].starts_with("~ CN=own expires in "), "{planned:?}");
    assert!(test.failure().contains("comes to its end, and was given"));
}

#[test]
fn secret_files_can_be_given() {
    let test = bench(|| Certificate::given_files("own", "tls/own.crt", "tls/own.key"));
    let test = test.secret_file("tls/own.crt", CHAIN.own.clone().into_bytes());
    let test = test.secret_file("tls/own.key", CHAIN.key.clone().into_bytes());
    test.converge();
    assert_eq!(
        (test.read("own.key"), test.read("own.crt")),
        (CHAIN.key.clone(), CHAIN.own.clone())
    );
    assert_eq!((test.mode("own.key"), test.mode("own.crt")), (0o600, 0o644));
}

#[test]
fn names_and_modes_that_cannot_be_are_model_errors() {
    let problems = bench(|| Certificate::self_signed("a b")).problems();
    assert!(problems.contains("`a b` is no name for a certificate"), "{problems}");
    let problems = bench(|| own().names(["a,DNS:b"])).problems();
    assert!(problems.contains("`a,DNS:b` is no name of a host"), "{problems}");
    let problems = bench(|| own().key_mode(0o644)).problems();
    assert!(problems.contains("mode 0644 would show the key to everybody"), "{problems}");
}
