//! What nftables lists of the table of togusa.

use togusa_core::host::Snapshot;
use togusa_core::prelude::*;

use crate::foreign;
use crate::privilege::require_root;

/// The rules of the table, in the order of each chain.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listing(Vec<Listed>);

/// One rule as it is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) chain: String,
    /// Order and name, as its comment tells: `050-ssh`.
    pub(super) id: String,
    /// The rule in the words of nftables, without the comment.
    pub(super) rule: String,
    pub(super) handle: String,
}

impl Snapshot for Listing {
    fn take(probe: &Probe<'_>) -> Result<Self> {
        require_root(probe, "look at the packet filter")?;
        // Without what is counted, which is another each time.
        let nft = foreign::program("nft").args(["--stateless", "--handle", "list", "table"]);
        let asked = probe.query(&nft.args(["inet", "togusa"]));
        let listed = foreign::of_package(asked, "nftables");
        let error = match listed {
            Ok(output) => return Ok(Self::parse(&output.stdout_text())),
            Err(error) => error,
        };
        let said = foreign::failure(&error).map(|it| it.stderr_tail.clone()).unwrap_or_default();
        // There is no such table.
        if said.contains("No such file or directory") { Ok(Self::default()) } else { Err(error) }
    }
}

impl Listing {
    pub(super) fn parse(text: &str) -> Self {
        let mut rules = Vec::new();
        let (mut chain, mut rule) = (String::new(), String::new());
        for line in text.lines().map(str::trim) {
            if let Some(rest) = line.strip_prefix("chain ") {
                chain = rest.split(' ').next().unwrap_or_default().to_owned();
                rule.clear();
                continue;
            }
            if line == "}" || line.starts_with("table ") || line.starts_with("type ") {
                rule.clear();
                continue;
            }
            // One with many elements takes several lines.
            if !rule.is_empty() {
                rule.push(' ');
            }
            rule.push_str(line);
            let Some((text, handle)) = rule.rsplit_once(" # handle ") else { continue };
            if let Some((text, comment)) = text.rsplit_once(" comment \"togusa ") {
                rules.push(Listed {
                    chain: chain.clone(),
                    id: comment.trim_end_matches('"').to_owned(),
                    rule: text.to_owned(),
                    handle: handle.to_owned(),
                });
            }
            rule.clear();
        }
        Self(rules)
    }

    /// The rules of a name, whatever order they have.
    pub(super) fn of(&self, name: &str) -> impl Iterator<Item = &Listed> {
        let is_own = move |it: &&Listed| it.id.get(4..) == Some(name);
        self.0.iter().filter(is_own)
    }

    /// The handle of the first rule that comes after one which stands nowhere yet.
    pub(super) fn after(&self, chain: &str, id: &str, name: &str) -> Option<&str> {
        let others = self.0.iter().filter(|it| it.chain == chain && it.id.get(4..) != Some(name));
        others.into_iter().find(|it| *it.id > *id).map(|it| &*it.handle)
    }

    /// A rule that stands before one, and should come after it. Of two in the wrong order the one
    /// that comes too late is the one to move.
    pub(super) fn misplaced(&self, rule: &Listed) -> Option<&str> {
        let in_chain = self.0.iter().filter(|it| it.chain == rule.chain);
        let mut before = in_chain.take_while(|it| *it != rule);
        before.find(|it| it.id > rule.id).map(|it| &*it.id)
    }
}
