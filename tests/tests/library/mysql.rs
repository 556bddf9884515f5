//! MariaDB, by a real server on the host.

use std::sync::LazyLock;

use togusa_tests::lab::{Host, HostSpec, User};

use crate::Subject;

/// One host for all tests: each has names of its own in its server.
static HERE: LazyLock<Subject> = LazyLock::new(|| {
    let subject = Subject::on(HostSpec::new("here").user(User::new("al")).user(User::new("jo")));
    subject.host().sh(START);
    subject
});

/// A server that writes each statement into its log, and knows root by the socket. Its modes are
/// those by which texts and names are read in another way. The client writes down how it is called.
const START: &str = r#"
mkdir -p /run/mysqld /srv/mysql
chown mysql /run/mysqld /srv/mysql
cd /srv/mysql
mariadb-install-db --no-defaults --user=mysql --datadir=/srv/mysql/data --skip-test-db \
    --auth-root-authentication-method=socket >install.log 2>&1
setsid mariadbd --no-defaults --user=mysql --datadir=/srv/mysql/data --skip-name-resolve \
    --socket=/run/mysqld/mysqld.sock --bind-address=127.0.0.1 --general-log \
    --sql-mode=ANSI_QUOTES,NO_BACKSLASH_ESCAPES \
    --general-log-file=/srv/mysql/log >errors.log 2>&1 </dev/null &
mariadb-admin --no-defaults --socket=/run/mysqld/mysqld.sock --silent --connect-timeout=1 \
    --wait=100 ping >/dev/null 2>ping.log
touch calls
chmod 666 calls
cat >/usr/local/bin/mariadb <<'END'
#!/bin/sh
{ printf '%s\n' "$@"; env; } >>/srv/mysql/calls
exec /usr/bin/mariadb "$@"
END
chmod 755 /usr/local/bin/mariadb
"#;

/// Statements run by root.
#[track_caller]
fn sql(host: &Host, statements: &str) -> String {
    let mut mariadb = host.command("mariadb");
    mariadb.args(["--batch", "--raw", "--skip-column-names"]);
    mariadb.input(format!("SET sql_mode = '';\n{statements}")).output().succeeded()
}

fn log(host: &Host) -> String {
    host.read("/srv/mysql/log")
}

#[test]
fn a_database_is_kept_right_in_every_attribute() {
    let (host, site) = (HERE.host(), HERE.site("database"));
    let of = |settings: &str| {
        let names = r#"names = ['''stock_1''', '''o'h\a"`x''']"#;
        site.set(
            ["mysql-databases"],
            &format!("[components.mysql-databases]\n{names}\n{settings}"),
        );
    };
    let both = |line: &str| [line.to_owned(), line.to_owned()].to_vec();
    of("character_set = 'utf8mb4'\ncollation = 'utf8mb4_bin'");
    let created = "+ create database (character set utf8mb4, collation utf8mb4_bin)";
    assert_eq!(site.converge(), both(created));
    let names = "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA
        WHERE SCHEMA_NAME IN ('stock_1', 'o''h\\\\a\"`x')";
    assert_eq!(sql(host, names).lines().count(), 2);

    let drift = [
        ("COLLATE utf8mb4_german2_ci", &["~ collation utf8mb4_german2_ci → utf8mb4_bin"][..]),
        (
            "CHARACTER SET latin1",
            &["~ character set latin1 → utf8mb4", "~ collation latin1_swedish_ci → utf8mb4_bin"],
        ),
    ];
    for (drifted, seen) in drift {
        sql(host, &format!("ALTER DATABASE stock_1 {drifted}"));
        assert_eq!(site.converge(), seen);
    }
    of("collation = 'uca1400_ai_ci'\ncharacter_set = 'utf8mb4'");
    assert_eq!(site.converge(), both("~ collation utf8mb4_bin → uca1400_ai_ci"));
    of("collation = 'utf8mb3_bin'");
    assert_eq!(site.converge(), both("~ collation utf8mb4_uca1400_ai_ci → utf8mb3_bin"));
    of("character_set = 'ucs2'");
    assert_eq!(site.converge(), both("~ character set utf8mb3 → ucs2"));
    of("collation = 'no_such'");
    let failure = site.failure();
    assert!(failure.contains("MySQL refused it"), "{failure}");
    assert!(failure.contains("Unknown collation: 'no_such'"), "{failure}");
    of("absent = true");
    assert_eq!(site.converge(), both("- remove database with all its data"));
    assert_eq!(sql(host, names), "");
}

#[test]
fn a_user_is_kept_right_in_every_attribute() {
    let (host, site) = (HERE.host(), HERE.site("user"));
    let name = r#"names = ['''o'h\a"`x''']"#;
    let of = |settings: &str| {
        site.set(["mysql-users"], &format!("[components.mysql-users]\n{name}\n{settings}"));
    };
    let password = r#"password = '''tr0ub4dor & "3\'''"#;
    let account = r#"'o''h\\a"`x'@'127.0.0.%'"#;
    of(&format!("host = '127.0.0.%'\n{password}"));
    assert_eq!(site.converge(), ["+ create user (password)"]);
    let login = |password: &str| {
        host.write("/srv/login.cnf", format!("[client]\npassword='{password}'\n"));
        let mut mariadb = host.command("mariadb");
        mariadb.args(["--defaults-file=/srv/login.cnf", "--protocol=tcp", "--host=127.0.0.1"]);
        mariadb.args([r#"--user=o'h\a"`x"#, "--execute=SELECT 1"]).output().code()
    };
    // In a file of options a backslash is written twice.
    let right = r#"tr0ub4dor & "3\\"#;
    assert_eq!(login(right), Some(0));
    assert_eq!(login("other"), Some(1));

    let drift = [
        ("BY 'changed'", "~ another password"),
        ("BY ''", "~ authentication none → password"),
        ("VIA unix_socket", "~ authentication unix_socket → password"),
        (
            "VIA unix_socket OR mysql_native_password USING PASSWORD('x')",
            "~ authentication unix_socket or password → password",
        ),
    ];
    for (drifted, seen) in drift {
        sql(host, &format!("ALTER USER {account} IDENTIFIED {drifted}"));
        assert_eq!(site.converge(), [seen]);
        assert_eq!(login(right), Some(0));
    }
    of("host = '127.0.0.%'\nunix_socket = true");
    assert_eq!(site.converge(), ["~ authentication password → unix_socket"]);
    assert_eq!(login(right), Some(1));
    of("host = '127.0.0.%'\nabsent = true");
    assert_eq!(site.converge(), ["- remove user"]);

    // The server writes hosts in small letters.
    let elsewhere = |settings: &str| {
        let place = "names = ['remote']\nhost = 'DB.Example.ORG'";
        site.set(["mysql-users"], &format!("[components.mysql-users]\n{place}\n{settings}"));
    };
    elsewhere("password = '*58815970be77b3720276f63db198b1fa42e5cc02'");
    assert_eq!(site.converge(), ["+ create user (password)"]);
    elsewhere("password = 'hunter2'");
    assert_eq!(site.converge(), Vec::<String>::new());
    elsewhere("absent = true");
    assert_eq!(site.converge(), ["- remove user"]);
    let log = log(host);
    assert!(log.contains("*58815970") && !log.contains("tr0ub4dor"), "{log}");
    assert!(!log.contains("hunter2"), "{log}");
}

#[test]
fn who_the_socket_names_may_log_in() {
    let (host, site) = (HERE.host(), HERE.site("socket"));
    site.set(["mysql-users"], "[components.mysql-users]\nnames = ['mail']\nunix_socket = true");
    assert_eq!(site.converge(), ["+ create user (unix_socket)"]);
    let said = host.sh("runuser -u mail -- mariadb -N -e 'SELECT CURRENT_USER()'");
    assert_eq!(said, "mail@localhost\n");
    site.set(["mysql-users"], "[components.mysql-users]\nnames = ['root']\nabsent = true");
    let failure = site.failure();
    assert!(failure.contains("`root@localhost` is the account that this works by"), "{failure}");
}

#[test]
fn neither_a_command_line_nor_an_environment_tells_a_password() {
    let site = HERE.site("told");
    let settings = "[components.mysql-users]\nnames = ['told']\npassword = 'hunter2!'";
    site.set(["mysql-users"], settings);
    assert_eq!(site.converge(), ["+ create user (password)"]);
    let calls = HERE.host().read("/srv/mysql/calls");
    assert!(calls.contains("--batch\n") && calls.contains("PATH="), "{calls}");
    assert!(!calls.contains("hunter2") && !calls.contains("IDENTIFIED"), "{calls}");
}

#[test]
fn a_grant_is_kept_right_in_every_attribute() {
    let (host, site) = (HERE.host(), HERE.site("grant"));
    sql(host, r#"CREATE USER 'o''h\\a"`x'@'10.%' IDENTIFIED VIA unix_socket"#);
    let account = r#"'o''h\\a"`x'@'10.%'"#;
    let of = |place: &str, settings: &str| {
        let name = "user = '''o'h\\a\"`x'''\nhost = '10.%'";
        let settings = format!("[components.mysql-grant]\n{name}\n{place}\n{settings}");
        site.set(["mysql-grant"], &settings);
    };
    sql(host, "CREATE DATABASE goods_1; CREATE TABLE goods_1.t (of INT)");
    let places = [
        ("database = 'goods_1'", r"`goods\_1`.*"),
        ("like = 'goods%'", "`goods%`.*"),
        ("database = 'goods_1'\ntable = 't'", "goods_1.t"),
        ("everywhere = true", "*.*"),
    ];
    for (place, on) in places {
        let two = "privileges = ['select', 'INSERT']";
        of(place, two);
        assert_eq!(site.converge(), ["+ create privileges INSERT, SELECT"]);
        sql(host, &format!("REVOKE SELECT ON {on} FROM {account}"));
        assert_eq!(site.converge(), ["~ privileges INSERT → INSERT, SELECT"]);
        sql(host, &format!("GRANT DROP ON {on} TO {account}"));
        assert_eq!(site.converge(), ["~ privileges DROP, INSERT, SELECT → INSERT, SELECT"]);
        sql(host, &format!("GRANT USAGE ON {on} TO {account} WITH GRANT OPTION"));
        assert_eq!(site.converge(), ["~ grant option yes → no"]);
        of(place, "privileges = ['ALL']\ngrant_option = true");
        let all = ["~ privileges INSERT, SELECT → ALL", "~ grant option no → yes"];
        assert_eq!(site.converge(), all);
        let shown = sql(host, &format!("SHOW GRANTS FOR {account}"));
        assert!(shown.contains("GRANT ALL PRIVILEGES ON"), "{shown}");
        sql(host, &format!("REVOKE DELETE ON {on} FROM {account}"));
        let seen = site.converge();
        assert!(
            seen[0].starts_with("~ privileges ALTER") && seen[0].ends_with("→ ALL"),
            "{seen:?}"
        );
        of(place, two);
        let less = ["~ privileges ALL → INSERT, SELECT", "~ grant option yes → no"];
        assert_eq!(site.converge(), less);
        sql(host, &format!("GRANT USAGE ON {on} TO {account} WITH GRANT OPTION"));
        of(place, "absent = true");
        let removed = ["- remove privileges INSERT, SELECT", "- remove grant option"];
        assert_eq!(site.converge(), removed);
        let shown = sql(host, &format!("SHOW GRANTS FOR {account}"));
        assert_eq!(shown.lines().count(), 1, "{shown}");
    }
    let names = ["REPLICATION CLIENT", "BINLOG MONITOR", "REPLICATION REPLICA", "REPLICA MONITOR"];
    of("everywhere = true", &format!("privileges = {names:?}"));
    let created = "+ create privileges REPLICATION CLIENT, REPLICATION SLAVE, SLAVE MONITOR";
    assert_eq!(site.converge(), [created]);
    of("database = 'goods_1'", "privileges = ['SUPER']");
    let failure = site.failure();
    assert!(failure.contains("MySQL refused it"), "{failure}");
}

#[test]
fn a_grant_needs_a_user_and_makes_none() {
    let (host, site) = (HERE.host(), HERE.site("nobody"));
    let settings = "[components.mysql-grant]\nuser = 'nobody'\ndatabase = 'x'\n";
    site.set(["mysql-grant"], &format!("{settings}privileges = ['SELECT']"));
    let failure = site.failure();
    assert!(failure.contains("MySQL has no user `nobody@localhost`"), "{failure}");
    assert!(failure.contains("hint: add a `MysqlUser`"), "{failure}");
    site.set(["mysql-grant"], &format!("{settings}absent = true"));
    assert_eq!(site.converge(), Vec::<String>::new());

    // An account of the same run does; the plan knows it before it is there.
    site.set(["mysql-shop"], "[components.mysql-shop]\npassword = 'x'");
    let created = ["+ create database", "+ create user (password)", "+ create privileges ALL"];
    assert_eq!(site.converge(), created);
    let shown = sql(host, "SHOW GRANTS FOR whole@localhost");
    assert!(shown.contains("GRANT ALL PRIVILEGES ON `whole`.*"), "{shown}");
}

#[test]
fn all_databases_are_read_at_once_whatever_the_option_file_says() {
    let (host, site) = (HERE.host(), HERE.site_of("jo", "many"));
    // By an account of its own, the test is told from others in the log.
    let account = "'counted'@'localhost' IDENTIFIED BY 'by number'";
    sql(host, &format!("GRANT ALL ON *.* TO {account}"));
    let by_hand = "[mysql]\nforce\nsafe-updates\ntable\nvertical\nhtml\nxml\nshow-warnings\n\
                   auto-vertical-output\ndelimiter=//\n";
    let options = format!("[client]\nuser=counted\npassword='by number'\n\n{by_hand}");
    let home = host.sh("getent passwd jo | cut -d: -f6");
    host.write(&format!("{}/.my.cnf", home.trim()), options);
    let names: Vec<_> = (0..20).map(|number| format!("'many{number}'")).collect();
    let names = names.join(", ");
    site.set(["mysql-databases"], &format!("[components.mysql-databases]\nnames = [{names}]"));
    site.deploy().expect(0);
    let connections = || log(host).matches("counted@localhost").count();
    let before = connections();
    assert!(site.deploy().expect(0).differences().is_empty());
    assert_eq!(connections() - before, 1);
}

#[test]
fn who_is_not_let_in_is_told_who_is() {
    let site = HERE.site_of("al", "outsider");
    site.set(["mysql-databases"], "[components.mysql-databases]\nnames = ['x']");
    let failure = site.failure();
    assert!(failure.contains("does not let user `al` in"), "{failure}");
    assert!(failure.contains("hint: converge as root (`sudo = true`)"), "{failure}");
}

#[test]
fn what_is_missing_is_named_with_what_to_do() {
    let lacking = Subject::on(HostSpec::new("here"));
    let (host, site) = (lacking.host(), lacking.site("lacking"));
    site.set(["mysql-databases"], "[components.mysql-databases]\nnames = ['x']");
    let failure = site.failure();
    assert!(failure.contains("cannot connect to the server of MySQL"), "{failure}");
    assert!(failure.contains("package `mariadb-server`"), "{failure}");

    // The name of MySQL does as well.
    host.sh("rm -f /usr/bin/mysql; mv /usr/bin/mariadb /usr/bin/mysql");
    let failure = site.failure();
    assert!(failure.contains("cannot connect to the server of MySQL"), "{failure}");

    host.sh("rm /usr/bin/mysql");
    let failure = site.failure();
    assert!(failure.contains("there is neither `mariadb` nor `mysql`"), "{failure}");
    assert!(failure.contains("hint: install the package `mariadb-client`"), "{failure}");

    host.sh("printf '#!/bin/sh\\necho nonsense' >/usr/bin/mariadb; chmod 755 /usr/bin/mariadb");
    let failure = site.failure();
    assert!(failure.contains("cannot read what MySQL says of itself"), "{failure}");
}
