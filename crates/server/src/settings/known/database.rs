//! Settings of the key-value store (`database`).

use super::Kind::Any;
use super::Kind::Choice;
use super::Kind::Duration;
use super::Kind::Flag;
use super::Kind::Integer;
use super::Kind::Number;
use super::Kind::Path;
use super::Kind::Text;
use super::Known;

const NO_DYNAMODB: &str = "DynamoDB is not supported yet";
const NO_COSMOSDB: &str = "CosmosDB is not supported yet";
const NO_REDIS: &str = "Redis is not supported";

pub(super) const SETTINGS: &[Known] = &[
    Known::used(
        "database.type",
        Choice(&["local", "postgres", "mem"]),
        "local",
        "where records are kept: in one folder, for one server; in PostgreSQL, which several servers \
         share; in memory, for tests",
    ),
    Known::refused_unless("database.drop_tables", Flag, "false", "no table is ever dropped"),
    Known::used(
        "database.local.path",
        Path,
        "",
        "the folder of the embedded store (DATA_DIR/kv). A store of lakeFS that lies there is copied at \
         the first start, to PATH.lakehold beside it, and stays as it is",
    )
    .in_lakefs("~/lakefs/metadata"),
    Known::ignored("database.local.sync_writes", Flag, "every write is synced"),
    Known::ignored("database.local.prefetch_size", Integer, "the embedded store has no such thing"),
    Known::ignored("database.local.enable_logging", Flag, "the store logs what everything logs"),
    Known::used(
        "database.postgres.connection_string",
        Text,
        "",
        "the database, as `postgres://user:secret@host:5432/name?sslmode=verify-full` or `key=value` pairs",
    )
    .secret(),
    Known::used(
        "database.postgres.max_open_connections",
        Integer,
        "12",
        "how many connections one server may have, at least 2",
    ),
    Known::used(
        "database.postgres.max_idle_connections",
        Integer,
        "12",
        "how many of them stay open while nothing happens",
    ),
    Known::used(
        "database.postgres.connection_max_lifetime",
        Duration,
        "5m",
        "an older connection is replaced before its next use; 0 for no limit",
    ),
    Known::used(
        "database.postgres.scan_page_size",
        Integer,
        "0",
        "how many records one statement fetches at most; 0 for 1,000",
    ),
    Known::ignored("database.postgres.metrics", Flag, "the metrics of the server are always there"),
    Known::used(
        "database.postgres.connect_timeout",
        Duration,
        "10s",
        "how long one host may take to accept a connection and log in; 0 for no limit",
    )
    .ours(),
    Known::used(
        "database.postgres.connection_wait",
        Duration,
        "30s",
        "how long a request waits for a free connection; 0 for no limit",
    )
    .ours(),
    Known::used(
        "database.postgres.statement_timeout",
        Duration,
        "30s",
        "how long the database may work on one statement; 0 for no limit",
    )
    .ours(),
    Known::used(
        "database.postgres.prepared_statements",
        Flag,
        "true",
        "false where a pooler hands out connections per transaction",
    )
    .ours(),
    Known::ignored("database.dynamodb.table_name", Text, NO_DYNAMODB),
    Known::ignored("database.dynamodb.scan_limit", Integer, NO_DYNAMODB),
    Known::ignored("database.dynamodb.max_attempts", Integer, NO_DYNAMODB),
    Known::ignored("database.dynamodb.max_connections", Integer, NO_DYNAMODB),
    Known::ignored("database.dynamodb.endpoint", Text, NO_DYNAMODB),
    Known::ignored("database.dynamodb.aws_region", Text, NO_DYNAMODB),
    Known::ignored("database.dynamodb.aws_profile", Text, NO_DYNAMODB),
    Known::ignored("database.dynamodb.aws_access_key_id", Text, NO_DYNAMODB),
    Known::ignored("database.dynamodb.aws_secret_access_key", Text, NO_DYNAMODB).secret(),
    Known::ignored("database.dynamodb.health_check_interval", Duration, NO_DYNAMODB),
    Known::ignored("database.dynamodb.credentials_cache_expiry_window", Duration, NO_DYNAMODB),
    Known::ignored(
        "database.dynamodb.credentials_cache_expiry_window_jitter_fraction",
        Number,
        NO_DYNAMODB,
    ),
    Known::ignored("database.cosmosdb.key", Text, NO_COSMOSDB).secret(),
    Known::ignored("database.cosmosdb.endpoint", Text, NO_COSMOSDB),
    Known::ignored("database.cosmosdb.database", Text, NO_COSMOSDB),
    Known::ignored("database.cosmosdb.container", Text, NO_COSMOSDB),
    Known::ignored("database.cosmosdb.throughput", Integer, NO_COSMOSDB),
    Known::ignored("database.cosmosdb.autoscale", Flag, NO_COSMOSDB),
    Known::ignored("database.redis.*", Any, NO_REDIS).secret(),
];
