//! Redis, with fakes of its programs and of systemd.

use std::fs;
use std::os::unix::fs::MetadataExt;

use togusa_components::prelude::*;
use togusa_core::secret::Secret;
use togusa_core::testing::{Answer, Fake};

use crate::bench::mode_of;
use crate::{Bench, is_root, lines};

/// What is asked of all units, and then of one.
const SHOWN: &str = "Id=redis-server.service\nNames=redis-server.service\nLoadState=loaded\n\
                     SubState=running\nUnitFileState=enabled\nNeedDaemonReload=no\nNRestarts=0\n";

/// A systemd that runs the server from the start, and stops it.
fn systemctl() -> Fake {
    let shown = |state: &str| Answer::ok().stdout(format!("{SHOWN}ActiveState={state}\n"));
    Fake::new("systemctl")
        .on_start(["show"], shown("inactive").when("stopped"))
        .on_start(["show"], shown("active\nInvocationID=2").when("anew"))
        .on_start(["show"], shown("active\nInvocationID=1"))
        .on(["restart", "redis-server.service"], Answer::ok().sets("anew"))
        .on(["stop", "redis-server.service"], Answer::ok().sets("stopped"))
        .on_start(
            ["list-unit-files"],
            Answer::ok().stdout("redis-server.service enabled enabled\n"),
        )
}

fn bench(redis_cli: Fake) -> Bench {
    let test = Bench::new().sandbox("~/box").fake(systemctl()).fake(redis_cli);
    for directory in ["box/etc/redis", "box/var/lib"] {
        fs::create_dir_all(test.home(directory)).unwrap();
    }
    set(&test, cache);
    test
}

fn cache() -> Redis {
    let cache = Redis::new("cache").unit("redis-server").config("/etc/redis/redis.conf");
    let cache = cache.directory("/var/lib/cache").password(&Secret::new("hunter2"));
    if is_root() { cache.owner("daemon") } else { cache }
}

fn set(test: &Bench, make: impl Fn() -> Redis + Send + Sync + 'static) {
    test.set_model(move |scope| {
        scope.add(make());
        Ok(())
    });
}

/// `CONFIG GET *` of redis-cli 7.0.15, shortened.
const TOLD: &str = "maxmemory\n0\nport\n6379\nbind\n127.0.0.1 -::1\nrequirepass\nhunter2\n";

#[test]
fn a_unit_of_systemd_runs_with_files_of_its_own() {
    let test = bench(Fake::new("redis-cli").otherwise(Answer::ok().stdout(TOLD)));
    test.converge();
    let path = |name: &str| test.home("box").join(name);
    let conf = fs::read_to_string(path("etc/redis/redis.conf")).unwrap();
    let within = path("etc/redis/cache.secret.conf");
    assert!(conf.contains(&format!("include \"{}\"\n", within.display())), "{conf}");
    assert!(conf.contains(&format!("dir \"{}\"\n", path("var/lib/cache").display())), "{conf}");
    assert_eq!(fs::read_to_string(&within).unwrap(), "requirepass \"hunter2\"\n");
    let modes = ["etc/redis/redis.conf", "etc/redis/cache.secret.conf", "var/lib/cache"];
    assert_eq!(modes.map(|name| mode_of(&path(name))), [0o640, 0o600, 0o750]);
    if is_root() {
        let owners = modes.map(|name| path(name).metadata().unwrap().uid());
        assert!(owners.iter().all(|owner| *owner == owners[0] && *owner != 0), "{owners:?}");
    }
    let calls = test.new_calls("systemctl");
    assert!(calls.contains(&"systemctl restart redis-server.service".into()), "{calls:?}");

    set(&test, || cache().absent());
    let gone = test.converge();
    assert!(gone.contains(&"~ state active (running) → stopped".into()), "{gone:?}");
    assert!(!path("etc/redis/redis.conf").exists() && !within.exists());
    assert!(path("var/lib/cache").exists(), "what it kept stays");
}

#[test]
fn a_client_that_cannot_be_believed_is_told() {
    // redis-cli 7.0.15: it ends well when its commands stand on its standard input, else not.
    let closed = "Could not connect to Redis at 127.0.0.1:6379: Connection refused\n";
    let nonsense = "220 mail ready\n";
    let answers = [
        (Answer::ok().stderr(closed), "Redis cannot be reached"),
        (Answer::exit(1).stderr(closed), "Redis cannot be reached"),
        (Answer::ok().stdout(nonsense), "the server does not tell its settings: 220 mail ready"),
        (Answer::exit(139).stderr("Segmentation fault\n"), "Redis refused it"),
    ];
    let told = answers.clone().map(|(answer, _)| answer);
    let test = bench(Fake::new("redis-cli").otherwise(told));
    for (_, words) in answers {
        let failure = test.failure();
        assert!(failure.contains(words), "{words}: {failure}");
        assert!(!failure.contains("hunter2"), "{failure}");
    }
}

#[test]
fn another_port_of_a_server_with_a_socket_is_set_back() {
    let told = |port: u16| {
        Answer::ok().stdout(format!("maxmemory\n0\nport\n{port}\nbind\n127.0.0.1 -::1\n"))
    };
    let answers = [told(6400), told(6400), Answer::ok().stdout("OK\n"), told(0)];
    let test = bench(Fake::new("redis-cli").on(["-s", "/run/cache"], answers));
    set(&test, || {
        let cache = Redis::new("cache").unit("redis-server").config("/etc/redis/redis.conf");
        cache.directory("/var/lib/cache").port(0).setting("unixsocket", "/run/cache")
    });
    let run = test.deploy();
    run.assert_success();
    let changes = lines(&run);
    assert!(changes.contains(&"~ running port \"6400\" → \"0\"".to_owned()), "{changes:?}");
    assert!(lines(&test.deploy()).is_empty());
}

#[test]
fn what_cannot_be_is_a_model_error() {
    type Make = fn() -> Redis;
    let wrong: [(Make, &str); 11] = [
        (|| Redis::new(""), "`` is no name for a server"),
        (|| Redis::new(".a"), "`.a` is no name for a server"),
        (|| Redis::new("a/b"), "`a/b` is no name for a server"),
        (|| Redis::new("a").setting("a b", 1), "`a b` cannot be a setting of Redis"),
        (|| Redis::new("a").setting("save", "1\n2"), "the setting `save` is not one line"),
        (|| Redis::new("a").bind("::1\nport 1"), "the setting `bind` is not one line"),
        (|| Redis::new("a").setting("dir", "/"), "`dir` is set by a method of its own"),
        (|| Redis::new("a").setting("requirepass", "x"), "`requirepass` is set by a method"),
        (|| Redis::new("a").setting("bind", "::1"), "`bind` is set by a method of its own"),
        (|| Redis::new("a").port(0), "without a port it needs the setting `unixsocket`"),
        (|| Redis::new("a").password(&Secret::new("")), "the password is empty"),
    ];
    for (make, words) in wrong {
        let test = Bench::new();
        set(&test, make);
        let problems = test.problems();
        assert!(problems.contains(words), "{problems}");
    }
}
