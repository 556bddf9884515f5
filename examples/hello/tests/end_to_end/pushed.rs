//! The program as an agent in the store of a host, which a local shell stands for.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;
use togusa::agents::AgentBinary;
use togusa::core::digest::Digest;
use togusa::push::{Start, converse, start_command, tag};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hello");
const PATIENCE: Duration = Duration::from_secs(60);

static AGENT: LazyLock<Arc<AgentBinary>> = LazyLock::new(|| {
    let program = fs::read(PROGRAM).unwrap();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&program).unwrap();
    Arc::new(AgentBinary {
        digest: Digest::of(&program).to_string(),
        target: "this".into(),
        size: program.len() as u64,
        compressed: gzip.finish().unwrap(),
        build: "this".into(),
    })
});

struct Host {
    home: TempDir,
}

/// How an agent was started and ended.
struct Ended {
    /// The first frame that it sent.
    hello: String,
    pushed: bool,
    code: Option<i32>,
    words: String,
}

impl Host {
    fn new() -> Self {
        Self { home: TempDir::new().unwrap() }
    }

    fn store(&self) -> PathBuf {
        self.home.path().join(".cache/togusa/agents/hello")
    }

    /// Starts the agent, hears its first frame and hangs up.
    #[expect(clippy::result_large_err, reason = "the closure's type is the one of the library")]
    fn start(&self, replace: bool) -> Ended {
        let start = Start {
            tag: tag().unwrap(),
            digest: AGENT.digest.clone(),
            store: "~/.cache/togusa".into(),
            user: None,
            project: "hello".into(),
            replace,
        };
        let mut child: Child = Command::new("sh")
            .args(["-c", &start_command(&start)])
            .env("HOME", self.home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (reader, writer) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
        let mut pushed = false;
        let mut binary = |_: &_| {
            pushed = true;
            Ok(Arc::clone(&AGENT))
        };
        let streams =
            converse(&start.tag, reader, writer, PATIENCE, &mut binary, &mut |_| {}).unwrap();
        let hello = first_frame(streams.0);
        drop(streams.1);
        let output = child.wait_with_output().unwrap();
        let words = String::from_utf8(output.stderr).unwrap();
        Ended { hello, pushed, code: output.status.code(), words }
    }
}

/// The text of the first frame; nothing if the stream ends before.
fn first_frame(mut reader: impl std::io::Read) -> String {
    let mut header = [0; 5];
    if reader.read_exact(&mut header).is_err() {
        return String::new();
    }
    let length = u32::from_be_bytes([header[0], header[1], header[2], header[3]]);
    let mut text = String::new();
    reader.take(length.into()).read_to_string(&mut text).unwrap();
    text
}

fn aged(path: &Path, hours: u64) {
    let file = File::options().create(true).append(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(hours * 60 * 60)).unwrap();
}

#[test]
fn a_pushed_agent_says_hello_and_is_there_the_next_time() {
    let host = Host::new();
    let first = host.start(false);
    assert!(first.pushed);
    assert!(first.hello.contains("\"build\""), "{}: {}", first.hello, first.words);
    let second = host.start(false);
    assert!(!second.pushed);
    assert_eq!(second.hello, first.hello);
}

#[test]
fn a_damaged_agent_ends_before_its_first_word_and_is_replaced() {
    let host = Host::new();
    host.start(false);
    // What follows the program does not keep it from running.
    let place = host.store().join(&AGENT.digest);
    File::options().append(true).open(&place).unwrap().write_all(b"more").unwrap();
    let damaged = host.start(false);
    assert_eq!((damaged.hello.as_str(), damaged.code), ("", Some(82)), "{}", damaged.words);
    let expected = format!(
        "error[T0431]: the agent is damaged: it is {}",
        Digest::of(&fs::read(&place).unwrap())
    );
    assert!(damaged.words.starts_with(&expected), "{}", damaged.words);

    let replaced = host.start(true);
    assert!(replaced.pushed);
    assert!(replaced.hello.contains("\"build\""), "{}", replaced.words);
    assert_eq!(fs::read(&place).unwrap(), fs::read(PROGRAM).unwrap());
}

#[test]
fn a_truncated_agent_is_replaced() {
    let host = Host::new();
    host.start(false);
    let place = host.store().join(&AGENT.digest);
    File::options().write(true).open(&place).unwrap().set_len(AGENT.size / 2).unwrap();
    let truncated = host.start(false);
    assert_eq!(truncated.hello, "");
    assert!(host.start(true).hello.contains("\"build\""));
}

#[test]
fn an_agent_that_starts_removes_what_nobody_uses() {
    let host = Host::new();
    host.start(false);
    let store = host.store();
    let [old, older, upload] = ["a".repeat(64), "b".repeat(64), ".push-1".into()];
    for (name, hours) in [(&old, 2), (&older, 3), (&upload, 25), (&AGENT.digest, 900)] {
        aged(&store.join(name), hours);
    }
    host.start(false);
    let mut kept: Vec<_> =
        fs::read_dir(&store).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    kept.sort();
    let seal = format!(".checked-{}", AGENT.digest);
    let mut expected = [old.as_str(), &AGENT.digest, &seal];
    expected.sort();
    assert_eq!(kept, expected);
    let used = fs::metadata(store.join(&AGENT.digest)).unwrap().modified().unwrap();
    let hour = Duration::from_secs(60 * 60);
    assert!(SystemTime::now() - hour < used, "its own use is not noted: {used:?}");
}

#[test]
fn a_store_that_cannot_be_tidied_up_is_no_obstacle() {
    let host = Host::new();
    host.start(false);
    // What is named as a binary and is none.
    fs::create_dir(host.store().join("c".repeat(64))).unwrap();
    fs::create_dir(host.store().join("d".repeat(64))).unwrap();
    for name in ["c", "d"] {
        let directory = File::open(host.store().join(name.repeat(64))).unwrap();
        directory.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    }
    assert!(host.start(false).hello.contains("\"build\""));
}
