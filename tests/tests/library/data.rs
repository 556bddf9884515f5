//! PostgreSQL, by a real server on the host.

use std::sync::LazyLock;

use togusa_tests::lab::{Host, HostSpec, User};

use crate::Subject;

/// One host for all tests: each has names of its own in its server.
static HERE: LazyLock<Subject> = LazyLock::new(|| {
    let here = HostSpec::new("here").user(User::new("jo").may_become("postgres"));
    let subject = Subject::on(here.user(User::new("al")));
    subject.host().sh(START);
    subject
});

/// A server that writes each statement into its log, and takes passwords over the network.
const START: &str = r#"
mkdir -p /run/postgresql /srv/postgresql
chown postgres /run/postgresql /srv/postgresql
cd /srv/postgresql
bin=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
runuser -u postgres -- "$bin/initdb" --auth-local=peer --auth-host=scram-sha-256 \
    --encoding=UTF8 --locale=C.UTF-8 --no-sync --pgdata=data >/dev/null
cat >>data/postgresql.conf <<END
fsync = off
log_statement = all
log_line_prefix = '[%u] '
listen_addresses = '127.0.0.1'
unix_socket_directories = '/run/postgresql'
END
runuser -u postgres -- "$bin/pg_ctl" -D data -l log -w start >/dev/null
"#;

/// Statements run by the server's superuser.
#[track_caller]
fn sql(host: &Host, database: &str, statements: &str) -> String {
    let mut psql = host.command("runuser");
    psql.args(["-u", "postgres", "--", "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", database]);
    psql.current_dir("/").input(statements).output().succeeded()
}

fn log(host: &Host) -> String {
    host.read("/srv/postgresql/log")
}

#[test]
fn a_role_is_kept_right_in_every_attribute() {
    let (host, site) = (HERE.host(), HERE.site("role"));
    sql(host, "postgres", "CREATE ROLE readers; CREATE ROLE writers;");
    let plain = "roles = ['Shop \"1\"']\npassword = \"tr0ub4dor & '3'\"";
    let settings = format!(
        "{plain}\nconnection_limit = 5\nvalid_until = '2030-01-01'\nmember_of = ['readers']\n\
         is = ['no_other_memberships']"
    );
    site.set(["role"], &format!("[components.role]\n{settings}"));
    let created = [
        "+ create role",
        "~ login no → yes",
        "~ connection limit none → 5",
        "~ valid until for ever → 2030-01-01T00:00:00Z",
        "+ create membership in `readers`",
        "~ password none → SCRAM-SHA-256",
    ];
    assert_eq!(site.converge(), created);
    let login =
        "PGPASSWORD=\"tr0ub4dor & '3'\" psql -h 127.0.0.1 -U 'Shop \"1\"' -d postgres -Atc ";
    assert_eq!(host.sh(&format!("{login} 'SELECT 1'")), "1\n");

    let drift = [
        ("NOLOGIN", "~ login no → yes"),
        ("SUPERUSER", "~ superuser yes → no"),
        ("CREATEDB", "~ createdb yes → no"),
        ("CREATEROLE", "~ createrole yes → no"),
        ("REPLICATION", "~ replication yes → no"),
        ("BYPASSRLS", "~ bypassrls yes → no"),
        ("CONNECTION LIMIT 6", "~ connection limit 6 → 5"),
        (
            "VALID UNTIL '2031-02-03 04:05:06+01'",
            "~ valid until 2031-02-03T03:05:06Z → 2030-01-01T00:00:00Z",
        ),
        ("VALID UNTIL 'infinity'", "~ valid until for ever → 2030-01-01T00:00:00Z"),
        ("PASSWORD 'changed'", "~ another password"),
        ("PASSWORD NULL", "~ password none → SCRAM-SHA-256"),
    ];
    for (drifted, _) in drift.iter().take(7) {
        sql(host, "postgres", &format!("ALTER ROLE \"Shop \"\"1\"\"\" {drifted}"));
    }
    let all: Vec<_> = drift.iter().take(7).map(|(_, seen)| *seen).collect();
    assert_eq!(site.converge(), all);
    for (drifted, seen) in &drift[7..] {
        sql(host, "postgres", &format!("ALTER ROLE \"Shop \"\"1\"\"\" {drifted}"));
        assert_eq!(site.converge(), [*seen]);
    }
    sql(
        host,
        "postgres",
        "SET password_encryption = md5; ALTER ROLE \"Shop \"\"1\"\"\" PASSWORD 'x'",
    );
    assert_eq!(site.converge(), ["~ password MD5 → SCRAM-SHA-256"]);
    sql(
        host,
        "postgres",
        "REVOKE readers FROM \"Shop \"\"1\"\"\"; GRANT writers TO \"Shop \"\"1\"\"\"",
    );
    let moved = ["+ create membership in `readers`", "- remove membership in `writers`"];
    assert_eq!(site.converge(), moved);

    let rights = "'superuser', 'createdb', 'createrole', 'replication', 'bypass_rls'";
    let settings = format!("{plain}\nis = ['no_login', {rights}]");
    site.set(["role"], &format!("[components.role]\n{settings}"));
    let changed = [
        "~ login yes → no",
        "~ superuser no → yes",
        "~ createdb no → yes",
        "~ createrole no → yes",
        "~ replication no → yes",
        "~ bypassrls no → yes",
        "~ connection limit 5 → none",
        "~ valid until 2030-01-01T00:00:00Z → for ever",
    ];
    assert_eq!(site.converge(), changed);
    site.set(["role"], "[components.role]\nroles = ['Shop \"1\"']\nis = ['absent']");
    assert_eq!(site.converge(), ["- remove role"]);
    let log = log(host);
    assert!(log.contains("PASSWORD 'SCRAM-SHA-256$") && !log.contains("tr0ub4dor"), "{log}");
}

#[test]
fn a_database_is_kept_right_in_every_attribute() {
    let (host, site) = (HERE.host(), HERE.site("database"));
    sql(host, "postgres", "CREATE ROLE keeper; CREATE ROLE thief; CREATE ROLE reader");
    sql(host, "postgres", "CREATE DATABASE pattern");
    sql(host, "pattern", "CREATE TABLE made (of int)");
    let settings = "database = 'stock'\nowner = 'keeper'\nencoding = 'UTF8'\nlocale = 'C.utf8'\n\
                    template = 'pattern'\nconnection_limit = 9\nreaders = ['reader']\nclosed = true";
    site.set(["database"], &format!("[components.database]\n{settings}"));
    let created = [
        "+ create database (owner keeper, encoding UTF8, locale C.utf8, template pattern)",
        "~ connection limit none → 9",
        "+ create privilege CONNECT of `reader`",
        "- remove privilege CONNECT of `PUBLIC`",
        "- remove privilege TEMPORARY of `PUBLIC`",
    ];
    let failure = site.failure();
    assert!(failure.contains("1: PostgreSQL at `local:5432` refused it"), "{failure}");
    // A copy has the locale of its template, spelled as it was.
    let settings = settings.replace("C.utf8", "C.UTF-8");
    site.set(["database"], &format!("[components.database]\n{settings}"));
    assert_eq!(site.converge(), created.map(|line| line.replace("C.utf8", "C.UTF-8")));
    assert_eq!(sql(host, "stock", "SELECT relname FROM pg_class WHERE relname = 'made'"), "made\n");

    let drift = [
        ("ALTER DATABASE stock OWNER TO thief", "~ owner thief → keeper"),
        ("ALTER DATABASE stock CONNECTION LIMIT 2", "~ connection limit 2 → 9"),
        ("REVOKE CONNECT ON DATABASE stock FROM reader", "+ create privilege CONNECT of `reader`"),
        ("GRANT TEMPORARY ON DATABASE stock TO PUBLIC", "- remove privilege TEMPORARY of `PUBLIC`"),
        ("GRANT CONNECT ON DATABASE stock TO PUBLIC", "- remove privilege CONNECT of `PUBLIC`"),
    ];
    for (statement, seen) in drift {
        sql(host, "postgres", statement);
        assert_eq!(site.converge(), [seen]);
    }
    let other = settings.replace("'UTF8'", "'LATIN1'").replace("C.UTF-8", "POSIX");
    site.set(["database"], &format!("[components.database]\n{other}"));
    let shown = [
        "~ encoding UTF8 → LATIN1",
        "~ collation C.UTF-8 → POSIX",
        "~ character type C.UTF-8 → POSIX",
    ];
    assert_eq!(site.plan().expect(0).differences(), shown);
    let failure = site.failure();
    assert!(failure.contains("cannot be changed: encoding UTF8 → LATIN1"), "{failure}");
    assert!(failure.contains("hint: dump it"), "{failure}");

    site.set(["database"], "[components.database]\ndatabase = 'stock'\nabsent = true");
    assert_eq!(site.converge(), ["- remove database with all its data"]);
}

#[test]
fn an_extension_is_kept_right_in_every_attribute() {
    let (host, site) = (HERE.host(), HERE.site("extension"));
    let settings = "extension = 'pg_trgm'\ndatabase = 'words'\nschema = 'find'\nversion = '1.6'";
    site.set(["extension"], &format!("[components.extension]\n{settings}"));
    assert!(site.failure().contains("database \"words\" does not exist"));
    sql(host, "postgres", "CREATE DATABASE words");
    sql(host, "words", "CREATE SCHEMA find");
    assert_eq!(site.converge(), ["+ create extension (schema find, version 1.6)"]);
    sql(host, "words", "ALTER EXTENSION pg_trgm SET SCHEMA public");
    assert_eq!(site.converge(), ["~ schema public → find"]);
    sql(
        host,
        "words",
        "DROP EXTENSION pg_trgm; CREATE EXTENSION pg_trgm SCHEMA find VERSION '1.3'",
    );
    assert_eq!(site.converge(), ["~ version 1.3 → 1.6"]);

    let unknown = settings.replace("pg_trgm", "no_such");
    site.set(["extension"], &format!("[components.extension]\n{unknown}"));
    let failure = site.failure();
    assert!(failure.contains("extension \"no_such\" is not available"), "{failure}");
    assert!(failure.contains("hint: install the package that has it"), "{failure}");
    site.set(["extension"], &format!("[components.extension]\n{settings}\nabsent = true"));
    assert_eq!(site.converge(), ["- remove extension"]);
}

#[test]
fn all_roles_are_read_at_once() {
    let (host, site) = (HERE.host(), HERE.site("many"));
    // By a role of its own, the test is told from others in the log.
    sql(host, "postgres", "CREATE ROLE counted LOGIN SUPERUSER PASSWORD 'by number'");
    let data = "[hosts.here.data]\nserver = '127.0.0.1'\nuser = 'counted'\npassword = 'by number'";
    let names: Vec<_> = (0..20).map(|number| format!("'many{number}'")).collect();
    let names = names.join(", ");
    site.set(["role"], &format!("[components.role]\nroles = [{names}]\n\n{data}"));
    site.deploy().expect(0);
    let queries = || log(host).matches("[counted] LOG:  statement: SELECT").count();
    let before = queries();
    assert!(site.deploy().expect(0).differences().is_empty());
    assert_eq!(queries() - before, 1);
}

#[test]
fn a_server_is_reached_over_the_network_by_a_password_that_no_one_sees() {
    let (host, site) = (HERE.host(), HERE.site_of("al", "network"));
    sql(host, "postgres", "CREATE ROLE admin LOGIN SUPERUSER PASSWORD 'a:b\\c d'");
    let data = "[hosts.here.data]\nserver = '127.0.0.1'\nuser = 'admin'\npassword = 'a:b\\c d'";
    let settings =
        format!("[components.role]\nroles = ['remote']\npassword = 'hunter2!'\n\n{data}");
    site.set(["role"], &settings);
    let created = ["+ create role", "~ login no → yes", "~ password none → SCRAM-SHA-256"];
    let done = site.deploy().expect(0).differences();
    assert_eq!(done[2..], created);
    assert!(done[0].contains("mode 0600") && done[1] == "~ content (sensitive)", "{done:?}");
    assert!(site.deploy().expect(0).differences().is_empty());
    site.set(["role"], &settings.replace("c d'", "c'"));
    let failure = site.failure();
    assert!(failure.contains("cannot connect to PostgreSQL at `127.0.0.1:5432`"), "{failure}");
    assert!(failure.contains("password authentication failed"), "{failure}");
}

#[test]
fn who_may_become_postgres_needs_not_be_root() {
    let settings = "[components.role]\nroles = ['by_jo']";
    let site = HERE.site_of("jo", "sudo");
    site.set(["role"], settings);
    assert_eq!(site.converge(), ["+ create role", "~ login no → yes"]);

    let site = HERE.site_of("al", "no-sudo");
    site.set(["role"], settings);
    let failure = site.failure();
    assert!(failure.contains("may not work as user `postgres`"), "{failure}");
    assert!(failure.contains("hint: converge as root (`sudo = true`)"), "{failure}");
}

#[test]
fn who_is_no_superuser_is_told_what_is_lacking() {
    let host = HERE.host();
    sql(host, "postgres", "CREATE ROLE al LOGIN CREATEROLE");
    let site = HERE.site_of("al", "no-superuser");
    let data = "[hosts.here.data]\nsocket = '/run/postgresql'\nuser = 'al'";
    site.set(["role"], &format!("[components.role]\nroles = ['x']\n\n{data}"));
    let failure = site.failure();
    assert!(failure.contains("cannot read which passwords are set"), "{failure}");
    assert!(failure.contains("hint: only a superuser may"), "{failure}");
}

#[test]
fn what_is_missing_is_named_with_what_to_do() {
    let lacking = Subject::on(HostSpec::new("here").user(User::new("jo").may_become("postgres")));
    let (host, site) = (lacking.host(), lacking.site("lacking"));
    let settings = "[components.role]\nroles = ['x']";
    site.set(["role"], settings);
    let failure = site.failure();
    assert!(failure.contains("cannot connect to PostgreSQL at `local:5432`"), "{failure}");
    assert!(failure.contains("hint: start the server in an earlier component"), "{failure}");

    host.sh("rm /usr/bin/psql");
    for site in [site, lacking.site_of("jo", "lacking-jo")] {
        site.set(["role"], settings);
        let failure = site.failure();
        assert!(failure.contains("there is no program `psql`"), "{failure}");
        assert!(failure.contains("package `postgresql-client`"), "{failure}");
    }
    let direct = lacking.site("lacking-direct");
    let data = "[hosts.here.data]\nserver = 'db'\nuser = 'al'\npassword = 'hunter2'";
    direct.set(["role"], &format!("{settings}\n\n{data}"));
    let failure = direct.failure();
    assert!(failure.contains("there is no program `psql`"), "{failure}");
    assert!(failure.contains("package `postgresql-client`"), "{failure}");

    host.sh("printf '#!/bin/sh\\necho nonsense' >/usr/bin/psql; chmod 755 /usr/bin/psql");
    let failure = direct.failure();
    assert!(failure.contains("cannot read what PostgreSQL at `db:5432` says"), "{failure}");

    host.sh("sed -i '/^postgres:/d' /etc/passwd");
    let site = lacking.site("lacking-user");
    site.set(["role"], settings);
    let failure = site.failure();
    assert!(failure.contains("there is no user `postgres`"), "{failure}");
    assert!(failure.contains("package `postgresql`"), "{failure}");
}
