//! Requests to S3: signed, sent, tried again, answered.
//!
//! A [`Call`] says what is wanted. It is sent to where its bucket is, signed as whoever we are at that
//! moment, and sent again as long as that may help and nothing speaks against it: a body that was read
//! while it was sent cannot be sent again. Between two attempts passes a time that doubles, in part by
//! chance. An attempt whose answer was lost may have been carried out; [`Failed::uncertain`] says so, for
//! the calls that are not the same twice.

mod request;

pub(crate) use request::scope_at;
pub(crate) use request::spelled;

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http::Method;
use http::Response;
use hyper::body::Incoming;
use lakehold_block::Error;
use lakehold_clock::Runtime;
use moka::future::Cache;
use tracing::debug;
use tracing::warn;

use crate::body::Payload;
use crate::credentials::Credentials;
use crate::credentials::Keys;
use crate::endpoint::Endpoint;
use crate::failure::Failure;
use crate::failure::Refusal;
use crate::http_client::HttpClient;
use crate::http_client::Progress;
use crate::place::Place;
use crate::settings::S3Settings;
use crate::xml::Element;

/// Longer documents are none of S3's: a page of a listing has at most 1,000 keys.
const LONGEST_DOCUMENT: usize = 32 << 20;

/// So much is read of an error.
const LONGEST_ERROR: usize = 64 << 10;

/// The wait after the first attempt; it doubles after each.
const FIRST_WAIT: Duration = Duration::from_millis(100);

const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// Regions of more buckets than this are asked for anew.
const MAX_BUCKETS: u64 = 10_000;

/// What an answer is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Headers only.
    Headers,
    /// An XML document.
    Document,
    /// Bytes of an object, read by whoever called.
    Bytes,
}

/// A request before it is signed.
#[derive(Clone, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    /// The object, or the bucket.
    pub(crate) place: &'a Place,
    /// The right that it needs.
    pub(crate) action: &'static str,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) payload: Payload,
    pub(crate) wanted: Wanted,
}

impl<'a> Call<'a> {
    /// A request without parameters or body, of which only the headers of the answer are wanted.
    pub(crate) fn new(method: Method, place: &'a Place, action: &'static str) -> Self {
        let (query, headers) = (Vec::new(), Vec::new());
        Self {
            method,
            place,
            action,
            query,
            headers,
            payload: Payload::empty(),
            wanted: Wanted::Headers,
        }
    }

    pub(crate) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn headers(mut self, headers: Vec<(&'static str, String)>) -> Self {
        self.headers.extend(headers);
        self
    }

    pub(crate) fn payload(self, payload: Payload) -> Self {
        Self { payload, ..self }
    }

    pub(crate) fn wanting(self, wanted: Wanted) -> Self {
        Self { wanted, ..self }
    }
}

/// What a call was answered with.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    /// The document, where one was wanted.
    pub(crate) document: Element,
    /// The bytes, where they were wanted.
    pub(crate) body: Option<Incoming>,
}

impl Answer {
    /// The value of a header; empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The entity tag, without quotes.
    pub(crate) fn etag(&self) -> &str {
        self.header("etag").trim_matches('"')
    }
}

/// A call that failed at each attempt.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) failure: Failure,
    /// Whether one of the attempts may have been carried out, or may yet be.
    pub(crate) uncertain: bool,
    /// Whether one before the last may have been.
    pub(crate) uncertain_before: bool,
}

impl Failed {
    /// The error for whoever called the store about `place`.
    pub(crate) fn about(self, place: &Place) -> Error {
        self.failure.about(place)
    }
}

/// What has been tried for a call.
#[derive(Debug, Default)]
struct Tried {
    retries: u32,
    redirected: bool,
    renewed: bool,
}

/// A client of one service.
#[derive(Debug)]
pub(crate) struct S3Client {
    pub(crate) settings: S3Settings,
    pub(crate) runtime: Runtime,
    pub(crate) http: HttpClient,
    pub(crate) credentials: Credentials,
    endpoint: Endpoint,
    /// The endpoint that clients are sent to.
    pub(crate) endpoint_for_clients: Endpoint,
    /// The region of each bucket.
    regions: Cache<String, Arc<str>>,
}

impl S3Client {
    pub(crate) fn new(settings: S3Settings, runtime: Runtime) -> Result<Self, Error> {
        let http = HttpClient::new(&settings, runtime.clone())?;
        let endpoint = settings.endpoint.as_deref();
        let for_clients = settings.pre_signed_endpoint.as_deref().filter(|url| !url.is_empty());
        Ok(Self {
            credentials: Credentials::new(&settings, &runtime, &http),
            endpoint: Endpoint::new(endpoint, &settings)?,
            endpoint_for_clients: Endpoint::new(for_clients.or(endpoint), &settings)?,
            regions: Cache::new(MAX_BUCKETS),
            http,
            runtime,
            settings,
        })
    }

    /// Sends `call` until it is answered, or cannot be.
    pub(crate) async fn call(&self, call: &Call<'_>) -> Result<Answer, Failed> {
        let mut tried = Tried::default();
        let mut uncertain = false;
        loop {
            let failure = match self.attempt(call).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let uncertain_before = uncertain;
            uncertain |= failure.may_have_been_done();
            if !self.try_again(call, &failure, &mut tried).await {
                return Err(Failed { failure, uncertain, uncertain_before });
            }
        }
    }

    /// Whether it may help to send `call` again, once what was in the way is out of it.
    async fn try_again(&self, call: &Call<'_>, failure: &Failure, tried: &mut Tried) -> bool {
        if !call.payload.is_unread() {
            return false;
        }
        if let Failure::Refused(refusal) = failure {
            if let Some(region) = refusal.region.as_deref().filter(|_| !tried.redirected) {
                tried.redirected = true;
                if self.learn_region(&call.place.bucket, region).await {
                    return true;
                }
            }
            if refusal.code == "ExpiredToken" && !tried.renewed {
                tried.renewed = true;
                self.credentials.refresh().await;
                return true;
            }
        }
        if !failure.is_transient() || tried.retries >= self.settings.max_retries {
            return false;
        }
        tried.retries += 1;
        let action = call.action;
        debug!(attempt = tried.retries, "{action} of {} is tried again: {failure}", call.place);
        self.runtime.sleep(self.wait(tried.retries)).await;
        true
    }

    /// How long to wait before the `retry`th retry: half of it by chance.
    pub(crate) fn wait(&self, retry: u32) -> Duration {
        let doubled = 1_u32.checked_shl(retry.saturating_sub(1)).unwrap_or(u32::MAX);
        let longest = FIRST_WAIT.saturating_mul(doubled).min(LONGEST_WAIT);
        let chance = f64::from(u16::from_le_bytes(self.runtime.random_bytes())) / 65_536.0;
        longest.mul_f64(0.5 + chance / 2.0)
    }

    async fn attempt(&self, call: &Call<'_>) -> Result<Answer, Failure> {
        let keys = self.credentials.get().await?;
        let region = self.region(&call.place.bucket, &keys).await;
        self.attempt_in(&region, call, &keys).await
    }

    async fn attempt_in(
        &self,
        region: &str,
        call: &Call<'_>,
        keys: &Keys,
    ) -> Result<Answer, Failure> {
        let progress = Progress::default();
        let target = self.endpoint.locate(call.place, region);
        let request = self.request(call, &target, keys, region, &progress).await?;
        let answer = self.http.send(request, &progress).await;
        if let Some(failure) = call.payload.take_failure() {
            return Err(Failure::Body(failure));
        }
        let answer = answer.map_err(|source| self.http_failure(source))?;
        self.read(call, answer).await.map_err(|failure| match failure {
            Failure::Refused(refusal) => {
                Failure::Refused(Box::new(refusal.asked_by(&keys.access_key_id)))
            }
            failure => failure,
        })
    }

    pub(crate) fn http_failure(&self, source: crate::http_client::HttpError) -> Failure {
        Failure::Http { service: self.endpoint.name().to_owned(), source }
    }

    async fn read(&self, call: &Call<'_>, answer: Response<Incoming>) -> Result<Answer, Failure> {
        let (parts, body) = answer.into_parts();
        let refusal = |document: &str| {
            let refused =
                Refusal::new(parts.status, &parts.headers, document, (call.action, call.place));
            Failure::Refused(Box::new(refused))
        };
        if !parts.status.is_success() {
            // What cannot be read of an error is not needed.
            let error = self.http.collect(body, LONGEST_ERROR).await.unwrap_or_default();
            return Err(refusal(&String::from_utf8_lossy(&error)));
        }
        let mut answer =
            Answer { headers: parts.headers.clone(), document: Element::default(), body: None };
        if call.wanted == Wanted::Bytes {
            answer.body = Some(body);
            return Ok(answer);
        }
        let bytes = self.http.collect(body, LONGEST_DOCUMENT).await;
        let bytes = bytes.map_err(|source| self.http_failure(source))?;
        if call.wanted == Wanted::Document {
            let text = String::from_utf8_lossy(&bytes);
            answer.document = Element::parse(&text)?;
            if answer.document.name == "Error" {
                // A success that turned out to be none after its status had been sent.
                let status = http::StatusCode::INTERNAL_SERVER_ERROR;
                let refused =
                    Refusal::new(status, &parts.headers, &text, (call.action, call.place));
                return Err(Failure::Refused(Box::new(refused)));
            }
        }
        Ok(answer)
    }

    /// The region that `bucket` is in, as far as is known.
    pub(crate) async fn region(&self, bucket: &str, keys: &Keys) -> Arc<str> {
        if let Some(region) = self.regions.get(bucket).await {
            return region;
        }
        let default: Arc<str> = self.settings.region.as_str().into();
        if !self.settings.discover_bucket_region {
            return default;
        }
        let discover = self.discover_region(bucket, keys);
        let found = self.regions.optionally_get_with_by_ref(bucket, discover).await;
        found.unwrap_or(default)
    }

    /// Asks `bucket` where it is. `None` where there was no answer, which the request itself will tell.
    async fn discover_region(&self, bucket: &str, keys: &Keys) -> Option<Arc<str>> {
        let place = Place::bucket(bucket);
        let call = Call::new(Method::HEAD, &place, "s3:ListBucket");
        let default = self.settings.region.as_str();
        let told = match self.attempt_in(default, &call, keys).await {
            Ok(answer) => Some(answer.header("x-amz-bucket-region").to_owned()),
            Err(Failure::Refused(refusal)) if !refusal.status.is_server_error() => refusal.region,
            Err(_) => return None,
        };
        let told = told.filter(|region| !region.is_empty());
        Some(told.as_deref().unwrap_or(default).into())
    }

    /// Remembers the region of `bucket`; returns whether that is news.
    async fn learn_region(&self, bucket: &str, region: &str) -> bool {
        let known = self.regions.get(bucket).await;
        let known = known.as_deref().unwrap_or(&self.settings.region);
        if known == region {
            return false;
        }
        warn!("bucket {bucket} is in region {region}, not in {known}");
        self.regions.insert(bucket.to_owned(), region.into()).await;
        true
    }
}
