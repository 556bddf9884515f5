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
    insta::assert_snapshot!(shown(&in_batches(&[1, 1, 1, 1], 3)), @r"
    app: 4 of 4 instances in 4 batches, minimum 3 up
    wave  up (min)  app1    app2  app3  app4
    1     3 (3)     canary  ·     ·     ·
    2     3 (3)     =       ~     ·     ·
    3     3 (3)     =       =     ~     ·
    4     3 (3)     =       =     =     ~
    ~ rolled in this wave, · still to come, = done or current
    ");
}

#[test]
fn hosts_to_which_the_same_happens_share_a_column() {
    let mut plan = in_batches(&[1, 6, 6], 7);
    let current = app([14, 15]);
    plan.0[0].instances.extend(ids("app", &current));
    plan.0[0].unfinished = ids("app", &app([1]));
    insta::assert_snapshot!(shown(&plan), @r"
    app: 13 of 15 instances in 3 batches, minimum 7 up
    left unfinished or out of use by an earlier run: app@app01
    wave  up (min)  app01   app[02-07]  app[08-13]  app[14,15]
    1     12 (7)    canary  ·           ·           =
    2     7 (7)     =       ~           ·           =
    3     7 (7)     =       =           ~           =
    ~ rolled in this wave, · still to come, = done or current
    ");
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
    insta::assert_snapshot!(shown(&(rollouts, waves)), @r"
    app: 3 of 3 instances in 2 batches, minimum 2 up
    db: 2 of 2 instances in 2 batches, minimum 1 up
    web: 3 of 3 instances in 2 batches, minimum 4 up in group `front`
    wave  up (min)                db1          db2  app01         app[02,03]
    1     db 1 (1)                db (canary)  ·    ·             ·
    2     db 1 (1)                =            db   ·             ·
    3     app 2 (2)               =            =    app (canary)  ·
    4     app 2 (2), front 4 (4)  =            =    web (canary)  app
    5     front 4 (4)             =            =    =             web
    · still to come, = done or current
    ");
}

#[test]
fn a_thousand_hosts_fit_on_eighty_columns() {
    insta::assert_snapshot!(shown(&in_batches(&[1, 250, 250, 250, 249], 750)), @r"
    app: 1000 of 1000 instances in 5 batches, minimum 750 up
                              app          app          app          app
    wave  up (min)   app0001  [0002-0251]  [0252-0501]  [0502-0751]  [0752-1000]
    1     999 (750)  canary   ·            ·            ·            ·
    2     750 (750)  =        ~            ·            ·            ·
    3     750 (750)  =        =            ~            ·            ·
    4     750 (750)  =        =            =            ~            ·
    5     751 (750)  =        =            =            =            ~
    ~ rolled in this wave, · still to come, = done or current
    ");
    let in_tens = [[1].as_slice(), &[10; 99], &[9]].concat();
    insta::assert_snapshot!(shown(&in_batches(&in_tens, 900)), @r"
    app: 1000 of 1000 instances in 101 batches, minimum 900 up
    wave   up (min)   app0001  app[0002-0991]  app[0992-1000]
    1      999 (900)  canary   ·               ·
    2-100  990 (900)  =        10 each         ·
    101    991 (900)  =        =               ~
    ~ rolled in this wave, · still to come, = done or current
    ");
    let one_by_one = in_batches(&[1; 1000], 999);
    insta::assert_snapshot!(shown(&one_by_one), @r"
    app: 1000 of 1000 instances in 1000 batches, minimum 999 up
    wave    up (min)   app0001  app[0002-1000]
    1       999 (999)  canary   ·
    2-1000  999 (999)  =        1 each
    ~ rolled in this wave, · still to come, = done or current
    ");
    let whole = text(&one_by_one.0, &one_by_one.1, true, Paint(false));
    assert_eq!(whole.lines().count(), 1003, "all waves are told to who wants it all");
}

#[test]
fn hosts_whose_names_do_not_count_on_are_counted() {
    let names = "ash elm fir oak yew bay box fig gum haw ivy lime pear pine plum rowan sorb teak";
    let hosts: Vec<_> = names.split(' ').map(|name| format!("{name}.example.net")).collect();
    let waves = vec![vec![batch("app", 1, &hosts[..1], 17)], vec![batch("app", 2, &hosts[1..], 1)]];
    insta::assert_snapshot!(shown(&(vec![rollout("app", &hosts, 1)], waves)), @r"
    app: 18 of 18 instances in 2 batches, minimum 1 up
    wave  up (min)  ash.example.net  bay.example.net (+16 more)
    1     17 (1)    canary           ·
    2     1 (1)     =                ~
    ~ rolled in this wave, · still to come, = done or current
    ");
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
    insta::assert_snapshot!(shown(&(rollouts, waves.collect())), @r"
    a: 3 of 3 instances in 3 batches, minimum 1 up
    b: 3 of 3 instances in 3 batches, minimum 1 up
    wave  up (min)  rolled
    1     a 2 (1)   a (canary): ash.xxxxxxxxxxxxxxxxxxxxxxxx
    2     b 2 (1)   b (canary): bash.xxxxxxxxxxxxxxxxxxxxxxxx
    3     a 2 (1)   a: elm.xxxxxxxxxxxxxxxxxxxxxxxx
    4     b 2 (1)   b: belm.xxxxxxxxxxxxxxxxxxxxxxxx
    5     a 2 (1)   a: fir.xxxxxxxxxxxxxxxxxxxxxxxx
    6     b 2 (1)   b: bfir.xxxxxxxxxxxxxxxxxxxxxxxx
    ");
}

#[test]
fn colour_adds_nothing_but_colour() {
    let (rollouts, waves) = in_batches(&[1, 1], 1);
    let coloured = text(&rollouts, &waves, false, Paint(true));
    assert!(coloured.contains('\u{1b}'));
    assert_eq!(console::strip_ansi_codes(&coloured), text(&rollouts, &waves, false, Paint(false)));
}

#[test]
fn what_counts_together_rolls_together() {
    let hosts: Vec<String> = (1..=4).map(|number| format!("web{number}")).collect();
    let mut rollouts = vec![rollout("api", &hosts, 6), rollout("page", &hosts, 6)];
    rollouts.iter_mut().for_each(|rollout| rollout.group = Some("front".to_owned()));
    let waves = (0..4).map(|number| {
        let host = &hosts[number..=number];
        vec![batch("api", number + 1, host, 7), batch("page", number + 1, host, 6)]
    });
    insta::assert_snapshot!(shown(&(rollouts, waves.collect())), @r"
    api: 4 of 4 instances in 4 batches, minimum 6 up in group `front`
    page: 4 of 4 instances in 4 batches, minimum 6 up in group `front`
    wave  up (min)  web1                         web2       web3       web4
    1     6 (6)     api (canary), page (canary)  ·          ·          ·
    2     6 (6)     =                            api, page  ·          ·
    3     6 (6)     =                            =          api, page  ·
    4     6 (6)     =                            =          =          api, page
    · still to come, = done or current
    ");
}
