//! The administrator, key pairs, logins, and the installation as a whole.

use lakehold_auth::CommPrefs;
use lakehold_auth::Presented;
use lakehold_catalog::ErrorKind;
use lakehold_kv::Store as _;
use lakehold_kv::StoreExt as _;

use super::Again;
use super::KEY;
use super::Operation;
use super::Outcome;
use super::PLAIN;
use super::SECRET;
use super::Setup;
use super::done;
use super::listed;
use super::operations;
use super::refused;
use crate::every_fault::lake::Lake;
use crate::every_fault::lake::Stored;
use crate::every_fault::lake::at_once;

/// Where the administrator's records are, and where those of users of another kind are.
const ADMINISTRATOR: [(&str, &str); 2] = [
    ("users/superAdmin", "users/admin"),
    (
        "uCredentials/superAdmin/credentials/AKIAJTESTTESTTESTTEQ",
        "uCredentials/admin/credentials/AKIAJTESTTESTTESTTEQ",
    ),
];

pub(super) const OPERATIONS: &[Operation] = operations! {
    "set up", Again::Refused(ErrorKind::Conflict), from_nothing = true => |lake| {
        set_up(&lake).await
    };
    "set up once more", Again::Works => |lake| {
        refused(ErrorKind::Conflict, set_up(&lake).await)
    };
    "adopt a user", Again::Works, make = with_former_user => |lake| {
        done(lake.auth.adopt_user().await)
    };
    "list users", Again::Works => |lake| {
        listed(&lake.auth.users().await?, |user| user.id.clone())
    };
    "get user", Again::Works => |lake| Ok(lake.auth.get_user("admin").await?.id.clone());
    "get a user that is not there", Again::Works => |lake| {
        refused(ErrorKind::NotFound, lake.auth.get_user("nobody").await)
    };
    "get key pair", Again::Works => |lake| {
        Ok(lake.auth.access_key("admin", KEY).await?.access_key_id)
    };
    "make a key pair", Again::Refused(ErrorKind::Conflict), make = without_keys => |lake| {
        done(lake.auth.create_credentials("admin").await)
    };
    "delete user", Again::Refused(ErrorKind::NotFound), is_piecemeal = true => |lake| {
        done(lake.auth.delete_user("admin").await)
    };
    "log in", Again::Works => |lake| done(lake.auth.login(KEY, SECRET).await);
    "log in with a wrong secret", Again::Works => |lake| {
        refused(ErrorKind::Forbidden, lake.auth.login(KEY, "wrong").await)
    };
    "authenticate by key pair", Again::Works => |lake| {
        let header = crate::basic(KEY, SECRET);
        lake.authenticate(&header).await
    };
    "authenticate by token", Again::Works => |lake| {
        let session = lake.auth.login(KEY, SECRET).await?;
        lake.authenticate(&format!("Bearer {}", session.token)).await
    };
    "get installation id", Again::Works => |lake| done(lake.auth.installation_id().await);
    "check schema version", Again::Works => |lake| done(lake.auth.check_schema_version().await);
    "set preferences", Again::Refused(ErrorKind::Conflict) => |lake| {
        let prefs = CommPrefs { email: "me@example.com".to_owned(), ..CommPrefs::default() };
        done(lake.auth.set_comm_prefs(&prefs).await)
    };
};

impl Lake {
    async fn authenticate(&self, header: &str) -> Outcome {
        let presented = Presented { authorization: Some(header), ..Presented::default() };
        let user = self.auth.authenticate(&presented).await?;
        Ok(user.map(|user| user.id.clone()).unwrap_or_default())
    }
}

pub(super) async fn set_up(lake: &Lake) -> Outcome {
    let key = Some((KEY.to_owned(), SECRET.to_owned()));
    let setup = Setup { username: "admin".to_owned(), key, email: None };
    Ok(lake.auth.setup(setup).await?.access_key_id)
}

/// Removes the administrator's key pair.
fn without_keys(stored: Stored) -> Stored {
    let (key, _) = ADMINISTRATOR[1];
    at_once(stored.kv.delete("basicAuth".into(), key.into())).expect("deleted");
    stored
}

/// Makes the administrator a user of another kind.
fn with_former_user(stored: Stored) -> Stored {
    for (key, former) in ADMINISTRATOR {
        let found = at_once(stored.kv.get("basicAuth".into(), key.into())).expect("read");
        let value = found.expect("is there").value;
        at_once(stored.kv.set("auth".into(), former.into(), value)).expect("written");
        at_once(stored.kv.delete("basicAuth".into(), key.into())).expect("deleted");
    }
    stored
}
