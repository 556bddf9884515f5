use super::*;

fn answer(changed: &[(&str, serde_json::Value)]) -> Databases {
    let mut shop = serde_json::json!({
        "owner": "shop", "encoding": "UTF8", "collate": "C.UTF-8", "ctype": "C.UTF-8",
        "connection_limit": -1,
        "privileges": [
            { "role": "PUBLIC", "word": "CONNECT" },
            { "role": "PUBLIC", "word": "TEMPORARY" },
            { "role": "reader", "word": "CONNECT" },
        ],
    });
    for (name, value) in changed {
        shop[*name] = value.clone();
    }
    serde_json::from_value(serde_json::json!({ "shop": shop })).unwrap()
}

/// A database as `configure` leaves it.
fn configured(mut database: PostgresDatabase) -> Result<PostgresDatabase> {
    for (grant, role, privilege) in std::mem::take(&mut database.given) {
        database.wanted.add(grant, Privilege::new(&role, &privilege)?)?;
    }
    Ok(database)
}

fn shown(database: PostgresDatabase, databases: &Databases) -> Vec<String> {
    let differences = configured(database).unwrap().differences(databases);
    let text = |difference: Difference| {
        let change = format!("{} {}", difference.change.symbol(), difference.change);
        match difference.mend {
            Mend::Sql(statement) => format!("{change}: {statement}"),
            Mend::Impossible => format!("{change}: impossible"),
        }
    };
    differences.into_iter().map(text).collect()
}

fn shop() -> PostgresDatabase {
    PostgresDatabase::new("shop")
}

#[test]
fn every_attribute_that_differs_is_shown_and_altered() {
    use serde_json::json;
    let nothing = ("owner", json!("shop"));
    let table = [
        (
            shop().owner("shop"),
            ("owner", json!("postgres")),
            "~ owner postgres → shop: ALTER DATABASE \"shop\" OWNER TO \"shop\"",
        ),
        (
            shop().connection_limit(7),
            nothing.clone(),
            "~ connection limit none → 7: ALTER DATABASE \"shop\" CONNECTION LIMIT 7",
        ),
        (
            shop(),
            ("connection_limit", json!(7)),
            "~ connection limit 7 → none: ALTER DATABASE \"shop\" CONNECTION LIMIT -1",
        ),
        (
            shop().grant("reader", ["connect", "TEMP"]),
            nothing.clone(),
            "+ create privilege TEMPORARY of `reader`: \
             GRANT TEMPORARY ON DATABASE \"shop\" TO \"reader\"",
        ),
        (
            shop().revoke("public", ["CONNECT", "CREATE"]),
            nothing.clone(),
            "- remove privilege CONNECT of `PUBLIC`: \
             REVOKE CONNECT ON DATABASE \"shop\" FROM PUBLIC",
        ),
        (shop().encoding("LATIN1"), nothing.clone(), "~ encoding UTF8 → LATIN1: impossible"),
        (
            shop().locale("C.UTF-8"),
            ("collate", json!("POSIX")),
            "~ collation POSIX → C.UTF-8: impossible",
        ),
        (
            shop().locale("C.UTF-8"),
            ("ctype", json!("POSIX")),
            "~ character type POSIX → C.UTF-8: impossible",
        ),
    ];
    for (database, changed, expected) in table {
        assert_eq!(shown(database, &answer(&[changed])), [expected]);
    }
}

#[test]
fn a_database_that_is_right_is_left_alone() {
    let database = shop().owner("shop").encoding("utf-8").locale("C.utf8").template("other");
    let database = database.grant("reader", ["CONNECT"]).revoke("reader", ["CREATE"]);
    assert!(shown(database, &answer(&[])).is_empty());
    assert!(shown(shop(), &answer(&[("owner", "other".into())])).is_empty());
}

#[test]
fn a_missing_database_is_created_and_altered() {
    let none = Databases::new();
    assert_eq!(shown(shop(), &none), ["+ create database: CREATE DATABASE \"shop\""]);
    let database = shop().owner("o'h").encoding("UTF8").locale("C.UTF-8").connection_limit(2);
    let database = database.grant("PUBLIC", ["CONNECT"]).revoke("PUBLIC", ["TEMPORARY"]);
    let expected = [
        "+ create database (owner o'h, encoding UTF8, locale C.UTF-8): \
         CREATE DATABASE \"shop\" OWNER \"o'h\" ENCODING 'UTF8' \
         LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8' TEMPLATE \"template0\"",
        "~ connection limit none → 2: ALTER DATABASE \"shop\" CONNECTION LIMIT 2",
        "- remove privilege TEMPORARY of `PUBLIC`: REVOKE TEMPORARY ON DATABASE \"shop\" FROM PUBLIC",
    ];
    assert_eq!(shown(database, &none), expected);
    let of_template = "+ create database (template a): CREATE DATABASE \"shop\" TEMPLATE \"a\"";
    assert_eq!(shown(shop().template("a"), &none), [of_template]);
}

#[test]
fn an_absent_database_is_dropped_once() {
    let dropped = shown(shop().absent_losing_all_data(), &answer(&[]));
    assert_eq!(dropped, ["- remove database with all its data: DROP DATABASE \"shop\""]);
    assert!(shown(shop().absent_losing_all_data(), &Databases::new()).is_empty());
}

#[test]
fn privileges_that_cannot_be_are_refused() {
    let refusal = |database| format!("{:#}", configured(database).unwrap_err());
    let unknown = refusal(shop().grant("reader", ["SELECT"]));
    assert!(unknown.contains("there is no privilege `SELECT` on a database"), "{unknown}");
    let both = refusal(shop().grant("Public", ["TEMP"]).revoke("PUBLIC", ["TEMPORARY"]));
    assert!(both.contains("TEMPORARY of `PUBLIC` is both granted and revoked"), "{both}");
}
