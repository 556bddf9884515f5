//! What the views make of rollouts.

use togusa_core::event::{Event, Mode, Outcome, PlannedBatch, PlannedRollout, Skip, Summary, Wait};
use togusa_core::names::RootId;
use togusa_core::problem::{Problem, code};

use super::super::Purpose;
use super::super::recorded::*;
use crate::ui::Choices;

fn app(numbers: impl IntoIterator<Item = usize>) -> Vec<RootId> {
    numbers.into_iter().map(|number| root(&format!("app{number:02}"), "app")).collect()
}

fn batch(
    number: usize,
    roots: Vec<RootId>,
    [up, instances, minimum_up, left]: [usize; 4],
) -> Event {
    let component = "app".into();
    Event::RolloutBatch { component, number, roots, up, instances, minimum_up, left }
}

fn waits(wait: Wait, roots: &[RootId], seen: Option<&str>) -> Event {
    let seen = seen.map(str::to_owned);
    Event::RolloutWaiting { component: "app".into(), wait, roots: roots.to_vec(), seen }
}

fn drained(by: &RootId, instances: &[RootId]) -> Event {
    Event::Drained { root: by.clone(), instances: instances.to_vec() }
}

fn restored(by: &RootId, instances: &[RootId]) -> Event {
    Event::Restored { root: by.clone(), instances: instances.to_vec() }
}

fn unhealthy(instance: &RootId, out_on: &[RootId]) -> Event {
    let message = format!("`{instance}` is not healthy 120 s after its update");
    let mut problem = Problem::new(code::UNHEALTHY, message).hint("look at the log of `app`");
    problem.causes = vec!["connection refused".to_owned()];
    Event::InstanceFailed { root: instance.clone(), problem, out_on: out_on.to_vec() }
}

fn finished(all: [Vec<RootId>; 3], stopped: Option<Problem>) -> Event {
    let [done, failed, not_reached] = all;
    Event::RolloutFinished { component: "app".into(), done, failed, not_reached, stopped }
}

fn stopped() -> Problem {
    let message = "the rollout of `app` stopped: `app@app02` failed, and `max_failed` is 0";
    Problem::new(code::ROLLOUT_STOPPED, message).hint("mend what failed and deploy again")
}

/// Four instances behind two balancers: the first is rolled, the second does not become healthy.
fn a_rollout_that_stops() -> Vec<Event> {
    let (all, lbs) = (app(1..=4), [root("lb1", "lb"), root("lb2", "lb")]);
    let once = (root("app02", "migrate"), Skip::Once);
    let mut events = vec![started(Mode::Converge, &all, &[once])];
    for (number, left) in [(1, 3), (2, 2)] {
        let taken = &all[number - 1..number];
        events.push(batch(number, taken.to_vec(), [3, 4, 3, left]));
        events.push(waits(Wait::Drain, taken, None));
        events.extend(lbs.iter().map(|lb| drained(lb, taken)));
        events.push(waits(Wait::Update, taken, None));
        events.push(waits(Wait::Healthy, taken, None));
        events.push(waits(Wait::Healthy, taken, Some("connection refused after 12 ms")));
        events.push(waits(Wait::Healthy, taken, Some("connection refused after 9 ms")));
        if number == 1 {
            events.push(waits(Wait::Settled, taken, None));
            events.push(waits(Wait::Restore, taken, None));
            events.extend(lbs.iter().map(|lb| restored(lb, taken)));
        } else {
            events.push(unhealthy(&taken[0], &lbs));
        }
    }
    events.push(finished([app([1]), app([2]), app([3, 4])], Some(stopped())));
    events.extend(ends(&[
        (&all[0], Outcome::Converged, [4, 1, 0, 0], 12_000),
        (&all[1], Outcome::Failed, [4, 1, 0, 0], 120_000),
        (&all[2], Outcome::NotReached, [0; 4], 0),
        (&all[3], Outcome::NotReached, [0; 4], 0),
    ]));
    events
}

#[test]
fn a_rollout_tells_its_batches_what_it_waits_for_and_why_it_stopped() {
    let events = a_rollout_that_stops();
    insta::assert_snapshot!(shown(NORMAL, Purpose::Deploy, true, &events), @r"
    [stderr]
    deploying `shop` to `prod`: 4 roots on 4 hosts
    app: batch 1: app01; 3 of 4 up, minimum 3; up to 3 to come
    app: waiting until app01 is out of use
    lb@lb[1,2]: app@app01 out of use
    app: waiting for the update of app01
    app: waiting until app01 is healthy
    app: waiting until app01 is healthy: connection refused after 12 ms
    app: waiting until app01 has been healthy for long enough
    app: waiting until app01 is back in use
    lb@lb[1,2]: app@app01 back in use
    app: batch 2: app02; 3 of 4 up, minimum 3; up to 2 to come
    app: waiting until app02 is out of use
    lb@lb[1,2]: app@app02 out of use
    app: waiting for the update of app02
    app: waiting until app02 is healthy
    app: waiting until app02 is healthy: connection refused after 12 ms
    app02  app
      error[T0623]: `app@app02` is not healthy 120 s after its update: connection refused
    app: rollout stopped: done app01; failed app02; not reached app[03,04]
    app01  1 root  3 current  1 changed  0 failed  0 not reached  12 s
    app02  1 root  3 current  1 changed  1 failed  0 not reached  2 min 0 s
    app03  1 root  0 current  0 changed  0 failed  1 not reached  0.0 s
    app04  1 root  0 current  0 changed  0 failed  1 not reached  0.0 s
    skipped 1 root done once on another host: `migrate@app02`
    app02  app
      error[T0623]: `app@app02` is not healthy 120 s after its update
        1: connection refused
        hint: look at the log of `app`
      stays out of use on lb@lb[1,2]
    app: rollout stopped
      error[T0518]: the rollout of `app` stopped: `app@app02` failed, and `max_failed` is 0
        hint: mend what failed and deploy again
    failed: 1 root failed, 2 roots not reached
    ");
}

#[test]
fn quiet_shows_what_failed_and_why_the_rollout_stopped() {
    let events = a_rollout_that_stops();
    insta::assert_snapshot!(shown(QUIET, Purpose::Deploy, true, &events), @r"
    [stderr]
    app02  app
      error[T0623]: `app@app02` is not healthy 120 s after its update
        1: connection refused
        hint: look at the log of `app`
      stays out of use on lb@lb[1,2]
    app: rollout stopped
      error[T0518]: the rollout of `app` stopped: `app@app02` failed, and `max_failed` is 0
        hint: mend what failed and deploy again
    failed: 1 root failed, 2 roots not reached
    ");
}

#[test]
fn verbose_tells_each_balancer_and_each_number_that_is_seen() {
    let text = shown(VERBOSE, Purpose::Deploy, true, &a_rollout_that_stops());
    assert!(
        text.contains("\nlb@lb1: app@app01 out of use\nlb@lb2: app@app01 out of use\n"),
        "{text}"
    );
    assert!(text.contains("after 12 ms\n") && text.contains("after 9 ms\n"), "{text}");
    assert!(text.contains("\napp03  app: not reached by the rollout, "), "{text}");
}

#[test]
fn where_there_are_live_lines_what_is_waited_for_stands_there_alone() {
    let live = Choices { progress: true, ..NORMAL };
    let text = shown(live, Purpose::Deploy, true, &a_rollout_that_stops());
    assert!(!text.contains("waiting") && text.contains("\napp: batch 2: "), "{text}");
}

#[test]
fn a_thousand_instances_stay_readable() {
    let all: Vec<_> = (1..=1000).map(|number| root(&format!("app{number:04}"), "app")).collect();
    let lbs = [root("lb1", "lb"), root("lb2", "lb")];
    let mut events = vec![started(Mode::Converge, &all, &[])];
    let taken = &all[1..251];
    events.push(batch(2, taken.to_vec(), [750, 1000, 750, 749]));
    events.push(waits(Wait::Drain, taken, None));
    events.extend(lbs.iter().map(|lb| drained(lb, taken)));
    events.push(waits(Wait::Healthy, taken, Some(&"no answer from the port ".repeat(20))));
    events.extend(taken[..4].iter().map(|instance| unhealthy(instance, &lbs)));
    let rest = [all[..1].to_vec(), taken[..4].to_vec(), all[5..].to_vec()];
    events.push(finished(rest, Some(stopped())));
    let ended: Vec<_> =
        all.iter().map(|instance| (instance, Outcome::NotReached, [0; 4], 0)).collect();
    // That each of them ended is shown nowhere.
    events.extend(ends(&ended).split_off(ended.len()));
    insta::assert_snapshot!(shown(NORMAL, Purpose::Deploy, true, &events), @r"
    [stderr]
    deploying `shop` to `prod`: 1000 roots on 1000 hosts
    app: batch 2: app[0002-0251]; 750 of 1000 up, minimum 750; up to 749 to come
    app: waiting until app[0002-0251] are out of use
    lb@lb[1,2]: app@app[0002-0251] out of use
    app: waiting until app[0002-0251] are healthy: no answer from the port no answer from the port no answer from the port no answer from the port no answer from the port no answer from the port no answer from t… 320 more characters
    app0002  app
      error[T0623]: `app@app0002` is not healthy 120 s after its update: connection refused
    app0003  app  failed as on app0002
    app0004  app  failed as on app0002
    app0005  app  failed as on app0002
    app: rollout stopped: done app0001; failed app[0002-0005]; not reached app[0006-1000]
    1000 hosts  1 root  0 current  0 changed  0 failed  1 not reached  up to 0.0 s
    app0002  app
      error[T0623]: `app@app0002` is not healthy 120 s after its update
        1: connection refused
        hint: look at the log of `app`
      the same on `app0003`, `app0004`, `app0005`
      all stay out of use on lb@lb[1,2]
    app: rollout stopped
      error[T0518]: the rollout of `app` stopped: `app@app02` failed, and `max_failed` is 0
        hint: mend what failed and deploy again
    failed: 1000 roots not reached
    ");
}

#[test]
fn what_was_seen_before_its_turn_is_not_called_current() {
    let all = app(1..=2);
    let mut events = vec![started(Mode::Converge, &all, &[])];
    for instance in &all {
        events.extend([looks(instance, "App > File(\"a\")"), looks(instance, "App")]);
    }
    events.push(batch(1, app([1]), [1, 2, 1, 0]));
    events.push(looks(&all[0], "App > File(\"b\")"));
    events.push(looks(&all[0], "App"));
    events.extend(ends(&[
        (&all[0], Outcome::Converged, [4, 1, 0, 0], 10),
        (&all[1], Outcome::Converged, [4, 0, 0, 0], 10),
    ]));
    let text = shown(VERBOSE, Purpose::Deploy, true, &events);
    assert!(!text.contains("app01  App > File(\"a\")"), "{text}");
    assert!(text.contains("\napp01  App > File(\"b\")  = current\n"), "{text}");
    assert!(text.contains("\napp02  App > File(\"a\")  = current\n"), "{text}");
}

#[test]
fn waves_are_a_part_of_a_plan_and_of_nothing_else() {
    let all = app(1..=3);
    let rollout = PlannedRollout {
        component: "app".into(),
        instances: all.clone(),
        unfinished: Vec::new(),
        minimum_up: 2,
        group: None,
    };
    let waves = all.iter().zip(1..).map(|(instance, number)| {
        vec![PlannedBatch { component: "app".into(), number, roots: vec![instance.clone()], up: 2 }]
    });
    let mut events = vec![started(Mode::Verify, &all, &[])];
    events.push(Event::RolloutPlanned { rollouts: vec![rollout], waves: waves.collect() });
    let ended: Vec<_> =
        all.iter().map(|instance| (instance, Outcome::Planned, [4, 1, 0, 0], 0)).collect();
    events.extend(ends_with(&ended, Summary::default()));
    insta::assert_snapshot!(shown(NORMAL, Purpose::Plan, true, &events), @r"
    [stdout]
    app: 3 of 3 instances in 3 batches, minimum 2 up
    wave  up (min)  app01   app02  app03
    1     2 (2)     canary  ·      ·
    2     2 (2)     =       ~      ·
    3     2 (2)     =       =      ~
    ~ rolled in this wave, · still to come, = done or current
    app01  1 root  3 current  1 changed  0 failed  0.0 s
    app02  1 root  3 current  1 changed  0 failed  0.0 s
    app03  1 root  3 current  1 changed  0 failed  0.0 s
    3 changes planned
    [stderr]
    planning `shop` in `prod`: 3 roots on 3 hosts
    ");
    assert!(!shown(NORMAL, Purpose::Verify, false, &events).contains("wave"));
    assert!(!shown(QUIET, Purpose::Plan, true, &events).contains("wave"));
}
