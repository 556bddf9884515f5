//! Roots of a test's own: one that provides a value, one that requires what others provide.

use std::fmt;
use std::marker::PhantomData;

use crate::attributes::{AttributeSchema, Attributes, Reader, SourceLocation};
use crate::component::{Component, Result};
use crate::model::answers::Query;
use crate::resource::{Required, Resource, ResourceKey};
use crate::scope::Scope;
use crate::secret::{Secret, revealing, take_out};

use super::Harness;

/// The host of what a test gives.
const HOST: &str = "given";

impl Harness {
    /// Provides a resource by hand, from a root of its own on a host of its own called `given`.
    /// Each call provides one more value; nobody has to require it. Secrets in it stay secrets.
    ///
    /// ```
    /// use serde::{Deserialize, Serialize};
    /// use togusa_core::prelude::*;
    /// use togusa_core::testing::Harness;
    ///
    /// #[derive(Clone, Debug, Serialize, Deserialize)]
    /// struct Database {
    ///     password: Secret,
    /// }
    ///
    /// impl Resource for Database {}
    ///
    /// #[derive(Debug, Attributes)]
    /// struct App {}
    ///
    /// impl Component for App {
    ///     fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
    ///         let databases = scope.require_all::<Database>()?;
    ///         scope.log(format!("{} databases", databases.len()));
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let harness = Harness::new(Registry::new().with::<App>("app"))
    ///     .host("web", ["app"])
    ///     .provide(Database { password: Secret::new("correct horse") })
    ///     .provide_on("db2", Database { password: Secret::new("battery staple") });
    /// harness.assert_converges();
    /// ```
    ///
    /// # Panics
    /// The value cannot be written as JSON, or not be read from it.
    #[must_use]
    pub fn provide<R: Resource>(self, value: R) -> Self {
        self.provide_on(HOST, value)
    }

    /// Provides a resource by hand from a host, which is added unless it is there: for who requires
    /// it [from a host](crate::scope::Requirement::on), or looks where it comes from.
    ///
    /// # Panics
    /// The value cannot be written as JSON, or not be read from it.
    #[must_use]
    pub fn provide_on<R: Resource>(mut self, host: &str, value: R) -> Self {
        let json = revealing(|| serde_json::to_string(&value))
            .unwrap_or_else(|error| panic!("a resource must be writable as JSON: {error}"));
        // Without the text of the error, which may tell a secret.
        if serde_json::from_str::<R>(&json).is_err() {
            let name = std::any::type_name::<R>();
            panic!(
                "a resource must be readable from the JSON that it is written as, but `{name}` is not"
            );
        }
        let name = self.next_name("given");
        self.registry = self.registry.with::<Given<R>>(name.as_str());
        let harness = self.host(host, [&*name]);
        match take_out(&json) {
            None => harness.set(host, &name, "json", json),
            Some(_) => harness.set(host, &name, "json", Secret::new(json)),
        }
    }

    /// Requires a resource by hand, so that the root that provides it can be tested alone: what
    /// nobody requires is an error of the model. [`provided`](Self::provided) reads the values.
    #[must_use]
    pub fn require<R: Resource>(mut self) -> Self {
        let name = self.next_name("taken");
        self.registry = self.registry.with::<Taken<R>>(name.as_str());
        self.host(HOST, [&*name])
    }

    /// The values of a resource that roots provide, in the order of hosts and roots.
    ///
    /// # Panics
    /// The model is wrong.
    #[track_caller]
    pub fn provided<R: Resource>(&self) -> Vec<Required<R>> {
        let model = self.model();
        let query = Query { key: ResourceKey::of::<R>(), host: None };
        let values = model.answers.get(&query).map(|value| value.required::<R>());
        values
            .map(|value| value.unwrap_or_else(|error| panic!("cannot read a value: {error:#}")))
            .collect()
    }

    fn next_name(&self, kind: &str) -> String {
        let roots = self.environment.hosts.values().flat_map(|host| &host.roots);
        let number = roots.filter(|root| root.name.as_str().starts_with(kind)).count();
        format!("{kind}-{number}")
    }
}

/// A root that provides a value given by a test.
#[derive(Debug)]
struct Given<R>(Option<R>);

impl<R: Resource> Component for Given<R> {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        if let Some(value) = self.0.take() {
            scope.offer(value);
        }
        Ok(())
    }
}

impl<R: Resource> Attributes for Given<R> {
    fn schema() -> Vec<AttributeSchema> {
        Vec::new()
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let json: Secret = reader.required("json")?;
        Some(Self(serde_json::from_str(json.expose()).ok()))
    }

    fn source() -> SourceLocation {
        SOURCE
    }
}

/// A root that requires what a test wants to have required.
struct Taken<R>(PhantomData<fn() -> R>);

impl<R: Resource> Component for Taken<R> {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        scope.require::<R>().optional().all()?;
        Ok(())
    }
}

impl<R> fmt::Debug for Taken<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Taken")
    }
}

impl<R: Resource> Attributes for Taken<R> {
    fn schema() -> Vec<AttributeSchema> {
        Vec::new()
    }

    fn read(_: &mut Reader<'_>) -> Option<Self> {
        Some(Self(PhantomData))
    }

    fn source() -> SourceLocation {
        SOURCE
    }
}

const SOURCE: SourceLocation = SourceLocation {
    crate_name: env!("CARGO_PKG_NAME"),
    manifest_dir: env!("CARGO_MANIFEST_DIR"),
    file: file!(),
    embedded: &[],
};
