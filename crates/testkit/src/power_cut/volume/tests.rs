use std::time::Duration;

use super::*;
use crate::power_cut::settings::Naming;
use crate::power_cut::settings::Survival;

const NOW: Timestamp = Timestamp::from_seconds(1_000);

fn attributes() -> Attributes {
    Attributes { mode: 0o644, user: 0, group: 0, modified: NOW }
}

fn volume(naming: Naming) -> Volume {
    let settings = Settings { naming, limit_bytes: 1 << 20, sync_delay: Duration::ZERO };
    Volume::new(settings, 0, 0)
}

impl Volume {
    fn at(&self, path: &str) -> Result<NodeId, Refused> {
        path.split('/')
            .filter(|name| !name.is_empty())
            .try_fold(ROOT, |folder, name| self.find(folder, OsStr::new(name)))
    }

    fn make_at(&mut self, path: &str, kind: Kind) -> Result<NodeId, Refused> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        self.make(self.at(folder)?, OsStr::new(name), kind, attributes())
    }

    fn make_folder(&mut self, path: &str) {
        self.make_at(path, Kind::Folder).unwrap();
    }

    /// Makes a file with `data`, synced if that is wanted.
    fn make_file(&mut self, path: &str, data: &[u8], is_synced: bool) -> NodeId {
        let id = self.make_at(path, Kind::File(Content::default())).unwrap();
        self.write(id, 0, data, NOW).unwrap();
        if is_synced {
            self.sync_file(id, self.begin_sync(), false).unwrap();
        }
        id
    }

    fn sync_folder_at(&mut self, path: &str) {
        self.sync_folder(self.at(path).unwrap(), self.begin_sync()).unwrap();
    }

    fn rename_at(&mut self, from: &str, to: &str, taken: Taken) -> Result<(), Refused> {
        let split = |path: &str| {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            (self.at(folder), OsString::from(name))
        };
        let ((from, old), (to, new)) = (split(from), split(to));
        self.rename((from?, &old), (to?, &new), taken)
    }

    fn text(&self, path: &str) -> Option<String> {
        let bytes = self.read(self.at(path).ok()?, 0..u64::MAX).unwrap();
        Some(String::from_utf8(bytes).unwrap())
    }

    fn lose_all(&mut self) -> CutReport {
        self.cut(1, Survival::Nothing)
    }
}

#[test]
fn a_synced_file_needs_a_synced_name_where_the_disk_is_strict() {
    for (naming, survives) in [(Naming::Ext4, true), (Naming::Strict, false)] {
        let mut volume = volume(naming);
        volume.make_file("file", b"data", true);
        volume.lose_all();
        assert_eq!(volume.text("file").is_some(), survives, "{naming:?}");
    }
    let mut volume = volume(Naming::Strict);
    volume.make_file("file", b"data", true);
    volume.sync_folder_at("");
    volume.lose_all();
    assert_eq!(volume.text("file").as_deref(), Some("data"));
}

#[test]
fn a_synced_name_of_an_unsynced_file_leaves_an_empty_file() {
    let mut volume = volume(Naming::Strict);
    volume.make_file("file", b"data", false);
    volume.sync_folder_at("");
    let report = volume.lose_all();
    assert_eq!(volume.text("file").as_deref(), Some(""));
    assert_eq!(report.lost, ["file: 1 of 1 pages"]);
}

#[test]
fn a_strict_disk_loses_what_lies_in_a_folder_without_a_name() {
    let mut volume = volume(Naming::Strict);
    volume.make_folder("a");
    volume.make_folder("a/b");
    volume.make_file("a/b/file", b"data", true);
    volume.sync_folder_at("a/b");
    volume.sync_folder_at("");
    volume.lose_all();
    assert!(volume.at("a").is_ok());
    assert_eq!(volume.at("a/b"), Err(Refused::Absent));
}

#[test]
fn the_data_of_a_file_of_known_length_takes_no_names_along() {
    let mut volume = volume(Naming::Ext4);
    let old = volume.make_file("old", b"data", true);
    volume.make_file("new", b"", false);
    volume.write(old, 0, b"DATA", NOW).unwrap();
    volume.sync_file(old, volume.begin_sync(), true).unwrap();
    let mut copy = volume;
    copy.lose_all();
    assert_eq!((copy.text("old").as_deref(), copy.text("new")), (Some("DATA"), None));

    let old = copy.at("old").unwrap();
    copy.make_file("new", b"", false);
    copy.write(old, 4, b", more", NOW).unwrap();
    copy.sync_file(old, copy.begin_sync(), true).unwrap();
    copy.lose_all();
    assert_eq!(copy.text("old").as_deref(), Some("DATA, more"));
    assert!(copy.text("new").is_some(), "a new length is in the journal, behind the new name");
}

#[test]
fn syncfs_is_a_sync_of_everything_before_it() {
    for naming in [Naming::Ext4, Naming::Strict] {
        let mut volume = volume(naming);
        volume.make_folder("a");
        volume.make_file("a/one", b"1", false);
        let began = volume.begin_sync();
        volume.make_file("a/two", b"2", false);
        volume.sync_volume(began);
        volume.lose_all();
        assert_eq!(volume.text("a/one").as_deref(), Some("1"));
        assert_eq!(volume.text("a/two"), None);
    }
}

#[test]
fn a_file_that_replaced_another_is_one_of_the_two() {
    let mut volume = volume(Naming::Strict);
    volume.make_file("file", b"old", true);
    volume.make_file("file.new", b"new", true);
    volume.sync_folder_at("");
    volume.rename_at("file.new", "file", Taken::Replace).unwrap();
    assert_eq!(volume.text("file").as_deref(), Some("new"));
    volume.lose_all();
    assert_eq!(volume.text("file").as_deref(), Some("old"));
    assert_eq!(volume.text("file.new").as_deref(), Some("new"));

    volume.rename_at("file.new", "file", Taken::Replace).unwrap();
    volume.sync_folder_at("");
    volume.lose_all();
    assert_eq!(volume.text("file").as_deref(), Some("new"));
    assert_eq!(volume.text("file.new"), None);
}

#[test]
fn a_file_moves_between_the_folders_of_a_strict_disk_and_is_never_in_neither() {
    let mut places = BTreeSet::new();
    for seed in 0..60 {
        let mut volume = volume(Naming::Strict);
        ["a", "b"].into_iter().for_each(|folder| volume.make_folder(folder));
        volume.make_file("a/file", b"data", true);
        ["", "a"].into_iter().for_each(|folder| volume.sync_folder_at(folder));
        volume.rename_at("a/file", "b/file", Taken::Replace).unwrap();
        volume.cut(seed, Survival::Percent(50));
        places.insert((volume.at("a/file").is_ok(), volume.at("b/file").is_ok()));
    }
    assert_eq!(places, BTreeSet::from([(true, false), (true, true), (false, true)]));
}

#[test]
fn the_data_of_a_new_file_takes_its_name_along_where_there_is_a_journal() {
    let mut volume = volume(Naming::Ext4);
    let new = volume.make_file("new", b"", false);
    volume.sync_file(new, volume.begin_sync(), true).unwrap();
    volume.lose_all();
    assert_eq!(volume.text("new").as_deref(), Some(""));
}

#[test]
fn what_was_open_is_stale_after_a_cut() {
    let mut volume = volume(Naming::Ext4);
    let id = volume.make_file("file", b"data", true);
    volume.open(id).unwrap();
    let began = volume.begin_sync();
    volume.lose_all();
    assert_eq!(volume.write(id, 0, b"late", NOW), Err(Refused::Stale));
    assert_eq!(volume.sync_file(id, began, false), Err(Refused::Stale));
    volume.close(id);
    assert_eq!(volume.text("file").as_deref(), Some("data"));
}

#[test]
fn a_cut_is_the_same_for_the_same_seed() {
    let cut = |seed| {
        let mut volume = volume(Naming::Strict);
        for number in 0..20 {
            volume.make_file(&format!("{number}"), b"data", number % 2 == 0);
        }
        let report = volume.cut(seed, Survival::Percent(50));
        let names: Vec<_> = volume.list(ROOT).unwrap().into_iter().map(|(name, _)| name).collect();
        (report, names)
    };
    assert_eq!(cut(7), cut(7));
    assert_ne!(cut(7), cut(8));
    let (report, _) = cut(7);
    assert!(report.names_kept > 0 && report.names_lost > 0, "{report:?}");
}

#[test]
fn a_disk_that_ignores_syncs_loses_what_they_were_for() {
    for (ignored, lost) in
        [(Ignored::Files, ""), (Ignored::Folders, "gone"), (Ignored::Volume, "data")]
    {
        let mut volume = volume(Naming::Strict);
        volume.ignore(ignored, Path::new(""));
        volume.make_file("file", b"data", true);
        volume.sync_folder_at("");
        volume.write(volume.at("file").unwrap(), 0, b"DATA", NOW).unwrap();
        volume.sync_volume(volume.begin_sync());
        let expected = if ignored == Ignored::Volume { lost } else { "DATA" };
        volume.lose_all();
        assert_eq!(volume.text("file").as_deref(), Some(expected), "{ignored:?} {lost}");
    }
}

#[test]
fn a_disk_may_ignore_syncs_below_one_path_only() {
    let mut volume = volume(Naming::Strict);
    volume.ignore(Ignored::Files, Path::new("a/b"));
    for folder in ["a", "a/b", "a/bc"] {
        volume.make_folder(folder);
        volume.make_file(&format!("{folder}/file"), b"data", true);
        volume.sync_folder_at(folder);
    }
    ["", "a"].into_iter().for_each(|folder| volume.sync_folder_at(folder));
    volume.lose_all();
    let left = ["a/file", "a/b/file", "a/bc/file"].map(|path| volume.text(path).unwrap());
    assert_eq!(left, ["data", "", "data"]);
}

#[test]
fn what_a_failed_sync_was_for_is_seen_until_the_cut_and_synced_by_no_other() {
    let mut volume = volume(Naming::Strict);
    let (file, other) = (volume.make_file("file", b"data", true), volume.make_file("b", b"", true));
    volume.sync_folder_at("");
    volume.fail(Path::new("file"));
    volume.write(file, 0, b"DATA", NOW).unwrap();
    assert_eq!(volume.sync_file(other, volume.begin_sync(), true), Ok(()), "another file");
    assert_eq!(volume.sync_file(file, volume.begin_sync(), true), Err(Refused::Failed));
    assert_eq!(volume.sync_file(file, volume.begin_sync(), true), Ok(()), "it fails once");
    assert_eq!((volume.text("file").as_deref(), volume.failures()), (Some("DATA"), 1));
    volume.lose_all();
    assert_eq!(volume.text("file").as_deref(), Some("data"));
}

#[test]
fn entries_behave_as_those_of_other_file_systems() {
    let mut volume = volume(Naming::Ext4);
    volume.make_folder("a");
    volume.make_folder("b");
    let file = volume.make_file("a/file", b"", false);
    let (a, name) = (volume.at("a").unwrap(), OsStr::new("file"));
    assert_eq!(volume.make_at("a/file", Kind::Folder), Err(Refused::Exists));
    assert_eq!(volume.make_at("a/file/x", Kind::Folder), Err(Refused::NotFolder));
    assert_eq!(volume.remove_folder(ROOT, OsStr::new("a")), Err(Refused::NotEmpty));
    assert_eq!(volume.unlink(ROOT, OsStr::new("a")), Err(Refused::IsFolder));
    assert_eq!(volume.rename_at("b", "a", Taken::Replace), Err(Refused::NotEmpty));
    assert_eq!(volume.rename_at("b", "a/file", Taken::Replace), Err(Refused::NotFolder));
    assert_eq!(volume.rename_at("a/file", "b", Taken::Refuse), Err(Refused::Exists));
    assert_eq!(volume.find(ROOT, OsStr::new(&"x".repeat(256))), Err(Refused::TooLong));

    volume.link(file, a, OsStr::new("same")).unwrap();
    assert_eq!(volume.node(file).unwrap().links, 2);
    volume.rename_at("a/file", "a/same", Taken::Replace).unwrap();
    assert!(volume.at("a/file").is_ok(), "both are the same file, so nothing happens");
    volume.unlink(a, name).unwrap();
    assert_eq!(volume.node(file).unwrap().links, 1);

    volume.make_file("b/other", b"2", false);
    volume.rename_at("a/same", "b/other", Taken::Exchange).unwrap();
    assert_eq!(volume.text("a/same").as_deref(), Some("2"));
    assert_eq!(volume.at("b/other"), Ok(file));
}

#[test]
fn a_full_disk_says_so_and_has_room_again() {
    let mut volume = volume(Naming::Ext4);
    let id = volume.make_file("file", &[1; 1 << 19], false);
    assert_eq!(volume.write(id, 1 << 19, &[1; (1 << 19) + 1], NOW), Err(Refused::Full));
    assert_eq!(volume.extend(id, 1 << 21, NOW), Err(Refused::Full));
    volume.set_length(id, 0, NOW).unwrap();
    volume.write(id, 0, &[1; 1 << 20], NOW).unwrap();
}

#[test]
fn files_that_nothing_leads_to_are_forgotten_but_not_those_that_a_cut_may_bring_back() {
    let mut volume = volume(Naming::Strict);
    let kept = volume.make_file("kept", b"data", true);
    volume.sync_folder_at("");
    volume.unlink(ROOT, OsStr::new("kept")).unwrap();
    for _ in 0..3 {
        for number in 0..MAX_ABANDONED {
            let name = format!("{number}");
            volume.make_file(&name, b"", false);
            volume.unlink(ROOT, OsStr::new(&name)).unwrap();
        }
        volume.sync_folder(ROOT, 0).unwrap();
        let removal = volume.names.current().len();
        assert_eq!(removal, 1);
    }
    assert!(volume.node(kept).is_ok());
    volume.lose_all();
    assert_eq!(volume.text("kept").as_deref(), Some("data"));
    assert_eq!(volume.node_count(), 2);
}
