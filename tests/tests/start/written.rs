//! What is written is whole, and nothing is overwritten.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use togusa_tests::new_project::{Ran, finish, togusa};

#[expect(clippy::disallowed_methods, reason = "commands in a directory without a project")]
fn command(directory: &Path, program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory).env("GIT_CEILING_DIRECTORIES", directory);
    command
}

fn new(directory: &Path, arguments: &str) -> Ran {
    let mut new = command(directory, &togusa().display().to_string());
    let mut ran = finish(new.arg("new").args(arguments.split_whitespace()));
    ran.err = ran.err.replace(&directory.display().to_string(), "[tmp]");
    ran
}

fn add(project: &Path, name: &str) -> Command {
    let mut add = command(project, &togusa().display().to_string());
    add.args(["add", "component", name]);
    add
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn is_whole(project: &Path) -> bool {
    let parts = ["Cargo.toml", "src/main.rs", "components/app/src/app.conf.j2", "README.md"];
    parts.iter().all(|part| project.join(part).is_file())
}

#[test]
fn a_project_tells_what_was_written_and_what_comes_next() {
    let directory = TempDir::new().unwrap();
    let ran = new(directory.path(), "shop --togusa 0.1").expect(0);
    insta::assert_snapshot!(ran.out, @r"
    + shop/Cargo.toml
    + shop/src/main.rs
    + shop/environments/dev/environment.toml
    + shop/README.md
    + shop/clippy.toml
    + shop/.gitignore
    + shop/.github/workflows/check.yml
    + shop/components/app/Cargo.toml
    + shop/components/app/src/lib.rs
    + shop/components/app/src/tests.rs
    + shop/components/app/src/app.conf.j2
    + shop/.git: an empty repository
    next; the first build takes a minute or two:
      cd shop
      togusa plan dev
      togusa deploy dev
    ");
    assert!(directory.path().join("shop/.git").is_dir());
    let manifest = fs::read_to_string(directory.path().join("shop/Cargo.toml")).unwrap();
    assert!(manifest.contains("\ntogusa = \"0.1\"\n"), "{manifest}");
    let readme = fs::read_to_string(directory.path().join("shop/README.md")).unwrap();
    assert!(!readme.contains("checkout"), "{readme}");

    let ran = new(directory.path(), "path").expect(0);
    assert!(ran.out.contains("it takes togusa from `"), "{}", ran.out);
    let readme = fs::read_to_string(directory.path().join("path/README.md")).unwrap();
    assert!(readme.contains("It takes togusa from a checkout"), "{readme}");
}

#[test]
fn an_empty_directory_and_a_fresh_clone_are_filled() {
    let directory = TempDir::new().unwrap();
    let shop = directory.path().join("shop");
    fs::create_dir(&shop).unwrap();
    let ran = new(&shop, ".").expect(0);
    assert!(!ran.out.contains("  cd "), "{}", ran.out);
    assert!(is_whole(&shop) && shop.join(".git").is_dir());
    assert_eq!(names(directory.path()), ["shop"]);
    assert!(!names(&shop).iter().any(|name| name.starts_with(".togusa")), "{:?}", names(&shop));

    let clone = directory.path().join("clone");
    fs::create_dir_all(clone.join(".git/kept")).unwrap();
    new(directory.path(), "clone").expect(0);
    assert!(is_whole(&clone) && clone.join(".git/kept").is_dir());
}

#[test]
fn nothing_is_overwritten() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("file"), "mine").unwrap();
    fs::create_dir(directory.path().join("full")).unwrap();
    fs::write(directory.path().join("full/notes"), "mine").unwrap();
    insta::assert_snapshot!(new(directory.path(), "file").expect(2).err, @"
    error[T0022]: `[tmp]/file` is there already, and no directory
      hint: choose another name, or an empty directory
    togusa explain T0022 tells more
    ");
    insta::assert_snapshot!(new(directory.path(), "full").expect(2).err, @"
    error[T0022]: `[tmp]/full` is there already, and not empty
      hint: choose another name, or an empty directory
    togusa explain T0022 tells more
    ");
    assert_eq!(fs::read_to_string(directory.path().join("full/notes")).unwrap(), "mine");
    assert_eq!(names(directory.path()), ["file", "full"]);
}

#[test]
fn no_project_is_made_within_a_project() {
    let directory = TempDir::new().unwrap();
    new(directory.path(), "shop").expect(0);
    let shop = directory.path().join("shop");
    let components = shop.join("components");
    for (place, name) in [(&shop, "web"), (&components, "web"), (&shop, "far/away/web")] {
        let ran = new(place, name).expect(2);
        let place = place.display().to_string();
        let err = ran.err.replace("[tmp]", &place);
        let err = err.replace(&directory.path().display().to_string(), "[tmp]");
        let message = err.replace("shop/components/web", "shop/web").replace(name, "web");
        insta::allow_duplicates!(insta::assert_snapshot!(message, @"
        error[T0022]: `[tmp]/shop/web` would lie within the project `[tmp]/shop`
          hint: `togusa add component NAME` adds a component to it; a project of its own has its place outside
        togusa explain T0022 tells more
        "));
    }
    assert_eq!(names(&components), ["app"]);
    new(&shop, "../beside").expect(0);
    assert!(is_whole(&directory.path().join("beside")));
    assert!(!shop.join("web").exists() && !shop.join("far").exists());
}

#[test]
fn what_was_added_is_told_as_json() {
    let directory = TempDir::new().unwrap();
    new(directory.path(), "shop").expect(0);
    let add = |arguments: &str| {
        let mut add = command(&directory.path().join("shop"), &togusa().display().to_string());
        finish(add.args(["add", "--json"]).args(arguments.split_whitespace())).expect(0).out
    };
    insta::assert_snapshot!(add("component web"), @r#"{"changed":["Cargo.toml","src/main.rs"],"component":"web","files":["components/web/Cargo.toml","components/web/src/lib.rs","components/web/src/tests.rs","components/web/src/web.conf.j2"],"next":["name it in an environment: `components = [\"web\"]` of a host"]}"#);
    let told = add("environment live --host web1");
    insta::assert_snapshot!(told, @r#"{"changed":[],"environment":"live","files":["environments/live/environment.toml"],"next":["togusa check live"]}"#);
}

/// Kills at each call of the system in turn that could leave something behind.
#[test]
fn a_kill_at_any_moment_leaves_no_half_project() {
    let mut kills = 0;
    for call in ["mkdir", "openat", "write", "chmod", "rename", "rmdir"] {
        for number in 1.. {
            let directory = TempDir::new().unwrap();
            let mut strace = command(directory.path(), "strace");
            strace.args(["-qq", "-o", "/dev/null", "-e"]);
            strace.arg(format!("inject=/^{call}(at)?2?$:signal=KILL:when={number}"));
            let ran = finish(strace.arg(togusa()).args(["new", "shop"]));
            let shop = directory.path().join("shop");
            assert!(!shop.exists() || is_whole(&shop), "{call} {number}");
            if ran.code == Some(0) {
                assert!(is_whole(&shop) && names(directory.path()) == ["shop"], "{call}");
                break;
            }
            assert!(ran.code.is_none() && ran.err.is_empty(), "{call} {number}: {}", ran.err);
            kills += 1;
        }
    }
    assert!(kills > 30, "only {kills} moments were found");
}

#[test]
fn a_full_disk_leaves_nothing() {
    let directory = TempDir::new().unwrap();
    let script = "mount -t tmpfs -o size=20k tmpfs \"$1\" && cd \"$1\" || exit 9\n\
                  \"$2\" new shop; code=$?; ls -A; exit $code";
    let mut shell = command(directory.path(), "unshare");
    shell.args(["--mount", "--propagation", "private", "sh", "-c", script, "sh"]);
    let ran = finish(shell.arg(directory.path()).arg(togusa())).expect(2);
    assert_eq!(ran.out, "", "something is left");
    let err = ran.err.replace(&directory.path().display().to_string(), "[tmp]");
    insta::assert_snapshot!(err, @"
    error[T0026]: cannot write into `[tmp]`
      1: No space left on device (os error 28)
      hint: make room there, or let yourself write there; nothing is left of what was written so far
    togusa explain T0026 tells more
    ");
}

#[test]
fn an_addition_that_fails_leaves_all_as_it_was() {
    let directory = TempDir::new().unwrap();
    new(directory.path(), "shop --togusa 0.1").expect(0);
    let shop = directory.path().join("shop");
    let before = ["Cargo.toml", "src/main.rs"].map(|path| fs::read(shop.join(path)).unwrap());
    // What is mounted cannot be replaced.
    let script = "mount --bind src/main.rs src/main.rs && exec \"$1\" add component web";
    let mut shell = command(&shop, "unshare");
    shell.args(["--mount", "--propagation", "private", "sh", "-c", script, "sh"]);
    let ran = finish(shell.arg(togusa())).expect(2);
    assert!(ran.err.contains("src/main.rs`\n  1: Device or resource busy"), "{}", ran.err);
    let after = ["Cargo.toml", "src/main.rs"].map(|path| fs::read(shop.join(path)).unwrap());
    assert_eq!((before, names(&shop.join("components"))), (after, vec!["app".to_owned()]));
    finish(&mut add(&shop, "web")).expect(0);
}

#[test]
fn additions_at_the_same_time_all_count() {
    let directory = TempDir::new().unwrap();
    new(directory.path(), "shop --togusa 0.1").expect(0);
    let shop = directory.path().join("shop");
    let all = ["a", "b", "c", "d", "e", "f", "g", "h"];
    std::thread::scope(|scope| {
        for name in all {
            let shop = &shop;
            scope.spawn(move || finish(&mut add(shop, name)).expect(0));
        }
    });
    let manifest = fs::read_to_string(shop.join("Cargo.toml")).unwrap();
    let program = fs::read_to_string(shop.join("src/main.rs")).unwrap();
    for name in all {
        assert!(manifest.contains(&format!("components/{name}\"")), "{name}:\n{manifest}");
        assert!(program.contains(&format!("(\"{name}\")")), "{name}:\n{program}");
    }
}

#[test]
fn a_program_that_is_a_link_stays_one() {
    let directory = TempDir::new().unwrap();
    new(directory.path(), "shop --togusa 0.1").expect(0);
    let shop = directory.path().join("shop");
    fs::rename(shop.join("src/main.rs"), shop.join("program.rs")).unwrap();
    symlink("../program.rs", shop.join("src/main.rs")).unwrap();
    finish(&mut add(&shop, "web")).expect(0);
    assert_eq!(fs::read_link(shop.join("src/main.rs")).unwrap(), Path::new("../program.rs"));
    assert!(fs::read_to_string(shop.join("program.rs")).unwrap().contains("(\"web\")"));
}

#[test]
fn a_program_that_cannot_be_read_is_told_before_anything_is_written() {
    let directory = TempDir::new().unwrap();
    new(directory.path(), "shop --togusa 0.1").expect(0);
    let shop = directory.path().join("shop");
    fs::write(shop.join("src/main.rs"), b"Registry::new() // \xff").unwrap();
    let told = finish(&mut add(&shop, "web")).expect(2).err;
    assert!(told.contains("cannot read `src/main.rs`\n  1: stream did not contain"), "{told}");
    assert_eq!(names(&shop.join("components")), ["app"]);
}

#[test]
fn a_repository_that_somebody_works_on_is_no_place_for_the_new_one() {
    let directory = TempDir::new().unwrap();
    let mut new = command(directory.path(), &togusa().display().to_string());
    let other = directory.path().join("other");
    finish(new.args(["new", "shop", "--togusa", "0.1"]).env("GIT_DIR", &other)).expect(0);
    assert!(directory.path().join("shop/.git").is_dir() && !other.exists());
}

#[test]
fn a_component_is_not_called_as_a_type_that_its_source_uses() {
    let directory = TempDir::new().unwrap();
    new(directory.path(), "shop --togusa 0.1").expect(0);
    let shop = directory.path().join("shop");
    insta::assert_snapshot!(finish(&mut add(&shop, "file")).expect(2).err, @"
    error[T0021]: `file` cannot be the name of a component
      hint: its source uses another type `File`: how about `my-file`?
    togusa explain T0021 tells more
    ");
    assert_eq!(names(&shop.join("components")), ["app"]);
}
