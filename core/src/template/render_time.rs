//! Values that a template prints differently on each host: paths below `~`, resolved addresses.
//!
//! While a template is rendered, the homes and addresses known to this process are in effect on its
//! thread; at any other time such a value prints as it is written in the model.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use minijinja::value::{Object, ObjectRepr, Value};

use crate::address::{AddressTable, ListenAddress};
use crate::names::HostName;
use crate::path::HostPath;

/// What is known of hosts when a template is rendered.
#[derive(Clone, Debug, Default)]
pub struct RenderTable {
    /// The home directory of the converging user on each host.
    pub homes: BTreeMap<HostName, String>,
    /// The addresses of the names that are listened on.
    pub addresses: AddressTable,
    /// Printing a path below an unknown home is an error, not the path as it is written.
    pub strict: bool,
}

thread_local! {
    /// The host whose home was asked for in vain.
    static UNKNOWN_HOME: RefCell<Option<HostName>> = const { RefCell::new(None) };
    static IN_EFFECT: RefCell<Option<Arc<RenderTable>>> = const { RefCell::new(None) };
}

/// Runs something with the table in effect.
pub(crate) fn with<T>(table: &Arc<RenderTable>, run: impl FnOnce() -> T) -> T {
    struct Restore(Option<Arc<RenderTable>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            IN_EFFECT.set(self.0.take());
        }
    }
    let _restore = Restore(IN_EFFECT.replace(Some(Arc::clone(table))));
    run()
}

/// The host whose home was asked for in vain since the last call.
pub(super) fn take_unknown_home() -> Option<HostName> {
    UNKNOWN_HOME.take()
}

/// The path as it is on its host, if a table is in effect that knows the host; else as written.
pub(crate) fn expand(path: &HostPath) -> String {
    IN_EFFECT.with_borrow(|table| {
        let home = table.as_ref().and_then(|table| table.homes.get(path.host()));
        home.map_or_else(|| path.as_str().to_owned(), |home| path.expand(home))
    })
}

/// The value that stands for a path in a template's variables.
pub(crate) fn value_of(path: HostPath) -> Value {
    Value::from_object(PathValue(path))
}

/// The value that stands for an address in a template's variables.
pub(crate) fn listen_value_of(address: ListenAddress) -> Value {
    Value::from_object(ListenValue(address))
}

struct PathValue(HostPath);

impl fmt::Debug for PathValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Object for PathValue {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.0;
        let (in_effect, known) = IN_EFFECT.with_borrow(|table| match table {
            Some(table) => (true, !table.strict || table.homes.contains_key(path.host())),
            None => (false, true),
        });
        if !in_effect {
            // Into a digest goes the host as well.
            return fmt::Debug::fmt(path, f);
        }
        if !known && path.as_str().starts_with('~') {
            UNKNOWN_HOME.set(Some(path.host().clone()));
            return Err(fmt::Error);
        }
        f.write_str(&expand(path))
    }
}

struct ListenValue(ListenAddress);

impl ListenValue {
    fn resolved(&self) -> Vec<String> {
        IN_EFFECT.with_borrow(|table| {
            let resolved = table.as_ref().and_then(|table| table.addresses.get(&self.0.host));
            let addresses = resolved.map(|resolved| resolved.with_port(self.0.port));
            addresses.unwrap_or_default().iter().map(ToString::to_string).collect()
        })
    }
}

impl fmt::Debug for ListenValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} (listening)", self.0.host, self.0.port)
    }
}

impl Object for ListenValue {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let one = |v6: bool| {
            let found = self.resolved().into_iter().find(|text| text.starts_with('[') == v6);
            found.map_or(Value::UNDEFINED, Value::from)
        };
        match key.as_str()? {
            "host" => Some(Value::from(self.0.host.as_str())),
            "port" => Some(Value::from(self.0.port)),
            "all" => Some(Value::from(self.resolved())),
            "v4" => Some(one(false)),
            "v6" => Some(one(true)),
            _ => None,
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.resolved().first() {
            Some(first) => f.write_str(first),
            None => write!(f, "{}:{}", self.0.host, self.0.port),
        }
    }
}
