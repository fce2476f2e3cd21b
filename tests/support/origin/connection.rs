//! Connections: requests are read, recorded and answered, one after the other.

use std::io;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::answer::{Answer, Ending};
use super::{Fault, Logged, State};

type Shared = Arc<Mutex<State>>;

pub(super) async fn serve(listener: TcpListener, state: Shared) {
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            // A client that goes away is part of the tests.
            let _ = converse(stream, &state).await;
        });
    }
}

async fn converse(mut stream: TcpStream, state: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (reader, mut writer) = stream.split();
    let mut reader = BufReader::new(reader);
    while let Some(request) = read_request(&mut reader).await.transpose() {
        let Ok(request) = request else {
            return writer.write_all(b"HTTP/1.1 400 Not HTTP\r\nContent-Length: 0\r\n\r\n").await;
        };
        let (answer, number) = {
            let mut state = state.lock().unwrap();
            let answer = Answer::to(&request, take_fault(&mut state, &request.path), &state.files);
            state.log.push(Logged { status: answer.status, ..request });
            (answer, state.log.len() - 1)
        };
        let sent = |bytes: usize| state.lock().unwrap().log[number].sent += bytes as u64;
        if write_answer(&mut writer, answer, sent).await? == Ending::Close {
            return writer.shutdown().await;
        }
    }
    Ok(())
}

async fn read_request(reader: &mut (impl AsyncRead + AsyncBufReadExt + Unpin)) -> io::Result<Option<Logged>> {
    match reader.fill_buf().await?.first() {
        None => return Ok(None),
        Some(letter) if letter.is_ascii_uppercase() => {}
        Some(_) => return Err(io::ErrorKind::InvalidData.into()),
    }
    let mut line = String::new();
    reader.read_line(&mut line).await?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(path)) = (words.next(), words.next()) else { return Ok(None) };
    let mut headers = Vec::new();
    loop {
        line.clear();
        reader.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    Ok(Some(Logged { method, path, headers, status: 0, sent: 0 }))
}

fn take_fault(state: &mut State, path: &str) -> Fault {
    let scripted = state.script.get_mut(path).and_then(|script| script.pop_front());
    scripted.or_else(|| state.always.get(path).cloned()).unwrap_or(Fault::Nothing)
}

async fn write_answer(
    writer: &mut (impl AsyncWriteExt + Unpin),
    answer: Answer,
    sent: impl Fn(usize),
) -> io::Result<Ending> {
    writer.write_all(&answer.head).await?;
    let step = if answer.drip.is_some() { 1 } else { 16 * 1024 };
    for piece in answer.body.chunks(step) {
        if answer.chunked {
            writer.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
        }
        // Counted before it is written: once the client has it, the record is complete.
        sent(piece.len());
        writer.write_all(piece).await?;
        if answer.chunked {
            writer.write_all(b"\r\n").await?;
        }
        if let Some(pause) = answer.drip {
            tokio::time::sleep(pause).await;
        }
    }
    if answer.chunked && answer.ending == Ending::KeepAlive {
        writer.write_all(b"0\r\n\r\n").await?;
    }
    writer.flush().await?;
    if answer.ending == Ending::Hang {
        std::future::pending::<()>().await;
    }
    Ok(answer.ending)
}
