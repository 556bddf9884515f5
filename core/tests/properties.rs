//! What holds of every model: random ones are configured and compared with what brute force says.

#[path = "properties/node.rs"]
mod node;
#[path = "properties/world.rs"]
mod world;

use std::collections::{BTreeMap, BTreeSet};

use node::How;
use proptest::prelude::*;
use togusa_core::model::Model;
use togusa_core::names::RootId;
use world::{HOSTS, Spec, any_specs, configure, edges, reachable, roots, sound_specs};

const DECLARED: [usize; HOSTS] = [0, 1, 2, 3];

fn config() -> ProptestConfig {
    // A failure is told with the smallest model that shows it; no file of seeds is kept.
    ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() }
}

fn sound(specs: &[Spec], hosts: &[usize]) -> Result<Model, TestCaseError> {
    configure(specs, hosts).map_err(|problems| TestCaseError::fail(problems.to_string()))
}

/// What a reader of the model can see.
fn seen(model: &Model) -> (String, Vec<String>, Vec<String>) {
    let order = model.graph().order().iter().map(ToString::to_string).collect();
    let logs = model.logs().map(|(root, place, text)| format!("{root} {place} {text}")).collect();
    (model.digest().to_string(), order, logs)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_order_has_every_root_once_and_respects_every_edge(specs in sound_specs()) {
        let model = sound(&specs, &DECLARED)?;
        let order = model.graph().order();
        let place: BTreeMap<_, _> = order.iter().enumerate().map(|(at, id)| (id, at)).collect();
        prop_assert_eq!(order.len(), place.len());
        let all: BTreeSet<_> = roots(&specs).into_iter().map(|(id, _)| id).collect();
        prop_assert_eq!(order.iter().cloned().collect::<BTreeSet<_>>(), all);

        let expected = edges(&specs);
        let found: BTreeSet<_> =
            model.graph().edges().iter().map(|edge| (edge.first.clone(), edge.then.clone())).collect();
        prop_assert_eq!(&found, &expected);
        for (first, then) in &expected {
            prop_assert!(place[first] < place[then], "{} must come before {}", first, then);
        }
    }

    #[test]
    fn values_come_by_host_and_root_from_all_who_answer(specs in sound_specs()) {
        let model = sound(&specs, &DECLARED)?;
        let roots = roots(&specs);
        let mut logs = BTreeMap::<&RootId, Vec<String>>::new();
        for (root, _, text) in model.logs() {
            logs.entry(root).or_default().push(text.to_owned());
        }
        for (id, spec) in &roots {
            let expected = spec.needs.iter().map(|need| {
                let mut from: Vec<_> = world::answering(&roots, need).collect();
                from.sort();
                let from: Vec<_> = from.iter().map(|id| format!("{}/{}", id.host, id.root)).collect();
                format!("{need}: {}", from.join(" "))
            });
            // Without the part of each value behind `=`, which tells what its provider had seen.
            let found = logs.get(id).into_iter().flatten().map(|text| {
                let words = text.split(' ').map(|word| word.split('=').next().unwrap_or_default());
                words.collect::<Vec<_>>().join(" ")
            });
            prop_assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        }
    }

    #[test]
    fn declarations_in_another_order_change_nothing(
        (specs, shuffled) in sound_specs().prop_flat_map(|specs| {
            (Just(specs.clone()), Just(specs).prop_shuffle())
        }),
        hosts in Just(DECLARED.to_vec()).prop_shuffle(),
    ) {
        let (first, second) = (sound(&specs, &DECLARED)?, sound(&shuffled, &hosts)?);
        prop_assert_eq!(seen(&first), seen(&second));
        prop_assert_eq!(first.graph().order(), second.graph().order());
        prop_assert_eq!(first.graph().edges(), second.graph().edges());
    }

    #[test]
    fn the_same_declarations_give_the_same_model(specs in sound_specs()) {
        prop_assert_eq!(seen(&sound(&specs, &DECLARED)?), seen(&sound(&specs, &DECLARED)?));
    }

    #[test]
    fn another_declaration_gives_another_digest(specs in sound_specs()) {
        let mut other = specs.clone();
        other[0].provides_first = !other[0].provides_first;
        let before = sound(&specs, &DECLARED)?.digest();
        // What provides too late may leave another without an answer; that is no model then.
        if let Ok(model) = configure(&other, &DECLARED) {
            prop_assert_ne!(model.digest(), before);
        }
    }

    #[test]
    fn a_reported_cycle_is_one_and_every_circle_is_reported_once(
        mut specs in any_specs(prop_oneof![
            3 => Just(How::Optional), 1 => Just(How::Reversed), 1 => Just(How::Unordered)
        ]),
    ) {
        let kinds: BTreeSet<_> = specs.iter().map(|spec| spec.kind).collect();
        for spec in &mut specs {
            spec.provides_first = true;
            spec.needs.retain(|need| kinds.contains(&need.kind));
        }
        let edges = edges(&specs);
        let reachable = reachable(&edges);
        let knot = |id: &RootId| -> BTreeSet<_> {
            let there = reachable.get(id).into_iter().flatten().copied();
            there.filter(|other| reachable.get(other).is_some_and(|back| back.contains(id))).collect()
        };
        let knots: BTreeSet<_> =
            reachable.keys().map(|id| knot(id)).filter(|knot| !knot.is_empty()).collect();

        let cycles: Vec<Vec<String>> = match configure(&specs, &DECLARED) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.list.iter().map(|problem| path(&problem.message)).collect(),
        };
        prop_assert_eq!(cycles.len(), knots.len(), "{:?}", cycles);
        let edges: BTreeSet<_> =
            edges.iter().map(|(first, then)| (first.to_string(), then.to_string())).collect();
        for cycle in &cycles {
            prop_assert!(cycle.len() > 2 && cycle.first() == cycle.last(), "{:?}", cycle);
            for step in cycle.windows(2) {
                prop_assert!(edges.contains(&(step[0].clone(), step[1].clone())), "{:?}", step);
            }
        }
    }

    #[test]
    fn what_nobody_provides_is_reported_for_each_root_that_stops_at_it(
        specs in any_specs(prop_oneof![
            3 => Just(How::All), 2 => (0..HOSTS).prop_map(How::On), 1 => Just(How::Optional)
        ]),
    ) {
        let expected = stopped(&specs);
        let found: BTreeSet<_> = match configure(&specs, &DECLARED) {
            Ok(_) => BTreeSet::new(),
            Err(problems) => {
                prop_assert!(!problems.to_string().contains("panicked"), "{}", problems);
                let unmet = problems.list.into_iter().filter(|problem| {
                    problem.message.starts_with("required resource")
                });
                unmet
                    .flat_map(|problem| {
                        let root = problem.root.map(|root| root.to_string()).unwrap_or_default();
                        let text = format!("{root}: {}", problem.message);
                        problem.hosts.into_iter().map(move |host| (host.to_string(), text.clone()))
                    })
                    .collect()
            }
        };
        prop_assert_eq!(found, expected);
    }
}

/// The roots of a reported cycle, in its order.
fn path(message: &str) -> Vec<String> {
    let names = message.split('`').skip(1).step_by(2);
    names.map(str::to_owned).collect()
}

/// Who stops at which requirement: the least set of roots that provide, found by trying again.
fn stopped(specs: &[Spec]) -> BTreeSet<(String, String)> {
    let roots = roots(specs);
    let mut providing: BTreeSet<_> =
        roots.iter().filter(|(_, spec)| spec.provides_first).map(|(id, _)| id).collect();
    loop {
        let unmet = |spec: &Spec| {
            let needed = spec.needs.iter().filter(|need| need.how != How::Optional);
            let mut unmet = needed.filter(|need| {
                !world::answering(&roots, need).any(|other| providing.contains(other))
            });
            unmet.next().cloned()
        };
        let stops: Vec<_> =
            roots.iter().filter_map(|(id, spec)| Some((id, unmet(spec)?))).collect();
        let stopping: BTreeSet<_> = stops.iter().map(|(id, _)| *id).collect();
        let now: BTreeSet<_> = roots
            .iter()
            .filter(|(id, spec)| spec.provides_first || !stopping.contains(id))
            .map(|(id, _)| id)
            .collect();
        if now == providing {
            let told = stops.into_iter().map(|(id, need)| {
                let place = match need.how {
                    How::On(host) => format!(" on host `h{host}`"),
                    _ => String::new(),
                };
                let text = format!("required resource `R{}` is not provided{place}", need.kind);
                (id.host.to_string(), format!("{}: {text}", id.root))
            });
            return told.collect();
        }
        providing = now;
    }
}
