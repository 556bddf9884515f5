//! Virtual environments, as far as they need no packages.

use std::fs;

use togusa_components::prelude::*;
use togusa_core::prelude::*;

use crate::Bench;

#[test]
fn a_directory_that_holds_something_else_is_left_alone() {
    for absent in [false, true] {
        let test = Bench::new().model(move |scope| {
            let environment = VirtualEnv::new("app");
            scope.add(if absent { environment.absent() } else { environment });
            Ok(())
        });
        fs::create_dir_all(test.path("app")).unwrap();
        fs::write(test.path("app/data"), "precious").unwrap();
        let failure = test.failure();
        assert!(failure.contains("holds files, and is no virtual environment"), "{failure}");
        assert_eq!(test.read("app/data"), "precious");
    }
}

#[test]
fn what_was_cut_off_or_broken_is_made_anew_and_a_secret_stays_private() {
    let test = Bench::new().data("token", Secret::new("tr0ub4dor")).model(|scope| {
        let token: Secret = scope.data("token")?.context("no token")?;
        let line = format!("# for https://me:{}@localhost", token.expose());
        scope.add(VirtualEnv::new("venv").requirement(line));
        Ok(())
    });
    test.converge();
    let record = "venv/requirements.installed.txt";
    assert_eq!(
        (test.mode(record), test.exists("venv/requirements.installing.txt")),
        (0o600, false)
    );
    for (left, name) in [("pyvenv.cfg", "version ="), ("requirements.installing.txt", "")] {
        fs::remove_dir_all(test.path("venv")).unwrap();
        fs::create_dir_all(test.path("venv/lib")).unwrap();
        fs::write(test.path("venv").join(left), name).unwrap();
        let changes = test.deploy().changes().concat();
        assert!(changes.contains("it is no whole virtual environment"), "{changes}");
        assert!(test.exists("venv/bin/python") && !changes.contains("tr0ub4dor"));
    }
}
