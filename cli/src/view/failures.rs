use togusa_core::names::{Breadcrumb, HostName, RootId, RootName};
use togusa_core::problem::Problem;

use super::lines::problem_lines;
use super::plain::heading;
use super::rollouts;
use crate::text::{harmless, names, without_numbers};
use crate::ui::{Ink, Paint};

const NAMES: usize = 8;

/// The components and instances that failed and the rollouts that stopped, for the end of a run.
#[derive(Debug, Default)]
pub(super) struct Failures {
    failed: Vec<Failure>,
    stopped: Vec<(RootName, Problem)>,
}

/// A component that failed in the same way on hosts.
#[derive(Debug)]
struct Failure {
    root: RootId,
    breadcrumb: Breadcrumb,
    problem: Problem,
    also_on: Vec<HostName>,
    /// The roots on which it is left out of use.
    out_on: Vec<RootId>,
}

impl Failures {
    /// Takes note of a failure; unless `whole`, with others that differ in numbers alone, such as
    /// how long it took.
    pub(super) fn add(
        &mut self,
        root: &RootId,
        breadcrumb: &Breadcrumb,
        (problem, out_on): (&Problem, &[RootId]),
        whole: bool,
    ) {
        let same = |known: &&mut Failure| {
            known.root.root == root.root
                && known.breadcrumb == *breadcrumb
                && known.root.host != root.host
                && known.out_on == out_on
                && masked(&known.root, &known.problem) == masked(root, problem)
        };
        match self.failed.iter_mut().find(same).filter(|_| !whole) {
            Some(known) => known.also_on.push(root.host.clone()),
            None => self.failed.push(Failure {
                root: root.clone(),
                breadcrumb: breadcrumb.clone(),
                problem: problem.clone(),
                also_on: Vec::new(),
                out_on: out_on.to_vec(),
            }),
        }
    }

    /// Takes note of a rollout that stopped.
    pub(super) fn stopped(&mut self, component: &RootName, problem: &Problem) {
        self.stopped.push((component.clone(), problem.clone()));
    }

    /// Each with all that is known of it; they are forgotten then.
    pub(super) fn take(&mut self, paint: Paint) -> String {
        let Self { failed, stopped } = std::mem::take(self);
        let failed = failed.into_iter().map(|failure| {
            let heading = heading(paint, &failure.root, &failure.breadcrumb);
            let problem = problem_lines(paint, "  ", Ink::Remove, "error", &failure.problem);
            let also = match failure.also_on.as_slice() {
                [] => String::new(),
                hosts => format!("  the same on {}\n", names(hosts, NAMES)),
            };
            let out = match failure.out_on.as_slice() {
                [] => String::new(),
                out_on => {
                    let stay = if failure.also_on.is_empty() { "stays" } else { "all stay" };
                    format!("  {stay} out of use on {}\n", rollouts::roots(out_on, false))
                }
            };
            format!("{heading}\n{problem}{also}{out}")
        });
        let stopped = stopped.into_iter().map(|(component, problem)| {
            let component = paint.text(Ink::Name, &harmless(component.as_str()));
            let problem = problem_lines(paint, "  ", Ink::Remove, "error", &problem);
            format!("{component}: rollout stopped\n{problem}")
        });
        failed.chain(stopped).collect()
    }
}

/// What a root has failed with, but for its own name and for numbers.
pub(super) fn masked(root: &RootId, problem: &Problem) -> Vec<String> {
    let root = root.to_string();
    let texts = problem.causes.iter().chain(&problem.hint).chain([&problem.message]);
    texts.map(|text| without_numbers(&text.replace(&root, ""))).collect()
}
