//! The one component of random models: its attributes say what it provides and requires.

use std::fmt;

use serde::{Deserialize, Serialize};
use togusa_core::prelude::*;

/// How many resource types there are.
pub const KINDS: usize = 6;

/// A value and where it comes from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fact {
    pub root: String,
    pub host: String,
    /// What the provider had seen when it provided this.
    pub seen: usize,
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}={}", self.host, self.root, self.seen)
    }
}

/// How a resource is required.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    All,
    On(usize),
    Reversed,
    Unordered,
    Optional,
}

/// One requirement: a resource type by number, and how.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    pub kind: usize,
    pub how: How,
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.how {
            How::All => write!(f, "{}", self.kind),
            How::On(host) => write!(f, "{} on h{host}", self.kind),
            How::Reversed => write!(f, "{} reversed", self.kind),
            How::Unordered => write!(f, "{} unordered", self.kind),
            How::Optional => write!(f, "{} optional", self.kind),
        }
    }
}

#[derive(Debug, Attributes)]
pub struct Node {
    /// Provide before requiring, whatever is seen later.
    provides_first: bool,
    provides: Vec<u8>,
    requires: Vec<String>,
}

impl Component for Node {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        if self.provides_first {
            self.provide(scope, 0);
        }
        let lowest = self.provides.iter().copied().min().map_or(0, usize::from);
        let mut seen = 0;
        for need in &self.requires {
            let (kind, how) = need.split_once(' ').unwrap_or((need, ""));
            let kind = kind.parse()?;
            let facts = require(scope, kind, how)?;
            let texts: Vec<_> = facts.iter().map(Fact::to_string).collect();
            scope.log(format!("{need}: {}", texts.join(" ")));
            // A value that depended on itself in a circle would never settle.
            if kind < lowest {
                seen += facts.iter().map(|fact| fact.seen + 1).sum::<usize>();
            }
        }
        if !self.provides_first {
            self.provide(scope, seen);
        }
        Ok(())
    }
}

impl Node {
    fn provide(&self, scope: &mut Scope<'_>, seen: usize) {
        let root = scope.root().root.to_string();
        let fact = Fact { root, host: scope.host().to_string(), seen };
        for kind in &self.provides {
            offer(scope, usize::from(*kind), fact.clone());
        }
    }
}

fn ask<R: Resource>(scope: &mut Scope<'_>, how: &str) -> Result<Vec<Required<R>>> {
    let requirement = scope.require::<R>();
    match how {
        "" => requirement.all(),
        "reversed" => requirement.reversed().all(),
        "unordered" => requirement.unordered().all(),
        "optional" => requirement.optional().all(),
        on => requirement.on(on.trim_start_matches("on ")).all(),
    }
}

macro_rules! kinds {
    ($($number:literal $name:ident),* $(,)?) => {
        $(
            #[derive(Clone, Debug, Serialize, Deserialize)]
            struct $name(Fact);
            impl Resource for $name {}
        )*

        fn offer(scope: &mut Scope<'_>, kind: usize, fact: Fact) {
            match kind {
                $($number => scope.offer($name(fact)),)*
                _ => unreachable!("there are {KINDS} kinds"),
            }
        }

        fn require(scope: &mut Scope<'_>, kind: usize, how: &str) -> Result<Vec<Fact>> {
            match kind {
                $($number => {
                    let values = ask::<$name>(scope, how)?;
                    Ok(values.iter().map(|value| value.0.clone()).collect())
                })*
                _ => bail!("there are {KINDS} kinds"),
            }
        }
    };
}

kinds! { 0 R0, 1 R1, 2 R2, 3 R3, 4 R4, 5 R5 }
