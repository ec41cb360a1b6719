use axum::body::to_bytes;
use http::Request;
use lakehold_auth::AuthSettings;
use lakehold_auth::DEFAULT_LOGIN_DURATION;
use lakehold_kv::MemStore;

use super::*;

fn telemetry() -> Telemetry {
    let (runtime, _) = Runtime::seeded(1);
    let settings =
        AuthSettings { secret_key: b"key".to_vec(), login_duration: DEFAULT_LOGIN_DURATION };
    let auth = Auth::new(Arc::new(MemStore::new()), runtime.clone(), settings);
    Telemetry::new(&runtime, &auth)
}

async fn observed(work: impl Future<Output = Response<Body>>) -> Response<Body> {
    let head = Request::builder().uri("/user").body(()).expect("a request").into_parts().0;
    let peer = SocketAddr::from(([127, 0, 0, 1], 1));
    let arrival =
        Arrival { front: Front::ApiAtRoot, operation: Some("getCurrentUser"), head: &head, peer };
    telemetry().begin(&arrival).await.observe(work).await
}

#[tokio::test]
async fn an_answer_gets_a_request_id_and_keeps_its_body_and_length() {
    let response = observed(async { Response::new(Body::from("answer")) }).await;
    assert_eq!(response.headers()["x-request-id"].len(), 36);
    assert_eq!(http_body::Body::size_hint(response.body()).exact(), Some(6));
    let body = to_bytes(response.into_body(), 100).await.expect("read");
    assert_eq!(body, "answer");
}

#[tokio::test]
async fn a_panic_is_answered_without_telling_what_it_said() {
    let response = observed(async { panic!("secret of the server") }).await;
    assert_eq!(response.status(), 500);
    let body = to_bytes(response.into_body(), 100).await.expect("read");
    assert_eq!(body, "{\"message\":\"internal error\"}\n");
}
