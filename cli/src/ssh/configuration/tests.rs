use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::time::SystemTime;

use tempfile::TempDir;

use super::*;

/// A home and a system directory of a test's own.
struct Trial {
    directory: TempDir,
    places: Places,
}

impl Trial {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let places = Places {
            program: directory.path().join("ssh"),
            home: directory.path().join("home"),
            system: directory.path().join("etc"),
        };
        fs::copy("/bin/true", &places.program).unwrap();
        let trial = Self { directory, places };
        trial.write("home/.ssh/config", "Include more conf.d/*.conf ~/other\nHost *\n User a\n");
        trial.write("etc/ssh_config", "Include ssh_config.d/*.conf\n");
        trial
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self) -> Result<Configuration, Doubt> {
        Configuration::read(&self.places, None)
    }

    /// The digest, which must be another one than before.
    fn changed(&self, digest: &mut Digest, what: &str) {
        let now = self.read().unwrap().digest;
        assert_ne!(now, *digest, "{what}");
        *digest = now;
    }
}

#[test]
fn each_change_of_what_ssh_reads_is_seen() {
    let mut trial = Trial::new();
    let mut digest = trial.read().unwrap().digest;
    assert_eq!(trial.read().unwrap().digest, digest);
    let files = [
        ("home/.ssh/config", "Include more conf.d/*.conf ~/other\n"),
        ("home/.ssh/more", "Include deeper\n"),
        ("home/.ssh/deeper", "Include /dev/null/nothing\nHost b\n"),
        ("home/.ssh/conf.d/b.conf", "User c\n"),
        ("home/.ssh/conf.d/a.conf", "User c\n"),
        ("home/other", "User d\n"),
        ("etc/ssh_config.d/x.conf", "User e\n"),
        ("etc/ssh_config", ""),
    ];
    for (name, text) in files {
        trial.write(name, text);
        trial.changed(&mut digest, name);
        // Of the same length, and as old as before.
        let path = trial.directory.path().join(name);
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        let other = if text.is_empty() { "\n".to_owned() } else { text.to_uppercase() };
        if !text.contains("nclude") {
            trial.write(name, &other);
            File::options().append(true).open(&path).unwrap().set_modified(modified).unwrap();
            trial.changed(&mut digest, name);
        }
    }
    for removed in ["home/.ssh/conf.d/a.conf", "home/.ssh/deeper", "etc/ssh_config"] {
        fs::remove_file(trial.directory.path().join(removed)).unwrap();
        trial.changed(&mut digest, removed);
    }
    let config = trial.directory.path().join("home/.ssh/config");
    fs::set_permissions(&config, fs::Permissions::from_mode(0o666)).unwrap();
    trial.changed(&mut digest, "mode");
    File::open(&trial.places.program).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    trial.changed(&mut digest, "program");
    trial.places.home = trial.directory.path().join("home2");
    fs::create_dir(&trial.places.home).unwrap();
    fs::rename(trial.directory.path().join("home/.ssh"), trial.places.home.join(".ssh")).unwrap();
    trial.changed(&mut digest, "home");
}

#[test]
fn a_file_of_the_environment_stands_in_for_all_others() {
    let mut trial = Trial::new();
    trial.write("own", "Include more\n");
    let own = trial.directory.path().join("own");
    let read = |trial: &Trial| Configuration::read(&trial.places, Some(&own)).unwrap().digest;
    let first = read(&trial);
    trial.write("home/.ssh/config", "User b\n");
    trial.write("etc/ssh_config", "User b\n");
    assert_eq!(read(&trial), first);
    trial.write("home/.ssh/more", "User b\n");
    let second = read(&trial);
    assert_ne!(second, first);
    fs::remove_file(trial.places.home.join(".ssh/more")).unwrap();
    assert_eq!(read(&trial), first);
    trial.places.home.push("another");
    assert_ne!(read(&trial), first);
}

#[test]
fn what_is_beside_the_configuration_changes_nothing() {
    let trial = Trial::new();
    trial.write("home/.ssh/conf.d/a.conf", "User c\n");
    let digest = trial.read().unwrap().digest;
    for name in ["conf.d/a.conf~", "conf.d/.hidden.conf", "known_hosts"] {
        trial.write(&format!("home/.ssh/{name}"), "User x\n");
    }
    assert_eq!(trial.read().unwrap().digest, digest);
}

#[test]
fn what_files_do_not_tell_is_left_to_ssh() {
    let doubtful = |change: &dyn Fn(&Trial)| {
        let trial = Trial::new();
        trial.read().unwrap();
        change(&trial);
        assert_eq!(trial.read(), Err(Doubt));
    };
    doubtful(&|trial| trial.write("home/.ssh/more", "Match exec true\n"));
    doubtful(&|trial| trial.write("etc/ssh_config.d/a.conf", "Match final all\n"));
    doubtful(&|trial| trial.write("etc/ssh_config", "Include ~/a\n"));
    doubtful(&|trial| trial.write("home/.ssh/config", "Include ~root/a\n"));
    // Itself, for ever.
    doubtful(&|trial| trial.write("home/.ssh/more", "Include more\n"));
    // A wrapper may give ssh other arguments.
    doubtful(&|trial| trial.write("ssh", "#!/bin/sh\n"));
    doubtful(&|trial| fs::remove_file(&trial.places.program).unwrap());
    let more = |trial: &Trial| trial.places.home.join(".ssh/more");
    doubtful(&|trial| fs::create_dir(more(trial)).unwrap());
    doubtful(&|trial| symlink("/dev/zero", more(trial)).unwrap());
    doubtful(&|trial| fs::write(more(trial), b"User \xff\n").unwrap());
    doubtful(&|trial| fs::write(more(trial), "x".repeat(1024 * 1024 + 1)).unwrap());
}

#[test]
fn what_ssh_says_it_read_must_be_what_was_found() {
    let trial = Trial::new();
    trial.write("etc/ssh_config.d/x.conf", "User e\n");
    let found = trial.read().unwrap();
    let at = |name: &str| trial.directory.path().join(name).display().to_string();
    let read = |name: &str| format!("debug1: Reading configuration data {}\n", at(name));
    let unmatched =
        |pattern: &str| format!("debug1: /c line 1: include {pattern} matched no files\n");
    let own = read("home/.ssh/config");
    let system = read("etc/ssh_config") + &read("etc/ssh_config.d/x.conf");
    let printed = "canonicalizehostname false\n";
    let said = format!("OpenSSH_9.2p1\n{own}{system}{}", unmatched("~/.ssh/more"));
    assert!(found.explains(printed, &said));
    assert!(found.explains("canonicalizehostname no\n", &format!("{said}{own}")));

    assert!(!found.explains("canonicalizehostname true\n", &said));
    assert!(!found.explains("", &said));
    assert!(!found.explains(printed, ""));
    assert!(!found.explains(printed, &system));
    assert!(!found.explains(printed, &format!("{said}{}", read("elsewhere"))));
    assert!(!found.explains(printed, &format!("{said}{}", unmatched("~/.ssh/less"))));
    assert!(!found.explains(printed, &format!("{said}debug1: Executing command: 'x'\n")));
}

#[test]
fn where_there_is_no_file_ssh_must_show_where_it_looks() {
    let trial = Trial::new();
    fs::remove_file(trial.places.home.join(".ssh/config")).unwrap();
    fs::remove_file(trial.places.system.join("ssh_config")).unwrap();
    let found = trial.read().unwrap();
    let (home, system) = (trial.places.home.display(), trial.places.system.display());
    let printed = |home: &str, system: &str| {
        format!(
            "canonicalizehostname false\n\
             globalknownhostsfile {system}/ssh_known_hosts {system}/ssh_known_hosts2\n\
             userknownhostsfile {home}/.ssh/known_hosts {home}/.ssh/known_hosts2\n"
        )
    };
    let (home, system) = (home.to_string(), system.to_string());
    assert!(found.explains(&printed(&home, &system), ""));
    assert!(!found.explains(&printed("/another", &system), ""));
    assert!(!found.explains(&printed(&home, "/opt/etc/ssh"), ""));
}
