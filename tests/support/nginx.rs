//! A real web server for the site, as users have one.

use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// nginx that serves one folder on loopback.
pub(crate) struct Nginx {
    child: Child,
    port: u16,
    home: TempDir,
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Nginx {
    /// Starts it on this port; the folder need not be there yet.
    pub(crate) fn start(port: u16, root: &Path) -> Self {
        let types = "types { application/x-bittorrent torrent; }";
        Self::with(port, &format!("{types}\nserver {{ listen 127.0.0.1:{port}; root {}; }}", root.display()))
    }

    /// Starts it with these lines in its `http` block, which let it listen on this port.
    pub(crate) fn with(port: u16, lines: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let here = home.path().display();
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let temporary: String =
            temporary.iter().map(|name| format!("  {name}_temp_path {here}/{name};\n")).collect();
        // Its workers are other users, and tests keep their folders to themselves.
        let user = if rustix::process::geteuid().is_root() { "user root;\n" } else { "" };
        let config = format!(
            "{user}daemon off;\nmaster_process off;\npid {here}/pid;\nerror_log {here}/error.log;\nevents {{}}\nhttp {{\n\
             {temporary}  access_log {here}/access.log;\n{lines}\n}}\n"
        );
        let path = home.path().join("nginx.conf");
        std::fs::write(&path, config).unwrap();
        let mut child = Command::new("nginx")
            .arg("-e")
            .arg(home.path().join("early.log"))
            .arg("-c")
            .arg(&path)
            .stderr(Stdio::piped())
            .spawn()
            .expect("nginx is needed: tests/run installs it");
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(status) = child.try_wait().unwrap() {
                let mut words = String::new();
                child.stderr.take().unwrap().read_to_string(&mut words).unwrap();
                panic!("nginx ended with {status}: {words}");
            }
            assert!(began.elapsed() < Duration::from_secs(20), "nginx does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { child, port, home }
    }

    /// What was asked for so far, a line for each request in the Common Log Format.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.home.path().join("access.log")).unwrap()
    }

    /// The address of its root.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
