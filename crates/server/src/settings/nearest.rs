//! The known name that a wrong one was probably meant to be.

use super::known;

/// The most letters that may differ, as a part of the length of the name.
const LONGEST_WAY: usize = 4;

/// The known setting nearest to `path`, if there is one near enough to be worth naming.
pub(super) fn setting(path: &str) -> Option<&'static str> {
    let names = || known::all().filter(|known| !known.is_pattern()).map(|known| known.path);
    let incomplete = |name: &&str| is_incomplete(path, name);
    nearest(path, names()).or_else(|| only(names().filter(incomplete)))
}

/// The name nearest to `wrong`, or `None` where all are too far away.
pub(super) fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let measured = names.map(|name| (distance(wrong, name), name));
    let (way, name) = measured.min_by_key(|(way, _)| *way)?;
    (way <= (wrong.len() / LONGEST_WAY).clamp(1, 6)).then_some(name)
}

/// Whether something is missing in `path` at the beginning, in the middle, or at the end.
fn is_incomplete(path: &str, name: &str) -> bool {
    let (first, _) = path.split_once('.').unwrap_or((path, ""));
    let (_, last) = path.rsplit_once('.').unwrap_or(("", path));
    let has_ends = first != last
        && name.starts_with(&format!("{first}."))
        && name.ends_with(&format!(".{last}"));
    has_ends || name.starts_with(path) || name.ends_with(&format!(".{path}"))
}

fn only<'a>(mut names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let first = names.next()?;
    names.next().is_none().then_some(first)
}

/// How many letters have to be added, removed, or replaced.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = above + 1;
        for (column, other_letter) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other_letter);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised() {
        for (wrong, meant) in [
            ("listen_adress", "listen_address"),
            ("listen", "listen_address"),
            ("database.typ", "database.type"),
            ("database.postgres.conection_string", "database.postgres.connection_string"),
            ("database.connection_string", "database.postgres.connection_string"),
            ("blockstore.s3.credential.access_key_id", "blockstore.s3.credentials.access_key_id"),
            ("auth.secret_key", "auth.encrypt.secret_key"),
            ("encrypt.secret_key", "auth.encrypt.secret_key"),
        ] {
            assert_eq!(setting(wrong), Some(meant), "{wrong}");
        }
    }

    #[test]
    fn what_is_far_from_everything_is_not_guessed() {
        for wrong in ["x", "kubernetes", "secret_key", "some.thing.else"] {
            assert_eq!(setting(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_distance_counts_letters() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
