use clap::CommandFactory as _;
use togusa::arguments::Arguments;

const SSH: &str = include_str!("../../../src/guide/ssh.md");
const EXIT_CODES: &str = include_str!("../../../src/reference/exit-codes.md");
const README: &str = include_str!("../../../../README.md");

#[test]
fn what_the_page_about_ssh_quotes_is_said() {
    let said = [
        include_str!("../../../../cli/src/push/converse.rs"),
        include_str!("../../../../cli/src/push/refusal.rs"),
        include_str!("../../../../cli/src/ssh/diagnosis.rs"),
        include_str!("../../../../cli/src/transport/ssh.rs"),
    ]
    .concat();
    let (_, table) = SSH.split_once("| it says | do |\n|---|---|\n").unwrap();
    let rows = table.lines().map_while(|line| line.strip_prefix("| ")?.split(" | ").next());
    let quoted: Vec<_> = rows.flat_map(|row| row.split('`').skip(1).step_by(2)).collect();
    assert!(quoted.len() > 20);
    for words in quoted {
        assert!(said.contains(words), "nobody says `{words}`");
    }
}

#[test]
fn exit_codes_are_the_same_in_the_help_and_on_the_pages() {
    let help = Arguments::command().get_after_help().unwrap().to_string();
    let (_, codes) = help.split_once("Exit codes:\n").unwrap();
    let rows: Vec<_> = codes
        .lines()
        .map(|line| line.trim().split_once(' ').unwrap())
        .map(|(code, means)| format!("| {code} | {} |\n", means.trim()))
        .collect();
    assert!(rows.len() > 5);
    for page in [EXIT_CODES, README] {
        let (_, table) = page.split_once("| exit code | means |\n|---|---|\n").unwrap();
        assert!(table.starts_with(&rows.concat()), "{table}");
    }
}
