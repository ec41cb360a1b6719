//! Settings of committed trees and of the versioning engine (`committed`, `graveler`, `ugc`).

use super::Kind::Duration;
use super::Kind::Flag;
use super::Kind::Integer;
use super::Kind::Number;
use super::Kind::Path;
use super::Kind::Text;
use super::Known;

const OWN_CACHES: &str = "caches have sizes and times of their own (docs/design/0005-caches.md)";
const OWN_QUEUE: &str = "branches are written in another way (docs/design/0004-branch-queue.md)";
const NO_COLLECTION: &str = "garbage collection is not there yet";

pub(super) const SETTINGS: &[Known] = &[
    Known::used(
        "committed.local_cache.size_bytes",
        Integer,
        "1073741824",
        "how much of committed trees is kept on the local disk, where objects are kept remotely; 0 for \
         nothing",
    ),
    Known::used(
        "committed.local_cache.dir",
        Path,
        "",
        "where that is kept, in a folder `lakehold` of its own (DATA_DIR/cache); it can be lost",
    )
    .in_lakefs("~/lakefs/data/cache"),
    Known::ignored("committed.local_cache.max_uploaders_per_writer", Integer, OWN_CACHES),
    Known::ignored("committed.local_cache.range_proportion", Number, OWN_CACHES),
    Known::ignored("committed.local_cache.metarange_proportion", Number, OWN_CACHES),
    Known::used(
        "committed.block_storage_prefix",
        Text,
        "_lakefs",
        "the folder of committed trees below the namespace of a repository",
    ),
    Known::used(
        "committed.permanent.min_range_size_bytes",
        Integer,
        "0",
        "no range of a tree is smaller, except the last",
    ),
    Known::used(
        "committed.permanent.max_range_size_bytes",
        Integer,
        "20971520",
        "a range ends after the record that makes it so big",
    ),
    Known::used(
        "committed.permanent.range_raggedness_entries",
        Integer,
        "50000",
        "one record in so many ends a range",
    ),
    Known::used(
        "committed.sstable.memory.cache_size_bytes",
        Integer,
        "100663296",
        "how much of committed trees is kept in memory",
    ),
    Known::used(
        "graveler.ensure_readable_root_namespace",
        Flag,
        "true",
        "whether a namespace is refused for a new repository if there is one at its root",
    ),
    Known::ignored("graveler.batch_dbio_transaction_markers", Flag, OWN_QUEUE),
    Known::ignored("graveler.compaction_sensor_threshold", Integer, OWN_QUEUE),
    Known::ignored("graveler.max_batch_delay", Duration, OWN_QUEUE),
    Known::ignored("graveler.background.rate_limit", Integer, OWN_QUEUE),
    Known::ignored("graveler.branch_ownership.enabled", Flag, OWN_QUEUE),
    Known::ignored("graveler.branch_ownership.refresh", Duration, OWN_QUEUE),
    Known::ignored("graveler.branch_ownership.acquire", Duration, OWN_QUEUE),
    Known::ignored("graveler.repository_cache.size", Integer, OWN_CACHES),
    Known::ignored("graveler.repository_cache.expiry", Duration, OWN_CACHES),
    Known::ignored("graveler.repository_cache.jitter", Duration, OWN_CACHES),
    Known::ignored("graveler.commit_cache.size", Integer, OWN_CACHES),
    Known::ignored("graveler.commit_cache.expiry", Duration, OWN_CACHES),
    Known::ignored("graveler.commit_cache.jitter", Duration, OWN_CACHES),
    Known::ignored("ugc.prepare_max_file_size", Integer, NO_COLLECTION),
    Known::ignored("ugc.prepare_interval", Duration, NO_COLLECTION),
];
