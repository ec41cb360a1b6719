//! What is as it should be gives no finding.

use std::sync::Mutex;

use lakehold_doctor::Counts;
use lakehold_doctor::Doctor;
use lakehold_doctor::DoctorError;
use lakehold_doctor::Options;
use lakehold_doctor::Progress;
use lakehold_doctor::Stage;

use crate::lake::Lake;

#[tokio::test]
async fn a_new_installation_is_healthy() {
    let lake = Lake::new().await;
    lake.wait();
    let report = lake.examine_deep().await;
    assert!(report.findings.is_empty(), "{report}");
    assert_eq!((report.exit_status(), report.examined.commits), (0, 1));
}

#[tokio::test]
async fn an_installation_with_all_kinds_of_things_is_healthy_and_counted() {
    let lake = Lake::filled().await;
    lake.wait();
    let report = lake.examine_deep().await;

    assert!(report.findings.is_empty(), "{report}");
    assert!(report.not_examined.is_empty(), "{report}");
    let Counts { repositories, branches, tags, commits, staged_entries, users, .. } =
        report.examined;
    assert_eq!((repositories, branches, tags, users), (1, 2, 1, 1));
    // The first, three of ours, and a merge.
    assert_eq!((commits, report.examined.meta_ranges), (5, 4));
    assert_eq!(staged_entries, 3);
    assert!(report.examined.ranges > 5, "{report}");
    // 40, two changed, one new and two staged.
    assert_eq!((report.examined.objects, report.examined.objects_compared), (45, 45));
    assert!(report.examined.range_records < 4 * 41, "shared ranges are examined once: {report}");
}

#[tokio::test]
async fn a_shallow_examination_reads_no_object() {
    let lake = Lake::filled().await;
    let report = lake.examine().await;
    assert_eq!((report.examined.objects, report.examined.objects_compared), (45, 0));
    assert!(report.findings.is_empty(), "{report}");
}

#[tokio::test]
async fn progress_is_told_of_every_stage() {
    let lake = Lake::filled().await;
    let doctor = Doctor::new(
        std::sync::Arc::new(lake.kv.clone()),
        lake.blocks.clone(),
        &lake.runtime,
        Options::default(),
    );
    let told: Mutex<Vec<Progress>> = Mutex::default();
    let report = doctor.examine(|progress| told.lock().expect("whole").push(progress)).await;
    report.expect("examined");
    let told = told.into_inner().expect("whole");
    for stage in [
        Stage::Installation,
        Stage::Records,
        Stage::References,
        Stage::Trees,
        Stage::Files,
        Stage::Partitions,
    ] {
        assert!(told.iter().any(|progress| progress.stage == stage), "{stage:?}");
    }
    let trees = told.iter().find(|progress| progress.stage == Stage::Trees).expect("trees");
    assert_eq!((trees.total, trees.repository.as_deref()), (Some(4), Some("lake")));
}

#[tokio::test]
async fn only_the_repositories_that_were_asked_for_are_examined() {
    let lake = Lake::filled().await;
    lake.create("other").await;
    lake.put(b"graveler", "repos/broken", "\x0a").await;
    let only = |names: &[&str]| Options {
        repositories: Some(names.iter().map(|name| (*name).to_owned()).collect()),
        ..Options::default()
    };
    let report = lake.examine_with(only(&["other", "other"])).await;
    assert_eq!((report.examined.repositories, report.examined.users), (1, 0), "{report}");

    let doctor = Doctor::new(
        std::sync::Arc::new(lake.kv.clone()),
        lake.blocks.clone(),
        &lake.runtime,
        only(&["other", "none"]),
    );
    let refused = doctor.examine(|_| {}).await;
    assert!(
        matches!(&refused, Err(DoctorError::RepositoryNotFound(name)) if name == "none"),
        "{refused:?}"
    );
}
