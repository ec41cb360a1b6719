//! Differences as clients see them.

use axum::response::Response;
use lakehold_api_types::Diff;
use lakehold_api_types::DiffObjectStat;
use lakehold_api_types::DiffType;
use lakehold_api_types::ObjectUserMetadata;
use lakehold_api_types::PathType;
use lakehold_catalog::Change;
use lakehold_catalog::Listed;
use lakehold_catalog::ObjectDiff;
use lakehold_catalog::Page;

use crate::objects::media_type;
use crate::page::PageAnswer;
use crate::respond::sized_json;

/// About how many bytes a difference takes in a page.
const ROW_BYTES: usize = 160;

/// The answer for a page of differences, each shown by `row`.
pub(crate) fn diff_answer(
    page: &Page<Listed<ObjectDiff>>,
    row: impl Fn(&ObjectDiff) -> Diff,
) -> Response {
    let answer = PageAnswer::new(page, key, |listed| match listed {
        Listed::CommonPrefix(prefix) => prefix_row(prefix),
        Listed::Record(difference) => row(difference),
    });
    sized_json(&answer, ROW_BYTES * (page.results.len() + 1))
}

fn key(listed: &Listed<ObjectDiff>) -> &str {
    match listed {
        Listed::CommonPrefix(prefix) => prefix,
        Listed::Record(difference) => &difference.object.path,
    }
}

fn prefix_row(prefix: &str) -> Diff {
    Diff {
        difference: DiffType::PrefixChanged,
        path: prefix.to_owned(),
        path_type: PathType::CommonPrefix,
        size_bytes: None,
        right: None,
    }
}

/// A difference between two references.
pub(super) fn plain(difference: &ObjectDiff) -> Diff {
    Diff {
        difference: match difference.change {
            Change::Added => DiffType::Added,
            Change::Removed => DiffType::Removed,
            Change::Changed => DiffType::Changed,
            Change::Conflict => DiffType::Conflict,
        },
        path: difference.object.path.clone(),
        path_type: PathType::Object,
        size_bytes: Some(i64::try_from(difference.object.size).unwrap_or(i64::MAX)),
        right: None,
    }
}

/// A difference between two references, with what is on the right; of a removed object, as the real
/// server has it, with what was on the left.
pub(super) fn with_right(difference: &ObjectDiff) -> Diff {
    let object = &difference.object;
    let right = DiffObjectStat {
        checksum: object.checksum.clone(),
        mtime: object.modified.seconds,
        content_type: media_type(object).to_owned(),
        metadata: Some(ObjectUserMetadata(object.metadata.clone())),
    };
    Diff { right: Some(right), ..plain(difference) }
}

/// A change that is not committed. Of a removed object no size is told here, as it always was.
pub(crate) fn uncommitted_row(difference: &ObjectDiff) -> Diff {
    let size_bytes = match difference.change {
        Change::Removed => Some(0),
        _ => plain(difference).size_bytes,
    };
    Diff { size_bytes, ..plain(difference) }
}
