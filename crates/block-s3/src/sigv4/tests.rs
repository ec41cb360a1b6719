//! The published examples of Amazon S3's documentation, "Signature Calculations".

use super::*;

use proptest::prelude::*;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const TIME: &str = "20130524T000000Z";

fn scope() -> Scope {
    Scope { day: "20130524".to_owned(), region: "us-east-1".to_owned(), service: "s3".to_owned() }
}

fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn signature(request: &CanonicalRequest<'_>) -> String {
    SigningKey::derive(SECRET, &scope()).sign(&string_to_sign(TIME, &scope(), request))
}

#[test]
fn a_get_of_a_range_is_signed_as_published() {
    let headers = headers(&[
        ("host", "examplebucket.s3.amazonaws.com"),
        ("range", "bytes=0-9"),
        ("x-amz-content-sha256", EMPTY_PAYLOAD),
        ("x-amz-date", TIME),
    ]);
    let request = CanonicalRequest {
        method: "GET",
        path: "/test.txt",
        query: "",
        headers: &headers,
        payload: EMPTY_PAYLOAD,
    };
    let hash = "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972";
    assert_eq!(sha256(request.text().as_bytes()), hash);
    let expected = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
    assert_eq!(signature(&request), expected);
}

#[test]
fn a_put_is_signed_as_published() {
    let payload = sha256(b"Welcome to Amazon S3.");
    let headers = headers(&[
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ("date", "Fri, 24 May 2013 00:00:00 GMT"),
        ("host", "examplebucket.s3.amazonaws.com"),
        ("x-amz-content-sha256", &payload),
        ("x-amz-date", TIME),
    ]);
    let request = CanonicalRequest {
        method: "PUT",
        path: &encode_path("/test$file.text"),
        query: "",
        headers: &headers,
        payload: &payload,
    };
    let expected = "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd";
    assert_eq!(signature(&request), expected);
}

#[test]
fn parameters_are_signed_as_published() {
    let headers = headers(&[
        ("host", "examplebucket.s3.amazonaws.com"),
        ("x-amz-content-sha256", EMPTY_PAYLOAD),
        ("x-amz-date", TIME),
    ]);
    let signed = |query: &str| {
        signature(&CanonicalRequest {
            method: "GET",
            path: "/",
            query,
            headers: &headers,
            payload: EMPTY_PAYLOAD,
        })
    };
    assert_eq!(
        signed(&canonical_query([("lifecycle", "")])),
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
    );
    assert_eq!(
        signed(&canonical_query([("prefix", "J"), ("max-keys", "2")])),
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
    );
}

#[test]
fn a_presigned_url_is_signed_as_published() {
    let headers = headers(&[("host", "examplebucket.s3.amazonaws.com")]);
    let query = canonical_query([
        ("X-Amz-Algorithm", ALGORITHM),
        ("X-Amz-Credential", "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"),
        ("X-Amz-Date", TIME),
        ("X-Amz-Expires", "86400"),
        ("X-Amz-SignedHeaders", "host"),
    ]);
    let request = CanonicalRequest {
        method: "GET",
        path: "/test.txt",
        query: &query,
        headers: &headers,
        payload: UNSIGNED_PAYLOAD,
    };
    let expected = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    assert_eq!(signature(&request), expected);
}

#[test]
fn chunks_are_signed_as_published() {
    let headers = headers(&[
        ("content-encoding", "aws-chunked"),
        ("content-length", "66824"),
        ("host", "s3.amazonaws.com"),
        ("x-amz-content-sha256", STREAMING_PAYLOAD),
        ("x-amz-date", TIME),
        ("x-amz-decoded-content-length", "66560"),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
    ]);
    let request = CanonicalRequest {
        method: "PUT",
        path: "/examplebucket/chunkObject.txt",
        query: "",
        headers: &headers,
        payload: STREAMING_PAYLOAD,
    };
    let seed = signature(&request);
    assert_eq!(seed, "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
    let key = SigningKey::derive(SECRET, &scope());
    let mut signer = ChunkSigner::new(key, TIME, scope(), seed);
    let chunks = [
        (65_536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
        (1_024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
        (0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
    ];
    for (length, expected) in chunks {
        assert_eq!(signer.sign(&vec![b'a'; length]), expected);
    }
}

#[test]
fn a_path_is_encoded_once_and_never_normalised() {
    for (path, encoded) in [
        ("/b/a//b/", "/b/a//b/"),
        ("/b//lead", "/b//lead"),
        ("/b/../up", "/b/../up"),
        ("/b/a%20b", "/b/a%2520b"),
        ("/b/a b+c#d?e", "/b/a%20b%2Bc%23d%3Fe"),
        ("/b/ü~", "/b/%C3%BC~"),
        ("/b/\n", "/b/%0A"),
    ] {
        assert_eq!(encode_path(path), encoded);
    }
}

#[test]
fn repeated_headers_are_joined_and_blanks_count_once() {
    let headers = headers(&[("x-amz-b", "1"), ("host", "h"), ("x-amz-b", "  2   3 ")]);
    let request = CanonicalRequest {
        method: "GET",
        path: "/",
        query: "",
        headers: &headers,
        payload: EMPTY_PAYLOAD,
    };
    assert!(request.text().contains("\nhost:h\nx-amz-b:1,2 3\n\nhost;x-amz-b\n"));
}

proptest! {
    /// What was encoded says what it was.
    #[test]
    fn encoding_can_be_undone(text in ".{0,40}") {
        let mut bytes = Vec::new();
        let encoded = encode(&text);
        let mut rest = encoded.bytes();
        while let Some(byte) = rest.next() {
            if byte == b'%' {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                bytes.extend(hex::decode(digits).unwrap());
            } else {
                prop_assert!(byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte));
                bytes.push(byte);
            }
        }
        prop_assert_eq!(bytes, text.into_bytes());
    }
}
