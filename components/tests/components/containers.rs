//! Docker by its command line, which replays what a real one printed.

use togusa_components::prelude::*;
use togusa_core::secret::Secret;
use togusa_core::testing::{Answer, Fake};

use crate::Bench;

/// What was recorded, without the lines that tell of what.
fn recorded(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect()
}

fn running() -> String {
    recorded(include_str!("../recorded/docker/container-running"))
}

/// A Docker with the images, networks and volumes that were recorded, and one container.
fn docker(container: &str) -> Fake {
    let says = |text: String| Answer::ok().stdout(text);
    let listed = if container.is_empty() { "" } else { "b7bcb96860767f5626\n" };
    Fake::new("docker")
        .on_start(["image", "ls"], says(recorded(include_str!("../recorded/docker/images"))))
        .on_start(["network", "ls"], says("1\n2\n3\n4\n".into()))
        .on_start(
            ["network", "inspect"],
            says(recorded(include_str!("../recorded/docker/networks"))),
        )
        .on_start(["volume", "ls"], says("shop-data\n".into()))
        .on_start(["volume", "inspect"], says(recorded(include_str!("../recorded/docker/volumes"))))
        .on_start(["container", "ls"], says(listed.into()))
        .on_start(["container", "inspect"], says(container.into()))
}

/// The container that was recorded.
fn app() -> DockerContainer {
    DockerContainer::new("app", "box:1")
        .entrypoint("/bin/sleep")
        .command(["3000"])
        .env("PASSWORD", Secret::new("hunter2 $x"))
        .publish("127.0.0.1:8099:80")
        .publish("53:53/udp")
        .volume("shop-data", "/data")
        .bind_read_only("/srv/given", "/given")
        .restart("on-failure:5")
        .user("33:33")
        .directory("/bin")
        .hostname("inner")
        .label("of", "shop")
        .options(["--memory=64m"])
}

fn bench(docker: Fake, make: impl Fn() -> DockerContainer + Send + Sync + 'static) -> Bench {
    Bench::new().fake(docker).model(move |scope| {
        scope.add(make());
        Ok(())
    })
}

/// The label of the container, from how it would be created.
fn digest() -> String {
    let created = Answer::exit(1).stderr("not today\n");
    let test = bench(docker("").on_start(["container", "create"], created), app);
    assert!(test.failure().contains("Docker refused it"));
    let calls = test.calls("docker").with(["container", "create"]).to_string();
    assert!(calls.contains("--env-file") && !calls.contains("PASSWORD"), "{calls}");
    assert!(!calls.contains("[secret]"), "no secret, hidden or not: {calls}");
    assert!(!test.exists(".app.env"), "the variables were left behind");
    let (_, rest) = calls.split_once("togusa.definition=").unwrap();
    rest[..64].to_owned()
}

#[test]
fn each_difference_of_a_container_is_seen() {
    let text = running().replace("DIGEST", &digest());
    let ports = "~ ports 127.0.0.1:8099:80/tcp, 53:53/udp → ";
    let mounts = "~ mounts /srv/given on /given read-only, shop-data on /data → ";
    type Make = fn() -> DockerContainer;
    let wanted: [(Make, &[&str]); 16] = [
        (app, &[]),
        (|| app().env("PASSWORD", "other"), &["~ variable `PASSWORD` has another value"]),
        (|| app().env("MORE", "1"), &["+ create variable `MORE`"]),
        (|| app().command(["1"]), &["~ command 3000 → 1"]),
        (|| app().entrypoint("/bin/true"), &["~ entrypoint /bin/sleep → /bin/true"]),
        (|| app().network("shop"), &["~ networks bridge → shop"]),
        (|| app().network("shop").network("more"), &["~ networks bridge → more, shop"]),
        (|| app().restart("no"), &["~ restart on-failure:5 → no"]),
        (|| app().user("34"), &["~ user 33:33 → 34"]),
        (|| app().directory("/"), &["~ directory /bin → /"]),
        (|| app().hostname("x"), &["~ hostname inner → x"]),
        (|| app().label("of", "x").label("a", "b"), &["~ label a none → b", "~ label of shop → x"]),
        (|| app().stopped(), &["~ state running → stopped"]),
        (|| DockerContainer::absent("app"), &["- remove container"]),
        (|| DockerContainer::absent("apps"), &[]),
        (|| DockerContainer::new("apps", "x"), &["+ create container of `x`"]),
    ];
    for (make, changes) in wanted {
        assert_eq!(crate::lines(&bench(docker(&text), make).plan()), changes);
    }
    let more = bench(docker(&text), || app().publish("1:2").volume("x", "/x"));
    let seen = crate::lines(&more.plan());
    assert_eq!(seen[0], format!("{ports}127.0.0.1:8099:80/tcp, 1:2/tcp, 53:53/udp"));
    assert_eq!(
        seen[1],
        format!("{mounts}/srv/given on /given read-only, shop-data on /data, x on /x")
    );
    let first = text.lines().find(|line| line.contains("\"Image\": \"sha256:")).unwrap();
    let other = format!("\"Image\": \"sha256:{}\",", "0a".repeat(32));
    for (from, to, change) in [
        ("\"Image\": \"box:1\"", "\"Image\": \"box:2\"", "~ image box:2 → box:1"),
        (first.trim(), &*other, "~ image 0a0a0a0a0a0a → a1765c5a7fa7"),
        ("\"Status\": \"running\"", "\"Status\": \"paused\"", "~ state paused → running"),
        ("\"togusa.definition\"", "\"other\"", "~ definition unknown → "),
        ("\"PASSWORD=", "\"PASSWORDS=", "+ create variable `PASSWORD`"),
    ] {
        assert!(text.contains(from), "{from}");
        let seen = crate::lines(&bench(docker(&text.replace(from, to)), app).plan());
        assert!(seen.len() == 1 && seen[0].starts_with(change), "{change}: {seen:?}");
    }
    // What Docker starts again and again does not rest, nor what is only paused.
    for status in ["restarting", "paused"] {
        let other = text.replace("\"Status\": \"running\"", &format!("\"Status\": \"{status}\""));
        let seen = crate::lines(&bench(docker(&other), || app().stopped()).plan());
        assert_eq!(seen, [format!("~ state {status} → stopped")]);
    }
    let killed = recorded(include_str!("../recorded/docker/container-killed"));
    let seen = crate::lines(&bench(docker(&killed.replace("DIGEST", &digest())), app).plan());
    assert_eq!(seen, ["~ state exited with 137 → running"]);
}

#[test]
fn a_container_takes_the_place_of_the_old_one_last() {
    let done = || Answer::ok();
    let fake = docker(&running())
        .on_start(["container", "create"], done())
        .on_start(["network", "connect"], done())
        .on_start(["container"], done());
    let test = bench(fake, || app().network("shop").network("more").start_time(Default::default()));
    test.deploy();
    let calls = test.calls("docker").to_string();
    let order: Vec<_> = calls
        .lines()
        .filter_map(|line| line.split_once("docker ").map(|(_, words)| words))
        .filter(|words| !words.contains(" ls ") && !words.contains(" inspect "))
        .map(|words| words.split(" --restart").next().unwrap())
        .map(|words| words.split(" --env-file").next().unwrap())
        .collect();
    assert_eq!(
        order[..6],
        [
            "container create --name app.togusa-new",
            "network connect more app.togusa-new",
            "container stop -t 10 app",
            "container rm --force app",
            "container rename app.togusa-new app",
            "container start app",
        ],
        "{calls}"
    );
}

#[test]
fn networks_and_volumes_are_compared_with_what_is_there() {
    let changes = |make: fn(&mut togusa_core::scope::Scope<'_>)| {
        let test = Bench::new().with(|harness| harness.fake(docker("")).only_fakes());
        crate::lines(
            &test
                .model(move |scope| {
                    make(scope);
                    Ok(())
                })
                .plan(),
        )
    };
    fn shop() -> DockerNetwork {
        let network = DockerNetwork::new("shop").subnet("10.9.0.0/24").gateway("10.9.0.1");
        network.internal().label("of", "shop")
    }
    fn data() -> DockerVolume {
        let volume = DockerVolume::new("shop-data").option("type", "tmpfs").label("of", "shop");
        volume.option("device", "tmpfs").recreate_losing_all_data()
    }
    assert!(changes(|it| drop((it.add(shop()), it.add(data())))).is_empty());
    let network = changes(|it| {
        let other = DockerNetwork::new("shop").driver("macvlan").subnet("10.8.0.0/24");
        drop(it.add(other.gateway("10.8.0.1").ipv6().option("parent", "eth0").label("of", "x")));
    });
    let seen = [
        "~ driver bridge → macvlan",
        "~ subnet 10.9.0.0/24 → 10.8.0.0/24",
        "~ gateway 10.9.0.1 → 10.8.0.1",
        "~ internal yes → no",
        "~ ipv6 no → yes",
        "~ option parent none → eth0",
        "~ label of shop → x",
    ];
    assert_eq!(network, seen);
    let volume = changes(|it| {
        drop(it.add(data().driver("nfs").option("device", "x").label("more", 1)));
    });
    let seen = ["~ driver local → nfs", "~ option device tmpfs → x", "~ label more none → 1"];
    assert_eq!(volume, seen);
    assert!(changes(|it| drop(it.add(DockerImage::new("docker.io/library/box:2")))).is_empty());
    assert_eq!(changes(|it| drop(it.add(DockerImage::new("box")))), ["+ create image"]);
    assert_eq!(changes(|it| drop(it.add(shop().absent()))), ["- remove network"]);
}

#[test]
fn a_trigger_takes_nothing_from_a_volume_or_a_network() {
    let test = Bench::new().with(|harness| harness.fake(docker("")).only_fakes());
    let test = test.model(|scope| {
        let conf = scope.add(File::new("conf").content("new"));
        let network = DockerNetwork::new("shop").subnet("10.9.0.0/24").gateway("10.9.0.1");
        scope.on_change(&conf).add(network.internal().label("of", "shop"));
        let volume = DockerVolume::new("shop-data").option("type", "tmpfs").label("of", "shop");
        scope.on_change(&conf).add(volume.option("device", "tmpfs"));
        Ok(())
    });
    test.deploy().assert_success();
    let calls = test.calls("docker").to_string();
    assert!(!calls.contains(" rm ") && !calls.contains("disconnect"), "{calls}");
}

#[test]
fn a_broken_docker_is_named() {
    let test = |fake: Fake| bench(fake, app).failure();
    let nonsense = test(Fake::new("docker").otherwise(Answer::ok().stdout("[ nonsense")));
    assert!(nonsense.contains("cannot read what `docker` tells"), "{nonsense}");
    // docker 28.2.2, shortened.
    let denied = "permission denied while trying to connect to the Docker daemon socket at \
                  unix:///var/run/docker.sock: dial unix /var/run/docker.sock: connect: \
                  permission denied\n";
    let denied = test(Fake::new("docker").otherwise(Answer::exit(1).stderr(denied)));
    assert!(denied.contains("does not let this user in"), "{denied}");
    assert!(denied.contains("a member of the group `docker`"), "{denied}");
}

#[test]
fn what_cannot_be_is_a_model_error() {
    type Make = fn(&mut togusa_core::scope::Scope<'_>);
    let wrong: [(Make, &str); 15] = [
        (
            |it| drop(it.add(ComposeProject::absent("Shop"))),
            "`Shop` cannot be the name of a project",
        ),
        (|it| drop(it.add(DockerImage::new("A b"))), "`A b` cannot be the name of an image"),
        (
            |it| {
                drop(it.add(DockerImage::new(format!("a@sha256:{}", "0".repeat(64))).archive("x")))
            },
            "an archive tells no digest",
        ),
        (|it| drop(it.add(DockerNetwork::new("-x"))), "`-x` cannot be the name of a network"),
        (|it| drop(it.add(DockerNetwork::new("host"))), "the network `host` is Docker's own"),
        (
            |it| drop(it.add(DockerNetwork::new("ab").gateway("1.2.3.4"))),
            "a gateway needs the subnet",
        ),
        (|it| drop(it.add(DockerVolume::new("a/b"))), "`a/b` cannot be the name of a volume"),
        (|it| drop(it.add(DockerVolume::new("ab").label("a b", ""))), "the name of a label"),
        (|it| drop(it.add(app().publish("80"))), "`80` is no port"),
        (|it| drop(it.add(app().restart("often"))), "`often` is no restart policy"),
        (|it| drop(it.add(app().env("A B", ""))), "`A B` is no name for a variable"),
        (|it| drop(it.add(app().env("AB", "1\n2"))), "the variable `AB` is not one line"),
        (|it| drop(it.add(app().bind("/a,b", "/a"))), "the path `/a,b` cannot be put into it"),
        (|it| drop(it.add(app().volume("ab", "data"))), "`data` is no place in a container"),
        (|it| drop(it.add(app().options(["memory=1g"]))), "`memory=1g` is no option"),
    ];
    for (make, words) in wrong {
        let test = Bench::new().model(move |scope| {
            make(scope);
            Ok(())
        });
        let problems = test.problems();
        assert!(problems.contains(words), "{problems}");
    }
}

/// A Compose that replays what was recorded: the containers, and the services of the file.
fn compose(containers: &str, services: &str) -> Fake {
    let says = |text: &str| Answer::ok().stdout(text);
    let name = ["compose", "--project-name", "shop"];
    let read = ["--project-directory", "*", "--file", "-", "config", "--hash", "*"];
    let ps = ["ps", "--all", "--no-trunc", "--format", "json"];
    let right = says(&recorded(include_str!("../recorded/docker/compose-ps")));
    let gone = || Answer::ok().unsets("up");
    let label = "label=com.docker.compose.project=shop";
    let list = ["ls", "--filter", label, "--format", "{{.Name}}"];
    Fake::new("docker")
        .on([&name[..], &ps].concat(), right.when("up"))
        .on([&name[..], &ps].concat(), says(containers))
        .on([&name[..], &read].concat(), says(services))
        .on([&name[..], &["down", "--remove-orphans"]].concat(), gone())
        .on([&name[..], &["down", "--remove-orphans", "--volumes"]].concat(), gone().unsets("data"))
        .on_start([&name[..], &["--file", "*"]].concat(), Answer::ok().sets("up").sets("data"))
        .on([&["network"][..], &list].concat(), says("shop_default\n").when("up"))
        .on([&["network"][..], &list].concat(), says(""))
        .on([&["volume"][..], &list].concat(), says("shop_data\n").when("data"))
        .on([&["volume"][..], &list].concat(), says(""))
        .on(["volume", "rm", "shop_data"], Answer::ok().unsets("data"))
}

fn shop() -> ComposeProject {
    ComposeProject::new("shop", File::new("compose.yaml").content("services: {}\n"))
}

fn project(fake: Fake, make: fn() -> ComposeProject) -> Bench {
    Bench::new().fake(fake).model(move |scope| {
        scope.add(make());
        Ok(())
    })
}

/// What was done to the project since this was asked last.
fn done(test: &Bench) -> Vec<String> {
    let calls = test.new_calls("docker");
    let words = calls.iter().filter_map(|line| line.split_once(" --project-name shop "));
    let words = words.map(|(_, words)| words.split_once("compose.yaml' ").map_or(words, |it| it.1));
    let reads = |words: &&str| words.starts_with("ps ") || words.starts_with("--project-directory");
    words.filter(|words| !reads(words)).map(str::to_owned).collect()
}

#[test]
fn the_services_of_a_project_are_compared_with_their_containers() {
    let ps = recorded(include_str!("../recorded/docker/compose-ps"));
    let killed = recorded(include_str!("../recorded/docker/compose-killed"));
    let hashes = recorded(include_str!("../recorded/docker/compose-hash"));
    let (once, web) = hashes.split_once('\n').unwrap();
    let other = format!("{once}\nweb {}\n", "0a".repeat(32));
    type Make = fn() -> ComposeProject;
    let absent: Make = || ComposeProject::absent("shop");
    let cases: [(&str, &str, Make, &[&str]); 8] = [
        (&ps, &hashes, shop, &[]),
        ("", &hashes, shop, &["+ create service `once`", "+ create service `web`"]),
        (&ps, &other, shop, &["~ service `web` is defined in another way"]),
        (&killed, &hashes, shop, &["~ state of shop-web-1 exited with 137 → running"]),
        (&ps, web, shop, &["- remove service `once`"]),
        (&ps, web, || shop().keep_orphans(), &[]),
        (&ps, "", absent, &["- remove service `once`", "- remove service `web`"]),
        ("", "", absent, &[]),
    ];
    for (containers, services, make, changes) in cases {
        let test = project(compose(containers, services), make);
        let seen: Vec<_> = crate::lines(&test.plan());
        let file = |line: &&String| !line.contains("create file") && !line.contains("content");
        let seen: Vec<_> = seen.iter().filter(file).collect();
        assert_eq!(seen, changes);
    }
}

#[test]
fn a_project_comes_up_once_and_a_trigger_restarts_it() {
    let hashes = recorded(include_str!("../recorded/docker/compose-hash"));
    let test = Bench::new().with(|it| it.fake(compose("", &hashes)).only_fakes());
    let set = |text: &'static str| {
        test.set_model(move |scope| {
            let conf = scope.add(File::new("conf").content(text));
            scope.on_change(&conf).add(shop());
            Ok(())
        });
    };
    set("one");
    test.deploy().assert_success();
    assert_eq!(done(&test), ["up --detach --remove-orphans"]);
    test.deploy().assert_unchanged();
    set("two");
    test.deploy().assert_success();
    assert_eq!(done(&test), ["restart"]);

    let ps = recorded(include_str!("../recorded/docker/compose-ps"));
    let killed = recorded(include_str!("../recorded/docker/compose-killed"));
    let (_, web) = hashes.trim_end().rsplit_once(' ').unwrap();
    let other = ps.replace(web, &"0a".repeat(32));
    type Make = fn() -> ComposeProject;
    let keep: Make = || shop().keep_orphans();
    for (containers, make, change, ran) in [
        (killed, shop as Make, "~ state of shop-web-1 exited with 137", " --remove-orphans"),
        (other, keep, "~ service `web` is defined in another way", ""),
    ] {
        let test = project(compose(&containers, &hashes), make);
        let changes = test.converge();
        assert!(changes.last().unwrap().starts_with(change), "{changes:?}");
        assert_eq!(done(&test), [format!("up --detach{ran}")]);
    }
}

#[test]
fn a_project_goes_with_its_volumes_or_without() {
    let hashes = recorded(include_str!("../recorded/docker/compose-hash"));
    type Make = fn() -> ComposeProject;
    let all: Make = || ComposeProject::absent_losing_all_data("shop");
    let ways: [(Make, &str, &[&str]); 2] = [
        (|| ComposeProject::absent("shop"), "down --remove-orphans", &[]),
        (all, "down --remove-orphans --volumes", &["- remove volume `shop_data`"]),
    ];
    for (absent, ran, with) in ways {
        let test = project(compose("", &hashes), shop);
        test.converge();
        assert_eq!(done(&test), ["up --detach --remove-orphans"]);
        test.set_model(move |scope| {
            scope.add(absent());
            Ok(())
        });
        let services = ["- remove service `once`", "- remove service `web`"];
        let expected = [&services[..], &["- remove network `shop_default`"], with].concat();
        assert_eq!(test.converge(), expected);
        assert_eq!(done(&test), [ran]);
        // What was kept goes later, though no container tells of the project any more.
        test.set_model(move |scope| {
            scope.add(all());
            Ok(())
        });
        let kept: &[&str] = if with.is_empty() { &["- remove volume `shop_data`"] } else { &[] };
        assert_eq!(test.converge(), kept);
    }
}

#[test]
fn a_project_that_cannot_come_up_says_why() {
    let failure = |answer: Answer| project(Fake::new("docker").otherwise(answer), shop).failure();
    // docker 28.2.2 without the plugin: `docker compose --project-name x ps`.
    let newer = "unknown flag: --project-name\n\nUsage:  docker [OPTIONS] COMMAND [ARG...]\n\nRun \
                 'docker --help' for more information\n";
    // docker 20.10.24 shows all that it can do behind the first line, here shortened.
    let commands = "  wait        Block until one or more containers stop\n".repeat(90);
    let older = format!(
        "unknown flag: --project-name\nSee 'docker --help'.\n\n{commands}\nRun 'docker COMMAND \
         --help' for more information on a command.\n\nTo get more help with docker, check out our \
         guides at https://docs.docker.com/go/guides/\n\n"
    );
    for lacking in [newer, &older] {
        let failure = failure(Answer::exit(125).stderr(lacking));
        assert!(failure.contains("this `docker` has no `compose`"), "{failure}");
    }
    // Compose; the version is not recorded.
    let wrong = "failed to parse -: yaml: line 1: did not find expected node content\n";
    assert!(failure(Answer::exit(1).stderr(wrong)).contains("cannot read the file of the project"));
    let killed = recorded(include_str!("../recorded/docker/compose-killed"));
    let hashes = recorded(include_str!("../recorded/docker/compose-hash"));
    let name = ["compose", "--project-name", "shop", "--file", "*"];
    let fake = Fake::new("docker")
        .on_start(name, Answer::ok())
        .on_start(["compose", "--project-name", "shop", "ps"], Answer::ok().stdout(killed.clone()));
    let read = Answer::ok().stdout(hashes);
    let failed = project(fake.otherwise(read), shop).failure();
    assert!(
        failed.contains("container `shop-web-1` was to run, and is exited with 137"),
        "{failed}"
    );
}
