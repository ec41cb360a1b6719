//! The figures of requests to the API, under the names that dashboards know.
//!
//! Handles are made once per label set and found by a table look-up; labels come from closed sets
//! (operation, status, method).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::RwLock;
use std::time::Duration;

use http::Method;
use http::StatusCode;
use metrics::Counter;
use metrics::Gauge;
use metrics::Histogram;

/// The operation whose time to the first byte is a figure of its own.
const GET_OBJECT: &str = "getObject";
const METHODS: [&str; 8] = ["get", "head", "post", "put", "delete", "patch", "options", "other"];
/// Statuses are 100 to 599.
const STATUSES: usize = 500;

/// All figures.
pub(crate) struct Figures {
    requests: Vec<OnceLock<Counter>>,
    operations: RwLock<HashMap<&'static str, Arc<OperationFigures>>>,
}

/// The figures of one operation.
pub(crate) struct OperationFigures {
    id: &'static str,
    in_flight: Gauge,
    first_byte: Option<Histogram>,
    durations: RwLock<HashMap<u16, Histogram>>,
}

impl Figures {
    pub(crate) fn new() -> Self {
        let requests = (0..METHODS.len() * STATUSES).map(|_| OnceLock::new()).collect();
        Self { requests, operations: RwLock::default() }
    }

    /// Counts an answer.
    pub(crate) fn count(&self, method: usize, status: StatusCode) {
        let status_place = usize::from(status.as_u16()).saturating_sub(100).min(STATUSES - 1);
        let Some(place) = self.requests.get(method * STATUSES + status_place) else { return };
        let counter = place.get_or_init(|| {
            let code = status.as_str().to_owned();
            metrics::counter!("api_requests_total", "code" => code, "method" => METHODS[method])
        });
        counter.increment(1);
    }

    /// The figures of the operation `id`.
    pub(crate) fn operation(&self, id: &'static str) -> Arc<OperationFigures> {
        let known = self.operations.read().expect("no code panics while holding the lock");
        if let Some(figures) = known.get(id) {
            return figures.clone();
        }
        drop(known);
        let mut known = self.operations.write().expect("no code panics while holding the lock");
        known.entry(id).or_insert_with(|| Arc::new(OperationFigures::new(id))).clone()
    }
}

impl OperationFigures {
    fn new(id: &'static str) -> Self {
        let first_byte = (id == GET_OBJECT).then(|| {
            metrics::histogram!("api_request_ttfb_duration_seconds", "operation" => operation_label(id))
        });
        Self {
            id,
            in_flight: metrics::gauge!(
                "lakefs_concurrent_requests", "service" => "api", "operation" => id
            ),
            first_byte,
            durations: RwLock::default(),
        }
    }

    pub(crate) fn id(&self) -> &'static str {
        self.id
    }

    pub(crate) fn begin(&self) {
        self.in_flight.increment(1.0);
    }

    pub(crate) fn first_byte(&self, after: Duration) {
        if let Some(histogram) = &self.first_byte {
            histogram.record(after);
        }
    }

    pub(crate) fn end(&self, status: StatusCode, after: Duration) {
        self.in_flight.decrement(1.0);
        let code = status.as_u16();
        let known = self.durations.read().expect("no code panics while holding the lock");
        if let Some(histogram) = known.get(&code) {
            histogram.record(after);
            return;
        }
        drop(known);
        let mut known = self.durations.write().expect("no code panics while holding the lock");
        let histogram = known.entry(code).or_insert_with(|| {
            let code = status.as_str().to_owned();
            metrics::histogram!(
                "api_request_duration_seconds", "operation" => self.id, "code" => code
            )
        });
        histogram.record(after);
    }
}

/// Dashboards know this one figure with a capital letter.
fn operation_label(id: &str) -> String {
    let mut letters = id.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

/// The place of a method among the labels.
pub(crate) fn method_place(method: &Method) -> usize {
    match *method {
        Method::GET => 0,
        Method::HEAD => 1,
        Method::POST => 2,
        Method::PUT => 3,
        Method::DELETE => 4,
        Method::PATCH => 5,
        Method::OPTIONS => 6,
        _ => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_and_method_has_a_place() {
        let figures = Figures::new();
        for method in 0..METHODS.len() {
            for status in [100, 200, 499, 599, 600, 999] {
                figures.count(method, StatusCode::from_u16(status).expect("a status"));
            }
        }
        assert_eq!(METHODS[method_place(&Method::PATCH)], "patch");
        assert_eq!(METHODS[method_place(&Method::TRACE)], "other");
    }

    #[test]
    fn an_operation_has_one_set_of_figures() {
        let figures = Figures::new();
        let first = figures.operation("getBranch");
        assert!(Arc::ptr_eq(&first, &figures.operation("getBranch")));
        assert!(!Arc::ptr_eq(&first, &figures.operation("getTag")));
        first.begin();
        first.end(StatusCode::OK, Duration::from_millis(1));
        assert_eq!(operation_label("getObject"), "GetObject");
    }
}
