//! Secrets: what is made of them is sensitive by itself.

use std::fs;

use togusa_components::prelude::*;
use togusa_core::prelude::*;
use togusa_core::testing::Run;

use crate::{Bench, lines};

const PASSWORD: &str = "tr0ub4dor & \"3\"";

/// A root whose host has the secrets `password`, `pin` and `bytes` among its data.
fn bench<F>(configure: F) -> Bench
where
    F: Fn(&mut Scope<'_>, Secret) -> Result + Send + Sync + 'static,
{
    let test = Bench::new()
        .data("password", Secret::new(PASSWORD))
        .data("pin", Secret::new("4711"))
        .data("bytes", Secret::new(vec![0, 159, 146, 150, 1, 2, 3]));
    test.model(move |scope| {
        let password = scope.data("password")?.context("no password")?;
        configure(scope, password)
    })
}

/// The changes of a deployment that shows nothing of the secret.
#[track_caller]
fn changes(run: &Run) -> Vec<String> {
    run.assert_success();
    let told = format!("{run:?}");
    assert!(!told.contains("tr0ub4dor"), "the secret is in an event: {told}");
    lines(run)
}

const NEW: [&str; 2] = ["+ create file (mode 0600)", "~ content (sensitive)"];

#[test]
fn a_file_rendered_from_a_secret_is_sensitive() {
    let test = bench(|scope, password| {
        let context =
            context! { account => std::collections::BTreeMap::from([("secret", password)]) };
        let text = "{{ account.secret }}\n{{ account.secret|upper|length }}";
        scope.add(File::new("a").inline_template(text, context));
        Ok(())
    });
    assert_eq!(changes(&test.plan()), NEW);
    assert_eq!(changes(&test.deploy()), NEW);
    assert_eq!(test.read("a"), format!("{PASSWORD}\n15"));
    assert_eq!(test.mode("a"), 0o600);
    fs::write(test.path("a"), "other\n").unwrap();
    assert_eq!(changes(&test.deploy()), ["~ content (sensitive)"]);
    assert_eq!(changes(&test.deploy()), Vec::<String>::new());
}

#[test]
fn a_secret_that_shapes_a_file_counts_as_one_that_stands_in_it() {
    let test = bench(|scope, _| {
        // Neither of them stands in the text: one is short, the other only compared.
        scope.add(File::new("pin").inline_template("{{ host.data.pin }}\n", context! {}));
        let text = "{% if host.data.password == guess %}yes{% else %}no{% endif %}";
        let context = context! { guess => PASSWORD.to_owned() };
        scope.add(File::new("compared").inline_template(text, context));
        let text = "{{ host.data.password|length }}{% if host.data.pin %} has a pin{% endif %}";
        scope.add(File::new("length").inline_template(text, context! {}));
        Ok(())
    });
    let expected = [NEW, NEW, ["+ create file", "~ content (+1 -0 lines)"]].concat();
    assert_eq!(changes(&test.plan()), expected);
    assert_eq!(changes(&test.deploy()), expected);
    assert_eq!([test.read("pin"), test.read("compared")], ["4711\n", "yes"]);
    assert_eq!(test.read("length"), "15 has a pin");
}

#[test]
fn a_content_that_holds_a_secret_is_sensitive() {
    let test = bench(|scope, password| {
        let line = format!("password = {}\n", password.expose());
        scope.add(File::new("inline").content(line));
        scope.add(File::new("itself").content(&password).mode(0o640));
        scope.add(File::new("short").content(scope.data::<Secret>("pin")?.context("no pin")?));
        let bytes: Secret<Vec<u8>> = scope.data("bytes")?.context("no bytes")?;
        scope.add(File::new("bytes").content(bytes));
        Ok(())
    });
    let readable = ["+ create file (mode 0640)", "~ content (sensitive)"];
    assert_eq!(changes(&test.deploy()), [NEW, readable, NEW, NEW].concat());
    assert_eq!(test.read("inline"), format!("password = {PASSWORD}\n"));
    assert_eq!([test.read("itself"), test.read("short")], [PASSWORD, "4711"]);
    assert_eq!(fs::read(test.path("bytes")).unwrap(), [0, 159, 146, 150, 1, 2, 3]);
    assert_eq!(["inline", "itself", "short"].map(|name| test.mode(name)), [0o600, 0o640, 0o600]);
}

#[test]
fn a_secret_that_leaves_a_file_is_not_shown_either() {
    let test = bench(|scope, _| {
        scope.add(File::new("a").content("nothing\n").mode(0o644));
        Ok(())
    });
    test.deploy().assert_success();
    fs::write(test.path("a"), format!("nothing\n{PASSWORD}\n")).unwrap();
    assert_eq!(changes(&test.deploy()), ["~ content (sensitive)"]);
    fs::write(test.path("a"), "something\n").unwrap();
    assert_eq!(changes(&test.deploy()), ["~ content (+1 -1 lines)"]);
}

#[test]
fn a_secret_file_is_written_as_it_is() {
    let key = b"\x00\xff{{ not a template }}\n".repeat(1000);
    let test = Bench::new().secret_file("tls.key", key.clone()).model(|scope| {
        scope.add(File::new("tls.key").secret_file("tls.key"));
        Ok(())
    });
    assert_eq!(lines(&test.plan()), NEW);
    assert_eq!(test.converge(), NEW);
    assert_eq!(fs::read(test.path("tls.key")).unwrap(), key);
    let missing = bench(|scope, _| {
        scope.add(File::new("a").secret_file("tls.kye"));
        Ok(())
    });
    let problems = missing.problems();
    assert!(problems.contains("the environment has no secret file `tls.kye`"), "{problems}");
}

#[test]
fn a_command_gets_a_secret_by_its_environment_or_input_and_shows_it_masked() {
    let test = bench(|scope, password| {
        let script = "echo \"got $PASSWORD\"; cat; touch done";
        let command = Command::shell(script).env("PASSWORD", password.expose());
        scope.add(command.stdin(password.expose().as_bytes()).creates("done"));
        Ok(())
    });
    let run = test.deploy();
    changes(&run);
    let told = format!("{run:?}");
    assert!(told.contains("got [secret]") && told.contains("text: \"[secret]\""), "{told}");
}

#[test]
fn a_secret_among_the_arguments_is_refused_with_the_remedy() {
    let test = bench(|scope, password| {
        scope.add(Command::new(Exec::new("echo").arg(password.expose())).creates("done"));
        Ok(())
    });
    let problems = test.problems();
    assert!(problems.contains("an argument of `echo '[secret]'` holds a secret"), "{problems}");
    assert!(problems.contains("hint: hand it over by `.env(…)` or `.stdin(…)`"), "{problems}");
    assert!(!problems.contains("tr0ub4dor"), "{problems}");

    let guard = bench(|scope, password| {
        let check = Exec::new("test").args(["x", "=", password.expose()]);
        scope.add(Command::shell("true").unless(check));
        Ok(())
    });
    assert!(guard.problems().contains("holds a secret"));

    let allowed = bench(|scope, password| {
        let password = password.expose();
        let echo = Exec::shell(format!("touch done; echo {} '{password}'", "x".repeat(30)));
        // Where the name of the command is cut, half of the secret would be left.
        let echo = echo.arg(password).secret_arguments();
        scope.add(Command::new(echo).creates("done"));
        Ok(())
    });
    let run = allowed.deploy();
    changes(&run);
    assert!(!format!("{run:?}").contains("tr0u"), "{run:?}");
}

#[test]
fn a_command_that_a_component_runs_is_checked_where_it_runs() {
    #[derive(Debug)]
    struct Run(Secret);
    impl Component for Run {
        fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
            probe.query(&Exec::new("echo").arg(self.0.expose()))?;
            Ok(Verdict::current())
        }
    }
    let test = bench(|scope, password| {
        scope.add(Run(password));
        Ok(())
    });
    let failure = test.failure();
    assert!(failure.contains("an argument of `echo '[secret]'` holds a secret"), "{failure}");
    assert!(failure.contains("hint: hand it over by"), "{failure}");
    assert!(!failure.contains("tr0ub4dor"), "{failure}");
}

#[test]
fn a_secret_that_was_printed_into_a_content_is_found() {
    let test = bench(|scope, password| {
        scope.add(File::new("a").content(format!("password = {password}\n")));
        Ok(())
    });
    let problems = test.problems();
    let message = "the content holds `[secret]`: a secret was printed, not exposed";
    assert!(problems.contains(message) && problems.contains("`.expose()` it"), "{problems}");
}
