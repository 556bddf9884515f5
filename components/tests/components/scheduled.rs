//! Jobs and rotations in a sandbox: nothing of the machine is touched.

use std::fs;

use togusa_components::prelude::*;

use crate::{Bench, is_root};

#[test]
fn a_job_in_a_sandbox_is_a_file_there() {
    let test = Bench::new().sandbox("~/box").model(|scope| {
        scope.add(Cron::new("report", "@daily", "true").env("MAILTO", "ops").user("daemon"));
        scope.add(Cron::new("old", "@daily", "true").absent());
        Ok(())
    });
    assert!(test.converge()[0].starts_with("+ create file"));
    let file = test.home("box/etc/cron.d/report");
    let text = "# Job `report`, kept by togusa.\nMAILTO=ops\n@daily daemon true\n";
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
    fs::write(&file, "@daily root false\n").unwrap();
    assert_eq!(test.converge(), ["~ content (+3 -1 lines)"]);
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert_eq!(test.converge()[0], "- remove directory with all that it holds");
    fs::write(test.home("box/etc/cron.d/old"), "").unwrap();
    assert_eq!(test.converge(), ["- remove file"]);
}

#[test]
fn a_rotation_in_a_sandbox_is_a_file_there() {
    let test = Bench::new().sandbox("~/box").model(|scope| {
        // A real logrotate would refuse it.
        let rotation = Logrotate::new("shop").log("/var/log/shop.log").log("logs/*.log");
        scope.add(rotation.every("week").directive("nosuchdirective").post_rotate("true\nfalse\n"));
        Ok(())
    });
    assert!(test.converge()[0].starts_with("+ create file"));
    let [system, own] = [test.home("box/var/log/shop.log"), test.path("logs/*.log")];
    let expected = format!(
        "# Rotation `shop`, kept by togusa.\n\"{}\"\n\"{}\"\n{{\n    weekly\n    rotate 14\n    \
         missingok\n    notifempty\n    compress\n    delaycompress\n    nosuchdirective\n    \
         sharedscripts\n    postrotate\n        true\n        false\n    endscript\n}}\n",
        system.display(),
        own.display()
    );
    let file = test.home("box/etc/logrotate.d/shop");
    assert_eq!(fs::read_to_string(&file).unwrap(), expected);
    fs::write(&file, "").unwrap();
    assert_eq!(test.converge(), ["~ content (+17 -0 lines)"]);
}

#[test]
fn what_cannot_be_a_job_is_a_model_error() {
    type Make = fn() -> Cron;
    let wrong: [(Make, &str); 7] = [
        (|| Cron::new("a.b", "@daily", "true"), "`a.b` cannot be the name of a job"),
        (|| Cron::new("a", "61 * * * *", "true"), "`61` cannot be the minute"),
        (|| Cron::new("a", "@daily", "true\nfalse"), "more than one line"),
        (|| Cron::new("a", "@daily", " "), "the command is empty"),
        (|| job().env("A B", ""), "`A B` cannot be the name of a variable"),
        (|| job().env("A", "x\ny"), "variable `A` has more than one line"),
        (|| job().user("a b"), "`a b` cannot be the name of a user"),
    ];
    for (make, words) in wrong {
        let test = Bench::new().model(move |scope| {
            scope.add(make());
            Ok(())
        });
        let problems = test.problems();
        assert!(problems.contains(words), "{problems}");
    }
}

fn job() -> Cron {
    Cron::new("a", "@daily", "true")
}

#[test]
fn a_job_of_a_user_that_is_not_there_is_an_error() {
    let test = Bench::new().model(|scope| {
        scope.add(Cron::new("report", "@daily", "true").user("no-such-user"));
        Ok(())
    });
    let failures = test.plan().failures().concat();
    let expected = if is_root() { "there is no user `no-such-user`" } else { "only root may" };
    assert!(failures.contains(expected), "{failures}");
}
