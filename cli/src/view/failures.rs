use togusa_core::names::{Breadcrumb, HostName, RootId};
use togusa_core::problem::Problem;

use super::lines::problem_lines;
use super::plain::heading;
use crate::text::names;
use crate::ui::{Ink, Paint};

const NAMES: usize = 8;

/// The components that failed, for the end of a run.
#[derive(Debug, Default)]
pub(super) struct Failures(Vec<Failure>);

/// A component that failed in the same way on hosts.
#[derive(Debug)]
struct Failure {
    root: RootId,
    breadcrumb: Breadcrumb,
    problem: Problem,
    also_on: Vec<HostName>,
}

impl Failures {
    /// Takes note of a failure; unless `whole`, with others that differ in numbers alone, such as
    /// how long it took.
    pub(super) fn add(
        &mut self,
        root: &RootId,
        breadcrumb: &Breadcrumb,
        problem: &Problem,
        whole: bool,
    ) {
        let same = |known: &&mut Failure| {
            known.root.root == root.root
                && known.breadcrumb == *breadcrumb
                && known.root.host != root.host
                && is_alike(&known.problem, problem)
        };
        match self.0.iter_mut().find(same).filter(|_| !whole) {
            Some(known) => known.also_on.push(root.host.clone()),
            None => self.0.push(Failure {
                root: root.clone(),
                breadcrumb: breadcrumb.clone(),
                problem: problem.clone(),
                also_on: Vec::new(),
            }),
        }
    }

    /// Each with all that is known of it; they are forgotten then.
    pub(super) fn take(&mut self, paint: Paint) -> String {
        let texts = std::mem::take(&mut self.0).into_iter().map(|failure| {
            let heading = heading(paint, &failure.root, &failure.breadcrumb);
            let problem = problem_lines(paint, "  ", Ink::Remove, "error", &failure.problem);
            let also = match failure.also_on.as_slice() {
                [] => String::new(),
                hosts => format!("  the same on {}\n", names(hosts, NAMES)),
            };
            format!("{heading}\n{problem}{also}")
        });
        texts.collect()
    }
}

fn is_alike(one: &Problem, other: &Problem) -> bool {
    let text = |problem: &Problem| {
        let texts = problem.causes.iter().chain(&problem.hint).chain([&problem.message]);
        texts.map(|text| text.replace(|c: char| c.is_ascii_digit(), "0")).collect::<Vec<_>>()
    };
    text(one) == text(other)
}
