//! What newcomers do wrong, in a project that they have just made, and the whole of what they are
//! told.

use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};

use togusa_tests::new_project::NewProject;

/// Components with a mistake each, which shows only where an environment names them.
const TROUBLE: &str = r#"//! Components with a mistake each.

use serde::{Deserialize, Serialize};
use togusa::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Database {
    port: u16,
}
impl Resource for Database {}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Egg {}
impl Resource for Egg {}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Hatched {}
impl Resource for Hatched {}

/// Has an attribute without a default.
#[derive(Debug, Attributes)]
pub struct Mail {
    /// Where answers go.
    sender: String,
}

impl Component for Mail {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        scope.add(File::new("sender").content(&self.sender));
        Ok(())
    }
}

/// Uses a variable that it does not give.
#[derive(Debug, Attributes)]
pub struct Page {}

impl Component for Page {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        scope.add(File::new("page.html").template("page.html.j2", context! { title => "Hello" }));
        Ok(())
    }
}

/// Names a template that is not there.
#[derive(Debug, Attributes)]
pub struct Lost {}

impl Component for Lost {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        scope.add(File::new("page.html").template("pages.html.j2", context! {}));
        Ok(())
    }
}

/// Requires what nobody provides.
#[derive(Debug, Attributes)]
pub struct Shop {}

impl Component for Shop {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let database = scope.require_one::<Database>()?;
        scope.add(File::new("port").content(database.port.to_string()));
        Ok(())
    }
}

/// Waits for the egg.
#[derive(Debug, Attributes)]
pub struct Hen {}

impl Component for Hen {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        scope.provide(Egg {});
        scope.require_one::<Hatched>()?;
        Ok(())
    }
}

/// Waits for the hen.
#[derive(Debug, Attributes)]
pub struct Chick {}

impl Component for Chick {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        scope.provide(Hatched {});
        scope.require_one::<Egg>()?;
        Ok(())
    }
}
"#;

const REGISTRY: &str = "Registry::new()
        .with::<kiosk_app::App>(\"app\")
        .with::<kiosk_trouble::Mail>(\"mail\")
        .with::<kiosk_trouble::Page>(\"page\")
        .with::<kiosk_trouble::Lost>(\"lost\")
        .with::<kiosk_trouble::Shop>(\"shop\")
        .with::<kiosk_trouble::Hen>(\"hen\")
        .with::<kiosk_trouble::Chick>(\"chick\")";

/// The project, which one test has at a time.
fn project() -> MutexGuard<'static, NewProject> {
    static PROJECT: Mutex<Option<&'static Mutex<NewProject>>> = Mutex::new(None);
    let mut made = PROJECT.lock().unwrap_or_else(PoisonError::into_inner);
    let project = made.get_or_insert_with(|| Box::leak(Box::new(Mutex::new(make()))));
    project.lock().unwrap_or_else(PoisonError::into_inner)
}

fn make() -> NewProject {
    let project = NewProject::new("kiosk");
    project.run("add component trouble").expect(0);
    project.write("components/trouble/src/lib.rs", TROUBLE);
    project.write("components/trouble/src/page.html.j2", "<title>{{ titel }}</title>\n");
    let text = project.read("src/main.rs");
    let (_, chain) = text.split_once("registry = ").unwrap();
    let (chain, _) = chain.split_once(';').unwrap();
    project.replace("src/main.rs", chain, REGISTRY);
    project.run("check dev").expect(0);
    project
}

/// What is told when an environment is deployed that says this of this machine.
fn told(name: &str, text: &str) -> String {
    let project = project();
    let head = "[environment]\nconnect = \"local\"\n\n[hosts.localhost]\n";
    project.write(&format!("environments/{name}/environment.toml"), format!("{head}{text}\n"));
    let ran = project.run(&format!("deploy {name}")).expect(2);
    assert_eq!(ran.out, "");
    assert!(!project.home(&format!("deployment/kiosk/{name}")).exists(), "a host was touched");
    fs::remove_dir_all(project.path(&format!("environments/{name}"))).unwrap();
    of_togusa(&ran.err)
}

/// Without what cargo tells of a build, which the test before may have made necessary.
fn of_togusa(err: &str) -> String {
    err.lines().filter(|line| !line.starts_with("   Compiling")).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_command_outside_of_a_project() {
    let project = project();
    let mut deploy = project.togusa("deploy dev");
    let ran = project.finish(deploy.current_dir("/dev")).expect(2);
    insta::assert_snapshot!(ran.err, @"
    error[T0002]: no project here: neither `/dev` nor a directory above it has `environments/NAME/environment.toml`
      hint: go into a project, name one with `--project`, or make one: `togusa new NAME`
    togusa explain T0002 tells more
    ");
}

#[test]
fn a_project_that_is_there_already() {
    let project = project();
    let mut new = project.togusa("new kiosk");
    let ran = project.finish(new.current_dir(project.path("..").canonicalize().unwrap()));
    insta::assert_snapshot!(ran.expect(2).err, @"
    error[T0022]: `[project]` is there already, and not empty
      hint: it is a project: `togusa add component NAME` in it adds a component, `togusa add environment NAME` an environment
    togusa explain T0022 tells more
    ");
}

#[test]
fn a_misspelt_environment() {
    insta::assert_snapshot!(of_togusa(&project().run("deploy dve").expect(2).err), @"
    error[T0003]: there is no environment `dve`
      hint: did you mean `dev`? the project has `dev`
    togusa explain T0003 tells more
    ");
}

#[test]
fn a_misspelt_command() {
    insta::assert_snapshot!(of_togusa(&project().run("depoly dev").expect(2).err), @"
    error[T0001]: unrecognized subcommand 'depoly'

      tip: a similar subcommand exists: 'deploy'

    Usage: togusa [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
}

#[test]
fn a_misspelt_component() {
    insta::assert_snapshot!(told("component", "components = [\"ap\"]"), @"
    error[T0121]: environments/component/environment.toml:5:15: unknown component `ap` (on localhost)
      hint: did you mean `app`?
    togusa explain T0121 tells more
    ");
}

#[test]
fn a_component_that_is_not_registered() {
    insta::assert_snapshot!(told("registered", "components = [\"trouble\"]"), @r#"
    error[T0121]: environments/registered/environment.toml:5:15: unknown component `trouble` (on localhost)
      hint: the registry has `app`, `chick`, `hen`, `lost`, `mail`, `page`, `shop`; a new one is added in the program: `.with::<TYPE>("trouble")`
    togusa explain T0121 tells more
    "#);
}

#[test]
fn a_misspelt_attribute_and_a_value_of_the_wrong_type() {
    let text = "components = [\"app\"]\n[components.app]\ngreting = \"hi\"\nport = \"80\"";
    insta::assert_snapshot!(told("attribute", text), @r#"
    error[T0123]: environments/attribute/environment.toml:7:1: component `app`: unknown attribute `greting` (on localhost)
      hint: did you mean `greeting`?
    error[T0125]: environments/attribute/environment.toml:8:8: component `app`: attribute `port`: expected an integer, found a string ("80") (on localhost)
    togusa explain T0123 T0125 tells more
    "#);
}

#[test]
fn an_attribute_that_nobody_sets() {
    insta::assert_snapshot!(told("unset", "components = [\"mail\"]"), @"
    error[T0124]: environments/unset/environment.toml:5:15: component `mail`: required attribute `sender` is not set (on localhost)
      hint: set `sender` (string)
    togusa explain T0124 tells more
    ");
}

#[test]
fn a_variable_that_a_template_was_not_given() {
    insta::assert_snapshot!(told("variable", "components = [\"page\"]"), @r#"
    error[T0312]: Page > File("page.html"): template `page.html.j2`, line 1: variable `titel` is undefined (on localhost)
      hint: did you mean `title`?
    togusa explain T0312 tells more
    "#);
}

#[test]
fn a_template_that_is_not_there() {
    insta::assert_snapshot!(told("template", "components = [\"lost\"]"), @r#"
    error[T0314]: Lost > File("page.html"): no asset `pages.html.j2`: looked for `components/trouble/src/pages.html.j2` (on localhost)
      hint: put the file beside the source of the component, or correct its name
    togusa explain T0314 tells more
    "#);
}

#[test]
fn a_resource_that_nobody_provides() {
    insta::assert_snapshot!(told("resource", "components = [\"shop\"]"), @"
    error[T0301]: Shop: required resource `Database` is not provided (on localhost)
      hint: add a root that provides it to a host, or require it as `optional()`
    togusa explain T0301 tells more
    ");
}

#[test]
fn components_that_wait_for_each_other() {
    insta::assert_snapshot!(told("cycle", "components = [\"hen\", \"chick\"]"), @"
    error[T0304]: roots wait for each other in a circle: `chick@localhost` -[Hatched]-> `hen@localhost` -[Egg]-> `chick@localhost`
      hint: let one of the requirements be `unordered()` or `reversed()`, or split a component
    togusa explain T0304 tells more
    ");
}

#[test]
fn a_host_that_nobody_answers_on() {
    let project = project();
    let text = "[hosts.far]\naddress = \"127.0.0.1\"\nport = 1\ncomponents = [\"app\"]\n";
    project.write("environments/far/environment.toml", text);
    let ran = project.run("exec far -- uptime").expect(1);
    fs::remove_dir_all(project.path("environments/far")).unwrap();
    insta::assert_snapshot!(ran.out + &of_togusa(&ran.err), @"
    far  error[T0410]: cannot connect: nothing listens at port 1 of `127.0.0.1`
      1: ssh: connect to host 127.0.0.1 port 1: Connection refused
      hint: check that sshd runs and that the port is right: `port` in environment.toml, or `Port` in ssh_config
    togusa explain T0410 tells more
    ");
}

#[test]
fn a_file_where_a_directory_belongs() {
    let project = project();
    let text = "[environment]\nconnect = \"local\"\n\n[hosts.localhost]\ncomponents = [\"app\"]\n";
    project.write("environments/blocked/environment.toml", text);
    let place = project.home("deployment/kiosk");
    fs::create_dir_all(&place).unwrap();
    fs::write(place.join("blocked"), "mine").unwrap();
    let ran = project.run("deploy blocked --quiet").expect(1);
    fs::remove_dir_all(project.path("environments/blocked")).unwrap();
    insta::assert_snapshot!(ran.out + &of_togusa(&ran.err), @"
    localhost  error[T0504]: target directory `[tmp]/home/deployment/kiosk/blocked` is not a directory
      hint: set another `target_directory`, or remove what stands there
    failed: `localhost` dropped out
    ");
}

#[test]
fn code_that_does_not_compile() {
    let project = project();
    let source = "components/app/src/lib.rs";
    let sound = project.read(source);
    project.replace(source, "port => self.port", "port => self.prot");
    let ran = project.run("deploy dev");
    project.write(source, &sound);
    let ran = ran.expect(2);
    assert_eq!(ran.out, "");
    // The version of the compiler decides over some words.
    let err = of_togusa(&ran.err);
    let lines = err.lines().filter(|line| !line.trim().is_empty());
    let kept = lines.take_while(|line| !line.starts_with("For more information"));
    insta::assert_snapshot!(kept.collect::<Vec<_>>().join("\n"), @r"
    error[E0609]: no field `prot` on type `&mut App`
      --> components/app/src/lib.rs:18:74
       |
    18 |         let context = context! { greeting => self.greeting, port => self.prot };
       |                                                                          ^^^^ unknown field
       |
    help: a field with a similar name exists
       |
    18 -         let context = context! { greeting => self.greeting, port => self.prot };
    18 +         let context = context! { greeting => self.greeting, port => self.port };
       |
    ");
}

#[test]
fn a_component_whose_crate_was_deleted() {
    let project = NewProject::new("gone");
    project.run("add component news").expect(0);
    fs::remove_dir_all(project.path("components/news")).unwrap();
    let ran = project.run("check dev").expect(2);
    let (_, told) = ran.err.split_once("No such file or directory (os error 2)\n").unwrap();
    insta::assert_snapshot!(told, @"
    error[T0026]: `[project]/Cargo.toml` depends on `gone-news`, and there is no crate in `components/news`
      hint: bring it back; or, to be rid of it, remove `gone-news` from `[dependencies]`, and the component from the registry in `src/main.rs` and from environments
    togusa explain T0026 tells more
    ");
    insta::assert_snapshot!(project.run("add component news").expect(2).err, @"
    error[T0022]: `Cargo.toml` depends on `gone-news` already
      hint: choose another name; or, if its crate is gone, remove that line and the one in `src/main.rs` that registers it
    togusa explain T0022 tells more
    ");
}

#[test]
fn a_machine_without_rust() {
    let project = project();
    let mut deploy = project.togusa("deploy dev");
    let ran = project.finish(deploy.env("PATH", "/dev")).expect(2);
    insta::assert_snapshot!(ran.err, @"
    error[T0027]: cannot run `cargo`, which builds the project's program
      1: No such file or directory (os error 2)
      hint: install Rust, as https://rustup.rs tells, or start a program that `togusa build --out DIR` wrote on another machine
    togusa explain T0027 tells more
    ");
}
