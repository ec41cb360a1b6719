//! The audit line: who asked for what, and what became of it. Written at level debug.

use std::net::SocketAddr;
use std::time::Duration;

use http::HeaderMap;
use http::StatusCode;
use http::header;
use http::request::Parts;
use tracing::debug;

use lakehold_auth::Auth;
use lakehold_auth::Presented;

use super::request_id::RequestId;

/// What the line says of a request, taken from it before it is passed on.
pub(crate) struct Audit {
    method: String,
    path: String,
    host: String,
    client: String,
    source_ip: String,
    user: String,
}

impl Audit {
    pub(crate) async fn of(head: &Parts, peer: SocketAddr, auth: &Auth) -> Self {
        let text = |name| header_text(&head.headers, name).unwrap_or_default().to_owned();
        let client = header_text(&head.headers, "x-lakefs-client");
        Self {
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            host: text(header::HOST.as_str()),
            client: client.map_or_else(|| text(header::USER_AGENT.as_str()), str::to_owned),
            source_ip: source_ip(&head.headers, peer),
            user: user_id(&head.headers, auth).await,
        }
    }

    pub(crate) fn write(
        &self,
        id: &RequestId,
        operation: &str,
        status: StatusCode,
        took: Duration,
    ) {
        debug!(
            request.id = %id,
            method = %self.method,
            path = %self.path,
            host = %self.host,
            client = %self.client,
            source_ip = %self.source_ip,
            user.id = %self.user,
            operation_id = operation,
            status_code = status.as_u16(),
            took_ms = took.as_secs_f64() * 1_000.0,
            "HTTP call ended"
        );
    }
}

/// What a proxy says, else who is connected.
fn source_ip(headers: &HeaderMap, peer: SocketAddr) -> String {
    let forwarded = header_text(headers, "x-forwarded-for").and_then(|all| all.split(',').next());
    let named = forwarded.or_else(|| header_text(headers, "x-real-ip")).map(str::trim);
    named.filter(|ip| !ip.is_empty()).map_or_else(|| peer.ip().to_string(), str::to_owned)
}

/// The user, asked a second time: copies of users are kept in memory, and this is for debugging.
async fn user_id(headers: &HeaderMap, auth: &Auth) -> String {
    let cookies = headers.get_all(header::COOKIE).iter();
    let presented = Presented {
        authorization: header_text(headers, header::AUTHORIZATION.as_str()),
        cookies: cookies.filter_map(|value| value.to_str().ok()).collect(),
    };
    match auth.authenticate(&presented).await {
        Ok(Some(user)) => user.id.clone(),
        _ => String::new(),
    }
}

fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_is_what_a_proxy_says_first_else_the_peer() {
        let peer = SocketAddr::from(([10, 0, 0, 1], 5000));
        let source = |pairs: &[(&'static str, &'static str)]| {
            let named = |(name, value): &(&'static str, &'static str)| {
                (http::HeaderName::from_static(name), http::HeaderValue::from_static(value))
            };
            source_ip(&pairs.iter().map(named).collect(), peer)
        };
        assert_eq!(source(&[]), "10.0.0.1");
        assert_eq!(source(&[("x-real-ip", "1.2.3.4")]), "1.2.3.4");
        let both = [("x-forwarded-for", "5.6.7.8, 9.9.9.9"), ("x-real-ip", "1.2.3.4")];
        assert_eq!(source(&both), "5.6.7.8");
        assert_eq!(source(&[("x-forwarded-for", "")]), "10.0.0.1");
    }
}
