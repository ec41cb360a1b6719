//! Small records: schema version, heartbeats, uploads under way, indexes, statistics.

use crate::DoctorError;
use crate::Finding;
use crate::Kind;
use crate::exam::Exam;
use crate::records::InstanceHeartbeat;
use crate::records::MostlyCorrectOwnership;
use crate::records::SecondaryIndex;
use crate::records::UploadData;
use crate::stored::Stored;

/// Partition of the record that says in which form all others are stored.
const INTERNAL: &str = "kv-internal-metadata";
const SCHEMA_VERSION_KEY: &str = "kv/schema/version";
/// The form that is examined here.
const SCHEMA_VERSION: &str = "4";

/// What checks the records of a partition.
type Check = fn(&Stored, &mut Vec<Finding>);

/// Partitions and what their records are.
const NOTES: [(&str, Check); 6] = [
    (INTERNAL, schema_version),
    ("catalog", heartbeat),
    ("multiparts", upload),
    ("pulls", pull_request_index),
    ("mc-ownership", ownership),
    ("usage", statistics),
];

pub(super) async fn examine(exam: &Exam<'_>) -> Result<(), DoctorError> {
    for (partition, check) in NOTES {
        let mut pages = exam.pages(partition);
        while let Some(page) = pages.next().await? {
            exam.counters.records.add(page.len() as u64);
            for stored in page {
                let mut found = Vec::new();
                check(&stored, &mut found);
                exam.report(&exam.findings, &stored, found).await?;
            }
        }
    }
    Ok(())
}

fn schema_version(stored: &Stored, found: &mut Vec<Finding>) {
    if stored.key() != SCHEMA_VERSION_KEY {
        found.push(stored.unknown());
        return;
    }
    let version = stored.decode_text("schema version", found);
    if let Some(version) = version.filter(|version| version.trim() != SCHEMA_VERSION) {
        let problem = format!("Records are in form {version:?}; this is for {SCHEMA_VERSION:?}.");
        found.push(Finding::new(Kind::SchemaVersion, stored.place(), problem));
    }
}

fn heartbeat(stored: &Stored, found: &mut Vec<Finding>) {
    if stored.key().starts_with("instances/") {
        stored.check::<InstanceHeartbeat>("heartbeat", found);
    } else {
        found.push(stored.unknown());
    }
}

fn upload(stored: &Stored, found: &mut Vec<Finding>) {
    if let Some(upload) = stored.decode::<UploadData>("upload in parts", found) {
        stored.must_agree("id", &upload.upload_id, stored.key(), found);
    }
}

fn pull_request_index(stored: &Stored, found: &mut Vec<Finding>) {
    if stored.key().starts_with("repos/") {
        // It may lead nowhere: it stays when a repository goes, and nothing reads it.
        stored.check::<SecondaryIndex>("index", found);
    } else {
        found.push(stored.unknown());
    }
}

fn ownership(stored: &Stored, found: &mut Vec<Finding>) {
    if stored.key().starts_with("run-refs/") {
        stored.check::<MostlyCorrectOwnership>("note of ownership", found);
    } else {
        found.push(stored.unknown());
    }
}

fn statistics(stored: &Stored, found: &mut Vec<Finding>) {
    if stored.key().starts_with("usage/") {
        drop(stored.decode_text("number of calls", found));
    } else {
        found.push(stored.unknown());
    }
}
