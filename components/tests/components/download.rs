//! Downloads, from a server in the test.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use togusa_components::prelude::*;
use togusa_core::digest::Digest;
use togusa_core::prelude::*;

use crate::Bench;
use crate::server::Server;

const CONTENT: &[u8] = b"the content of a file";

fn sum(content: &[u8]) -> String {
    Digest::of(content).to_string()
}

fn bench(server: &Server, make: impl Fn(&str) -> Download + Send + Sync + 'static) -> Bench {
    let url = server.url.clone();
    Bench::new().model(move |scope| {
        scope.add(make(&url));
        Ok(())
    })
}

#[test]
fn a_file_with_a_checksum_is_fetched_once_and_needs_no_server_after_that() {
    let server = Server::new(CONTENT);
    let test = bench(&server, |url| Download::new(url, "f").sha256(sum(CONTENT)).mode(0o755));
    let created = test.converge();
    assert_eq!(created, [format!("+ create file from `{}` (mode 0755)", server.url)]);
    assert_eq!((fs::read(test.path("f")).unwrap().as_slice(), test.mode("f")), (CONTENT, 0o755));
    assert_eq!(server.asked().len(), 1);
    assert!(test.converge().is_empty());
    test.set_mode("f", 0o644);
    assert_eq!(test.converge(), ["~ mode 0644 → 0755"]);
    assert!(server.asked().is_empty(), "it was fetched again");
    fs::write(test.path("f"), "other").unwrap();
    let (from, to) = (&sum(b"other")[..12], &sum(CONTENT)[..12]);
    assert_eq!(test.converge(), [format!("~ sha256 {from} → {to}")]);
    assert_eq!(fs::read(test.path("f")).unwrap(), CONTENT);
}

#[test]
fn another_checksum_fetches_another_file() {
    let server = Server::new(CONTENT);
    let test = bench(&server, |url| Download::new(url, "f").sha256(sum(CONTENT)));
    test.converge();
    server.set(|site| site.content = b"new".to_vec());
    let url = server.url.clone();
    test.set_model(move |scope| {
        let sum = format!("sha256:{}", sum(b"new").to_uppercase());
        scope.add(Download::new(url.as_str(), "f").sha256(sum));
        Ok(())
    });
    test.converge();
    assert_eq!(test.read("f"), "new");
}

#[test]
fn a_wrong_file_never_takes_the_place_of_a_right_one() {
    let server = Server::new(b"wrong");
    let test = bench(&server, |url| Download::new(url, "f").sha256(sum(CONTENT)));
    fs::create_dir_all(test.path("")).unwrap();
    fs::write(test.path("f"), "old").unwrap();
    let failure = test.failure();
    assert!(failure.contains("the file has the SHA-256 checksum"), "{failure}");
    assert!(failure.contains(&format!("cannot download `{}`", server.url)), "{failure}");
    assert_eq!(test.read("f"), "old");
}

#[test]
fn a_download_that_broke_is_resumed() {
    let content = b"0123456789".repeat(1000);
    for ranges in [true, false] {
        let server = Server::new(&content);
        server.set(|site| (site.cut_at, site.ranges) = (Some(4321), ranges));
        let whole = content.clone();
        let test =
            bench(&server, move |url| Download::new(url, "f").sha256(sum(&whole)).retries(0));
        assert!(test.failure().contains("cannot download"));
        assert!(!test.exists("f"));
        server.asked();
        test.deploy().assert_success();
        assert_eq!(fs::read(test.path("f")).unwrap(), content);
        let asked = server.asked();
        assert!(asked[0].contains("Range: bytes=4321-"), "{asked:?}");
        // A server that knows no ranges gives the whole, if need be when it is asked again.
        assert!(asked.len() <= if ranges { 1 } else { 2 }, "{asked:?}");
        let left = fs::read_dir(test.path(".togusa")).unwrap().count();
        assert_eq!(left, 0, "the partial file is still there");
    }
}

#[test]
fn a_download_that_broke_and_changed_meanwhile_begins_anew() {
    let server = Server::new(&b"a".repeat(5000));
    server.set(|site| site.cut_at = Some(100));
    let test =
        bench(&server, |url| Download::new(url, "f").sha256(sum(&b"b".repeat(5000))).retries(0));
    assert!(test.failure().contains("cannot download"));
    server.set(|site| site.content = b"b".repeat(5000));
    test.deploy().assert_success();
    assert_eq!(fs::read(test.path("f")).unwrap(), b"b".repeat(5000));
    // One that is shorter than what came already.
    let shrunk = bench(&server, |url| Download::new(url, "f").sha256(sum(b"c")).retries(0));
    server.set(|site| site.cut_at = Some(100));
    assert!(shrunk.failure().contains("cannot download"));
    server.set(|site| site.content = b"c".to_vec());
    shrunk.deploy().assert_success();
    assert_eq!(shrunk.read("f"), "c");
}

#[test]
fn without_a_checksum_the_server_tells_whether_there_is_another_version() {
    let server = Server::new(CONTENT);
    server.set(|site| site.etag = Some("\"1\"".into()));
    let test = bench(&server, |url| Download::new(url, "f").without_checksum());
    test.converge();
    server.asked();
    assert!(test.converge().is_empty());
    let asked = server.asked();
    assert!(!asked.is_empty() && asked.iter().all(|asked| asked.starts_with("HEAD")), "{asked:?}");
    server.set(|site| (site.content, site.etag) = (b"new".to_vec(), Some("\"2\"".into())));
    assert_eq!(test.converge(), ["~ ETag \"1\" → \"2\""]);
    assert_eq!(test.read("f"), "new");
    fs::write(test.path("f"), "mine").unwrap();
    assert_eq!(test.converge(), ["~ content was changed by hand"]);
    assert_eq!(test.read("f"), "new");
}

#[test]
fn a_server_that_tells_no_version_is_asked_once() {
    let server = Server::new(CONTENT);
    let test = bench(&server, |url| Download::new(url, "f").without_checksum());
    test.converge();
    server.asked();
    assert!(test.converge().is_empty());
    assert!(server.asked().is_empty());
}

#[test]
fn a_refusal_is_shown_and_an_empty_file_is_a_file() {
    let server = Server::new(b"");
    server.set(|site| site.refusal = Some("404 Not Found"));
    let test = bench(&server, |url| Download::new(url, "f").sha256(sum(b"")));
    let failure = test.failure();
    assert!(failure.contains("404"), "{failure}");
    server.set(|site| site.refusal = None);
    test.deploy().assert_success();
    assert_eq!(test.read("f"), "");
}

#[test]
fn what_cannot_be_meant_is_a_model_error() {
    let problems = |make: fn() -> Download| {
        let test = Bench::new().model(move |scope| {
            scope.add(make());
            Ok(())
        });
        test.problems()
    };
    let none = problems(|| Download::new("http://x/", "f"));
    assert!(none.contains("a download needs a checksum"), "{none}");
    assert!(none.contains("`.without_checksum()`"), "{none}");
    let short = problems(|| Download::new("http://x/", "f").sha256("abc"));
    assert!(short.contains("`abc` is no SHA-256 digest"), "{short}");
    let scheme = problems(|| Download::new("/etc/passwd", "f").without_checksum());
    assert!(scheme.contains("does not begin with `https://`"), "{scheme}");
    let lines = problems(|| {
        Download::new("http://x/", "f").header("A", "b\noutput = /x").without_checksum()
    });
    assert!(lines.contains("stand on one line each"), "{lines}");
}

#[test]
fn a_link_in_its_place_is_replaced() {
    let server = Server::new(CONTENT);
    let test = bench(&server, |url| Download::new(url, "f").sha256(sum(CONTENT)));
    fs::create_dir_all(test.path("")).unwrap();
    fs::write(test.outside("precious"), "kept").unwrap();
    symlink(test.outside("precious"), test.path("f")).unwrap();
    assert_eq!(test.converge().len(), 2);
    assert_eq!(fs::read_to_string(test.outside("precious")).unwrap(), "kept");
}

#[test]
fn secrets_reach_the_server_and_nothing_else() {
    let server = Server::new(CONTENT);
    let url = server.url.replace("http://", "http://me:tr0ub4dor@");
    let test = Bench::new().data("token", Secret::new("t0k3n \"quoted\"")).model(move |scope| {
        let token: Secret = scope.data("token")?.context("no token")?;
        let download = Download::new(url.as_str(), "f").sha256(sum(CONTENT));
        scope.add(download.header("X-Token", &token));
        let other = Download::new(url.as_str(), "g").sha256(sum(CONTENT));
        scope.add(other.basic_auth("you", token));
        Ok(())
    });
    let planned = test.plan();
    let run = test.deploy();
    run.assert_success();
    for run in [&planned, &run] {
        let told = format!("{run:?}");
        assert!(!told.contains("t0k3n") && !told.contains("tr0ub4dor"), "{told}");
    }
    let asked = server.asked();
    assert!(asked[0].contains("X-Token: t0k3n \"quoted\""), "{asked:?}");
    // `you:t0k3n "quoted"`
    assert!(asked[1].contains("Authorization: Basic eW91OnQwazNuICJxdW90ZWQi"), "{asked:?}");
}

#[test]
fn credentials_stay_with_the_server_that_they_are_for() {
    let (first, other) = (Server::new(b""), Server::new(CONTENT));
    // Another host, as far as a client knows.
    let elsewhere = other.url.replace("127.0.0.1", "localhost");
    let found: &'static str = format!("302 Found\r\nLocation: {elsewhere}").leak();
    first.set(|site| site.refusal = Some(found));
    let url = first.url.clone();
    let get = move || Download::new(url.as_str(), "f").sha256(sum(CONTENT)).retries(0);
    let test = Bench::new();
    let plain = get.clone();
    test.set_model(move |scope| {
        scope.add(plain());
        Ok(())
    });
    test.converge();
    assert_eq!((first.asked().len(), other.asked().len()), (1, 1));
    for by_header in [false, true] {
        fs::remove_file(test.path("f")).unwrap_or_default();
        let get = get.clone();
        test.set_model(move |scope| {
            let secret = || Secret::new("tr0ub4dor");
            scope.add(match by_header {
                true => get().header("Authorization", secret()),
                false => get().basic_auth("you", secret()),
            });
            Ok(())
        });
        let run = test.deploy();
        let (asked, elsewhere) = (first.asked(), other.asked());
        assert!(asked[0].contains("Authorization: "), "{asked:?}");
        assert!(elsewhere.iter().all(|it| !it.contains("Authorization")), "{elsewhere:?}");
        // Only curl keeps them to itself.
        let follows = std::env::var_os("TESTED_WITHOUT").is_none();
        assert_eq!(run.summary.is_success(), follows, "{run}");
        assert!(
            follows || run.to_string().contains("the package `curl` takes a redirect"),
            "{run}"
        );
        assert_eq!(elsewhere.len(), usize::from(follows));
    }
}

/// Runs one test in a process of its own, whose `PATH` has a program less.
pub fn again_without(program: &str, name: &str) {
    let bin = tempfile::tempdir().unwrap();
    for directory in ["/usr/bin", "/bin", "/usr/local/bin"].map(Path::new) {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let there = bin.path().join(entry.file_name());
            if entry.file_name() != program && there.symlink_metadata().is_err() {
                symlink(entry.path(), there).unwrap();
            }
        }
    }
    let own = std::env::current_exe().unwrap();
    let ran = std::process::Command::new(own)
        .args(["--exact", name])
        .env("PATH", bin.path())
        .env("TESTED_WITHOUT", program)
        .output();
    let ran = ran.unwrap();
    let told = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && told.contains("1 passed"), "{told}");
}

#[test]
fn without_curl_it_is_wget_that_fetches() {
    for name in [
        "a_file_with_a_checksum_is_fetched_once_and_needs_no_server_after_that",
        "a_download_that_broke_is_resumed",
        "without_a_checksum_the_server_tells_whether_there_is_another_version",
        "secrets_reach_the_server_and_nothing_else",
        "credentials_stay_with_the_server_that_they_are_for",
        "a_refusal_is_shown_and_an_empty_file_is_a_file",
    ] {
        again_without("curl", &format!("download::{name}"));
    }
}

#[test]
fn brackets_and_braces_in_a_url_are_themselves() {
    let server = Server::new(CONTENT);
    let test = bench(&server, |url| {
        Download::new(format!("{url}?a[1-2]={{b,c}}"), "f").sha256(sum(CONTENT))
    });
    test.converge();
    let asked = server.asked();
    assert!(asked.len() == 1 && asked[0].starts_with("GET /file?a[1-2]={b,c} "), "{asked:?}");
}

#[test]
fn what_was_downloaded_is_removed_and_nobody_asked() {
    let server = Server::new(CONTENT);
    let test = bench(&server, |url| Download::new(url, "f").sha256(sum(CONTENT)));
    test.converge();
    let url = server.url.clone();
    test.set_model(move |scope| {
        scope.add(Download::new(url.as_str(), "f").absent());
        Ok(())
    });
    server.asked();
    assert_eq!(test.converge(), ["- remove file"]);
    assert!(!test.exists("f") && server.asked().is_empty());
    fs::create_dir(test.path("f")).unwrap();
    assert!(test.failure().contains("is no file"));
    assert!(test.exists("f"));
}
