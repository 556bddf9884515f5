//! Three hosts over SSH: changes, damage, a backup, another password.

use nix::sys::signal::kill;
use nix::unistd::Pid;
use togusa_core::event::Event;
use togusa_tests::lab::{Host, HostSpec, Lab, Signal, User};

use crate::project::Project;

/// Where the roots of a host have their directories.
const WORK: &str = "/srv/shop/staging/work";

/// What a customer is shown who trusts the shop's certificate.
#[track_caller]
fn page(lab: &Lab) -> String {
    let certificate = lab["web"].read(&format!("{WORK}/web/shop.example.org.crt"));
    lab.write("~/shop.crt", certificate);
    lab.sh(&format!("{CURL} --fail https://shop.example.org/"))
}

const CURL: &str = "curl --silent --show-error --cacert ~/shop.crt \
                    --connect-to shop.example.org:443:web:443";

/// Statements run as the server's superuser.
#[track_caller]
fn sql(db: &Host, statements: &str) -> String {
    let server = format!("{WORK}/database/server");
    let mut psql = db.command("psql");
    psql.args(["-XqAt", "-h", &server, "-p", "5433", "-U", "postgres", "-v", "ON_ERROR_STOP=1"]);
    psql.arg("shop").input(statements).output().succeeded()
}

/// The processes of the service: name and number of the first of each.
fn services(lab: &Lab) -> Vec<(&'static str, i32)> {
    let of = |service, host: &str, command: &str| {
        let processes = lab[host].processes_with(command);
        let first = processes.iter().map(|process| process.pid).min();
        (service, first.unwrap_or_else(|| panic!("no {command} runs on {host}")))
    };
    vec![
        of("app@app", "app", "shop-server serve"),
        of("app@web", "web", "shop-server serve"),
        of("database", "db", "postgres -D data"),
        of("web", "web", "nginx: master"),
    ]
}

/// The services that were started again since.
fn restarted(lab: &Lab, before: &[(&'static str, i32)]) -> Vec<&'static str> {
    let now = services(lab);
    let both = before.iter().zip(&now);
    both.filter(|(before, now)| before != now).map(|(before, _)| before.0).collect()
}

#[test]
fn the_shop_is_opened_changed_damaged_and_mended() {
    let spec = |name| HostSpec::new(name).user(User::new("deploy").may_become("ALL"));
    let lab = Lab::start([spec("web"), spec("app"), spec("db")]);
    let project = Project::new(&lab);
    let first = project.run("deploy staging").expect(0);
    let migrated = first.span("migrations@app").1;
    for app in ["app@app", "app@web"] {
        assert!(migrated < first.span(app).0, "{app} did not wait for the migrations");
    }
    assert_eq!(project.deploy("staging"), Vec::<String>::new());
    let pages: String = (0..4).map(|_| page(&lab)).collect();
    for part in ["<tr><td>Teapot</td><td>24.50 €</td><td>10</td></tr>", "by web.", "by app."] {
        assert!(pages.contains(part), "{part}: {pages}");
    }

    a_changed_template_restarts_what_shows_it(&lab, &project);
    a_changed_site_is_reloaded(&lab, &project);
    damage_is_reported_and_mended(&lab, &project);
    the_backup_holds_the_goods(&lab["db"]);
    another_password_reaches_all_who_need_it(&lab, &project);
}

fn a_changed_template_restarts_what_shows_it(lab: &Lab, project: &Project<'_>) {
    let before = services(lab);
    project.replace("app/src/page.html.j2", "In stock", "Left");
    let changed = [
        "app@app: App > File(\"page.html\")",
        "app@app: App > Program(\"shop-server\")",
        "app@web: App > File(\"page.html\")",
        "app@web: App > Program(\"shop-server\")",
    ];
    let ran = project.run("deploy staging").expect(0);
    let mut seen = ran.changes();
    seen.sort();
    assert_eq!(seen, changed);
    let batches = ran.events.iter().filter_map(|event| match event {
        Event::RolloutBatch { roots, up, .. } => Some((roots.len(), *up)),
        _ => None,
    });
    assert_eq!(batches.collect::<Vec<_>>(), [(1, 1), (1, 1)]);
    assert_eq!(restarted(lab, &before), ["app@app", "app@web"]);
    assert!(page(lab).contains("<th>Left</th>"));
}

fn a_changed_site_is_reloaded(lab: &Lab, project: &Project<'_>) {
    let before = services(lab);
    project.replace(
        "web/src/shop.conf.j2",
        "location / {",
        "add_header X-Shop open;\n    location / {",
    );
    let changed = project.deploy("staging");
    let of_site: Vec<_> = changed.iter().map(|it| it.split('(').next().unwrap()).collect();
    assert_eq!(of_site, ["web@web: Web > NginxSite"; 2], "{changed:?}");
    assert_eq!(restarted(lab, &before), Vec::<&str>::new());
    let head = lab.sh(&format!("{CURL} --dump-header - https://shop.example.org/"));
    assert!(head.contains("X-Shop: open"), "{head}");
}

fn damage_is_reported_and_mended(lab: &Lab, project: &Project<'_>) {
    let before = services(lab);
    sql(&lab["db"], "ALTER ROLE shop PASSWORD 'forgotten' CONNECTION LIMIT 1");
    let server = &lab["app"].processes_with("shop-server serve")[0];
    kill(Pid::from_raw(server.pid), Signal::SIGKILL).unwrap();
    lab["web"].sh(&format!("echo '# by hand' >>{WORK}/web/sites/shop.conf"));
    lab["web"].sh(&format!("chmod 644 {WORK}/app/database.conf"));
    let verified = project.run("verify staging").expect(4);
    let seen = verified.changes();
    for (place, what) in [
        ("database@db: Database > PostgresRole(\"shop\")", "~ another password"),
        ("database@db: Database > PostgresRole(\"shop\")", "~ connection limit 1 → none"),
        ("app@app: App > Program(\"shop-server\")", "~ not running"),
        ("app@web: App > Server > File(\"database.conf\")", "~ mode 0644 → 0600"),
        ("web@web: Web > NginxSite(\"shop\")", "~ content (+0 -1 lines)"),
    ] {
        assert!(seen.iter().any(|it| it.starts_with(place)), "{place}: {seen:#?}");
        let differences = verified.differences();
        assert!(differences.iter().any(|it| it.starts_with(what)), "{what}: {differences:#?}");
    }
    project.deploy("staging");
    assert_eq!(project.run("verify staging").expect(0).changes(), Vec::<String>::new());
    assert_eq!(restarted(lab, &before), ["app@app", "app@web"]);
    assert!(page(lab).contains("Teapot"));
}

fn the_backup_holds_the_goods(db: &Host) {
    let job = db.read("/etc/cron.d/shop-backup");
    let line = job.lines().find(|line| line.starts_with("30 2 * * * ")).unwrap();
    let (user, command) = line["30 2 * * * ".len()..].split_once(' ').unwrap();
    db.command("runuser").args(["-u", user, "--", "sh", "-c", command]).output().succeeded();
    sql(db, "DELETE FROM goods");
    let dump = db.sh(&format!("ls {WORK}/database/server/backups/*.dump"));
    let restored = db.sh(&format!("pg_restore --data-only --table=goods --file=- {}", dump.trim()));
    assert!(restored.contains("Teapot\t2450\t10"), "{restored}");
    sql(db, &restored);
    assert_eq!(sql(db, "SELECT count(*) FROM goods"), "3\n");
}

fn another_password_reaches_all_who_need_it(lab: &Lab, project: &Project<'_>) {
    let before = services(lab);
    let mut set = project.command("secrets set staging components.database.password");
    set.input("a new one: 'quoted' \\ and long").output().succeeded();
    let changed = [
        "app@app: App > Program(\"shop-server\")",
        "app@app: App > Server > File(\"database.conf\")",
        "app@web: App > Program(\"shop-server\")",
        "app@web: App > Server > File(\"database.conf\")",
        "database@db: Database > PostgresRole(\"shop\")",
        "migrations@app: Migrations > Server > File(\"database.conf\")",
    ];
    assert_eq!(project.deploy("staging"), changed);
    assert_eq!(restarted(lab, &before), ["app@app", "app@web"]);
    assert!(page(lab).contains("Teapot"));
    assert_eq!(sql(&lab["db"], "SELECT count(*) FROM migrations"), "2\n");
}
