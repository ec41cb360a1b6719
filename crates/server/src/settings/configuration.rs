//! Layers of settings, one above the other, and what is in effect in the end.
//!
//! ```text
//! flags                     highest
//! environment LAKEHOLD_*
//! environment LAKEFS_*
//! file
//! defaults                  lowest: those of lakeFS for the configuration of an existing installation
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::bail;

use super::file;
use super::file::Given;
use super::known;
use super::known::Fate;
use super::known::Known;
use super::known::LAKEFS_PREFIX;
use super::known::OUR_PREFIX;
use super::lookup;
use super::nearest;
use super::value::Value;

/// Files of this name are ours, whatever is in them.
const OUR_FILE: &str = "lakehold";
/// One of these is there where lakeFS is configured by the environment alone.
const DECISIVE: [&str; 2] = ["database.type", "blockstore.type"];

/// Where settings may come from.
#[derive(Clone, Default)]
pub struct Sources {
    /// The file, `--config`. Where none is given it is searched for.
    pub config: Option<PathBuf>,
    /// What was given on the command line: the flag, the setting it is for, and its value.
    pub flags: Vec<(&'static str, &'static str, String)>,
    /// The environment, by name.
    pub environment: BTreeMap<String, String>,
}

/// Shows no values: the environment may hold secrets, of others too.
impl fmt::Debug for Sources {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Sources").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The table.
    Default,
    /// The table, for the configuration of an existing installation.
    LakefsDefault,
    /// The file.
    File(PathBuf),
    /// A variable.
    Environment(String),
    /// A flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => out.write_str("default"),
            Self::LakefsDefault => out.write_str("default of lakeFS"),
            Self::File(path) => write!(out, "file {}", path.display()),
            Self::Environment(name) => write!(out, "environment {name}"),
            Self::Flag(flag) => write!(out, "flag {flag}"),
        }
    }
}

/// A value that is in effect.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Effective {
    /// `None` where there is none, not even a default.
    pub(super) value: Option<Value>,
    pub(super) origin: Origin,
}

/// All settings, each with where it comes from.
pub struct Configuration {
    given: BTreeMap<String, Effective>,
    file: Option<PathBuf>,
    is_existing: bool,
    home: Option<PathBuf>,
    notes: Vec<String>,
}

/// Shows no values: some are secret.
impl fmt::Debug for Configuration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Configuration")
            .field("file", &self.file)
            .field("given", &self.given.keys())
            .finish_non_exhaustive()
    }
}

impl Configuration {
    /// Reads all sources. Blocks on the disk.
    ///
    /// Fails where a file cannot be read, where a name in it is not known, where a value is of the
    /// wrong kind, and where a setting is given that we cannot go on without; the error says where it
    /// stands.
    pub fn load(sources: &Sources) -> anyhow::Result<Self> {
        let file = lookup::find(sources)?;
        let mut given = BTreeMap::new();
        if let Some(path) = &file {
            let origin = Origin::File(path.clone());
            given.extend(read(path)?.into_iter().map(|(name, value)| {
                (name, Effective { value: Some(value), origin: origin.clone() })
            }));
        }
        let file_is_ours = file.as_ref().map(|path| is_ours(path, &given));
        let environment = &sources.environment;
        given.extend(variables(environment, LAKEFS_PREFIX)?);
        let by_lakefs = DECISIVE.iter().any(|path| is_given_by_variable(&given, path));
        given.extend(variables(environment, OUR_PREFIX)?);
        given.extend(flags(sources)?);
        let mut configuration = Self {
            given,
            file,
            is_existing: file_is_ours.map_or(by_lakefs, |ours| !ours),
            home: lookup::home(environment),
            notes: unknown_variables(environment),
        };
        configuration.refuse_what_cannot_be()?;
        configuration.note_ignored();
        if configuration.given.is_empty() {
            configuration.notes.extend(lookup::passed_over(environment));
        }
        Ok(configuration)
    }

    /// The file that was read.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Whether these are the settings of an existing installation of lakeFS: its defaults apply.
    pub(super) fn is_existing(&self) -> bool {
        self.is_existing
    }

    /// The home directory, for paths that begin with `~`.
    pub(super) fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    /// What an operator should be told at the start.
    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What is in effect of a setting that is known.
    pub(super) fn effective(&self, known: &Known) -> Effective {
        if let Some(given) = self.given.get(known.path) {
            return given.clone();
        }
        let (text, origin) = match known.lakefs_default {
            Some(text) if self.is_existing => (text, Origin::LakefsDefault),
            _ => (known.default, Origin::Default),
        };
        let value = Some(text).filter(|text| !text.is_empty());
        Effective { value: value.and_then(|text| Value::parse(known.kind, text).ok()), origin }
    }

    /// What was given, by name: in any source, but not as a default.
    pub(super) fn given(&self) -> &BTreeMap<String, Effective> {
        &self.given
    }

    fn refuse_what_cannot_be(&self) -> anyhow::Result<()> {
        for (path, Effective { value, origin }) in &self.given {
            let Some(known) = known::find(path) else { continue };
            let Fate::RefusedUnless(only) = known.fate else { continue };
            let wanted = value.as_ref().map(|value| value.json());
            let accepted = Value::parse(known.kind, only).ok().map(|value| value.json());
            if wanted != accepted {
                bail!("{path} cannot be what {origin} says: {}", known.meaning);
            }
        }
        Ok(())
    }

    fn note_ignored(&mut self) {
        let is_ignored =
            |path: &&String| known::find(path).is_some_and(|known| known.fate == Fate::Ignored);
        let ignored: Vec<&str> = self.given.keys().filter(is_ignored).map(String::as_str).collect();
        if !ignored.is_empty() {
            let names = ignored.join(", ");
            let advice = "`lakehold config show` says why";
            self.notes.push(format!(
                "these settings are accepted and decide nothing: {names} ({advice})"
            ));
        }
    }
}

fn read(path: &Path) -> anyhow::Result<Given> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("the settings in {} cannot be read", path.display()))?;
    file::read(&text).map_err(|problem| anyhow::anyhow!("{}: {problem}", path.display()))
}

/// Whether a file is written for us, and not the configuration of an existing installation.
fn is_ours(path: &Path, given: &BTreeMap<String, Effective>) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase());
    let is_known_as_ours = |path: &String| known::find(path).is_some_and(|known| known.ours);
    name.is_some_and(|name| name.starts_with(OUR_FILE)) || given.keys().any(is_known_as_ours)
}

fn is_given_by_variable(given: &BTreeMap<String, Effective>, path: &str) -> bool {
    given.get(path).is_some_and(|given| matches!(given.origin, Origin::Environment(_)))
}

/// What the variables that begin with `prefix` say. An empty one counts as none.
fn variables(
    environment: &BTreeMap<String, String>,
    prefix: &str,
) -> anyhow::Result<BTreeMap<String, Effective>> {
    let mut given = BTreeMap::new();
    for known in known::all().filter(|known| is_variable(known, prefix)) {
        let short = known.short.filter(|_| prefix == OUR_PREFIX).map(str::to_owned);
        let names = [Some(known.variable(prefix)), short];
        let set: Vec<(String, &String)> = names
            .into_iter()
            .flatten()
            .filter_map(|name| environment.get(&name).map(|text| (name, text)))
            .filter(|(_, text)| !text.is_empty())
            .collect();
        if let [(one, first), (other, second)] = &set[..]
            && first != second
        {
            bail!("{one} and {other} name the same setting and differ: set one of them");
        }
        let Some((name, text)) = set.into_iter().next() else { continue };
        let value = parse(known, text, &name)?;
        given.insert(
            known.path.to_owned(),
            Effective { value: Some(value), origin: Origin::Environment(name) },
        );
    }
    Ok(given)
}

fn is_variable(known: &Known, prefix: &str) -> bool {
    !known.is_pattern() && (prefix == OUR_PREFIX || !known.ours)
}

fn flags(sources: &Sources) -> anyhow::Result<BTreeMap<String, Effective>> {
    let mut given = BTreeMap::new();
    for (flag, path, text) in &sources.flags {
        let Some(known) = known::find(path) else { continue };
        let value = Some(parse(known, text, flag)?);
        given.insert((*path).to_owned(), Effective { value, origin: Origin::Flag(flag) });
    }
    Ok(given)
}

fn parse(known: &Known, text: &str, name: &str) -> anyhow::Result<Value> {
    Value::parse(known.kind, text).map_err(|_| anyhow::anyhow!("{name}: {}", known.refusal(text)))
}

/// Says which variables nobody reads though they are nearly those of a setting. Others may be there
/// for other programs.
fn unknown_variables(environment: &BTreeMap<String, String>) -> Vec<String> {
    let mut names: Vec<String> = vec![lookup::VARIABLE.to_owned()];
    for prefix in [OUR_PREFIX, LAKEFS_PREFIX] {
        let known = known::all().filter(|known| is_variable(known, prefix));
        names.extend(known.map(|known| known.variable(prefix)));
    }
    names.extend(known::all().filter_map(|known| known.short).map(str::to_owned));
    let is_ours = |name: &&String| name.starts_with(OUR_PREFIX) || name.starts_with(LAKEFS_PREFIX);
    let unknown = environment.keys().filter(is_ours).filter(|name| !names.contains(name));
    let said = unknown.filter_map(|name| {
        let near = nearest::nearest(name, names.iter().map(String::as_str))?;
        Some(format!("nothing reads the environment variable {name}: is {near} meant?"))
    });
    said.collect()
}
