//! Behind a reverse proxy: below a path, and told apart from neighbours.

use super::house::{House, curl};
use crate::support::nginx::{Nginx, free_port};

const HEADERS: &str = "proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr;";

/// nginx in front of the server. A trailing slash behind the address takes the location off.
fn nginx(port: u16, house: &House, target_path: &str, more: &str) -> Nginx {
    let lines = format!(
        "server {{ listen 127.0.0.1:{port};\nlocation /pods/ {{ proxy_pass http://{}{target_path}; {more} }} }}",
        house.address
    );
    Nginx::with(port, &lines)
}

#[tokio::test]
async fn the_site_works_below_a_path_whether_the_proxy_takes_it_off_or_not() {
    for target_path in ["", "/"] {
        let port = free_port();
        let house = House::at("/pods/", Some(port), |_| {}).await;
        let nginx = nginx(port, &house, target_path, HEADERS);
        let at = |path: &str| format!("{}{path}", nginx.url());
        for path in
            ["pods/", "pods/show/", "pods/assets/style.css", "pods/healthz/live", "pods/show/media/one.mp3"]
        {
            assert_eq!(curl(vec![at(path)]).await.status, 200, "{path} to {target_path:?}");
        }
        let folder = curl(vec![
            "--location".into(),
            "--output".into(),
            "/dev/null".into(),
            "--write-out".into(),
            "HTTP/1.1 %{http_code} .\r\nlocation: %{url_effective}\r\n\r\n".into(),
            at("pods/show"),
        ])
        .await;
        assert_eq!((folder.status, folder.header("location")), (200, Some(at("pods/show/").as_str())));
        let part = curl(vec!["--range".into(), "100-199".into(), at("pods/show/media/one.mp3")]).await;
        assert_eq!((part.status, part.body.len()), (206, 100));
        // What the feeds and the .torrent say is where it is.
        let torrents = curl(vec![at("pods/torrents.txt")]).await;
        let torrent = torrents.text().lines().find(|line| line.starts_with("http")).unwrap().to_owned();
        assert_eq!(curl(vec![torrent]).await.header("content-type"), Some("application/x-bittorrent"));
    }
}

#[tokio::test]
async fn without_a_proxy_the_path_is_understood_as_well_and_its_folder_is_found() {
    let house = House::open("/pods/").await;
    assert_eq!(house.get("/pods/show/").await.status, 200);
    assert_eq!(house.get("/show/").await.status, 200);
    let bare = house.get("/pods").await;
    assert_eq!((bare.status, bare.header("location")), (301, Some("./pods/")));
    let private = house.get("/pods/status.json").await;
    assert_eq!(private.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_by_way_of_a_proxy_what_is_private() {
    // The second one hides that it is one, and the last says nothing at all.
    for more in [HEADERS, "proxy_set_header Host $host; proxy_http_version 1.1;", ""] {
        let port = free_port();
        let house = House::at("/pods/", Some(port), |_| {}).await;
        let nginx = nginx(port, &house, "/", more);
        for path in ["pods/metrics", "pods/status.json"] {
            let by_name = nginx.url().replace("127.0.0.1", "pods.localhost");
            let resolve = vec!["--resolve".to_owned(), format!("pods.localhost:{port}:127.0.0.1")];
            let answer = curl([resolve, vec![format!("{by_name}{path}")]].concat()).await;
            assert_eq!(answer.status, 403, "{path} with {more:?}");
            assert!(!answer.text().contains("show"), "{}", answer.text());
        }
        assert_eq!(house.get("/metrics").await.status, 200, "and who asks here himself does");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn check_sees_a_proxy_that_hides_that_it_is_one() {
    for (more, hides) in [(HEADERS, false), ("proxy_http_version 1.1;", true)] {
        let port = free_port();
        let house = House::at("/pods/", Some(port), |_| {}).await;
        let _nginx = nginx(port, &house, "/", more);
        let found = house.world.podseed(&["check", "--json"]).stdout;
        assert!(found.contains("site.reached"), "{found}");
        assert_eq!(found.contains("site.private"), hides, "{found}");
    }
}
