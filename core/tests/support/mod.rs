//! Components for the tests of the engine: each keeps its state in files of its host.

#![allow(dead_code, clippy::allow_attributes, reason = "each test file uses some of it")]

use std::borrow::Cow;

use togusa_core::prelude::*;
use togusa_core::testing::Harness;

/// The problems of a model, as they are shown.
pub fn problems(harness: &Harness) -> String {
    harness.configure().expect_err("the model should be wrong").to_string()
}

/// A root whose `configure` is the given block.
#[macro_export]
macro_rules! root {
    ($name:ident, |$scope:ident| $body:block) => {
        #[derive(Debug, Attributes)]
        struct $name {}

        impl Component for $name {
            fn configure(&mut self, $scope: &mut Scope<'_>) -> Result {
                let configure = |$scope: &mut Scope<'_>| -> Result {
                    $body
                    #[allow(unreachable_code, clippy::allow_attributes, reason = "a body may end itself")]
                    Ok(())
                };
                configure($scope)
            }
        }
    };
}

/// A file in the home directory with a given text.
#[derive(Debug)]
pub struct Text {
    name: String,
    text: String,
}

impl Text {
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    fn path(&self, probe: &Probe<'_>) -> HostPath {
        HostPath::new(&probe.host().name, format!("~/{}", self.name))
    }
}

impl Component for Text {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some((&self.name).into())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let path = self.path(probe);
        if probe.entry(&path)?.is_none() {
            return Ok(Verdict::stale(Change::create("text")));
        }
        let found = probe.read_to_string(&path)?;
        Ok(Verdict::expect(found == self.text, Change::property("text", found, &self.text)))
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        machine.write(&self.path(machine), &self.text, &Default::default())
    }
}

/// Something that only triggers move; each time adds a line to `~/restarts-NAME`.
#[derive(Debug)]
pub struct Service {
    name: String,
}

impl Service {
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }
}

impl Component for Service {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some((&self.name).into())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let path = HostPath::new(&machine.host().name, format!("~/restarts-{}", self.name));
        let mut lines = match machine.entry(&path)? {
            Some(_) => machine.read_to_string(&path)?,
            None => String::new(),
        };
        lines.push_str("restarted\n");
        machine.write(&path, &lines, &Default::default())
    }
}

/// Fails in `verify` as long as `~/NAME` is missing.
#[derive(Debug)]
pub struct Needs {
    pub name: &'static str,
}

impl Component for Needs {
    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        probe.read(&HostPath::new(&probe.host().name, format!("~/{}", self.name)))?;
        Ok(Verdict::current())
    }
}

/// How often a service was restarted on a host.
pub fn restarts(harness: &togusa_core::testing::Harness, host: &str, name: &str) -> usize {
    let path = harness.local(host, &format!("~/restarts-{name}"));
    std::fs::read_to_string(path).map_or(0, |lines| lines.lines().count())
}
