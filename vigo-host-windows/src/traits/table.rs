//! All collectors.

use super::{hardware, network, running, system};
use vigo_core::traits::Collector;

/// Returns the collectors of Windows.
pub fn collectors() -> &'static [Collector] {
    COLLECTORS
}

static COLLECTORS: &[Collector] = &[
    running::TIME,
    running::UPTIME,
    running::MEMORY,
    running::SWAP,
    running::AGENT_SELF,
    system::OS,
    system::INIT,
    system::REBOOT,
    hardware::HARDWARE,
    hardware::DMI,
    hardware::VIRTUALIZATION,
    network::NETWORK,
    network::INTERFACES,
];

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::action::{Effect, Outputs};
    use vigo_core::traits::{Found, Machine, areas};

    #[test]
    fn every_collector_has_an_area_and_only_reads() {
        for collector in collectors() {
            let area = areas().iter().find(|area| area.name == collector.area);
            assert!(area.is_some(), "{}", collector.area);
            assert_eq!(collectors().iter().filter(|c| c.area == collector.area).count(), 1, "{}", collector.area);
            for op in (collector.probe)(&Machine::default()) {
                assert_eq!(op.effect(), Effect::Reads, "{}: {op}", collector.area);
            }
        }
    }

    #[test]
    fn without_answers_nothing_panics() {
        for collector in collectors() {
            let seen = (collector.interpret)(&Machine::default(), &Outputs::default());
            assert!(!matches!(&seen, Ok(Found::Ask(ops)) if ops.is_empty()), "{}: {seen:?}", collector.area);
        }
    }
}
