//! What of that which a host said keeps a deployment from succeeding, or deserves attention.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use togusa_core::engine::target::{foreign, locked, no_directory};
use togusa_core::environment::{Connect, Host};
use togusa_core::problem::{Problem, code};

use super::answers::Place;
use super::{Answers, Asked, Finding, Supply};
use crate::push::refusal;
use crate::ssh::sudo_failed;
use crate::text::{duration, size};
use crate::transport::converging_user;

/// As much should be free, in bytes: what is pushed takes some megabytes, what is deployed more.
pub(crate) const LOW: u64 = 256_000_000;

/// By so many seconds a clock may be off: certificates, tokens and the times of files suffer.
pub(crate) const OFF: f64 = 2.0;

/// Judges what a host said. `supply` is what there is to be pushed to it, if that is known.
pub fn judge(
    host: &Host,
    (project, environment): (&str, &str),
    asked: &Asked,
    supply: Option<&Supply>,
) -> Vec<Finding> {
    let answers = &asked.answers;
    let mut findings = Vec::new();
    match &answers.user {
        None if answers.end.is_some() && converging_user(host).is_some() => {
            // So that the remedy names who logs in.
            let host = Host { user: answers.login.clone(), ..host.clone() };
            findings.push(Finding::error(sudo_failed(&host, &answers.said.join("\n"))));
        }
        Some(_) if answers.is_whole => {
            of_store(host, answers, supply, &mut findings);
            of_target(host, (project, environment), answers, &mut findings);
            of_space(host, answers, &mut findings);
        }
        _ => findings.push(Finding::error(unfinished(answers))),
    }
    of_machine(host, answers, supply, &mut findings);
    of_clock(answers, &mut findings);
    for finding in &mut findings {
        finding.problem.hosts.insert(host.name.clone());
    }
    findings
}

fn of_store(host: &Host, answers: &Answers, supply: Option<&Supply>, all: &mut Vec<Finding>) {
    if host.connect == Connect::Local {
        return;
    }
    let refused = |kind: &str, said: &str| Finding::error(refusal(&format!("{kind} {said}")));
    let of = |kind: &'static str| answers.failures.iter().filter(move |(found, _)| found == kind);
    all.extend(of("missing").map(|(kind, detail)| refused(kind, detail)));
    // What is not ours is not written to either.
    let mut first = ["owner", "open", "write-store", "noexec"].into_iter();
    let first = first.find_map(|kind| Some((kind, answers.failure(kind)?)));
    match first {
        Some(("write-store", said)) => all.push(refused("write", said)),
        Some((kind, said)) => all.push(refused(kind, said)),
        None => {}
    }
    if let Some(place) = answers.failure("file-store") {
        let problem = Problem::new(
            code::STORE_UNWRITABLE,
            format!("the store cannot be made: `{place}` is no directory"),
        );
        let hint = "remove what stands there, or set `store = \"/path\"` in environment.toml";
        all.push(Finding::error(problem.hint(hint)));
    }
    let Some(Ok(Some(binary))) = supply else { return };
    if !answers.agents.contains(&binary.digest)
        && let Some(free) = answers.store.free.filter(|free| *free < binary.size)
        && first.is_none()
    {
        let place = shown(&answers.store);
        let message =
            format!("{} are free in `{place}`, for an agent of {}", size(free), size(binary.size));
        let hint = "make room there, or set `store = \"/path\"` in environment.toml";
        all.push(Finding::error(Problem::new(code::STORE_UNWRITABLE, message).hint(hint)));
    }
}

fn of_target(
    host: &Host,
    (project, environment): (&str, &str),
    answers: &Answers,
    all: &mut Vec<Finding>,
) {
    let path = Path::new(&host.target_directory);
    if let Some(place) = answers.failure("file-target") {
        return all.push(Finding::error(no_directory(place)));
    }
    if let Some(said) = answers.failure("write-target") {
        let message = format!("cannot write to the target directory `{}`", host.target_directory);
        let problem = Problem {
            causes: vec![said.to_owned()],
            ..Problem::new(code::STATE_UNUSABLE, message)
        };
        let user = answers.user.as_deref().unwrap_or("USER");
        let hint = if said.to_lowercase().contains("no space left") {
            format!("make room there: `df {}` and `df -i`", shown(&answers.target))
        } else {
            format!(
                "set `target_directory` to a place where `{user}` may write, or make it there for `{user}`"
            )
        };
        all.push(Finding::error(problem.hint(hint)));
    }
    let of = (project, environment, &host.name);
    let foreign = answers.identity.as_ref().and_then(|content| foreign(path, of, content));
    all.extend(foreign.map(Finding::error));
    let held = answers.holder.as_ref().map(|content| locked(path, content));
    all.extend(held.map(Finding::warning));
}

/// Says where little is free; places in one directory are on one disk.
fn of_space(host: &Host, answers: &Answers, all: &mut Vec<Finding>) {
    let places = [
        ("the store", &answers.store, "write-store", host.connect == Connect::Ssh),
        ("the target directory", &answers.target, "write-target", true),
    ];
    let mut low = BTreeMap::<&str, (u64, Vec<&str>)>::new();
    for (name, place, kind, matters) in places {
        let is_told = answers.failure(kind).is_some();
        if let Some(free) = place.free.filter(|free| *free < LOW && matters && !is_told) {
            let (least, names) = low.entry(shown(place)).or_insert((free, Vec::new()));
            *least = free.min(*least);
            names.push(name);
        }
    }
    for (place, (free, names)) in low {
        let names = names.join(" and ");
        let message = format!("only {} are free in `{place}`, for {names}", size(free));
        let hint =
            format!("make room there: `df {place}`; a deployment fails where a disk is full");
        all.push(Finding::warning(Problem::new(code::LOW_SPACE, message).hint(hint)));
    }
}

fn of_machine(host: &Host, answers: &Answers, supply: Option<&Supply>, all: &mut Vec<Finding>) {
    if host.connect == Connect::Local {
        return;
    }
    if let Some(Err(problem)) = supply {
        all.push(Finding::error(problem.clone()));
    }
    let (Some(target), Some(machine)) = (&host.target, &answers.machine) else { return };
    let architecture = target.split('-').next().unwrap_or_default();
    let is_known = |short: &str| architecture.starts_with(short) && machine.starts_with(short);
    // A 32-bit program runs on most 64-bit machines.
    let runs = architecture == machine
        || ["arm", "riscv64"].into_iter().any(is_known)
        || (architecture == "i686" && machine == "x86_64")
        || (architecture == "powerpc64le" && machine == "ppc64le");
    if !runs {
        let message = format!("`target = \"{target}\"` is named, but the host is `{machine}`");
        let hint = "remove `target` in environment.toml, or set it to what runs there";
        all.push(Finding::warning(Problem::new(code::OTHER_ARCHITECTURE, message).hint(hint)));
    }
}

fn of_clock(answers: &Answers, all: &mut Vec<Finding>) {
    let Some(off) = answers.clock.filter(|off| off.abs() > OFF) else { return };
    let side = if off > 0.0 { "ahead of" } else { "behind" };
    let message = format!(
        "the clock is {} {side} the one here",
        duration(Duration::from_secs_f64(off.abs()))
    );
    let hint = "let both follow a time server: `timedatectl set-ntp true`; certificates, tokens and \
                the times of files are judged by it";
    all.push(Finding::warning(Problem::new(code::CLOCKS_DIFFER, message).hint(hint)));
}

fn unfinished(answers: &Answers) -> Problem {
    let problem = Problem::new(code::HOST_SLOW, "the host did not say all that it was asked");
    let problem = Problem { causes: answers.said.clone(), ..problem };
    problem.hint("a file system may hang: see whether `df` comes back there")
}

fn shown(place: &Place) -> &str {
    place.directory.as_deref().unwrap_or("?")
}
