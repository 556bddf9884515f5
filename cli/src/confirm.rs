//! The questions before a deployment and in the midst of a rollout, where the environment wants them.

use std::collections::BTreeSet;
use std::io::{self, BufRead as _, IsTerminal as _};
use std::sync::{Mutex, PoisonError};

use togusa_core::engine::{Confirm, Question};
use togusa_core::interrupt::Interrupt;
use togusa_core::problem::{Problem, code};

use crate::chart::folded;
use crate::commands::RunOptions;
use crate::exit::Ending;
use crate::failure::Failure;
use crate::selection::select;
use crate::session::{Configured, Manner, Session};
use crate::text::{harmless, names};
use crate::ui::{Stream, Ui};
use crate::view::Purpose;

/// How many names are listed.
const NAMES: usize = 8;

/// Shows what would change and asks for the environment's name.
///
/// # Errors
/// The plan failed, the name was not given, or there is no terminal to ask on.
pub fn ask(session: &Session, configured: &Configured, how: &RunOptions) -> Result<(), Failure> {
    let name = &configured.model.environment().name;
    if !io::stdin().is_terminal() {
        return Err(nobody_to_ask(&format!("`{name}` wants")));
    }
    let summary = session.run(configured, Purpose::Plan, how, Manner::default())?;
    if Ending::of(&summary) != Ending::Success {
        let problem =
            Problem::new(code::PLAN_FAILED, "nothing was deployed: the plan did not succeed");
        return Err(Failure::failed(problem));
    }
    session.ui.write(Stream::Notes, &format!("type the environment's name to deploy `{name}`: "));
    let mut answer = String::new();
    // An input that cannot be read is no confirmation.
    let _ = io::stdin().lock().read_line(&mut answer);
    if answer.trim() == name {
        return Ok(());
    }
    Err(Failure::wrong_use([Problem::new(
        code::NOT_CONFIRMED,
        "not confirmed, nothing was deployed",
    )]))
}

fn nobody_to_ask(who_wants: &str) -> Failure {
    let message = format!("{who_wants} a confirmation, but nobody can be asked");
    let problem = Problem::new(code::NOBODY_TO_ASK, message);
    Failure::wrong_use([problem.hint("deploy on a terminal, or with `--yes`")])
}

/// Whether somebody can be asked, where selected rollouts want that after their first batch.
///
/// # Errors
/// They do and there is no terminal to ask on, or the selection matches nothing.
pub fn can_ask(configured: &Configured, how: &RunOptions) -> Result<(), Failure> {
    let components = asking(configured, how)?;
    if components.is_empty() || io::stdin().is_terminal() {
        return Ok(());
    }
    let (rollouts, want) = match components.len() {
        1 => ("the rollout", "wants"),
        _ => ("the rollouts", "want"),
    };
    Err(nobody_to_ask(&format!("{rollouts} of {} {want}", names(&components, NAMES))))
}

/// The components whose rollouts ask after their first batch.
fn asking(configured: &Configured, how: &RunOptions) -> Result<BTreeSet<String>, Failure> {
    let model = &configured.model;
    let environment = model.environment();
    let roots = model.roots().cloned().collect();
    let selected = select(&roots, &how.hosts, &how.components)?;
    let asks = selected.into_iter().filter(|id| {
        let is_ignored =
            model.is_ignored(id) || environment.hosts.get(&id.host).is_some_and(|it| it.ignore);
        !is_ignored && environment.rollouts.get(&id.root).is_some_and(|it| it.confirm && !it.once)
    });
    Ok(asks.map(|id| id.root.to_string()).collect())
}

/// Asks on the terminal whether rollouts are to go on, one after the other.
pub fn rollouts(ui: &Ui, interrupt: &Interrupt) -> Confirm {
    let (ui, interrupt) = (ui.clone(), interrupt.clone());
    let turn = Mutex::new(());
    Confirm::new(move |question| {
        let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = || interrupt.is_raised();
        is_to_go_on(&ui, question, is_over, || {
            let mut answer = String::new();
            // An input that cannot be read is none.
            let read = io::stdin().lock().read_line(&mut answer).unwrap_or_default();
            (read > 0).then_some(answer)
        })
    })
}

fn is_to_go_on(
    ui: &Ui,
    question: &Question,
    is_over: impl Fn() -> bool,
    mut answer: impl FnMut() -> Option<String>,
) -> bool {
    while !is_over() {
        ui.ask(&words(question));
        let answer = answer();
        // It was withdrawn when the run was stopped.
        if !ui.is_asking() {
            return false;
        }
        ui.withdraw(answer.is_some());
        match answer.as_deref().map(|answer| answer.trim().to_ascii_lowercase()).as_deref() {
            Some("yes" | "y") => return true,
            Some("no" | "n") | None => return false,
            Some(_) => {}
        }
    }
    false
}

fn words(question: &Question) -> String {
    let hosts = folded(question.done.iter().map(|root| root.host.as_str()));
    let done = match hosts.is_empty() {
        true => "is over".to_owned(),
        false => format!("is done: {}", names(hosts, NAMES)),
    };
    let component = harmless(question.component.as_str());
    format!(
        "{component}: the first batch {done}; up to {} to come, go on? [yes/no] ",
        question.left
    )
}

#[cfg(test)]
mod tests {
    use togusa_core::names::RootId;

    use super::*;
    use crate::ui::{Choices, testing};

    fn asked(answers: &[&str]) -> (bool, String) {
        let (ui, _, notes) = testing::recorded(Choices::default());
        let question =
            Question { component: "app".into(), done: vec![RootId::new("app01", "app")], left: 3 };
        let mut answers = answers.iter().map(|&answer| answer.to_owned());
        let go_on = is_to_go_on(&ui, &question, || false, || answers.next());
        assert!(!ui.is_asking() && answers.next().is_none());
        (go_on, notes.text())
    }

    #[test]
    fn a_rollout_goes_on_with_yes_alone_and_who_is_not_understood_is_asked_again() {
        let question = "app: the first batch is done: `app01`; up to 3 to come, go on? [yes/no] ";
        assert_eq!(asked(&["yes\n"]), (true, question.to_owned()));
        assert_eq!(asked(&[" Y\n"]), (true, question.to_owned()));
        assert_eq!(asked(&["no\n"]), (false, question.to_owned()));
        assert_eq!(asked(&["\n", "app\n", "y\n"]), (true, question.repeat(3)));
        assert_eq!(asked(&[]), (false, format!("{question}\n")), "the terminal is gone");
    }

    #[test]
    fn a_run_that_was_stopped_asks_no_more() {
        let (ui, _, notes) = testing::recorded(Choices::default());
        let question = Question { component: "app".into(), done: Vec::new(), left: 1 };
        assert!(!is_to_go_on(&ui, &question, || true, || Some("yes".to_owned())));
        assert_eq!(notes.text(), "");
        let withdrawn = || {
            ui.withdraw(false);
            Some("yes".to_owned())
        };
        assert!(!is_to_go_on(&ui, &question, || false, withdrawn));
    }
}
