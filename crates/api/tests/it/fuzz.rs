//! No request, however odd, makes the server fail.

use axum::body::Body;
use http::Method;
use http::Request;
use proptest::prelude::*;
use proptest::test_runner::Config;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use serde_json::json;

use lakehold_testkit::TestServer;

/// Method, path with query, headers, body.
type OddRequest = (Method, String, Vec<(String, String)>, String);

/// What a 501 may say.
const REFUSALS: [&str; 2] = ["Not Implemented", "presign multipart upload API is not supported"];

/// How many requests are tried.
const CASES: u32 = 2_000;

/// Names and values that are right, nearly right, and wrong.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec![
            "lake", "main", "dev", "v1", "main~1", "main@", "main$", "main~x", "~", "", "a", "d/",
            "data/", "nosuch", "0", "-1", "1000", "1001", "true", "yes", "bytes=0-1", "*", "reset",
            "object", "two_dot", "mem://lake/x", "mem://", "9".repeat(30).leak(), "\u{0}", "%", "%zz",
            "a%2Fb", "%FF", "ü", "../..", "source-wins", "2020-01-01T00:00:00Z", "x".repeat(1100).leak(),
        ]).prop_map(str::to_owned),
        1 => "\\PC{0,12}",
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((word(), inner), 0..4)
                .prop_map(|fields| fields.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

/// A body for `operation`: of its schema, with each property right or wrong.
fn body(document: &Value, operation: &Value) -> BoxedStrategy<String> {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let name = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next());
    let schema = name.map_or(schema, |name| &document["components"]["schemas"][name]);
    let Some(properties) = schema["properties"].as_object() else {
        return prop_oneof![Just(String::new()), value().prop_map(|it| it.to_string()), word()]
            .boxed();
    };
    let fields: Vec<_> = properties.iter().map(|(name, schema)| field(name, schema)).collect();
    let object = fields.prop_map(|fields| {
        let present = fields.into_iter().flatten();
        Value::Object(present.collect()).to_string()
    });
    prop_oneof![6 => object, 1 => value().prop_map(|it| it.to_string()), 1 => word()].boxed()
}

fn field(name: &str, schema: &Value) -> BoxedStrategy<Option<(String, Value)>> {
    let name = name.to_owned();
    let right = match schema["type"].as_str() {
        Some("string") => word().prop_map(Value::from).boxed(),
        Some("integer") => prop_oneof![any::<i64>(), -2i64..5].prop_map(Value::from).boxed(),
        Some("boolean") => any::<bool>().prop_map(Value::from).boxed(),
        Some("array") => prop::collection::vec(word(), 0..4).prop_map(|words| json!(words)).boxed(),
        _ => value().boxed(),
    };
    prop_oneof![
        8 => right.prop_map(Some),
        1 => value().prop_map(Some),
        2 => Just(None),
    ]
    .prop_map(move |value| value.map(|value| (name.clone(), value)))
    .boxed()
}

/// A request for one of our operations, its parameters right or wrong.
fn request() -> impl Strategy<Value = OddRequest> {
    let document = lakehold_api::openapi();
    let mut requests = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
            requests.push(one(&document, method, path, operation));
        }
    }
    prop::strategy::Union::new(requests)
}

fn one(
    document: &Value,
    method: Method,
    path: &str,
    operation: &Value,
) -> BoxedStrategy<OddRequest> {
    let path = path.to_owned();
    let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    let of = |place: &str| -> Vec<String> {
        let there = parameters.iter().filter(|parameter| parameter["in"] == place);
        there.map(|parameter| parameter["name"].as_str().expect("a name").to_owned()).collect()
    };
    let (in_path, in_query, in_header) = (of("path"), of("query"), of("header"));
    let count = in_path.len() + in_query.len() + in_header.len();
    let words = prop::collection::vec(prop::option::weighted(0.8, word()), count..=count);
    (words, body(document, operation))
        .prop_map(move |(words, body)| {
            let mut words = words.into_iter();
            let mut target = path.clone();
            for name in &in_path {
                let usual = if name == "repository" { "lake" } else { "main" };
                let word = words.next().flatten().unwrap_or_else(|| usual.to_owned());
                // Mostly the repository that is there: others end at once.
                let word = if name == "repository" && word.len() % 3 > 0 { usual } else { &word };
                target = target.replace(&format!("{{{name}}}"), &encoded(word));
            }
            let query: Vec<String> = in_query
                .iter()
                .zip(&mut words)
                .filter_map(|(name, word)| word.map(|word| format!("{name}={}", encoded(&word))))
                .collect();
            let headers = in_header
                .iter()
                .zip(words)
                .filter_map(|(name, word)| word.map(|word| (name.clone(), word)))
                .collect();
            (method.clone(), format!("{target}?{}", query.join("&")), headers, body)
        })
        .boxed()
}

/// Escapes what a URI cannot have; percent signs of odd words stay as they are.
fn encoded(word: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~%$@^*/".contains(&byte);
    word.bytes()
        .map(|byte| match keep(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

#[test]
fn odd_requests_are_refused_and_never_fail() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let server = runtime.block_on(async {
        let server = TestServer::new().await;
        server.upload("main", "a", "1").await.is(201);
        server.commit("main", "first").await;
        server.branch("dev", "main").await;
        server
    });
    let mut runner = TestRunner::new(Config { cases: CASES, ..Config::default() });
    let tried = runner.run(&request(), |(method, target, headers, body)| {
        let mut request = Request::builder().method(&method).uri(&target);
        for (name, value) in &headers {
            let Ok(value) = http::HeaderValue::from_str(value) else { continue };
            request = request.header(name, value);
        }
        let request = request.header("content-type", "application/json").body(Body::from(body));
        let Ok(request) = request else { return Ok(()) };
        let answer = runtime.block_on(server.send(request));
        let status = answer.status.as_u16();
        let is_refusal = status < 500 || (status == 501 && REFUSALS.contains(&&*answer.message()));
        prop_assert!(is_refusal, "{method} {target} -> {status} {}", answer.text());
        if (400..500).contains(&status)
            && method != Method::HEAD
            && !answer.body.is_empty()
            && status != 409
        {
            prop_assert!(!answer.message().is_empty(), "{method} {target} -> {}", answer.text());
        }
        Ok(())
    });
    if let Err(problem) = tried {
        panic!("{problem}");
    }
}
