//! Asking for resources.

use std::marker::PhantomData;

use crate::component::Result;
use crate::fault;
use crate::fault::HintExt;
use crate::model::answers::Query;
use crate::model::draft::{self, Order, Unmet};
use crate::names::HostName;
use crate::problem::code;
use crate::resource::{Required, Resource, ResourceKey};
use crate::scope::Scope;

/// A question for the values of a resource, to be refined and then answered.
///
/// By default the values come from all hosts, somebody must provide one, and the providers converge
/// first.
#[derive(Debug)]
#[must_use = "a requirement is made by `one()` or `all()`"]
pub struct Requirement<'s, 'a, R> {
    scope: &'s mut Scope<'a>,
    host: Option<HostName>,
    order: Order,
    resource: PhantomData<R>,
}

impl<'s, 'a, R: Resource> Requirement<'s, 'a, R> {
    pub(super) fn new(scope: &'s mut Scope<'a>) -> Self {
        Self { scope, host: None, order: Order::ProviderFirst, resource: PhantomData }
    }

    /// Asks only for values that the given host provides.
    pub fn on(mut self, host: impl Into<HostName>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// Asks only for values that the component's own host provides.
    pub fn on_this_host(self) -> Self {
        let host = self.scope.host().clone();
        self.on(host)
    }

    /// Lets the providers wait for this root, instead of this root for them.
    pub fn reversed(mut self) -> Self {
        self.order = Order::Reversed;
        self
    }

    /// Leaves the order open, so that two components can know each other.
    pub fn unordered(mut self) -> Self {
        self.order = Order::Unordered;
        self
    }

    /// Accepts that nobody provides a value.
    pub fn optional(self) -> OptionalRequirement<'s, 'a, R> {
        OptionalRequirement(self)
    }

    /// The one value.
    ///
    /// # Errors
    /// Nobody provides one (yet), or there is more than one.
    pub fn one(self) -> Result<Required<R>> {
        let (query, values) = self.answer(false)?;
        match only(values, &query)? {
            Some(value) => Ok(value),
            None => Err(Unmet { query }.into()),
        }
    }

    /// All values, by host and root.
    ///
    /// # Errors
    /// Nobody provides one (yet).
    pub fn all(self) -> Result<Vec<Required<R>>> {
        let (query, values) = self.answer(false)?;
        if values.is_empty() { Err(Unmet { query }.into()) } else { Ok(values) }
    }

    /// Records the question and looks up what is known by now.
    fn answer(self, optional: bool) -> Result<(Query, Vec<Required<R>>)> {
        let query = Query { key: ResourceKey::of::<R>(), host: self.host };
        let node = self.scope.node;
        let answers = self.scope.site.answers;
        let values = answers.get(&query).map(|value| value.required::<R>()).collect();
        self.scope.draft.required.push(draft::Requirement {
            node,
            query: query.clone(),
            order: self.order,
            optional,
        });
        Ok((query, Result::<Vec<_>>::from_iter::<Vec<_>>(values)?))
    }
}

/// A question that nobody has to answer.
#[derive(Debug)]
#[must_use = "a requirement is made by `one()` or `all()`"]
pub struct OptionalRequirement<'s, 'a, R>(Requirement<'s, 'a, R>);

impl<R: Resource> OptionalRequirement<'_, '_, R> {
    /// The one value, if somebody provides it.
    ///
    /// # Errors
    /// There is more than one.
    pub fn one(self) -> Result<Option<Required<R>>> {
        let (query, values) = self.0.answer(true)?;
        only(values, &query)
    }

    /// All values, by host and root; none if nobody provides one.
    ///
    /// # Errors
    /// A value cannot be read.
    pub fn all(self) -> Result<Vec<Required<R>>> {
        Ok(self.0.answer(true)?.1)
    }
}

fn only<R>(values: Vec<Required<R>>, query: &Query) -> Result<Option<Required<R>>> {
    if values.len() > 1 {
        let providers: Vec<_> =
            values.iter().map(|value| format!("`{}`", value.provider.root)).collect();
        let (key, place) = (&query.key, query.place());
        let result = Err(fault!(
            code::SEVERAL_PROVIDED,
            "one value of resource `{key}` is required{place}, but {} are provided: by {}",
            values.len(),
            providers.join(", ")
        ));
        return result.hint("require all of them, or those of one host with `.on(host)`");
    }
    Ok(values.into_iter().next())
}
