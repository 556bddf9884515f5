//! What component code cannot do: the compiler refuses it, in words that say why.
//!
//! The `.stderr` files are what an author reads; `TRYBUILD=overwrite cargo test --test misuse`
//! writes them anew, to be read before they are committed.

#[test]
fn the_contexts_give_no_more_power_than_they_should() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/misuse/touching_the_host_in_configure.rs");
    cases.compile_fail("tests/misuse/looking_at_the_host_in_configure.rs");
    cases.compile_fail("tests/misuse/writing_in_verify.rs");
    cases.compile_fail("tests/misuse/adding_in_update.rs");
    cases.compile_fail("tests/misuse/changing_an_added_child.rs");
    cases.compile_fail("tests/misuse/requiring_what_is_no_resource.rs");
}
