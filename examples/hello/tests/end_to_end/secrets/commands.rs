//! Each command as it should go, and with mistakes.

use std::fs;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use super::{CERTIFICATE, PASSWORD, Place, VALUE};

#[test]
fn values_are_listed_by_name_and_got_as_they_were_set() {
    let place = Place::new();
    assert_eq!(place.get(PASSWORD), VALUE.as_bytes());
    assert_eq!(place.get(CERTIFICATE), [0xff; 20_000]);
    let list = place.expect(0, "secrets list dev");
    assert_eq!(list.out, format!("{PASSWORD}\n{CERTIFICATE}\n"));
    let list = place.expect(0, "secrets list dev --json");
    assert_eq!(list.out, format!("[\"{PASSWORD}\",\"{CERTIFICATE}\"]\n"));
    assert!(place.expect(0, "secrets members dev").out.starts_with("jo ssh-ed25519 AAAA"));
    place.expect(0, &format!("secrets unset dev {CERTIFICATE}"));
    assert_eq!(place.expect(0, "secrets list dev").out, format!("{PASSWORD}\n"));
}

#[test]
fn a_value_from_a_pipe_loses_its_last_line_end_alone() {
    let place = Place::new();
    for (given, kept) in [("a\n", "a"), ("a\n\n", "a\n"), ("a", "a"), ("\n", "")] {
        let mut command = place.command(&format!("secrets set dev {PASSWORD}"));
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(given.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
        assert_eq!(place.get(PASSWORD), kept.as_bytes(), "{given:?}");
    }
}

#[test]
fn the_identity_of_a_pipeline_stands_in_a_variable() {
    let place = Place::new();
    let key = fs::read_to_string(place.project.home(".ssh/id_ed25519")).unwrap();
    fs::rename(place.project.home(".ssh"), place.project.home("keys")).unwrap();
    let get = format!("secrets get dev {PASSWORD}");
    for identity in [key.trim(), "~/keys/id_ed25519", "../home/keys/id_ed25519"] {
        let ran = place.project.finish(place.command(&get).env("TOGUSA_IDENTITY", identity));
        assert_eq!((ran.code, ran.out.as_str()), (Some(0), VALUE), "{}", ran.err);
    }
    let ran = place.run(&format!("--identity ../home/keys/id_ed25519 {get}"));
    assert_eq!(ran.out, VALUE);
}

#[test]
fn without_a_key_every_place_that_was_looked_at_is_told() {
    let place = Place::new();
    fs::remove_dir_all(place.project.home(".ssh")).unwrap();
    let ran = place.expect(2, &format!("secrets get dev {PASSWORD}"));
    let shown = ran.err.split("jo (ssh-ed25519 …").next().unwrap();
    insta::assert_snapshot!(shown, @r"
    error[T0202]: cannot unlock the secrets of `dev`: no identity opens them
      1: `~/.ssh/id_ed25519`: there is no such file
      2: `~/.ssh/id_rsa`: there is no such file
      3: `[tmp]/home/.config/togusa/identity`: there is no such file
      4: members are
    ");
}

#[test]
fn a_passphrase_is_asked_for_on_the_terminal() {
    let place = Place::new();
    place.ssh_key("protected", "opensesame");
    place.expect(0, "secrets add dev other ../home/.ssh/protected.pub");
    for (passphrase, told) in [("opensesame", VALUE), ("swordfish", "): wrong passphrase")] {
        let get =
            place.command(&format!("--identity ../home/.ssh/protected secrets get dev {PASSWORD}"));
        let words = std::iter::once(get.get_program()).chain(get.get_args());
        let words: Vec<_> = words.map(|word| word.to_string_lossy().into_owned()).collect();
        let mut terminal = Command::new("script");
        terminal.args(["-qec", &words.join(" "), "/dev/null"]).current_dir(place.project.path(""));
        let mut child = terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = child.stdout.take().unwrap();
        let mut shown = Vec::new();
        while !shown.ends_with(b"protected`: ") {
            let mut byte = [0];
            assert_eq!(out.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&shown));
            shown.extend(byte);
        }
        writeln!(child.stdin.as_mut().unwrap(), "{passphrase}").unwrap();
        out.read_to_end(&mut shown).unwrap();
        child.wait().unwrap();
        let shown = String::from_utf8_lossy(&shown);
        assert!(shown.contains(told) && !shown.contains(passphrase), "{shown}");
    }
}

#[test]
fn removing_a_member_prints_what_it_knew() {
    let place = Place::new();
    place.ssh_key("other", "");
    place.expect(0, "secrets add dev other ../home/.ssh/other.pub");
    let get = format!("--identity ../home/.ssh/other secrets get dev {PASSWORD}");
    assert_eq!(place.run(&get).out, VALUE);
    let ran = place.expect(0, "secrets remove dev other");
    assert_eq!(ran.out, format!("{PASSWORD}\n{CERTIFICATE}\n"));
    insta::assert_snapshot!(ran.err, @r"
    removed `other` from `dev`; everything is encrypted with a new key
    `other` knows these; replace them where they are used:
    ");
    place.expect(2, &get);
    assert_eq!(place.get(CERTIFICATE), [0xff; 20_000]);
}

#[test]
fn adding_a_value_to_another_key_than_the_committed_one_warns() {
    let place = Place::new();
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=t", "-c", "user.email=t@t"]).args(arguments);
        assert!(git.current_dir(place.project.path("")).status().unwrap().success());
    };
    let set = |value: &str| {
        let mut command = place.command(&format!("secrets set dev {PASSWORD}"));
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(value.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(!set("x").contains("warning"));
    git(&["init", "-q"]);
    git(&["add", "environments"]);
    git(&["commit", "-q", "-m", "m"]);
    assert!(!set("y").contains("warning"));
    place.expect(0, "secrets rotate dev");
    let warned = set("z");
    assert!(
        warned.starts_with("warning[T0225]: the key of `dev` is not the committed one\n"),
        "{warned}"
    );
    git(&["commit", "-q", "-a", "-m", "m"]);
    assert!(!set("x").contains("warning"));
}

#[test]
fn a_batou_file_is_imported_from_standard_input() {
    let place = Place::new();
    let import = |text: &str| {
        let mut command = place.command("secrets import dev");
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let text = "[batou]\nmembers = jo\n[site]\ntoken = t0ken\n[host:localhost]\ndata-key = k\n";
    assert_eq!(import(text), (Some(0), "set 2 secrets of `dev`\n".into()));
    assert_eq!(place.get("components.site.token"), b"t0ken");
    assert_eq!(place.get("hosts.localhost.data.key"), b"k");
    let before = place.file();
    let (code, told) = import("[site]\na = 1\nswordfish\n");
    assert_eq!(code, Some(2));
    assert!(told.contains("secrets.cfg:3:1: neither") && !told.contains("swordfish"), "{told}");
    assert_eq!(place.file(), before);
}

#[test]
fn what_is_not_there_is_told() {
    let place = Place::new();
    let ran = place.expect(2, "secrets add dev kim ../home/kim.pub");
    insta::assert_snapshot!(ran.err, @r"
    error[T0228]: there is no file `../home/kim.pub`
      hint: `ssh-keygen -t ed25519` makes a key; its public half is in the file `….pub`
    hello explain T0228 tells more
    ");
    let ran = place.expect(0, &format!("secrets set dev {PASSWORD}"));
    assert_eq!(ran.err, "set `components.site.password` of `dev` to an empty value\n");
}

#[test]
fn a_path_that_leads_nowhere_says_what_paths_are() {
    let place = Place::new();
    let ran = place.expect(2, "secrets set dev site.password");
    insta::assert_snapshot!(ran.err, @r"
    error[T0212]: `site.password` is no place for a secret
      hint: a secret is `components.NAME.ATTRIBUTE`, `hosts.NAME.attributes.COMPONENT.ATTRIBUTE`, `hosts.NAME.data.KEY` or `files.NAME`
    hello explain T0212 tells more
    ");
}

#[test]
fn a_secret_that_nothing_uses_fails_the_check_with_its_line() {
    let place = Place::new();
    let ran = place.expect(2, "secrets check dev");
    assert!(ran.err.contains("component `site`: unknown attribute `password`"), "{}", ran.err);
    place.expect(0, &format!("secrets unset dev {PASSWORD}"));
    place.expect(0, &format!("secrets unset dev {CERTIFICATE}"));
    place.set("hosts.localhost.data.token", b"swordfish");
    assert!(place.expect(0, "secrets check dev").err.contains("1 secret in 1 file"));
    place.expect(0, "check dev --without-secrets");

    place.set("files.tls.key", b"a key");
    let ran = place.expect(2, "secrets check dev");
    insta::assert_snapshot!(ran.err, @r"
    error[T0226]: no component asks for the secret file `tls.key`
      hint: `secrets unset dev files.tls.key` removes it
    hello explain T0226 tells more
    ");
    place.expect(0, "secrets unset dev files.tls.key");

    place.project.extend("[hosts.localhost.data]\nx = 'a swordfish'");
    let ran = place.expect(2, "secrets check dev");
    let told = "the value of secret `hosts.localhost.data.token` stands here in clear";
    assert!(ran.err.contains(told), "{}", ran.err);
}

#[test]
fn what_needs_no_secret_opens_none() {
    let place = Place::new();
    place.expect(0, &format!("secrets unset dev {PASSWORD}"));
    place.expect(0, &format!("secrets unset dev {CERTIFICATE}"));
    place.set("hosts.localhost.data.token", b"swordfish");
    fs::remove_dir_all(place.project.home(".ssh")).unwrap();
    place.expect(0, "check dev --without-secrets");
    place.expect(0, "exec dev -- true");
    let ran = place.expect(2, "check dev");
    assert!(ran.err.contains("cannot unlock the secrets of `dev`"), "{}", ran.err);
    let ran = place.expect(2, "deploy dev");
    assert!(ran.err.contains("cannot unlock the secrets of `dev`"), "{}", ran.err);
}

#[test]
fn a_hardware_key_is_a_member_through_its_plugin() {
    // Keys of the plugin `test`, which lies beside this file.
    const PUBLIC: &str = "age1test1qpzry9x8qza6vg";
    const PRIVATE: &str = "AGE-PLUGIN-TEST-1QPZRY9X866J295";
    let place = Place::new();
    fs::write(place.project.home("hardware"), PRIVATE).unwrap();
    let plugins = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/end_to_end/secrets");
    let add = format!("secrets add dev token {PUBLIC}");
    let get = format!("--identity ../home/hardware secrets get dev {PASSWORD}");

    let ran = place.expect(2, &add);
    let missing = "error[T0207]: a member's key needs the plugin `age-plugin-test`\n";
    assert!(ran.err.starts_with(missing), "{}", ran.err);
    let ran = place.expect(2, &get);
    assert!(
        ran.err.contains("1: `../home/hardware`: Could not find 'age-plugin-test'"),
        "{}",
        ran.err
    );

    let path = format!("{plugins}:{}", std::env::var("PATH").unwrap());
    let run = |arguments: &str| place.project.finish(place.command(arguments).env("PATH", &path));
    let ran = run(&get);
    assert!(ran.err.contains("1: `../home/hardware`: no key of a member"), "{}", ran.err);
    let ran = run(&add);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let ran = run(&get);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), VALUE), "{}", ran.err);
    assert_eq!(ran.err, "touch the key\n");
    assert_eq!(place.get(PASSWORD), VALUE.as_bytes());
}
