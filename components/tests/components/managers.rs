//! Programs that look after packages, faked by what the real ones printed when they were recorded.

use std::fs;

use togusa_components::prelude::*;
use togusa_core::component::Component;
use togusa_core::testing::{Answer, Fake};

use crate::Bench;

fn set<C: Component>(test: &Bench, make: impl Fn() -> C + Send + Sync + 'static) {
    test.set_model(move |scope| {
        scope.add(make());
        Ok(())
    });
}

fn says(text: &str) -> Answer {
    Answer::ok().stdout(text)
}

/// A fake that answers a query by what is there: nothing of `tool`, its old version, its new one.
fn telling(fake: Fake, query: &[&str], [none, old, new]: [&str; 3]) -> Fake {
    let query = || query.iter().copied();
    fake.on(query(), says(new).when("new"))
        .on(query(), says(old).when("old"))
        .on(query(), says(none))
}

/// A fake that installs `tool` in its old version, also as it is named first, or in the new one, as it is
/// named second; and removes it.
fn doing(fake: Fake, install: &[&str], [old, new]: [&str; 2], remove: &[&str]) -> Fake {
    let with = |command: &[&str], name: &str| {
        command.iter().chain([&name]).map(|word| (*word).to_owned()).collect::<Vec<_>>()
    };
    let rules = [
        (with(install, "tool"), Answer::ok().sets("old")),
        (with(install, old), Answer::ok().sets("old").unsets("new")),
        (with(install, new), Answer::ok().sets("new")),
        (with(remove, "tool"), Answer::ok().unsets("old").unsets("new")),
    ];
    rules
        .into_iter()
        .fold(fake, |fake, (words, answer)| fake.on(words.iter().map(String::as_str), answer))
}

/// RPM 4.18.0: `rpm --query --all --queryformat …` and `rpm --query --whatprovides NAME`, of packages that
/// were made for it.
fn rpm() -> Fake {
    let format = "%{NAME}\\t%{EPOCHNUM}\\t%{VERSION}\\t%{RELEASE}\\t%{ARCH}\\n";
    let told = [
        "other\t1\t1.0\t1\tnoarch\n",
        "other\t1\t1.0\t1\tnoarch\ntool\t0\t1.0\t1\tnoarch\n",
        "other\t1\t1.0\t1\tnoarch\ntool\t0\t2.0\t1\tnoarch\n",
    ];
    telling(Fake::new("rpm"), &["--query", "--all", "--queryformat", format], told)
        .on(["--query", "--whatprovides", "virtual-other"], says("other-1:1.0-1.noarch\n"))
        .on(
            ["--query", "--whatprovides", "tool"],
            Answer::exit(1).stdout("no package provides tool\n"),
        )
}

fn dnf() -> Fake {
    let [install, remove] = ["install", "remove"].map(|it| ["--assumeyes", "--quiet", it]);
    doing(Fake::new("dnf"), &install, ["tool-1.0", "tool-2.0-1"], &remove)
}

fn zypper() -> Fake {
    let install = ["--non-interactive", "--quiet", "install"];
    let install = [&install[..], &["--auto-agree-with-licenses", "--oldpackage"]].concat();
    let remove = ["--non-interactive", "--quiet", "remove"];
    doing(Fake::new("zypper"), &install, ["tool=1.0", "tool=2.0-1"], &remove)
}

/// pacman 6.0.2: `pacman --query` and `pacman --deptest NAME`, of packages that were made for it.
fn pacman() -> Fake {
    let told = ["other 1:1.0-1\n", "other 1:1.0-1\ntool 1.0-1\n", "other 1:1.0-1\ntool 2.0-1\n"];
    let fake = telling(Fake::new("pacman"), &["--query"], told)
        .on(["--deptest", "virtual-other"], Answer::ok())
        .on(["--deptest", "tool"], Answer::exit(127).stdout("tool\n"));
    let [sync, remove] = ["--sync", "--remove"].map(|it| [it, "--noconfirm", "--noprogressbar"]);
    doing(fake, &sync, ["tool=1.0", "tool=2.0-1"], &remove)
}

/// apk-tools 3.0.6: `apk info --verbose` and `apk info --exists NAME`, of packages that were made for it.
fn apk() -> Fake {
    let told = ["other-1.0-r1\n", "other-1.0-r1\ntool-1.0-r0\n", "other-1.0-r1\ntool-2.0-r0\n"];
    let fake = telling(Fake::new("apk"), &["info", "--verbose"], told)
        .on(["info", "--exists", "virtual-other"], says("other\n"))
        .on(["info", "--exists", "tool"], Answer::exit(1));
    let [add, del] = ["add", "del"].map(|it| ["--no-progress", "--wait", "600", it]);
    doing(fake, &add, ["tool=1.0-r0", "tool=2.0-r0"], &del)
}

/// pkg 2.8.4: `pkg query --all …`, of packages that were made for it.
fn pkg() -> Fake {
    let told = [
        "other\tmisc/other\t1.0\n",
        "other\tmisc/other\t1.0\ntool\tmisc/tool\t1.0\n",
        "other\tmisc/other\t1.0\ntool\tmisc/tool\t2.0_1,1\n",
    ];
    let fake = telling(Fake::new("pkg"), &["query", "--all", "%n\t%o\t%v"], told);
    let [install, delete] = ["install", "delete"].map(|it| ["-o", "LOCK_RETRIES=600", it, "--yes"]);
    let fake = doing(fake, &install, ["-", "-"], &delete);
    let force = [&install[..], &["--force"]].concat();
    doing(fake, &force, ["tool-1.0", "tool-2.0_1,1"], &delete)
}

/// Goes from nothing to the old version, to the new one, back, and to nothing again.
#[track_caller]
fn goes_all_ways<C: Component>(
    test: &Bench,
    make: fn(&str) -> C,
    absent: fn(C) -> C,
    [old, new]: [&'static str; 2],
    shown: [&str; 2],
) {
    set(test, move || make("tool"));
    assert_eq!(test.converge(), ["+ create package tool"]);
    let named = |version: &'static str| move || make(&format!("tool={version}"));
    set(test, named(old));
    assert!(test.converge().is_empty(), "the version is there");
    set(test, named(new));
    assert_eq!(test.converge(), [format!("~ version of tool {} → {new}", shown[0])]);
    set(test, named(old));
    assert_eq!(test.converge(), [format!("~ version of tool {} → {old}", shown[1])]);
    set(test, move || absent(make("tool")));
    assert_eq!(test.converge(), [format!("- remove package tool {}", shown[0])]);
    set(test, named(old));
    assert_eq!(test.converge(), [format!("+ create package tool {old}")]);
}

#[test]
fn dnf_goes_from_version_to_version() {
    let test = Bench::new().fake(rpm()).fake(dnf());
    goes_all_ways(&test, |name| Dnf::new(name), Dnf::absent, ["1.0", "2.0-1"], ["1.0-1", "2.0-1"]);
    set(&test, || Dnf::all(["virtual-other", "other=1:1.0", "other.noarch"]));
    assert!(test.converge().is_empty(), "what is provided is there");
    assert_eq!(test.new_calls("dnf").len(), 5);
}

#[test]
fn zypper_goes_from_version_to_version() {
    let test = Bench::new().fake(rpm()).fake(zypper());
    goes_all_ways(
        &test,
        |name| Zypper::new(name),
        Zypper::absent,
        ["1.0", "2.0-1"],
        ["1.0-1", "2.0-1"],
    );
    set(&test, || Zypper::all(["virtual-other", "other=1.0-1"]));
    assert!(test.converge().is_empty(), "what is provided is there");

    // That a restart is advised is no error, and that a package is unknown is one.
    let install = ["--non-interactive", "--quiet", "install"];
    let zypper = Fake::new("zypper").on_start(
        install,
        [Answer::exit(103).sets("old"), Answer::exit(104).stderr("No provider of 'more' found.\n")],
    );
    let zypper = zypper.on(["--non-interactive", "--quiet", "refresh"], Answer::ok());
    let test = Bench::new().fake(rpm()).fake(zypper);
    set(&test, || Zypper::new("tool"));
    assert_eq!(test.converge(), ["+ create package tool"]);
    set(&test, || Zypper::new("tool=2.0"));
    assert!(test.failure().contains("`zypper search --details` knows"));
}

#[test]
fn pacman_goes_from_version_to_version() {
    let test = Bench::new().fake(pacman());
    goes_all_ways(
        &test,
        |name| Pacman::new(name),
        Pacman::absent,
        ["1.0", "2.0-1"],
        ["1.0-1", "2.0-1"],
    );
    set(&test, || Pacman::all(["virtual-other", "other=1:1.0-1"]));
    assert!(test.converge().is_empty(), "what is provided is there");
}

#[test]
fn pacman_waits_for_another_and_fetches_its_lists_when_one_is_missing() {
    let sync = ["--sync", "--noconfirm", "--noprogressbar"];
    // pacman 6.0.2, shortened.
    let busy = "error: failed to init transaction (unable to lock database)\n";
    let missing = "error: target not found: tool\n";
    let answers =
        [Answer::exit(1).stderr(busy), Answer::exit(1).stderr(missing), Answer::ok().sets("old")];
    let with = |word| [&sync[..], &[word]].concat();
    let fake = Fake::new("pacman")
        .on(["--query"], says("tool 1.0-1\n").when("old"))
        // Of no packages at all it tells by its exit code.
        .on(["--query"], Answer::exit(1))
        .on(["--deptest", "tool"], Answer::exit(127).stdout("tool\n"))
        .on(with("--refresh"), Answer::ok())
        .on(with("tool"), answers);
    let test = Bench::new().fake(fake);
    set(&test, || Pacman::new("tool"));
    assert_eq!(test.converge(), ["+ create package tool"]);
    let calls = test.new_calls("pacman");
    let calls: Vec<_> = calls.iter().filter_map(|it| it.split("--noprogressbar ").nth(1)).collect();
    assert_eq!(calls, ["tool", "tool", "--refresh", "tool"]);
}

#[test]
fn apk_goes_from_version_to_version() {
    let test = Bench::new().fake(apk());
    let versions = ["1.0-r0", "2.0-r0"];
    goes_all_ways(&test, |name| Apk::new(name), Apk::absent, versions, versions);
    set(&test, || Apk::all(["virtual-other", "other=1.0-r1"]));
    assert!(test.converge().is_empty(), "what is provided is there");
}

#[test]
fn apk_fetches_its_index_when_it_lacks_something() {
    // apk-tools; the version is not recorded.
    let lacks = "ERROR: unable to select packages:\n  tool (no such package):\n    required by: \
                 world[tool]\n";
    let call = |command| ["--no-progress", "--wait", "600", command];
    let add =
        [Answer::exit(1).stderr(lacks), Answer::ok().sets("old"), Answer::exit(1).stderr(lacks)];
    let fake = telling(Fake::new("apk"), &["info", "--verbose"], ["", "tool-1.0-r0\n", ""])
        .on_start(["info", "--exists"], Answer::exit(1))
        .on(call("update"), Answer::ok())
        .on_start(call("add"), add);
    let test = Bench::new().fake(fake);
    set(&test, || Apk::new("tool"));
    assert_eq!(test.converge(), ["+ create package tool"]);
    set(&test, || Apk::new("more"));
    let failure = test.failure();
    assert!(failure.contains("no such package"), "{failure}");
    assert!(failure.contains("`apk policy` knows"), "{failure}");
}

#[test]
fn pkg_goes_from_version_to_version() {
    let test = Bench::new().fake(pkg());
    let versions = ["1.0", "2.0_1,1"];
    goes_all_ways(&test, |name| Pkg::new(name), Pkg::absent, versions, versions);
    set(&test, || Pkg::all(["misc/other", "other=1.0"]));
    assert!(test.converge().is_empty(), "an origin is a name");
}

#[test]
fn pkg_may_have_to_come_first() {
    // From the manual: not recorded on FreeBSD.
    let not_yet = "The package management tool is not yet installed on your system.\n";
    let query = ["query", "--all", "*"];
    let fake = Fake::new("pkg")
        .on(query, says("tool\tmisc/tool\t1.0\n").when("old"))
        .on(query, Answer::exit(1).stderr(not_yet))
        .otherwise(Answer::ok().sets("old"));
    let test = Bench::new().fake(fake);
    set(&test, || Pkg::new("tool"));
    assert_eq!(test.converge(), ["+ create package tool"]);
}

/// Homebrew 6.0.18 printed its prefix and laid out its directories so; its installations are not recorded.
#[test]
fn homebrew_is_judged_by_its_directories_and_run_by_its_user() {
    let mut test = Bench::new();
    let prefix = test.outside("homebrew");
    let keg = |name: &str| prefix.join(name).display().to_string();
    let formula = |command| [command, "--formula", "owner/tap/tool", "postgresql@16"];
    let fake = Fake::new("brew")
        .on(["--prefix"], says(&format!("{}\n", prefix.display())))
        .on(
            formula("install"),
            Answer::ok()
                .creates(keg("Cellar/tool/1.0/INSTALL_RECEIPT.json"), "{}")
                .creates(keg("Cellar/postgresql@16/16.4/INSTALL_RECEIPT.json"), "{}"),
        )
        .on(
            ["uninstall", "--formula", "postgresql@16"],
            Answer::ok().removes(keg("Cellar/postgresql@16")),
        )
        .on(
            ["install", "--cask", "rectangle"],
            Answer::ok().creates(keg("Caskroom/rectangle/0.85/x"), ""),
        );
    test = test.fake(fake);
    let both = || Brew::all(["owner/tap/tool", "postgresql@16"]).user("ada");
    set(&test, both);
    let created = ["+ create package owner/tap/tool", "+ create package postgresql@16"];
    assert_eq!(test.converge(), created);
    set(&test, || Brew::new("postgresql@16").user("ada").absent());
    assert_eq!(test.converge(), ["- remove package postgresql@16 16.4"]);
    set(&test, || Brew::new("rectangle").user("ada").cask());
    assert_eq!(test.converge(), ["+ create package rectangle"]);
    set(&test, || Brew::new("tool"));
    assert!(test.converge().is_empty());

    // What lies there is no package without a version.
    fs::remove_dir_all(prefix.join("Cellar/tool/1.0")).unwrap();
    fs::create_dir_all(prefix.join("Cellar/.keepme/1.0")).unwrap();
    let words =
        if crate::is_root() { "Homebrew refuses to be run by root" } else { "is not faked" };
    let failure = test.failure();
    assert!(failure.contains(words), "{failure}");
}

/// `snap list` of snap 2.57.6, to answers that were made for it.
#[test]
fn a_snap_comes_follows_another_channel_and_goes() {
    let head = "Name        Version         Rev    Tracking       Publisher      Notes\n";
    let line = |channel: &str, notes: &str| {
        says(&format!(
            "{head}certbot     2.8.0           3566   {channel}  certbot-eff**  {notes}\n"
        ))
    };
    let list = ["list", "--color=never", "--unicode=never"];
    let nothing = "No snaps are installed yet. Try 'snap install hello-world'.\n";
    let install = ["install", "certbot", "--classic"];
    let refresh = ["refresh", "certbot", "--channel=edge", "--classic"];
    let fake = Fake::new("snap")
        .on(list, line("latest/edge  ", "classic").when("edge"))
        .on(list, line("latest/stable", "classic").when("there"))
        .on(list, Answer::ok().stderr(nothing))
        .on(install, Answer::ok().sets("there"))
        .on(refresh, Answer::ok().sets("edge"))
        .on(["remove", "certbot", "--purge"], Answer::ok().unsets("edge").unsets("there"));
    let test = Bench::new().fake(fake);
    set(&test, || Snap::new("certbot").classic());
    assert_eq!(test.converge(), ["+ create snap certbot"]);
    set(&test, || Snap::new("certbot").classic().channel("edge"));
    assert_eq!(test.converge(), ["~ channel latest/stable → latest/edge"]);
    set(&test, || Snap::new("certbot").absent().purge());
    assert_eq!(test.converge(), ["- remove snap certbot 2.8.0"]);
    set(&test, || Snap::new("certbot").absent());
    assert!(test.converge().is_empty());

    let fake = Fake::new("snap")
        .on(list, line("latest/edge  ", "classic").when("edge"))
        .on(list, line("latest/stable", "disabled"))
        .on(["enable", "certbot"], Answer::ok())
        .on(refresh, Answer::ok().sets("edge"));
    let test = Bench::new().fake(fake);
    set(&test, || Snap::new("certbot").classic().channel("edge"));
    let told = [
        "~ snap certbot is disabled",
        "~ channel latest/stable → latest/edge",
        "~ confinement strict → classic",
    ];
    assert_eq!(test.converge(), told);
}

#[test]
fn a_broken_manager_is_told_with_its_own_words() {
    fn failure<C: Component>(fakes: Vec<Fake>, make: fn() -> C) -> String {
        let test = fakes.into_iter().fold(Bench::new(), Bench::fake);
        set(&test, make);
        test.failure()
    }
    let exits = |words: &str| Answer::exit(1).stderr(words);
    // snap 2.57.6 without a snapd.
    let closed = "error: cannot list snaps: cannot communicate with server: Get \
                  \"http://localhost/v2/snaps\": dial unix /run/snapd.socket: connect: no such file \
                  or directory\n";
    let snap = Fake::new("snap").otherwise(exits(closed));
    // pacman 6.0.2 with `--config` of no file.
    let config =
        "error: config file /etc/pacman.conf could not be read: No such file or directory\n";
    let pacman = Fake::new("pacman").on(["--query"], exits(config));
    // Words of pkg and brew are not recorded.
    let pkg = Fake::new("pkg")
        .on_start(["query"], Answer::ok())
        .otherwise(exits("pkg: the disk is full\n"));
    let brew = Fake::new("brew")
        .on(["--prefix"], says("/nowhere\n"))
        .otherwise(exits("Error: the disk is full\n"));
    let tool = || Brew::new("tool").user("ada");
    for (failure, words) in [
        (failure(vec![snap], || Snap::new("certbot")), ["with server", "\"snapd.socket\""]),
        (failure(vec![pkg], || Pkg::new("tool")), ["the disk is full", "`pkg search` knows"]),
        (failure(vec![brew], tool), ["the disk is full", "brew install --formula"]),
        (failure(vec![pacman], || Pacman::new("tool")), ["could not be read", "pacman --query"]),
    ] {
        assert!(words.iter().all(|it| failure.contains(it)), "{words:?}: {failure}");
    }
}

#[test]
fn a_package_follows_the_platform() {
    let tool = || Package::new("tool").on("rocky", ["tool=2.0-1"]).on("arch", [""; 0]);
    let bench = || {
        Bench::new().fake(rpm()).fake(dnf()).fake(zypper()).fake(apk()).fake(pkg()).fake(pacman())
    };
    for (release, program) in [
        ("fedora 39", "dnf"),
        ("opensuse-leap 15.5", "zypper"),
        ("alpine 3.23.0", "apk"),
        ("FreeBSD 14.1-RELEASE", "pkg"),
    ] {
        let test = bench().release(release);
        set(&test, tool);
        assert_eq!(test.converge(), ["+ create package tool"], "{release}");
        assert!(!test.new_calls(program).is_empty(), "{release}");
        set(&test, move || tool().absent());
        assert_eq!(
            test.converge(),
            ["- remove package tool 1.0-1"; 1].map(|it| {
                let ends = match program {
                    "apk" => "1.0-r0",
                    "pkg" => "1.0",
                    _ => "1.0-1",
                };
                it.replace("1.0-1", ends)
            })
        );
    }
    let test = bench().release("alpine 3.23.0").platform("rocky");
    set(&test, tool);
    assert_eq!(test.converge(), ["+ create package tool 2.0-1"], "the environment knows better");
    for (platform, shown) in
        [("macos", "package other/tap/tool"), ("ubuntu-core", "snap tool-snap")]
    {
        let mut test = Bench::new().platform(platform);
        let cellar = test.outside("homebrew/Cellar/tool/1.0/x").display().to_string();
        let brew = Fake::new("brew")
            .on(["--prefix"], says(&test.outside("homebrew").display().to_string()))
            .on(["install", "--formula", "other/tap/tool"], Answer::ok().creates(cellar, ""));
        let list = ["list", "--color=never", "--unicode=never"];
        let line = "Name Version Rev Tracking Publisher Notes\ntool-snap 1 2 latest/stable me -\n";
        let snap = Fake::new("snap")
            .on(list, says(line).when("there"))
            .on(list, Answer::ok())
            .on(["install", "tool-snap"], Answer::ok().sets("there"));
        test = test.fake(brew).fake(snap);
        set(&test, move || {
            let tool = tool().on("macos", ["other/tap/tool"]).on("ubuntu-core", ["tool-snap"]);
            tool.user("ada")
        });
        assert_eq!(test.converge(), [format!("+ create {shown}")]);
        let by_ada = test.calls("brew").to_string().matches("  as ada").count();
        assert_eq!(by_ada, usize::from(platform == "macos"), "{platform}");
    }
    let test = bench().release("arch").platform("staging");
    set(&test, tool);
    assert!(test.converge().is_empty(), "none is needed there");
    let test = bench().platform("debian");
    set(&test, || Package::all(["tool", "1wrong$"]));
    assert!(test.problems().contains("`1wrong$` cannot be the name of a package"));
}

#[test]
fn what_cannot_be_is_named() {
    fn problem<C: Component>(make: impl Fn() -> C + Send + Sync + 'static) -> String {
        let test = Bench::new();
        set(&test, make);
        test.problems()
    }
    assert!(problem(|| Dnf::all([""; 0])).contains("no package is named"));
    assert!(problem(|| Dnf::new("-y")).contains("`-y` cannot be the name of a package of `dnf`"));
    assert!(problem(|| Zypper::new("a b")).contains("`a b` cannot be the name"));
    assert!(problem(|| Pacman::new("a=-1")).contains("`-1` cannot be a version of package `a`"));
    assert!(problem(|| Apk::new("a=1.0")).contains("has no revision, such as `-r0`"));
    assert!(problem(|| Pkg::new("a=1").absent()).contains("is to be absent and has version `1`"));
    let versions = problem(|| Brew::new("a=1"));
    assert!(versions.contains("Homebrew cannot be asked for version `1`"), "{versions}");
    assert!(problem(|| Snap::new("A")).contains("`A` cannot be the name of a snap"));
    assert!(problem(|| Snap::new("a").channel("-x")).contains("`-x` cannot be a channel"));
    assert!(problem(|| Snap::new("a").classic().absent()).contains("to an absent snap"));
    assert!(problem(|| Snap::new("a").purge()).contains("that is not to be absent"));
    assert!(problem(|| Package::all([""; 0])).contains("no package is named"));
    let near = problem(|| Package::new("a").on("fredora", ["b"]));
    assert!(near.contains("no platform with packages") && near.contains("`fedora`"), "{near}");
}

#[test]
fn a_host_of_another_kind_is_told_so() {
    let test = Bench::new().release("slackware 15.0");
    set(&test, || Package::new("-y"));
    let failure = test.failure();
    // The machine that the tests run on says what it is like.
    assert!(
        failure.contains("cannot be the name") || failure.contains("slackware 15.0"),
        "{failure}"
    );
    let test = Bench::new();
    set(&test, || Apk::new("tool"));
    let failure = test.failure();
    assert!(failure.contains("there is no program `apk`"), "{failure}");
    assert!(failure.contains("`apk` looks after packages of Alpine Linux"), "{failure}");
    assert!(failure.contains("`Package` chooses"), "{failure}");
}
