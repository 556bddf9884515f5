//! Secrets as a part of their environment.

use togusa_core::value::ValueKind;

use super::{Place, nobody, parsed, told};
use crate::load;
use crate::secrets::Access;

const HOSTS: &str = "[hosts.'web[1-2]']\ncomponents = ['app']\n";

fn loaded(place: &Place, name: &str) -> Result<crate::Loaded, String> {
    load(place.project.path(), "shop", name, Access::With(&place.identities())).map_err(told)
}

/// The secret attribute `a` of `app` on a host.
fn attribute(loaded: &crate::Loaded, host: &str) -> (Vec<u8>, String) {
    let value = loaded.environment.hosts[host].roots[0].attributes.get("a").unwrap();
    let bytes = match &value.kind {
        ValueKind::Secret(secret) => secret.expose().as_bytes().to_vec(),
        ValueKind::SecretBytes(secret) => secret.expose().clone(),
        other => panic!("{other:?}"),
    };
    (bytes, value.origin.as_ref().unwrap().file.clone())
}

#[test]
fn secrets_become_attributes_and_data_with_their_place() {
    let place = Place::new();
    place.environment("prod", HOSTS);
    place.set("components.app.a", "everywhere");
    place.set("hosts.web2.attributes.app.a", [0xff]);
    place.set("hosts.'web[1-2]'.data.token", "t");
    let loaded = loaded(&place, "prod").unwrap();
    let file = "environments/prod/secrets.toml".to_owned();
    assert_eq!(attribute(&loaded, "web1"), (b"everywhere".to_vec(), file.clone()));
    assert_eq!(attribute(&loaded, "web2"), (vec![0xff], file));
    let data = &loaded.environment.hosts["web1"].data;
    assert!(
        matches!(&data.get("token").unwrap().kind, ValueKind::Secret(token) if token.expose() == "t")
    );
    assert_eq!(
        loaded.environment.hosts["web2"].origin.as_ref().unwrap().file,
        "environments/prod/environment.toml"
    );
}

#[test]
fn a_base_has_secrets_of_its_own() {
    let place = Place::new();
    place.environment("prod", HOSTS);
    place.set("components.app.a", "base");
    place.environment("dev", "extends = 'prod'\n");
    assert_eq!(attribute(&loaded(&place, "dev").unwrap(), "web1").0, b"base");

    place.environment("dev", "extends = 'prod'\n[components.app]\na = 'clear above'\n");
    let above = loaded(&place, "dev").unwrap();
    let value = above.environment.hosts["web1"].roots[0].attributes.get("a").unwrap();
    assert_eq!(value.kind, ValueKind::String("clear above".into()));

    place.environment("dev", "extends = 'prod'\n");
    place.begin("dev");
    place.lock("dev").set(&parsed("hosts.web1.attributes.app.a"), b"dev").unwrap();
    let both = loaded(&place, "dev").unwrap();
    assert_eq!(attribute(&both, "web1").0, b"dev");
    assert_eq!(attribute(&both, "web2").0, b"base");
}

#[test]
fn whole_files_lie_beside_and_are_laid_over_those_of_the_base() {
    let place = Place::new();
    place.environment("prod", HOSTS);
    place.set("files.tls.pem", "certificate of prod");
    place.set("files.app.p12", [0xff, 0]);
    let named: Vec<_> = place.file().files().into_iter().map(str::to_owned).collect();
    assert!(named[0].starts_with("files.app.p12-"), "{named:?}");
    assert!(named[1].starts_with("files.tls.pem-"), "{named:?}");
    place.environment("dev", "extends = 'prod'\n");
    place.begin("dev");
    place.lock("dev").set(&parsed("files.tls.pem"), b"certificate of dev").unwrap();

    let files = loaded(&place, "dev").unwrap().environment.secret_files;
    let files: Vec<_> =
        files.iter().map(|(name, content)| (name.as_str(), content.expose().as_slice())).collect();
    assert_eq!(files, [("app.p12", &[0xff, 0][..]), ("tls.pem", b"certificate of dev")]);

    let without = load(place.project.path(), "shop", "dev", Access::Placeholders).unwrap();
    assert!(without.environment.secret_files["app.p12"].is_placeholder());
}

#[test]
fn the_same_attribute_in_clear_and_as_a_secret_is_an_error() {
    let place = Place::new();
    place.environment("prod", &format!("{HOSTS}[components.app]\na = 'x'\n"));
    place.set("components.app.a", "secret");
    let error = loaded(&place, "prod").unwrap_err();
    assert!(
        error.contains(
            ": `a` is a secret, and is set in clear at environments/prod/environment.toml:4:1\n  \
             hint: remove one of the two"
        ),
        "{error}"
    );
}

#[test]
fn a_host_or_component_that_only_secrets_name_is_an_error() {
    let place = Place::new();
    place.environment("prod", HOSTS);
    place.set("hosts.web3.data.a", "x");
    place.set("components.ap.a", "x");
    let error = loaded(&place, "prod").unwrap_err();
    assert!(
        error.contains(": the environment has no host `web3`\n  hint: did you mean `web1`?"),
        "{error}"
    );
    assert!(error.contains(": no host has component `ap`\n  hint: did you mean `app`?"), "{error}");
}

#[test]
fn all_that_cannot_be_decrypted_is_told_beside_other_mistakes() {
    let place = Place::new();
    place.environment("prod", "[hosts.web1]\ncomponents = ['app']\njobs = 0\n");
    place.set("components.app.a", "x");
    place.set("components.app.b", "y");
    for name in ["a", "b"] {
        place.write(&place.text().replace(&place.written(name), "broken"));
    }
    let error = loaded(&place, "prod").unwrap_err();
    for part in
        ["key `jobs`: 0 is less than 1", "decrypt `components.app.a`", "decrypt `components.app.b`"]
    {
        assert!(error.contains(part), "{part}: {error}");
    }
}

#[test]
fn placeholders_need_no_key() {
    let place = Place::new();
    place.environment("prod", HOSTS);
    place.set("components.app.a", "hidden");
    let path = place.project.path();
    let loaded = load(path, "shop", "prod", Access::Placeholders).unwrap();
    let value = loaded.environment.hosts["web1"].roots[0].attributes.get("a").unwrap();
    let ValueKind::Secret(secret) = &value.kind else { panic!("{value:?}") };
    assert!(secret.is_placeholder());
    let error = load(path, "shop", "prod", Access::With(&nobody())).unwrap_err();
    assert!(told(error).contains("cannot unlock the secrets of `prod`"));
}

#[test]
fn values_that_stand_in_clear_in_the_environment_are_found() {
    let place = Place::new();
    place.environment(
        "prod",
        "# key: swordfish\n[hosts.web1]\ndata.x = 'a swordfish'\ndata.y = 'sho'\n",
    );
    place.set("components.app.a", "swordfish\nsho");
    let file = place.file();
    let key = file.unlock(&place.identities()).unwrap();
    let found = place.store("prod").in_clear(&file.open_all(&key).unwrap()).unwrap();
    let places: Vec<_> = found
        .iter()
        .map(|problem| problem.origin.as_ref().map(|at| (at.line, at.column)))
        .collect();
    assert_eq!(places, [Some((1, 8)), Some((3, 13))]);
}
