//! Requests to the Web API: the session, one raw request for what `qbit-rs` cannot do, and the way to
//! the crate for what it can.
//!
//! The credentials are sent when there is no session, by one caller at a time, and never again after
//! they were refused. Statuses are turned into errors here and nowhere else.

use qbit_rs::Qbit;
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::multipart::Form;
use reqwest::{Method, RequestBuilder, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use crate::http::{Http, Refusal, Reply};
use crate::{Added, Error, ErrorKind, QBittorrentConfig, Retry, Secret};

/// How long qBittorrent shuts out an address after five wrong passwords, unless told otherwise.
const BAN: std::time::Duration = std::time::Duration::from_secs(3600);

/// Version of the Web API, as in `2.11.4`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ApiVersion(pub(super) u32, pub(super) u32, pub(super) u32);

/// The Web API of one qBittorrent.
pub(super) struct Api {
    http: Http,
    username: Option<String>,
    password: Option<Secret>,
    session: Mutex<Option<Session>>,
    refusal: Refusal,
}

/// What a login has given.
#[derive(Clone)]
struct Session {
    /// As it goes into the `Cookie` header; empty where the server lets us in without.
    cookie: String,
}

/// A request of the kind that most are: a method, a path below `api/v2/`, and text fields.
pub(super) struct Question {
    method: Method,
    path: &'static str,
    fields: Vec<(&'static str, String)>,
}

impl Question {
    pub(super) fn get(path: &'static str) -> Self {
        Self { method: Method::GET, path, fields: Vec::new() }
    }

    pub(super) fn post(path: &'static str) -> Self {
        Self { method: Method::POST, path, fields: Vec::new() }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }
}

/// What `qbit-rs` does for us: every command whose answer is only a status.
pub(super) enum Command<'a> {
    /// Hash the data again.
    Recheck,
    /// Take it out and keep its files.
    Remove,
    /// Into a category that exists.
    SetCategory(&'a str),
    /// Separated by commas: several texts would be joined by line breaks, which the Web API does not take.
    AddTags(&'a str),
}

impl Command<'_> {
    async fn run(&self, qbit: &Qbit, id: &str) -> Result<(), qbit_rs::Error> {
        let hashes = vec![id.to_owned()];
        match self {
            Self::Recheck => qbit.recheck_torrents(hashes).await,
            Self::Remove => qbit.delete_torrents(hashes, false).await,
            Self::SetCategory(category) => qbit.set_torrent_category(hashes, category).await,
            Self::AddTags(tags) => qbit.add_torrent_tags(hashes, vec![(*tags).to_owned()]).await,
        }
    }
}

impl Api {
    pub(super) fn new(config: &QBittorrentConfig) -> Result<Self, Error> {
        // A path without a slash at its end would lose its last segment when another is joined to it.
        let url = format!("{}/", config.url.trim().trim_end_matches('/'));
        Ok(Self {
            http: Http::new("qBittorrent", &url)?,
            username: config.username.clone(),
            password: config.password.clone(),
            session: Mutex::new(None),
            refusal: Refusal::default(),
        })
    }

    /// The answer as JSON.
    pub(super) async fn json<T: DeserializeOwned>(&self, question: Question) -> Result<T, Error> {
        let reply = self.ask(question).await?;
        serde_json::from_slice(&reply.body).map_err(|error| self.http.unexpected(&reply).source(error))
    }

    /// The answer as a line of text.
    pub(super) async fn text(&self, question: Question) -> Result<String, Error> {
        let reply = self.ask(question).await?;
        let text = text(&reply);
        // A version is one short word; a web page is not.
        if text.is_empty() || text.len() > 100 || text.contains('<') {
            return Err(self.http.unexpected(&reply));
        }
        Ok(text)
    }

    /// A command whose answer is its status.
    pub(super) async fn done(&self, question: Question) -> Result<(), Error> {
        self.ask(question).await.map(drop)
    }

    async fn ask(&self, question: Question) -> Result<Reply, Error> {
        let reply = self.reply_to(&question).await?;
        if reply.status.is_success() { Ok(reply) } else { Err(self.declined(&reply)) }
    }

    /// The answer, whatever its status.
    async fn reply_to(&self, question: &Question) -> Result<Reply, Error> {
        let Question { method, path, fields } = question;
        self.call(path, |url| {
            let request = self.http.client().request(method.clone(), url);
            if *method == Method::GET { request.query(fields) } else { request.form(fields) }
        })
        .await
    }

    /// Adds a torrent. A duplicate is told by what the answer says, in the words of either generation.
    pub(super) async fn add(&self, form: impl Fn() -> Form) -> Result<Added, Error> {
        let reply = self.call("torrents/add", |url| self.http.client().post(url).multipart(form())).await?;
        match reply.status {
            StatusCode::CONFLICT => Ok(Added::AlreadyPresent),
            // What it cannot read is answered with 415: what it then does not add, it has already,
            // perhaps not yet in the list.
            StatusCode::OK if text(&reply) == "Fails." => Ok(Added::AlreadyPresent),
            status if status.is_success() => Ok(Added::New),
            _ => Err(self.declined(&reply)),
        }
    }

    /// Makes a category if there is none of that name; one that exists keeps its folder.
    pub(super) async fn make_category(&self, name: &str) -> Result<(), Error> {
        let question = Question::post("torrents/createCategory").with("category", name).with("savePath", "");
        let reply = self.reply_to(&question).await?;
        let there = reply.status.is_success() || reply.status == StatusCode::CONFLICT;
        if there { Ok(()) } else { Err(self.declined(&reply)) }
    }

    /// Version of the Web API.
    pub(super) async fn version(&self) -> Result<ApiVersion, Error> {
        let text = self.text(Question::get("app/webapiVersion")).await?;
        let mut numbers = text.split('.').map(|number| number.parse().unwrap_or(0));
        let mut next = || numbers.next().unwrap_or(0);
        Ok(ApiVersion(next(), next(), next()))
    }

    /// Version of the library that does the work.
    pub(super) async fn libtorrent(&self) -> Result<String, Error> {
        #[derive(Deserialize)]
        struct BuildInfo {
            libtorrent: String,
        }
        let info: BuildInfo = self.json(Question::get("app/buildInfo")).await?;
        Ok(info.libtorrent)
    }

    /// Runs a command of the crate on a torrent, and again in a new session if the old has run out.
    pub(super) async fn command(&self, id: &str, command: Command<'_>) -> Result<(), Error> {
        self.http.within_limit(self.command_in_session(id, command)).await
    }

    async fn command_in_session(&self, id: &str, command: Command<'_>) -> Result<(), Error> {
        let session = self.session(None).await?;
        match command.run(&self.qbit(&session), id).await {
            Err(qbit_rs::Error::ApiError(qbit_rs::ApiError::NotLoggedIn)) => {
                let session = self.session(Some(&session)).await?;
                let again = command.run(&self.qbit(&session), id).await;
                again.map_err(|error| self.failed(error))
            }
            outcome => outcome.map_err(|error| self.failed(error)),
        }
    }

    /// The crate's client in a session of ours: with a cookie it never logs in by itself.
    fn qbit(&self, session: &Session) -> Qbit {
        Qbit::builder()
            .endpoint(self.http.url().clone())
            .cookie(session.cookie.as_str())
            .client(self.http.client().clone())
            .build()
    }

    fn failed(&self, error: qbit_rs::Error) -> Error {
        match error {
            qbit_rs::Error::HttpError(error) => self.http.unreachable(error),
            qbit_rs::Error::ApiError(qbit_rs::ApiError::NotLoggedIn) => {
                self.http.error(ErrorKind::Protocol, "forgets the session that it has just given")
            }
            error => self.http.error(ErrorKind::Rejected, "declines").source(error),
        }
    }

    /// The raw request: sent in the session, and again in a new one if the old has run out.
    async fn call(&self, path: &str, request: impl Fn(Url) -> RequestBuilder) -> Result<Reply, Error> {
        self.http
            .within_limit(async {
                let session = self.session(None).await?;
                let reply = self.send(path, &session, &request).await?;
                if reply.status != StatusCode::FORBIDDEN {
                    return Ok(reply);
                }
                let session = self.session(Some(&session)).await?;
                self.send(path, &session, &request).await
            })
            .await
    }

    async fn send(
        &self,
        path: &str,
        session: &Session,
        request: &impl Fn(Url) -> RequestBuilder,
    ) -> Result<Reply, Error> {
        let mut request = request(self.url(path)?);
        if !session.cookie.is_empty() {
            request = request.header(COOKIE, &session.cookie);
        }
        self.http.send(request).await
    }

    fn url(&self, path: &str) -> Result<Url, Error> {
        let joined = self.http.url().join("api/v2/").and_then(|base| base.join(path));
        joined.map_err(|error| self.http.error(ErrorKind::Protocol, "has no API below it").source(error))
    }

    /// The session, or a new one in place of `stale`. One caller at a time logs in, the others wait: so
    /// a wrong password is sent once.
    async fn session(&self, stale: Option<&Session>) -> Result<Session, Error> {
        let mut session = self.session.lock().await;
        self.refusal.check()?;
        match &*session {
            Some(current) if stale.is_none_or(|stale| stale.cookie != current.cookie) => {
                return Ok(current.clone());
            }
            _ => {}
        }
        *session = None;
        let new = self.log_in(stale.is_some()).await?;
        Ok(session.insert(new).clone())
    }

    async fn log_in(&self, needed: bool) -> Result<Session, Error> {
        let Some(username) = &self.username else {
            if needed {
                return Err(self.shut_out());
            }
            return Ok(Session { cookie: String::new() });
        };
        let password = self.password.as_ref().map_or("", Secret::reveal);
        let form = [("username", username.as_str()), ("password", password)];
        let reply = self.http.send(self.http.client().post(self.url("auth/login")?).form(&form)).await?;
        match reply.status {
            StatusCode::OK if text(&reply) == "Fails." => Err(self.wrong_password()),
            StatusCode::UNAUTHORIZED => Err(self.wrong_password()),
            StatusCode::FORBIDDEN => Err(self.banned()),
            StatusCode::OK if text(&reply) == "Ok." => Ok(Session { cookie: cookie(&reply) }),
            StatusCode::NO_CONTENT => Ok(Session { cookie: cookie(&reply) }),
            _ => Err(self.http.unexpected(&reply)),
        }
    }

    fn wrong_password(&self) -> Error {
        let hint = "correct username and password of this client and reload podseed; \
                    behind a proxy, qBittorrent's check of the Host header can be the reason as well";
        let error = self.http.error(ErrorKind::Unauthorized, "refuses the user name or password");
        self.refusal.remember(error.hint(hint))
    }

    fn banned(&self) -> Error {
        let hint = "correct username and password of this client, then wait an hour or restart qBittorrent";
        let what = "has banned this machine after too many wrong passwords";
        let error = self.http.error(ErrorKind::Unauthorized, what);
        self.refusal.remember(error.hint(hint).retry(Retry::After(BAN)))
    }

    fn shut_out(&self) -> Error {
        let error = self.http.error(ErrorKind::Unauthorized, "asks for a login");
        self.refusal.remember(error.hint("set username and password of this client"))
    }

    /// The error for a status that is no success.
    fn declined(&self, reply: &Reply) -> Error {
        let rejected = |what| self.http.error(ErrorKind::Rejected, what);
        match reply.status {
            StatusCode::UNSUPPORTED_MEDIA_TYPE => rejected("cannot read the torrent"),
            StatusCode::BAD_REQUEST | StatusCode::CONFLICT => {
                let words: String = text(reply).chars().take(200).collect();
                rejected("declines").source(words)
            }
            // Not about a password: that is settled at the login.
            StatusCode::UNAUTHORIZED => rejected("does not want to be called by this address").hint(
                "look at its Host header validation, and at what a reverse proxy sends as Host and Origin",
            ),
            _ => self.http.unexpected(reply),
        }
    }
}

/// The body as text; what is no UTF-8 is replaced.
fn text(reply: &Reply) -> String {
    String::from_utf8_lossy(&reply.body).trim().to_owned()
}

/// The cookies of an answer in the form of a request: `SID` up to 5.1, `QBT_SID_<port>` later.
fn cookie(reply: &Reply) -> String {
    let set = reply.headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs: Vec<&str> = set.filter_map(|cookie| cookie.split(';').next()).map(str::trim).collect();
    pairs.join("; ")
}
