use super::*;

fn shown(extension: &PostgresExtension, json: &str) -> Vec<String> {
    let extensions = serde_json::from_str(json).unwrap();
    let differences = extension.differences(&extensions).into_iter();
    let text = |(change, statement): (Change, String)| {
        format!("{} {change}: {statement}", change.symbol())
    };
    differences.map(text).collect()
}

#[test]
fn every_difference_is_shown_with_what_mends_it() {
    let extension = || PostgresExtension::new("pg_trgm", "shop");
    let full = || extension().schema("Search").version("1.6");
    let is = r#"{"pg_trgm": {"version": "1.5", "schema": "public"}}"#;
    let right = r#"{"pg_trgm": {"version": "1.6", "schema": "Search"}}"#;
    let updated = "~ version 1.5 → 1.6: ALTER EXTENSION \"pg_trgm\" UPDATE TO '1.6'";
    let moved = "~ schema public → Search: ALTER EXTENSION \"pg_trgm\" SET SCHEMA \"Search\"";
    let created = "+ create extension: CREATE EXTENSION \"pg_trgm\"";
    let created_full = "+ create extension (schema Search, version 1.6): \
                        CREATE EXTENSION \"pg_trgm\" SCHEMA \"Search\" VERSION '1.6'";
    let dropped = "- remove extension: DROP EXTENSION \"pg_trgm\"";
    let table: [(PostgresExtension, &str, &[&str]); 8] = [
        (extension(), "{}", &[created]),
        (full(), "{}", &[created_full]),
        (extension(), is, &[]),
        (full(), is, &[updated, moved]),
        (extension().version("1.6"), is, &[updated]),
        (full(), right, &[]),
        (extension().absent(), is, &[dropped]),
        (extension().absent(), "{}", &[]),
    ];
    for (extension, is, expected) in table {
        assert_eq!(shown(&extension, is), expected);
    }
}
