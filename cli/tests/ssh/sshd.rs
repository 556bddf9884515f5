//! A real sshd at an address of its own.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use super::masters::{Process, processes};
use super::place::{Place, program};

const SSHD: &str = "/usr/sbin/sshd";

/// An sshd that ends with the test, however that ends.
pub struct Sshd {
    pub address: String,
    pub port: u16,
    pub key: String,
    supervisor: Child,
    pid: i32,
    log: Arc<Mutex<Vec<String>>>,
}

impl Sshd {
    /// An sshd with further options, known as `name` in the configuration of the place.
    pub fn start(place: &Place, name: &str, options: &str) -> Self {
        assert!(fs::exists(SSHD).unwrap(), "the tests need sshd: apt-get install openssh-server");
        // Where root starts it, it looks for this directory.
        drop(fs::create_dir("/run/sshd"));
        let key = place.make_key(&format!("{name}-host-key"));
        let key = key.split(' ').take(2).collect::<Vec<_>>().join(" ");
        let (address, port) = free_address();
        let path = |file: &str| place.path(file).display().to_string();
        let config = format!(
            "{options}\nListenAddress {address}:{port}\nHostKey {}\nAuthorizedKeysFile {}\n\
             PidFile none\nStrictModes no\nUsePAM no\nUseDNS no\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nPermitRootLogin yes\nPrintMotd no\n",
            path(&format!("{name}-host-key")),
            path("key.pub"),
        );
        let file = path(&format!("{name}-sshd_config"));
        fs::write(&file, config).unwrap();
        place.know(&address, port, &key);
        place.configure(&format!("Host {name}\n  HostName {address}\n  Port {port}\n"));

        // The shell ends sshd when its input ends, which the end of this process sees to.
        let script = "\"$@\" & echo \"pid $!\" >&2; read _; kill $!";
        let mut supervisor = program("sh")
            .args(["-c", script, "sh", SSHD, "-D", "-e", "-f", &file])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::<Mutex<Vec<String>>>::default();
        let lines = BufReader::new(supervisor.stderr.take().unwrap()).lines();
        let (tell, told) = mpsc::channel();
        let copy = Arc::clone(&log);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                copy.lock().unwrap().push(line.clone());
                // After the start nobody listens any more.
                drop(tell.send(line));
            }
        });
        let mut pid = None;
        for line in &told {
            pid = pid.or_else(|| line.strip_prefix("pid ")?.parse().ok());
            if line.starts_with("Server listening") {
                break;
            }
        }
        let pid = pid.filter(|_| log.lock().unwrap().iter().any(|line| line.contains("listening")));
        let pid = pid.unwrap_or_else(|| panic!("sshd did not start: {:?}", log.lock().unwrap()));
        Self { address, port, key, supervisor, pid, log }
    }

    /// How many logins there were.
    pub fn logins(&self) -> usize {
        self.count("Accepted publickey")
    }

    /// How many lines of the log have these words.
    pub fn count(&self, words: &str) -> usize {
        self.log.lock().unwrap().iter().filter(|line| line.contains(words)).count()
    }

    /// The processes that serve connections.
    pub fn sessions(&self) -> Vec<Process> {
        let all = processes();
        let mut found = Vec::new();
        let mut parents = vec![self.pid];
        while let Some(parent) = parents.pop() {
            let children = all.iter().filter(|process| process.parent() == Some(parent));
            for child in children {
                found.push(*child);
                parents.push(child.0);
            }
        }
        found
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        for session in self.sessions() {
            session.kill();
        }
        drop(self.supervisor.stdin.take());
        self.supervisor.wait().unwrap();
    }
}

/// An address where nothing listens. All of 127.0.0.0/8 is this machine.
pub fn free_address() -> (String, u16) {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let process = std::process::id();
    let address = format!(
        "127.{}.{}.{}",
        100 + process / 256 % 100,
        process % 256,
        NEXT.fetch_add(1, Ordering::Relaxed)
    );
    let port = TcpListener::bind((address.as_str(), 0)).unwrap().local_addr().unwrap().port();
    (address, port)
}
