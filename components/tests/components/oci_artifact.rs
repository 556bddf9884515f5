//! Artifacts, from a real registry: docker-registry of Debian.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use togusa_components::prelude::*;
use togusa_core::digest::Digest;
use togusa_core::prelude::*;
use togusa_core::testing::{Answer, Fake};

use crate::Bench;
use crate::download::again_without;
use crate::server::Server;
use crate::servers::{Process, curl, free_port};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const NAME: &str = "team/tool";
/// Its hash is that of bcrypt, the only one that the registry takes.
const PASSWORD: &str = "correct horse";
const HTPASSWD: &str = "deploy:$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2\n";

/// Whom a registry lets in.
enum Auth<'a> {
    Everybody,
    Password,
    /// Who has a token of the server at that address.
    Token(&'a str),
}

struct Registry {
    address: String,
    directory: TempDir,
    /// What shows curl who asks.
    login: Vec<String>,
    _process: Process,
}

impl Registry {
    fn start(auth: Auth<'_>) -> Self {
        let directory = TempDir::new().unwrap();
        let at = |name: &str| directory.path().join(name);
        let (port, mut login) = (free_port(), Vec::new());
        let auth = match auth {
            Auth::Everybody => String::new(),
            Auth::Password => {
                fs::write(at("htpasswd"), HTPASSWD).unwrap();
                login = vec!["--user".to_owned(), format!("deploy:{PASSWORD}")];
                let path = at("htpasswd").display().to_string();
                format!("auth: {{htpasswd: {{realm: tested, path: {path}}}}}\n")
            }
            Auth::Token(realm) => {
                login =
                    vec!["-H".to_owned(), format!("Authorization: Bearer {}", token(&directory))];
                let roots = at("cert.pem").display().to_string();
                format!(
                    "auth: {{token: {{realm: '{realm}', service: 'the registry', issuer: tested, \
                     rootcertbundle: {roots}}}}}\n"
                )
            }
        };
        let storage = at("storage").display().to_string();
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nhttp: {{addr: '127.0.0.1:{port}'}}\n\
             storage: {{filesystem: {{rootdirectory: {storage}}}}}\n{auth}"
        );
        fs::write(at("config.yml"), config).unwrap();
        let mut registry = Command::new("docker-registry");
        registry.arg("serve").arg(at("config.yml"));
        let process = Process::start(&mut registry, port, "the package `docker-registry`");
        Self { address: format!("127.0.0.1:{port}"), directory, login, _process: process }
    }

    fn curl(&self, args: &[&str]) -> String {
        let login: Vec<_> = self.login.iter().map(String::as_str).collect();
        curl(&[&login[..], args].concat())
    }

    fn push_blob(&self, content: &[u8]) -> String {
        let file = self.directory.path().join("blob");
        fs::write(&file, content).unwrap();
        let uploads = format!("http://{}/v2/{NAME}/blobs/uploads/", self.address);
        let begun = self.curl(&["-i", "-X", "POST", &uploads]);
        let place = begun.lines().find_map(|line| line.strip_prefix("Location: ")).unwrap();
        let url = format!("{}&digest=sha256:{}", place.trim(), Digest::of(content));
        let data = format!("@{}", file.display());
        self.curl(&[
            "-X",
            "PUT",
            "-H",
            "Content-Type: application/octet-stream",
            "--data-binary",
            &data,
            &url,
        ]);
        let (digest, size) = (Digest::of(content), content.len());
        format!("\"digest\": \"sha256:{digest}\", \"size\": {size}")
    }

    /// Pushes layers with their titles, as `oras` does; gives the reference.
    fn push(&self, layers: &[(&str, &[u8])]) -> String {
        let config = self.push_blob(b"{}");
        let layers: Vec<_> = layers
            .iter()
            .map(|(title, content)| {
                let blob = self.push_blob(content);
                let title = match *title {
                    "" => String::new(),
                    title => format!(
                        ", \"annotations\": {{\"org.opencontainers.image.title\": \"{title}\"}}"
                    ),
                };
                format!(
                    "{{\"mediaType\": \"application/vnd.oci.image.layer.v1.tar\", {blob}{title}}}"
                )
            })
            .collect();
        self.push_manifest(MANIFEST, &format!(
            "{{\"schemaVersion\": 2, \"mediaType\": \"{MANIFEST}\", \"config\": {{\"mediaType\": \
             \"application/vnd.oci.empty.v1+json\", {config}}}, \"layers\": [{}]}}",
            layers.join(", ")
        ))
    }

    fn push_manifest(&self, media_type: &str, manifest: &str) -> String {
        let url = format!("http://{}/v2/{NAME}/manifests/latest", self.address);
        let header = format!("Content-Type: {media_type}");
        self.curl(&["-X", "PUT", "-H", &header, "--data-binary", manifest, &url]);
        self.reference(manifest.as_bytes())
    }

    fn reference(&self, manifest: &[u8]) -> String {
        format!("{}/{NAME}@sha256:{}", self.address, Digest::of(manifest))
    }

    /// Where the registry keeps a blob.
    fn blob(&self, content: &[u8]) -> PathBuf {
        let digest = Digest::of(content).to_string();
        let blobs = "storage/docker/registry/v2/blobs/sha256";
        self.directory.path().join(blobs).join(&digest[..2]).join(digest).join("data")
    }
}

/// A token that lets in, signed with a key which the registry trusts by its certificate.
fn token(directory: &TempDir) -> String {
    let script = r#"set -e
        openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=tested -days 2 -keyout key.pem -out cert.pem 2>/dev/null
        url() { base64 -w0 | tr '+/' '-_' | tr -d '='; }
        now=$(date +%s)
        cert=$(openssl x509 -in cert.pem -outform DER | base64 -w0)
        head=$(printf '{"typ": "JWT", "alg": "RS256", "x5c": ["%s"]}' "$cert" | url)
        access='[{"type": "repository", "name": "team/tool", "actions": ["pull", "push"]}]'
        body=$(printf '{"iss": "tested", "sub": "deploy", "aud": "the registry", "exp": %s, "nbf": %s, "iat": %s, "jti": "1", "access": %s}' $((now + 3600)) $((now - 60)) $now "$access" | url)
        printf %s "$head.$body.$(printf %s "$head.$body" | openssl dgst -sha256 -sign key.pem | url)""#;
    let ran = Command::new("bash").args(["-c", script]).current_dir(directory.path()).output();
    let ran = ran.unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

/// Sets that the root has one artifact.
fn set(test: &Bench, make: impl Fn() -> OciArtifact + Send + Sync + 'static) {
    test.set_model(move |scope| {
        scope.add(make().plain_http().retries(0));
        Ok(())
    });
}

fn in_directory(test: &Bench, reference: &str) {
    let reference = reference.to_owned();
    set(test, move || OciArtifact::new(&*reference, "d").mode(0o640).owner("root").group("root"));
}

fn short(reference: &str) -> &str {
    &reference[..reference.find("@sha256:").unwrap() + 20]
}

fn listed(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn files_are_laid_down_and_every_drift_is_mended_without_what_is_there() {
    let registry = Registry::start(Auth::Everybody);
    let first =
        registry.push(&[("a", b"one"), ("sub/b", b"two"), ("same", b"one"), ("empty", b"")]);
    let test = Bench::new();
    in_directory(&test, &first);
    let created = test.converge();
    let expected =
        format!("+ create what `{}` holds (mode 0640, owner root, group root)", short(&first));
    assert_eq!(created, [expected]);
    assert_eq!(listed(&test.path("d")), ["a", "empty", "same", "sub"]);
    assert_eq!([test.read("d/a"), test.read("d/sub/b"), test.read("d/empty")], ["one", "two", ""]);
    assert_eq!((test.mode("d/a"), test.mode("d/sub/b")), (0o640, 0o640));
    assert_eq!(listed(&test.path(".togusa")).len(), 1, "something of the fetch is left");

    test.set_mode("d/a", 0o600);
    assert_eq!(test.converge(), ["~ mode of `a` 0600 → 0640"]);
    chown(test.path("d/sub/b"), Some(12), Some(34)).unwrap();
    let changes = test.converge();
    assert!(changes.len() == 2 && changes[0].contains("owner of `sub/b`"), "{changes:?}");
    fs::write(test.path("d/a"), "mine").unwrap();
    let changes = test.converge();
    assert!(changes.len() == 1 && changes[0].starts_with("~ sha256 of `a` "), "{changes:?}");
    fs::remove_file(test.path("d/a")).unwrap();
    fs::create_dir(test.path("d/a")).unwrap();
    let changes = test.converge();
    assert!(changes.len() == 2 && changes[0].starts_with("- remove directory `a`"), "{changes:?}");
    fs::remove_dir_all(test.path("d")).unwrap();
    assert_eq!(test.converge().len(), 4);
    assert_eq!([test.read("d/a"), test.read("d/sub/b")], ["one", "two"]);

    // Another digest brings other files, and takes those that are not in it any more.
    fs::write(test.path("d/own"), "kept").unwrap();
    let second = registry.push(&[("a", b"three"), ("c", b"four")]);
    in_directory(&test, &second);
    let changes = test.converge();
    assert!(changes.len() == 1 && changes[0].starts_with("~ digest "), "{changes:?}");
    assert_eq!(listed(&test.path("d")), ["a", "c", "own"]);
    assert_eq!(test.read("d/a"), "three");

    // What a title names and somebody else keeps there is not lost for it.
    fs::create_dir(test.path("d/uploads")).unwrap();
    let third = registry.push(&[("a", b"three"), ("uploads", b"x")]);
    in_directory(&test, &third);
    let failure = test.failure();
    assert!(failure.contains("d/uploads` is a directory"), "{failure}");
    assert!(test.path("d/uploads").is_dir() && test.exists("d/c"));
    fs::remove_dir(test.path("d/uploads")).unwrap();
    in_directory(&test, &second);

    // From here on no registry is needed.
    drop(registry);
    assert_eq!(test.converge(), [""; 0]);
    let reference = second.clone();
    set(&test, move || OciArtifact::new(&*reference, "d").absent());
    assert_eq!(test.converge(), ["- remove file `a`", "- remove file `c`"]);
    assert_eq!(listed(&test.path("d")), ["own"]);
    assert!(listed(&test.path(".togusa")).is_empty());
}

#[test]
fn one_layer_is_a_file() {
    let registry = Registry::start(Auth::Everybody);
    let several = registry.push(&[("amd64", b"for amd64"), ("arm64", b"for arm64")]);
    let single = registry.push(&[("", b"without a title")]);
    let test = Bench::new();
    let reference = several.clone();
    set(&test, move || OciArtifact::file(&*reference, "f").layer("arm64").mode(0o755));
    test.converge();
    assert_eq!((test.read("f"), test.mode("f")), ("for arm64".to_owned(), 0o755));
    let reference = several.clone();
    set(&test, move || OciArtifact::file(&*reference, "f").layer("amd64").mode(0o755));
    assert!(test.converge()[0].starts_with("~ sha256 "));
    assert_eq!(test.read("f"), "for amd64");
    let reference = single.clone();
    set(&test, move || OciArtifact::file(&*reference, "f"));
    test.converge();
    assert_eq!(test.read("f"), "without a title");
    // The same place as a directory, and as a file again.
    let reference = several.clone();
    set(&test, move || OciArtifact::new(&*reference, "f"));
    test.converge();
    assert_eq!(listed(&test.path("f")), ["amd64", "arm64"]);
    let reference = single.clone();
    set(&test, move || OciArtifact::file(&*reference, "f"));
    test.converge();
    set(&test, move || OciArtifact::file(&*single, "f").absent());
    assert_eq!(test.converge(), ["- remove file"]);
    fs::create_dir(test.path("f")).unwrap();
    assert!(test.failure().contains("is no file"));
    assert!(test.exists("f"));

    let reference = several.clone();
    set(&test, move || OciArtifact::file(&*reference, "g"));
    let failure = test.failure();
    assert!(failure.contains("2 of its layers fit"), "{failure}");
    assert!(failure.contains("titles are: amd64, arm64"), "{failure}");
}

#[test]
fn what_is_not_the_artifact_never_takes_its_place() {
    let registry = Registry::start(Auth::Everybody);
    let reference = registry.push(&[("a", b"one"), ("b", b"two")]);
    let untitled = registry.push(&[("", b"layer")]);
    let test = Bench::new();
    fs::create_dir_all(test.path("d")).unwrap();
    fs::write(test.path("d/a"), "old").unwrap();
    // The registry's disk is broken.
    fs::write(registry.blob(b"two"), "tow").unwrap();
    in_directory(&test, &reference);
    let failure = test.failure();
    assert!(failure.contains("the file has the SHA-256 checksum"), "{failure}");
    assert!(failure.contains("cannot fetch the layer sha256:"), "{failure}");
    assert_eq!(
        (test.read("d/a"), listed(&test.path("d"))),
        ("old".to_owned(), vec!["a".to_owned()])
    );

    let list = format!(
        "{{\"schemaVersion\": 2, \"mediaType\": \"application/vnd.oci.image.index.v1+json\", \
         \"manifests\": [{{\"mediaType\": \"{MANIFEST}\", \"digest\": \"{}\", \"size\": 1, \
         \"platform\": {{\"os\": \"linux\", \"architecture\": \"arm64\"}}}}]}}",
        untitled.split_once('@').unwrap().1
    );
    let index = registry.push_manifest("application/vnd.oci.image.index.v1+json", &list);
    for (reference, says, hint) in [
        (
            registry.reference(b"nothing"),
            "the registry has no `127.0.0.1:",
            "look at name and digest",
        ),
        (untitled, "none of its layers has a title", "`OciArtifact::file(…)`"),
        (index, "that of a list of artifacts", "for linux/arm64"),
    ] {
        in_directory(&test, &reference);
        let failure = test.failure();
        assert!(failure.contains(says) && failure.contains(hint), "{failure}");
        assert_eq!(test.read("d/a"), "old");
    }
    let failure = {
        let reference = reference.clone();
        test.set_model(move |scope| {
            scope.add(OciArtifact::new(&*reference, "d"));
            Ok(())
        });
        test.failure()
    };
    assert!(
        failure.contains("a registry without TLS") && failure.contains("`.plain_http()`"),
        "{failure}"
    );
}

#[test]
fn what_is_no_registry_is_told() {
    let server = Server::new(b"<html>welcome</html>");
    let address = server.url.strip_prefix("http://").unwrap().strip_suffix("/file").unwrap();
    let reference = format!("{address}/{NAME}@sha256:{}", Digest::of(b"x"));
    let test = Bench::new();
    in_directory(&test, &reference);
    for (refusal, says) in [
        (None, "is no registry: it answers something else than a manifest"),
        (Some("404 Not Found"), "is no registry: it answers 404"),
        (Some("401 Unauthorized"), "is no registry: it answers 401 and not how to log in"),
        (Some("403 Forbidden"), "the registry refuses to give it: it answers 403"),
        (Some("503 Busy"), "the registry answers 503"),
    ] {
        server.set(|site| site.refusal = refusal);
        let failure = test.failure();
        assert!(failure.contains(says), "{failure}");
        assert!(failure.contains("cannot fetch `"), "{failure}");
        assert!(!test.exists("d"));
    }
    server.set(|site| (site.refusal, site.content) = (None, b"{\"layers\": []}".to_vec()));
    let failure = test.failure();
    assert!(failure.contains("the manifest has the digest sha256:"), "{failure}");
}

/// A root that logs in with a secret among the host's data.
fn with_login(test: Bench, reference: &str, password: &str) -> Bench {
    let reference = reference.to_owned();
    let test = test.data("password", Secret::new(password)).model(move |scope| {
        let password: Secret = scope.data("password")?.context("no password")?;
        let artifact = OciArtifact::new(&*reference, "d").plain_http().retries(0);
        scope.add(artifact.login("deploy", password));
        Ok(())
    });
    test.fake(Fake::new("curl").otherwise(Answer::real()))
}

#[test]
fn a_password_lets_in_and_stands_on_no_command_line() {
    let registry = Registry::start(Auth::Password);
    let reference = registry.push(&[("a", b"one")]);
    let test = Bench::new();
    in_directory(&test, &reference);
    let failure = test.failure();
    assert!(failure.contains("the registry wants to know who asks"), "{failure}");
    assert!(failure.contains("`.login(…)`"), "{failure}");

    let wrong = with_login(Bench::new(), &reference, "incorrect donkey");
    let failure = wrong.failure();
    assert!(failure.contains("refuses to give it: UNAUTHORIZED"), "{failure}");
    assert!(failure.contains("look at user and password"), "{failure}");

    let test = with_login(Bench::new(), &reference, PASSWORD);
    let run = test.deploy();
    run.assert_success();
    assert!(!format!("{run:?}").contains(PASSWORD), "{run:?}");
    let calls = test.new_calls("curl");
    assert!(calls.iter().all(|call| call == "curl -K -"), "{calls:?}");
    assert_eq!((test.read("d/a"), calls.len()), ("one".to_owned(), 3));
    assert_eq!(test.converge(), [""; 0]);
    assert!(test.new_calls("curl").is_empty());
    // The manifest is known, and still the layer needs the password.
    fs::remove_file(test.path("d/a")).unwrap();
    assert_eq!(test.converge(), ["+ create file `a`"]);
}

#[test]
fn a_registry_that_wants_a_token_gets_one() {
    let tokens = Server::new(b"");
    let registry = Registry::start(Auth::Token(&tokens.url));
    let reference = registry.push(&[("a", b"one"), ("b", b"two")]);
    let bearer = registry.login[1].strip_prefix("Authorization: Bearer ").unwrap().to_owned();
    tokens.set(|site| site.content = format!("{{\"token\": \"{bearer}\"}}").into_bytes());
    let test = with_login(Bench::new(), &reference, PASSWORD);
    let run = test.deploy();
    run.assert_success();
    assert_eq!([test.read("d/a"), test.read("d/b")], ["one", "two"]);
    assert!(!format!("{run:?}").contains(&bearer), "the token is shown");
    assert!(test.new_calls("curl").iter().all(|call| call == "curl -K -"));
    let asked = tokens.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    let query = "scope=repository%3Ateam%2Ftool%3Apull&service=the%20registry";
    assert!(asked[0].starts_with(&format!("GET /file?{query} ")), "{asked:?}");
    // `deploy:correct horse`
    assert!(asked[0].contains("Authorization: Basic ZGVwbG95OmNvcnJlY3QgaG9yc2U="), "{asked:?}");

    for (content, refusal, says) in [
        ("{}", None, "there is no token in the answer"),
        ("{\"access_token\": \"none\"}", None, "the registry refuses to give it: "),
        ("", Some("401 Unauthorized"), "the registry gives no token: `http://"),
    ] {
        tokens.set(|site| {
            site.content = content.as_bytes().to_vec();
            site.refusal = refusal;
        });
        let failure = with_login(Bench::new(), &reference, PASSWORD).failure();
        assert!(failure.contains(says), "{failure}");
    }
}

#[test]
fn what_cannot_be_meant_is_a_model_error() {
    let problems = |make: fn() -> OciArtifact| {
        let test = Bench::new().model(move |scope| {
            scope.add(make());
            Ok(())
        });
        test.problems()
    };
    let tag = problems(|| OciArtifact::new("ghcr.io/o/tool:1.2", "d"));
    assert!(tag.contains("names no artifact by its SHA-256 digest"), "{tag}");
    assert!(tag.contains("`oras resolve`"), "{tag}");
    let login = problems(|| {
        let reference = format!("ghcr.io/o/tool@sha256:{}", Digest::of(b"x"));
        OciArtifact::new(reference, "d").login("a:b", "c")
    });
    assert!(login.contains("the name of a user has no `:`"), "{login}");
}

#[test]
fn without_curl_it_is_said_what_is_missing() {
    if std::env::var_os("TESTED_WITHOUT").is_none() {
        let name = "oci_artifact::without_curl_it_is_said_what_is_missing";
        return again_without("curl", name);
    }
    let test = Bench::new();
    in_directory(&test, &format!("localhost:1/{NAME}@sha256:{}", Digest::of(b"x")));
    let failure = test.failure();
    assert!(failure.contains("there is no program `curl`"), "{failure}");
    assert!(failure.contains("install the package `curl`"), "{failure}");
}

#[test]
fn a_broken_curl_is_told_with_its_own_words() {
    let said = "curl: error while loading shared libraries: libcurl.so.4\n";
    let reference = format!("localhost:1/{NAME}@sha256:{}", Digest::of(b"x"));
    let test = Bench::new().fake(Fake::new("curl").otherwise(Answer::exit(127).stderr(said)));
    in_directory(&test, &reference);
    let failure = test.failure();
    assert!(failure.contains(said.trim()) && failure.contains("127"), "{failure}");
    let object = move || S3Object::new("b", "k", "f").anonymous().without_checksum();
    test.set_model(move |scope| {
        scope.add(object());
        Ok(())
    });
    let failure = test.failure();
    assert!(failure.contains(said.trim()) && failure.contains("127"), "{failure}");
}
