use togusa_docs::{Finding, generate, languages, links, pages};

fn report(mut findings: Vec<Finding>) {
    findings.sort();
    let texts: Vec<_> = findings.iter().map(ToString::to_string).collect();
    assert!(texts.is_empty(), "{} to mend:\n{}", texts.len(), texts.join("\n"));
}

#[test]
fn every_block_is_what_its_language_says() {
    let pages = pages::of_book().unwrap();
    assert!(pages.len() > 10, "the pages were not found");
    report(pages.iter().flat_map(languages::check).collect());
}

#[test]
fn every_link_leads_somewhere() {
    let mut all = pages::of_book().unwrap();
    all.extend(pages::beside_book().unwrap());
    assert!(all.iter().any(|page| page.path == "README.md"), "the pages were not found");
    report(links::broken(&all));
}

#[test]
fn every_page_is_in_the_summary() {
    report(links::outside_of_summary(&pages::of_book().unwrap()));
}

#[test]
fn what_is_generated_is_not_stale() {
    let stale = generate::stale().unwrap_or_else(|error| panic!("{error:#}"));
    assert!(stale.is_empty(), "stale, run `docs/generate`:\n{}", stale.join("\n"));
}
