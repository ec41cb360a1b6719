//! Listings: in the byte order that S3 has, page by page.
//!
//! Keys are asked for percent-encoded, because XML cannot carry every character; a store that does not
//! encode says so by not repeating the request's `EncodingType`.

use http::Method;
use lakehold_block::Error;
use lakehold_block::Head;
use lakehold_block::Listed;

use crate::client::Call;
use crate::client::S3Client;
use crate::client::Wanted;
use crate::place::Place;
use crate::times;
use crate::xml::Element;

/// The most keys that S3 lists at a time.
const PAGE: usize = 1_000;

/// At most `limit` objects below `folder` whose names begin with `prefix` and are greater than `after`.
pub(crate) async fn list(
    client: &S3Client,
    folder: &Place,
    prefix: &str,
    after: &str,
    limit: usize,
) -> Result<Vec<Listed>, Error> {
    let bucket = Place::bucket(&folder.bucket);
    let mut listed = Vec::new();
    let mut token = String::new();
    while listed.len() < limit {
        let mut call = Call::new(Method::GET, &bucket, "s3:ListBucket")
            .query("list-type", "2")
            .query("encoding-type", "url")
            .query("max-keys", (limit - listed.len()).min(PAGE).to_string())
            .query("prefix", format!("{}{prefix}", folder.key))
            .wanting(Wanted::Document);
        if !token.is_empty() {
            call = call.query("continuation-token", token.as_str());
        } else if !after.is_empty() {
            call = call.query("start-after", format!("{}{after}", folder.key));
        }
        let answer = client.call(&call).await.map_err(|failed| failed.about(folder))?;
        take(&answer.document, folder, &mut listed)?;
        let next = answer.document.text("NextContinuationToken");
        if answer.document.text("IsTruncated") != "true" || next.is_empty() || next == token {
            break;
        }
        token = next.to_owned();
    }
    listed.truncate(limit);
    Ok(listed)
}

/// Adds the objects of a page.
fn take(page: &Element, folder: &Place, listed: &mut Vec<Listed>) -> Result<(), Error> {
    let is_encoded = page.text("EncodingType") == "url";
    for object in page.all("Contents") {
        let key = object.text("Key");
        let key = if is_encoded { decode(key) } else { Some(key.to_owned()) };
        let name = key.as_deref().and_then(|key| key.strip_prefix(&folder.key));
        let Some(name) = name else {
            let source = format!("the listing has key {:?}", object.text("Key")).into();
            return Err(Error::Io { location: folder.to_string(), source });
        };
        // A key that is the folder itself has no name below it.
        if !name.is_empty() {
            let modified = times::parse(object.text("LastModified"));
            let size = object.text("Size").parse().unwrap_or(0);
            listed.push(Listed { name: name.to_owned(), head: Head { size, modified } });
        }
    }
    Ok(())
}

/// Undoes the encoding of a query: `%41` is `A`, and `+` a blank.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                bytes.extend(hex::decode(digits).ok()?);
            }
            b'+' => bytes.push(b' '),
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(page: &str) -> Result<Vec<String>, Error> {
        let folder = Place { bucket: "lake".to_owned(), key: "main/".to_owned() };
        let mut listed = Vec::new();
        take(&Element::parse(page).unwrap(), &folder, &mut listed)?;
        Ok(listed.into_iter().map(|listed| listed.name).collect())
    }

    #[test]
    fn keys_are_decoded_where_they_are_encoded() {
        let key = |key: &str| format!("<Contents><Key>main/{key}</Key></Contents>");
        let encoded = format!(
            "<L><EncodingType>url</EncodingType>{}{}{}</L>",
            key("a%2Bb"),
            key("a+b%20c"),
            key("%C3%BC%0A")
        );
        assert_eq!(names(&encoded).unwrap(), ["a+b", "a b c", "ü\n"]);
        let plain = format!("<L>{}{}</L>", key("a%2Bb+c"), key(" a&amp;b "));
        assert_eq!(names(&plain).unwrap(), ["a%2Bb+c", " a&b "]);
    }

    #[test]
    fn a_key_that_was_not_asked_for_is_an_error() {
        assert!(names("<L><Contents><Key>other/x</Key></Contents></L>").is_err());
        assert!(names("<L><Contents><Key>main/</Key></Contents></L>").unwrap().is_empty());
    }
}
