//! A real Redis.

use crate::Subject;

/// The client writes down how it is called.
const CLIENT: &str = r#"
cat >/usr/local/bin/redis-cli <<'END'
#!/bin/sh
printf '%s\n' "$@" >>/srv/calls
exec /usr/bin/redis-cli "$@"
END
chmod 755 /usr/local/bin/redis-cli
"#;

#[test]
fn a_server_runs_with_what_it_is_configured_for() {
    let subject = Subject::start();
    let (host, site) = (subject.host(), subject.site("redis"));
    host.sh(CLIENT);
    let of = |settings: &str| {
        site.set(["redis"], &format!("[components.redis]\nport = 6390\n{settings}"));
    };
    let ask = |password: &str, command: &str| {
        let mut client = host.command("/usr/bin/redis-cli");
        client.args(["-p", "6390"]).env("REDISCLI_AUTH", password);
        client.input(format!("{command}\n")).output().succeeded()
    };
    let (password, toml) = (r#"tr0ub4dor & "3\"#, r#"password = '''tr0ub4dor & "3\'''"#);
    let all = format!("{toml}\nmemory = '100mb'\nsave = '900 1 300 10'");
    of(&all);
    let changes = site.converge();
    assert!(changes.contains(&"~ content (sensitive)".to_owned()), "{changes:?}");
    assert!(changes.contains(&"~ not running".to_owned()), "{changes:?}");
    assert_eq!(ask(password, "PING"), "PONG\n");
    assert!(ask("", "PING").starts_with("NOAUTH"));
    let files =
        "find / -xdev -path '*/cache/*.conf' ! -path '/var/lib/ucf/*' -printf '%m %f\\n' | sort";
    assert_eq!(host.sh(files), "600 cache.secret.conf\n640 redis.conf\n");

    let drift = [
        ("CONFIG SET maxmemory 50mb", r#"~ running maxmemory "52428800" → "100mb""#),
        (r#"CONFIG SET save """#, r#"~ running save "" → "900 1 300 10""#),
        ("CONFIG SET bind 127.0.0.1", r#"~ running bind "127.0.0.1" → "127.0.0.1 -::1""#),
        (r#"CONFIG SET requirepass """#, "~ password of the running server"),
    ];
    for (command, seen) in drift {
        assert_eq!(ask(password, command), "OK\n");
        assert_eq!(site.converge(), [seen], "{command}");
    }
    let chmod = "find / -xdev -path '*/cache/*.conf' ! -path '/var/lib/ucf/*' -exec chmod 666 {} +";
    host.sh(chmod);
    let changes = site.converge();
    let modes = changes.iter().filter(|change| change.starts_with("~ mode 0666 → 06"));
    assert_eq!(modes.count(), 2, "{changes:?}");
    assert_eq!(host.sh(files), "600 cache.secret.conf\n640 redis.conf\n");
    assert_eq!(ask(password, "PING"), "PONG\n");
    assert!(ask("", "PING").starts_with("NOAUTH"));

    ask(password, "CONFIG SET requirepass other");
    let failure = site.failure();
    assert!(failure.contains("the server takes another password"), "{failure}");
    assert!(failure.contains("hint: somebody changed it"), "{failure}");
    ask("other", &format!("CONFIG SET requirepass {:?}", password));

    of(&all.replace("tr0ub4dor", "hunter2").replace("100mb", "64mb"));
    let changes = site.converge();
    assert_eq!(changes[..2], ["~ content (sensitive)", "~ content (+1 -1 lines)"]);
    assert!(changes.len() == 4 && changes[3].starts_with("triggered by "), "{changes:?}");
    assert_eq!(ask(&password.replace("tr0ub4dor", "hunter2"), "PING"), "PONG\n");
    let calls = host.read("/srv/calls");
    assert!(calls.contains("6390") && !calls.contains("tr0ub4dor"), "{calls}");
    assert!(!calls.contains("hunter2") && !calls.contains("CONFIG"), "{calls}");

    host.sh("mv /usr/bin/redis-cli /srv/; rm /usr/local/bin/redis-cli");
    let failure = site.failure();
    assert!(failure.contains("install the package `redis-tools`"), "{failure}");
    host.sh("mv /srv/redis-cli /usr/bin/");
    of("absent = true");
    let changes = site.converge();
    assert!(changes[0].starts_with("- remove process "), "{changes:?}");
    assert_eq!(host.sh(files), "");
}
