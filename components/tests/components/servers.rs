//! Servers of others that tests start beside themselves, on loopback.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A server, which ends with this.
pub struct Process(Child);

impl Process {
    /// Starts it and waits until it takes connections at the port.
    #[track_caller]
    pub fn start(command: &mut Command, port: u16, package: &str) -> Self {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = quiet.spawn();
        let mut process = Self(child.unwrap_or_else(|error| {
            panic!("cannot start {command:?}, which {package} brings: {error}")
        }));
        process.wait_until_it_listens(port);
        process
    }

    #[track_caller]
    fn wait_until_it_listens(&mut self, port: u16) {
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(self.0.try_wait().unwrap().is_none(), "the server for {port} ended");
            assert!(start.elapsed() < Duration::from_secs(60), "nothing listens at {port}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that nobody listens at, and that the system gives nobody who wants any.
pub fn free_port() -> u16 {
    static TRIED: AtomicU32 = AtomicU32::new(0);
    loop {
        let tried = TRIED.fetch_add(1, Ordering::SeqCst);
        let port = 20_000 + (std::process::id().wrapping_mul(16).wrapping_add(tried)) % 10_000;
        let port = u16::try_from(port).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// What a server answers to curl, which must not fail.
#[track_caller]
pub fn curl(args: &[&str]) -> String {
    let ran = Command::new("curl").args(["-sS", "--fail-with-body"]).args(args).output().unwrap();
    let told = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{args:?}: {told}{}", String::from_utf8_lossy(&ran.stderr));
    told
}
