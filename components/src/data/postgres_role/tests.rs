use super::*;

const MD5: &str = "md5a3556571e93b0d20722ba62be61e8c2d";

/// The answer of a server that has the roles `shop`, which may log in, and `postgres`.
fn answer(changed: &[(&str, serde_json::Value)]) -> Roles {
    let mut shop = serde_json::json!({
        "is_first": false, "password": null, "login": true, "superuser": false,
        "createdb": false, "createrole": false, "replication": false, "bypass_rls": false,
        "connection_limit": -1, "valid_until": null, "member_of": [],
    });
    let mut first = shop.clone();
    first["is_first"] = true.into();
    first["superuser"] = true.into();
    for (name, value) in changed {
        shop[*name] = value.clone();
    }
    serde_json::from_value(serde_json::json!({ "shop": shop, "postgres": first })).unwrap()
}

/// The changes, and the statements without the verifiers.
fn shown(role: &PostgresRole, roles: &Roles) -> (Vec<String>, Vec<String>) {
    let differences = role.differences(roles).unwrap();
    let change = |d: &Difference| format!("{} {}", d.change.symbol(), d.change);
    let changes = differences.iter().map(change).collect();
    let statements = role.statements(differences).unwrap();
    let cut = |statement: String| statement.split(" 'SCRAM").next().unwrap().to_owned();
    (changes, statements.into_iter().map(cut).collect())
}

fn shop() -> PostgresRole {
    PostgresRole::new("shop")
}

#[test]
fn every_attribute_that_differs_is_shown_and_altered() {
    use serde_json::json;
    let moment = "2030-01-01T00:00:00Z";
    let mut until = shop().valid_until("2030-01-01");
    until.wanted.check().unwrap();
    let table = [
        (shop().no_login(), ("login", json!(true)), "~ login yes → no", "NOLOGIN"),
        (shop(), ("login", json!(false)), "~ login no → yes", "LOGIN"),
        (shop().superuser(), ("superuser", json!(false)), "~ superuser no → yes", "SUPERUSER"),
        (shop(), ("superuser", json!(true)), "~ superuser yes → no", "NOSUPERUSER"),
        (shop().createdb(), ("createdb", json!(false)), "~ createdb no → yes", "CREATEDB"),
        (shop(), ("createdb", json!(true)), "~ createdb yes → no", "NOCREATEDB"),
        (shop().createrole(), ("createrole", json!(false)), "~ createrole no → yes", "CREATEROLE"),
        (shop(), ("createrole", json!(true)), "~ createrole yes → no", "NOCREATEROLE"),
        (
            shop().replication(),
            ("replication", json!(false)),
            "~ replication no → yes",
            "REPLICATION",
        ),
        (shop(), ("replication", json!(true)), "~ replication yes → no", "NOREPLICATION"),
        (shop().bypass_rls(), ("bypass_rls", json!(false)), "~ bypassrls no → yes", "BYPASSRLS"),
        (shop(), ("bypass_rls", json!(true)), "~ bypassrls yes → no", "NOBYPASSRLS"),
        (
            shop().connection_limit(3),
            ("connection_limit", json!(-1)),
            "~ connection limit none → 3",
            "CONNECTION LIMIT 3",
        ),
        (
            shop(),
            ("connection_limit", json!(0)),
            "~ connection limit 0 → none",
            "CONNECTION LIMIT -1",
        ),
        (
            until,
            ("valid_until", json!(null)),
            "~ valid until for ever → 2030-01-01T00:00:00Z",
            "VALID UNTIL '2030-01-01T00:00:00Z'",
        ),
        (
            shop(),
            ("valid_until", json!(moment)),
            "~ valid until 2030-01-01T00:00:00Z → for ever",
            "VALID UNTIL 'infinity'",
        ),
        (
            shop().password(&"hunter2".into()),
            ("password", json!(null)),
            "~ password none → SCRAM-SHA-256",
            "PASSWORD",
        ),
        (
            shop().password(&"hunter2".into()),
            ("password", json!(MD5)),
            "~ password MD5 → SCRAM-SHA-256",
            "PASSWORD",
        ),
        (
            shop().password(&"hunter2".into()),
            ("password", json!(Verifier::new("hunter3").unwrap().to_text())),
            "~ another password",
            "PASSWORD",
        ),
        (shop().no_password(), ("password", json!(MD5)), "~ password MD5 → none", "PASSWORD NULL"),
    ];
    for (role, changed, change, altered) in table {
        let (changes, statements) = shown(&role, &answer(&[changed]));
        assert_eq!(changes, [change]);
        let prefix = if altered.starts_with("PASSWORD") { "\\set VERBOSITY terse\n" } else { "" };
        assert_eq!(statements, [format!("{prefix}ALTER ROLE \"shop\" {altered}")]);
    }
}

#[test]
fn memberships_are_granted_and_others_end_only_when_asked() {
    let is_member_of = |groups: &[&str]| answer(&[("member_of", groups.into())]);
    let role = || shop().member_of(["readers", "writers"]);
    let granted = "GRANT \"writers\" TO \"shop\"".to_owned();
    let ended = "REVOKE \"admins\" FROM \"shop\"".to_owned();
    let (changes, statements) = shown(&role(), &is_member_of(&["readers", "admins"]));
    assert_eq!(changes, ["+ create membership in `writers`"]);
    assert_eq!(statements, std::slice::from_ref(&granted));
    let only = role().no_other_memberships();
    let (changes, statements) = shown(&only, &is_member_of(&["readers", "admins"]));
    assert_eq!(changes[1], "- remove membership in `admins`");
    assert_eq!(statements, [granted, ended]);
}

#[test]
fn a_role_that_is_right_is_left_alone() {
    let stored = Verifier::new("hunter2").unwrap().to_text();
    let is = answer(&[("password", stored.as_str().into())]);
    for password in ["hunter2", &stored] {
        assert_eq!(shown(&shop().password(&password.into()), &is), (vec![], vec![]));
    }
    assert_eq!(shown(&shop(), &is), (vec![], vec![]), "a password that is not asked for stays");
}

#[test]
fn a_missing_role_is_created_and_altered() {
    let role = PostgresRole::new("o\"h").createdb().password(&"hunter2".into());
    let (changes, statements) = shown(&role, &answer(&[]));
    let expected = [
        "+ create role",
        "~ login no → yes",
        "~ createdb no → yes",
        "~ password none → SCRAM-SHA-256",
    ];
    assert_eq!(changes, expected);
    assert_eq!(statements[0], r#"CREATE ROLE "o""h""#);
    assert_eq!(statements.len(), 4);
}

#[test]
fn an_absent_role_is_dropped_once() {
    let (changes, statements) = shown(&shop().absent(), &answer(&[]));
    assert_eq!(
        (changes, statements),
        (vec!["- remove role".into()], vec!["DROP ROLE \"shop\"".into()])
    );
    assert_eq!(shown(&PostgresRole::new("gone").absent(), &answer(&[])), (vec![], vec![]));
}

#[test]
fn the_first_superuser_stays_one() {
    let first = || PostgresRole::new("postgres");
    let refused = first().differences(&answer(&[])).err().unwrap();
    assert!(format!("{refused:#}").contains("cannot be without"), "{refused:#}");
    assert!(shown(&first().superuser(), &answer(&[])).0.is_empty());
}

#[test]
fn a_given_verifier_is_sent_as_it_is() {
    let verifier = Verifier::new("hunter2").unwrap().to_text();
    let role = shop().password(&verifier.as_str().into());
    let statements = role.statements(role.differences(&answer(&[])).unwrap()).unwrap();
    assert!(statements[0].ends_with(&format!("PASSWORD '{verifier}'")), "{statements:?}");
}

#[test]
fn a_moment_has_one_of_two_forms() {
    for (given, stands) in [
        ("2030-01-01", Some("2030-01-01T00:00:00Z")),
        ("2030-12-31T23:59:59Z", Some("2030-12-31T23:59:59Z")),
        ("2030-1-1", None),
        ("tomorrow", None),
        ("2030-01-01 00:00:00", None),
        ("2030-01-01T00:00:00Z'", None),
    ] {
        let mut rights = Rights { valid_until: Some(given.into()), ..Rights::fresh() };
        assert_eq!(rights.check().ok().and(rights.valid_until.as_deref()), stands, "{given}");
    }
}

#[test]
fn nothing_shows_the_password() {
    let role = shop().password(&"hunter2hunter2".into());
    assert!(!format!("{role:?}").contains("hunter2"), "{role:?}");
}
