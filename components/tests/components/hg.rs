//! Checkouts of Mercurial, from a repository on the same machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use tempfile::TempDir;
use togusa_components::prelude::*;
use togusa_core::prelude::*;
use togusa_core::testing::{Answer, Fake};

use crate::Bench;
use crate::server::Server;

/// Runs Mercurial as somebody who works on the repository.
#[track_caller]
fn hg(directory: &Path, args: &[&str]) -> String {
    let mut command = Command::new("hg");
    command.env("HGPLAIN", "1").env("HGRCPATH", "").env("HGUSER", "a").env("HGENCODING", "UTF-8");
    let ran = command.args(args).current_dir(directory).output();
    let ran = ran.expect("no `hg`: install the package `mercurial`");
    assert!(ran.status.success(), "{args:?}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap().trim().to_owned()
}

fn head(directory: &Path) -> String {
    hg(directory, &["log", "--rev", ".", "--template", "{node}"])
}

/// Commits all files and gives the commit, as Mercurial tells it: `committed changeset 1:03fe5d…`.
fn commit(directory: &Path, message: &str) -> String {
    let told = hg(directory, &["commit", "--debug", "--addremove", "--message", message]);
    let commit = told.lines().last().and_then(|line| line.rsplit_once(':'));
    commit.unwrap_or_else(|| panic!("{told}")).1.to_owned()
}

/// What is made once for all tests, which copy it: a repository with one commit, and a checkout of it.
struct Made {
    directory: TempDir,
    first: String,
}

static MADE: LazyLock<Made> = LazyLock::new(|| {
    let directory = TempDir::new().unwrap();
    let origin = directory.path().join("origin");
    hg(directory.path(), &["init", "origin"]);
    fs::write(origin.join("file"), "one\n").unwrap();
    let first = commit(&origin, "one");
    hg(directory.path(), &["clone", "--quiet", "--pull", "origin", "app"]);
    Made { directory, first }
});

/// Copies a repository; a start of Mercurial would take longer.
fn copy(from: &Path, to: &Path) {
    let ran = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(ran.unwrap().success(), "{from:?} to {to:?}");
}

/// A server's repository, which is worked on right there.
struct Origin {
    test: Bench,
    url: String,
    work: PathBuf,
    first: String,
}

impl Origin {
    fn new() -> Self {
        Self::of(Bench::new())
    }

    fn of(test: Bench) -> Self {
        let work = test.outside("origin");
        copy(&MADE.directory.path().join("origin"), &work);
        let url = format!("file://{}", work.display());
        Self { test, url, work, first: MADE.first.clone() }
    }

    /// Commits a file and gives the commit.
    fn commit(&self, name: &str, text: &str) -> String {
        fs::write(self.work.join(name), text).unwrap();
        commit(&self.work, text.trim())
    }

    /// Checks out what another test shows to converge.
    #[track_caller]
    fn deploy(&self) {
        self.test.deploy().assert_success();
    }

    /// Puts a checkout of the first commit there, as the component leaves it.
    fn check_out_first(&self) {
        let app = self.test.path("app");
        fs::create_dir_all(app.parent().unwrap()).unwrap();
        copy(&MADE.directory.path().join("app"), &app);
        fs::write(app.join(".hg/hgrc"), self.settings()).unwrap();
    }

    fn settings(&self) -> String {
        format!("[paths]\ndefault = {}\n", self.url)
    }

    fn checkout(&self, make: impl Fn(HgCheckout) -> HgCheckout + Send + Sync + 'static) {
        let url = self.url.clone();
        self.test.set_model(move |scope| {
            scope.add(make(HgCheckout::new(url.as_str(), "app")));
            Ok(())
        });
    }

    fn head(&self) -> String {
        head(&self.test.path("app"))
    }
}

#[test]
fn a_branch_is_followed() {
    let origin = Origin::new();
    let first = origin.first.clone();
    origin.checkout(|app| app.branch("default"));
    let created = origin.test.converge();
    let expected = format!("+ create checkout of `{}` at default ({})", origin.url, &first[..12]);
    assert_eq!(created, [expected]);
    assert_eq!(origin.test.read("app/file"), "one\n");
    let second = origin.commit("file", "two\n");
    let moved = origin.test.converge();
    assert_eq!(moved, [format!("~ commit {} → {}", &first[..12], &second[..12])]);
    assert_eq!(origin.test.read("app/file"), "two\n");
}

#[test]
fn a_bookmark_and_a_branch_that_are_not_the_first_are_found() {
    let origin = Origin::new();
    let first = origin.first.clone();
    let second = origin.commit("file", "two\n");
    origin.checkout(|app| app.bookmark("default"));
    let failure = origin.test.failure();
    assert!(failure.contains("has no bookmark `default`"), "{failure}");
    hg(&origin.work, &["bookmark", "--rev", &first, "next one"]);
    origin.checkout(|app| app.bookmark("next one"));
    origin.test.converge();
    assert_eq!(origin.head(), first);
    hg(&origin.work, &["branch", "-q", "a branch"]);
    let third = origin.commit("file", "three\n");
    origin.checkout(|app| app.branch("a branch"));
    origin.test.converge();
    assert_eq!(origin.head(), third);
    origin.checkout(|app| app.branch("default"));
    origin.test.converge();
    assert_eq!(origin.head(), second);
}

#[test]
fn a_tag_or_a_commit_that_is_there_needs_no_server() {
    let origin = Origin::new();
    let first = origin.first.clone();
    hg(&origin.work, &["tag", "v1"]);
    origin.commit("file", "two\n");
    origin.checkout(|app| app.tag("v1"));
    origin.test.converge();
    assert_eq!(origin.head(), first);
    let hidden = origin.test.outside("hidden");
    fs::rename(&origin.work, &hidden).unwrap();
    origin.test.deploy().assert_unchanged();
    let commit = first.clone();
    origin.checkout(move |app| app.commit(commit.as_str()));
    origin.test.deploy().assert_unchanged();
    fs::rename(&hidden, &origin.work).unwrap();
    // Another commit is fetched by itself.
    let third = origin.commit("file", "three\n");
    let commit = third.clone();
    origin.checkout(move |app| app.commit(commit.as_str()));
    origin.test.converge();
    assert_eq!(origin.head(), third);
    origin.checkout(|app| app.commit("1".repeat(40)));
    let failure = origin.test.failure();
    assert!(failure.contains(&format!("has no commit `{}`", "1".repeat(40))), "{failure}");
}

#[test]
fn what_was_changed_by_hand_is_refused_kept_or_discarded() {
    let origin = Origin::new();
    origin.checkout(|app| app.branch("default"));
    origin.check_out_first();
    fs::write(origin.test.path("app/file"), "mine\n").unwrap();
    let failure = origin.test.failure();
    assert!(failure.contains("files were changed by hand: `file`"), "{failure}");
    assert!(failure.contains("`.clobber()`"), "{failure}");
    assert_eq!(origin.test.read("app/file"), "mine\n");

    origin.checkout(|app| app.branch("default").keep_local_changes());
    origin.test.deploy().assert_unchanged();
    let next = origin.commit("other", "x\n");
    origin.test.converge();
    assert_eq!((origin.head(), origin.test.read("app/file").as_str()), (next, "mine\n"));
    origin.commit("file", "theirs\n");
    let failure = origin.test.failure();
    assert!(failure.contains("conflicting changes"), "{failure}");
    assert_eq!(origin.test.read("app/file"), "mine\n");

    origin.checkout(|app| app.branch("default").clobber());
    let changes = origin.test.converge();
    assert_eq!(changes[1..], ["~ changed by hand: `file`"]);
    assert_eq!(origin.test.read("app/file"), "theirs\n");
}

#[test]
fn commits_that_were_made_by_hand_are_not_lost() {
    let origin = Origin::new();
    // What a server gives that does not publish is a draft, as what is committed by hand.
    fs::write(origin.work.join(".hg/hgrc"), "[phases]\npublish = false\n").unwrap();
    origin.checkout(|app| app.branch("default"));
    origin.deploy();
    origin.commit("file", "two\n");
    origin.test.converge();
    let deployed = origin.head();
    fs::write(origin.test.path("app/file"), "mine\n").unwrap();
    hg(&origin.test.path("app"), &["commit", "--message", "by hand"]);
    let failure = origin.test.failure();
    assert!(
        failure.contains("commits were made by hand: `") && failure.contains("by hand`"),
        "{failure}"
    );
    origin.checkout(HgCheckout::absent);
    assert_eq!(origin.test.failure(), failure);
    origin.checkout(|app| app.branch("default").clobber());
    origin.test.converge();
    assert_eq!(origin.head(), deployed);
}

#[test]
fn a_checkout_that_was_moved_by_hand_is_moved_back() {
    let origin = Origin::new();
    let first = origin.first.clone();
    let second = origin.commit("file", "two\n");
    origin.checkout(|app| app.branch("default"));
    origin.deploy();
    hg(&origin.test.path("app"), &["update", "--rev", &first]);
    origin.test.converge();
    assert_eq!(origin.head(), second);
}

#[test]
fn files_that_mercurial_does_not_know_stay_unless_they_are_to_go() {
    let origin = Origin::new();
    origin.checkout(|app| app.branch("default"));
    origin.check_out_first();
    fs::write(origin.test.path("app/a b\n\"é"), "").unwrap();
    origin.test.deploy().assert_unchanged();
    origin.checkout(|app| app.branch("default").clean());
    assert_eq!(origin.test.converge(), ["- remove unknown to Mercurial: `a b\\n\\\"é`"]);
    assert!(!origin.test.exists("app/a b\n\"é"));
}

#[test]
fn another_url_makes_the_checkout_anew_and_absent_removes_it() {
    let origin = Origin::new();
    origin.checkout(|app| app.branch("default"));
    origin.check_out_first();
    let app = origin.test.path("app");
    copy(&origin.work, &origin.test.outside("copy"));
    let url = format!("file://{}", origin.test.outside("copy").display());
    // Nothing goes for a server that does not have it.
    let (commit, missing) = (head(&app), format!("{url}-missing"));
    origin.test.set_model(move |scope| {
        scope.add(HgCheckout::new(missing.as_str(), "app").commit(commit.as_str()));
        Ok(())
    });
    assert!(origin.test.failure().contains("-missing"));
    assert!(app.join("file").exists());
    for absent in [false, true] {
        let other = url.clone();
        origin.test.set_model(move |scope| {
            let app = HgCheckout::new(other.as_str(), "app");
            scope.add(if absent { app.absent() } else { app.branch("default") });
            Ok(())
        });
        fs::write(app.join("unknown"), "").unwrap();
        let failure = origin.test.failure();
        assert!(failure.contains("files were changed by hand: `unknown`"), "{failure}");
        fs::remove_file(app.join("unknown")).unwrap();
        fs::write(app.join("file"), "mine\n").unwrap();
        hg(&app, &["--config", "extensions.shelve=", "shelve", "--name", "later"]);
        let failure = origin.test.failure();
        assert!(failure.contains("commits were made by hand: `later`"), "{failure}");
        fs::remove_dir_all(app.join(".hg/shelved")).unwrap();
        if absent {
            assert_eq!(origin.test.converge(), ["- remove directory with all that it holds"]);
            assert!(!origin.test.exists("app"));
        } else {
            assert_eq!(origin.test.converge(), [format!("~ url {} → {url}", origin.url)]);
            assert_eq!(hg(&app, &["config", "paths.default"]), url);
        }
    }
}

#[test]
fn what_cannot_be_is_named() {
    let origin = Origin::new();
    let first = origin.first.clone();
    // The second one is the beginning of a commit.
    for name in ["nothing".to_owned(), first[..12].to_owned()] {
        let failure = {
            let branch = name.clone();
            origin.checkout(move |app| app.branch(branch.as_str()));
            origin.test.failure()
        };
        assert!(failure.contains(&format!("has no branch `{name}`")), "{failure}");
    }
    fs::remove_dir_all(origin.test.path("app")).unwrap();
    fs::create_dir_all(origin.test.path("app")).unwrap();
    fs::write(origin.test.path("app/x"), "").unwrap();
    for absent in [false, true] {
        origin.checkout(move |app| match absent {
            true => app.absent(),
            false => app.branch("default"),
        });
        let failure = origin.test.failure();
        assert!(failure.contains("holds files, and is no checkout of Mercurial"), "{failure}");
    }
    let problem = |make: fn() -> HgCheckout| {
        let test = Bench::new().model(move |scope| {
            scope.add(make());
            Ok(())
        });
        test.problems()
    };
    assert!(problem(|| HgCheckout::new("/u", "d")).contains("no revision is given"));
    assert!(problem(|| HgCheckout::new("/u", "d").tag("a").branch("b")).contains("two revisions"));
    assert!(problem(|| HgCheckout::new("/u", "d").commit("abc")).contains("all of its 40"));
    assert!(problem(|| HgCheckout::new("/u", "d").tag("tip")).contains("is no name of a tag"));
    for url in ["u", "https://a.org/x#y"] {
        let test = Bench::new().model(move |scope| {
            scope.add(HgCheckout::new(url, "d").branch("b"));
            Ok(())
        });
        assert!(test.problems().contains("is no whole address of a repository"));
    }
    assert!(
        problem(|| HgCheckout::new("/u", "d").branch("b").login("a", "b"))
            .contains("a login is for a URL that begins with")
    );
    assert!(
        problem(|| HgCheckout::new("https://a.org/", "d").branch("b").login("a", " b"))
            .contains("the password of the login")
    );
}

#[test]
fn a_key_and_a_password_are_private_files_and_never_shown() {
    let key = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n";
    let real = Fake::new("hg").otherwise(Answer::real());
    let test = Bench::new().with(|harness| harness.fake(real)).data("key", Secret::new(key));
    let test = test.data("password", Secret::new("tr0ub4 d@r%"));
    let server = Server::new(b"");
    server.set(|site| {
        site.refusal = Some("401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"test\"");
    });
    let url = server.url.clone();
    let test = test.model(move |scope| {
        let key: Secret = scope.data("key")?.context("no key")?;
        let password: Secret = scope.data("password")?.context("no password")?;
        let app = HgCheckout::new(url.as_str(), "app").branch("default");
        scope.add(app.ssh_key(key).known_hosts("h ssh-ed25519 AAAA\n").login("me", password));
        Ok(())
    });
    let run = test.deploy();
    let failure = run.failures().join("\n");
    assert!(failure.contains("exited with 255") && failure.contains("| abort: "), "{failure}");
    let told = format!("{run:?}");
    assert!(!told.contains("tr0ub4") && !told.contains("b3BlbnNz"), "{told}");
    let calls = test.calls("hg").to_string();
    assert!(calls.contains(&*server.url) && !calls.contains("tr0ub4"), "{calls}");
    let host = server.url.strip_prefix("http://").unwrap().strip_suffix("/file").unwrap();
    let login = format!(
        "[auth]\ntogusa.prefix = {host}\ntogusa.schemes = http\n\
         togusa.username = me\ntogusa.password = tr0ub4 d@r%\n"
    );
    for (name, content) in [
        (".app.hg-key", key),
        (".app.hg-known_hosts", "h ssh-ed25519 AAAA\n"),
        (".app.hg-login", &*login),
    ] {
        assert_eq!((test.read(name).as_str(), test.mode(name)), (content, 0o600), "{name}");
    }
    // `me:tr0ub4 d@r%` in base64: the server was told who it is.
    let asked = server.asked().concat();
    assert!(asked.contains("Basic bWU6dHIwdWI0IGRAciU="), "{asked}");

    let url = server.url.clone();
    test.set_model(move |scope| {
        let app = HgCheckout::new(url.as_str(), "app").absent();
        scope.add(app.ssh_key("k").known_hosts("h").login("me", "p"));
        Ok(())
    });
    test.converge();
    for name in [".app.hg-key", ".app.hg-known_hosts", ".app.hg-login"] {
        assert!(!test.exists(name), "{name}");
    }
}

#[test]
fn a_password_in_the_url_is_refused() {
    let test = Bench::new().data("password", Secret::new("tr0ub4dor")).model(|scope| {
        let password: Secret = scope.data("password")?.context("no password")?;
        let url = format!("https://localhost/{}/app", password.expose());
        scope.add(HgCheckout::new(url, "app").branch("default"));
        Ok(())
    });
    let problems = test.problems();
    assert!(problems.contains("hint: give the password by `.login(…)`"), "{problems}");
}

#[test]
fn a_first_checkout_that_was_cut_off_is_brought_to_its_end() {
    let origin = Origin::new();
    origin.checkout(|app| app.branch("default"));
    let app = origin.test.path("app");
    fs::create_dir_all(&app).unwrap();
    hg(&app, &["init"]);
    // Before it was told where it is from.
    origin.test.converge();
    let settings = origin.settings();
    assert_eq!(origin.test.read("app/.hg/hgrc"), settings);

    hg(&app, &["update", "null"]);
    fs::write(app.join(".hg/hgrc"), format!("{settings}[togusa]\nincomplete = true\n")).unwrap();
    // As Mercurial leaves it when it is killed while it writes the files.
    fs::write(app.join("file"), "on").unwrap();
    origin.test.converge();
    assert_eq!(origin.test.read("app/file"), "one\n");
    assert_eq!(origin.test.read("app/.hg/hgrc"), settings);
    fs::write(app.join("file"), "by hand").unwrap();
    assert!(origin.test.failure().contains("files were changed by hand"));
}

/// The commands of Mercurial that were run since this was asked last.
fn commands(test: &Bench) -> Vec<String> {
    let names = ["identify", "init", "pull", "serve", "update"];
    let calls = test.new_calls("hg");
    let name = |call: &String| call.split(' ').find(|word| names.contains(word)).map(str::to_owned);
    calls.iter().map(|call| name(call).unwrap_or_else(|| call.clone())).collect()
}

#[test]
fn a_look_is_one_start_of_mercurial() {
    let real = Fake::new("hg").otherwise(Answer::real());
    let origin = Origin::of(Bench::new().with(|harness| harness.fake(real)));
    let commit = origin.first.clone();
    origin.checkout(move |app| app.commit(commit.as_str()));
    origin.deploy();
    assert_eq!(commands(&origin.test), ["init", "pull", "serve", "update", "serve"]);
    origin.test.plan().assert_success();
    assert_eq!(commands(&origin.test), ["serve"]);
    // The server is asked by the same.
    origin.commit("file", "two\n");
    origin.checkout(|app| app.branch("default"));
    origin.deploy();
    assert_eq!(commands(&origin.test), ["serve", "serve", "pull", "serve", "update", "serve"]);
    // What is there already is not fetched.
    fs::write(origin.test.path("app/file"), "mine\n").unwrap();
    origin.checkout(|app| app.branch("default").clobber());
    origin.deploy();
    assert_eq!(commands(&origin.test), ["serve", "serve", "update", "serve"]);
}

#[test]
fn a_mercurial_whose_answers_cannot_be_told_apart_is_asked_one_by_one() {
    let start = ["--noninteractive", "--config", "*", "--repository", "*", "serve"];
    let fake = Fake::new("hg").on_start(start, Answer::ok().stdout("an extension\n"));
    let fake = fake.otherwise(Answer::real());
    let origin = Origin::of(Bench::new().with(|harness| harness.fake(fake)));
    origin.check_out_first();
    fs::write(origin.test.path("app/file"), "mine\n").unwrap();
    origin.checkout(|app| app.branch("default"));
    let planned = origin.test.plan();
    planned.assert_success();
    let planned = planned.changes().concat();
    assert!(planned.ends_with("~ changed by hand: `file`"), "{planned}");
    assert_eq!(planned.matches('~').count(), 1, "{planned}");
}

#[test]
fn what_mercurial_refuses_is_told_as_of_a_command_of_its_own() {
    let origin = Origin::new();
    origin.check_out_first();
    origin.checkout(|app| app.branch("other"));
    let failure = origin.test.failure();
    assert!(failure.contains("has no branch `other`"), "{failure}");
    origin.checkout(|app| app.branch("default"));
    fs::rename(&origin.work, origin.test.outside("hidden")).unwrap();
    let failure = origin.test.failure();
    assert!(failure.contains(" identify --bookmarks "), "{failure}");
    assert!(failure.contains("exited with 255"), "{failure}");
    assert!(failure.contains("stderr ends with:\n     | abort: repository "), "{failure}");
}
