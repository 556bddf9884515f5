use hello_pages::Pages;
use togusa::testing::{Harness, Run};

use super::*;

const ENVIRONMENT: &str = r#"
[hosts.web]
components = ["pages", "site"]

[components.site]
title = "Test"
"#;

fn harness() -> Harness {
    let registry = Registry::new().with::<Pages>("pages").with::<Site>("site");
    togusa::testing::harness(registry, ENVIRONMENT)
}

fn read(harness: &Harness, path: &str) -> String {
    harness.read("web", &format!("site/{path}"))
}

fn release(harness: &Harness) -> String {
    std::fs::read_link(harness.local("web", "site/current")).unwrap().display().to_string()
}

fn deploy(harness: &Harness) -> Run {
    let run = harness.deploy();
    run.assert_success();
    run
}

#[test]
fn the_first_deployment_publishes_all_pages() {
    let harness = harness();
    harness.assert_converges();
    assert_eq!(release(&harness), "releases/1");
    assert!(read(&harness, "current/index.html").contains(r#"<a href="imprint.html">Imprint</a>"#));
    let page = read(&harness, "current/first-steps.html");
    assert!(page.contains("<title>First steps - Test</title>"), "{page}");
    assert!(page.contains("<p>This page was a file"), "{page}");
    assert!(!page.contains("<!-- content -->"), "{page}");
}

#[test]
fn a_change_is_built_and_published_once() {
    let harness = harness();
    deploy(&harness);
    let harness = harness.set("web", "site", "url", "https://example.org");
    let run = harness.assert_plan_matches_deploy();
    let told = "web  Site > File(\"sitemap.txt\")
  ~ content (+4 -4 lines)";
    assert!(run.to_string().starts_with(told), "{run}");
    assert!(run.to_string().ends_with("site@web  converged, 1 changed, 2 triggered"), "{run}");
    assert_eq!(release(&harness), "releases/2");
    assert!(read(&harness, "current/sitemap.txt").starts_with("https://example.org/index.html\n"));
    harness.assert_converges();
    assert_eq!(release(&harness), "releases/2");
}

#[test]
fn a_change_of_a_page_reaches_the_site() {
    let harness = harness();
    deploy(&harness);
    let harness = harness.set("web", "pages", "contact", "jo@example.org");
    deploy(&harness);
    assert!(read(&harness, "current/imprint.html").contains("jo@example.org"));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test puts an obstacle in the way")]
fn a_build_that_fails_leaves_the_release_and_is_done_again() {
    let harness = harness();
    deploy(&harness);
    let obstacle = harness.work_directory("web", "site").join("checksums.new");
    std::fs::create_dir(&obstacle).unwrap();
    let harness = harness.set("web", "site", "title", "Other");
    harness.assert_fails_with("checksums.new");
    assert_eq!(release(&harness), "releases/1");

    std::fs::remove_dir(&obstacle).unwrap();
    let run = deploy(&harness);
    assert!(run.changes().join("\n").contains("triggered by"), "{:#?}", run.changes());
    assert!(read(&harness, "current/index.html").contains("<h1>Other</h1>"));
}

#[test]
fn old_releases_go() {
    let mut harness = harness().set("web", "site", "keep", 2);
    for title in ["one", "two", "three", "four"] {
        harness = harness.set("web", "site", "title", title);
        deploy(&harness);
    }
    let releases = harness.work_directory("web", "site").join("releases");
    let mut left: Vec<_> =
        std::fs::read_dir(releases).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["3", "4"]);
    assert_eq!(release(&harness), "releases/4");
}

#[test]
fn the_feed_is_there_while_the_feature_is() {
    let harness = harness();
    let harness = harness.features("web", "site", ["feed"]);
    harness.assert_converges();
    let feed = read(&harness, "current/feed.xml");
    assert!(feed.contains("<updated>2026-11-20T00:00:00Z</updated>"), "{feed}");
    assert!(read(&harness, "current/index.html").contains("feed.xml"));

    let harness = harness.features("web", "site", []);
    deploy(&harness);
    assert!(!harness.local("web", "site/current/feed.xml").exists());
}

#[test]
fn keeping_no_release_is_an_error() {
    harness().set("web", "site", "keep", 0).assert_refused_with("`keep` is 0");
}

#[test]
fn what_somebody_does_to_the_sources_of_the_site_is_undone() {
    // Each build makes a release of its own, and only the link says which is the present one.
    harness().assert_mends_except(["site/public/**", "site/releases/**", "site/current"]);
}
