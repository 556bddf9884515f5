use togusa::testing::Harness;

use super::*;

/// Shows where the sources of all pages lie.
#[derive(Debug, Attributes)]
struct Reader {}

impl Component for Reader {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        for page in scope.require_all::<Page>()? {
            scope.log(format!("{}: {}", page.name, page.source.as_str()));
        }
        Ok(())
    }
}

fn harness() -> Harness {
    let registry = Registry::new().with::<Pages>("pages").with::<Reader>("reader");
    Harness::new(registry).host("web", ["pages", "reader"])
}

#[test]
fn every_page_that_is_provided_has_a_source_on_the_host() {
    let harness = harness();
    harness.assert_converges();
    let model = harness.configure().unwrap();
    let logs: Vec<_> = model.logs().map(|(_, _, text)| text.to_owned()).collect();
    assert_eq!(logs.len(), 3);
    for log in logs {
        let (name, source) = log.split_once(": ").unwrap();
        assert!(!harness.read("web", source).is_empty(), "{name}");
    }
}

#[test]
fn the_imprint_names_the_contact() {
    let harness = harness().set("web", "pages", "contact", "jo@example.org");
    harness.assert_converges();
    let imprint = harness.read("web", "pages/imprint.html");
    assert!(imprint.contains("Write to jo@example.org."), "{imprint}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test puts a stray file in the way")]
fn an_article_that_is_gone_from_the_source_is_removed() {
    let harness = harness();
    harness.assert_converges();
    let stray = harness.work_directory("web", "pages").join("articles/stray.html");
    std::os::unix::fs::symlink("nowhere", &stray).unwrap();
    assert_eq!(harness.assert_plan_matches_deploy().changes().len(), 1);
    assert!(stray.symlink_metadata().is_err());
}

#[test]
fn what_somebody_does_to_the_pages_is_undone() {
    harness().assert_mends();
}
