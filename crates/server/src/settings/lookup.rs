//! Which file is read.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;

use anyhow::bail;

use super::Sources;

/// Names the file, as `--config` does.
pub(super) const VARIABLE: &str = "LAKEHOLD_CONFIG";
const OUR_NAME: &str = "lakehold.yaml";

/// The file that was named, else the first there is of ours.
///
/// Fails where one is named that is not there.
pub(super) fn find(sources: &Sources) -> anyhow::Result<Option<PathBuf>> {
    let named =
        sources.environment.get(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    if let Some(path) = sources.config.clone().or(named) {
        if !path.is_file() {
            bail!("there is no file {}: see --config", path.display());
        }
        return Ok(Some(path));
    }
    Ok(our_places(&sources.environment).into_iter().find(|path| path.is_file()))
}

/// Where our file is searched for.
fn our_places(environment: &BTreeMap<String, String>) -> Vec<PathBuf> {
    let set = |name: &str| environment.get(name).filter(|path| !path.is_empty());
    let own = set("XDG_CONFIG_HOME").map(PathBuf::from);
    let own = own.or_else(|| home(environment).map(|home| home.join(".config")));
    let mut places = vec![PathBuf::from(OUR_NAME)];
    places.extend(own.map(|folder| folder.join("lakehold").join(OUR_NAME)));
    places.push(Path::new("/etc/lakehold").join(OUR_NAME));
    places
}

/// Names a configuration of lakeFS, for one who configured nothing. It is not read without being asked
/// for: whoever tries us out does not want to serve that installation.
pub(super) fn passed_over(environment: &BTreeMap<String, String>) -> Option<String> {
    let home = home(environment);
    let mut places = vec![PathBuf::from("/etc/lakefs/config.yaml")];
    places.extend(home.iter().map(|home| home.join(".lakefs/config.yaml")));
    places.extend(home.iter().map(|home| home.join(".lakefs.yaml")));
    let found = places.into_iter().find(|path| path.is_file())?;
    let shown = found.display();
    Some(format!(
        "{shown} configures an installation of lakeFS and is not read; --config {shown} serves it"
    ))
}

/// The home directory.
pub(super) fn home(environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    environment.get("HOME").filter(|path| !path.is_empty()).map(PathBuf::from)
}
