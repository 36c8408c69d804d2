//! What of `server.yaml` a request asks for.

use crate::config::Config;
use vigo_core::server::{CheckInSettings, Trusted};
use vigo_core::time::Duration;

/// What of `server.yaml` a request asks for.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How often envoys come.
    pub check_in: CheckInSettings,
    /// Names that need no token, of the file; those of the database are beside them.
    pub trusted: Vec<Trusted>,
    /// Where agents find the fleet's servers: `host:port`.
    pub servers: Vec<String>,
}

/// Time until an envoy comes again whose class is not known yet.
const SOON: Duration = Duration::from_secs(5);

impl Settings {
    /// Returns the settings of a configuration. `servers` is where agents find this server, unless `advertise` says
    /// otherwise.
    pub fn of(config: &Config, servers: Vec<String>) -> Self {
        let interval = config.checkin.interval.0;
        let (splay, observe_only) = (config.checkin.splay.of(interval), config.checkin.observe_only);
        let trusted =
            |t: &crate::config::Trusted| Trusted { pattern: t.match_glob.clone(), from: t.from, until: t.until };
        let advertised = &config.server.advertise;
        Self {
            check_in: CheckInSettings { interval, splay, observe_only, soon: SOON.min(interval) },
            trusted: config.enrollment.trusted.iter().map(trusted).collect(),
            servers: if advertised.is_empty() { servers } else { advertised.clone() },
        }
    }
}
