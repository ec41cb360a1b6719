use super::*;

const A: NodeId = 10;
const B: NodeId = 11;

/// The root with the folders `a` and `b`.
fn names() -> Names {
    let entry = |name: &str, node| (OsString::from(name), node);
    let root = BTreeMap::from([entry("a", A), entry("b", B)]);
    let folders = [(ROOT, root), (A, BTreeMap::new()), (B, BTreeMap::new())];
    Names::durable(Folders::from(folders))
}

fn set(folder: NodeId, name: &str, node: Option<NodeId>) -> Entry {
    Entry::new(folder, OsStr::new(name), node)
}

/// The entries of `a` and `b` that a cut leaves.
fn left(names: &Names, naming: Naming, percent: u8, seed: u64) -> String {
    let (folders, ..) = names.after_cut(naming, percent, &Dice::new(seed));
    let show = |folder: NodeId| {
        let entries = folders.get(&folder).into_iter().flatten();
        entries.map(|(name, node)| format!("{}={node} ", name.display())).collect::<String>()
    };
    format!("{}| {}", show(A), show(B)).trim().to_owned()
}

#[test]
fn an_entry_is_gone_until_its_folder_is_synced() {
    let mut names = names();
    names.change(1, vec![set(A, "x", Some(20))], None);
    names.change(2, vec![set(B, "y", Some(21))], None);
    assert_eq!(left(&names, Naming::Strict, 0, 1), "|");
    names.sync_folder(B, 2);
    assert_eq!(left(&names, Naming::Strict, 0, 1), "| y=21");
    names.sync_folder(A, 0);
    assert_eq!(left(&names, Naming::Strict, 0, 1), "| y=21", "the sync began before the change");
    names.sync_folder(A, 2);
    assert_eq!(left(&names, Naming::Strict, 0, 1), "x=20 | y=21");
}

#[test]
fn a_removed_entry_is_back_until_its_folder_is_synced() {
    let mut names = names();
    names.change(1, vec![set(A, "x", Some(20))], None);
    names.sync_folder(A, 1);
    names.change(2, vec![set(A, "x", None)], None);
    assert_eq!(left(&names, Naming::Strict, 0, 1), "x=20 |");
    names.sync_folder(A, 2);
    assert_eq!(left(&names, Naming::Strict, 0, 1), "|");
}

#[test]
fn a_file_that_moves_between_folders_may_be_in_both_and_never_in_neither() {
    let mut names = names();
    names.change(1, vec![set(A, "x", Some(20))], None);
    names.sync_folder(A, 1);
    names.change(2, vec![set(B, "y", Some(20))], None);
    names.change(3, vec![set(A, "x", None)], Some(2));
    let seen: BTreeSet<String> =
        (0..200).map(|seed| left(&names, Naming::Strict, 50, seed)).collect();
    assert_eq!(seen.iter().collect::<Vec<_>>(), ["x=20 |", "x=20 | y=20", "| y=20"]);

    let mut from_there = names.clone();
    from_there.sync_folder(A, 3);
    assert_eq!(left(&from_there, Naming::Strict, 0, 1), "| y=20");
    names.sync_folder(B, 3);
    assert_eq!(left(&names, Naming::Strict, 0, 1), "x=20 | y=20");
}

#[test]
fn a_sync_takes_along_what_a_change_rests_on() {
    let mut names = names();
    names.change(1, vec![set(A, "x", Some(20))], None);
    names.change(2, vec![set(A, "x", None), set(B, "y", Some(20))], None);
    names.change(3, vec![set(A, "x", Some(21))], None);
    names.sync_folder(B, 3);
    assert_eq!(left(&names, Naming::Strict, 0, 1), "| y=20");
    names.sync_folder(A, 2);
    assert_eq!(left(&names, Naming::Strict, 0, 1), "| y=20", "the first change is not made again");
}

#[test]
fn a_kept_change_follows_those_of_the_same_entry() {
    let mut names = names();
    names.change(1, vec![set(A, "x", Some(20))], None);
    names.change(2, vec![set(A, "x", None)], None);
    names.change(3, vec![set(A, "x", Some(21))], None);
    names.change(4, vec![set(B, "y", Some(22))], None);
    let seen: BTreeSet<String> =
        (0..300).map(|seed| left(&names, Naming::Strict, 50, seed)).collect();
    let expected = ["x=20 |", "x=20 | y=22", "x=21 |", "x=21 | y=22", "|", "| y=22"];
    assert_eq!(seen.iter().collect::<Vec<_>>(), expected);
}

#[test]
fn a_journal_keeps_the_oldest_changes() {
    let mut names = names();
    for (moment, name) in (1..).zip(["p", "q", "r"]) {
        names.change(moment, vec![set(A, name, Some(20 + moment))], None);
    }
    let seen: BTreeSet<String> =
        (0..200).map(|seed| left(&names, Naming::Ext4, 50, seed)).collect();
    let expected = ["p=21 q=22 r=23 |", "p=21 q=22 |", "p=21 |", "|"];
    assert_eq!(seen.iter().collect::<Vec<_>>(), expected);
    names.sync_all(2);
    assert_eq!(left(&names, Naming::Ext4, 0, 1), "p=21 q=22 |");
}
