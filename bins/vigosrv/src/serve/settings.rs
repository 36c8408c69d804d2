//! What of `server.yaml` a request asks for.

use crate::config::{self, Config, OnClone};
use vigo_core::server::{Budget, CheckInSettings, HoldSettings, Trusted};
use vigo_core::time::Duration;

/// What of `server.yaml` a request asks for.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How often envoys come.
    pub check_in: CheckInSettings,
    /// How many of them the server keeps up with.
    pub check_ins: Budget,
    /// Names that need no token, of the file; those of the database are beside them.
    pub trusted: Vec<Trusted>,
    /// Those that seem to run twice get no secrets.
    pub withhold_from_clones: bool,
}

/// Time until an envoy comes again whose class is not known yet.
const SOON: Duration = Duration::from_secs(5);

impl Settings {
    /// Returns the settings of a configuration, on a machine of this name.
    pub fn of(config: &Config, machine: &str) -> Self {
        let interval = config.checkin.interval.0;
        let (splay, observe_only) = (config.checkin.splay.of(interval), config.checkin.observe_only);
        let hold = HoldSettings {
            idle: config.checkin.hold_idle.0,
            below: config.checkin.hold_below.0,
            max: config.limits.held_connections as usize,
        };
        Self {
            check_in: CheckInSettings {
                interval,
                splay,
                observe_only,
                bundle_max_age: config.checkin.bundle_max_age.0,
                soon: SOON.min(interval),
                hold,
                servers: config.server.advertised(machine, config.server.agent_listen.port).into(),
            },
            check_ins: config.limits.check_ins(),
            trusted: config.enrollment.trusted.iter().map(config::Trusted::record).collect(),
            withhold_from_clones: config.enrollment.on_clone == OnClone::WithholdSecrets,
        }
    }
}
