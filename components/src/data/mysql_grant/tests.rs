use super::*;
use crate::data::mysql::Facts as _;

/// The answer of a server with few privileges: three on a database, two on a table.
fn grants(more: &[(&str, &str)]) -> Grants {
    let root = "'root'@'localhost'";
    let shop = "'shop'@'localhost'";
    let all = serde_json::json!({ "current": "root@localhost", "of_database": 3, "of_table": 2 });
    let mut rows = vec![all];
    let everywhere = [(root, "SELECT"), (root, "SUPER"), (root, "BINLOG MONITOR"), (shop, "USAGE")];
    for (grantee, word) in everywhere {
        rows.push(serde_json::json!({ "grantee": grantee, "word": word, "option": "NO" }));
    }
    for (place, words) in more {
        for word in words.split(", ") {
            let (word, option) = match word.strip_suffix('+') {
                Some(word) => (word, "YES"),
                None => (word, "NO"),
            };
            let mut row = serde_json::json!({ "grantee": shop, "word": word, "option": option });
            let mut parts = place.split('.').filter(|part| !part.is_empty());
            for (name, part) in ["database", "table"].into_iter().zip(&mut parts) {
                row[name] = part.into();
            }
            rows.push(row);
        }
    }
    Grants::of(serde_json::from_value(rows.into()).unwrap())
}

fn shown(mut grant: MysqlGrant, grants: &Grants) -> Vec<String> {
    grant.wanted = Privileges::read(&std::mem::take(&mut grant.given)).unwrap();
    let (changes, statements) = grant.differences(grants);
    let changes = changes.iter().map(|change| format!("{} {change}", change.symbol()));
    changes.chain(statements).collect()
}

fn on_database() -> MysqlGrant {
    MysqlGrant::new("shop").database("a_b")
}

#[test]
fn every_difference_is_shown_with_what_mends_it() {
    let two = || on_database().privileges(["select", "INSERT"]);
    let all = || on_database().privileges(["ALL"]);
    let table: [(MysqlGrant, &[_], &[&str]); 12] = [
        (
            two(),
            &[],
            &[
                "+ create privileges INSERT, SELECT",
                r"GRANT INSERT, SELECT ON `a\_b`.* TO 'shop'@'localhost'",
            ],
        ),
        (two(), &[(r"a\_b", "SELECT, INSERT")], &[]),
        (
            two(),
            &[(r"a\_b", "SELECT, DROP")],
            &[
                "~ privileges DROP, SELECT → INSERT, SELECT",
                r"REVOKE DROP ON `a\_b`.* FROM 'shop'@'localhost'",
                r"GRANT INSERT ON `a\_b`.* TO 'shop'@'localhost'",
            ],
        ),
        (
            two(),
            &[(r"a\_b", "SELECT, INSERT, DROP")],
            &[
                "~ privileges ALL → INSERT, SELECT",
                r"REVOKE DROP ON `a\_b`.* FROM 'shop'@'localhost'",
            ],
        ),
        (
            all(),
            &[(r"a\_b", "SELECT, INSERT")],
            &[
                "~ privileges INSERT, SELECT → ALL",
                r"GRANT ALL PRIVILEGES ON `a\_b`.* TO 'shop'@'localhost'",
            ],
        ),
        (all(), &[(r"a\_b", "SELECT, INSERT, DROP")], &[]),
        (
            all().grant_option(),
            &[(r"a\_b", "SELECT, INSERT, DROP")],
            &[
                "~ grant option no → yes",
                r"GRANT USAGE ON `a\_b`.* TO 'shop'@'localhost' WITH GRANT OPTION",
            ],
        ),
        (all().grant_option(), &[(r"a\_b", "SELECT+, INSERT+, DROP+")], &[]),
        (
            two(),
            &[(r"a\_b", "SELECT+, INSERT+")],
            &[
                "~ grant option yes → no",
                r"REVOKE GRANT OPTION ON `a\_b`.* FROM 'shop'@'localhost'",
            ],
        ),
        (
            on_database().absent(),
            &[(r"a\_b", "SELECT+")],
            &[
                "- remove privileges SELECT",
                "- remove grant option",
                r"REVOKE ALL PRIVILEGES ON `a\_b`.* FROM 'shop'@'localhost'",
                r"REVOKE GRANT OPTION ON `a\_b`.* FROM 'shop'@'localhost'",
            ],
        ),
        (
            on_database().absent(),
            &[(r"a\_b", "USAGE+")],
            &["- remove grant option", r"REVOKE GRANT OPTION ON `a\_b`.* FROM 'shop'@'localhost'"],
        ),
        (on_database().absent(), &[("a_b", "SELECT"), ("a_b.x", "SELECT")], &[]),
    ];
    for (grant, is, expected) in table {
        assert_eq!(shown(grant, &grants(is)), expected);
    }
}

#[test]
fn all_is_what_there_is_in_a_place() {
    let table = || MysqlGrant::new("shop").table("a", "b");
    let is = grants(&[("a.b", "SELECT, INSERT")]);
    assert_eq!(shown(table().privileges(["ALL PRIVILEGES"]), &is), Vec::<String>::new());
    let few = shown(table().privileges(["ALL"]), &grants(&[("a.b", "SELECT")]));
    assert_eq!(few[1], "GRANT ALL PRIVILEGES ON `a`.`b` TO 'shop'@'localhost'");
    let everywhere = || MysqlGrant::new("shop").everywhere().privileges(["ALL"]);
    let is = grants(&[("", "SELECT, SUPER, REPLICATION CLIENT, MORE")]);
    assert_eq!(shown(everywhere(), &is), Vec::<String>::new());
    let few = shown(everywhere(), &grants(&[("", "SELECT, SUPER")]));
    let all = "GRANT ALL PRIVILEGES ON *.* TO 'shop'@'localhost'";
    assert_eq!(few, ["~ privileges SELECT, SUPER → ALL", all]);
}

#[test]
fn a_privilege_of_several_names_is_one() {
    let names = ["Replication  client", "REPLICATION REPLICA", "replica monitor"];
    let grant = MysqlGrant::new("shop").everywhere().privileges(names);
    let is = grants(&[("", "BINLOG MONITOR, REPLICATION SLAVE, SLAVE MONITOR")]);
    assert_eq!(shown(grant, &is), Vec::<String>::new());
}

#[test]
fn a_pattern_and_a_name_are_two_places() {
    let like = MysqlGrant::new("shop").databases_like("a_b").privileges(["SELECT"]);
    assert_eq!(shown(like, &grants(&[("a_b", "SELECT")])), Vec::<String>::new());
    assert_eq!(Place::database(r"a_b%c\d").sql(), r"`a\_b\%c\\d`.*");
}

#[test]
fn who_is_there_is_known() {
    let grants = grants(&[("b", "SELECT")]);
    assert!(grants.has_user("shop", "localhost"));
    assert!(!grants.has_user("shop", "%") && !grants.has_user("other", "localhost"));
}

#[test]
fn what_is_no_privilege_is_refused() {
    let refusal = |words: &[&str]| {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        Privileges::read(&words).err().map(|error| format!("{error:#}")).unwrap_or_default()
    };
    assert_eq!(refusal(&["SELECT", "BACKUP_ADMIN"]), "");
    for word in ["", " ", "SELECT (name)", "SELECT ON x", "USAGE", "a;b", "SELECT, DROP"] {
        let said = refusal(&[word]);
        assert!(said.contains("is no privilege"), "{word}: {said}");
    }
    assert!(refusal(&["grant option"]).contains("is no privilege of its own"));
    assert!(refusal(&["ALL", "SELECT"]).contains("`ALL` stands beside other privileges"));
}
