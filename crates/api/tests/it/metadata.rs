//! The tables of trees.

use lakehold_testkit::TestServer;

const METADATA: &str = "/repositories/lake/metadata";

#[tokio::test]
async fn a_table_is_given_out_as_it_is_stored() {
    let server = TestServer::new().await;
    server.upload("main", "a", "1").await.is(201);
    let commit = server.commit("main", "one").await;
    let commit = server.get(&format!("/repositories/lake/commits/{commit}")).await.is(200).json();
    let tree = commit["meta_range_id"].as_str().expect("an id").to_owned();
    let table = server.get(&format!("{METADATA}/object/meta_range/{tree}")).await.is(200);
    // What every such table ends with.
    assert_eq!(table.body[table.body.len() - 8..], *b"\xf7\xcf\xf4\x85\xb7\x41\xe2\x88");
    assert_eq!(table.header("content-length"), table.body.len().to_string());
    for (name, value) in [
        ("content-type", "application/octet-stream"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "SAMEORIGIN"),
        ("content-security-policy", "default-src 'none'"),
    ] {
        assert_eq!(table.header(name), value);
    }
    // Which of the two one says it is makes no difference.
    server.get(&format!("{METADATA}/object/range/{tree}")).await.is(200);
    let presigned = server.get(&format!("{METADATA}/object/range/{tree}?presign=true")).await;
    presigned.fails(400, "mem adapter presigned URL: operation not supported");
}

#[tokio::test]
async fn nothing_but_tables_is_given_out() {
    let server = TestServer::new().await;
    for id in ["dummy", "nosuch", &"a".repeat(64), "..%2Fdata", "%2E%2E%2F%2E%2E%2Fx"] {
        server.get(&format!("{METADATA}/object/range/{id}")).await.fails(410, "No data");
    }
    let other = server.get(&format!("{METADATA}/object/other/x")).await;
    other.says(400, "parameter \"type\" in path has an error: value is not one of");
    let table = format!("/metadata/object/range/{}", "a".repeat(64));
    let elsewhere = server.get(&format!("/repositories/nosuch{table}")).await;
    elsewhere.fails(404, "repository not found");
    let stranger = server.anonymous().get(&format!("/repositories/lake{table}")).await;
    stranger.fails(401, "error authenticating request");
}
