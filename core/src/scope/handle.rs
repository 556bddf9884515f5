//! Handles: what `scope.add` returns.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::component::Component;
use crate::model::draft::NodeId;
use crate::names::Breadcrumb;
use crate::scope::Scope;

/// A sub-component that was added: it reads like the component and cannot be changed.
pub struct Handle<C> {
    pub(crate) component: Arc<C>,
    pub(crate) node: NodeId,
    pub(crate) breadcrumb: Breadcrumb,
}

impl<C> Handle<C> {
    /// The place of the component in the tree of its root.
    pub fn breadcrumb(&self) -> &Breadcrumb {
        &self.breadcrumb
    }
}

impl<C> Clone for Handle<C> {
    fn clone(&self) -> Self {
        Self {
            component: Arc::clone(&self.component),
            node: self.node,
            breadcrumb: self.breadcrumb.clone(),
        }
    }
}

impl<C> Deref for Handle<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.component
    }
}

impl<C> fmt::Debug for Handle<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({})", self.breadcrumb)
    }
}

/// What can be added as a sub-component: a component, or an `Option` of one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be added: it is neither a component nor an `Option` of one",
    note = "write `impl Component for {Self} {{ … }}`"
)]
pub trait Addable {
    /// What adding it returns.
    type Handle;

    /// Adds it.
    fn add_to(self, scope: &mut Scope<'_>) -> Self::Handle;
}

impl<C: Component> Addable for C {
    type Handle = Handle<C>;

    fn add_to(self, scope: &mut Scope<'_>) -> Handle<C> {
        scope.add_component(self)
    }
}

impl<C: Component> Addable for Option<C> {
    type Handle = Option<Handle<C>>;

    fn add_to(self, scope: &mut Scope<'_>) -> Option<Handle<C>> {
        self.map(|component| scope.add_component(component))
    }
}
