//! What kind of disk it is, and how bad the cut.

use std::str::FromStr;
use std::time::Duration;

const MIB: u64 = 1024 * 1024;

/// When the entries of folders become durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// As ext4 does it: any sync that has to write a journal entry (of a folder, of a file, of the data
    /// of a file that is new or has another length) takes all changes of names along that came before
    /// it, in order. A cut keeps the oldest ones.
    Ext4,
    /// As little as POSIX promises: only a sync of the folder itself, and only for its own entries. A
    /// cut keeps each or not, except that a change follows those of the same entry before it, a rename
    /// within a folder is one change, and a file that moves between folders is never in neither.
    Strict,
}

impl FromStr for Naming {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "ext4" => Ok(Self::Ext4),
            "strict" => Ok(Self::Strict),
            other => Err(format!("{other} is neither ext4 nor strict")),
        }
    }
}

/// How much of what was not synced survives a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survival {
    /// Nothing.
    Nothing,
    /// Each piece with a probability of so many percent.
    Percent(u8),
}

impl Survival {
    pub(super) fn percent(self) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::Percent(percent) => percent,
        }
    }
}

/// Syncs that are answered and not carried out, to show that a test notices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ignored {
    /// None: the disk is honest.
    #[default]
    Nothing,
    /// `fsync` and `fdatasync` of files.
    Files,
    /// `fsync` of folders.
    Folders,
    /// `syncfs`.
    Volume,
}

impl FromStr for Ignored {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "nothing" => Ok(Self::Nothing),
            "files" => Ok(Self::Files),
            "folders" => Ok(Self::Folders),
            "volume" => Ok(Self::Volume),
            other => Err(format!("{other} is none of nothing, files, folders, volume")),
        }
    }
}

/// What kind of disk it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// When names become durable.
    pub naming: Naming,
    /// Bytes that fit on it. What was synced and what was not are both kept, so that it may take
    /// twice as much memory.
    pub limit_bytes: u64,
    /// How long a sync takes on average. While it lasts, what is to be synced is not.
    pub sync_delay: Duration,
}

impl Settings {
    /// A disk of 2 GiB whose syncs take half a millisecond.
    pub fn new(naming: Naming) -> Self {
        Self { naming, limit_bytes: 2048 * MIB, sync_delay: Duration::from_micros(500) }
    }
}
