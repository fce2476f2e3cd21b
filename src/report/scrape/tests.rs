//! Trackers that answer as a test tells them to. The real one is asked in `tests/report.rs`.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};

use super::*;
use crate::http::Options;

const A: SwarmHash = [0xaa; 20];

/// What asks the tracker that the user has named himself.
fn trusting(tracker: &Url) -> Http {
    Http::new(Options::default()).unwrap().trusting(tracker)
}

/// A UDP tracker: each datagram is answered with what the test makes of it, none for silence.
async fn udp_tracker(local: &str, answer: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> Option<Url> {
    // A machine without IPv6 has nothing to test there.
    let socket = UdpSocket::bind(local).await.ok()?;
    let url = format!("udp://{}/announce", socket.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        let mut request = [0; 2048];
        while let Ok((length, from)) = socket.recv_from(&mut request).await {
            for answer in answer(&request[..length]) {
                socket.send_to(&answer, from).await.unwrap();
            }
        }
    });
    Some(url)
}

fn head(action: u32, request: &[u8]) -> Vec<u8> {
    [&action.to_be_bytes(), &request[12..16]].concat()
}

/// Answers as BEP 15 wants it: of every torrent 1 seeder, 5 downloads and 2 leechers.
fn proper(request: &[u8]) -> Vec<u8> {
    const ID: [u8; 8] = [7; 8];
    if request[8..12] == [0; 4] {
        assert_eq!(request.len(), 16);
        assert_eq!(request[..8], 0x0417_2710_1980_u64.to_be_bytes());
        return [head(0, request), ID.to_vec()].concat();
    }
    assert_eq!(request[..8], ID);
    let hashes = (request.len() - 16) / 20;
    assert!(hashes <= 74, "{hashes}");
    let entry = [1_u32, 5, 2].map(u32::to_be_bytes).concat();
    [head(2, request), entry.repeat(hashes)].concat()
}

const TOLD: Swarm = Swarm { complete: 1, incomplete: 2, downloaded: 5 };

#[tokio::test]
async fn a_udp_tracker_is_asked_for_74_at_a_time_over_either_family() {
    for local in ["127.0.0.1:0", "[::1]:0"] {
        let Some(url) = udp_tracker(local, |request| vec![proper(request)]).await else { continue };
        let hashes: Vec<SwarmHash> = (0..200).map(|n| [n; 20]).collect();
        let scraped = scrape(&trusting(&url), &url, &hashes).await;
        assert!(scraped.error.is_none(), "{:?}", scraped.error);
        assert_eq!(scraped.swarms, hashes.iter().map(|hash| (*hash, TOLD)).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn what_answers_no_question_of_ours_is_not_listened_to() {
    let noise = |request: &[u8]| {
        let mut stranger = proper(request);
        stranger[7] ^= 1;
        let mut short = proper(request);
        short.truncate(7);
        vec![Vec::new(), short, stranger, vec![0; 1500], proper(request)]
    };
    let url = udp_tracker("127.0.0.1:0", noise).await.unwrap();
    assert_eq!(scrape(&trusting(&url), &url, &[A]).await.swarms, [(A, TOLD)]);
}

#[tokio::test]
async fn hostile_udp_answers_are_errors() {
    type Answer = fn(&[u8]) -> Vec<u8>;
    let wrong: [Answer; 4] = [
        // A connection without an id.
        |request| head(0, request),
        // Another action than was asked for.
        |request| [head(1, request), vec![0; 20]].concat(),
        // Fewer than were asked for.
        |request| {
            if request[8..12] == [0; 4] { proper(request) } else { [head(2, request), vec![0; 11]].concat() }
        },
        |request| if request[8..12] == [0; 4] { proper(request) } else { head(2, request) },
    ];
    for answer in wrong {
        let url = udp_tracker("127.0.0.1:0", move |request| vec![answer(request)]).await.unwrap();
        let scraped = scrape(&trusting(&url), &url, &[A]).await;
        assert!(matches!(scraped.error, Some(Error::Malformed(_))), "{scraped:?}");
        assert_eq!(scraped.swarms, []);
    }
}

#[tokio::test]
async fn the_words_of_a_tracker_are_told_without_what_moves_a_cursor() {
    let refusal = |request: &[u8]| vec![[head(3, request), b"\x1b[2Jgo away\n".to_vec()].concat()];
    let url = udp_tracker("127.0.0.1:0", refusal).await.unwrap();
    let words = scrape(&trusting(&url), &url, &[A]).await.error.unwrap().to_string();
    assert!(words.ends_with("refuses to be scraped: \u{fffd}[2Jgo away"), "{words}");
}

/// The clock is stopped and jumps as soon as nothing else can happen.
#[tokio::test(start_paused = true)]
async fn a_lost_datagram_is_sent_again_and_a_dead_tracker_given_up() {
    let first = std::sync::atomic::AtomicBool::new(true);
    let lossy = move |request: &[u8]| {
        let lost = first.swap(false, std::sync::atomic::Ordering::SeqCst);
        if lost { Vec::new() } else { vec![proper(request)] }
    };
    let url = udp_tracker("127.0.0.1:0", lossy).await.unwrap();
    assert_eq!(scrape(&trusting(&url), &url, &[A]).await.swarms, [(A, TOLD)]);

    let url = udp_tracker("127.0.0.1:0", |_| Vec::new()).await.unwrap();
    let began = Instant::now();
    let error = scrape(&trusting(&url), &url, &[A]).await.error;
    assert!(matches!(error, Some(Error::Silent(_))), "{error:?}");
    assert!(began.elapsed() <= PATIENCE, "{:?}", began.elapsed());
}

#[tokio::test]
async fn private_addresses_are_asked_only_where_the_user_has_named_them() {
    for tracker in ["udp://127.0.0.1:9/announce", "http://127.0.0.1:9/announce", "udp://localhost:9/announce"]
    {
        let scraped = scrape(&Http::new(Options::default()).unwrap(), &tracker.parse().unwrap(), &[A]).await;
        let Some(Error::Http { source, .. }) = scraped.error else { panic!("{tracker}: {scraped:?}") };
        assert!(matches!(*source, crate::http::Error::RefusedAddress { .. }), "{tracker}: {source:?}");
    }
}

/// An HTTP tracker that answers the first request with this, and gives the request.
async fn http_tracker(answer: Vec<u8>) -> (Url, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/announce?passkey=s3cret", listener.local_addr().unwrap()).parse().unwrap();
    let request = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 16 << 10];
        let length = stream.read(&mut request).await.unwrap();
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", answer.len());
        stream.write_all(head.as_bytes()).await.unwrap();
        // A client that has read enough hangs up.
        let _ = stream.write_all(&answer).await;
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    (url, request)
}

#[tokio::test]
async fn an_http_tracker_is_asked_for_several_at_once_and_what_it_does_not_name_it_does_not_know() {
    let answer =
        [b"d5:filesd20:".as_slice(), &A, b"d8:completei1e10:downloadedi5e10:incompletei2eeee"].concat();
    let (url, request) = http_tracker(answer).await;
    let unknown = [0xbb; 20];
    let scraped = scrape(&trusting(&url), &url, &[A, unknown]).await;
    assert_eq!(scraped.swarms, [(A, TOLD), (unknown, Swarm::default())]);
    assert!(scraped.error.is_none());
    let request = request.await.unwrap();
    let expected = format!(
        "GET /scrape?passkey=s3cret&info_hash={}&info_hash={} HTTP/1.1\r\n",
        "%AA".repeat(20),
        "%BB".repeat(20)
    );
    assert!(request.starts_with(&expected), "{request}");
}

#[tokio::test]
async fn http_answers_that_are_none_are_errors_and_show_no_passkey() {
    for (answer, words) in [
        (b"d14:failure reason7:go awaye".to_vec(), "refuses to be scraped: go away"),
        (b"<html>".to_vec(), "cannot be read"),
        (vec![b' '; 300 << 10], "cannot scrape"),
    ] {
        let (url, _) = http_tracker(answer).await;
        let scraped = scrape(&trusting(&url), &url, &[A]).await;
        let error = scraped.error.unwrap();
        let error = format!("{error} {error:?}");
        assert!(error.contains(words) && !error.contains("s3cret"), "{error}");
        assert_eq!(scraped.swarms, []);
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_named() {
    for tracker in ["http://t.example/a?passkey=s3cret", "wss://t.example/announce?passkey=s3cret"] {
        let url: Url = tracker.parse().unwrap();
        let error = scrape(&trusting(&url), &url, &[A]).await.error.unwrap();
        assert!(matches!(error, Error::Unscrapable(_) | Error::Scheme(_)), "{error:?}");
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}
