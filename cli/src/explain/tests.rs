//! Every page is there, is whole, and tells the truth.

use std::path::Path;

use serde::{Deserialize, Serialize};
use togusa_core::assets::ProjectAssets;
use togusa_core::model::configure;
use togusa_core::prelude::*;
use togusa_core::problem::{Problems, code};
use togusa_environments::secrets::Access;

use super::*;
use crate::failure::Failure;
use crate::ui::Paint;

/// A component with attributes of most kinds, and features.
#[derive(Debug, Attributes)]
#[attributes(features("tls", "metrics"))]
struct Web {
    #[attribute(default = 80)]
    port: u16,
    #[attribute(default = 2)]
    workers: usize,
}

impl Component for Web {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        scope.log(format!("{} workers at port {}", self.workers, self.port));
        Ok(())
    }
}

/// A component with an attribute that must be set.
#[derive(Debug, Attributes)]
struct Shop {
    title: String,
}

impl Component for Shop {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        scope.log(&self.title);
        Ok(())
    }
}

/// A component that reads the data of its host.
#[derive(Debug, Attributes)]
struct Rack;

impl Component for Rack {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        scope.data::<String>("rack").map(|_| ())
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct DatabaseAddress(HostName);

impl Resource for DatabaseAddress {}

#[derive(Debug, Attributes)]
struct Database;

impl Component for Database {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let host = scope.host().clone();
        scope.provide(DatabaseAddress(host));
        Ok(())
    }
}

#[derive(Debug, Attributes)]
struct App;

impl Component for App {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        scope.require_one::<DatabaseAddress>().map(|_| ())
    }
}

fn registry() -> Registry {
    Registry::new()
        .with::<Web>("web")
        .with::<Shop>("shop")
        .with::<Rack>("rack")
        .with::<Database>("database")
        .with::<App>("app")
}

/// The blocks of a page with the words behind their fences.
fn blocks(page: &Page) -> Vec<(&'static str, String)> {
    let mut blocks = Vec::new();
    let mut open = None;
    for line in page.markdown.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(kind), None) => open = Some((kind, String::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some((_, text))) => *text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{}: a block is not closed", page.code);
    blocks
}

/// Loads and configures the environment `live` that some blocks of a page are; the first line of one
/// may name another file.
fn load(page: &Page, kind: &str) -> Result<(), Problems> {
    let project = tempfile::tempdir().unwrap();
    for (_, text) in blocks(page).into_iter().filter(|(found, _)| *found == kind) {
        let named = text.lines().next().and_then(|line| line.strip_prefix("# environments/"));
        let file = format!("environments/{}", named.unwrap_or("live/environment.toml"));
        let file = project.path().join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
    }
    let loaded = togusa_environments::load(project.path(), "shop", "live", Access::Placeholders)?;
    configure(&registry(), &loaded.environment, &ProjectAssets::new(project.path())).map(|_| ())
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    assert_eq!(pages::PAGES.len(), Code::ALL.len());
    for page in pages() {
        let heading = format!("# {}: {}\n\n", page.code, page.title);
        assert!(page.markdown.starts_with(&heading), "{}: {:?}", page.code, page.markdown);
        assert!(!page.title.is_empty() && !page.title.ends_with('.'), "{}", page.code);
        assert_eq!(Page::of(page.code), Some(page));
    }
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("errors");
    let files = std::fs::read_dir(directory).unwrap();
    let mut files: Vec<_> =
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    let codes: Vec<_> = Code::ALL.iter().map(|code| format!("{code}.md")).collect();
    assert_eq!(files, codes);
}

#[test]
fn every_page_tells_cause_and_remedy_and_shows_an_example() {
    for page in pages() {
        let mut parts = page.markdown.split("\n## ");
        let above = parts.next().unwrap().lines().skip(1).collect::<String>();
        assert!(above.len() > 20, "{}: nothing is said above the causes", page.code);
        let parts: Vec<_> = parts.filter_map(|part| part.split_once('\n')).collect();
        let names: Vec<_> = parts.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["Cause", "Remedy", "Example"], "{}", page.code);
        for (name, text) in parts {
            assert!(text.trim().len() > 10, "{}: `{name}` is empty", page.code);
        }
        assert!(!blocks(&page).is_empty(), "{}: the example shows nothing", page.code);
        let shown = page.markdown.contains(&format!("[{}]: ", page.code));
        assert!(shown, "{}: the message is not shown", page.code);
    }
}

#[test]
fn faulty_environments_of_pages_have_the_error_and_mended_ones_none() {
    let (mut faulty, mut wrong) = (0, Vec::new());
    for page in pages() {
        let has = |kind: &str| blocks(&page).iter().any(|(found, _)| *found == kind);
        if has("toml,faulty") {
            faulty += 1;
            let problems = load(&page, "toml,faulty").expect_err(&page.code.to_string());
            let failure = Failure::from(problems);
            let rendered = failure.render(Paint(false));
            let message = blocks(&page).into_iter().find(|(kind, _)| *kind == "text");
            if message.is_none_or(|(_, text)| text != rendered) {
                wrong.push(format!("{} shows another message than this:\n{rendered}", page.code));
            }
            let codes = failure.problems.list.iter().map(|problem| problem.code);
            assert_eq!(codes.collect::<Vec<_>>(), [page.code], "{wrong:?}\n{failure:?}");
            assert!(has("toml"), "{}: nothing shows how it is mended", page.code);
        }
        if has("toml")
            && let Err(problems) = load(&page, "toml")
        {
            wrong.push(format!("{}: what is mended is faulty:\n{problems}", page.code));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(faulty > 25, "{faulty} faulty environments were found");
}

#[test]
fn the_nearest_codes_are_those_that_look_alike() {
    assert_eq!(nearest("T0130")[0], code::LOCAL_HOST_KEY);
    assert_eq!(nearest("T1101").len(), NEAREST);
    assert!(nearest("what").is_empty());
}
