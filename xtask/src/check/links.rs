//! Documents name files that are there.
//!
//! In Markdown: the target of every relative link, and every path between back-ticks that begins with
//! one of our folders. In Rust: every Markdown file below docs that a comment names.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::bail;

/// Folders whose paths are checked where they stand between back-ticks.
const FOLDERS: &[&str] = &["crates/", "docs/", "tests/", "xtask/"];
/// Folders that hold no documents of ours.
const SKIPPED: &[&str] = &["target", ".git", ".venv", "golden", "lakehold-data", "node_modules"];

/// Fails with every path that leads nowhere.
pub(super) fn check() -> anyhow::Result<()> {
    let mut files = Vec::new();
    collect(Path::new("."), &mut files)?;
    let mut broken = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let is_markdown = file.extension().is_some_and(|extension| extension == "md");
        let named =
            if is_markdown { named_in_markdown(&file, &text) } else { named_in_rust(&text) };
        let missing = named.into_iter().filter(|path| !path.exists());
        broken.extend(missing.map(|path| format!("{}: {}", file.display(), path.display())));
    }
    if broken.is_empty() { Ok(()) } else { bail!("leads nowhere:\n{}", broken.join("\n")) }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if SKIPPED.contains(&name) || name.starts_with(".venv") {
            continue;
        }
        if path.is_dir() {
            collect(&path, files)?;
        } else if matches!(path.extension().and_then(|e| e.to_str()), Some("md" | "rs")) {
            files.push(path);
        }
    }
    Ok(())
}

fn named_in_markdown(file: &Path, text: &str) -> Vec<PathBuf> {
    let beside = file.parent().unwrap_or(Path::new("."));
    let mut named = Vec::new();
    for piece in text.split("](").skip(1) {
        let target = piece.split([')', '#', ' ']).next().unwrap_or_default();
        if !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:") {
            named.push(beside.join(target));
        }
    }
    for piece in text.split('`').skip(1).step_by(2) {
        let is_path = FOLDERS.iter().any(|folder| piece.starts_with(folder));
        if is_path && !piece.contains([' ', '*', '<', '{', '\n', ':']) {
            named.push(PathBuf::from(piece));
        }
    }
    named
}

fn named_in_rust(text: &str) -> Vec<PathBuf> {
    let comments = text.lines().filter(|line| line.trim_start().starts_with("//"));
    let words = comments.flat_map(|line| line.split([' ', '(', ')', '`', ',', ';', ':']));
    words
        .map(|word| word.trim_end_matches('.'))
        .filter(|word| word.starts_with("docs/") && word.ends_with(".md"))
        .map(PathBuf::from)
        .collect()
}
