//! Clients that want too much, too slowly, or something else.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::time::Duration;

use podseed::serve::Patience;

use super::house::House;

const SHORT: Patience =
    Patience { request: Duration::from_secs(1), stall: Duration::from_secs(2), stop: Duration::from_secs(1) };

#[tokio::test]
async fn no_path_leads_out_of_the_site_nor_to_what_is_hidden() {
    let house = House::open("/pods/").await;
    let (site, secret) = (house.site(), house.world.path("data/secret.txt"));
    std::fs::write(&secret, "SECRET").unwrap();
    std::fs::write(site.join(".hidden"), "SECRET").unwrap();
    std::fs::create_dir(site.join(".well-known")).unwrap();
    std::fs::write(site.join(".well-known/security.txt"), "Contact: me").unwrap();
    symlink(&secret, site.join("link.txt")).unwrap();
    symlink(house.world.path("data"), site.join("out")).unwrap();
    symlink("../secret.txt", site.join("show/index.html.bak")).unwrap();
    let pipe = std::process::Command::new("mkfifo").arg(site.join("pipe")).status().unwrap();
    assert!(pipe.success());
    let long = format!("/{}", "a".repeat(5000));
    for path in [
        "/../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/%2e%2e%2fsecret.txt",
        "/show/../../secret.txt",
        "/show/%2e%2e/%2e%2e/secret.txt",
        "/..\\secret.txt",
        "/%5c..%5csecret.txt",
        "//secret.txt",
        "/./secret.txt",
        "/pods/../secret.txt",
        "/pods/..%2fsecret.txt",
        "/pods//secret.txt",
        "/pods/%2e%2e/secret.txt",
        "/.hidden",
        "/%2ehidden",
        "/.podseed-site",
        "/show/.partial/",
        "/link.txt",
        "/out/secret.txt",
        "/out/",
        "/show/index.html.bak",
        "/pipe",
        "/%00",
        "/index.html%00.txt",
        "/%ff",
        "/%c0%ae%c0%ae/secret.txt",
        "/%252e%252e/secret.txt",
        "/etc/passwd",
        "//etc/passwd",
        "/index.html/",
        "/index.html/x",
        &long,
        "http://127.0.0.1/../secret.txt",
        "/?/../secret.txt/../..",
    ] {
        let answer = house.get(path).await;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(!text.contains("SECRET") && !text.contains("root:"), "{path}: {text}");
        assert!(matches!(answer.status, 200 | 301 | 400 | 404), "{path}: {}", answer.status);
        assert!(answer.status != 200 || path.starts_with("/?"), "{path} is no file of the site");
    }
    assert_eq!(house.get("/.well-known/security.txt").await.text(), "Contact: me");
}

#[tokio::test]
async fn nothing_can_be_changed_and_nothing_is_taken_in() {
    let house = House::open("/").await;
    for path in ["/", "/show/media/one.mp3", "/healthz", "/metrics", "/status.json", "/nowhere"] {
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "BREW"] {
            let answer = house.ask(method, path, &[]).await;
            assert_eq!((answer.status, answer.header("allow")), (405, Some("GET,HEAD")), "{method} {path}");
        }
    }
    for lines in
        [&["Content-Length: 5"][..], &["Transfer-Encoding: chunked"], &["Content-Length: 99999999999"]]
    {
        let answer = house.ask("GET", "/", lines).await;
        assert_eq!((answer.status, answer.header("connection")), (413, Some("close")), "{lines:?}");
        let answer = house.ask("POST", "/", lines).await;
        assert_eq!((answer.status, answer.header("connection")), (405, Some("close")), "{lines:?}");
    }
}

#[tokio::test]
async fn heads_that_are_too_large_or_wrong_are_refused() {
    let house = House::open("/").await;
    let many: String = (0..1000).map(|n| format!("X-{n}: y\r\n")).collect();
    let large = format!("X: {}\r\n", "y".repeat(100_000));
    for (request, statuses) in [
        (format!("GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n"), &[431][..]),
        (format!("GET / HTTP/1.1\r\nHost: x\r\n{large}\r\n"), &[431]),
        (format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(100_000)), &[414, 431]),
        ("nonsense\r\n\r\n".to_owned(), &[400]),
        ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: a\r\n\r\n".to_owned(), &[400]),
        (
            "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
            &[400, 413],
        ),
    ] {
        let status = house.send(request.clone()).await.status;
        assert!(statuses.contains(&status), "{status}: {}", &request[..60.min(request.len())]);
    }
    assert_eq!(house.get("/").await.status, 200);
}

/// Reads until the other side closes or resets; an error of time is a failure.
fn read_to_close(socket: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    match socket.read_to_end(&mut bytes) {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            panic!("the connection stays open")
        }
        _ => bytes,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_ends_his_request_and_who_never_asks_again_is_cut_off() {
    let house = House::with("/", |options| options.patience = SHORT).await;
    let (mut slow, mut idle, mut silent) = (house.connect(), house.connect(), house.connect());
    slow.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ").unwrap();
    idle.write_all(b"GET /healthz/live HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    tokio::task::spawn_blocking(move || {
        // A byte now and then does not help: the time is that of the whole head.
        while slow.write_all(b"a").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(read_to_close(&mut idle).starts_with(b"HTTP/1.1 200"));
        read_to_close(&mut silent);
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_nothing_is_cut_off_and_who_takes_little_is_not() {
    let house = House::with("/", |options| options.patience = SHORT).await;
    // More than all buffers between the two hold.
    const HUGE: u64 = 64 << 20;
    std::fs::File::create(house.site().join("huge.bin")).unwrap().set_len(HUGE).unwrap();
    let request = b"GET /huge.bin HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let (mut stalled, mut slow) = (house.connect(), house.connect());
    stalled.write_all(request).unwrap();
    slow.write_all(request).unwrap();
    let (stalled, slow) = tokio::task::spawn_blocking(move || {
        // Much longer than the server's patience, in sips that keep its socket moving.
        let mut sip = vec![0; 1 << 20];
        for _ in 0..10 {
            slow.read_exact(&mut sip).unwrap();
            std::thread::sleep(SHORT.stall / 4);
        }
        let mut rest = 0;
        while let Ok(read @ 1..) = slow.read(&mut sip) {
            rest += read as u64;
        }
        (read_to_close(&mut stalled).len() as u64, rest + (10 << 20))
    })
    .await
    .unwrap();
    assert!(slow > HUGE, "the slow one has all of it, and the head: {slow}");
    assert!(stalled < HUGE, "the other one has {stalled}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_idle_connections_take_no_more_than_their_seats_and_keep_nobody_out() {
    let house = House::with("/", |options| options.connections = 50).await;
    // So many as this process may have open, and the rest in the place of the first.
    let mut held = VecDeque::new();
    for batch in 0..50 {
        held.extend((0..200).map(|_| house.connect()));
        assert_eq!(house.get("/show/").await.status, 200, "after {} connections", 200 * (batch + 1));
        held.drain(..held.len().saturating_sub(300));
    }
    let text = house.get("/metrics").await;
    let open = text.text().lines().find_map(|line| line.strip_prefix("podseed_http_connections ")).unwrap();
    assert!(open.parse::<usize>().unwrap() <= 50, "{open}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_are_answered_at_a_time_than_there_are_seats_however_many_ask_at_once() {
    let house = House::with("/", |options| options.connections = 20).await;
    std::fs::File::create(house.site().join("huge.bin")).unwrap().set_len(64 << 20).unwrap();
    let asking: Vec<_> = (0..200)
        .map(|_| {
            let mut socket = house.connect();
            let _ = socket.write_all(b"GET /huge.bin HTTP/1.1\r\nHost: x\r\n\r\n");
            socket
        })
        .collect();
    let answered = tokio::task::spawn_blocking(move || {
        let mut head = [0; 12];
        let heads = asking.iter().filter(|socket| {
            // Who was turned away may have been reset.
            (&**socket).read_exact(&mut head).is_ok() && &head == b"HTTP/1.1 200"
        });
        heads.count()
    });
    assert_eq!(answered.await.unwrap(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_everybody_is_at_work_the_next_one_is_told_to_come_again() {
    let house = House::with("/", |options| options.connections = 2).await;
    std::fs::File::create(house.site().join("huge.bin")).unwrap().set_len(64 << 20).unwrap();
    let downloads: Vec<_> = (0..2)
        .map(|_| {
            let mut socket = house.connect();
            socket.write_all(b"GET /huge.bin HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
            // It is at work as soon as it answers.
            socket.read_exact(&mut [0; 100]).unwrap();
            socket
        })
        .collect();
    let mut third = house.connect();
    let answer = tokio::task::spawn_blocking(move || read_to_close(&mut third)).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: "), "{answer}");
    drop(downloads);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stops_soon_whoever_is_connected_and_lets_answers_end() {
    let mut house = House::with("/", |options| options.patience.stop = Duration::from_secs(2)).await;
    std::fs::File::create(house.site().join("huge.bin")).unwrap().set_len(64 << 20).unwrap();
    let (mut idle, mut stuck, mut half) = (house.connect(), house.connect(), house.connect());
    stuck.write_all(b"GET /huge.bin HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    half.write_all(b"GET / HT").unwrap();
    let whole = std::fs::read(house.site().join("show/media/one.mp3")).unwrap();
    let mut download = house.connect();
    download.write_all(b"GET /show/media/one.mp3 HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let (begun, download) = tokio::task::spawn_blocking(move || {
        download.read_exact(&mut [0; 100]).unwrap();
        stuck.read_exact(&mut [0; 100]).unwrap();
        (stuck, download)
    })
    .await
    .unwrap();
    let rest = tokio::task::spawn_blocking(move || {
        let mut download = download;
        read_to_close(&mut download)
    });
    // It hangs here for ever if it does not stop.
    house.close().await;
    assert!(rest.await.unwrap().ends_with(&whole), "an answer under way is complete");
    read_to_close(&mut idle);
    assert!(TcpStream::connect(house.address).is_err(), "nobody listens any more");
    drop(begun);
}
