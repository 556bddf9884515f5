use super::*;

/// Printed by nftables 1.0.6: `nft --stateless --handle list table inet togusa`.
const RECORDED: &str = include_str!("fixtures/list-table.txt");

fn recorded() -> Listing {
    let lines = RECORDED.lines().filter(|line| !line.starts_with('#'));
    Listing::parse(&lines.map(|line| format!("{line}\n")).collect::<String>())
}

#[test]
fn rules_are_read_as_they_are_listed() {
    let listing = recorded();
    let rule = |name: &str| listing.of(name).next().unwrap().rule.clone();
    assert_eq!(rule("ssh"), "tcp dport 22 accept");
    assert_eq!(rule("log"), "tcp dport 23 log prefix \"a # handle 9 \" drop");
    assert_eq!(rule("rest"), "counter drop");
    assert!(rule("many").starts_with("tcp dport { 1001, 1002,"), "{}", rule("many"));
    assert!(rule("many").ends_with("1030 } accept"), "{}", rule("many"));
    assert_eq!(listing.of("web").next().unwrap().chain, "prerouting");
    assert_eq!(listing.of("none").count(), 0);
}

#[test]
fn a_rule_is_exchanged_where_it_belongs() {
    let listing = recorded();
    let handle = |name: &str| listing.of(name).next().unwrap().handle.clone();
    let script = FirewallRule::new("new", "tcp dport 25 accept").script(&listing).unwrap();
    let expected = format!(
        "add table inet togusa\n\
         add chain inet togusa input {{ type filter hook input priority filter; policy accept; }}\n\
         insert rule inet togusa input position {} tcp dport 25 accept comment \"togusa 050-new\"\n",
        handle("ssh")
    );
    assert_eq!(script, expected);
    let last = FirewallRule::new("zz", "drop").order(999).script(&listing).unwrap();
    assert!(
        last.ends_with("add rule inet togusa input drop comment \"togusa 999-zz\"\n"),
        "{last}"
    );
    let moved = FirewallRule::new("ssh", "tcp dport 22 accept").order(0).script(&listing).unwrap();
    let removed = format!("delete rule inet togusa input handle {}\n", handle("ssh"));
    assert!(moved.contains(&removed), "{moved}");
    assert!(moved.contains(&format!("position {} tcp dport 22", handle("log"))), "{moved}");
    assert_eq!(FirewallRule::new("ssh", "").absent().script(&listing).unwrap(), removed);
    assert_eq!(FirewallRule::new("none", "").absent().script(&listing).unwrap(), "");
}

#[test]
fn every_difference_of_what_is_loaded_is_seen() {
    let listing = recorded();
    let rule = |name: &str| FirewallRule::new(name, "tcp dport 22 accept");
    let seen = |rule: &FirewallRule, stored: Option<&str>| -> Vec<String> {
        rule.changes_now(&listing, stored).iter().map(Change::to_string).collect()
    };
    let none: [&str; 0] = [];
    assert_eq!(seen(&rule("ssh"), Some("tcp dport 22 accept")), none);
    assert_eq!(seen(&rule("x"), None), ["create rule in chain input"]);
    assert_eq!(seen(&rule("ssh").chain("output"), None), ["chain input → output"]);
    assert_eq!(seen(&rule("ssh").order(51), None), ["id 050-ssh → 051-ssh"]);
    let other = seen(&rule("ssh"), Some("tcp dport 23 accept"));
    assert_eq!(other, ["rule tcp dport 22 accept → tcp dport 22 accept"]);
    assert_eq!(seen(&rule("ssh").absent(), None), ["remove rule in chain input"]);
    assert_eq!(seen(&rule("x").absent(), None), none);
    // It stands after others of a higher order.
    assert_eq!(seen(&rule("late").order(20), None), ["not in its order with rule 040-many"]);
}
