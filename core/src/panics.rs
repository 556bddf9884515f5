//! Panics of component code become errors with a place.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use crate::problem::{Code, code};

/// Component code panicked.
#[derive(Clone, Debug, thiserror::Error)]
#[error("panicked{}: {message}", location.as_deref().map(|at| format!(" at {at}")).unwrap_or_default())]
pub struct Panicked {
    /// What the panic said.
    pub message: String,
    /// The file and line of the panic.
    pub location: Option<String>,
}

impl Panicked {
    /// What kind of problem it is.
    pub fn code(&self) -> Code {
        code::PANICKED
    }
}

thread_local! {
    /// While component code runs on this thread: the place of its panic.
    static CAUGHT: RefCell<Option<Option<String>>> = const { RefCell::new(None) };
}

/// Runs component code; a panic is caught, and not printed by the panic hook.
///
/// # Errors
/// The code panicked.
pub(crate) fn catch<T>(run: impl FnOnce() -> T) -> Result<T, Panicked> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let caught = CAUGHT.with_borrow_mut(|caught| match caught {
                Some(location) => {
                    *location = info.location().map(|at| format!("{}:{}", at.file(), at.line()));
                    true
                }
                None => false,
            });
            if !caught {
                before(info);
            }
        }));
    });
    // A component of a component is configured while its parent is: keep what the outer one knows.
    let outer = CAUGHT.replace(Some(None));
    let result = catch_unwind(AssertUnwindSafe(run));
    let location = CAUGHT.replace(outer).flatten();
    result.map_err(|payload| Panicked { message: message(&*payload), location })
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_with_its_place() {
        let panicked = catch(|| Vec::<u8>::new()[3]).unwrap_err();
        assert!(panicked.to_string().starts_with("panicked at core/src/panics.rs:"), "{panicked}");
        assert!(panicked.message.contains("index out of bounds"));
    }
}
