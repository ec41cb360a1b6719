//! What operations ask for: an action on a resource, by the names that policies use.

use std::fmt::Display;

use lakehold_auth::Permission;
use lakehold_catalog::RepositoryId;

/// `action` on a repository.
pub(crate) fn on_repository(action: &'static str, repository: &RepositoryId) -> Permission {
    Permission { action, resource: format!("arn:lakefs:fs:::repository/{repository}") }
}

/// `action` on a branch. The log of any reference asks for its text in place of a branch.
pub(crate) fn on_branch(
    action: &'static str,
    repository: &RepositoryId,
    branch: impl Display,
) -> Permission {
    let resource = format!("arn:lakefs:fs:::repository/{repository}/branch/{branch}");
    Permission { action, resource }
}

/// `action` on a tag.
pub(crate) fn on_tag(
    action: &'static str,
    repository: &RepositoryId,
    tag: impl Display,
) -> Permission {
    Permission { action, resource: format!("arn:lakefs:fs:::repository/{repository}/tag/{tag}") }
}

/// `action` on an object, whatever reference it is seen from.
pub(crate) fn on_object(action: &'static str, repository: &RepositoryId, path: &str) -> Permission {
    let resource = format!("arn:lakefs:fs:::repository/{repository}/object/{path}");
    Permission { action, resource }
}

/// `action` on a storage namespace.
pub(crate) fn on_namespace(action: &'static str, namespace: &str) -> Permission {
    Permission { action, resource: format!("arn:lakefs:fs:::namespace/{namespace}") }
}

/// `action` on a user.
pub(crate) fn on_user(action: &'static str, user: &str) -> Permission {
    Permission { action, resource: format!("arn:lakefs:auth:::user/{user}") }
}

/// `action` on the installation.
pub(crate) fn on_everything(action: &'static str) -> Permission {
    Permission { action, resource: "*".to_owned() }
}
