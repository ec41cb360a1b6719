//! The HTTP client: connections, TLS, and the limit on how long nothing may happen.
//!
//! It sends a URI as it is. (A client that resolves `..` or `%2e` in paths, as browsers must, cannot
//! name every object.)

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use bytes::BytesMut;
use futures::FutureExt as _;
use http::Request;
use http::Response;
use http_body_util::BodyExt as _;
use http_body_util::Full;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioTimer;
use lakehold_block::BoxError;
use lakehold_block::Error;
use lakehold_clock::Runtime;

use crate::settings::S3Settings;
use crate::tls;

/// S3 closes connections that were idle for some 20 seconds.
const POOL_IDLE: Duration = Duration::from_secs(15);

/// A body on its way out.
pub(crate) type OutBody = UnsyncBoxBody<Bytes, BoxError>;

/// Counts what goes out, so that it can be seen whether anything happens.
pub(crate) type Progress = Arc<AtomicU64>;

/// The client. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub(crate) struct HttpClient {
    client: Client<HttpsConnector<HttpConnector>, OutBody>,
    runtime: Runtime,
    idle: Duration,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    /// Nothing was sent.
    #[error("cannot connect: {}", innermost(.0))]
    Connect(#[source] BoxError),
    /// Something may have been sent.
    #[error("the connection broke off: {}", innermost(.0))]
    Broken(#[source] BoxError),
    /// Something may have been sent.
    #[error("nothing came or went for {0:?}")]
    Idle(Duration),
    /// The answer is no answer.
    #[error("the answer has more than {0} bytes")]
    TooLong(usize),
}

/// The last cause is the one that says something.
fn innermost(error: &BoxError) -> String {
    let mut error: &dyn std::error::Error = &**error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("HttpClient").field("idle", &self.idle).finish_non_exhaustive()
    }
}

impl HttpClient {
    pub(crate) fn new(settings: &S3Settings, runtime: Runtime) -> Result<Self, Error> {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(settings.connect_timeout));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls::config(settings)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(Self { client, runtime, idle: settings.idle_timeout })
    }

    /// Sends `request` and returns the answer as soon as it begins.
    pub(crate) async fn send(
        &self,
        request: Request<OutBody>,
        progress: &Progress,
    ) -> Result<Response<Incoming>, HttpError> {
        let mut answer = pin!(self.client.request(request));
        loop {
            let before = progress.load(Ordering::Relaxed);
            match self.runtime.timeout(self.idle, answer.as_mut()).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) if error.is_connect() => {
                    return Err(HttpError::Connect(error.into()));
                }
                Ok(Err(error)) => return Err(HttpError::Broken(error.into())),
                Err(_) if progress.load(Ordering::Relaxed) != before => {}
                Err(_) => return Err(HttpError::Idle(self.idle)),
            }
        }
    }

    /// The next bytes of `body`; `None` at its end.
    pub(crate) async fn next(&self, body: &mut Incoming) -> Option<Result<Bytes, HttpError>> {
        loop {
            // What is there already needs no limit.
            let waiting = match body.frame().now_or_never() {
                Some(frame) => Ok(frame),
                None => self.runtime.timeout(self.idle, body.frame()).await,
            };
            let frame = match waiting {
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => return Some(Err(HttpError::Broken(error.into()))),
                Ok(None) => return None,
                Err(_) => return Some(Err(HttpError::Idle(self.idle))),
            };
            if let Ok(bytes) = frame.into_data() {
                return Some(Ok(bytes));
            }
        }
    }

    /// All of `body`, which must not have more than `limit` bytes.
    pub(crate) async fn collect(
        &self,
        mut body: Incoming,
        limit: usize,
    ) -> Result<Bytes, HttpError> {
        let mut all = BytesMut::new();
        while let Some(bytes) = self.next(&mut body).await.transpose()? {
            if all.len() + bytes.len() > limit {
                return Err(HttpError::TooLong(limit));
            }
            all.extend_from_slice(&bytes);
        }
        Ok(all.freeze())
    }

    /// Sends a small request and collects its answer.
    pub(crate) async fn exchange(
        &self,
        request: Request<Bytes>,
        limit: usize,
    ) -> Result<Response<Bytes>, HttpError> {
        let request = request.map(|body| Full::new(body).map_err(Into::into).boxed_unsync());
        let (parts, body) = self.send(request, &Progress::default()).await?.into_parts();
        Ok(Response::from_parts(parts, self.collect(body, limit).await?))
    }
}
