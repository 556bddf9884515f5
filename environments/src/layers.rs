//! Where attributes come from: the levels of an environment, not yet laid over each other.

use std::path::Path;

use togusa_core::names::HostName;
use togusa_core::problem::{Problem, Problems};
use togusa_core::value::{Table, Value, ValueKind};

use crate::extends;
use crate::level::Level;
use crate::secrets::Access;

/// An environment and its bases, each as it stands; no secret is opened.
#[derive(Debug)]
pub struct Layers {
    /// The lowest base first, each with its name.
    levels: Vec<(String, Level)>,
}

/// A place where an attribute is set.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// The environment, one of the chain.
    pub environment: String,
    /// Whether it is set for the host, or a range that holds it, and not for all hosts.
    pub of_host: bool,
    /// The value there, with its place.
    pub value: Value,
}

impl Layers {
    /// Reads the environment `name` of a project and what it extends.
    ///
    /// # Errors
    /// What is wrong with one of the files by itself.
    pub fn load(project_root: &Path, name: &str) -> Result<Self, Problems> {
        let mut problems: Vec<Problem> = Vec::new();
        let chain = extends::chain(project_root, name, Access::Placeholders, &mut problems);
        if !problems.is_empty() {
            return Err(Problems::new(problems));
        }
        Ok(Self { levels: chain.names.into_iter().zip(chain.levels).rev().collect() })
    }

    /// All places that set an attribute of a root on a host, or a part of it, the one that counts
    /// last. `path` is the name of the attribute and those of tables in it.
    pub fn of(&self, host: &HostName, root: &str, path: &[&str]) -> Vec<Layer> {
        let found = |environment: &String, of_host, table: &Table, path: &[&str]| {
            let value = inside(table, path)?.clone();
            Some(Layer { environment: environment.clone(), of_host, value })
        };
        let for_all = self.levels.iter().filter_map(|(environment, level)| {
            found(environment, false, &level.components, &[&[root], path].concat())
        });
        let mut layers: Vec<_> = for_all.collect();
        let mut of_host = Vec::new();
        for (environment, level) in &self.levels {
            let Some(host) = level.hosts.get(host.as_str()) else { continue };
            if host.removed_at.is_some() {
                of_host.clear();
            }
            let path = [&["attributes", root], path].concat();
            of_host.extend(found(environment, true, &host.table, &path));
        }
        layers.extend(of_host);
        layers
    }
}

fn inside<'a>(table: &'a Table, path: &[&str]) -> Option<&'a Value> {
    let (name, below) = path.split_first()?;
    let value = table.get(name)?;
    match (below, &value.kind) {
        ([], _) => Some(value),
        (_, ValueKind::Table(table)) => inside(table, below),
        // What is no table replaces all that lies below.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::project;

    fn told(layers: &Layers, host: &str, path: &[&str]) -> Vec<String> {
        let told = layers.of(&host.into(), "app", path).into_iter().map(|layer| {
            let place = layer.value.origin.as_ref().unwrap();
            let level = if layer.of_host { "host" } else { "all" };
            format!("{} {level} {}:{}", layer.value.summary(), layer.environment, place.line)
        });
        told.collect()
    }

    #[test]
    fn every_place_that_sets_an_attribute_is_told_the_one_that_counts_last() {
        let base = "[hosts.a]\ncomponents = ['app']\n[hosts.b]\ncomponents = ['app']\n\
                    [components.app]\nx = 1\nlimits = { cpu = 1, ram = 2 }\n\
                    [hosts.b.attributes.app]\nx = 2";
        let dev = "extends = 'base'\n[components.app]\nx = 3\nlimits.ram = 9\n\
                   [hosts.a.attributes.app]\nx = 4";
        let project = project(&[("base", base), ("dev", dev)]);
        let layers = Layers::load(project.path(), "dev").unwrap();
        assert_eq!(told(&layers, "a", &["x"]), ["1 all base:6", "3 all dev:3", "4 host dev:6"]);
        assert_eq!(told(&layers, "b", &["x"]), ["1 all base:6", "3 all dev:3", "2 host base:9"]);
        assert_eq!(told(&layers, "a", &["limits", "cpu"]), ["1 all base:7"]);
        assert_eq!(told(&layers, "a", &["limits", "ram"]), ["2 all base:7", "9 all dev:4"]);
        assert!(told(&layers, "a", &["y"]).is_empty());
        assert!(told(&layers, "a", &["x", "y"]).is_empty());
    }

    #[test]
    fn a_range_counts_as_the_hosts_that_it_holds() {
        let dev = "[hosts.'a[1-2]']\ncomponents = ['app']\nattributes.app.x = 1\n\
                   [hosts.a2]\nattributes.app.x = 2";
        let project = project(&[("dev", dev)]);
        let layers = Layers::load(project.path(), "dev").unwrap();
        assert_eq!(told(&layers, "a1", &["x"]), ["1 host dev:3"]);
        assert_eq!(told(&layers, "a2", &["x"]), ["2 host dev:5"]);
    }
}
