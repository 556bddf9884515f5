//! A slow line: a relay that passes on everything a while later.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::namespaces::Namespaces;

/// A relay in the network of the coordinator. Its connections end when it is dropped.
#[derive(Debug)]
pub(super) struct Relay {
    namespaces: Arc<Namespaces>,
    line: Arc<Line>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Line {
    from: SocketAddr,
    to: SocketAddr,
    /// Of one way.
    delay: Duration,
    has_ended: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
}

impl Relay {
    pub(super) fn start(
        namespaces: &Arc<Namespaces>,
        from: SocketAddr,
        to: SocketAddr,
        delay: Duration,
    ) -> Self {
        let line = Arc::new(Line {
            from,
            to,
            delay,
            has_ended: AtomicBool::new(false),
            streams: Mutex::default(),
        });
        let accepting = namespaces.enter_network(|| {
            let listener = TcpListener::bind(from).expect("the slow address is free");
            let line = Arc::clone(&line);
            thread::spawn(move || line.accept(&listener))
        });
        Self { namespaces: Arc::clone(namespaces), line, accepting: Some(accepting) }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.line.has_ended.store(true, Ordering::SeqCst);
        // A connection wakes the thread that waits for one. If there is none, it has ended.
        let woken = self.namespaces.enter_network(|| TcpStream::connect(self.line.from)).is_ok();
        if let Some(accepting) = self.accepting.take().filter(|_| woken) {
            // That it panicked is told by the panic itself.
            let _ = accepting.join();
        }
        for stream in self.line.streams.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // One that has ended cannot be shut down.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Line {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        while let Ok((near, _)) = listener.accept() {
            if self.has_ended.load(Ordering::SeqCst) {
                return;
            }
            let line = Arc::clone(self);
            thread::spawn(move || line.connect(&near));
        }
    }

    /// A host that does not answer ends the connection, as far as the other end can tell.
    fn connect(&self, near: &TcpStream) {
        // The handshake of the connection takes one round trip.
        wait_until_due(Instant::now() + 2 * self.delay);
        let Ok(far) = TcpStream::connect(self.to) else { return };
        for stream in [near, &far] {
            stream.set_nodelay(true).expect("a socket can be set up");
            let kept = stream.try_clone().expect("a socket can be shared");
            self.streams.lock().unwrap_or_else(PoisonError::into_inner).push(kept);
        }
        if self.has_ended.load(Ordering::SeqCst) {
            return;
        }
        thread::scope(|scope| {
            for (from, to) in [(near, &far), (&far, near)] {
                let (sender, receiver) = mpsc::channel();
                scope.spawn(move || self.take_in(from, &sender));
                scope.spawn(move || pass_on(&receiver, to));
            }
        });
    }

    fn take_in(&self, mut from: &TcpStream, sender: &Sender<(Instant, Vec<u8>)>) {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            // A connection that breaks ends like one that is closed.
            let length = from.read(&mut buffer).unwrap_or(0);
            let due = Instant::now() + self.delay;
            if sender.send((due, buffer[..length].to_vec())).is_err() || length == 0 {
                return;
            }
        }
    }
}

/// Writes what has come in when it is due, and closes the other end after the last of it.
fn pass_on(receiver: &Receiver<(Instant, Vec<u8>)>, mut to: &TcpStream) {
    for (due, bytes) in receiver {
        wait_until_due(due);
        if bytes.is_empty() || to.write_all(&bytes).is_err() {
            break;
        }
    }
    // One that has ended cannot be shut down.
    let _ = to.shutdown(Shutdown::Write);
}

fn wait_until_due(due: Instant) {
    thread::sleep(due.saturating_duration_since(Instant::now()));
}
