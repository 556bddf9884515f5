//! An agent in this process and one that is a child tell the same.

use std::path::Path;
use std::sync::Arc;

use hello_pages::Pages;
use hello_site::Site;
use serde_json::Value;
use togusa::core::assets::{AssetStore, ProjectAssets};
use togusa::core::engine::transport::{InProcess, Transport};
use togusa::core::engine::{Options, deploy};
use togusa::core::event::{Event, Mode};
use togusa::core::interrupt::Interrupt;
use togusa::core::model;
use togusa::prelude::*;
use togusa::transport::ChildProcess;

const ENVIRONMENT: &str = r#"
[environment]
connect = "local"
jobs = 1
target_directory = "TARGET"
store = "TARGET/store"

[hosts.localhost]
components = ["pages", "site:feed"]

[components.site]
title = "Agents"
"#;

fn registry() -> Arc<Registry> {
    Arc::new(Registry::new().with::<Pages>("pages").with::<Site>("site"))
}

/// All events of a plan, a first deployment and a second one, but for what depends on time.
fn told(target: &Path, child: bool) -> Vec<Value> {
    let text = ENVIRONMENT.replace("TARGET", &target.display().to_string());
    let environment = togusa_environments::from_str("hello", "test", &text).unwrap();
    let assets = Arc::new(ProjectAssets::new(env!("CARGO_MANIFEST_DIR")));
    let model = model::configure(&registry(), &environment, &*assets).unwrap();
    let store: Arc<dyn AssetStore> = assets;
    let transport: Arc<dyn Transport> = if child {
        Arc::new(ChildProcess::new(env!("CARGO_BIN_EXE_hello")))
    } else {
        let (registry, assets) = (registry(), Arc::clone(&store));
        Arc::new(InProcess { registry, assets, home: target.to_owned() })
    };
    let mut told = Vec::new();
    for mode in [Mode::Verify, Mode::Converge, Mode::Converge] {
        let options = Options::new(mode);
        let mut tell = |event: Event| {
            if !matches!(event, Event::ComponentStarted { .. }) {
                told.push(timeless(serde_json::to_value(event).unwrap()));
            }
        };
        let summary =
            deploy(&model, &transport, &store, &options, &Interrupt::default(), &mut tell);
        assert!(summary.is_success(), "{told:#?}");
    }
    std::fs::remove_dir_all(target).unwrap();
    told
}

/// A value without any `elapsed`.
fn timeless(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            fields.remove("elapsed");
            fields.values_mut().for_each(|field| *field = timeless(field.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = timeless(item.take())),
        _ => {}
    }
    value
}

#[test]
fn an_agent_in_this_process_and_a_child_tell_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("target");
    let (inside, child) = (told(&target, false), told(&target, true));
    assert!(inside.len() > 30, "{inside:#?}");
    assert_eq!(inside, child);
}
