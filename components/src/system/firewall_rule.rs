//! Rules of the packet filter.

mod listing;

use std::borrow::Cow;

use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use crate::config::SystemFile;
use crate::edits::target::{Edit, Target};
use crate::foreign;
use crate::privilege::require_root;

use listing::{Listed, Listing};

/// Where the rules lie that are loaded at boot.
const DIRECTORY: &str = "/etc/nftables.d/togusa";

/// What all rules are loaded after: so the table is made anew, whoever loads the files again.
const HEAD: &str = "# Kept by togusa.\ntable inet togusa\ndelete table inet togusa\n";

/// The file of that, whose name comes before that of any rule.
const FIRST: &str = "00-table.nft";

/// What begins the last line of a rule's file: the rule as nftables lists it.
const LISTED: &str = "# listed as: ";

/// One rule of the packet filter, nftables: loaded now, and at boot.
///
/// It stands in the table `inet togusa`, which no other program touches, and which is for IPv4 and
/// IPv6; all other tables are left alone. In nftables a packet must pass every table: `drop` and
/// `reject` hold at once, but what is accepted here may still be dropped by a rule elsewhere.
///
/// | attribute | default |
/// |---|---|
/// | `chain` | `input`; or `forward`, `output`, and for NAT `prerouting`, `postrouting` |
/// | `order` | 50, of 0 to 999: rules of lower order come first, those of the same by their names |
/// | `config` | `/etc/nftables.conf`, which the service `nftables` loads at boot |
/// | `absent` | no |
///
/// The rule is one as `nft` reads it, without table, chain and comment. Chains let pass what no rule
/// decides; one that drops the rest has the highest order, and is added after those that let you in.
///
/// `verify` reads what `nft --stateless list table` tells, once for all rules of the host, and the
/// files; it needs root for the first. `update` runs `nft`, of the package `nftables`, and needs root:
/// the rule is exchanged in one moment, and one that nftables refuses changes nothing. It writes
/// `/etc/nftables.d/togusa/ORDER-NAME.nft`, and adds the line that includes all of these to the
/// configuration; that it is loaded at boot is what a `SystemdService` is for.
///
/// In a sandbox only the files are looked after.
///
/// **Needs**: root; `nft`.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(FirewallRule::new("known", "ct state established,related accept").order(10));
///     scope.add(FirewallRule::new("lo", "iifname \"lo\" accept").order(10));
///     scope.add(FirewallRule::new("ssh", "tcp dport 22 accept"));
///     scope.add(FirewallRule::new("web", "tcp dport { 80, 443 } accept"));
///     scope.add(FirewallRule::new("rest", "counter drop").order(999));
///     scope.add(FirewallRule::new("old", "").absent());
///     scope.add(SystemdService::new("nftables"));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct FirewallRule {
    name: String,
    rule: String,
    chain: String,
    order: u16,
    config: String,
    absent: bool,
    files: Option<Files>,
}

#[derive(Debug)]
struct Files {
    rule: SystemFile,
    head: SystemFile,
    config: Target,
}

impl FirewallRule {
    /// A rule by a name of its own.
    pub fn new(name: impl Into<String>, rule: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            rule: rule.into(),
            chain: "input".into(),
            order: 50,
            config: "/etc/nftables.conf".into(),
            absent: false,
            files: None,
        }
    }

    /// Sets the chain.
    #[must_use]
    pub fn chain(mut self, name: impl Into<String>) -> Self {
        self.chain = name.into();
        self
    }

    /// Sets where it stands among the others.
    #[must_use]
    pub fn order(mut self, order: u16) -> Self {
        self.order = order;
        self
    }

    /// Sets the file that is loaded at boot.
    #[must_use]
    pub fn config(mut self, path: impl Into<String>) -> Self {
        self.config = path.into();
        self
    }

    /// Removes the rule.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    fn files(&self) -> Result<&Files> {
        self.files.as_ref().context("the rule was not configured").code(code::NOT_CONFIGURED)
    }

    /// What makes its order: `050-ssh`.
    fn id(&self) -> String {
        format!("{:03}-{}", self.order, self.name)
    }

    /// What a packet meets it at.
    fn chain_text(&self) -> Result<String> {
        let (kind, priority) = match &*self.chain {
            "input" | "forward" | "output" => ("filter", "filter"),
            "prerouting" => ("nat", "dstnat"),
            "postrouting" => ("nat", "srcnat"),
            other => {
                return Err(fault!(code::OPTION_VALUE, "there is no chain `{other}`")).hint(
                    "it is one of `input`, `forward`, `output`, `prerouting` and `postrouting`",
                );
            }
        };
        let hook = &self.chain;
        Ok(format!("type {kind} hook {hook} priority {priority}; policy accept;"))
    }

    fn commented(&self) -> String {
        format!("{} comment \"togusa {}\"", self.rule.trim(), self.id())
    }

    fn text(&self, listed: &str) -> Result<String> {
        let (name, chain, begin) = (&self.name, &self.chain, self.chain_text()?);
        Ok(format!(
            "# Rule `{name}`, kept by togusa.\ntable inet togusa {{\n    chain {chain} {{\n        \
             {begin}\n        {}\n    }}\n}}\n{LISTED}{listed}\n",
            self.commented()
        ))
    }

    /// The rule as nftables listed it when it was loaded.
    fn stored(&self, probe: &Probe<'_>) -> Result<Option<String>> {
        let path = self.files()?.rule.path();
        if !probe.entry(path)?.is_some_and(|entry| entry.is_file()) {
            return Ok(None);
        }
        let text = probe.read_to_string(path)?;
        let listed = text.lines().last().and_then(|line| line.strip_prefix(LISTED));
        Ok(listed.map(str::to_owned))
    }

    /// Its files with another order.
    fn former(&self, probe: &Probe<'_>) -> Result<Vec<HostPath>> {
        let path = self.files()?.rule.path();
        let Some(directory) = path.parent() else { return Ok(Vec::new()) };
        if probe.entry(&directory)?.is_none() {
            return Ok(Vec::new());
        }
        let names = probe.list(&directory)?.into_iter();
        let is_own = |name: &String| {
            let order = name.strip_suffix(&format!("-{}.nft", self.name));
            order.is_some_and(|order| {
                order.len() == 3 && order.bytes().all(|it| it.is_ascii_digit())
            })
        };
        let own = names.filter(is_own).map(|name| directory.join(name));
        Ok(own.filter(|own| self.absent || own != path).collect())
    }

    /// How what is loaded differs.
    fn changes_now(&self, listing: &Listing, stored: Option<&str>) -> Vec<Change> {
        let mut own = listing.of(&self.name);
        let Some(first) = own.next() else {
            let missing = Change::create(format!("rule in chain {}", self.chain));
            return if self.absent { Vec::new() } else { vec![missing] };
        };
        if self.absent {
            let gone = |it: &Listed| Change::remove(format!("rule in chain {}", it.chain));
            return std::iter::once(first).chain(own).map(gone).collect();
        }
        let mut changes = Vec::new();
        if first.chain != self.chain {
            changes.push(Change::property("chain", &first.chain, &self.chain));
        }
        if first.id != self.id() {
            changes.push(Change::property("id", &first.id, self.id()));
        }
        if stored.is_some_and(|stored| stored != first.rule) {
            changes.push(Change::property("rule", &first.rule, &self.rule));
        }
        if let Some(other) = listing.misplaced(first).filter(|_| changes.is_empty()) {
            changes.push(format!("not in its order with rule {other}").into());
        }
        changes.extend(own.map(|it| Change::remove(format!("second rule in chain {}", it.chain))));
        changes
    }

    /// What exchanges the rule, as one transaction.
    fn script(&self, listing: &Listing) -> Result<String> {
        let mut script = String::new();
        if !self.absent {
            let (chain, begin) = (&self.chain, self.chain_text()?);
            script.push_str("add table inet togusa\n");
            script.push_str(&format!("add chain inet togusa {chain} {{ {begin} }}\n"));
        }
        for Listed { chain, handle, .. } in listing.of(&self.name) {
            script.push_str(&format!("delete rule inet togusa {chain} handle {handle}\n"));
        }
        if self.absent {
            return Ok(script);
        }
        let verb = match listing.after(&self.chain, &self.id(), &self.name) {
            Some(next) => format!("insert rule inet togusa {} position {next}", self.chain),
            None => format!("add rule inet togusa {}", self.chain),
        };
        script.push_str(&format!("{verb} {}\n", self.commented()));
        Ok(script)
    }

    fn load(&self, machine: &Machine<'_>) -> Result {
        require_root(machine, "change the packet filter")?;
        machine.invalidate::<Listing>();
        let script = self.script(&*machine.snapshot::<Listing>()?)?;
        if script.is_empty() {
            return Ok(());
        }
        let nft = foreign::program("nft").args(["--file", "-"]).stdin(script);
        let loaded = foreign::of_package(machine.run(&nft), "nftables");
        let Err(error) = loaded else { return Ok(()) };
        if foreign::failure(&error).is_none() {
            return Err(error);
        }
        Err(error)
            .context("nftables refuses the rule; nothing was changed")
            .code(code::CONFIGURATION_REFUSED)
            .hint("write the rule as `nft add rule inet togusa …` takes it: see `man nft`")
    }

    /// The configuration with the line that includes all rules.
    fn included(&self, probe: &Probe<'_>, text: &str) -> Result<Edit> {
        let directory = self.files()?.head.path().parent().context("the files have no place")?;
        let line = format!("include \"{}/*.nft\"", probe.local(&directory).display());
        if text.lines().any(|present| present.trim() == line) {
            return Ok(Edit { text: text.to_owned(), changes: Some(Vec::new()) });
        }
        let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        let change = Change::create(format!("`include` in {}", self.config));
        Ok(Edit { text: format!("{text}{end}{line}\n"), changes: Some(vec![change]) })
    }
}

impl Component for FirewallRule {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some((&*self.name).into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let name = &self.name;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let is_name = !name.is_empty()
            && name.len() <= 64
            && !name.starts_with('.')
            && name.chars().all(plain);
        demand!(
            is_name,
            code::NOT_A_NAME,
            "`{name}` cannot be the name of a rule: letters, digits, `-`, `_` and `.`"
        );
        demand!(self.order <= 999, code::OPTION_VALUE, "the order is more than 999");
        self.chain_text()?;
        demand!(
            self.config.starts_with('/'),
            code::OPTION_VALUE,
            "`{}` is no absolute path",
            self.config
        );
        if !self.absent {
            let rule = self.rule.trim();
            demand!(!rule.is_empty(), code::OPTION_MISSING, "the rule is empty");
            if rule.contains(['\n', ';', '#']) {
                return Err(fault!(code::OPTION_VALUE, "the rule has more than one rule in it")).hint(
                    "give one rule, without `;`, `#` and line ends; others are rules of their own",
                );
            }
            if rule.split_whitespace().any(|word| word == "comment") {
                return Err(fault!(
                    code::OPTION_VALUE,
                    "the rule has a comment, by which togusa would know it"
                ))
                .hint("leave it out: the name of the rule stands there");
            }
            scope.manages("firewall-rule", name);
        }
        let mut config = Target::new(&*self.config);
        config.create = true;
        config.resolve("nftables", scope)?;
        if scope.path(&self.config).as_str() != self.config {
            config.place.with_leading();
        }
        self.files = Some(Files {
            rule: SystemFile::new(scope, &format!("{DIRECTORY}/{}.nft", self.id())),
            head: SystemFile::new(scope, &format!("{DIRECTORY}/{FIRST}")),
            config,
        });
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let files = self.files()?;
        let stored = self.stored(probe)?;
        let mut verdict = Verdict::current();
        let mut loaded = None;
        if !files.rule.is_sandboxed() {
            let listing = probe.snapshot::<Listing>()?;
            verdict = self.changes_now(&listing, stored.as_deref()).into();
            loaded = listing.of(&self.name).next().map(|it| it.rule.clone());
        }
        for path in self.former(probe)? {
            verdict.push(Change::remove(format!("file `{}`", probe.local(&path).display())));
        }
        if self.absent {
            return Ok(verdict);
        }
        let listed = stored.or(loaded).unwrap_or_default();
        let verdict = verdict.and(files.rule.verify(probe, Some(&self.text(&listed)?))?);
        let verdict = verdict.and(files.head.verify(probe, Some(HEAD))?);
        Ok(verdict.and(files.config.verify(probe, |text| self.included(probe, text))?))
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let files = self.files()?;
        let _alone = machine.exclusive("nft");
        let mut listed = self.stored(machine)?.unwrap_or_default();
        if !files.rule.is_sandboxed() {
            self.load(machine)?;
            let listing = machine.snapshot::<Listing>()?;
            if let Some(own) = listing.of(&self.name).next() {
                listed.clone_from(&own.rule);
            }
        }
        self.former(machine)?.iter().try_for_each(|path| machine.remove(path))?;
        if self.absent {
            return Ok(());
        }
        machine.create_leading(files.rule.path())?;
        files.head.write(machine, Some(HEAD))?;
        files.rule.write(machine, Some(&self.text(&listed)?))?;
        files.config.update(machine, |text| self.included(machine, text))
    }
}

#[cfg(test)]
mod tests;
