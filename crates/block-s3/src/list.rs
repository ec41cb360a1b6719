//! Listings: in the byte order that S3 has, page by page.
//!
//! Keys are asked for percent-encoded, because XML cannot carry every character; a store that does not
//! encode says so by not repeating the request's `EncodingType`.

use futures::Stream;
use futures::stream;
use http::Method;
use lakehold_block::Error;
use lakehold_block::Head;
use lakehold_block::Listed;
use lakehold_block::SourceObject;

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
    let all = Place { bucket: folder.bucket.clone(), key: format!("{}{prefix}", folder.key) };
    let after = if after.is_empty() { String::new() } else { format!("{}{after}", folder.key) };
    let mut listed = Vec::new();
    let mut next = Some(Next::After(after));
    while let Some(from) = next.filter(|_| listed.len() < limit) {
        let page = page(client, &all, &from, (limit - listed.len()).min(PAGE)).await?;
        take(&page, folder, &mut listed)?;
        next = from.next(&page);
    }
    listed.truncate(limit);
    Ok(listed)
}

/// All objects whose keys begin with that of `source`, page by page, as an import takes them.
pub(crate) fn sources(
    client: &S3Client,
    source: Place,
) -> impl Stream<Item = Result<Vec<SourceObject>, Error>> {
    let begin = Some(Next::After(String::new()));
    stream::try_unfold((source, begin), move |(source, next)| async move {
        let Some(from) = next else { return Ok(None) };
        let page = page(client, &source, &from, PAGE).await?;
        let found = take_sources(&page, &source)?;
        let next = from.next(&page);
        Ok(Some((found, (source, next))))
    })
}

/// Where a page begins.
enum Next {
    /// After this key; at the first where it is empty.
    After(String),
    /// Where the page before it ended.
    Token(String),
}

impl Next {
    /// Where the page after `page` begins, which began here.
    fn next(self, page: &Element) -> Option<Self> {
        let next = page.text("NextContinuationToken");
        let is_last = page.text("IsTruncated") != "true" || next.is_empty();
        let is_stuck = matches!(self, Self::Token(token) if token == next);
        (!is_last && !is_stuck).then(|| Self::Token(next.to_owned()))
    }
}

/// At most `limit` keys that begin with that of `all`.
async fn page(client: &S3Client, all: &Place, from: &Next, limit: usize) -> Result<Element, Error> {
    let bucket = Place::bucket(&all.bucket);
    let mut call = Call::new(Method::GET, &bucket, "s3:ListBucket")
        .query("list-type", "2")
        .query("encoding-type", "url")
        .query("max-keys", limit.to_string())
        .query("prefix", all.key.as_str())
        .wanting(Wanted::Document);
    match from {
        Next::Token(token) => call = call.query("continuation-token", token.as_str()),
        Next::After(key) if key.is_empty() => {}
        Next::After(key) => call = call.query("start-after", key.as_str()),
    }
    let answer = client.call(&call).await.map_err(|failed| failed.about(all))?;
    Ok(answer.document)
}

/// The objects of a page with their keys, all of which begin with `folder`.
fn objects<'a>(
    page: &'a Element,
    folder: &'a Place,
) -> impl Iterator<Item = Result<(String, &'a Element), Error>> {
    let is_encoded = page.text("EncodingType") == "url";
    page.all("Contents").map(move |object| {
        let key = object.text("Key");
        let key = if is_encoded { decode(key) } else { Some(key.to_owned()) };
        let key = key.filter(|key| key.starts_with(&folder.key)).ok_or_else(|| {
            let source = format!("the listing has key {:?}", object.text("Key")).into();
            Error::Io { location: folder.to_string(), source }
        })?;
        Ok((key, object))
    })
}

/// Adds the objects of a page.
fn take(page: &Element, folder: &Place, listed: &mut Vec<Listed>) -> Result<(), Error> {
    for found in objects(page, folder) {
        let (key, object) = found?;
        let name = &key[folder.key.len()..];
        // A key that is the folder itself has no name below it.
        if !name.is_empty() {
            listed.push(Listed { name: name.to_owned(), head: head_of(object) });
        }
    }
    Ok(())
}

/// The objects of a page as an import takes them: by what follows the last slash of `source`.
fn take_sources(page: &Element, source: &Place) -> Result<Vec<SourceObject>, Error> {
    let folder = source.key.rfind('/').map_or(0, |slash| slash + 1);
    let taken = objects(page, source).map(|found| {
        let (key, object) = found?;
        let name = key[folder..].to_owned();
        let uri = Place { bucket: source.bucket.clone(), key }.to_string();
        let etag = Some(object.text("ETag").trim_matches('"').to_owned());
        let etag = etag.filter(|etag| !etag.is_empty());
        Ok(SourceObject { uri, name, head: head_of(object), etag })
    });
    taken.collect()
}

fn head_of(object: &Element) -> Head {
    let modified = times::parse(object.text("LastModified"));
    Head { size: object.text("Size").parse().unwrap_or(0), modified }
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
    fn sources_have_their_names_behind_the_last_slash_and_their_tags_without_quotes() {
        let object = |key: &str| {
            format!(
                "<Contents><Key>{key}</Key><ETag>&quot;5d41-2&quot;</ETag><Size>5</Size>\
                 <LastModified>2023-11-14T22:13:20.000Z</LastModified></Contents>"
            )
        };
        let page = format!("<L>{}{}{}</L>", object("a/b"), object("a/b%20/c"), object("a/bc#?"));
        let page = Element::parse(&page).unwrap();
        let source = Place { bucket: "lake".to_owned(), key: "a/b".to_owned() };
        let taken = take_sources(&page, &source).unwrap();
        let names: Vec<&str> = taken.iter().map(|object| object.name.as_str()).collect();
        assert_eq!(names, ["b", "b%20/c", "bc#?"]);
        assert_eq!(taken[1].uri, "s3://lake/a/b%20/c");
        assert_eq!(taken[1].etag.as_deref(), Some("5d41-2"));
        assert_eq!((taken[1].head.size, taken[1].head.modified.seconds), (5, 1_700_000_000));
        let folder = Place { bucket: "lake".to_owned(), key: "a/b%20/c".to_owned() };
        assert!(take_sources(&page, &folder).is_err(), "a key that was not asked for");
    }

    #[test]
    fn a_key_that_was_not_asked_for_is_an_error() {
        assert!(names("<L><Contents><Key>other/x</Key></Contents></L>").is_err());
        assert!(names("<L><Contents><Key>main/</Key></Contents></L>").unwrap().is_empty());
    }
}
