//! Answers that no client gives: every one becomes an error of the right kind, with words for it.

use podseed_adapters::testing::{Fault, FaultServer, PASSWORD, USERNAME};
use podseed_adapters::{
    ClientConfig, Error, ErrorKind, QBittorrentConfig, Retry, Secret, TorrentClient, TransmissionConfig, open,
};

fn transmission(url: String) -> Box<dyn TorrentClient> {
    let config = TransmissionConfig {
        url,
        username: Some(USERNAME.to_owned()),
        password: Some(Secret::new(PASSWORD)),
        labels: Vec::new(),
    };
    open(&ClientConfig::Transmission(config)).unwrap()
}

fn qbittorrent(url: String) -> Box<dyn TorrentClient> {
    let config = QBittorrentConfig {
        url,
        username: Some(USERNAME.to_owned()),
        password: Some(Secret::new(PASSWORD)),
        category: None,
        tags: Vec::new(),
    };
    open(&ClientConfig::QBittorrent(config)).unwrap()
}

/// What both adapters make of a fault, when they are asked who they are and what they have.
async fn both(fault: Fault) -> [Error; 4] {
    let server = FaultServer::start(fault).unwrap();
    let first = transmission(format!("{}/transmission/rpc", server.url()));
    let second = qbittorrent(format!("{}/proxied/qbt", server.url()));
    let errors = [
        first.probe().await.unwrap_err(),
        first.list().await.unwrap_err(),
        second.probe().await.unwrap_err(),
        second.list().await.unwrap_err(),
    ];
    for error in &errors {
        let text = format!("{error} {error:?}");
        assert!(!text.contains(PASSWORD), "{text}");
        assert!(text.contains("127.0.0.1"), "{text}");
    }
    errors
}

#[tokio::test]
async fn what_is_no_client_is_told_from_one_that_is_down() {
    for (fault, kind, words) in [
        (Fault::CutOff, ErrorKind::Unreachable, "broke off"),
        (Fault::BadGateway, ErrorKind::Unreachable, "proxy"),
        (Fault::ServerError, ErrorKind::Protocol, "500"),
        (Fault::WebPage, ErrorKind::Protocol, "web page"),
        (Fault::OtherJson, ErrorKind::Protocol, "cannot be read"),
        (Fault::Redirect, ErrorKind::Protocol, "redirect to https://elsewhere.example/login"),
        (Fault::Endless, ErrorKind::Protocol, "more than 64 MiB"),
    ] {
        for error in both(fault).await {
            assert_eq!(error.kind, kind, "{fault:?}: {error:?}");
            assert!(error.to_string().contains(words), "{fault:?}: {error}");
        }
    }
}

/// The clock is stopped and jumps to the limit as soon as nothing else can happen.
#[tokio::test(start_paused = true)]
async fn a_client_that_never_answers_is_given_up_after_ten_seconds() {
    for error in both(Fault::Hang).await {
        assert_eq!(error.kind, ErrorKind::Unreachable);
        assert_eq!(error.retry, Retry::Later);
        assert!(error.to_string().ends_with("did not answer within 10 s"), "{error}");
    }
}

#[tokio::test]
async fn a_refused_password_is_not_sent_again_even_by_many_at_once() {
    for make in [transmission, qbittorrent] {
        let server = FaultServer::start(Fault::Unauthorized).unwrap();
        let client = make(server.url());
        let (first, second, third) = tokio::join!(client.probe(), client.probe(), client.list());
        for outcome in [first.map(drop), second.map(drop), third.map(drop), client.list().await.map(drop)] {
            assert_eq!(outcome.unwrap_err().kind, ErrorKind::Unauthorized);
        }
        assert_eq!(server.requests(), 1);
    }
}

#[tokio::test]
async fn a_ban_is_waited_out() {
    let server = FaultServer::start(Fault::Forbidden).unwrap();
    let client = qbittorrent(server.url());
    for _ in 0..3 {
        let error = client.probe().await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unauthorized);
        assert!(matches!(error.retry, Retry::After(_)), "{error:?}");
        assert!(error.to_string().contains("banned"), "{error}");
    }
    assert_eq!(server.requests(), 1);
}
