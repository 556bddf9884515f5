//! Triggers: what is updated when something else has changed.

use std::sync::Arc;

use crate::component::Component;
use crate::model::draft::{Cause, NodeId, Trigger};
use crate::resource::Required;
use crate::scope::{Addable, Handle, Scope};

/// What can be the cause of a trigger: a sub-component, or a value that another root provided.
#[diagnostic::on_unimplemented(
    message = "a change of `{Self}` cannot trigger anything",
    note = "pass the handle that `scope.add` returned, or a required value"
)]
pub trait ChangeCause {
    /// Appends the causes that this stands for.
    #[doc(hidden)]
    fn causes(&self, causes: &mut Causes);
}

/// The causes of a trigger under construction.
#[derive(Debug, Default)]
pub struct Causes(Vec<Cause>);

impl<C: Component> ChangeCause for Handle<C> {
    fn causes(&self, causes: &mut Causes) {
        causes.0.push(Cause::Node(self.node));
    }
}

impl<R> ChangeCause for Required<R> {
    fn causes(&self, causes: &mut Causes) {
        causes.0.push(Cause::Provider(Arc::clone(&self.provider)));
    }
}

impl<T: ChangeCause> ChangeCause for Option<T> {
    fn causes(&self, causes: &mut Causes) {
        self.iter().for_each(|cause| cause.causes(causes));
    }
}

impl<T: ChangeCause> ChangeCause for Vec<T> {
    fn causes(&self, causes: &mut Causes) {
        self.iter().for_each(|cause| cause.causes(causes));
    }
}

/// A trigger that still needs its dependant.
#[derive(Debug)]
#[must_use = "a trigger needs a dependant: `.add(…)` or `.update_self()`"]
pub struct OnChange<'s, 'a> {
    scope: &'s mut Scope<'a>,
    causes: Causes,
}

impl<'s, 'a> OnChange<'s, 'a> {
    pub(super) fn new(scope: &'s mut Scope<'a>) -> Self {
        Self { scope, causes: Causes::default() }
    }

    pub(super) fn any(scope: &'s mut Scope<'a>) -> Self {
        let children = &scope.draft.nodes[scope.node].children;
        let causes = Causes(children.iter().map(|child| Cause::Node(*child)).collect());
        Self { scope, causes }
    }

    /// Adds a cause.
    pub fn on_change(mut self, cause: &impl ChangeCause) -> Self {
        cause.causes(&mut self.causes);
        self
    }

    /// Adds a sub-component that is updated when one of the causes has changed.
    #[expect(clippy::should_implement_trait, reason = "it is the `add` of the scope")]
    pub fn add<A: Addable>(self, component: A) -> A::Handle {
        let dependant = self.scope.draft.nodes.len();
        let handle = self.scope.add(component);
        // `None` adds nothing, and nothing depends on the causes then.
        if self.scope.draft.nodes.len() > dependant {
            record(self.scope, self.causes, dependant);
        }
        handle
    }

    /// Lets the component that is being configured be updated itself when one of the causes has
    /// changed.
    pub fn update_self(self) {
        let dependant = self.scope.node;
        record(self.scope, self.causes, dependant);
    }
}

fn record(scope: &mut Scope<'_>, causes: Causes, dependant: NodeId) {
    for cause in causes.0 {
        // What the root itself provided changes with a component of its own tree.
        let cause = match cause {
            Cause::Provider(provider) if provider.root == scope.site.id => scope
                .draft
                .find(&provider.breadcrumb)
                .map_or(Cause::Provider(provider), Cause::Node),
            cause => cause,
        };
        scope.draft.triggers.insert(Trigger { cause, dependant });
    }
}
