//! SIGKILL at each call to the system that could leave something half done.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{CERTIFICATE, PASSWORD, Place, VALUE, holds};

/// The calls that change files.
const CALLS: [&str; 7] = ["openat", "write", "fchmod", "fsync", "rename", "unlink", "mkdir"];

type Files = BTreeMap<String, Vec<u8>>;

fn files(directory: &Path) -> Files {
    let mut found = Files::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            let inner = files(&path).into_iter();
            found.extend(inner.map(|(below, content)| (format!("{name}/{below}"), content)));
        } else {
            found.insert(name, fs::read(path).unwrap());
        }
    }
    found
}

fn restore(directory: &Path, to: &Files) {
    fs::remove_dir_all(directory).unwrap();
    for (name, content) in to {
        let path = directory.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

/// Kills a command at every call in turn and looks at what it left each time; how many kills.
fn sweep(place: &Place, arguments: &str, check: impl Fn(&str)) -> usize {
    let directory = place.project.path("environments/dev");
    let begun = files(&directory);
    let mut kills = 0;
    for call in CALLS {
        for number in 1.. {
            restore(&directory, &begun);
            let plain = place.command(arguments);
            let mut traced = Command::new("strace");
            traced.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}")]);
            traced.args(["-e", &format!("inject={call}:signal=SIGKILL:when={number}")]);
            traced.arg(plain.get_program()).args(plain.get_args());
            traced.env_clear().current_dir(place.project.path(""));
            traced.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
            let status = traced.stdin(Stdio::null()).stderr(Stdio::null()).status().unwrap();
            check(&format!("{call} {number}"));
            if status.success() {
                break;
            }
            assert_eq!(status.signal(), Some(9), "{call} {number}: {status}");
            kills += 1;
        }
    }
    kills
}

#[test]
fn a_rotation_that_is_killed_leaves_the_old_or_the_new_state() {
    let place = Place::new();
    let old = place.file();
    let changed = std::cell::Cell::new(0);
    let directory = place.project.path("environments/dev");
    let kills = sweep(&place, "secrets rotate dev", |at| {
        assert_eq!(place.get(PASSWORD), VALUE.as_bytes(), "{at}");
        assert_eq!(place.get(CERTIFICATE), [0xff; 20_000], "{at}");
        assert!(!holds(&directory, VALUE.as_bytes()) && !holds(&directory, &[0xff; 64]), "{at}");
        changed.set(changed.get() + usize::from(place.file() != old));
        // The next change removes what was left behind.
        place.set("components.site.next", b"x");
        let left: Vec<_> = files(&directory).into_keys().collect();
        assert_eq!(left.len(), 3, "{at}: {left:?}");
    });
    // One success for each kind of call, and kills after the moment at which the new state holds.
    assert!(kills > 20 && changed.get() > super::kills::CALLS.len(), "{kills} {changed:?}");
}

#[test]
fn setting_a_value_that_is_killed_leaves_the_old_or_the_new_value() {
    let place = Place::new();
    let new = place.project.home("new");
    fs::write(&new, vec![0xfe; 30_000]).unwrap();
    let directory = place.project.path("environments/dev");
    let arguments = format!("secrets set dev {CERTIFICATE} --file {}", new.display());
    sweep(&place, &arguments, |at| {
        let value = place.get(CERTIFICATE);
        assert!(value == [0xff; 20_000] || value == [0xfe; 30_000], "{at}");
        assert_eq!(place.get(PASSWORD), VALUE.as_bytes(), "{at}");
        assert!(!holds(&directory, &[0xfe; 64]), "{at}");
    });
}
