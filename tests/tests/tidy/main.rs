//! Keeps the workspace tidy: who may use whom, how files are laid out, what nobody leaves behind.
//!
//! | module | rules |
//! |---|---|
//! | `arrows` | which crate may depend on which |
//! | `brevity` | how long the example of a real service is |
//! | `codes` | no code of an error is left over |
//! | `imports` | core's plain data imports no engine |
//! | `layout` | lengths of files, maps of crates |
//! | `leftovers` | notes to oneself, silenced lints, dead code, places on machines |
//! | `workspace` | what the rules look at |

mod arrows;
mod brevity;
mod codes;
mod imports;
mod layout;
mod leftovers;
mod workspace;

use workspace::{Finding, Source, packages, sources};

fn check(rule: fn(&Source) -> Vec<Finding>) {
    let sources = sources();
    assert!(sources.iter().any(|source| source.path == "core/src/lib.rs"), "no sources were found");
    report(sources.iter().flat_map(rule).collect());
}

fn report(findings: Vec<Finding>) {
    let texts: Vec<_> = findings.iter().map(ToString::to_string).collect();
    assert!(texts.is_empty(), "{} to tidy up:\n{}", texts.len(), texts.join("\n"));
}

#[test]
fn crates_depend_only_on_those_below_them() {
    let packages = packages();
    assert!(packages.iter().any(|package| package.name == "togusa-core"), "no packages were found");
    report(arrows::check(&packages));
}

#[test]
fn every_code_of_an_error_is_raised_somewhere() {
    report(codes::check(&sources()));
}

#[test]
fn plain_data_of_core_imports_no_engine() {
    check(imports::check);
}

#[test]
fn long_files_say_why_they_are_one_thing() {
    check(layout::length);
}

#[test]
fn programs_are_thin() {
    check(layout::thin_program);
}

#[test]
fn every_crate_opens_with_its_map() {
    check(layout::map_of_crate);
}

#[test]
fn nothing_is_left_behind() {
    check(leftovers::check);
}

#[test]
fn a_real_service_is_described_in_few_lines() {
    let sources = sources();
    assert!(brevity::lines(&sources) > 100, "the example was not found");
    report(brevity::check(&sources));
}
