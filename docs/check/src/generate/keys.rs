//! The tables of keys on the page about `environment.toml`, from what the loader knows.

use togusa_environments::keys::{self, Key};

use super::Generated;
use super::sections::Text;

/// The page.
pub(super) fn page() -> anyhow::Result<Generated> {
    let mut text = Text::read("docs/src/reference/environment.md")?;
    text.fill("the file", &table(keys::TOP))?;
    text.fill("environment and hosts", &table(keys::SHARED))?;
    text.fill("environment", &table(keys::ENVIRONMENT))?;
    text.fill("hosts", &table(keys::HOST))?;
    text.fill("rollout", &table(keys::ROLLOUT))?;
    text.fill("addresses", &table(keys::ADDRESSES))?;
    Ok(text.into())
}

fn table(keys: &[Key]) -> String {
    let rows = keys.iter().map(|key| {
        let Key { name, type_name, default, doc, .. } = key;
        format!("| `{name}` | {type_name} | {default} | {doc} |\n")
    });
    format!("| key | type | default | means |\n|---|---|---|---|\n{}", rows.collect::<String>())
}
