use std::path::Path;

use togusa_core::problem::Problem;
use togusa_core::registry::Registry;
use togusa_docs::validate::Schema;
use togusa_docs::{examples, pages, root};
use togusa_environments::keys::Section;
use togusa_environments::schema;
use togusa_environments::secrets::Access;

/// Values of all kinds, right for some keys and wrong for others.
const VALUES: &[&str] = &[
    "''",
    "' '",
    "'x'",
    "'-x'",
    "'a b'",
    "'/a'",
    "'~'",
    "'~/a'",
    "'~a'",
    "'../x'",
    "'.x'",
    "'10s'",
    "'0s'",
    "'007 ms'",
    "'10'",
    "'5 m'",
    "'1w'",
    "'s'",
    "'ssh'",
    "'local'",
    "'optional'",
    "'10.0.0.1'",
    "'10.0.0.256'",
    "'::1'",
    "'fe80::1%eth0'",
    "'1:2'",
    "'web-1.lan'",
    "'1-a'",
    "'a@b'",
    "'a/b'",
    "'[x]'",
    "'a:b'",
    "0",
    "1",
    "-1",
    "65535",
    "65536",
    "1.5",
    "true",
    "false",
    "[]",
    "['app']",
    "['app', 'db']",
    "['app', 'app']",
    "['app', '!app']",
    "['app:web:web']",
    "['app:']",
    "['!app:web:worker']",
    "['a b']",
    "[':x']",
    "['!']",
    "['!!a']",
    "[1]",
    "['10.0.0.1', '::1']",
    "['::1', '10.0.0.1', '::2']",
    "['::1', '::2']",
    "['x']",
    "{}",
    "{ app = {} }",
    "{ app = 1 }",
    "{ v4 = '10.0.0.1' }",
    "{ v4 = '10.0.0.1', v6 = '::1' }",
    "{ v4 = '::1' }",
    "{ v6 = 'x' }",
    "{ v5 = '::1' }",
    "'25%'",
    "'100%'",
    "'0%'",
    "'101%'",
    "'025%'",
    "'25'",
    "'canary'",
    "[1, '25%']",
    "[0]",
    "['0%']",
    "[1.5]",
    "{ x = { batch = 2, once = false } }",
    "{ x = { batch = 0 } }",
    "{ x = { bach = 1 } }",
];

/// What the loader refuses and no schema can: that two texts mean the same.
const BEYOND: &[&str] =
    &["components = ['app', '!app']", "components = ['app:web:web']", "web1 = ['::1', '::2']"];

/// What the loader says of the environment `page`, in a project with another one, `x`.
fn problems(text: &str) -> Vec<Problem> {
    if !text.contains("extends") {
        let loaded = togusa_environments::from_str("shop", "page", text);
        return loaded.map_or_else(|problems| problems.list, |_| Vec::new());
    }
    let project = tempfile::tempdir().unwrap();
    for (name, text) in [("page", text), ("x", "[hosts.x]\n")] {
        let directory = project.path().join("environments").join(name);
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("environment.toml"), text).unwrap();
    }
    match togusa_environments::load(project.path(), "shop", "page", Access::Placeholders) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.list,
    }
}

fn general() -> Schema {
    Schema::new(&schema::environment(None)).unwrap()
}

/// The keys with the header of their section; any name is one of `[addresses]`.
fn keys() -> Vec<(&'static str, &'static str)> {
    let sections = [
        (Section::Top, ""),
        (Section::Environment, "[environment]\n"),
        (Section::Host, "[hosts.x]\n"),
        (Section::Addresses, "[hosts.x]\n[addresses]\n"),
        (Section::Rollout, "[hosts.x]\ncomponents = ['x']\n[rollout.x]\n"),
    ];
    let keys =
        sections.iter().flat_map(|(section, header)| section.keys().map(|key| (*header, key.name)));
    keys.chain([("[hosts.x]\n[addresses]\n", "web1")]).collect()
}

#[test]
fn the_schema_refuses_values_that_the_loader_does_and_no_others() {
    let schema = general();
    let mut refused = 0;
    let mut differing = Vec::new();
    for (header, name) in keys() {
        for value in VALUES {
            let line = format!("{name} = {value}");
            let text = format!("{header}{line}\n");
            let of_key = |problem: &Problem| {
                let message = &problem.message;
                message.starts_with("key `")
                    || message.starts_with("unknown key `")
                    || message.ends_with("is no name of an environment")
                    || message.contains("is named twice")
            };
            let loader = problems(&text).into_iter().find(of_key);
            let wrong = schema.refuses_toml(&text).unwrap();
            refused += usize::from(loader.is_some());
            if loader.is_some() == wrong.is_empty() && !BEYOND.contains(&&*line) {
                differing.push(format!("{text}  loader: {loader:?}\n  schema: {wrong:?}\n"));
            }
        }
    }
    assert!(refused > 500, "{refused}");
    assert!(differing.is_empty(), "{} differ:\n{}", differing.len(), differing.concat());
}

#[test]
fn the_schema_refuses_unknown_keys_and_wrong_sections_and_names() {
    let schema = general();
    for wrong in [
        "enviroment = {}",
        "jobs = 1",
        "hosts = 1",
        "components = []",
        "addresses = 'x'",
        "[environment]\nadress = 'x'",
        "[environment]\nignore = true",
        "[hosts]\nweb = 1",
        "[hosts.web]\ncolour = 1",
        "[hosts.web]\nextends = 'x'",
        "[hosts.web]\nattributes.app = 1",
        "[components]\napp = 1",
        "[addresses]\n'' = '::1'",
        "[hosts.'a b']",
        "[hosts.'-a']",
        "[hosts.'.a']",
        "[hosts.'a/b']",
        "[hosts.'a!']",
        "[hosts.'app[]']",
        "[hosts.'app[1']",
        "[hosts.'a[b]']",
        "[hosts.'']",
        "rollout = []",
        "[rollout]\nbatch = 1",
        "[rollout.app]\njobs = 1",
        "[hosts.a]\ncomponents = ['app']\n[rollout.app]\nonce = true\nsettle = '1s'",
    ] {
        assert_ne!(problems(wrong), [], "the loader takes `{wrong}`");
        assert_ne!(schema.refuses_toml(wrong).unwrap(), [""; 0], "the schema takes `{wrong}`");
    }
    for right in [
        "[hosts.'app[01-12]']",
        "[hosts.'r[1,3]-n[01-02].lan']",
        "[hosts.'app[01-03, 07]']",
        "[hosts._x]",
        "[hosts.'ü1.example']",
        "[hosts.a]\ndata = { x = [1, { y = 2 }] }",
        "[hosts.a]\n[addresses]\n'db.example.org' = { v4 = '10.0.0.12' }",
        "[hosts.a]\ncomponents = ['app']\n[rollout.app]\nonce = true",
        "[hosts.a]\ncomponents = ['app']\n[rollout.app]\nonce = false\nsettle = '1s'",
    ] {
        assert_eq!(problems(right), [], "the loader refuses `{right}`");
        assert_eq!(schema.refuses_toml(right).unwrap(), [""; 0], "`{right}`");
    }
}

#[test]
fn the_schema_of_a_project_refuses_wrong_components_features_and_attributes() {
    let registry = examples::registry();
    let schema = Schema::new(&schema::environment(Some(&registry))).unwrap();
    for wrong in [
        "[hosts.a]\ncomponents = ['ap']",
        "[hosts.a]\ncomponents = ['app:wbe']",
        "[hosts.a]\ncomponents = ['cron:web']",
        "[hosts.a]\ncomponents = ['app']\n[components.app]\nprot = 1",
        "[hosts.a]\ncomponents = ['app']\n[components.app]\nport = 'x'",
        "[hosts.a]\ncomponents = ['app']\n[components.app]\nport = 70000",
        "[hosts.a]\ncomponents = ['app']\n[components.app]\nworkers = -1",
        "[hosts.a]\ncomponents = ['app']\n[components.app]\ntimeout = '10'",
        "[hosts.a]\ncomponents = ['app']\n[components.app]\ndebug = 'no'",
        "[hosts.a]\ncomponents = ['cron']\n[hosts.a.attributes.cron]\nx = 1",
        "[hosts.a]\ncomponents = ['cron']\n[rollout.corn]",
    ] {
        assert!(!sound(wrong, &registry), "the loader takes `{wrong}`");
        assert_ne!(schema.refuses_toml(wrong).unwrap(), [""; 0], "the schema takes `{wrong}`");
    }
    let right = "[hosts.a]\ncomponents = ['!app:web:worker', 'cron', '!nginx']\n\
                 [hosts.a.attributes.app]\nport = 1\ntimeout = '5m'\ndebug = true\n";
    assert!(sound(right, &registry));
    assert_eq!(schema.refuses_toml(right).unwrap(), [""; 0]);
}

fn sound(text: &str, registry: &Registry) -> bool {
    let environment = togusa_environments::from_str("shop", "page", text);
    environment.is_ok_and(|environment| registry.check(&environment).is_empty())
}

#[test]
fn the_environments_of_the_repository_and_of_its_pages_fit() {
    let schema = general();
    let mut count = 0;
    let mut check = |place: String, text: &str| {
        count += 1;
        assert_eq!(schema.refuses_toml(text).unwrap(), [""; 0], "{place}");
    };
    let mut files = Vec::new();
    environments(&root().join("examples"), &mut files);
    for file in files {
        check(file.display().to_string(), &std::fs::read_to_string(&file).unwrap());
    }
    for page in pages::of_book().unwrap() {
        for block in page.blocks_in("toml") {
            let is_environment = block.file().is_none_or(|file| file.ends_with("environment.toml"));
            let is_sound = block.tag == "toml";
            if is_environment && is_sound && block.note.as_deref() != Some("cargo") {
                check(format!("{}:{}", page.path, block.line), &block.text);
            }
        }
    }
    assert!(count > 6, "{count}");
}

fn environments(directory: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in directory.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() && name != "target" {
            environments(&path, files);
        } else if name == "environment.toml" {
            files.push(path);
        }
    }
}
