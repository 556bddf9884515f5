//! A project with the components that the benchmarks deploy.

use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use togusa::core::attributes::{AttributeSchema, Reader, SourceLocation};
use togusa::prelude::*;
use togusa_tests::library_subject::crowd::{self, Crowd};

fn main() -> ExitCode {
    let registry = Registry::new()
        .with::<Files>("files")
        .with::<Service>("service")
        .with::<Balancer>("balancer")
        .with::<Standard>("standard")
        .with::<Crowd>(crowd::ROOT);
    Cli::new(registry).project("bench").run()
}

/// The assets lie in a crate of the project that is deployed, wherever that is.
const ASSETS: SourceLocation = SourceLocation {
    crate_name: "bench-assets",
    manifest_dir: "/nowhere/assets",
    file: "/nowhere/assets/src/lib.rs",
    embedded: &[],
};

/// Many files with contents from assets.
#[derive(Debug)]
struct Files {
    count: usize,
}

impl Attributes for Files {
    fn schema() -> Vec<AttributeSchema> {
        Vec::new()
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { count: reader.required("count")? })
    }

    fn source() -> SourceLocation {
        ASSETS
    }
}

impl Component for Files {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        for number in 0..self.count {
            let name = format!("f{number:05}");
            let source = format!("files/{name}");
            scope.add(File::new(name).source(source));
        }
        Ok(())
    }
}

/// Where a service can be reached.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Endpoint {
    address: Address,
}

impl Resource for Endpoint {}

const PORT: u16 = 8080;

/// A service with 40 components: itself, 20 templates and 19 other files.
#[derive(Debug)]
struct Service {
    peers: Vec<String>,
}

impl Attributes for Service {
    fn schema() -> Vec<AttributeSchema> {
        Vec::new()
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { peers: reader.required("peers")? })
    }

    fn source() -> SourceLocation {
        ASSETS
    }
}

impl Component for Service {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        scope.provide(Endpoint { address: scope.address(PORT) });
        let mut peers = Vec::new();
        for peer in &self.peers {
            let endpoint = scope.require::<Endpoint>().on(peer.as_str()).one()?;
            peers.push(endpoint.address.to_string());
        }
        for number in 0..20 {
            let context = context! { peers, port => PORT };
            let file = File::new(format!("t{number:02}.conf"));
            scope.add(file.template(format!("templates/t{number:02}.conf.j2"), context));
        }
        for number in 0..19 {
            let content = format!("number {number} of {}\n", scope.host());
            scope.add(File::new(format!("f{number:02}.conf")).content(content));
        }
        Ok(())
    }
}

/// Knows every service.
#[derive(Debug, Attributes)]
struct Balancer {}

impl Component for Balancer {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let all = scope.require_all::<Endpoint>()?;
        let lines: Vec<_> = all.iter().map(|one| format!("server {}\n", one.address)).collect();
        scope.add(File::new("balancer.conf").content(lines.concat()));
        Ok(())
    }
}

/// 40 components: 20 templates, and of each 5 directories, links, files of 10 KB, guarded commands.
#[derive(Debug)]
struct Standard;

impl Attributes for Standard {
    fn schema() -> Vec<AttributeSchema> {
        Vec::new()
    }

    fn read(_: &mut Reader<'_>) -> Option<Self> {
        Some(Self)
    }

    fn source() -> SourceLocation {
        ASSETS
    }
}

impl Component for Standard {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        for number in 0..20 {
            let context = context! { peers => ["one", "two"], port => PORT };
            let file = File::new(format!("t{number:02}.conf"));
            scope.add(file.template(format!("templates/t{number:02}.conf.j2"), context));
        }
        for number in 0..5 {
            scope.add(Directory::new(format!("d{number}")));
            let content = format!("line {number} of a file of ten kilobytes\n").repeat(256);
            scope.add(File::new(format!("d{number}/file")).content(content));
            scope.add(Symlink::new(format!("link{number}"), format!("d{number}/file")));
            let made = format!("touch made{number}");
            let check = Exec::new("test").args(["-e".to_owned(), format!("made{number}")]);
            scope.add(Command::shell(made).unless(check));
        }
        Ok(())
    }
}
