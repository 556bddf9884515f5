//! From the names that are listened on to their addresses, each asked for once.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, ToSocketAddrs};
use std::thread;

use super::{AddressTable, Family, Resolved};
use crate::environment::AddressPolicy;
use crate::model::Model;
use crate::problem::{Problem, Problems, code};

/// Resolves every name of the model that is listened on, in parallel.
///
/// What the environment says of a name wins over the resolver.
///
/// # Errors
/// All names that have no address of a family that the environment requires, or none at all.
pub fn resolve(model: &Model) -> Result<AddressTable, Problems> {
    let policy = &model.environment.addresses;
    let drafts = model.roots.iter().filter(|(_, root)| !root.ignored);
    let listens = drafts.flat_map(|(id, root)| {
        root.draft.listens.iter().map(move |(_, address)| (address.host.as_str(), &id.host))
    });
    let mut names = BTreeMap::<&str, BTreeSet<_>>::new();
    for (name, host) in listens {
        names.entry(name).or_default().insert(host.clone());
    }
    let resolved: Vec<_> = thread::scope(|scope| {
        let asked = names.keys().map(|name| scope.spawn(|| resolve_name(name, policy)));
        let asked: Vec<_> = asked.collect();
        asked.into_iter().map(|thread| thread.join().map_err(|_| ())).collect()
    });
    let mut table = AddressTable::new();
    let mut problems = Vec::new();
    for ((name, hosts), resolved) in names.into_iter().zip(resolved) {
        match resolved {
            Ok(Ok(resolved)) => {
                table.insert(name.to_owned(), resolved);
            }
            Ok(Err(problem)) => problems.push(Problem { hosts, ..problem }),
            Err(()) => problems
                .push(Problem::new(code::ADDRESS_UNRESOLVED, format!("cannot resolve `{name}`"))),
        }
    }
    if problems.is_empty() { Ok(table) } else { Err(Problems::new(problems)) }
}

fn resolve_name(name: &str, policy: &AddressPolicy) -> Result<Resolved, Problem> {
    let mut found = Resolved::default();
    let mut cause = None;
    if let Some(given) = policy.overrides.get(name) {
        found = Resolved { v4: given.v4, v6: given.v6 };
    } else {
        match (name, 0).to_socket_addrs() {
            Ok(addresses) => {
                // The lowest, so that the same answer in another order gives the same files.
                let ips: BTreeSet<_> = addresses.map(|address| address.ip()).collect();
                for ip in ips {
                    match ip {
                        IpAddr::V4(v4) => found.v4 = found.v4.or(Some(v4)),
                        IpAddr::V6(v6) => found.v6 = found.v6.or(Some(v6)),
                    }
                }
            }
            Err(error) => cause = Some(error.to_string()),
        }
    }
    if policy.v4 == Family::Off {
        found.v4 = None;
    }
    if policy.v6 == Family::Off {
        found.v6 = None;
    }
    let lacks = match () {
        () if found.v4.is_none() && policy.v4 == Family::Required => "an IPv4 address",
        () if found.v6.is_none() && policy.v6 == Family::Required => "an IPv6 address",
        () if found == Resolved::default() => "any address",
        () => return Ok(found),
    };
    let mut problem =
        Problem::new(code::ADDRESS_UNRESOLVED, format!("`{name}` does not resolve to {lacks}"));
    problem.causes.extend(cause);
    Err(problem
        .hint(format!("set the host's `address`, or give `{name}` an address in `[addresses]`")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Override;

    #[test]
    fn what_the_environment_says_wins_and_families_can_be_required_or_off() {
        let mut policy = AddressPolicy::default();
        let v4 = "192.0.2.7".parse().unwrap();
        policy.overrides.insert("web".into(), Override { v4: Some(v4), v6: None });
        assert_eq!(resolve_name("web", &policy).unwrap().v4, Some(v4));

        policy.v6 = Family::Required;
        let problem = resolve_name("web", &policy).unwrap_err();
        assert_eq!(problem.message, "`web` does not resolve to an IPv6 address");

        policy.v6 = Family::Off;
        policy.v4 = Family::Off;
        let problem = resolve_name("web", &policy).unwrap_err();
        assert_eq!(problem.message, "`web` does not resolve to any address");
    }

    #[test]
    fn a_literal_address_resolves_to_itself() {
        let policy = AddressPolicy { v4: Family::Optional, ..AddressPolicy::default() };
        let resolved = resolve_name("2001:db8::1", &policy).unwrap();
        assert_eq!(resolved, Resolved { v4: None, v6: Some("2001:db8::1".parse().unwrap()) });
    }
}
