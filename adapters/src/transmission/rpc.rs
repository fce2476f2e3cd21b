//! Questions to Transmission's RPC and their answers: the session's token, the login, and what goes wrong.
//!
//! The credentials are sent by one caller at a time while there is no token, and never again after they were refused.
//! Statuses and refusals are turned into errors here and nowhere else.

use reqwest::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::http::{Http, Refusal, Reply};
use crate::{Error, ErrorKind, Secret, TransmissionConfig};

const SESSION_HEADER: &str = "X-Transmission-Session-Id";

/// The RPC of one Transmission.
pub(super) struct Rpc {
    http: Http,
    username: Option<String>,
    password: Option<Secret>,
    /// The token against cross-site requests; `None` before the first answer.
    session: Mutex<Option<String>>,
    refusal: Refusal,
}

/// Whether the question was answered.
#[derive(Deserialize)]
struct Outcome {
    result: String,
}

/// The answer. It is read straight into what was asked for: a list of thousands is long enough by itself.
#[derive(Deserialize)]
struct Answer<T> {
    arguments: Option<T>,
}

impl Rpc {
    /// Checks the address; nothing is asked of the client yet.
    pub(super) fn new(config: &TransmissionConfig) -> Result<Self, Error> {
        Ok(Self {
            http: Http::new("Transmission", &config.url)?,
            username: config.username.clone(),
            password: config.password.clone(),
            session: Mutex::new(None),
            refusal: Refusal::default(),
        })
    }

    /// An error that names this client.
    pub(super) fn error(&self, kind: ErrorKind, what: &str) -> Error {
        self.http.error(kind, what)
    }

    /// One question and its answer; the torrent client's refusals become errors.
    pub(super) async fn call<T: DeserializeOwned>(&self, method: &str, arguments: Value) -> Result<T, Error> {
        let request = json!({ "method": method, "arguments": arguments });
        let reply = self.http.within_limit(self.exchange(&request)).await?;
        let unexpected = |error| self.http.unexpected(&reply).source(error);
        let outcome: Outcome = serde_json::from_slice(&reply.body).map_err(unexpected)?;
        if outcome.result != "success" {
            return Err(declined(&outcome.result));
        }
        let answer: Answer<T> = serde_json::from_slice(&reply.body).map_err(unexpected)?;
        match answer.arguments {
            Some(arguments) => Ok(arguments),
            None => serde_json::from_str("{}").map_err(unexpected),
        }
    }

    /// Sends the request with the session's token, and again with a new one if the old has run out.
    async fn exchange(&self, request: &Value) -> Result<Reply, Error> {
        let token = self.token().await?;
        let reply = self.post(request, &token).await?;
        if reply.status != StatusCode::CONFLICT {
            return self.accepted(reply);
        }
        let token = self.renewed(&reply)?;
        *self.session.lock().await = Some(token.clone());
        let reply = self.post(request, &token).await?;
        self.accepted(reply)
    }

    /// The token, asked for if there is none. One caller at a time: so a wrong password is sent once.
    async fn token(&self) -> Result<String, Error> {
        let mut session = self.session.lock().await;
        self.refusal.check()?;
        if let Some(token) = &*session {
            return Ok(token.clone());
        }
        let reply = self.post(&json!({ "method": "session-get" }), "").await?;
        let token = if reply.status == StatusCode::CONFLICT {
            self.renewed(&reply)?
        } else {
            // Something in between may add the token for us: then we need none.
            self.accepted(reply)?;
            String::new()
        };
        Ok(session.insert(token).clone())
    }

    async fn post(&self, request: &Value, token: &str) -> Result<Reply, Error> {
        let mut post = self.http.client().post(self.http.url().clone()).json(request);
        if !token.is_empty() {
            post = post.header(SESSION_HEADER, token);
        }
        if let Some(username) = &self.username {
            post = post.basic_auth(username, self.password.as_ref().map(Secret::reveal));
        }
        self.http.send(post).await
    }

    fn renewed(&self, reply: &Reply) -> Result<String, Error> {
        let token = reply.headers.get(SESSION_HEADER).and_then(|token| token.to_str().ok());
        Ok(token.ok_or_else(|| self.http.unexpected(reply))?.to_owned())
    }

    /// Turns the statuses with which Transmission closes its door into errors.
    fn accepted(&self, reply: Reply) -> Result<Reply, Error> {
        let refused = |what, hint| Err(self.http.error(ErrorKind::Rejected, what).hint(hint));
        match reply.status {
            StatusCode::OK => Ok(reply),
            StatusCode::UNAUTHORIZED => {
                let what = match self.username {
                    Some(_) => "refuses the user name or password",
                    None => "asks for a password",
                };
                let error = self.http.error(ErrorKind::Unauthorized, what);
                let hint = "correct username and password of this client and reload podseed";
                Err(self.refusal.remember(error.hint(hint)))
            }
            StatusCode::FORBIDDEN => refused(
                "does not let this machine in",
                "add this machine to its rpc-whitelist; after too many wrong passwords, restart it",
            ),
            StatusCode::MISDIRECTED_REQUEST => refused(
                "does not want to be called by this host name",
                "add the name to its rpc-host-whitelist, or use its IP address",
            ),
            _ => Err(self.http.unexpected(&reply)),
        }
    }
}

fn declined(result: &str) -> Error {
    if result.contains("not absolute") {
        return Error::new(ErrorKind::Path, "Transmission wants the data folder as an absolute path")
            .hint("write an absolute path on the right side of this client's paths")
            .source(result);
    }
    Error::new(ErrorKind::Rejected, "Transmission declines").source(result)
}
