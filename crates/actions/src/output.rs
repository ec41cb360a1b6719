//! What a hook said while it ran.

use bytes::Bytes;

use lakehold_block::Address;
use lakehold_block::Body;
use lakehold_catalog::CatalogError;
use lakehold_engine::RepositoryId;

use crate::Actions;
use crate::HookStatus;
use crate::error::Result;

/// Folder of outputs below a repository's namespace.
const LOGS: &str = "_lakefs/actions/log";

impl Actions {
    /// Returns the output of a hook; empty if the hook did not run.
    ///
    /// Fails with [`ActionsError::HookRunNotFound`](crate::ActionsError::HookRunNotFound), and with the
    /// catalog's `DataMissing` where the output is gone, as that of a run in an earlier repository of
    /// the same name is.
    pub async fn hook_output(
        &self,
        repository: &RepositoryId,
        run: &str,
        hook_run: &str,
    ) -> Result<Body> {
        let repository = self.repository(repository).await?;
        let hook = self.hook_run(&repository.id, run, hook_run).await?;
        if hook.status == HookStatus::Skipped {
            return Ok(Bytes::new().into());
        }
        let name = format!("{LOGS}/{run}/{hook_run}.log");
        let address = Address::relative(&repository.storage_namespace, name);
        Ok(self.blocks.get(&address, None).await.map_err(CatalogError::from)?)
    }
}
