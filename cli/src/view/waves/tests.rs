use togusa_core::names::RootId;

use super::*;

fn ids(component: &str, hosts: &[String]) -> Vec<RootId> {
    hosts.iter().map(|host| RootId::new(host.as_str(), component)).collect()
}

/// Hosts with these numbers.
fn app(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers.into_iter().map(|number| format!("app{number:02}")).collect()
}

fn rollout(component: &str, hosts: &[String], minimum_up: usize) -> PlannedRollout {
    let component = RootName::new(component);
    let instances = ids(component.as_str(), hosts);
    PlannedRollout { component, instances, unfinished: Vec::new(), minimum_up, group: None }
}

fn batch(component: &str, number: usize, hosts: &[String], up: usize) -> PlannedBatch {
    let roots = ids(component, hosts);
    PlannedBatch { component: RootName::new(component), number, roots, up }
}

/// Batches of these sizes, one after the other, over hosts of which all are up.
fn in_batches(sizes: &[usize], minimum_up: usize) -> (Vec<PlannedRollout>, Vec<Vec<PlannedBatch>>) {
    let all: usize = sizes.iter().sum();
    let digits = all.to_string().len();
    let hosts: Vec<_> = (1..=all).map(|number| format!("app{number:0digits$}")).collect();
    let mut left = hosts.as_slice();
    let mut waves = Vec::new();
    for (size, number) in sizes.iter().zip(1..) {
        let (taken, rest) = left.split_at(*size);
        waves.push(vec![batch("app", number, taken, all - size)]);
        left = rest;
    }
    (vec![rollout("app", &hosts, minimum_up)], waves)
}

fn shown((rollouts, waves): &(Vec<PlannedRollout>, Vec<Vec<PlannedBatch>>)) -> String {
    let text = text(rollouts, waves, false, Paint(false));
    let width = text.lines().map(console::measure_text_width).max().unwrap_or_default();
    assert!(width <= WIDTH, "{width} columns:\n{text}");
    text
}

#[test]
fn a_roll_is_a_diagonal() {
    insta::assert_snapshot!(shown(&in_batches(&[1, 1, 1, 1], 3)), @"");
}

#[test]
fn hosts_to_which_the_same_happens_share_a_column() {
    let mut plan = in_batches(&[1, 6, 6], 7);
    let current = app([14, 15]);
    plan.0[0].instances.extend(ids("app", &current));
    plan.0[0].unfinished = ids("app", &app([1]));
    insta::assert_snapshot!(shown(&plan), @"");
}

#[test]
fn components_that_roll_at_once_are_named() {
    let (front, data) = (app(1..=3), vec!["db1".to_owned(), "db2".to_owned()]);
    let one = |hosts: &[String], number: usize| vec![hosts[number].clone()];
    let mut rollouts =
        vec![rollout("app", &front, 2), rollout("db", &data, 1), rollout("web", &front, 4)];
    rollouts[2].group = Some("front".to_owned());
    let waves = vec![
        vec![batch("db", 1, &one(&data, 0), 1)],
        vec![batch("db", 2, &one(&data, 1), 1)],
        vec![batch("app", 1, &one(&front, 0), 2)],
        vec![batch("app", 2, &front[1..], 2), batch("web", 1, &one(&front, 0), 4)],
        vec![batch("web", 2, &front[1..], 4)],
    ];
    insta::assert_snapshot!(shown(&(rollouts, waves)), @"");
}

#[test]
fn a_thousand_hosts_fit_on_eighty_columns() {
    insta::assert_snapshot!(shown(&in_batches(&[1, 250, 250, 250, 249], 750)), @"");
    let in_tens = [[1].as_slice(), &[10; 99], &[9]].concat();
    insta::assert_snapshot!(shown(&in_batches(&in_tens, 900)), @"");
    let one_by_one = in_batches(&[1; 1000], 999);
    insta::assert_snapshot!(shown(&one_by_one), @"");
    let whole = text(&one_by_one.0, &one_by_one.1, true, Paint(false));
    assert_eq!(whole.lines().count(), 1003, "all waves are told to who wants it all");
}

#[test]
fn hosts_whose_names_do_not_count_on_are_counted() {
    let names = "ash elm fir oak yew bay box fig gum haw ivy lime pear pine plum rowan sorb teak";
    let hosts: Vec<_> = names.split(' ').map(|name| format!("{name}.example.net")).collect();
    let waves = vec![
        vec![batch("app", 1, &hosts[..1], 17)],
        vec![batch("app", 2, &hosts[1..], 1)],
    ];
    insta::assert_snapshot!(shown(&(vec![rollout("app", &hosts, 1)], waves)), @"");
}

#[test]
fn what_is_too_wide_for_columns_is_a_list() {
    let hosts: Vec<_> =
        ["ash", "elm", "fir"].iter().map(|name| format!("{name}.{}", "x".repeat(24))).collect();
    let others: Vec<_> = hosts.iter().map(|host| format!("b{host}")).collect();
    let one = |name: &str, hosts: &[String], number: usize| {
        vec![batch(name, number + 1, &hosts[number..=number], 2)]
    };
    let waves = (0..3).flat_map(|number| [one("a", &hosts, number), one("b", &others, number)]);
    let rollouts = vec![rollout("a", &hosts, 1), rollout("b", &others, 1)];
    insta::assert_snapshot!(shown(&(rollouts, waves.collect())), @"");
}

#[test]
fn colour_adds_nothing_but_colour() {
    let (rollouts, waves) = in_batches(&[1, 1], 1);
    let coloured = text(&rollouts, &waves, false, Paint(true));
    assert!(coloured.contains('\u{1b}'));
    assert_eq!(console::strip_ansi_codes(&coloured), text(&rollouts, &waves, false, Paint(false)));
}
