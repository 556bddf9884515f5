//! Checkouts of git, from a bare repository on the same machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use togusa_components::prelude::*;
use togusa_core::prelude::*;

use crate::Bench;

/// Runs git as somebody who works on the repository.
#[track_caller]
fn git(directory: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always"]);
    let ran = command.args(args).current_dir(directory).output().unwrap();
    assert!(ran.status.success(), "{args:?}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap().trim().to_owned()
}

/// A server's repository and a place to work on it.
struct Origin {
    test: Bench,
    url: String,
    work: PathBuf,
}

impl Origin {
    fn new() -> Self {
        let test = Bench::new();
        let outside = test.outside("");
        git(&outside, &["init", "-q", "--bare", "-b", "main", "origin.git"]);
        git(&outside, &["clone", "-q", "origin.git", "work"]);
        let work = outside.join("work");
        git(&work, &["checkout", "-q", "-b", "main"]);
        let url = format!("file://{}", outside.join("origin.git").display());
        let origin = Self { test, url, work };
        origin.commit("file", "one\n");
        origin
    }

    /// Commits a file, sends it, and gives the commit.
    fn commit(&self, name: &str, text: &str) -> String {
        fs::write(self.work.join(name), text).unwrap();
        git(&self.work, &["add", "--all"]);
        git(&self.work, &["commit", "-q", "-m", text.trim()]);
        git(&self.work, &["push", "-q", "--tags", "origin", "main"]);
        git(&self.work, &["rev-parse", "HEAD"])
    }

    fn tag(&self, name: &str) {
        git(&self.work, &["tag", "-m", name, name]);
        git(&self.work, &["push", "-q", "--tags"]);
    }

    fn checkout(&self, make: impl Fn(GitCheckout) -> GitCheckout + Send + Sync + 'static) {
        let url = self.url.clone();
        self.test.set_model(move |scope| {
            scope.add(make(GitCheckout::new(url.as_str(), "app")));
            Ok(())
        });
    }

    fn head(&self) -> String {
        git(&self.test.path("app"), &["rev-parse", "HEAD"])
    }
}

#[test]
fn a_branch_is_followed() {
    let origin = Origin::new();
    let first = git(&origin.work, &["rev-parse", "HEAD"]);
    origin.checkout(|app| app.branch("main").depth(1));
    let created = origin.test.converge();
    let expected = format!("+ create checkout of `{}` at main ({})", origin.url, &first[..12]);
    assert_eq!(created, [expected]);
    assert_eq!(origin.test.read("app/file"), "one\n");
    let second = origin.commit("file", "two\n");
    let moved = origin.test.converge();
    assert_eq!(moved, [format!("~ commit {} → {}", &first[..12], &second[..12])]);
    assert_eq!(origin.test.read("app/file"), "two\n");
}

#[test]
fn a_tag_or_a_commit_that_is_there_needs_no_server() {
    let origin = Origin::new();
    let first = git(&origin.work, &["rev-parse", "HEAD"]);
    origin.tag("v1");
    origin.commit("file", "two\n");
    origin.checkout(|app| app.tag("v1"));
    origin.test.converge();
    assert_eq!(origin.head(), first);
    let hidden = origin.test.outside("hidden.git");
    fs::rename(origin.test.outside("origin.git"), &hidden).unwrap();
    assert!(origin.test.converge().is_empty());
    let commit = first.clone();
    origin.checkout(move |app| app.commit(commit.as_str()));
    assert!(origin.test.converge().is_empty());
    fs::rename(&hidden, origin.test.outside("origin.git")).unwrap();
    // Another commit is fetched by itself.
    let third = origin.commit("file", "three\n");
    let commit = third.clone();
    origin.checkout(move |app| app.commit(commit.as_str()).depth(1));
    origin.test.converge();
    assert_eq!(origin.head(), third);
}

#[test]
fn what_was_changed_by_hand_is_refused_kept_or_discarded() {
    let origin = Origin::new();
    origin.checkout(|app| app.branch("main"));
    origin.test.converge();
    fs::write(origin.test.path("app/file"), "mine\n").unwrap();
    let failure = origin.test.failure();
    assert!(failure.contains("files were changed by hand: `file`"), "{failure}");
    assert!(failure.contains("`.clobber()`"), "{failure}");
    assert_eq!(origin.test.read("app/file"), "mine\n");

    origin.checkout(|app| app.branch("main").keep_local_changes());
    assert!(origin.test.converge().is_empty());
    let next = origin.commit("other", "x\n");
    origin.test.converge();
    assert_eq!((origin.head(), origin.test.read("app/file").as_str()), (next, "mine\n"));

    origin.checkout(|app| app.branch("main").clobber());
    assert_eq!(origin.test.converge(), ["~ changed by hand: `file`"]);
    assert_eq!(origin.test.read("app/file"), "one\n");
}

#[test]
fn commits_that_were_made_by_hand_are_not_lost() {
    let origin = Origin::new();
    origin.checkout(|app| app.branch("main"));
    origin.test.converge();
    let deployed = origin.head();
    fs::write(origin.test.path("app/file"), "mine\n").unwrap();
    git(&origin.test.path("app"), &["commit", "-q", "-a", "-m", "by hand"]);
    let failure = origin.test.failure();
    assert!(
        failure.contains("commits were made by hand: `") && failure.contains("by hand`"),
        "{failure}"
    );
    origin.checkout(|app| app.branch("main").clobber());
    origin.test.converge();
    assert_eq!(origin.head(), deployed);
}

#[test]
fn a_checkout_that_was_moved_by_hand_is_moved_back() {
    let origin = Origin::new();
    let first = git(&origin.work, &["rev-parse", "HEAD"]);
    let second = origin.commit("file", "two\n");
    origin.checkout(|app| app.branch("main"));
    origin.test.converge();
    git(&origin.test.path("app"), &["checkout", "-q", &first]);
    origin.test.converge();
    assert_eq!(origin.head(), second);
}

#[test]
fn files_that_git_does_not_know_stay_unless_they_are_to_go() {
    let origin = Origin::new();
    origin.checkout(|app| app.branch("main"));
    origin.test.converge();
    fs::write(origin.test.path("app/a b\n\"é"), "").unwrap();
    assert!(origin.test.converge().is_empty());
    origin.checkout(|app| app.branch("main").clean());
    assert_eq!(origin.test.converge().len(), 1);
    assert!(!origin.test.exists("app/a b\n\"é"));
}

#[test]
fn another_url_makes_the_checkout_anew_and_absent_removes_it() {
    let origin = Origin::new();
    origin.checkout(|app| app.branch("main"));
    origin.test.converge();
    fs::write(origin.test.path("app/unknown"), "").unwrap();
    let copy = origin.test.outside("copy.git");
    git(&origin.test.outside(""), &["clone", "-q", "--bare", "origin.git", "copy.git"]);
    let url = format!("file://{}", copy.display());
    let other = url.clone();
    origin.test.set_model(move |scope| {
        scope.add(GitCheckout::new(other.as_str(), "app").branch("main"));
        Ok(())
    });
    let failure = origin.test.failure();
    assert!(failure.contains("files were changed by hand: `unknown`"), "{failure}");
    // Not even where git is told not to speak of such files.
    let app = origin.test.path("app");
    git(&app, &["config", "status.showUntrackedFiles", "no"]);
    assert_eq!(origin.test.failure(), failure);
    let unknown = failure;
    fs::remove_file(origin.test.path("app/unknown")).unwrap();
    git(&app, &["checkout", "-q", "-b", "own"]);
    fs::write(app.join("file"), "own\n").unwrap();
    git(&app, &["commit", "-q", "-a", "-m", "on a branch"]);
    git(&app, &["checkout", "-q", "--detach", "HEAD^"]);
    let failure = origin.test.failure();
    assert!(failure.contains("commits were made by hand: "), "{failure}");
    assert!(failure.contains("on a branch"), "{failure}");
    git(&app, &["branch", "-q", "-D", "own"]);
    assert_eq!(origin.test.converge(), [format!("~ url {} → {url}", origin.url)]);
    assert_eq!(git(&origin.test.path("app"), &["config", "remote.origin.url"]), url);

    origin.test.set_model(move |scope| {
        scope.add(GitCheckout::new(url.as_str(), "app").absent().ssh_key("key"));
        Ok(())
    });
    fs::write(origin.test.path("app/unknown"), "").unwrap();
    assert_eq!(origin.test.failure(), unknown);
    fs::remove_file(origin.test.path("app/unknown")).unwrap();
    fs::write(origin.test.path(".app.git-key"), "").unwrap();
    let removed = origin.test.converge().join("\n");
    assert!(removed.contains("- remove directory with all that it holds"), "{removed}");
    assert!(!origin.test.exists("app") && !origin.test.exists(".app.git-key"));
    fs::create_dir_all(origin.test.path("app/of somebody")).unwrap();
    fs::write(origin.test.path("app/of somebody/file"), "").unwrap();
    assert!(origin.test.failure().contains("holds files, and is no checkout"));
}

#[test]
fn submodules_come_along() {
    let origin = Origin::new();
    let outside = origin.test.outside("");
    git(&outside, &["init", "-q", "--bare", "-b", "main", "sub.git"]);
    git(&outside, &["clone", "-q", "sub.git", "subwork"]);
    let sub = outside.join("subwork");
    git(&sub, &["checkout", "-q", "-b", "main"]);
    fs::write(sub.join("inner"), "x\n").unwrap();
    git(&sub, &["add", "inner"]);
    git(&sub, &["commit", "-q", "-m", "inner"]);
    git(&sub, &["push", "-q", "origin", "main"]);
    let url = outside.join("sub.git").display().to_string();
    git(&origin.work, &["submodule", "--quiet", "add", &url, "sub"]);
    origin.commit("file", "with sub\n");
    origin.checkout(|app| app.branch("main").submodules());
    let failure = origin.test.failure();
    // git takes no submodule from a path of the machine unless its user allows that.
    assert!(failure.contains("transport 'file' not allowed"), "{failure}");
    git(&origin.test.path("app"), &["submodule", "--quiet", "update", "--init"]);
    assert!(origin.test.converge().is_empty());
    fs::write(origin.test.path("app/sub/inner"), "y\n").unwrap();
    git(&origin.test.path("app/sub"), &["commit", "-q", "-a", "-m", "moved"]);
    assert_eq!(origin.test.converge(), ["~ submodules are not as they shall be: `sub`"]);
    fs::write(origin.test.path("app/sub/inner"), "by hand\n").unwrap();
    let failure = origin.test.failure();
    assert!(failure.contains("files were changed by hand: `sub`"), "{failure}");
    origin.checkout(|app| app.branch("main").submodules().clobber());
    assert_eq!(origin.test.converge(), ["~ changed by hand: `sub`"]);
    assert_eq!(origin.test.read("app/sub/inner"), "x\n");
}

#[test]
fn what_cannot_be_is_named() {
    let origin = Origin::new();
    origin.checkout(|app| app.branch("nothing"));
    let failure = origin.test.failure();
    assert!(failure.contains("has no branch `nothing`"), "{failure}");
    fs::create_dir_all(origin.test.path("app")).unwrap();
    fs::write(origin.test.path("app/x"), "").unwrap();
    origin.checkout(|app| app.branch("main"));
    let failure = origin.test.failure();
    assert!(failure.contains("holds files, and is no checkout of git"), "{failure}");
    let problem = |make: fn() -> GitCheckout| {
        let test = Bench::new().model(move |scope| {
            scope.add(make());
            Ok(())
        });
        test.problems()
    };
    assert!(problem(|| GitCheckout::new("u", "d")).contains("no revision is given"));
    assert!(problem(|| GitCheckout::new("u", "d").tag("a").branch("b")).contains("two revisions"));
    assert!(
        problem(|| GitCheckout::new("u", "d").commit("abc")).contains("all of its 40 hexadecimal")
    );
    assert!(
        problem(|| GitCheckout::new("u", "d").branch("--x")).contains("is no name of a branch")
    );
    assert!(
        problem(|| GitCheckout::new("--x", "d").branch("b")).contains("the URL of the repository")
    );
}

#[test]
fn a_key_and_a_password_are_private_files_and_never_shown() {
    let key = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n";
    let test =
        Bench::new().data("key", Secret::new(key)).data("password", Secret::new("tr0ub4 d@r"));
    let test = test.model(|scope| {
        let key: Secret = scope.data("key")?.context("no key")?;
        let password: Secret = scope.data("password")?.context("no password")?;
        let app = GitCheckout::new("https://localhost:1/app.git", "app").branch("main");
        scope.add(app.ssh_key(key).known_hosts("h ssh-ed25519 AAAA\n").login("me", password));
        Ok(())
    });
    let run = test.deploy();
    assert!(!run.summary.is_success());
    let told = format!("{run:?}");
    assert!(!told.contains("tr0ub4") && !told.contains("b3BlbnNz"), "{told}");
    for (name, content) in [
        (".app.git-key", key),
        (".app.git-known_hosts", "h ssh-ed25519 AAAA\n"),
        (".app.git-login", "https://me:tr0ub4%20d%40r@localhost:1\n"),
    ] {
        assert_eq!((test.read(name).as_str(), test.mode(name)), (content, 0o600), "{name}");
    }
}

#[test]
fn a_password_in_the_url_is_refused() {
    let test = Bench::new().data("password", Secret::new("tr0ub4dor")).model(|scope| {
        let password: Secret = scope.data("password")?.context("no password")?;
        let url = format!("https://me:{}@localhost/app.git", password.expose());
        scope.add(GitCheckout::new(url, "app").branch("main"));
        Ok(())
    });
    let problems = test.problems();
    assert!(problems.contains("hint: give the password by `.login(…)`"), "{problems}");
}

#[test]
fn others_are_told_what_is_checked_out() {
    let origin = Origin::new();
    let url = origin.url.clone();
    origin.test.set_model(move |scope| {
        let app = scope.add(GitCheckout::new(url.as_str(), "app").branch("main"));
        let revision = app.revision();
        ensure!(revision.revision == "main" && revision.path == *app.path(), "{revision:?}");
        scope.offer(revision);
        Ok(())
    });
    origin.test.converge();
}

#[test]
fn a_first_checkout_that_was_cut_off_is_brought_to_its_end() {
    let origin = Origin::new();
    origin.checkout(|app| app.branch("main"));
    let app = origin.test.path("app");
    fs::create_dir_all(&app).unwrap();
    git(&app, &["init", "-q"]);
    git(&app, &["config", "togusa.incomplete", "true"]);
    git(&app, &["remote", "add", "origin", &origin.url]);
    // As git leaves it when it is killed while it writes the files.
    fs::write(app.join("file"), "on").unwrap();
    fs::write(app.join(".git/index.lock"), "").unwrap();
    origin.test.converge();
    assert_eq!(origin.test.read("app/file"), "one\n");
    fs::write(app.join(".git/index.lock"), "").unwrap();
    fs::write(app.join("file"), "by hand").unwrap();
    assert!(origin.test.failure().contains("files were changed by hand"));
}
