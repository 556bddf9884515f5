//! The pages of the errors' codes, from those that `explain` prints.

use std::io;

use anyhow::Context as _;

use super::Generated;
use crate::root;

/// Where the pages lie, each as `CODE.md` that begins with `# CODE: title`.
const SOURCE: &str = "cli/errors";

const HEAD: &str = "# Errors\n\nEvery error has a code. `togusa explain CODE` prints its page too.\n\n\
                    | code | means |\n|---|---|\n";

/// The index and the pages; nothing where there are no codes.
pub(super) fn pages() -> anyhow::Result<Vec<Generated>> {
    let entries = match root().join(SOURCE).read_dir() {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{SOURCE}`")),
    };
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    files.sort();
    let mut index = HEAD.to_owned();
    let mut pages = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("cannot read `{}`", file.display()))?;
        let heading = text.lines().next().and_then(|line| line.strip_prefix("# "));
        let (code, title) = heading
            .and_then(|heading| heading.split_once(": "))
            .with_context(|| format!("`{}` does not begin with `# CODE: title`", file.display()))?;
        index += &format!("| [{code}](errors/{code}.md) | {title} |\n");
        pages.push(Generated::new(format!("docs/src/reference/errors/{code}.md"), text));
    }
    pages.push(Generated::new("docs/src/reference/errors.md", index));
    Ok(pages)
}
