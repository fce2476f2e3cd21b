//! Against peers that do what a test tells them.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::hash::sha1;
use crate::model::InfoHashV1;

const HASH: [u8; 20] = [7; 20];
const LENGTH: usize = 40_000;

fn bytes() -> Vec<u8> {
    (0..LENGTH).map(|index| (index % 251) as u8).collect()
}

/// What the peer sends after each other: raw bytes, or the blocks that it is asked for.
enum Say {
    Bytes(Vec<u8>),
    Blocks(Vec<u8>),
    HangUp,
}

fn handshake(info_hash: [u8; 20]) -> Say {
    let mut bytes = b"\x13BitTorrent protocol".to_vec();
    bytes.extend([0; 8]);
    bytes.extend(info_hash);
    bytes.extend([1; 20]);
    Say::Bytes(bytes)
}

fn unchoke() -> Say {
    Say::Bytes(vec![0, 0, 0, 1, 1])
}

async fn proof(story: Vec<Say>) -> Result<(), Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let peer = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut greeting = [0; 68];
        stream.read_exact(&mut greeting).await.unwrap();
        for say in story {
            match say {
                Say::Bytes(bytes) => stream.write_all(&bytes).await.unwrap(),
                Say::Blocks(data) => give(&mut stream, &data).await,
                Say::HangUp => return,
            }
        }
        // Until the other side goes.
        while stream.read(&mut greeting).await.is_ok_and(|read| read > 0) {}
    };
    let order = Order {
        peer: PeerAddress { host: "127.0.0.1".to_owned(), port },
        info_hash: InfoHashes::V1(InfoHashV1(HASH)),
        index: 3,
        length: LENGTH as u64,
        piece_length: 65_536,
        hash: PieceHash { v1: Some(sha1(&bytes())), v2: None },
        whole_file: false,
    };
    let greeting = Mutex::default();
    let (proof, ()) = tokio::join!(prove(&order, &greeting), peer);
    proof
}

/// Answers every request of `interested` and after with the bytes of `data`, the last first.
async fn give(stream: &mut TcpStream, data: &[u8]) {
    let mut interested = [0; 5];
    stream.read_exact(&mut interested).await.unwrap();
    assert_eq!(interested, [0, 0, 0, 1, 2]);
    let mut requests = Vec::new();
    for _ in 0..LENGTH.div_ceil(16_384) {
        let mut request = [0; 17];
        stream.read_exact(&mut request).await.unwrap();
        requests.push(request);
    }
    for request in requests.iter().rev() {
        let number = |at: usize| u32::from_be_bytes(request[at..at + 4].try_into().unwrap()) as usize;
        let (begin, length) = (number(9), number(13));
        let mut block = (9 + length as u32).to_be_bytes().to_vec();
        block.push(7);
        block.extend(&request[5..13]);
        block.extend(&data[begin..begin + length]);
        stream.write_all(&block).await.unwrap();
    }
}

#[tokio::test]
async fn a_piece_that_comes_in_any_order_among_unknown_messages_is_a_proof() {
    let unknown = Say::Bytes(vec![0, 0, 0, 3, 99, 1, 2, 0, 0, 0, 0, 0, 0, 0, 1, 14]);
    proof(vec![handshake(HASH), unknown, unchoke(), Say::Blocks(bytes())]).await.unwrap();
}

#[tokio::test]
async fn wrong_bytes_are_told_from_none() {
    let mut wrong = bytes();
    wrong[39_999] ^= 1;
    let found = proof(vec![handshake(HASH), unchoke(), Say::Blocks(wrong)]).await;
    assert!(matches!(found, Err(Error::WrongBytes { index: 3, .. })), "{found:?}");
}

#[tokio::test]
async fn who_hangs_up_when_greeted_may_want_encryption() {
    let found = proof(vec![Say::HangUp]).await.unwrap_err();
    assert!(matches!(found, Error::HungUp { .. }) && found.to_string().contains("encrypted"), "{found}");
}

#[tokio::test]
async fn another_program_and_another_torrent_are_no_proof() {
    let page = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\nServer: other\r\n\r\n"
        .to_vec();
    for first in [Say::Bytes(page), handshake([8; 20])] {
        let found = proof(vec![first]).await;
        assert!(matches!(found, Err(Error::NotAPeer { .. })), "{found:?}");
    }
}

#[tokio::test]
async fn what_nobody_asked_for_ends_it() {
    for message in [
        // A length of 4 GiB, a block of another piece, one without bytes.
        vec![255, 255, 255, 255],
        vec![0, 0, 0, 10, 7, 0, 0, 0, 9, 0, 0, 0, 0, 1],
        vec![0, 0, 0, 9, 7, 0, 0, 0, 3, 0, 0, 0, 0],
    ] {
        let found = proof(vec![handshake(HASH), unchoke(), Say::Bytes(message)]).await;
        assert!(matches!(found, Err(Error::Broken { .. })), "{found:?}");
    }
}

#[tokio::test]
async fn an_address_at_which_nobody_listens_is_named() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let order = Order {
        peer: PeerAddress { host: "127.0.0.1".to_owned(), port },
        info_hash: InfoHashes::V1(InfoHashV1(HASH)),
        index: 0,
        length: 1,
        piece_length: 65_536,
        hash: PieceHash { v1: None, v2: None },
        whole_file: true,
    };
    let found = prove(&order, &Mutex::default()).await;
    assert!(matches!(found, Err(Error::Unreachable { .. })), "{found:?}");
}
