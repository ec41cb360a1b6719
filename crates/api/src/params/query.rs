//! Parameters in the query.

use std::borrow::Cow;

use chrono::DateTime;
use lakehold_catalog::RefExpr;
use lakehold_catalog::Timestamp;
use serde_json::Value;
use serde_json::json;
use utoipa::openapi::ArrayBuilder;
use utoipa::openapi::KnownFormat;
use utoipa::openapi::ObjectBuilder;
use utoipa::openapi::SchemaFormat;
use utoipa::openapi::path::Parameter;
use utoipa::openapi::schema::Type;

use super::Source;
use super::Spec;
use super::problem::described;
use super::problem::invalid;
use super::spec::About;
use super::spec::allowing_empty;
use super::spec::text;
use crate::error::ApiError;
use crate::error::context::argument;

/// How many items a page has if the request does not say, and the most it can have.
const DEFAULT_AMOUNT: usize = 100;
const MAX_AMOUNT: i64 = 1000;

fn wrong(about: &About, reason: &str) -> ApiError {
    invalid(about.name, "query", reason)
}

/// The value of a parameter that must not be empty.
fn filled<'a>(source: &Source<'a>, about: &About) -> Result<Option<Cow<'a, str>>, ApiError> {
    match source.query(about.name)? {
        Some(value) if value.is_empty() => Err(wrong(about, "empty value is not allowed")),
        found => Ok(found),
    }
}

/// A text that must be there.
#[derive(Debug)]
pub(crate) struct Needed(About);

impl Spec for Needed {
    type Value = String;

    fn read(&self, source: &Source<'_>) -> Result<String, ApiError> {
        let missing = || wrong(&self.0, "value is required but missing");
        filled(source, &self.0)?.map(Cow::into_owned).ok_or_else(missing)
    }

    fn document(&self) -> Parameter {
        self.0.in_query(true, text())
    }
}

/// A reference that must be there.
#[derive(Debug)]
pub(crate) struct NeededRef(Needed);

impl Spec for NeededRef {
    type Value = RefExpr;

    fn read(&self, source: &Source<'_>) -> Result<RefExpr, ApiError> {
        RefExpr::parse(&self.0.read(source)?).map_err(argument(self.0.0.name))
    }

    fn document(&self) -> Parameter {
        self.0.document()
    }
}

/// A text that may be there, but not empty.
#[derive(Debug)]
pub(crate) struct Maybe(About);

impl Spec for Maybe {
    type Value = Option<String>;

    fn read(&self, source: &Source<'_>) -> Result<Option<String>, ApiError> {
        Ok(filled(source, &self.0)?.map(Cow::into_owned))
    }

    fn document(&self) -> Parameter {
        self.0.in_query(false, text())
    }
}

/// A text that may be absent or empty, which is the same.
#[derive(Debug)]
pub(crate) struct Lenient(About);

impl Spec for Lenient {
    type Value = String;

    fn read(&self, source: &Source<'_>) -> Result<String, ApiError> {
        Ok(source.query(self.0.name)?.map(Cow::into_owned).unwrap_or_default())
    }

    fn document(&self) -> Parameter {
        allowing_empty(self.0.in_query(false, text()))
    }
}

/// A reference that may be absent or empty, which is the same.
#[derive(Debug)]
pub(crate) struct LenientRef(Lenient);

impl Spec for LenientRef {
    type Value = Option<RefExpr>;

    fn read(&self, source: &Source<'_>) -> Result<Option<RefExpr>, ApiError> {
        let value = self.0.read(source)?;
        let given = Some(value).filter(|value| !value.is_empty());
        given.map(|value| RefExpr::parse(&value)).transpose().map_err(argument(self.0.0.name))
    }

    fn document(&self) -> Parameter {
        self.0.document()
    }
}

/// The moment in RFC 3339 that may be absent or empty, which is the same.
#[derive(Debug)]
pub(crate) struct LenientMoment(About);

impl Spec for LenientMoment {
    type Value = Option<Timestamp>;

    fn read(&self, source: &Source<'_>) -> Result<Option<Timestamp>, ApiError> {
        let value = source.query(self.0.name)?.unwrap_or_default();
        if value.is_empty() {
            return Ok(None);
        }
        let parsed = DateTime::parse_from_rfc3339(&value);
        let moment = parsed.map_err(|_| {
            let reason = "string doesn't match the format \"date-time\"";
            wrong(&self.0, &format!("{reason}: {value:?} is not as 2006-01-02T15:04:05Z"))
        })?;
        // A leap second counts as the last nanosecond of the second before.
        let nanos = moment.timestamp_subsec_nanos().min(999_999_999);
        Ok(Some(Timestamp { seconds: moment.timestamp(), nanos }))
    }

    fn document(&self) -> Parameter {
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .build();
        allowing_empty(self.0.in_query(false, schema))
    }
}

/// Any number of texts, each in a parameter of its own.
#[derive(Debug)]
pub(crate) struct Many(About);

impl Spec for Many {
    type Value = Vec<String>;

    fn read(&self, source: &Source<'_>) -> Result<Vec<String>, ApiError> {
        let values = source.query_all(self.0.name)?;
        match values.iter().any(String::is_empty) {
            true => Err(wrong(&self.0, "empty value is not allowed")),
            false => Ok(values),
        }
    }

    fn document(&self) -> Parameter {
        self.0.in_query(false, ArrayBuilder::new().items(text()).build())
    }
}

/// Yes or no.
#[derive(Debug)]
pub(crate) struct Flag {
    about: About,
    default: bool,
    /// The contract names a default for most flags, not for all.
    is_default_documented: bool,
}

impl Flag {
    const fn new(name: &'static str, description: &'static str, default: bool) -> Self {
        Self { about: About { name, description }, default, is_default_documented: true }
    }

    const fn undocumented(name: &'static str, description: &'static str) -> Self {
        let about = About { name, description };
        Self { about, default: false, is_default_documented: false }
    }
}

impl Spec for Flag {
    type Value = bool;

    fn read(&self, source: &Source<'_>) -> Result<bool, ApiError> {
        let Some(value) = filled(source, &self.about)? else { return Ok(self.default) };
        match &*value {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
            "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
            other => Err(wrong(
                &self.about,
                &format!("value {other}: an invalid boolean: invalid syntax"),
            )),
        }
    }

    fn document(&self) -> Parameter {
        let default = self.is_default_documented.then(|| json!(self.default));
        let schema = ObjectBuilder::new().schema_type(Type::Boolean).default(default).build();
        self.about.in_query(false, schema)
    }
}

/// A number that may be there.
#[derive(Debug)]
pub(crate) struct Number(About);

impl Spec for Number {
    type Value = Option<i64>;

    fn read(&self, source: &Source<'_>) -> Result<Option<i64>, ApiError> {
        let Some(value) = filled(source, &self.0)? else { return Ok(None) };
        let no_number =
            |_| wrong(&self.0, &format!("value {value}: an invalid integer: invalid syntax"));
        value.parse().map(Some).map_err(no_number)
    }

    fn document(&self) -> Parameter {
        self.0.in_query(false, ObjectBuilder::new().schema_type(Type::Integer).build())
    }
}

/// How many items are wanted.
#[derive(Debug)]
pub(crate) struct Amount;

const AMOUNT_ABOUT: About = About { name: "amount", description: "how many items to return" };

impl Spec for Amount {
    type Value = usize;

    fn read(&self, source: &Source<'_>) -> Result<usize, ApiError> {
        let Some(value) = filled(source, &AMOUNT_ABOUT)? else { return Ok(DEFAULT_AMOUNT) };
        let Ok(amount) = value.parse::<i64>() else {
            let reason = format!("value {value}: an invalid integer: invalid syntax");
            return Err(wrong(&AMOUNT_ABOUT, &reason));
        };
        match amount {
            ..-1 => Err(out_of_bounds("number must be at least -1", amount)),
            -1 | 0 => Ok(DEFAULT_AMOUNT),
            1..=MAX_AMOUNT => Ok(usize::try_from(amount).unwrap_or(DEFAULT_AMOUNT)),
            _ => Err(out_of_bounds("number must be at most 1000", amount)),
        }
    }

    fn document(&self) -> Parameter {
        let schema = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(-1))
            .maximum(Some(1000))
            .default(Some(json!(DEFAULT_AMOUNT)))
            .build();
        AMOUNT_ABOUT.in_query(false, schema)
    }
}

fn out_of_bounds(reason: &str, amount: i64) -> ApiError {
    let schema = json!({"type": "integer", "minimum": -1, "maximum": 1000, "default": 100});
    wrong(&AMOUNT_ABOUT, &described(reason, &schema, &json!(amount)))
}

/// One of a few words; absent, it is the last.
#[derive(Debug)]
pub(crate) struct Choice<T: 'static> {
    about: About,
    words: &'static [(&'static str, T)],
    default: (&'static str, T),
}

impl<T: Copy> Choice<T> {
    pub(crate) const fn new(
        name: &'static str,
        words: &'static [(&'static str, T)],
        default: (&'static str, T),
    ) -> Self {
        Self { about: About { name, description: "" }, words, default }
    }

    fn allowed(&self) -> Vec<Value> {
        self.words.iter().map(|(word, _)| json!(word)).collect()
    }
}

impl<T: Copy> Spec for Choice<T> {
    type Value = T;

    fn read(&self, source: &Source<'_>) -> Result<T, ApiError> {
        let Some(value) = filled(source, &self.about)? else { return Ok(self.default.1) };
        if let Some((_, chosen)) = self.words.iter().find(|(word, _)| *word == value) {
            return Ok(*chosen);
        }
        let allowed = Value::from(self.allowed());
        let reason = format!("value is not one of the allowed values {allowed}");
        let schema = json!({"type": "string", "enum": allowed, "default": self.default.0});
        Err(wrong(&self.about, &described(&reason, &schema, &json!(value))))
    }

    fn document(&self) -> Parameter {
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(self.allowed()))
            .default(Some(json!(self.default.0)))
            .build();
        self.about.in_query(false, schema)
    }
}

const fn about(name: &'static str, description: &'static str) -> About {
    About { name, description }
}

pub(crate) const PREFIX: Lenient =
    Lenient(about("prefix", "return items prefixed with this value"));
pub(crate) const AFTER: Lenient = Lenient(about("after", "return items after this value"));
pub(crate) const AFTER_REF: LenientRef =
    LenientRef(Lenient(about("after", "return items after this value")));
pub(crate) const AMOUNT: Amount = Amount;
pub(crate) const BRANCH: Lenient = Lenient(about("branch", ""));
pub(crate) const COMMIT: Lenient = Lenient(about("commit", ""));
pub(crate) const IMPORT_ID: Needed = Needed(about("id", "Unique identifier of the import process"));
pub(crate) const DELIMITER: Lenient =
    Lenient(about("delimiter", "delimiter used to group common prefixes by"));
pub(crate) const SEARCH: Lenient =
    Lenient(about("search", "string for searching relevant entries"));
pub(crate) const PATH: Needed = Needed(about("path", "relative to the ref"));
pub(crate) const PARTS: Number =
    Number(about("parts", "number of presigned URL parts required to upload"));
pub(crate) const DEST_PATH: Needed =
    Needed(about("dest_path", "destination path relative to the branch"));
pub(crate) const STORAGE_CLASS: Maybe = Maybe(about(
    "storageClass",
    "Deprecated, this capability \
     will not be supported in future releases.",
));
pub(crate) const SOURCE_METARANGE: Maybe = Maybe(about(
    "source_metarange",
    "The source metarange to \
     commit. Branch must not have uncommitted changes.",
));
pub(crate) const REF: NeededRef =
    NeededRef(Needed(about("ref", "After reset, branch will point at this reference.")));
pub(crate) const STOP_AT: LenientRef = LenientRef(Lenient(about(
    "stop_at",
    "A reference to stop at. When used in combination with since \
     parameter, will stop at the first commit that meets any of the conditions.",
)));
pub(crate) const SINCE: LenientMoment = LenientMoment(about(
    "since",
    "Show commits more recent than \
     a specific date-time. In case used with stop_at parameter, will stop at the first commit that \
     meets any of the conditions.",
));
pub(crate) const OBJECTS: Many =
    Many(about("objects", "list of paths, each element is a path of a specific object"));
pub(crate) const PREFIXES: Many =
    Many(about("prefixes", "list of paths, each element is a path of a prefix"));
pub(crate) const LIMIT: Flag = Flag::undocumented(
    "limit",
    "limit the number of items in return to \
     'amount'. Without further indication on actual number of items.",
);
pub(crate) const FIRST_PARENT: Flag = Flag::undocumented(
    "first_parent",
    "if set to true, follow only \
     the first parent upon reaching a merge commit",
);
pub(crate) const PRESIGN: Flag = Flag::undocumented("presign", "");
pub(crate) const USER_METADATA: Flag = Flag::new("user_metadata", "", true);
pub(crate) const FORCE: Flag = Flag::new("force", "", false);
/// `force` of deleteTag, which the contract gives no default.
pub(crate) const FORCE_TAG: Flag = Flag::undocumented("force", "");
pub(crate) const BARE: Flag = Flag::new(
    "bare",
    "If true, create a bare repository with no initial \
     commit and branch",
    false,
);
pub(crate) const SHOW_HIDDEN: Flag = Flag::new(
    "show_hidden",
    "When set - list all branches including hidden branches. *EXPERIMENTAL*",
    false,
);
pub(crate) const NO_TOMBSTONE: Flag =
    Flag::new("no_tombstone", "delete entry without tombstone when possible *EXPERIMENTAL*", false);
pub(crate) const INCLUDE_RIGHT_STATS: Flag = Flag::new(
    "include_right_stats",
    "If set to true, the \
     diff will include right-side object stats. *EXPERIMENTAL*",
    false,
);
