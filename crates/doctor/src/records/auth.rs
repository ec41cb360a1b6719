//! Users and who may do what. What is secret is declared as bytes and never shown.

use std::collections::BTreeMap;

use bytes::Bytes;
use lakehold_kv::TimestampMessage;
use prost::Message;

known! {
    UserData: 1 2 3 4 5 6 7;
    GroupData: 1 2 3;
    PolicyData: 1 2 3 4;
    CredentialData: 1 2 3 4;
    TokenData: 1 2;
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct UserData {
    #[prost(message, optional, tag = "1")]
    pub(crate) created_at: Option<TimestampMessage>,
    #[prost(string, tag = "2")]
    pub(crate) username: String,
    #[prost(string, tag = "3")]
    pub(crate) friendly_name: String,
    #[prost(string, tag = "4")]
    pub(crate) email: String,
    #[prost(bytes = "bytes", tag = "5")]
    pub(crate) encrypted_password: Bytes,
    #[prost(string, tag = "6")]
    pub(crate) source: String,
    #[prost(string, tag = "7")]
    pub(crate) external_id: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct GroupData {
    #[prost(message, optional, tag = "1")]
    pub(crate) created_at: Option<TimestampMessage>,
    #[prost(string, tag = "2")]
    pub(crate) display_name: String,
    #[prost(string, tag = "3")]
    pub(crate) description: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct PolicyData {
    #[prost(message, optional, tag = "1")]
    pub(crate) created_at: Option<TimestampMessage>,
    #[prost(string, tag = "2")]
    pub(crate) display_name: String,
    #[prost(message, repeated, tag = "3")]
    pub(crate) statement: Vec<StatementData>,
    #[prost(message, optional, tag = "4")]
    pub(crate) acl: Option<AclData>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct StatementData {
    #[prost(string, tag = "1")]
    pub(crate) effect: String,
    #[prost(string, repeated, tag = "2")]
    pub(crate) action: Vec<String>,
    #[prost(string, tag = "3")]
    pub(crate) resource: String,
    #[prost(btree_map = "string, message", tag = "4")]
    pub(crate) condition: BTreeMap<String, ConditionOperator>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ConditionOperator {
    #[prost(btree_map = "string, message", tag = "1")]
    pub(crate) fields: BTreeMap<String, StringList>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct StringList {
    #[prost(string, repeated, tag = "1")]
    pub(crate) values: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AclData {
    #[prost(string, tag = "1")]
    pub(crate) permission: String,
    #[prost(bool, tag = "2")]
    pub(crate) all_repositories: bool,
    #[prost(string, repeated, tag = "3")]
    pub(crate) repositories: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct CredentialData {
    #[prost(string, tag = "1")]
    pub(crate) access_key_id: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) sealed_secret: Bytes,
    #[prost(message, optional, tag = "3")]
    pub(crate) issued_date: Option<TimestampMessage>,
    #[prost(bytes = "bytes", tag = "4")]
    pub(crate) user_id: Bytes,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct TokenData {
    #[prost(string, tag = "1")]
    pub(crate) token_id: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) expired_at: Option<TimestampMessage>,
}
