//! What belongs to no repository: the form records are stored in, users, hook runs, and the notes of
//! servers.

mod actions;
mod members;
mod notes;

use crate::DoctorError;
use crate::Stage;
use crate::exam::Exam;

/// Partitions of users. The first is that of a server with one user, the others those of a server of
/// access control lists.
const USERS: [&str; 3] = ["basicAuth", "auth", "aclauth"];

/// Examines all of it.
pub(crate) async fn examine(exam: &Exam<'_>) -> Result<(), DoctorError> {
    exam.tell(Stage::Installation, None, 0, None);
    notes::examine(exam).await?;
    for partition in USERS {
        members::examine(exam, partition).await?;
    }
    actions::examine(exam).await
}
