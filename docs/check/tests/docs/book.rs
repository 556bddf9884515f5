use togusa_docs::{book, pages};

#[test]
fn the_book_is_built_without_warnings_and_has_the_anchors_that_links_go_by() {
    let target = tempfile::tempdir().unwrap();
    let built =
        book::build_into(target.path().join("book")).unwrap_or_else(|error| panic!("{error:#}"));
    for page in pages::of_book().unwrap() {
        let name = page.in_book().unwrap();
        if name == "SUMMARY.md" {
            continue;
        }
        let html = std::fs::read_to_string(built.join(name).with_extension("html")).unwrap();
        for anchor in &page.anchors {
            assert!(html.contains(&format!("id=\"{anchor}\"")), "`{name}` has no `#{anchor}`");
        }
    }
    // What the pages link to beside pages.
    assert!(built.join("schemas/environment.json").is_file());
}
