use super::*;

fn head(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).expect("a request").into_parts().0
}

fn front(uri: &str, headers: &[(&str, &str)]) -> Front {
    Front::of(&head("GET", uri, headers))
}

const JSON: (&str, &str) = ("accept", "application/json");

#[test]
fn paths_outside_the_api_have_their_own_answers() {
    for (path, expected) in [
        ("/", Front::Ui),
        ("/repositories", Front::Ui),
        ("/auth/login", Front::Ui),
        ("/_health", Front::Health),
        ("/metrics", Front::Metrics),
        ("/openapi.json", Front::OpenApi),
        ("/logout", Front::Logout),
        ("/api/v1/repositories", Front::Api),
        ("/api/v1", Front::Api),
        ("/api/v2/x", Front::Api),
        ("/apiary", Front::Ui),
        ("/iceberg/api/v1/config", Front::Iceberg),
        ("/mds/iceberg/api", Front::Iceberg),
    ] {
        assert_eq!(front(path, &[]), expected, "{path}");
    }
}

#[test]
fn whoever_prefers_json_finds_the_api_at_the_root_too() {
    assert_eq!(front("/repositories", &[JSON]), Front::ApiAtRoot);
    assert_eq!(front("/repositories/r/branches/b?x=1", &[JSON]), Front::ApiAtRoot);
    assert_eq!(front("/auth/login", &[JSON]), Front::ApiAtRoot);
    assert_eq!(front("/nosuch", &[JSON]), Front::Ui);
    assert_eq!(front("/_health", &[JSON]), Front::Health);
    let browser = ("accept", "text/html,application/xhtml+xml,application/json;q=0.9");
    assert_eq!(front("/repositories", &[browser]), Front::Ui);
    assert_eq!(front("/repositories", &[("accept", "*/*")]), Front::Ui);
}

#[test]
fn signed_requests_are_for_the_gateway_whatever_their_path() {
    for headers in [
        [("authorization", "AWS4-HMAC-SHA256 Credential=x")],
        [("authorization", "AWS key:signature")],
        [("x-amz-signature", "abc")],
        [("host", "s3.local.lakefs.io:8000")],
        [("host", "bucket.s3.local.lakefs.io")],
    ] {
        assert_eq!(front("/api/v1/repositories", &headers), Front::S3, "{headers:?}");
    }
    assert_eq!(front("/b/k?a=1&AWSAccessKeyId=x", &[]), Front::S3);
    assert_eq!(front("/b/k?X-Amz-Credential=x", &[JSON]), Front::S3);
}

#[test]
fn what_only_looks_signed_is_not_for_the_gateway() {
    for headers in [
        [("authorization", "AWSome x")],
        [("authorization", "Basic QVdTNA==")],
        [("x-amz-signature", "")],
        [("host", "evils3.local.lakefs.io")],
        [("host", "a.b.s3.local.lakefs.io")],
        [("host", "s3.local.lakefs.io.example.com")],
    ] {
        assert_eq!(front("/", &headers), Front::Ui, "{headers:?}");
    }
    assert_eq!(front("/?AWSAccessKeyId=&X-Amz-Credential=", &[]), Front::Ui);
    assert_eq!(front("/?path=AWSAccessKeyId", &[]), Front::Ui);
}

#[test]
fn the_api_is_at_its_root_and_nowhere_else() {
    for path in ["/api/v1/user", "/api/v1/repositories/r/refs/main/objects"] {
        assert!(Matched::find(path, API_ROOT).is_some(), "{path}");
    }
    for outside in ["/api/v1", "/api/v1/", "/api/v2/user", "/api", "/api/v1x/user", "/user"] {
        assert!(Matched::find(outside, API_ROOT).is_none(), "{outside}");
    }
}

#[test]
fn an_error_for_s3_clients_is_xml_that_cannot_be_broken_by_a_path() {
    let response = s3::not_there("/b/<k>&");
    assert_eq!(response.status(), 501);
    assert_eq!(response.headers()["content-type"], "application/xml");
}
