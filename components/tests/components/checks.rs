//! Checks of ports and of what the web answers.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use togusa_components::prelude::*;
use togusa_core::prelude::*;

use crate::Bench;

const SOON: Duration = Duration::from_millis(150);
const OFTEN: Duration = Duration::from_millis(10);

fn bench<C: Component>(make: impl Fn() -> C + Send + Sync + 'static) -> Bench {
    Bench::new().model(move |scope| {
        scope.add(make());
        Ok(())
    })
}

/// A port that nothing listens on: it was given to this test a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A server that answers each request with the next text, the last one for ever.
fn server(answers: &[&str]) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (told, answers) = (Arc::clone(&seen), answers.join("\0"));
    thread::spawn(move || {
        let answers: Vec<_> = answers.split('\0').collect();
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() > 0 {
                request.push(byte[0]);
            }
            told.lock().unwrap().push(String::from_utf8(request).unwrap());
            let answer = answers[number.min(answers.len() - 1)];
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    (address, seen)
}

#[test]
fn an_open_port_is_current_and_a_closed_one_is_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let open = bench(move || WaitForPort::new(port).timeout(SOON).interval(OFTEN));
    assert!(open.converge().is_empty());
    drop(listener);
    let planned = open.plan();
    let expected =
        format!("~ port localhost:{port} is closed (127.0.0.1:{port}: connection refused");
    assert!(crate::lines(&planned)[0].starts_with(&expected), "{:?}", planned.changes());
    let failure = open.failure();
    assert!(failure.contains(&expected[2..]), "{failure}");
    assert!(failure.contains("after 0.1 s too"), "{failure}");

    let closed =
        bench(move || WaitForPort::new(format!("127.0.0.1:{port}")).closed().timeout(SOON));
    assert!(closed.converge().is_empty());
    let _listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    assert!(closed.failure().contains(&format!("port 127.0.0.1:{port} is open")));
}

#[test]
fn a_port_that_closes_after_it_was_seen_open_is_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = listener.local_addr().unwrap().to_string();
    let test = bench(move || WaitForPort::new(&*target).closed().interval(OFTEN));
    let closed = thread::spawn(move || drop(listener.accept().unwrap()));
    let run = test.deploy();
    run.assert_success();
    closed.join().unwrap();
    assert!(crate::lines(&run)[0].contains(" is open ("), "{:?}", run.changes());
    assert!(test.converge().is_empty());
}

#[test]
fn names_are_looked_up_and_unknown_ones_are_named() {
    let failure = bench(|| WaitForPort::new("no-such-host.invalid:80").timeout(SOON)).failure();
    assert!(failure.contains("the name `no-such-host.invalid` has no address"), "{failure}");
    let problems = bench(|| WaitForPort::new("db")).problems();
    assert!(problems.contains("`db` has no port") && problems.contains("hint: "), "{problems}");
}

#[test]
fn the_web_is_asked_until_it_answers_as_it_should() {
    let (address, seen) = server(&[
        "HTTP/1.1 503 Busy\r\nContent-Length: 7\r\n\r\nstarted",
        "HTTP/1.1 200 OK\r\n\r\nnot yet",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nall\r\n4\r\n ok!\r\n0\r\n\r\n",
    ]);
    let test = bench(move || {
        let check = WaitForHttp::new(format!("http://{address}/health?x=1")).contains("all ok!");
        check.header("X-Token", Secret::new("hunter22")).interval(OFTEN)
    });
    let run = test.deploy();
    run.assert_success();
    assert!(!format!("{run:?}").contains("hunter"), "{run:?}");
    assert_eq!(crate::lines(&run), ["~ status 503 in place of 200: `started`"]);
    assert!(test.converge().is_empty());
    let seen = seen.lock().unwrap();
    let first = &seen[0];
    assert!(first.starts_with("GET /health?x=1 HTTP/1.1\r\nHost: 127.0.0.1:"), "{first}");
    assert!(first.contains("\r\nX-Token: hunter22\r\n"), "{first}");
}

#[test]
fn what_was_seen_last_stands_in_the_error() {
    let never = |answer: &str, make: fn(WaitForHttp) -> WaitForHttp| {
        let (address, _) = server(&[answer]);
        let url = format!("http://{address}/");
        bench(move || make(WaitForHttp::new(&url).timeout(SOON).interval(OFTEN))).failure()
    };
    let failure = never("HTTP/1.1 500 No\r\n\r\nno database\n", |check| check);
    assert!(failure.contains("does not answer as it should"), "{failure}");
    assert!(
        failure.contains("after 0.1 s: status 500 in place of 200: `no database`"),
        "{failure}"
    );
    let failure = never("HTTP/1.1 200 OK\r\n\r\nhello", |check| check.contains("bye"));
    assert!(failure.contains("the answer holds no `bye`: `hello`"), "{failure}");
    let failure = never("220 smtp\r\n\r\n", |check| check);
    assert!(failure.contains("what it answers is no http"), "{failure}");

    let port = free_port();
    let url = format!("http://localhost:{port}/");
    let failure = bench(move || WaitForHttp::new(&url).timeout(SOON)).failure();
    assert!(failure.contains("connection refused"), "{failure}");
}

#[test]
fn one_that_never_answers_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let test = bench(move || WaitForHttp::new(&url).timeout(SOON).attempt_timeout(SOON));
    assert!(test.failure().contains("timed out"));

    let url = format!("http://{}/", listener.local_addr().unwrap());
    let test = bench(move || WaitForHttp::new(&url).timeout(SOON));
    let begin = Instant::now();
    assert!(test.failure().contains("timed out"));
    assert!(begin.elapsed() < Duration::from_secs(9), "one attempt outlasts them all");
}

#[test]
fn addresses_that_cannot_be_asked_are_model_errors() {
    let problems = bench(|| WaitForHttp::new("web:80")).problems();
    assert!(problems.contains("`web:80` is no address of http or https"), "{problems}");
    let problems = bench(|| WaitForHttp::new("http://web").insecure()).problems();
    assert!(problems.contains("trust means nothing to plain HTTP"), "{problems}");
    let problems = bench(|| WaitForHttp::new("http://web").header("A", "b\r\nC: d")).problems();
    assert!(problems.contains("`A` is no header"), "{problems}");
}

#[test]
fn rollouts_are_told_at_once_what_does_not_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let waiting = bench(move || WaitForPort::new(port));
    let closed = bench(move || WaitForPort::new(port).closed());
    let asked = bench(move || HealthCheck::port(port));
    assert_eq!(waiting.unhealthy() + &asked.unhealthy(), "");
    assert!(closed.unhealthy().contains(" is open ("));
    drop(listener);
    let begin = Instant::now();
    for unhealthy in [waiting.unhealthy(), asked.unhealthy()] {
        assert!(unhealthy.contains(&format!("port localhost:{port} is closed (")), "{unhealthy}");
    }
    assert!(begin.elapsed() < Duration::from_secs(20), "it is not waited for");
    assert_eq!(closed.unhealthy(), "");
}

#[test]
fn rollouts_ask_the_web_for_status_and_text() {
    let answers = ["HTTP/1.1 503 Busy\r\n\r\nstarting", "HTTP/1.1 200 OK\r\n\r\nall ok"];
    let (address, seen) = server(&[answers[0], answers[1], answers[1], answers[0]]);
    let ask = move |make: fn(HealthCheck) -> HealthCheck| {
        bench(move || make(HealthCheck::http(format!("http://{address}/")))).unhealthy()
    };
    let told = ask(|check| check.header("X-Token", Secret::new("hunter22")));
    assert!(told.contains("status 503 in place of 200: `starting`"), "{told}");
    assert!(seen.lock().unwrap()[0].contains("\r\nX-Token: hunter22\r\n"));
    assert_eq!(ask(|check| check.status(200).body_contains("ok")), "");
    assert!(ask(|check| check.body_contains("fine")).contains("the answer holds no `fine`"));
    assert_eq!(ask(|check| check.status(200).status(503)), "");
}

#[test]
fn rollouts_run_a_command_where_the_root_works() {
    let test = Bench::new().model(|scope| {
        scope.add(File::new("state").content("fine"));
        scope.add(HealthCheck::command(Exec::shell("grep fine state || { echo no; exit 4; }")));
        Ok(())
    });
    assert!(test.converge().iter().any(|line| line.contains("create file")));
    assert_eq!(test.unhealthy(), "");
    std::fs::write(test.path("state"), "broken").unwrap();
    let told = test.unhealthy();
    assert!(told.contains("exited with 4") && told.contains("| no"), "{told}");
    let slow = || HealthCheck::command(Exec::new("sleep").arg("60")).timeout(SOON);
    let slow = bench(slow);
    slow.converge();
    let told = slow.unhealthy();
    assert!(told.contains("hung"), "{told}");
}

#[test]
fn a_deployment_waits_for_no_check_of_rollouts() {
    let port = free_port();
    let test = bench(move || HealthCheck::port(port));
    assert!(test.converge().is_empty());
    let problems = bench(move || HealthCheck::port(port).status(200)).problems();
    assert!(problems.contains("`status` means nothing but to http"), "{problems}");
}
