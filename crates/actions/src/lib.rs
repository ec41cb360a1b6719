//! Actions: what ran when something happened to a repository, and what came of it.
//!
//! A repository may hold **action** files, each a list of **hooks** to run on an event such as
//! `pre-commit`. What ran is a **run**, one per event; each hook of it is a **hook run**, with an
//! **output** for people. Both are records (docs/formats/action-runs.md), outputs are objects in the
//! repository's storage.
//!
//! ```text
//! Actions ─┬─ Run           actions: repos/<repository>/runs/<run>
//!          │    └─ index    by branch, by commit
//!          ├─ HookRun       actions: repos/<repository>/tasks/<run>/<hook run>
//!          └─ output        <namespace>/_lakefs/actions/log/<run>/<hook run>.log
//! ```
//!
//! Records are kept by the *name* of a repository, not by its instance: the runs of a deleted
//! repository are listed with those of a later one of its name, whose storage their outputs are not in.
//!
//! This crate reads what existing installations have noted. It does not run hooks.
//!
//! Start reading at [`Actions::list_runs`] in `runs.rs`.

mod actions;
mod error;
mod hook_runs;
mod output;
mod records;
mod runs;

pub use actions::Actions;
pub use error::ActionsError;
pub use hook_runs::HookRun;
pub use hook_runs::HookStatus;
pub use runs::Run;
pub use runs::RunFilter;
