//! What `lakehold config show` prints.

use serde_json::Map;
use serde_json::Value as Json;
use serde_json::json;

use super::Configuration;
use super::configuration::Effective;
use super::configuration::Origin;
use super::known;
use super::known::Fate;
use super::known::Known;

/// What stands for a secret.
const HIDDEN: &str = "[secret]";
/// Sections of drivers, each with the setting that chooses among them.
const DRIVERS: [(&str, &str); 2] =
    [("database", "database.type"), ("blockstore", "blockstore.type")];
/// What is in a driver's section of the table.
const DRIVER_NAMES: [&str; 3] = ["local", "postgres", "s3"];

/// In which form settings are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShowForm {
    /// A line for each: YAML that can be pasted into a file, with the origin as a comment.
    Text,
    /// One JSON object.
    Json,
}

/// One line.
struct Row<'a> {
    path: &'a str,
    value: Json,
    origin: Origin,
    /// Why it decides nothing.
    ignored: Option<&'a str>,
}

impl Configuration {
    /// The settings in effect and where each comes from, without secrets. Those of drivers that are
    /// not in use are left out unless they were given.
    pub fn show(&self, form: ShowForm) -> String {
        match form {
            ShowForm::Text => self.text_of(&self.rows()),
            ShowForm::Json => json_of(&self.rows()),
        }
    }

    fn rows(&self) -> Vec<Row<'_>> {
        let used = known::all().filter(|known| known.fate == Fate::Used && !known.is_pattern());
        let shown =
            used.filter(|known| self.given().contains_key(known.path) || self.is_in_use(known));
        let mut rows: Vec<Row<'_>> =
            shown.map(|known| row(known, known.path, self.effective(known))).collect();
        for (path, given) in self.given() {
            let decides_nothing = known::find(path).filter(|known| known.fate != Fate::Used);
            rows.extend(decides_nothing.map(|known| row(known, path, given.clone())));
        }
        rows
    }

    /// Whether it belongs to no driver, or to one that is in use.
    fn is_in_use(&self, known: &Known) -> bool {
        DRIVERS.iter().all(|(section, choice)| {
            let below = known.path.strip_prefix(section).and_then(|rest| rest.strip_prefix('.'));
            let driver = below.and_then(|rest| rest.split_once('.')).map(|(driver, _)| driver);
            match driver.filter(|driver| DRIVER_NAMES.contains(driver)) {
                Some(driver) => self.chosen(choice).as_deref() == Some(driver),
                None => true,
            }
        })
    }

    fn chosen(&self, choice: &str) -> Option<String> {
        let value = self.effective(known::find(choice)?).value?;
        value.json().as_str().map(str::to_owned)
    }

    fn text_of(&self, rows: &[Row<'_>]) -> String {
        let mut text = match self.file() {
            Some(file) => format!("# file: {}\n", file.display()),
            None => "# file: none\n".to_owned(),
        };
        if self.is_existing() {
            text += "# These are the settings of an installation of lakeFS: its defaults apply.\n";
        }
        for Row { path, value, origin, ignored } in rows {
            let line = format!("{path}: {value}");
            let origin = if value.is_null() { "not set".to_owned() } else { origin.to_string() };
            let note = ignored.map(|why| format!("; decides nothing: {why}")).unwrap_or_default();
            text += &format!("{line:<60}  # {origin}{note}\n");
        }
        text
    }
}

fn row<'a>(known: &Known, path: &'a str, effective: Effective) -> Row<'a> {
    let value = match effective.value {
        Some(_) if known.secret => HIDDEN.into(),
        Some(value) => value.json(),
        None => Json::Null,
    };
    let ignored = (known.fate == Fate::Ignored).then_some(known.meaning);
    Row { path, value, origin: effective.origin, ignored }
}

fn json_of(rows: &[Row<'_>]) -> String {
    let mut all = Map::new();
    for Row { path, value, origin, ignored } in rows {
        let (kind, place) = match origin {
            Origin::Default => ("default", None),
            Origin::LakefsDefault => ("lakefs-default", None),
            Origin::File(path) => ("file", Some(path.display().to_string())),
            Origin::Environment(name) => ("environment", Some(name.clone())),
            Origin::Flag(flag) => ("flag", Some((*flag).to_owned())),
        };
        let mut shown = json!({ "value": value, "origin": kind });
        if let Some(place) = place {
            shown["from"] = place.into();
        }
        if let Some(why) = ignored {
            shown["ignored"] = (*why).into();
        }
        all.insert((*path).to_owned(), shown);
    }
    format!("{:#}\n", Json::Object(all))
}
