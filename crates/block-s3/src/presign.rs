//! URLs that clients use by themselves: the signature stands in the query.

use std::time::Duration;

use http::Method;
use lakehold_block::Error;
use lakehold_block::PresignedUrl;
use secrecy::ExposeSecret as _;

use crate::client::S3Client;
use crate::client::scope_at;
use crate::client::spelled;
use crate::failure::Failure;
use crate::place::Place;
use crate::sigv4;
use crate::sigv4::CanonicalRequest;
use crate::sigv4::SigningKey;

/// The longest that S3 takes: a week.
const LONGEST_TTL: u64 = 7 * 24 * 60 * 60;

/// The URL at which a client may do `method` with `place` until `ttl` has passed.
pub(crate) async fn presign(
    client: &S3Client,
    method: &Method,
    place: &Place,
    ttl: Duration,
    query: &[(&str, &str)],
) -> Result<PresignedUrl, Error> {
    let keys = client.credentials.get().await;
    let keys = keys.map_err(|error| Failure::from(error).about(place))?;
    let region = client.region(&place.bucket, &keys).await;
    let target = client.endpoint_for_clients.locate(place, &region);

    let now = client.runtime.now();
    let time = spelled(now);
    let scope = scope_at(&time, &region);
    let seconds = ttl.as_secs().clamp(1, LONGEST_TTL);
    let headers = [("host".to_owned(), target.host.clone())];
    let credential = format!("{}/{}", keys.access_key_id, scope.text());
    let valid = seconds.to_string();
    let mut query = query.to_vec();
    query.extend([
        ("X-Amz-Algorithm", sigv4::ALGORITHM),
        ("X-Amz-Credential", credential.as_str()),
        ("X-Amz-Date", time.as_str()),
        ("X-Amz-Expires", valid.as_str()),
        ("X-Amz-SignedHeaders", "host"),
    ]);
    if let Some(token) = &keys.token {
        query.push(("X-Amz-Security-Token", token.expose_secret()));
    }
    let query = sigv4::canonical_query(query);
    let request = CanonicalRequest {
        method: method.as_str(),
        path: &target.path,
        query: &query,
        headers: &headers,
        payload: sigv4::UNSIGNED_PAYLOAD,
    };
    let key = SigningKey::derive(keys.secret.expose_secret(), &scope);
    let signature = key.sign(&sigv4::string_to_sign(&time, &scope, &request));
    let url = target.url(&format!("{query}&X-Amz-Signature={signature}"));
    let expires = now.plus(Duration::from_secs(seconds));
    Ok(PresignedUrl { url, expires: keys.expires.map_or(expires, |end| end.min(expires)) })
}

/// What makes a browser save an object as `file_name`.
pub(crate) fn disposition(file_name: &str) -> String {
    let plain = |c: char| (c.is_ascii_graphic() || c == ' ') && !"\"\\".contains(c);
    let ascii: String = file_name.chars().map(|c| if plain(c) { c } else { '_' }).collect();
    if ascii == file_name {
        return format!("attachment; filename=\"{ascii}\"");
    }
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{}", sigv4::encode(file_name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_cannot_break_out_of_its_header() {
        assert_eq!(disposition("a b.csv"), "attachment; filename=\"a b.csv\"");
        assert_eq!(
            disposition("ü\"\r\n.csv"),
            "attachment; filename=\"____.csv\"; filename*=UTF-8''%C3%BC%22%0D%0A.csv"
        );
    }
}
