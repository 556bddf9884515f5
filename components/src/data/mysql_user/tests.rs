use super::*;
use crate::data::mysql::Facts as _;

/// What `MariaDB` 10.11.19 says of `PASSWORD('hunter2')`.
const HASH: &str = "*58815970BE77B3720276F63DB198B1FA42E5CC02";

fn row(user: &str, changed: &[(&str, serde_json::Value)]) -> State {
    let mut row = serde_json::json!({
        "user": user, "host": "localhost", "plugin": "mysql_native_password", "stored": HASH,
        "version": "10.11.19-MariaDB-0+deb12u1", "current": "root@localhost", "ways": null,
    });
    for (name, value) in changed {
        row[*name] = value.clone();
    }
    serde_json::from_value(row).unwrap()
}

fn shown(user: &MysqlUser, rows: Vec<State>) -> Option<String> {
    let difference = user.difference(&Users::of(rows)).unwrap();
    difference.map(|(change, statement)| format!("{} {change}: {statement}", change.symbol()))
}

fn shop() -> MysqlUser {
    MysqlUser::new("shop")
}

fn secret() -> Secret {
    Secret::new("hunter2")
}

#[test]
fn a_password_has_the_hash_that_the_server_stores() {
    assert_eq!(hash_of(&secret()), HASH);
    assert_eq!(hash_of(&Secret::new(HASH.to_lowercase())), HASH);
    assert_ne!(hash_of(&Secret::new(format!("{HASH}0"))), format!("{HASH}0"));
}

#[test]
fn every_way_to_log_in_that_is_another_is_shown_and_altered() {
    use serde_json::json;
    let by_password =
        format!("ALTER USER 'shop'@'localhost' IDENTIFIED WITH mysql_native_password AS '{HASH}'");
    let ways = json!([{}, { "plugin": "unix_socket" }]);
    let table = [
        (("stored", json!("*0")), "~ another password"),
        (("stored", json!("")), "~ authentication none → password"),
        (("stored", json!(null)), "~ authentication none → password"),
        (("plugin", json!("unix_socket")), "~ authentication unix_socket → password"),
        (("plugin", json!("auth_socket")), "~ authentication unix_socket → password"),
        (("plugin", json!("ed25519")), "~ authentication ed25519 → password"),
        (("ways", ways), "~ authentication password or unix_socket → password"),
    ];
    for (changed, expected) in table {
        let shown = shown(&shop().password(&secret()), vec![row("shop", &[changed])]);
        assert_eq!(shown, Some(format!("{expected}: {by_password}")));
    }
    let by_socket = |rows| shown(&shop().unix_socket(), rows);
    let altered = "~ authentication password → unix_socket: \
                   ALTER USER 'shop'@'localhost' IDENTIFIED WITH";
    let mysql = ("version", json!("8.0.36"));
    assert_eq!(by_socket(vec![row("shop", &[])]), Some(format!("{altered} unix_socket")));
    assert_eq!(by_socket(vec![row("shop", &[mysql])]), Some(format!("{altered} auth_socket")));
}

#[test]
fn an_account_that_is_right_is_left_alone() {
    use serde_json::json;
    assert_eq!(shown(&shop().password(&secret()), vec![row("shop", &[])]), None);
    let hash = Secret::new(HASH);
    let older = [("plugin", json!("")), ("stored", json!(HASH.to_lowercase()))];
    assert_eq!(shown(&shop().password(&hash), vec![row("shop", &older)]), None);
    let left = [("ways", json!([{}]))];
    assert_eq!(shown(&shop().password(&hash), vec![row("shop", &left)]), None);
    let socket = [("plugin", json!("unix_socket")), ("stored", json!(""))];
    assert_eq!(shown(&shop().unix_socket(), vec![row("shop", &socket)]), None);
}

#[test]
fn an_account_is_that_of_its_host() {
    let shown = shown(&shop().host("10.%").unix_socket(), vec![row("shop", &[])]);
    let created = "+ create user (unix_socket): \
                   CREATE USER 'shop'@'10.%' IDENTIFIED WITH unix_socket";
    assert_eq!(shown.as_deref(), Some(created));
}

#[test]
fn an_absent_account_is_dropped_once_unless_it_is_the_own_one() {
    let absent = MysqlUser::new("o'h\\").absent();
    let shown = |rows| shown(&absent, rows);
    let dropped = r"- remove user: DROP USER 'o''h\\'@'localhost'";
    assert_eq!(shown(vec![row("o'h\\", &[])]).as_deref(), Some(dropped));
    assert_eq!(shown(vec![row("shop", &[])]), None);
    let own = MysqlUser::new("root").absent().difference(&Users::of(vec![row("root", &[])]));
    let refused = format!("{:#}", own.map(|_| ()).unwrap_err());
    assert!(refused.contains("`root@localhost` is the account that this works by"), "{refused}");
}

#[test]
fn nothing_shows_the_password() {
    let user = shop().password(&secret());
    assert!(!format!("{user:?}").contains("hunter2"));
    assert!(!shown(&user, vec![]).unwrap().contains("hunter2"));
}
