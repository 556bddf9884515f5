//! A real nginx and HAProxy before applications that are rolled, while clients ask all the time.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use togusa_core::event::Event;
use togusa_tests::lab::Host;

use crate::site::Site;
use crate::{Subject, wait_until};

const APPLICATIONS: [&str; 3] = ["app1", "app2", "app3"];

/// The applications in a version, and a balancer before them.
fn set(site: &Site<'_>, version: &str, balancer: &str) {
    let ports = APPLICATIONS
        .iter()
        .zip(8121..)
        .map(|(host, port)| format!("[hosts.{host}.attributes.application]\nport = {port}\n\n"));
    let ports: String = ports.collect();
    site.write(&format!(
        "[hosts.'app[1-3]']\ncomponents = ['application']\n\n{ports}\
         [hosts.lb]\ncomponents = ['balancer']\n\n\
         [components.application]\nversion = '{version}'\n\n\
         [components.balancer]\nlisten = 8120\n{balancer}\n\
         [rollout.application]\nbatch = 1\nminimum_up = 2\nsettle = '300ms'\ntimeout = '30s'\n"
    ));
}

/// What clients got while something was done: for each request the version that answered, or what
/// went wrong.
#[derive(Default)]
struct Load {
    got: Mutex<Vec<Result<String, String>>>,
    is_over: AtomicBool,
}

impl Load {
    /// Asks on a host all the time while something is done there.
    fn during<T>(host: &Host, done: impl FnOnce() -> T) -> (T, Vec<Result<String, String>>) {
        let load = Self::default();
        let value = thread::scope(|scope| {
            for keeps in [false, false, true] {
                let load = &load;
                scope.spawn(move || host.inside(|| load.ask(keeps)));
            }
            let value = std::panic::catch_unwind(std::panic::AssertUnwindSafe(done));
            load.is_over.store(true, Ordering::Relaxed);
            value
        });
        let got = load.got.into_inner().unwrap();
        (value.unwrap_or_else(|panic| std::panic::resume_unwind(panic)), got)
    }

    /// Asks over one connection for each request, or keeps connections as long as they last.
    fn ask(&self, keeps: bool) {
        let mut kept = None;
        while !self.is_over.load(Ordering::Relaxed) {
            let got = request(&mut kept, keeps);
            self.got.lock().unwrap().push(got);
        }
    }
}

fn request(kept: &mut Option<BufReader<TcpStream>>, keeps: bool) -> Result<String, String> {
    if let Some(stream) = kept.take() {
        match answer(stream, keeps) {
            // A connection that was idle may be closed, and is then opened again.
            Err(error) if error == CLOSED => {}
            answered => {
                return answered.map(|(version, stream)| {
                    *kept = stream;
                    version
                });
            }
        }
    }
    let connected =
        TcpStream::connect("127.0.0.1:8120").map_err(|error| format!("connect: {error}"));
    let (version, stream) = answer(BufReader::new(connected?), keeps)?;
    *kept = stream;
    Ok(version)
}

/// Closed before a byte of an answer came.
const CLOSED: &str = "closed";

type Answered = (String, Option<BufReader<TcpStream>>);

fn answer(mut stream: BufReader<TcpStream>, keeps: bool) -> Result<Answered, String> {
    let connection = if keeps { "keep-alive" } else { "close" };
    let request = format!("GET / HTTP/1.1\r\nHost: x\r\nConnection: {connection}\r\n\r\n");
    stream.get_ref().set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    if stream.get_mut().write_all(request.as_bytes()).is_err() {
        return Err(CLOSED.to_owned());
    }
    let (mut status, mut length, mut stays) = (String::new(), None, keeps);
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => CLOSED.to_owned(),
        _ => format!("read: {error}"),
    };
    if stream.read_line(&mut status).map_err(failed)? == 0 {
        return Err(CLOSED.to_owned());
    }
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).map_err(|error| format!("head: {error}"))?;
        let line = line.trim_end().to_ascii_lowercase();
        match line.split_once(": ") {
            Some(("content-length", value)) => length = value.parse::<usize>().ok(),
            Some(("connection", "close")) => stays = false,
            _ if line.is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length.ok_or_else(|| format!("no length: {status}"))?];
    stream.read_exact(&mut body).map_err(|error| format!("body: {error}"))?;
    let body = String::from_utf8(body).map_err(|error| error.to_string())?;
    let version = body.split(' ').next().unwrap_or_default().to_owned();
    match status.starts_with("HTTP/1.1 200 ") && body.ends_with(" end\n") {
        true => Ok((version, stays.then_some(stream))),
        false => Err(format!("{status}{body}")),
    }
}

/// Nothing failed, and both versions answered.
#[track_caller]
fn assert_served(got: &[Result<String, String>], versions: [&str; 2]) {
    let failed: Vec<_> = got.iter().filter_map(|got| got.as_ref().err()).collect();
    assert!(failed.is_empty(), "{} of {} failed: {failed:#?}", failed.len(), got.len());
    for version in versions {
        let answered = got.iter().flatten().filter(|got| *got == version).count();
        assert!(answered > 5, "{version} answered {answered} of {} times", got.len());
    }
}

/// No application was asked anything while it was out of use.
#[track_caller]
fn assert_quiet(host: &Host, environment: &str, application: &str) {
    let work = format!("~/deployment/library/{environment}/{application}/work/application");
    let [before, after] = ["before", "after"].map(|file| host.read(&format!("{work}/{file}")));
    assert_eq!(before, after, "{application} was asked while it was out of use");
    assert_ne!(before.trim(), "0", "{application} was never asked");
}

/// The instances that were taken out of use, and those that were put back.
fn told(events: &[Event]) -> [Vec<String>; 2] {
    let (mut drained, mut restored) = (Vec::new(), Vec::new());
    for event in events {
        match event {
            Event::Drained { instances, .. } => {
                drained.extend(instances.iter().map(ToString::to_string));
            }
            Event::Restored { instances, .. } => {
                restored.extend(instances.iter().map(ToString::to_string));
            }
            _ => {}
        }
    }
    [drained, restored]
}

fn nginx() -> Subject {
    let here = Subject::start();
    here.host().sh("rm -f /etc/nginx/sites-enabled/*; nginx");
    here
}

const ALL: [&str; 3] = ["application@app1", "application@app2", "application@app3"];

#[test]
fn nginx_takes_servers_out_of_use_without_a_failed_request() {
    let here = nginx();
    let host = here.host();
    let site = here.site("rolled");
    set(&site, "v1", "");
    site.deploy().expect(0);
    let path = "/etc/nginx/sites-available/shop";
    let text = host.read(path);
    assert!(text.contains("server 127.0.0.1:8121;\n"), "{text}");

    set(&site, "v2", "");
    let (rolled, got) = Load::during(host, || site.deploy().expect(0));
    assert_served(&got, ["v1", "v2"]);
    assert_eq!(told(&rolled.events), [ALL, ALL]);
    APPLICATIONS.iter().for_each(|application| assert_quiet(host, "rolled", application));
    assert_eq!(host.read(path), text);
    assert!(site.deploy().expect(0).differences().is_empty());

    // What does not end is waited for only so long.
    let endless: Vec<_> = (0..6).map(|_| host.inside(endless)).collect();
    set(&site, "v3", "drain_timeout = 300\n");
    let rolled = site.deploy().expect(0);
    let output = rolled.events.iter().filter_map(|event| match event {
        Event::Output { text, .. } if text.contains("taken out of use") => Some(text.as_str()),
        _ => None,
    });
    let output: Vec<_> = output.collect();
    let open = " still open after 0.3 s to what is taken out of use: 127.0.0.1:812";
    assert!(output.len() == 3 && output.iter().all(|told| told.contains(open)), "{output:?}");
    drop(endless);
}

/// A request that takes for ever, once its answer has begun.
fn endless() -> TcpStream {
    let mut stream = TcpStream::connect("127.0.0.1:8120").unwrap();
    stream.write_all(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut byte = [0];
    stream.read_exact(&mut byte).unwrap();
    stream
}

#[test]
fn a_drain_that_was_killed_before_the_reload_is_made_good_by_the_next_run() {
    let here = nginx();
    let host = here.host();
    let site = here.site("killed");
    set(&site, "v1", "");
    site.deploy().expect(0);
    // The test of the whole configuration comes right before the reload.
    host.write(
        "/usr/local/sbin/nginx",
        "#!/bin/sh\nif [ \"$*\" = '-c /etc/nginx/nginx.conf -q -t' ] && [ -e /srv/gate ]; then\n\
         touch /srv/reached\nwhile [ -e /srv/gate ]; do sleep 0.05; done\nfi\n\
         exec /usr/sbin/nginx \"$@\"\n",
    );
    host.sh("chmod 755 /usr/local/sbin/nginx; touch /srv/gate");
    set(&site, "v2", "");
    let deployment = site.command("deploy killed --json").spawn();
    wait_until("the reload", || host.exists("/srv/reached"));
    for process in host.processes_with("library-subject") {
        // It may have ended with one before it.
        let _ = kill(Pid::from_raw(process.pid), Signal::SIGKILL);
    }
    deployment.wait();
    host.sh("rm /srv/gate");
    let text = host.read("/etc/nginx/sites-available/shop");
    assert!(text.contains("server 127.0.0.1:8121 down; # togusa: drained\n"), "{text}");

    let (rolled, got) = Load::during(host, || site.deploy().expect(0));
    assert_served(&got, ["v1", "v2"]);
    assert_eq!(told(&rolled.events)[1], ALL);
    APPLICATIONS.iter().for_each(|application| assert_quiet(host, "killed", application));
    let text = host.read("/etc/nginx/sites-available/shop");
    assert!(!text.contains("drained") && text.contains("server 127.0.0.1:9 down;\n"), "{text}");
    assert!(site.deploy().expect(0).differences().is_empty());
}

#[test]
fn haproxy_takes_servers_out_of_use_without_a_failed_request() {
    let here = Subject::start();
    let host = here.host();
    host.sh("mkdir -p /run/haproxy; haproxy -W -D -f /etc/haproxy/haproxy.cfg -p /run/haproxy.pid");
    let site = here.site("behind");
    set(&site, "v1", "haproxy = true\n");
    site.deploy().expect(0);
    let path = "/etc/haproxy/haproxy.cfg";
    let text = host.read(path);
    assert!(text.contains("    server app1 127.0.0.1:8121 check\n"), "{text}");

    set(&site, "v2", "haproxy = true\n");
    let (rolled, got) = Load::during(host, || site.deploy().expect(0));
    assert_served(&got, ["v1", "v2"]);
    assert_eq!(told(&rolled.events), [ALL, ALL]);
    APPLICATIONS.iter().for_each(|application| assert_quiet(host, "behind", application));
    assert_eq!(host.read(path), text);
    assert!(site.deploy().expect(0).differences().is_empty());
}
