//! The files in `examples/`: each can be used as it lies there.

use std::path::{Path, PathBuf};

use podseed::config::{Config, FeedSource, Findings};
use podseed::model::media::{self, Sniffed};
use podseed_adapters::{ClientConfig, WatchDirConfig};
use tempfile::TempDir;

use crate::support::nginx::{Nginx, free_port};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

/// Loads an example from a copy of its folder, in which the password that it names exists.
fn load(name: &str) -> (TempDir, Config) {
    let folder = TempDir::new().unwrap();
    for entry in std::fs::read_dir(example(name)).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
        }
    }
    let password = folder.path().join("transmission.password");
    std::fs::write(&password, "secret\n").unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&password, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let variables = |name: &str| match name {
        "HOME" => Some("/home/me".to_owned()),
        "QBT_PASSWORD" => Some("secret".to_owned()),
        _ => None,
    };
    let config = Config::load_with(&folder.path().join("podseed.yaml"), &variables);
    (folder, config.unwrap_or_else(|findings| panic!("{name}: {findings}")))
}

fn watch_dir(config: &Config) -> &WatchDirConfig {
    match &config.clients[0].adapter {
        ClientConfig::WatchDir(folder) => folder,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_example_loads_without_findings() {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(example("")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let (_folder, config) = load(&name);
        assert_eq!(config.warnings, Findings::default(), "{name}");
        assert!(!config.clients.is_empty() && !config.shows.is_empty(), "{name} pairs a show with a client");
        names.push(name);
    }
    names.sort();
    assert_eq!(
        names,
        [
            "publish-a-show",
            "qbittorrent",
            "quickstart",
            "rtorrent-watch-dir",
            "seedbox",
            "transmission-seedbox"
        ]
    );
}

#[test]
fn the_lines_for_rtorrent_name_the_folders_of_its_configuration() {
    let (folder, config) = load("rtorrent-watch-dir");
    let lines = std::fs::read_to_string(folder.path().join("rtorrent.rc")).unwrap();
    let WatchDirConfig { path, data, .. } = watch_dir(&config);
    let schedule = format!(
        "schedule = podseed,1,5,\"load.start_verbose={}/*.torrent,d.directory.set={}\"",
        path.display(),
        data.as_ref().unwrap().display()
    );
    assert!(lines.lines().any(|line| line == schedule), "{schedule} is not in:\n{lines}");
}

#[tokio::test]
async fn the_lines_for_nginx_serve_the_site_of_their_configuration() {
    let (folder, config) = load("publish-a-show");
    let lines = std::fs::read_to_string(folder.path().join("nginx.conf")).unwrap();
    let base_url = config.publish.base_url.unwrap();
    let host = format!("server_name {};", base_url.host_str().unwrap());
    let root = format!("root {};", config.publish.site_dir.display());
    assert!(lines.contains(&host) && lines.contains(&root), "{host} and {root} are not in:\n{lines}");

    let site = TempDir::new().unwrap();
    for (name, text) in [("index.html", "the index"), ("404.html", "not here"), ("a.torrent", "d4:infode")] {
        std::fs::write(site.path().join(name), text).unwrap();
    }
    let port = free_port();
    let lines = lines
        .replace("listen 80;", &format!("listen 127.0.0.1:{port};"))
        .replace(&root, &format!("root {};", site.path().display()));
    let nginx = Nginx::with(port, &lines);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let get = async |path: &str| {
        let response = http.get(format!("{}{path}", nginx.url())).send().await.unwrap();
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        (response.status().as_u16(), kind, response.text().await.unwrap())
    };
    assert_eq!(get("").await.2, "the index");
    assert_eq!(get("a.torrent").await.1, "application/x-bittorrent");
    let (status, _, text) = get("missing").await;
    assert_eq!((status, text.as_str()), (404, "not here"));
}

/// A server that says what of the request's head reached it.
async fn echo() -> std::net::SocketAddr {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") && socket.read_buf(&mut head).await.is_ok_and(|read| read > 0)
            {
            }
            let answer =
                format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", head.len());
            let _ = socket.write_all(answer.as_bytes()).await;
            let _ = socket.write_all(&head).await;
        }
    });
    address
}

/// What comes through a proxy of the seedbox example, which must pass it on as podseed needs it.
async fn pass_through(url: &str, host: &str) {
    let http = reqwest::Client::builder().no_proxy().danger_accept_invalid_certs(true).build().unwrap();
    let request =
        http.get(format!("{url}show/media/a%20b.mp3")).header("host", host).header("range", "bytes=1-2");
    let head = request.send().await.unwrap().text().await.unwrap().to_ascii_lowercase();
    for line in ["get /show/media/a%20b.mp3 http/1.1", "range: bytes=1-2", "x-forwarded-for: 127.0.0.1"] {
        assert!(head.lines().any(|sent| sent == line), "{line} is not in:\n{head}");
    }
    assert!(head.contains(&format!("host: {host}")), "{head}");
}

#[tokio::test]
async fn the_seedboxs_lines_for_nginx_end_tls_and_ask_the_server_of_the_configuration() {
    let (folder, config) = load("seedbox");
    let lines = std::fs::read_to_string(folder.path().join("nginx.conf")).unwrap();
    let listen = format!("http://{};", config.server.unwrap().listen);
    let base_url = config.publish.base_url.unwrap();
    let host = base_url.host_str().unwrap();
    assert!(lines.contains(&listen) && lines.contains(&format!("server_name {host};")), "{listen} {host}");

    let path = |name: &str| folder.path().join(name).display().to_string();
    let made = std::process::Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"])
        .args(["-keyout", &path("key.pem"), "-out", &path("certificate.pem")])
        .output()
        .expect("this test needs openssl (Debian: openssl)");
    assert!(made.status.success());
    let (plain, tls, server) = (free_port(), free_port(), echo().await);
    let letsencrypt = format!("/etc/letsencrypt/live/{host}");
    let lines = lines
        .replace("listen 80;", &format!("listen 127.0.0.1:{plain};"))
        .replace("listen 443 ssl;", &format!("listen 127.0.0.1:{tls} ssl;"))
        .replace(&format!("{letsencrypt}/fullchain.pem"), &path("certificate.pem"))
        .replace(&format!("{letsencrypt}/privkey.pem"), &path("key.pem"))
        .replace(&listen, &format!("http://{server};"));
    let nginx = Nginx::with(plain, &lines);
    pass_through(&format!("https://127.0.0.1:{tls}/"), host).await;
    let http =
        reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let answer = http.get(nginx.url()).header("host", host).send().await.unwrap();
    assert_eq!(answer.headers()["location"], base_url.as_str(), "who comes without TLS is sent there");
}

#[tokio::test]
async fn the_seedboxs_lines_for_caddy_ask_the_server_of_the_configuration() {
    let (folder, config) = load("seedbox");
    let lines = std::fs::read_to_string(folder.path().join("Caddyfile")).unwrap();
    let listen = config.server.unwrap().listen.to_string();
    let base_url = config.publish.base_url.unwrap();
    let host = base_url.host_str().unwrap();
    assert!(lines.contains(&listen) && lines.contains(&format!("{host} {{")), "{listen} {host}");

    let (port, server) = (free_port(), echo().await);
    // Without a name to get a certificate for, and without Caddy's own port for changes.
    let lines = lines
        .replace(&format!("{host} {{"), &format!("http://:{port} {{"))
        .replace(&listen, &server.to_string());
    let file = folder.path().join("Caddyfile");
    std::fs::write(&file, format!("{{\n\tadmin off\n}}\n{lines}")).unwrap();
    let caddy = std::process::Command::new("caddy")
        .args(["run", "--adapter", "caddyfile", "--config"])
        .arg(&file)
        .env("HOME", folder.path())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("this test needs caddy (Debian: caddy)");
    let caddy = Running(caddy);
    let began = std::time::Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(began.elapsed() < std::time::Duration::from_secs(20), "caddy does not listen");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    pass_through(&format!("http://127.0.0.1:{port}/"), host).await;
    drop(caddy);
}

/// A program that ends with the test.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_seedboxs_steps_install_what_its_files_name() {
    let (folder, config) = load("seedbox");
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let (steps, unit) = (read("README.md"), read("podseed.service"));
    let value = |key: &str| {
        let line = unit.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.unwrap_or_else(|| panic!("{key}")).to_owned()
    };
    let start = value("ExecStart");
    let [program, "--config", file, "daemon"] = start.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{start}")
    };
    for installed in [program, file] {
        assert!(steps.contains(&format!(" {installed} ")) || steps.contains(&format!(" {installed}\n")));
    }
    let user = value("User");
    assert!(steps.contains(&format!("--home-dir {} ", config.data_dir.display())), "{steps}");
    assert!(steps.lines().any(|line| line.starts_with("useradd ") && line.ends_with(&format!(" {user}"))));
    let password = Path::new(file).with_file_name("transmission.password");
    assert!(read("podseed.yaml").contains("password_file: transmission.password"));
    assert!(steps.contains(&format!("--owner {user} /dev/stdin {} ", password.display())), "{steps}");
    for entry in std::fs::read_dir(example("seedbox")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name == "README.md" || steps.contains(&format!("`{name}`")), "{name} is not explained");
    }
}

#[test]
fn the_quickstart_needs_nothing_outside_its_folder() {
    let (folder, config) = load("quickstart");
    assert_eq!(config.shows[0].feed, FeedSource::File(folder.path().join("feed.xml")));
    assert!(config.data_dir.starts_with(folder.path()));
    assert_eq!(config.own_folders(), [folder.path().join("podseed-data/watch")]);
}

#[test]
fn the_quickstarts_enclosures_are_what_its_feed_says() {
    let feed = std::fs::read(example("quickstart/feed.xml")).unwrap();
    let channel = rss::Channel::read_from(feed.as_slice()).unwrap();
    let enclosures: Vec<_> = channel.items().iter().filter_map(|item| item.enclosure()).collect();
    assert_eq!(enclosures.len(), 2);
    for enclosure in enclosures {
        let bytes = std::fs::read(example("quickstart").join(&enclosure.url)).unwrap();
        assert_eq!(enclosure.length, bytes.len().to_string(), "{}", enclosure.url);
        assert!(bytes.len() < 100_000, "{} is small", enclosure.url);
        let Sniffed::Media { mime, extension, .. } = media::sniff(&bytes) else {
            panic!("{}", enclosure.url)
        };
        assert_eq!(mime, enclosure.mime_type);
        assert!(enclosure.url.ends_with(extension));
    }
}
