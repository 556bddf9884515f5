//! Rules of a real nftables, in the network of a host.

use std::sync::LazyLock;

use crate::Subject;

static HERE: LazyLock<Subject> = LazyLock::new(Subject::start);

const LIST: &str = "nft --stateless list table inet togusa";

/// The rules that are loaded, without what a table has besides.
fn loaded() -> Vec<String> {
    let listed = HERE.host().sh(&format!("{LIST} 2>/dev/null || :"));
    let rules = listed.lines().map(str::trim).filter(|line| line.contains("comment \"togusa"));
    rules.map(str::to_owned).collect()
}

#[test]
fn rules_are_loaded_in_their_order_and_kept_right() {
    let host = HERE.host();
    let site = HERE.site("firewall");
    host.write("/etc/nftables.conf", "#!/usr/sbin/nft -f\nflush ruleset\ntable ip mine { }");
    host.sh("nft add table ip foreign");
    let set = |rules: &str| {
        site.set(["firewall"], &format!("[components.firewall]\nrules = [{rules}]"));
    };
    let rules = "'ssh input 50 tcp dport ssh accept', 'rest input 999 counter drop', \
                 'lo input 10 iifname \"lo\" accept', 'web prerouting 50 tcp dport 80 redirect to :8080'";
    // The first rule makes what all of them share.
    set("'ssh input 50 tcp dport ssh accept'");
    let file = "+ create file (mode 0644, owner root)";
    let created = [
        "+ create rule in chain input",
        file,
        "~ content (+8 -0 lines)",
        file,
        "~ content (+3 -0 lines)",
        "+ create `include` in /etc/nftables.conf",
    ];
    assert_eq!(site.converge(), created);
    set(rules);
    assert_eq!(site.converge().len(), 9, "a rule, a file and its content of each");
    let expected = [
        "iifname \"lo\" accept comment \"togusa 010-lo\"",
        "tcp dport 22 accept comment \"togusa 050-ssh\"",
        "counter drop comment \"togusa 999-rest\"",
        "tcp dport 80 redirect to :8080 comment \"togusa 050-web\"",
    ];
    assert_eq!(loaded(), expected);
    assert!(host.sh("nft list tables").contains("table ip foreign"));
    let config = "#!/usr/sbin/nft -f\nflush ruleset\ntable ip mine { }\n\
                  include \"/etc/nftables.d/togusa/*.nft\"\n";
    assert_eq!(host.read("/etc/nftables.conf"), config);
    // What a boot does; and what loads the files a second time.
    host.sh(
        "nft flush ruleset; nft -f /etc/nftables.conf; nft -f /etc/nftables.d/togusa/00-table.nft",
    );
    host.sh("nft -f /etc/nftables.conf");
    assert_eq!(loaded(), expected);
    assert_eq!(site.converge(), [""; 0]);

    let handle = |name: &str| {
        let find = format!("nft -a list table inet togusa | sed -n 's/.*{name}\" # handle //p'");
        host.sh(&find).trim().to_owned()
    };
    let rule_file = "/etc/nftables.d/togusa/050-ssh.nft";
    for (drift, seen) in [
        (
            format!("nft delete rule inet togusa input handle {}", handle("050-ssh")),
            "+ create rule in chain input",
        ),
        ("nft flush chain inet togusa prerouting".into(), "+ create rule in chain prerouting"),
        (
            "nft add rule inet togusa input tcp dport 22 accept comment '\"togusa 050-ssh\"'"
                .into(),
            "- remove second rule in chain input",
        ),
        (format!("echo >>{rule_file}"), "~ content (+0 -1 lines)"),
        (
            format!("sed -i 's/listed as: .*/listed as: drop/' {rule_file}"),
            "~ rule tcp dport 22 accept → tcp dport ssh accept",
        ),
        (format!("chmod 600 {rule_file}"), "~ mode 0600 → 0644"),
        (
            format!("mv {rule_file} /etc/nftables.d/togusa/060-ssh.nft"),
            "- remove file `/etc/nftables.d/togusa/060-ssh.nft`",
        ),
        ("sed -i /include/d /etc/nftables.conf".into(), "+ create `include` in /etc/nftables.conf"),
    ] {
        host.sh(&drift);
        let changes = site.deploy().expect(0).differences();
        assert!(changes.iter().any(|it| it == seen), "{drift}: {changes:?}");
        assert_eq!(site.converge(), [""; 0], "{drift}");
        assert_eq!(loaded(), expected, "{drift}");
    }
    let replace = "tcp dport 23 accept comment '\"togusa 050-ssh\"'";
    host.sh(&format!("nft replace rule inet togusa input handle {} {replace}", handle("050-ssh")));
    assert_eq!(site.converge(), ["~ rule tcp dport 23 accept → tcp dport ssh accept"]);
    assert_eq!(loaded(), expected);
    let moved = format!(
        "nft delete rule inet togusa input handle {}; \
         nft add rule inet togusa input iifname lo accept comment '\"togusa 010-lo\"'",
        handle("010-lo")
    );
    host.sh(&moved);
    assert_eq!(site.converge(), ["not in its order with rule 050-ssh"].map(|it| format!("~ {it}")));
    assert_eq!(loaded(), expected);

    set(&rules.replace("50 tcp dport ssh", "5 tcp dport 2222"));
    let changes = site.converge();
    assert!(changes.contains(&"~ id 050-ssh → 005-ssh".to_owned()), "{changes:?}");
    assert_eq!(loaded()[0], "tcp dport 2222 accept comment \"togusa 005-ssh\"");
    assert!(!host.exists(rule_file));
    // The very first rule of all is there after a boot too.
    set(&rules.replace("10 iifname", "0 iifname"));
    site.converge();
    host.sh("nft flush ruleset; nft -f /etc/nftables.conf");
    assert_eq!(loaded()[0], "iifname \"lo\" accept comment \"togusa 000-lo\"");
    assert_eq!(site.converge(), [""; 0]);
    set("'ssh', 'rest', 'lo', 'web'");
    assert_eq!(site.converge().len(), 8, "a rule and a file of each");
    assert_eq!(loaded(), [""; 0]);
    assert!(host.sh("nft list tables").contains("table ip mine"));
    let other = "rules = ['ssh input 50 accept']\nconfig = '/etc/other.nft'";
    site.set(["firewall"], &format!("[components.firewall]\n{other}"));
    let changes = site.converge();
    assert!(changes.contains(&"+ create `include` in /etc/other.nft".to_owned()), "{changes:?}");
    assert_eq!(host.read("/etc/other.nft"), "include \"/etc/nftables.d/togusa/*.nft\"\n");
}

#[test]
fn a_rule_that_nftables_refuses_changes_nothing() {
    let refused = Subject::start();
    let site = refused.site("refused");
    site.set(["firewall"], "[components.firewall]\nrules = ['bad input 50 tcp dport nonsense']");
    let failure = site.failure();
    assert!(failure.contains("nftables refuses the rule; nothing was changed"), "{failure}");
    assert!(failure.contains("nonsense"), "{failure}");
    assert!(!refused.host().exists("/etc/nftables.d"));
    assert_eq!(refused.host().sh("nft list tables"), "");
    for (rule, words) in [
        ("a input 50 accept; drop", "more than one rule"),
        ("a nowhere 50 accept", "there is no chain `nowhere`"),
        ("a input 50 accept comment \"x\"", "the rule has a comment"),
    ] {
        let site = HERE.site("wrong");
        site.set(["firewall"], &format!("[components.firewall]\nrules = ['{rule}']"));
        let said = site.deploy().expect(2).output.stderr;
        assert!(said.contains(words), "{said}");
    }
}
