//! Starts and pushes over local shells, which stand for the login shells of hosts.

mod faults;
mod host;
mod places;
mod shells;
mod users;

use super::*;

#[test]
fn the_start_passes_through_any_login_shell() {
    let script = one_line(START);
    assert!(!script.contains(['\'', '!', '\\', '\n']), "{script}");
    assert!(!one_line(PUSH).contains('\n'));
}

#[test]
fn the_command_names_the_user_and_quotes_what_it_is_given() {
    let start = Start {
        tag: "t1".into(),
        digest: "ab12".into(),
        store: "~/it's here!".into(),
        user: Some("app user".into()),
        project: "../shop".into(),
        replace: true,
    };
    let command = start_command(&start);
    assert!(command.starts_with("exec sudo -n -H -u 'app user' -- sh -c 't="), "{command}");
    let end = r"' togusa t1 ab12 '~/it'\''s here'\!'' '%2e./shop' replace";
    assert!(command.ends_with(&end.replace("./shop", ".%2fshop")), "{command}");
}

#[test]
fn every_project_has_a_directory_of_its_own() {
    assert_eq!(directory_of("shop-2.0_a"), "shop-2.0_a");
    assert_eq!(directory_of(".."), "%2e.");
    assert_eq!(directory_of("a/b"), "a%2fb");
    assert_eq!(directory_of(""), "%");
    assert_ne!(directory_of("a%2fb"), directory_of("a/b"));
}

#[test]
fn no_two_tags_are_the_same() {
    let (one, other) = (tag().unwrap(), tag().unwrap());
    assert_eq!(one.len(), 32);
    assert_ne!(one, other);
}
