//! Reports: on the disk before they are acknowledged.

use super::server::{Server, now};
use super::service::{Outcome, busy};
use vigo_core::id::EnvoyId;
use vigo_core::wire::message::{Refused, Report, ReportTaken};

impl Server {
    pub(super) async fn report(&self, id: EnvoyId, report: &Report, body: Vec<u8>) -> Outcome<ReportTaken> {
        let recorded = self.store.record(id, report, body, now()).await.map_err(|error| busy(&error))?;
        let Some(recorded) = recorded else {
            return Err(Refused { code: Refused::UNKNOWN.into(), message: "the envoy is not known".into() });
        };
        if recorded.is_doubled {
            let (seq, fleet) = (report.seq, self.fleet());
            let hostname = fleet.get(id).map(|envoy| &*envoy.hostname).unwrap_or_default();
            tracing::warn!("{hostname}: a report is thrown away, for another one came as run {seq} before");
        }
        // Only what the commit holds enters the memory.
        if let Some(status) = &recorded.status
            && let Some(envoy) = self.fleet_mut().get_mut(id)
        {
            envoy.last_run = Some(status.last_run());
        }
        Ok(ReportTaken { incarnation: report.incarnation, seq: recorded.seq })
    }
}
