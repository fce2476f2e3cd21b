//! A file over HTTP: asks for what is missing, judges the answer, and tries again what time may heal.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue, IF_RANGE, RANGE};
use url::Url;

use super::answer::{self, Verdict};
use super::gate::Gate;
use super::partial::{Record, fingerprint};
use super::sink::{Finished, Sink};
use super::{Class, Error, Fetched, Order, Watch, discard};
use crate::http::{self, Http, Request, Response};
use crate::model::media::SNIFF_LENGTH;
use crate::secret::SafeUrl;

/// How often a transient failure is tried again before it is left to a later pass.
const RETRIES: u32 = 2;
/// The longest pause that an origin may ask for and still be asked again in this pass.
const SHORT_PAUSE: Duration = Duration::from_secs(30);

/// One file on its way.
pub(super) struct Transfer<'a> {
    pub(super) http: &'a Http,
    pub(super) order: &'a Order,
    pub(super) url: &'a Url,
    pub(super) watch: Watch<'a>,
}

impl Transfer<'_> {
    pub(super) async fn run(&self) -> Result<Fetched, Error> {
        let mut sink = Sink::open(self.order, fingerprint(self.url.as_str()), self.watch).await?;
        let mut failures = 0;
        let final_url = loop {
            let error = match self.attempt(&mut sink).await {
                Ok(final_url) => break final_url,
                Err(error) => error,
            };
            if sink.is_spoilt_by(&error) {
                discard(&self.order.partial)?;
                return Err(error);
            }
            sink.keep().await?;
            if failures == RETRIES || !passes_soon(&error) {
                return Err(error);
            }
            failures += 1;
            self.back_off(failures).await?;
        };
        let Finished { record, media, hashes, sha256 } = sink.finish().await?;
        let (etag, last_modified) = record.map_or((None, None), |record| (record.etag, record.last_modified));
        Ok(Fetched { length: hashes.length, media, hashes, sha256, final_url, etag, last_modified })
    }

    /// One request, or a second one when the first brings something that fits nowhere. Gives who answered.
    async fn attempt(&self, sink: &mut Sink<'_>) -> Result<Option<SafeUrl>, Error> {
        if sink.is_complete() {
            return Ok(None);
        }
        sink.has_room()?;
        if let Some((offset, record, validator)) = resumable(sink) {
            let response = self.ask(Some((offset, validator))).await?;
            let verdict = answer::judge(&response, Some((offset, record)));
            if verdict == Verdict::EndsEarly {
                let announced = record.total.unwrap_or(offset);
                return Err(Error::WrongLength {
                    subject: self.order.source.clone(),
                    announced,
                    came: offset,
                });
            }
            if verdict != Verdict::Useless {
                return self.take(response, verdict, sink).await.map(Some);
            }
        }
        let response = self.ask(None).await?;
        let verdict = answer::judge(&response, None);
        self.take(response, verdict, sink).await.map(Some)
    }

    async fn take(
        &self,
        mut response: Response,
        verdict: Verdict,
        sink: &mut Sink<'_>,
    ) -> Result<SafeUrl, Error> {
        let subject = || self.order.source.clone();
        if let Some(encoding) = answer::encoding(&response.headers) {
            return Err(Error::Encoded { subject: subject(), encoding });
        }
        match verdict {
            Verdict::Continues { total } => sink.resume(total).await?,
            Verdict::Whole if answer::has_end(&response) => self.begin(&mut response, sink).await?,
            Verdict::Whole => return Err(Error::NoLength { subject: subject() }),
            Verdict::Useless | Verdict::EndsEarly => {
                return Err(Error::NoFile { subject: subject(), status: response.status });
            }
            Verdict::Complete => {}
        }
        if verdict != Verdict::Complete {
            self.pour(response.body, sink).await?;
        }
        sink.end()?;
        Ok(response.url.into())
    }

    /// Begins with the first bytes of a new body. What is held is given up only for what passes the gate: a page that
    /// says "back in an hour" must not cost a nearly complete file.
    async fn begin(&self, response: &mut Response, sink: &mut Sink<'_>) -> Result<(), Error> {
        let mut head = Vec::new();
        if sink.length() > 0 {
            while head.len() < SNIFF_LENGTH {
                let Some(bytes) = self.unless_cancelled(response.body.chunk()).await?? else { break };
                head.extend_from_slice(&bytes);
            }
            let mut gate = Gate::new();
            gate.look(&head, self.order)?;
            gate.decide(self.order)?;
        }
        sink.start(answer::record_of(response, sink.source().to_owned())).await?;
        sink.push(&head).await
    }

    async fn pour(&self, mut body: http::Body, sink: &mut Sink<'_>) -> Result<(), Error> {
        while let Some(bytes) = self.unless_cancelled(body.chunk()).await?? {
            sink.push(&bytes).await?;
        }
        Ok(())
    }

    /// Asks for the file, or for what follows the bytes that we have of what the validator names.
    async fn ask(&self, rest: Option<(u64, HeaderValue)>) -> Result<Response, Error> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some((offset, validator)) = rest {
            let range = HeaderValue::from_str(&format!("bytes={offset}-"));
            headers.extend(range.ok().map(|range| (RANGE, range)));
            headers.insert(IF_RANGE, validator);
        }
        let auth = self.order.auth.clone();
        let request = Request { headers, auth, ..Request::media(self.url.clone()) };
        Ok(self.unless_cancelled(self.http.get(request, self.watch.meter)).await??)
    }

    async fn back_off(&self, failures: u32) -> Result<(), Error> {
        let pause = self.http.retry_pause() * 3_u32.pow(failures - 1);
        self.unless_cancelled(tokio::time::sleep(pause.mul_f64(jitter()))).await
    }

    async fn unless_cancelled<T>(&self, work: impl Future<Output = T>) -> Result<T, Error> {
        let done = self.watch.cancel.run_until_cancelled(work).await;
        done.ok_or_else(|| Error::Cancelled { subject: self.order.source.clone() })
    }
}

/// What can be continued, if anything: the bytes we have, what they are, and the proof to ask with.
fn resumable<'a>(sink: &'a Sink<'_>) -> Option<(u64, &'a Record, HeaderValue)> {
    let record = sink.record()?;
    let validator = HeaderValue::from_str(record.validator.as_deref()?).ok()?;
    (sink.length() > 0).then_some((sink.length(), record, validator))
}

/// What may be over in a moment. A bad certificate or a host that wants to be left alone are not.
fn passes_soon(error: &Error) -> bool {
    match error {
        Error::Http(http::Error::Tls { .. } | http::Error::HeldBack { .. }) => false,
        _ => match error.class() {
            Class::Transient { after } => after.is_none_or(|pause| pause <= SHORT_PAUSE),
            _ => false,
        },
    }
}

/// Between a half and one and a half, so that many who failed together do not come back together.
fn jitter() -> f64 {
    let random = RandomState::new().build_hasher().finish() as u32;
    0.5 + f64::from(random) / f64::from(u32::MAX)
}
