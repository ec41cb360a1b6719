//! Upload past the server: give out an address, later link what was stored there.
//!
//! ```text
//! client ── link_address ──► data/<partition>/<xid>,<signature>     nothing is remembered
//!        ── stores the bytes there by itself, at a URL from presign_link where the store gives out any
//!        ── link ──► signature for this repository, branch and path? at most 24 hours old? ──► staged
//! ```
//!
//! Linking an address outside the namespace's `data/` is staging it: no signature is asked for. So it
//! is for an address in the form that a local store shows, the absolute path of a file: the real
//! server takes it as it comes, and whoever may link may stage the same address anyway. Linking twice
//! is accepted.

use std::time::Duration;

use lakehold_block::Address;
use lakehold_block::PresignedUrl;
use lakehold_clock::Xid;
use lakehold_engine::BranchId;
use lakehold_engine::EngineError;
use lakehold_engine::Repository;
use lakehold_engine::RepositoryId;

use super::address::is_data;
use super::address::parse_shown;
use super::check_path;
use super::signature;
use super::signature::Signed;
use super::stage::Staged;
use crate::Catalog;
use crate::CatalogError;
use crate::LinkProblem;
use crate::Object;
use crate::Result;

/// How long a link address can be linked, in seconds.
const LINK_AGE_SECONDS: i64 = 24 * 60 * 60;

/// An address to upload to, and to link afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkAddress {
    /// Complete URI, as clients see it.
    pub physical_address: String,
    /// The same, for the block store.
    pub address: Address,
}

impl Catalog {
    /// A signed address to upload to (getPhysicalAddress). Whether the branch exists is asked only
    /// when it is linked.
    pub async fn link_address(
        &self,
        repository: &RepositoryId,
        branch: &BranchId,
        path: &str,
    ) -> Result<LinkAddress> {
        check_path(path)?;
        let repository = self.repository(repository).await?;
        Ok(self.link_address_in(&repository, branch, path))
    }

    /// [`Catalog::link_address`] in a repository already looked up.
    pub(super) fn link_address_in(
        &self,
        repository: &Repository,
        branch: &BranchId,
        path: &str,
    ) -> LinkAddress {
        let unsigned = self.fresh_name();
        let name = self.signer().sign(&signed(repository, branch, path, &unsigned));
        let address = Address::relative(&repository.storage_namespace, name);
        LinkAddress { physical_address: self.blocks().physical_address(&address), address }
    }

    /// A URL to which a client may send the bytes for a link address itself until `ttl` has passed;
    /// `None` where the block store gives out none.
    pub async fn presign_link(
        &self,
        link: &LinkAddress,
        ttl: Duration,
    ) -> Result<Option<PresignedUrl>> {
        Ok(self.blocks().presign_put(&link.address, ttl).await?)
    }

    /// Stages what was uploaded to a signed address (linkPhysicalAddress).
    ///
    /// Quotes and blanks around the checksum are dropped; an empty one is the engine's
    /// `InvalidArgument`. The object returned shows the physical address as it was given.
    pub async fn link(
        &self,
        repository: &RepositoryId,
        branch: &BranchId,
        mut staged: Staged,
    ) -> Result<Object> {
        check_path(&staged.path)?;
        staged.checksum = clean_checksum(&staged.checksum)?;
        let repository = self.repository(repository).await?;
        let given = staged.physical_address.clone();
        let at = parse_shown(self.blocks(), &repository.storage_namespace, &given)?;
        if let Address::Relative { name, .. } = &at
            && is_data(name)
            && given.starts_with(repository.storage_namespace.as_str())
        {
            self.check_link(&repository, branch, &staged.path, &given, name)?;
        }
        let object = self.stage_at(&repository, branch, &at, staged).await?;
        Ok(Object { physical_address: given, ..object })
    }

    /// Checks that `name`, relative to the namespace and shown to clients as `physical`, was given out
    /// for `path` on `branch`, and not too long ago.
    pub(super) fn check_link(
        &self,
        repository: &Repository,
        branch: &BranchId,
        path: &str,
        physical: &str,
        name: &str,
    ) -> Result<()> {
        let invalid = |reason| CatalogError::InvalidLink { address: physical.to_owned(), reason };
        let (unsigned, signature) = signature::split(name).map_err(invalid)?;
        let signed = signed(repository, branch, path, unsigned);
        self.signer().check(&signed, signature).map_err(invalid)?;
        let made = seconds_of(unsigned).ok_or_else(|| invalid(LinkProblem::Malformed))?;
        if self.runtime().now().seconds - made > LINK_AGE_SECONDS {
            return Err(CatalogError::LinkExpired(physical.to_owned()));
        }
        Ok(())
    }
}

fn signed<'a>(
    repository: &'a Repository,
    branch: &'a BranchId,
    path: &'a str,
    name: &'a str,
) -> Signed<'a> {
    let repository = repository.id.as_str();
    Signed { repository, branch: branch.as_str(), path, physical_address: name }
}

/// When a name was given out, in seconds since 1970.
fn seconds_of(name: &str) -> Option<i64> {
    let id = name.rsplit('/').next()?;
    Some(i64::from(Xid::parse(id).ok()?.seconds()))
}

fn clean_checksum(given: &str) -> Result<String> {
    let cleaned = given.trim_matches(|c: char| c == '"' || c.is_whitespace());
    if cleaned.is_empty() {
        let value = given.to_owned();
        return Err(EngineError::InvalidArgument { name: "checksum", value }.into());
    }
    Ok(cleaned.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_loses_quotes_and_blanks_and_must_not_be_empty() {
        assert_eq!(clean_checksum("\"abc\" ").expect("not empty"), "abc");
        assert_eq!(clean_checksum("a\"b").expect("not empty"), "a\"b");
        assert!(clean_checksum(" \"\"").is_err());
    }

    #[test]
    fn the_time_of_a_link_is_in_its_last_component() {
        let name = "data/g3rsqmo1081g01o00010/d5bjb981081g01o00010";
        assert_eq!(seconds_of(name), Some(1_767_323_045));
        assert_eq!(seconds_of("data/x"), None);
    }
}
