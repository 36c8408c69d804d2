//! A server in the place of one of which nothing is left but its recovery kit.

use super::run::{RunError, hostname};
use super::server::now;
use crate::config;
use crate::data_dir::{DataDir, Keys};
use crate::store::make;
use std::path::Path;

/// Makes the keys of a server in `data_dir`, which has nothing of one yet, for the fleet of the recovery kit in the file
/// `kit`. Returns what to tell the administrator.
///
/// # Errors
/// [`RunError::DataDir`], [`RunError::Config`], before anything has changed; [`RunError::Store`].
pub fn init(data_dir: &Path, kit: &Path) -> Result<String, RunError> {
    let dir = DataDir::open(data_dir)?;
    let config = config::load(&dir.config())?;
    let hosts = config.server.certificate_hosts(&hostname());
    let database = dir.resolve(&config.database.path);
    let keys = Keys::make_for(&dir, &database, kit, &hosts, now())?;
    // By itself no server takes an empty one for that of a fleet. Killed before this, the start says what to do.
    make(&database, now())?;
    let (fleet, version) = (keys.keyset.fleet(), keys.keyset.version);
    let mut text = format!(
        "`{}` has new keys for fleet {fleet}, in version {version} of its key set. Start vigosrv there, and give it a policy; \
         until then the machines keep theirs.\nThey believe it by themselves, and ask to be enrolled anew: a trusted \
         pattern lets them in.",
        data_dir.display()
    );
    if keys.keyset.cas.len() > 1 {
        text.push_str(
            " Those that wait: `vigocli envoys list --waiting`; `vigocli envoys rebootstrap --all` lets them in.",
        );
    }
    text.push_str("\nWho was revoked before is not known any more: look at the names before you let anybody in.");
    Ok(text)
}
