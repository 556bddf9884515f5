//! Objects of S3: from a server that verifies signatures, and from one that tells what it was asked.

use std::fs;
use std::os::unix::fs::chown;
use std::path::PathBuf;
use std::process::Command;

use togusa_components::prelude::*;
use togusa_core::digest::Digest;
use togusa_core::prelude::*;
use togusa_core::testing::{Answer, Fake};

use crate::Bench;
use crate::download::again_without;
use crate::server::Server;
use crate::servers::{Process, curl, free_port};

const CONTENT: &[u8] = b"the content of an object";

/// A form would not be taken for a body.
const PLAIN: &str = "Content-Type: text/plain";

fn sum(content: &[u8]) -> String {
    Digest::of(content).to_string()
}

/// moto, a stand-in for AWS, which verifies signatures with the code that the clients of AWS sign with.
struct Store {
    url: String,
    id: String,
    secret: String,
    _process: Process,
}

impl Store {
    /// With the bucket `things`, whose objects one access key may read.
    fn start(versions: bool, objects: &[(&str, &[u8])]) -> Self {
        let home = PathBuf::from(std::env::var("HOME").unwrap());
        let port = free_port();
        let mut moto = Command::new(home.join(".cache/togusa-tests/moto/bin/moto_server"));
        moto.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        // So many requests are taken without a signature.
        moto.env("INITIAL_NO_AUTH_ACTION_COUNT", "1000");
        let process = Process::start(&mut moto, port, "`tests/run`");
        let url = format!("http://127.0.0.1:{port}");
        let iam = |action: &str| {
            let header = "Authorization: AWS4-HMAC-SHA256 \
                          Credential=x/20260101/us-east-1/iam/aws4_request";
            let data = format!("Version=2010-05-08&UserName=deploy&Action={action}");
            curl(&["-H", header, "-d", &data, &url])
        };
        iam("CreateUser");
        let policy = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
                         "Action": "s3:*", "Resource": "arn:aws:s3:::things/*"}]}"#;
        iam(&format!("PutUserPolicy&PolicyName=read&PolicyDocument={policy}"));
        let keys = iam("CreateAccessKey");
        let element = |name: &str| {
            let (_, rest) = keys.split_once(&format!("<{name}>")).unwrap();
            rest.split_once('<').unwrap().0.to_owned()
        };
        let (id, secret) = (element("AccessKeyId"), element("SecretAccessKey"));
        let put = |path: &str, body: &str| {
            curl(&["-X", "PUT", "-H", PLAIN, "--data", body, &format!("{url}{path}")])
        };
        put("/things", "");
        put("/others", "");
        put("/others/k", "x");
        if versions {
            let body =
                "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
            put("/things?versioning", body);
        }
        let store = Self { url, id, secret, _process: process };
        for (path, content) in objects {
            store.put(path, content);
        }
        store.lock_after(0);
        store
    }

    /// Puts an object, by its path in a URL.
    fn put(&self, path: &str, content: &[u8]) {
        let url = format!("{}/things/{path}", self.url);
        let body = String::from_utf8(content.to_vec()).unwrap();
        curl(&["-X", "PUT", "-H", PLAIN, "--data-binary", &body, &url]);
    }

    /// Takes so many more requests without a signature.
    fn lock_after(&self, count: u32) {
        let url = format!("{}/moto-api/reset-auth", self.url);
        curl(&["-H", PLAIN, "-d", &count.to_string(), &url]);
    }

    /// Puts an object with a signature, which is that of curl; gives its version.
    fn put_signed(&self, path: &str, content: &str) -> String {
        let (url, user) =
            (format!("{}/things/{path}", self.url), format!("{}:{}", self.id, self.secret));
        let body = "x-amz-content-sha256: UNSIGNED-PAYLOAD";
        let sign = ["--aws-sigv4", "aws:amz:us-east-1:s3", "--user", &user, "-H", body];
        let put = ["-i", "-X", "PUT", "-H", PLAIN, "--data-binary", content, &url];
        let answer = curl(&[&sign[..], &put[..]].concat());
        let name = "x-amz-version-id:";
        let version = answer.lines().find_map(|line| {
            line.to_lowercase().starts_with(name).then(|| line[name.len()..].trim().to_owned())
        });
        version.unwrap_or_default()
    }

    /// A root that may use the key.
    fn bench(&self, make: impl Fn(S3Object) -> S3Object + Send + Sync + 'static) -> Bench {
        self.bench_of("things", "k", make)
    }

    fn bench_of(
        &self,
        bucket: &'static str,
        key: &'static str,
        make: impl Fn(S3Object) -> S3Object + Send + Sync + 'static,
    ) -> Bench {
        let (url, id) = (self.url.clone(), self.id.clone());
        let test = Bench::new().data("secret", Secret::new(self.secret.clone()));
        test.model(move |scope| {
            let secret: Secret = scope.data("secret")?.context("no secret")?;
            let object = S3Object::new(bucket, key, "f").endpoint(&*url);
            scope.add(make(object.access_key(&*id, secret)));
            Ok(())
        })
    }
}

#[test]
fn a_signed_request_gets_what_it_may_and_an_error_tells_why_not() {
    let store = Store::start(false, &[("k", CONTENT), ("a%20b%2B%C3%BC/x%20%281%29", b"odd")]);
    let test =
        store.bench(|object| object.sha256(sum(CONTENT)).mode(0o640).owner("root").group("root"));
    assert_eq!(
        test.converge(),
        ["+ create file from `s3://things/k` (mode 0640, owner root, group root)"]
    );
    assert_eq!((test.read("f").as_bytes(), test.mode("f")), (CONTENT, 0o640));
    test.set_mode("f", 0o600);
    assert_eq!(test.converge(), ["~ mode 0600 → 0640"]);
    chown(test.path("f"), Some(12), Some(34)).unwrap();
    let changes = test.converge();
    assert!(changes.len() == 2 && changes[0].ends_with("→ root"), "{changes:?}");
    fs::write(test.path("f"), "other").unwrap();
    let (from, to) = (&sum(b"other")[..12], &sum(CONTENT)[..12]);
    assert_eq!(test.converge(), [format!("~ sha256 {from} → {to}")]);
    assert_eq!(test.read("f").as_bytes(), CONTENT);

    let odd = store.bench_of("things", "a b+ü/x (1)", |object| object.sha256(sum(b"odd")));
    odd.converge();
    assert_eq!(odd.read("f"), "odd");

    for (bench, says, hint) in [
        (
            store.bench_of("things", "none", |it| it.sha256(sum(b""))),
            "the store has no `s3://things/none`",
            "look at the key",
        ),
        (
            store.bench_of("nothing", "k", |it| it.sha256(sum(b""))),
            "AccessDenied",
            "`s3:GetObject`",
        ),
        (
            store.bench_of("others", "k", |it| it.sha256(sum(b"x"))),
            "AccessDenied",
            "`s3:GetObject`",
        ),
        (
            store.bench(|it| it.access_key("AKIAUNKNOWN", "x").sha256(sum(b""))),
            "InvalidAccessKeyId",
            "look at the access key",
        ),
    ] {
        let failure = bench.failure();
        assert!(failure.contains(says) && failure.contains(hint), "{failure}");
        assert!(failure.contains("cannot download `s3://"), "{failure}");
    }
    let id = store.id.clone();
    let wrong = store.bench(move |object| object.access_key(&*id, "wrong").sha256(sum(CONTENT)));
    fs::create_dir_all(wrong.path("")).unwrap();
    fs::write(wrong.path("f"), "old").unwrap();
    let failure = wrong.failure();
    assert!(failure.contains("SignatureDoesNotMatch"), "{failure}");
    assert_eq!(wrong.read("f"), "old");
}

#[test]
fn without_a_checksum_the_store_tells_whether_there_is_another_one() {
    let store = Store::start(true, &[]);
    let version = store.put_signed("k", "one");
    assert!(!version.is_empty(), "the store keeps no versions");
    let newest = store.bench(|object| object.without_checksum());
    newest.converge();
    let pinned = store.bench(move |object| object.version(&*version).without_checksum());
    let created = pinned.converge();
    assert!(
        created[0].starts_with("+ create file from `s3://things/k` in version "),
        "{created:?}"
    );

    store.put_signed("k", "two");
    let changes = newest.converge();
    assert!(changes.len() == 1 && changes[0].starts_with("~ ETag"), "{changes:?}");
    assert_eq!((newest.read("f"), pinned.read("f")), ("two".to_owned(), "one".to_owned()));
    assert_eq!(pinned.converge(), [""; 0]);
    fs::write(newest.path("f"), "mine").unwrap();
    assert_eq!(newest.converge(), ["~ content was changed by hand"]);

    // Who may not ask any more does not change the file, and a version needs nobody.
    drop(store);
    assert!(newest.failure().contains("cannot ask the server for the version of the file"));
    assert_eq!((newest.read("f"), pinned.converge()), ("two".to_owned(), vec![]));
}

/// A root with one object of a server that takes every request.
fn bench(server: &Server, make: impl Fn(S3Object) -> S3Object + Send + Sync + 'static) -> Bench {
    let url = server.url.strip_suffix("/file").unwrap().to_owned();
    Bench::new().model(move |scope| {
        scope.add(make(S3Object::new("b", "k", "f").endpoint(&*url)));
        Ok(())
    })
}

/// A `curl` that tells how it is called, and the programs that the host has besides.
fn noted(test: Bench) -> Bench {
    test.fake(Fake::new("curl").otherwise(Answer::real()))
}

#[test]
fn an_object_with_a_checksum_is_fetched_once_and_needs_no_keys_after_that() {
    let server = Server::new(CONTENT);
    let test = bench(&server, |object| {
        object
            .access_key("me", Secret::new("t0ps3cr3t"))
            .session_token(Secret::new("t0k3n111"))
            .sha256(sum(CONTENT))
    });
    let test = noted(test.data("a", Secret::new("t0ps3cr3t")).data("b", Secret::new("t0k3n111")));
    test.converge();
    assert_eq!(test.new_calls("curl"), ["curl -K -"], "something stands on a command line");
    let asked = server.asked();
    assert!(asked.len() == 1 && asked[0].starts_with("GET /b/k HTTP"), "{asked:?}");
    assert!(asked[0].contains("authorization: AWS4-HMAC-SHA256 Credential=me/"), "{asked:?}");
    assert!(asked[0].contains("x-amz-security-token: t0k3n111"), "{asked:?}");
    assert!(!asked[0].contains("t0ps3cr3t"), "{asked:?}");
    assert_eq!(test.converge(), [""; 0]);
    assert!(server.asked().is_empty() && test.new_calls("curl").is_empty());
}

#[test]
fn a_wrong_object_never_takes_the_place_of_a_right_one() {
    let server = Server::new(b"wrong");
    let test = bench(&server, |object| object.anonymous().sha256(sum(CONTENT)));
    fs::create_dir_all(test.path("")).unwrap();
    fs::write(test.path("f"), "old").unwrap();
    let failure = test.failure();
    assert!(failure.contains("the file has the SHA-256 checksum"), "{failure}");
    assert!(failure.contains("cannot download `s3://b/k`"), "{failure}");
    assert_eq!(test.read("f"), "old");
    let asked = server.asked();
    assert!(asked.iter().all(|asked| !asked.contains("authorization")), "{asked:?}");
    for refusal in ["404 Not Found", "301 Moved Permanently", "403 Forbidden"] {
        server.set(|site| site.refusal = Some(refusal));
        let failure = test.failure();
        assert!(failure.contains(&refusal[..3]), "{failure}");
        assert_eq!(test.read("f"), "old");
    }
}

#[test]
fn a_download_that_broke_is_resumed() {
    let content = b"0123456789".repeat(1000);
    let server = Server::new(&content);
    server.set(|site| site.cut_at = Some(4321));
    let whole = content.clone();
    let test = bench(&server, move |object| {
        object.access_key("me", "secret").retries(0).sha256(sum(&whole))
    });
    assert!(test.failure().contains("cannot download"));
    assert!(!test.exists("f"));
    server.asked();
    test.deploy().assert_success();
    assert_eq!(fs::read(test.path("f")).unwrap(), content);
    let asked = server.asked();
    assert!(asked.len() == 1 && asked[0].contains("Range: bytes=4321-"), "{asked:?}");
}

#[test]
fn without_a_key_the_host_has_its_own() {
    let server = Server::new(CONTENT);
    let own = |aws: Fake| {
        let test = bench(&server, |object| object.profile("web").sha256(sum(CONTENT)));
        noted(test).fake(aws)
    };
    // As version 2.9.19 of Debian answers.
    let keys = "{\n  \"Version\": 1,\n  \"AccessKeyId\": \"AKIDEXAMPLE\",\n  \
                \"SecretAccessKey\": \"sec\",\n  \"SessionToken\": \"tok\"\n}\n";
    let export = ["configure", "export-credentials", "--format", "process", "--profile", "web"];
    let test = own(Fake::new("aws").on(export, Answer::ok().stdout(keys)));
    test.converge();
    let asked = server.asked();
    assert!(asked[0].contains("Credential=AKIDEXAMPLE/"), "{asked:?}");
    assert!(asked[0].contains("x-amz-security-token: tok"), "{asked:?}");

    for (answer, says) in [
        (
            Answer::exit(253).stderr(
                "\nUnable to retrieve credentials: The config profile (web) could not be found\n",
            ),
            "Unable to retrieve credentials: The config profile (web) could not be found",
        ),
        (Answer::ok().stdout("# broken"), "`aws` does not tell the keys of the host"),
        (Answer::exit(252).stderr("aws: error: Invalid choice\n"), "aws: error: Invalid choice"),
    ] {
        let failure = own(Fake::new("aws").on(export, answer)).failure();
        assert!(failure.contains(says) && failure.contains("`.access_key(…)`"), "{failure}");
    }
    assert!(server.asked().is_empty());
}

#[test]
fn without_a_key_and_without_aws_it_is_said_what_is_missing() {
    if std::env::var_os("TESTED_WITHOUT").is_none() {
        let name = "s3_object::without_a_key_and_without_aws_it_is_said_what_is_missing";
        return again_without("aws", name);
    }
    let server = Server::new(CONTENT);
    let failure = bench(&server, |object| object.sha256(sum(CONTENT))).failure();
    assert!(failure.contains("the host has no keys for the store: it has no `aws`"), "{failure}");
    assert!(failure.contains("install version 2 of `aws`"), "{failure}");
}

#[test]
fn without_curl_it_is_wget_that_fetches_and_does_not_ask_in_the_open() {
    if std::env::var_os("TESTED_WITHOUT").is_none() {
        let name = "s3_object::without_curl_it_is_wget_that_fetches_and_does_not_ask_in_the_open";
        again_without("curl", "s3_object::a_download_that_broke_is_resumed");
        return again_without("curl", name);
    }
    let server = Server::new(CONTENT);
    server.set(|site| site.etag = Some("\"1\"".into()));
    let test = bench(&server, |object| object.access_key("me", "secret").without_checksum());
    let failure = test.failure();
    assert!(failure.contains("install the package `curl`"), "{failure}");
    assert_eq!(test.read("f").as_bytes(), CONTENT);
    let asked = server.asked();
    assert!(asked.len() == 1 && asked[0].contains("Credential=me/"), "{asked:?}");
    server.set(|site| site.refusal = Some("301 Moved Permanently"));
    let failure = bench(&server, |object| object.anonymous().sha256(sum(CONTENT))).failure();
    assert!(failure.contains("301"), "{failure}");
}

#[test]
fn what_was_fetched_is_removed_and_nobody_asked() {
    let server = Server::new(CONTENT);
    let test = bench(&server, |object| object.anonymous().without_checksum());
    test.converge();
    server.asked();
    let url = server.url.strip_suffix("/file").unwrap().to_owned();
    test.set_model(move |scope| {
        scope.add(S3Object::new("b", "k", "f").endpoint(&*url).absent());
        Ok(())
    });
    assert_eq!(test.converge(), ["- remove file"]);
    assert!(!test.exists("f") && server.asked().is_empty());
}
