//! The command line of Docker: how it is asked, and what its refusals mean.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::DeserializeOwned;
use togusa_core::demand;
use togusa_core::fault::CodeExt as _;
use togusa_core::host::Output;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::foreign;

/// An image may be large, and the way to it narrow.
const TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// Names and values, as Docker tells labels and options; it says `null` where there are none.
pub(super) type Pairs = BTreeMap<String, String>;

/// `docker` with some arguments.
pub(super) fn docker(args: impl IntoIterator<Item = impl Into<String>>) -> Exec {
    foreign::program("docker").args(args).timeout(TIMEOUT)
}

/// Asks Docker for something.
pub(super) fn ask(probe: &Probe<'_>, exec: &Exec) -> Result<Output> {
    let output = explained(probe.query(exec))?;
    demand!(!output.truncated, code::DOCKER_ANSWER, "what `docker` tells is too long");
    Ok(output)
}

/// Lets Docker do something.
pub(super) fn run(machine: &Machine<'_>, exec: &Exec) -> Result<Output> {
    explained(machine.run(exec))
}

/// Lines of JSON, as a list prints them that was asked for by `--format '{{json .}}'`.
pub(super) fn lines<T: DeserializeOwned>(output: &Output) -> Result<Vec<T>> {
    let text = output.stdout_text();
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| readable(serde_json::from_str(line))).collect()
}

/// All objects of a kind, as they are inspected: `network`, `volume`, `container`.
pub(super) fn inspected<T: DeserializeOwned>(
    probe: &Probe<'_>,
    kind: &str,
    list: &[&str],
) -> Result<Vec<T>> {
    let listed = ask(probe, &docker([kind, "ls", "--quiet"]).args(list.iter().copied()))?;
    let listed = listed.stdout_text();
    let mut names: Vec<_> = listed.split_whitespace().collect();
    names.dedup();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    // Variables of containers may hold what nobody shall see. What is gone by now is left out, by
    // an exit code of 1.
    let inspect = docker([kind, "inspect"]).args(names).sensitive().accept([0, 1]);
    let output = ask(probe, &inspect)?;
    let all: Vec<T> = readable(serde_json::from_slice(&output.stdout))?;
    let gone = output.stderr_text().to_lowercase();
    let gone = gone.lines().all(|line| line.contains("no such") || line.contains("not found"));
    demand!(gone, code::DOCKER_ANSWER, "`docker {kind} inspect` failed for some of them");
    Ok(all)
}

/// What Docker printed, as JSON.
pub(super) fn readable<T>(parsed: serde_json::Result<T>) -> Result<T> {
    parsed
        .context("cannot read what `docker` tells")
        .code(code::DOCKER_ANSWER)
        .hint("is `docker` the program of Docker?")
}

/// What a text in a refusal of Docker means.
struct Refusal {
    says: &'static [&'static str],
    message: &'static str,
    code: togusa_core::problem::Code,
    hint: &'static str,
}

const REFUSALS: [Refusal; 5] = [
    Refusal {
        says: &["permission denied while trying to connect"],
        message: "the daemon of Docker does not let this user in",
        code: code::DOCKER_DENIED,
        hint: "converge as root (`sudo = true`), or make the user a member of the group `docker`",
    },
    Refusal {
        says: &["Cannot connect to the Docker daemon", "failed to connect to the docker API"],
        message: "the daemon of Docker does not run",
        code: code::DOCKER_CLOSED,
        hint: "install it (Debian: package `docker.io`) and start it in an earlier component",
    },
    Refusal {
        says: &["port is already allocated", "address already in use"],
        message: "a port that the container publishes is taken",
        code: code::PORT_TAKEN,
        hint: "publish another port, or stop what listens there in an earlier component",
    },
    Refusal {
        says: &[
            "has active endpoints",
            "volume is in use",
            "image is being used",
            "image is referenced",
            "must be forced",
        ],
        message: "something in Docker still uses it",
        code: code::DOCKER_IN_USE,
        hint: "remove the containers that use it in an earlier component; `docker ps --all` lists \
               them",
    },
    Refusal {
        says: &[
            "No such image",
            "manifest unknown",
            "pull access denied",
            "manifest for",
            "failed to resolve reference",
            "Unable to find image",
        ],
        message: "the image cannot be had",
        code: code::NO_IMAGE,
        hint: "look for a mistake in its name, tag or digest; for a private registry run `docker \
               login` as the converging user",
    },
];

/// Says what a failure of `docker` means, and what to do about it.
pub(super) fn explained<T>(result: Result<T>) -> Result<T> {
    let result = foreign::of_package(result, "docker.io");
    let Err(error) = result else { return result };
    let Some(failure) = foreign::failure(&error) else { return Err(error) };
    let said = format!("{}\n{}", failure.stderr_tail, failure.stdout_tail);
    let means = |refusal: &&Refusal| refusal.says.iter().any(|text| said.contains(text));
    match REFUSALS.iter().find(means) {
        Some(known) => Err(error).context(known.message).code(known.code).hint(known.hint),
        None => Err(error).context("Docker refused it").code(code::DOCKER_ANSWER),
    }
}

/// Refuses what is no name of a container, a network or a volume.
pub(super) fn check_name(what: &str, name: &str) -> Result {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let begins = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    demand!(
        begins && name.len() > 1 && name.chars().all(plain),
        code::NOT_A_NAME,
        "`{name}` cannot be the name of a {what} of Docker"
    );
    Ok(())
}

/// Refuses labels and options that Docker would read as others.
pub(super) fn check_pairs(what: &str, pairs: &Pairs) -> Result {
    for (name, value) in pairs {
        let odd = name.is_empty() || name.contains(|c: char| c == '=' || c.is_whitespace());
        demand!(!odd, code::NOT_A_NAME, "`{name}` cannot be the name of {what}");
        demand!(!value.contains(['\n', '\0']), code::OPTION_VALUE, "`{name}` is not one line");
    }
    Ok(())
}

/// Arguments of one option for each pair: `--label`, `NAME=VALUE`.
pub(super) fn pair_args(option: &str, pairs: &Pairs) -> Vec<String> {
    let args = pairs.iter().flat_map(|(name, value)| [option.into(), format!("{name}={value}")]);
    args.collect()
}

/// Differences of the pairs that are wanted; others are left as they are.
pub(super) fn pair_changes(what: &str, present: Option<&Pairs>, wanted: &Pairs) -> Vec<Change> {
    let value = |name: &str| present.and_then(|present| present.get(name)).map(String::as_str);
    let other = wanted.iter().filter(|(name, wanted)| value(name) != Some(wanted));
    other
        .map(|(name, wanted)| {
            Change::property(format!("{what} {name}"), value(name).unwrap_or("none"), wanted)
        })
        .collect()
}
