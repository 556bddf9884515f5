//! The coordinator's own share of a rollout: 1,000 simulated hosts that do at once what they are asked.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use togusa::core::assets::ProjectAssets;
use togusa::core::engine::forecast;
use togusa::core::environment::{Environment, Host};
use togusa::core::model::{Model, configure};
use togusa::core::names::RootId;
use togusa::core::rollout::{Amount, Rollout};
use togusa::core::value::Table as Values;
use togusa::prelude::*;

use crate::table::{Table, milliseconds, ratio};

const HOSTS: usize = 1000;
const TURNS: usize = 5;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Serves {
    address: Address,
}
impl Resource for Serves {}

#[derive(Debug, Attributes)]
struct App {}

impl Component for App {
    fn configure(&mut self, scope: &mut Scope<'_>) -> togusa::prelude::Result {
        scope.provide(Serves { address: scope.address(80) });
        Ok(())
    }
}

#[derive(Debug, Attributes)]
struct Balancer {}

impl Component for Balancer {
    fn configure(&mut self, scope: &mut Scope<'_>) -> togusa::prelude::Result {
        for app in scope.require_all::<Serves>()? {
            scope.drains(app.provider());
        }
        Ok(())
    }
}

/// Waves of 1, 25 % and so on behind two balancers; the floor is one wave of all hosts at once, which
/// is what a deployment without a rollout comes to.
pub fn run(table: &mut Table) -> Result<()> {
    let quarters = model(&[Amount::Count(1), Amount::Percent(25)])?;
    let twentieths = model(&[Amount::Percent(5)])?;
    let at_once = model(&[Amount::Percent(100)])?;
    let (mut times, mut waves) = ([Duration::MAX; 3], [0; 3]);
    // By turns, so that what slows the machine slows all of them.
    for _ in 0..TURNS {
        for (place, model) in [&at_once, &quarters, &twentieths].into_iter().enumerate() {
            let (time, count) = once(model);
            times[place] = times[place].min(time);
            waves[place] = count;
        }
    }
    ensure!(waves == [1, 5, 20], "{waves:?} waves in place of 1, 5 and 20");
    for place in [1, 2] {
        let each = times[place] / u32::try_from(waves[place])?;
        table.line(
            &format!("rollout of {HOSTS} hosts in {} waves, each", waves[place]),
            milliseconds(each),
            &format!("one wave of all {}", milliseconds(times[0])),
            ratio(each, times[0]),
            "≤ 20 ms",
        );
    }
    Ok(())
}

fn once(model: &Model) -> (Duration, usize) {
    let changing: BTreeSet<RootId> = model.roots().cloned().collect();
    let began = Instant::now();
    let waves = forecast(model, &changing);
    (began.elapsed(), waves.len())
}

fn model(batch: &[Amount]) -> Result<Model> {
    let mut environment = Environment::new("bench", "rollout");
    for number in 0..HOSTS {
        let host = Host::local(format!("app{number:04}"), "~");
        environment = environment.with(host.with_root("app", Values::default()));
    }
    for name in ["lb1", "lb2"] {
        let host = Host::local(name, "~");
        environment = environment.with(host.with_root("balancer", Values::default()));
    }
    let rollout =
        Rollout { batch: batch.to_vec(), minimum_up: Some(Amount::Count(0)), ..Rollout::default() };
    environment.rollouts.insert("app".into(), rollout);
    let registry = Registry::new().with::<App>("app").with::<Balancer>("balancer");
    Ok(configure(&registry, &environment, &ProjectAssets::new("."))?)
}
