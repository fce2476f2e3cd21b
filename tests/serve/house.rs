//! podseed's own server around a site that podseed has made, in this process.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use podseed::clock::Clock;
use podseed::config::Config;
use podseed::pipeline::{DataFolder, Pulse, Vitals, server_options};
use podseed::serve::{Options, Server};
use podseed::store::Store;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::mp3;
use crate::support::world::{Item, World};

const FREE: &str = "<podcast:license>cc-by-4.0</podcast:license>";
pub(super) const ONE: Item<'_> = Item { guid: "g1", title: "One", enclosure: "/one.mp3" };
pub(super) const LENGTH: usize = 3_000_000;

/// See the module.
pub(super) struct House {
    pub(super) world: World,
    pub(super) address: SocketAddr,
    pub(super) pulse: Arc<Pulse>,
    pub(super) stop: CancellationToken,
    serving: Option<JoinHandle<()>>,
}

/// What a server has answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    head: String,
    pub(super) body: Vec<u8>,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(bytes)));
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head, body: bytes[end + 4..].to_vec() }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl House {
    /// A free show of one episode, published with its media below this path, and served.
    pub(super) async fn open(base: &str) -> Self {
        Self::with(base, |_| {}).await
    }

    /// The same, with other options.
    pub(super) async fn with(base: &str, change: impl FnOnce(&mut Options)) -> Self {
        Self::at(base, None, change).await
    }

    /// The same, published at another port than its own.
    pub(super) async fn at(base: &str, port: Option<u16>, change: impl FnOnce(&mut Options)) -> Self {
        let server = Server::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = server.address();
        let port = port.unwrap_or(address.port());
        let world = World::new(&format!(
            "publish: {{base_url: \"http://127.0.0.1:{port}{base}\", web_seed: true}}\n\
             server: {{listen: \"127.0.0.1:0\"}}\ntorrent: {{web_seeds: never}}\n"
        ))
        .await;
        world.publish_with(FREE, &[ONE]);
        world.origin.file("/one.mp3", mp3(LENGTH, 1));
        world.run(0);
        let config = Arc::new(Config::load(&world.path("podseed.yaml")).unwrap());
        let mut options = server_options(&config).unwrap();
        change(&mut options);
        let folder = DataFolder::new(&config.data_dir);
        let store = Store::open(&folder.state()).await.unwrap();
        let pulse = Arc::new(Pulse::default());
        let vitals = Vitals::new(store, &config, &Clock::system(), Arc::clone(&pulse));
        let stop = CancellationToken::new();
        let until = stop.clone();
        let serving = tokio::spawn(async move { server.run(Arc::new(vitals), options, until).await });
        Self { world, address, pulse, stop, serving: Some(serving) }
    }

    /// Says that it is to stop, and waits until it has.
    pub(super) async fn close(&mut self) {
        self.stop.cancel();
        self.serving.take().unwrap().await.unwrap();
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn site(&self) -> PathBuf {
        self.world.path("data/site")
    }

    pub(super) fn connect(&self) -> TcpStream {
        let socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        socket
    }

    /// Sends these very bytes and reads until the server closes, or says nothing more.
    pub(super) async fn send(&self, request: impl Into<Vec<u8>>) -> Answer {
        let (mut socket, request) = (self.connect(), request.into());
        tokio::task::spawn_blocking(move || {
            socket.write_all(&request).unwrap();
            let mut bytes = Vec::new();
            // What comes before a reset counts.
            let _ = socket.read_to_end(&mut bytes);
            Answer::parse(&bytes)
        })
        .await
        .unwrap()
    }

    /// Asks for this very path, with these lines of the head.
    pub(super) async fn ask(&self, method: &str, path: &str, lines: &[&str]) -> Answer {
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let address = self.address;
        self.send(format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{lines}\r\n"))
            .await
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[]).await
    }
}

/// curl with these arguments: what it has got.
pub(super) async fn curl(arguments: Vec<String>) -> Answer {
    let output = tokio::task::spawn_blocking(move || {
        let always = ["--silent", "--show-error", "--include", "--max-time", "60"];
        Command::new("curl").args(always).args(arguments).output()
    });
    let output = output.await.unwrap();
    let output = output.expect("this test needs curl (Debian: curl)");
    assert!(output.status.success(), "curl: {}", String::from_utf8_lossy(&output.stderr));
    Answer::parse(&output.stdout)
}
