//! Headers of answers about an object's bytes.

use std::fmt::Write as _;
use std::ops::Range;

use http::HeaderMap;
use http::HeaderValue;
use http::header;
use lakehold_catalog::Object;
use lakehold_catalog::Timestamp;

use super::DEFAULT_MEDIA_TYPE;
use super::media_type;
use crate::respond::header_value;

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// What a browser may show by itself. Everything else it is told to store.
const SHOWN_INLINE: [&str; 22] = [
    "application/javascript",
    "application/json",
    "application/pdf",
    "application/xml",
    "audio/mpeg",
    "audio/wav",
    "audio/webm",
    "image/gif",
    "image/jpeg",
    "image/jpg",
    "image/png",
    "image/svg+xml",
    "image/webp",
    "text/css",
    "text/html",
    "text/javascript",
    "text/markdown",
    "text/plain",
    "text/x-markdown",
    "text/xml",
    "video/mp4",
    "video/webm",
];

/// Headers of every answer that tells of an object, with or without its bytes.
pub(super) fn about(object: &Object) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(12);
    add_etag(&mut headers, object);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, must-revalidate"));
    headers.insert(header::EXPIRES, HeaderValue::from_static("0"));
    headers.extend(http_date(object.modified).map(|value| (header::LAST_MODIFIED, value)));
    headers
}

/// Headers of an answer with `length` bytes of an object, or of one that could have them.
pub(super) fn add_content(headers: &mut HeaderMap, object: &Object, length: u64) {
    let content_type = header_value(media_type(object))
        .unwrap_or_else(|| HeaderValue::from_static(DEFAULT_MEDIA_TYPE));
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
}

/// Headers that keep a browser from running what it got. Objects are written by anyone who may write.
pub(super) fn add_protection(headers: &mut HeaderMap, object: &Object) {
    let disposition = match SHOWN_INLINE.contains(&media_type(object)) {
        true => "inline",
        false => "attachment",
    };
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(disposition));
    add_browser_protection(headers);
}

/// Headers that keep a browser from guessing what it got, and from running it.
pub(crate) fn add_browser_protection(headers: &mut HeaderMap) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'"));
}

/// The tag of an object: its checksum in quotes, unless it has some.
pub(super) fn etag(object: &Object) -> String {
    match object.checksum.starts_with('"') {
        true => object.checksum.clone(),
        false => format!("\"{}\"", object.checksum),
    }
}

pub(super) fn add_etag(headers: &mut HeaderMap, object: &Object) {
    if let Some(etag) = header_value(&etag(object)) {
        headers.insert(header::ETAG, etag);
    }
}

/// Which bytes of an object of `size` bytes the answer has.
pub(super) fn add_content_range(headers: &mut HeaderMap, range: &Range<u64>, size: u64) {
    let text = format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1));
    headers.extend(header_value(&text).map(|value| (header::CONTENT_RANGE, value)));
}

/// That an object of `size` bytes has none of those that were asked for.
pub(super) fn add_unsatisfied_range(headers: &mut HeaderMap, size: u64) {
    let value = header_value(&format!("bytes */{size}"));
    headers.extend(value.map(|value| (header::CONTENT_RANGE, value)));
}

/// `Mon, 02 Jan 2006 15:04:05 GMT`; `None` outside the years that this form can write.
fn http_date(moment: Timestamp) -> Option<HeaderValue> {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let days = moment.seconds.div_euclid(SECONDS_PER_DAY);
    let second = moment.seconds.rem_euclid(SECONDS_PER_DAY);
    let (year, month, day) = civil_date(days)?;
    let weekday = DAYS[usize::try_from(days.rem_euclid(7)).ok()?];
    let month = MONTHS[usize::try_from(month - 1).ok()?];
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let mut text = String::with_capacity(29);
    write!(text, "{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
        .ok()?;
    header_value(&text)
}

/// Year, month and day of the `days`th day after 1970-01-01, by the Gregorian calendar: years are
/// counted from March, so that the leap day comes last, in cycles of 400.
fn civil_date(days: i64) -> Option<(i64, i64, i64)> {
    let shifted = days.checked_add(719_468)?;
    let cycle = shifted.div_euclid(146_097);
    let day_of_cycle = shifted.rem_euclid(146_097);
    let year_of_cycle = (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524
        - day_of_cycle / 146_096)
        / 365;
    let day_of_year =
        day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_cycle + cycle * 400 + i64::from(month <= 2);
    (0..=9999).contains(&year).then_some((year, month, day))
}

#[cfg(test)]
mod tests {
    use super::*;

    use chrono::DateTime;
    use proptest::prelude::*;

    fn date(seconds: i64) -> Option<String> {
        let value = http_date(Timestamp::from_seconds(seconds))?;
        Some(value.to_str().expect("text").to_owned())
    }

    #[test]
    fn dates_have_the_form_of_http() {
        assert_eq!(date(784_111_777).as_deref(), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
        assert_eq!(date(0).as_deref(), Some("Thu, 01 Jan 1970 00:00:00 GMT"));
        assert_eq!(date(i64::MAX), None);
        assert_eq!(date(i64::MIN), None);
    }

    proptest! {
        #[test]
        fn dates_are_those_of_another_calendar(seconds in -62_135_596_800i64..253_402_300_800) {
            let other = DateTime::from_timestamp(seconds, 0).expect("in range");
            let other = other.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
            prop_assert_eq!(date(seconds), Some(other));
        }
    }
}
