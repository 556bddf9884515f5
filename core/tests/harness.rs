//! The test harness, tested: what it must find it finds, and says so.

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
