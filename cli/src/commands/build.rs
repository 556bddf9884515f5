use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;
use togusa_core::problem::{Problem, code};

use crate::agents::{AgentBinary, Agents, prepare, short};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::shell::program_name;
use crate::ui::{Stream, Verbosity};

/// Build what would be pushed to hosts, and show it
///
/// Builds the part of this program that runs on hosts, static and small, as a deployment does when
/// something has changed. With `--out` the binaries lie in a directory that deployments can be given
/// with `--agents`, on machines without cargo; beside them lies the whole program, to start these.
#[derive(Debug, clap::Args)]
pub struct Build {
    /// For this target; may be given often and with commas [default: this machine, static]
    #[arg(long = "target", value_name = "TRIPLE", value_delimiter = ',')]
    pub targets: Vec<String>,
    /// Write the binaries, the whole program and a list of them into this directory
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// A binary and where it lies.
struct Built {
    binary: Arc<AgentBinary>,
    path: PathBuf,
}

impl Build {
    /// Builds and shows a line for each target.
    ///
    /// # Errors
    /// The program is older than its sources, a target is not installed, or the build fails.
    pub fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let wrong = |problem| Failure::wrong_use([problem]);
        let agents = agents(session).map_err(wrong)?;
        let mut built = self.build(&agents).map_err(wrong)?;
        if let Some(directory) = &self.out {
            let name = program_name(std::env::current_exe().ok().map(Into::into).as_ref());
            let with_program = |built: &Built| {
                Ok((Arc::clone(&built.binary), agents.whole(&built.binary.target)?))
            };
            let binaries: Result<Vec<_>, _> = built.iter().map(with_program).collect();
            let binaries = binaries.map_err(wrong)?;
            let paths = prepare(directory, &name, &binaries).map_err(Failure::failed)?;
            built.iter_mut().zip(paths).for_each(|(built, path)| built.path = path);
        }
        let ui = &session.ui;
        if ui.choices.json {
            let list: Vec<_> = built.iter().map(object).collect();
            ui.write(Stream::Data, &format!("{}\n", json!(list)));
        } else {
            ui.write(Stream::Data, &table(&built));
        }
        Ok(Exit::Success)
    }

    fn build(&self, agents: &Agents) -> Result<Vec<Built>, Problem> {
        let built = |target: Option<&str>| {
            let binary = agents.get(target)?;
            let path = agents.path(&binary).unwrap_or_default();
            Ok(Built { binary, path })
        };
        match self.targets.as_slice() {
            [] => Ok(vec![built(None)?]),
            targets => targets.iter().map(|target| built(Some(target))).collect(),
        }
    }
}

fn agents(session: &Session) -> Result<Agents, Problem> {
    let program = std::env::current_exe().map_err(|error| {
        Problem::new(code::THIS_MACHINE, format!("cannot find the file of this program: {error}"))
    })?;
    let ui = session.ui.clone();
    Ok(Agents::of_project(&session.root, &program)?.noting(move |line| {
        if ui.shows(Verbosity::Normal) {
            ui.write(Stream::Notes, &format!("{line}\n"));
        }
    }))
}

fn object(built: &Built) -> serde_json::Value {
    let Built { binary, path } = built;
    json!({
        "target": binary.target,
        "size": binary.size,
        "compressed_size": binary.compressed.len(),
        "digest": binary.digest,
        "build": binary.build,
        "path": path,
    })
}

/// Columns under their names, the numbers to the right.
fn table(built: &[Built]) -> String {
    let head = ["target", "size", "compressed", "digest", "build", "path"].map(str::to_owned);
    let rows = built.iter().map(|Built { binary, path }| {
        [
            binary.target.clone(),
            megabytes(binary.size),
            megabytes(binary.compressed.len() as u64),
            short(&binary.digest).to_owned(),
            short(&binary.build).to_owned(),
            path.display().to_string(),
        ]
    });
    let rows: Vec<_> = std::iter::once(head).chain(rows).collect();
    let widths: [usize; 6] =
        std::array::from_fn(|at| rows.iter().map(|row| row[at].len()).max().unwrap_or(0));
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(widths).enumerate().map(|(at, (cell, width))| match at {
            1 | 2 => format!("{cell:>width$}"),
            _ => format!("{cell:<width$}"),
        });
        text += cells.collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
    }
    text
}

/// A size in millions of bytes, as the budgets of sizes are given.
fn megabytes(size: u64) -> String {
    let hundredths = (size + 5_000) / 10_000;
    format!("{}.{:02} MB", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_lines_up() {
        let built = |target: &str, size, compressed| Built {
            binary: Arc::new(AgentBinary {
                digest: "d".repeat(64),
                target: target.to_owned(),
                size,
                compressed: vec![0; compressed],
                build: "b".repeat(64),
            }),
            path: format!("out/shop-{target}").into(),
        };
        let shown = table(&[
            built("x86_64-unknown-linux-musl", 6_612_192, 2_551_005),
            built("riscv64gc-unknown-linux-musl", 12_000_000, 995_000),
        ]);
        insta::assert_snapshot!(shown, @r"
        target                            size  compressed  digest        build         path
        x86_64-unknown-linux-musl      6.61 MB     2.55 MB  dddddddddddd  bbbbbbbbbbbb  out/shop-x86_64-unknown-linux-musl
        riscv64gc-unknown-linux-musl  12.00 MB     1.00 MB  dddddddddddd  bbbbbbbbbbbb  out/shop-riscv64gc-unknown-linux-musl
        ");
    }
}
