//! Objects: uploads, reads, listings and changes of records.

use axum::body::Body;
use bytes::Bytes;
use futures::stream;
use http::Method;
use serde_json::json;

use lakehold_testkit::TestServer;

const LAKE: &str = "/repositories/lake";
const UPLOADS: &str = "/repositories/lake/branches/main/objects";
const READS: &str = "/repositories/lake/refs/main/objects";

/// A body that comes in pieces and may break off.
fn pieces(pieces: Vec<Result<&'static [u8], std::io::Error>>) -> Body {
    Body::from_stream(stream::iter(pieces.into_iter().map(|piece| piece.map(Bytes::from_static))))
}

fn form(parts: &[(&str, &str)]) -> (String, String) {
    let mut body = String::new();
    for (headers, content) in parts {
        body.push_str(&format!(
            "--edge\r\nContent-Disposition: form-data; {headers}\r\n\r\n{content}\r\n"
        ));
    }
    body.push_str("--edge--\r\n");
    ("multipart/form-data; boundary=edge".to_owned(), body)
}

#[tokio::test]
async fn what_was_uploaded_is_read_back_with_its_headers() {
    let server = TestServer::new().await;
    let headers = [
        ("content-type", "text/plain"),
        ("x-lakefs-meta-Owner", "Data Team"),
        ("x-lakefs-internal-client-mtime", "1700000000"),
    ];
    let made = server.raw(Method::POST, &format!("{UPLOADS}?path=a.txt"), &headers, "alpha").await;
    let made = made.is(201).json();
    assert_eq!(made["checksum"], "2c1743a391305fbf367df8e4f069f9f9");
    assert_eq!(made["size_bytes"], 5);
    assert_eq!(made["path_type"], "object");
    let metadata = json!({"owner": "Data Team", "::lakefs::client-mtime": "1700000000"});
    assert_eq!(made["metadata"], metadata);

    let read = server.get(&format!("{READS}?path=a.txt")).await.is(200);
    assert_eq!(read.text(), "alpha");
    for (name, value) in [
        ("etag", "\"2c1743a391305fbf367df8e4f069f9f9\""),
        ("content-type", "text/plain"),
        ("content-length", "5"),
        ("cache-control", "no-store, must-revalidate"),
        ("expires", "0"),
        ("content-disposition", "inline"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "SAMEORIGIN"),
        ("content-security-policy", "default-src 'none'"),
        ("accept-ranges", ""),
    ] {
        assert_eq!(read.header(name), value, "{name}");
    }
    assert!(read.header("last-modified").ends_with(" GMT"));
    let head = server.head(&format!("{READS}?path=a.txt"), &[]).await.is(200);
    assert_eq!(head.header("content-length"), "5");
    assert_eq!(head.header("accept-ranges"), "bytes");
    assert!(head.body.is_empty());

    let stat = server.get(&format!("{READS}/stat?path=a.txt")).await.is(200);
    assert_eq!(stat.json(), made);
    let stat = server.get(&format!("{READS}/stat?path=a.txt&user_metadata=false")).await.is(200);
    assert_eq!(stat.json()["metadata"], json!({}));
    let properties = server.get(&format!("{READS}/underlyingProperties?path=a.txt")).await.is(200);
    assert_eq!(properties.json(), json!({"storage_class": null}));
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let server = TestServer::new().await;
    for path in [
        format!("{READS}?path=nosuch"),
        format!("{READS}/stat?path=nosuch"),
        format!("{LAKE}/refs/nosuch/objects?path=a"),
        format!("{LAKE}/refs/nosuch/objects/ls"),
    ] {
        server.get(&path).await.fails(404, "not found");
    }
    server.head(&format!("{READS}?path=nosuch"), &[]).await.is(404);
    let elsewhere = "/repositories/none/refs/main/objects?path=a";
    server.get(elsewhere).await.fails(404, "repository not found");
    server.upload("nosuch", "a", "1").await.fails(404, "branch 'nosuch' not found");
}

#[tokio::test]
async fn a_range_of_an_object_is_read() {
    let server = TestServer::new().await;
    server.upload("main", "digits", "0123456789").await.is(201);
    server.upload("main", "empty", "").await.is(201);
    let digits = format!("{READS}?path=digits");
    for (range, expected, content_range) in [
        ("bytes=0-0", "0", "bytes 0-0/10"),
        ("bytes=2-5", "2345", "bytes 2-5/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-3", "789", "bytes 7-9/10"),
        ("bytes=8-99", "89", "bytes 8-9/10"),
    ] {
        let read = server.get_with(&digits, &[("range", range)]).await.is(206);
        assert_eq!((read.text().as_str(), read.header("content-range")), (expected, content_range));
        assert_eq!(read.header("content-length"), expected.len().to_string());
        let head = server.head(&digits, &[("range", range)]).await.is(206);
        assert_eq!(head.header("content-range"), content_range);
        assert_eq!(head.header("content-length"), expected.len().to_string());
    }
    let empty = format!("{READS}?path=empty");
    for (path, range, content_range) in [
        (&digits, "bytes=10-", "bytes */10"),
        (&digits, "bytes=-0", "bytes */10"),
        (&digits, "bytes=5-2", ""),
        (&digits, "bytes=0-1,3-4", ""),
        (&empty, "bytes=0-0", "bytes */0"),
        (&empty, "bytes=-2", "bytes */0"),
    ] {
        let refused = server.get_with(path, &[("range", range)]).await;
        let refused = refused.fails(416, "Requested Range Not Satisfiable");
        assert_eq!(refused.header("content-range"), content_range, "{range}");
        assert!(!refused.header("etag").is_empty());
        let head = server.head(path, &[("range", range)]).await.is(416);
        assert!(!head.header("last-modified").is_empty());
    }
    server.get_with(&format!("{READS}?path=nosuch"), &[("range", "bytes=0-1")]).await.is(404);
}

#[tokio::test]
async fn an_object_that_the_reader_has_is_not_sent_again() {
    let server = TestServer::new().await;
    server.upload("main", "a", "alpha").await.is(201);
    let path = format!("{READS}?path=a");
    let tag = "\"2c1743a391305fbf367df8e4f069f9f9\"";
    let same = server.get_with(&path, &[("if-none-match", tag)]).await.is(304);
    assert!(same.body.is_empty());
    assert_eq!(same.header("etag"), "");
    for other in ["\"0000\"", "*", "2c1743a391305fbf367df8e4f069f9f9"] {
        server.get_with(&path, &[("if-none-match", other)]).await.is(200);
    }
}

#[tokio::test]
async fn of_all_conditions_of_an_upload_only_absence_is_known() {
    let server = TestServer::new().await;
    let upload = async |path: &str, headers: &[(&str, &str)]| {
        server.raw(Method::POST, &format!("{UPLOADS}?path={path}"), headers, "one").await
    };
    upload("a", &[("if-none-match", "*")]).await.is(201);
    upload("a", &[("if-none-match", "*")]).await.fails(412, "path already exists");
    server.delete(&format!("{UPLOADS}?path=a")).await.is(204);
    upload("a", &[("if-none-match", "*")]).await.is(201);
    for headers in [
        &[("if-none-match", "\"abc\"")][..],
        &[("if-match", "*")],
        &[("if-match", "x"), ("if-none-match", "*")],
    ] {
        upload("b", headers).await.fails(501, "Not Implemented");
    }
    server.get(&format!("{READS}?path=b")).await.is(404);
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let server = TestServer::new().await;
    let long: &'static [u8] = vec![b'x'; 100_000].leak();
    let broken = || std::io::Error::other("connection reset");
    for (length, body) in [
        ("10", pieces(vec![Ok(b"short")])),
        ("3", pieces(vec![Ok(b"too "), Ok(b"long")])),
        ("10", pieces(vec![Ok(b"half"), Err(broken())])),
        ("200000", pieces(vec![Ok(long)])),
        ("150000", pieces(vec![Ok(long), Ok(long)])),
        ("200000", pieces(vec![Ok(long), Err(broken())])),
    ] {
        let headers = [("content-length", length)];
        let refused = server.raw(Method::POST, &format!("{UPLOADS}?path=a"), &headers, body).await;
        refused.says(400, "request body has an error");
    }
    let unannounced = pieces(vec![Ok(long), Err(broken())]);
    server.raw(Method::POST, &format!("{UPLOADS}?path=a"), &[], unannounced).await.is(400);
    server.get(&format!("{READS}?path=a")).await.fails(404, "not found");

    let whole = pieces(vec![Ok(long), Ok(long)]);
    let headers = [("content-length", "200000")];
    server.raw(Method::POST, &format!("{UPLOADS}?path=a"), &headers, whole).await.is(201);
    let read = server.get(&format!("{READS}?path=a")).await.is(200);
    assert_eq!(read.body.len(), 200_000);
}

#[tokio::test]
async fn a_form_brings_its_object_in_a_part() {
    let server = TestServer::new().await;
    let upload = async |path: &str, parts: &[(&str, &str)], announce: bool| {
        let (content_type, body) = form(parts);
        let length = body.len().to_string();
        let mut headers = vec![("content-type", content_type.as_str())];
        if announce {
            headers.push(("content-length", &length));
        }
        server.raw(Method::POST, &format!("{UPLOADS}?path={path}"), &headers, body.clone()).await
    };
    let typed = "name=\"content\"; filename=\"f\"\r\nContent-Type: text/csv";
    let untyped = "name=\"content\"; filename=\"f\"";
    let other = "name=\"other\"";
    for announce in [true, false] {
        let made = upload("typed", &[(typed, "a,b\n")], announce).await.is(201).json();
        assert_eq!((&made["content_type"], &made["size_bytes"]), (&json!("text/csv"), &json!(4)));
        let made = upload("untyped", &[(untyped, "data")], announce).await.is(201).json();
        assert_eq!(made["content_type"], "");
        let made =
            upload("second", &[(other, "x"), (typed, "data")], announce).await.is(201).json();
        assert_eq!(made["size_bytes"], 4);
        upload("empty", &[(typed, "")], announce).await.is(201);
        let refused = upload("wrong", &[(other, "x")], announce).await;
        refused.says(400, "multipart upload missing key 'content'");
    }
    let stat = server.get(&format!("{READS}/stat?path=untyped")).await.is(200).json();
    assert_eq!(stat["content_type"], "application/octet-stream");

    let headers = [("content-type", "multipart/form-data; boundary=edge")];
    let cut = "--edge\r\nContent-Disposition: form-data; name=\"content\"\r\n\r\nda";
    server.raw(Method::POST, &format!("{UPLOADS}?path=cut"), &headers, cut).await.is(400);
    server.get(&format!("{READS}?path=cut")).await.is(404);
    let without = [("content-type", "multipart/form-data")];
    let refused = server.raw(Method::POST, &format!("{UPLOADS}?path=x"), &without, "x").await;
    refused.says(400, "no multipart boundary");
}

#[tokio::test]
async fn odd_paths_are_names_like_others() {
    let server = TestServer::new().await;
    for path in
        ["with+blank", "a%2Bb", "100%25", "%2541", "/leading", "a//b", "a/../b", "dir/", "%C3%BC"]
    {
        server.upload("main", path, "x").await.is(201);
        server.get(&format!("{READS}?path={path}")).await.is(200);
        server.head(&format!("{READS}?path={path}"), &[]).await.is(200);
    }
    assert_eq!(
        server.paths("main").await,
        ["%41", "/leading", "100%", "a+b", "a/../b", "a//b", "dir/", "with blank", "ü"]
    );
    let longest = "p".repeat(1024);
    server.upload("main", &longest, "x").await.is(201);
    let too_long = "p".repeat(1025);
    let message =
        "argument path: invalid value: validation error: 1025 is above maximum length (1024)";
    server.upload("main", &too_long, "x").await.fails(400, message);
    server.delete(&format!("{UPLOADS}?path={too_long}")).await.fails(400, message);
}

#[tokio::test]
async fn a_listing_shows_common_prefixes() {
    let server = TestServer::new().await;
    for path in ["a/1", "a/2", "b", "c/d/e"] {
        server.upload("main", path, "x").await.is(201);
    }
    let page = server.get(&format!("{READS}/ls?delimiter=/&amount=2")).await.is(200);
    assert_eq!(page.field("results", "path"), ["a/", "b"]);
    assert_eq!(page.json()["pagination"]["next_offset"], "b");
    assert_eq!(
        page.json()["results"][0],
        json!({"path": "a/", "path_type": "common_prefix", "physical_address": "", "checksum": "", "mtime": 0})
    );
    let row = &page.json()["results"][1];
    assert!(row.get("metadata").is_none());
    assert_eq!(row["size_bytes"], 1);
    let rest = server.get(&format!("{READS}/ls?delimiter=/&amount=2&after=b")).await.is(200);
    assert_eq!(rest.field("results", "path"), ["c/"]);
    let below = server.get(&format!("{READS}/ls?prefix=a/&after=a/1")).await.is(200);
    assert_eq!(below.field("results", "path"), ["a/2"]);
}

#[tokio::test]
async fn deleting_is_no_error_where_there_is_nothing() {
    let server = TestServer::new().await;
    for path in ["a", "b", "c"] {
        server.upload("main", path, "x").await.is(201);
    }
    server.delete(&format!("{UPLOADS}?path=a")).await.is(204);
    server.delete(&format!("{UPLOADS}?path=never")).await.is(204);
    let missing = format!("{LAKE}/branches/nosuch/objects?path=a");
    server.delete(&missing).await.fails(404, "branch not found");

    let many = format!("{UPLOADS}/delete");
    let none = json!({"errors": []});
    let some = json!({"paths": ["b", "", "never", "b"]});
    assert_eq!(server.post(&many, some).await.is(200).json(), none);
    assert_eq!(server.paths("main").await, ["c"]);
    for path in [
        format!("{LAKE}/branches/nosuch/objects/delete"),
        "/repositories/none/branches/main/objects/delete".to_owned(),
    ] {
        assert_eq!(server.post(&path, json!({"paths": ["a"]})).await.is(200).json(), none);
    }
    let paths =
        |count: usize| json!({"paths": (0..count).map(|i| format!("p{i}")).collect::<Vec<_>>()});
    server.post(&many, paths(1000)).await.is(200);
    server
        .post(&many, paths(1001))
        .await
        .fails(400, "request size exceeded, max paths is set to 1000");
    let mixed = json!({"paths": ["c", "p".repeat(1025)]});
    let errors = server.post(&many, mixed).await.is(200).json();
    assert_eq!(errors["errors"][0]["status_code"], 400);
    assert!(server.paths("main").await.is_empty());
}

#[tokio::test]
async fn an_object_is_copied_with_what_is_said_of_it() {
    let server = TestServer::new().await;
    let headers = [("content-type", "text/plain"), ("x-lakefs-meta-k", "v")];
    server.raw(Method::POST, &format!("{UPLOADS}?path=a"), &headers, "alpha").await.is(201);
    let copy = format!("{UPLOADS}/copy?dest_path=b");
    let made = server.post(&copy, json!({"src_path": "a"})).await.is(201).json();
    assert_eq!(made["metadata"], json!({"k": "v"}));
    assert_eq!(server.get(&format!("{READS}?path=b")).await.is(200).text(), "alpha");
    for (path, body, status, message) in [
        (&copy, json!({"src_path": "nosuch"}), 404, "not found"),
        (&copy, json!({"src_path": "a", "src_ref": "nosuch"}), 404, "not found"),
        (&copy, json!({"src_path": "a", "shallow": true}), 501, "Not Implemented"),
        (
            &copy,
            json!({"src_path": ""}),
            400,
            "argument path: missing path: required value: validation error",
        ),
        (
            &format!("{LAKE}/branches/nosuch/objects/copy?dest_path=b"),
            json!({"src_path": "a", "src_ref": "main"}),
            404,
            "branch 'nosuch' not found",
        ),
    ] {
        server.post(path, body).await.fails(status, message);
    }
}

#[tokio::test]
async fn user_metadata_is_replaced_whole() {
    let server = TestServer::new().await;
    let headers = [("x-lakefs-meta-one", "1")];
    server.raw(Method::POST, &format!("{UPLOADS}?path=a"), &headers, "alpha").await.is(201);
    let update = format!("{UPLOADS}/stat/user_metadata?path=a");
    server.put(&update, json!({"set": {"two": "zwei"}})).await.is(204);
    let stat = server.get(&format!("{READS}/stat?path=a")).await.is(200).json();
    assert_eq!(stat["metadata"], json!({"two": "zwei"}));
    let missing = format!("{UPLOADS}/stat/user_metadata?path=nosuch");
    server
        .put(&missing, json!({"set": {}}))
        .await
        .fails(404, "update user metadata on lake/main/nosuch: not found");
}

#[tokio::test]
async fn an_address_is_given_and_linked() {
    let server = TestServer::new().await;
    let backing = format!("{LAKE}/branches/main/staging/backing?path=a");
    let given = server.get(&backing).await.is(200).json();
    assert_eq!(given["presigned_url"], json!(null));
    let address = given["physical_address"].as_str().expect("an address").to_owned();
    let link = |address: &str, checksum: &str| json!({"staging": {"physical_address": address}, "checksum": checksum, "size_bytes": 5});
    let linked = server.put(&backing, link(&address, "\"abc\"")).await.is(200).json();
    assert_eq!(linked["checksum"], "abc");
    assert_eq!(linked["physical_address"], address);
    assert_eq!(linked["content_type"], "application/octet-stream");
    let gone = server.get(&format!("{READS}?path=a")).await.fails(410, "No data");
    assert_eq!(gone.header("etag"), "\"abc\"");
    server.head(&format!("{READS}?path=a"), &[]).await.is(200);

    server.put(&backing, link(&address, "\"\"")).await.fails(400, "checksum is required");
    server.put(&backing, link("mem://lake/data/x", "c")).await.is(400);
    let other = format!("{LAKE}/branches/main/staging/backing?path=b");
    server.put(&other, link(&address, "c")).await.says(400, "invalid address");
    let conditional = async |name: &str, value: &str| {
        let headers = [("content-type", "application/json"), (name, value)];
        server.raw(Method::PUT, &backing, &headers, link(&address, "c").to_string()).await
    };
    conditional("if-none-match", "*").await.fails(412, "Precondition failed");
    conditional("if-none-match", "abc").await.fails(501, "Not Implemented");
    conditional("if-match", "abc").await.fails(501, "Not Implemented");
    let negative =
        json!({"staging": {"physical_address": address}, "checksum": "c", "size_bytes": -1});
    server.put(&backing, negative).await.is(400);
}

#[tokio::test]
async fn presigned_urls_are_refused_as_not_supported() {
    let server = TestServer::new().await;
    server.upload("main", "a", "1").await.is(201);
    for path in [
        format!("{READS}?path=a&presign=true"),
        format!("{READS}/stat?path=a&presign=true"),
        format!("{READS}/ls?presign=true"),
        format!("{LAKE}/branches/main/staging/backing?path=a&presign=true"),
    ] {
        server.get(&path).await.fails(400, "mem adapter presigned URL: operation not supported");
    }
    server.get(&format!("{READS}?path=a&presign=false")).await.is(200);
}

const PARTS: &str = "/repositories/lake/branches/main/staging/pmpu";

#[tokio::test]
async fn uploads_in_parts_past_the_server_are_refused_where_there_are_no_urls() {
    let server = TestServer::new().await;
    let given = server.get(&format!("{LAKE}/branches/main/staging/backing?path=a")).await;
    let address = json!({"physical_address": given.is(200).json()["physical_address"]});
    let unsupported = "presign multipart upload API is not supported";
    server.post(&format!("{PARTS}?path=a&parts=3"), json!({})).await.fails(501, unsupported);
    let upload = format!("{PARTS}/x?path=a");
    server
        .put(&upload, json!({"physical_address": "x", "parts": []}))
        .await
        .fails(501, unsupported);
    server.delete(&upload).await.fails(501, unsupported);
    let part = format!("{PARTS}/x/parts/1?path=a");
    server.put(&part, address.clone()).await.fails(400, "operation not supported");
    let outside = "physical address must be relative to the storage namespace";
    server.put(&part, json!({"physical_address": "data/x"})).await.fails(400, outside);
    let other = format!("{PARTS}/x/parts/1?path=b");
    server.put(&other, address.clone()).await.says(400, "invalid address signature");
    let copy = json!({
        "physical_address": address["physical_address"],
        "copy_source": {"repository": "lake", "ref": "main", "path": "a"},
    });
    server.put(&format!("{PARTS}/x/parts/1/copy?path=a"), copy).await.fails(501, unsupported);
}

#[tokio::test]
async fn numbers_of_parts_have_bounds() {
    let server = TestServer::new().await;
    for number in ["0", "-1", "10001", "99999999999", "x", "1.0"] {
        let part = format!("{PARTS}/x/parts/{number}?path=a");
        let refused = server.put(&part, json!({"physical_address": "x"})).await;
        refused.says(400, "parameter \"partNumber\" in path has an error: ");
    }
    let wanted =
        "parameter \"parts\" in query has an error: value x: an invalid integer: invalid syntax";
    server.post(&format!("{PARTS}?path=a&parts=x"), json!({})).await.fails(400, wanted);
    let source = json!({"repository": "lake", "ref": "main", "path": "a", "range": "1-2"});
    let copy = json!({"physical_address": "x", "copy_source": source});
    let copied = server.put(&format!("{PARTS}/x/parts/1/copy?path=a"), copy).await;
    copied.says(400, "string doesn't match the regular expression");
}

#[tokio::test]
async fn an_object_is_staged_by_its_address() {
    let server = TestServer::new().await;
    let made = server.upload("main", "a", "alpha").await.is(201).json();
    let stage = format!("{UPLOADS}?path=alias");
    let body = json!({
        "physical_address": made["physical_address"],
        "checksum": made["checksum"],
        "size_bytes": 5,
        "mtime": 1_400_000_000,
    });
    let staged = server.put(&stage, body).await.is(201).json();
    assert_eq!(staged["mtime"], 1_400_000_000);
    assert!(staged.get("metadata").is_none());
    assert_eq!(server.get(&format!("{READS}?path=alias")).await.is(200).text(), "alpha");
    let body = json!({"physical_address": "not an address", "checksum": "c", "size_bytes": 1});
    server
        .put(&stage, body)
        .await
        .says(400, "physical address is not valid for block adapter: mem");
    let body =
        json!({"physical_address": made["physical_address"], "checksum": "c", "size_bytes": 1});
    server
        .put(&format!("{LAKE}/branches/nosuch/objects?path=x"), body)
        .await
        .fails(404, "branch not found");
    server.get(&format!("{LAKE}/branches/nosuch/objects/stage_allowed?path=a")).await.is(204);
}
