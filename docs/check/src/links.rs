//! Every page is in the summary, every link leads somewhere.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use crate::pages::{Page, SOURCE};
use crate::{Finding, root};

/// Finds pages of the book that its summary does not name.
pub fn outside_of_summary(pages: &[Page]) -> Vec<Finding> {
    let Some(summary) = pages.iter().find(|page| page.in_book() == Some("SUMMARY.md")) else {
        let wrong = "the book has no summary".to_owned();
        return vec![Finding { path: format!("{SOURCE}/SUMMARY.md"), line: 1, wrong }];
    };
    let named =
        |name: &str| summary.links.iter().any(|link| link.to.trim_start_matches("./") == name);
    let missing = pages.iter().filter_map(|page| {
        let name = page.in_book().filter(|name| *name != "SUMMARY.md" && !named(name))?;
        let wrong =
            format!("the page is not in the summary: add `[…]({name})` to {}", summary.path);
        Some(Finding { path: page.path.clone(), line: 1, wrong })
    });
    missing.collect()
}

/// Finds links that lead nowhere; those to other sites are not followed.
pub fn broken(pages: &[Page]) -> Vec<Finding> {
    let by_path: BTreeMap<&str, &Page> = pages.iter().map(|page| (&*page.path, page)).collect();
    let mut findings = Vec::new();
    for page in pages {
        for link in &page.links {
            if let Some(wrong) = wrong(page, &link.to, &by_path) {
                findings.push(Finding { path: page.path.clone(), line: link.line, wrong });
            }
        }
    }
    findings
}

fn wrong(page: &Page, to: &str, pages: &BTreeMap<&str, &Page>) -> Option<String> {
    if ["https://", "http://", "mailto:"].iter().any(|scheme| to.starts_with(scheme)) {
        return None;
    }
    let (file, anchor) = to.split_once('#').map_or((to, None), |(file, name)| (file, Some(name)));
    let target = if file.is_empty() { page.path.clone() } else { resolved(&page.path, file)? };
    if page.in_book().is_some() && !target.starts_with(&format!("{SOURCE}/")) {
        return Some(format!(
            "`{to}` leads out of the book, whose reader has no repository: name the place in words"
        ));
    }
    let Some(other) = pages.get(target.as_str()) else {
        let there = root().join(&target).exists();
        return (!there).then(|| format!("`{to}` leads nowhere: there is no `{target}`"));
    };
    let anchor = anchor.filter(|anchor| !other.anchors.iter().any(|known| known == anchor))?;
    let known = other.anchors.join("`, `");
    Some(format!("`{to}` leads nowhere: `{target}` has no heading `{anchor}`; it has `{known}`"))
}

/// A path relative to a page, relative to the repository; what leads out of that stays as it is.
fn resolved(page: &str, file: &str) -> Option<String> {
    let directory = Path::new(page).parent()?;
    let mut parts = Vec::new();
    for part in directory.join(file).components() {
        match part {
            Component::ParentDir if parts.pop().is_some() => {}
            Component::CurDir => {}
            part => parts.push(part.as_os_str().to_str()?.to_owned()),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pages: &[(&str, &str)]) -> Vec<String> {
        let pages: Vec<_> = pages.iter().map(|(path, text)| Page::parse(*path, *text)).collect();
        let mut findings = broken(&pages);
        findings.extend(outside_of_summary(&pages));
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_link_leads_to_a_page_and_a_heading_of_it() {
        let good = [
            ("docs/src/SUMMARY.md", "[a](guide/a.md) [b](./b.md)"),
            ("docs/src/guide/a.md", "# One\n[b](../b.md#two) [c](#one) [d](https://x.org/#y)"),
            ("docs/src/b.md", "# Two"),
            ("README.md", "[a](docs/src/guide/a.md#one) [toml](Cargo.toml)"),
        ];
        assert_eq!(found(&good), [""; 0]);
    }

    #[test]
    fn what_leads_nowhere_is_found_with_its_line() {
        let pages = [
            ("docs/src/SUMMARY.md", "# Summary\n\n[a](a.md)"),
            ("docs/src/a.md", "# One\n\n[b](b.md)\n[two](#two)\n[code](../../Cargo.toml)"),
            ("docs/src/lost.md", ""),
        ];
        assert_eq!(
            found(&pages),
            [
                "docs/src/a.md:3: `b.md` leads nowhere: there is no `docs/src/b.md`",
                "docs/src/a.md:4: `#two` leads nowhere: `docs/src/a.md` has no heading `two`; it has `one`",
                "docs/src/a.md:5: `../../Cargo.toml` leads out of the book, whose reader has no \
                 repository: name the place in words",
                "docs/src/lost.md:1: the page is not in the summary: add `[…](lost.md)` to \
                 docs/src/SUMMARY.md",
            ]
        );
    }
}
