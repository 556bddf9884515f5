//! The test harness, tested: what it must find it finds, and says so.

use std::cell::RefCell;
use std::sync::Once;

#[path = "harness/assertions.rs"]
mod assertions;
#[path = "harness/drift.rs"]
mod drift;
#[path = "harness/fakes.rs"]
mod fakes;
#[path = "harness/given.rs"]
mod given;

/// What a test of a test said when it failed.
fn failure(test: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let panicked = std::panic::catch_unwind(test).expect_err("the assertion must fail");
    let text = panicked.downcast_ref::<String>().cloned();
    text.or_else(|| panicked.downcast_ref::<&str>().map(|&text| text.to_owned()))
        .unwrap_or_default()
}

/// The file that a test of a test is said to have failed in.
fn place(test: impl FnOnce() + std::panic::UnwindSafe) -> String {
    thread_local! {
        static PLACE: RefCell<String> = RefCell::default();
    }
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let next = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let place = info.location().map(|place| place.file().to_owned());
            PLACE.set(place.unwrap_or_default());
            next(info);
        }));
    });
    failure(test);
    PLACE.take()
}
