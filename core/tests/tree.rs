//! The rules of the tree below a root: siblings, children, handles, errors, purity.

mod support;

use support::{Text, problems};
use togusa_core::names::RootId;
use togusa_core::prelude::*;
use togusa_core::testing::Harness;

#[test]
fn siblings_of_one_name_collide() {
    root!(Twins, |scope| {
        scope.add(Text::new("same", "a"));
        scope.add(Text::new("same", "b"));
    });
    let harness = Harness::new(Registry::new().with::<Twins>("twins")).host("one", ["twins"]);
    assert_eq!(
        problems(&harness),
        "Twins > Text(\"same\"): two siblings are both called `Text(\"same\")` (on one)\n  \
         hint: give the component a `key` that tells them apart, or remove one"
    );
}

#[test]
fn components_are_listed_in_pre_order_and_none_adds_nothing() {
    #[derive(Debug)]
    struct Inner;
    impl Component for Inner {
        fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
            scope.add(Text::new("inner", ""));
            Ok(())
        }
    }
    root!(Outer, |scope| {
        scope.add(Inner);
        let nothing: Option<Text> = None;
        assert!(scope.add(nothing).is_none());
        scope.add(Text::new("outer", ""));
    });
    let harness = Harness::new(Registry::new().with::<Outer>("outer")).host("one", ["outer"]);
    let model = harness.configure().unwrap();
    let breadcrumbs: Vec<_> =
        model.components(&RootId::new("one", "outer")).map(ToString::to_string).collect();
    assert_eq!(
        breadcrumbs,
        ["Outer", "Outer > Inner", "Outer > Inner > Text(\"inner\")", "Outer > Text(\"outer\")"]
    );
}

#[test]
fn a_handle_reads_what_the_child_computed() {
    #[derive(Debug, Default)]
    struct Port {
        number: u16,
    }
    impl Component for Port {
        fn configure(&mut self, _: &mut Scope<'_>) -> Result {
            self.number = 4711;
            Ok(())
        }
    }
    root!(Reader, |scope| {
        let port = scope.add(Port::default());
        scope.add(Text::new("port", port.number.to_string()));
    });
    let harness = Harness::new(Registry::new().with::<Reader>("r")).host("one", ["r"]);
    harness.assert_converges();
    assert_eq!(harness.read("one", "~/port"), "4711");
}

#[test]
fn a_platform_variant_is_added_on_its_platform_only() {
    root!(Varied, |scope| {
        scope.add_on("debian", Text::new("debian", "apt"));
    });
    let harness = Harness::new(Registry::new().with::<Varied>("varied"))
        .host("one", ["varied"])
        .host("two", ["varied"])
        .with_host("one", |host| host.platform = Some("debian".into()));
    harness.assert_converges();
    assert_eq!(harness.read("one", "~/debian"), "apt");
    assert!(!harness.local("two", "~/debian").exists());
}

#[test]
fn what_follows_from_the_error_of_a_child_is_counted_not_shown() {
    #[derive(Debug)]
    struct Broken;
    impl Component for Broken {
        fn configure(&mut self, _: &mut Scope<'_>) -> Result {
            bail!("out of paint")
        }
    }
    root!(Parent, |scope| {
        scope.add(Broken);
        bail!("nothing was painted");
    });
    let harness = Harness::new(Registry::new().with::<Parent>("parent")).host("one", ["parent"]);
    assert_eq!(
        problems(&harness),
        "Parent > Broken: out of paint (on one)\n(1 more that follow from these)"
    );
}

#[test]
fn an_impure_configure_is_found_and_named() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    root!(Impure, |scope| {
        let call = CALLS.fetch_add(1, Ordering::SeqCst);
        scope.add(Text::new("stable", "a"));
        scope.add(Text::new("call", call.to_string()));
    });
    let harness = Harness::new(Registry::new().with::<Impure>("impure")).host("one", ["impure"]);
    let text = problems(&harness);
    assert!(
        text.starts_with(
            "Impure > Text(\"call\"): the component is configured differently each time (on one)"
        ),
        "{text}"
    );
}
