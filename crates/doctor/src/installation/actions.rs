//! Hook runs and the indexes that lead to them.

use futures::FutureExt as _;
use futures::StreamExt as _;

use crate::DoctorError;
use crate::Finding;
use crate::Kind;
use crate::exam::Exam;
use crate::exam::unordered;
use crate::records::RunResult;
use crate::records::SecondaryIndex;
use crate::records::TaskResult;
use crate::stored::Stored;

const ACTIONS: &str = "actions";

pub(super) async fn examine(exam: &Exam<'_>) -> Result<(), DoctorError> {
    let mut pages = exam.pages(ACTIONS);
    while let Some(page) = pages.next().await? {
        exam.counters.records.add(page.len() as u64);
        let checks = page.into_iter().map(|stored| check(exam, stored).boxed());
        let mut checks = unordered(checks, exam.options.concurrency);
        while let Some(checked) = checks.next().await {
            let (stored, found) = checked?;
            exam.report(&exam.findings, &stored, found).await?;
        }
    }
    Ok(())
}

async fn check(exam: &Exam<'_>, stored: Stored) -> Result<(Stored, Vec<Finding>), DoctorError> {
    let mut found = Vec::new();
    match stored.key().split('/').collect::<Vec<_>>().as_slice() {
        ["repos", _, "runs", id] => {
            exam.counters.runs.add(1);
            if let Some(run) = stored.decode::<RunResult>("hook run", &mut found) {
                stored.must_agree("id", &run.run_id, id, &mut found);
            }
        }
        ["repos", _, "tasks", run, hook] => {
            if let Some(task) = stored.decode::<TaskResult>("run of one hook", &mut found) {
                stored.must_agree("run", &task.run_id, run, &mut found);
                stored.must_agree("id", &task.hook_run_id, hook, &mut found);
            }
        }
        ["repos", _, "branches" | "commits", .., _] => {
            if let Some(index) = stored.decode::<SecondaryIndex>("index", &mut found) {
                follow(exam, &stored, &index, &mut found).await?;
            }
        }
        _ => found.push(stored.unknown()),
    }
    Ok((stored, found))
}

async fn follow(
    exam: &Exam<'_>,
    stored: &Stored,
    index: &SecondaryIndex,
    found: &mut Vec<Finding>,
) -> Result<(), DoctorError> {
    let target = &index.primary_key;
    let is_there = !target.is_empty() && exam.read(ACTIONS, target.clone()).await?.is_some();
    if !is_there {
        let target = crate::finding::text(target);
        let problem = format!("It leads to the hook run {target:?}, which is not there.");
        found.push(Finding::new(Kind::IndexDangling, stored.place(), problem));
    }
    Ok(())
}
