//! What the driver tells the collectors.

use super::addresses::addresses;
use vigo_core::bundle::TraitsWanted;
use vigo_core::time::Timestamp;
use vigo_core::traits::Machine;

/// Looks at clock, kernel and interfaces, as far as the areas that are wanted need it.
pub(super) fn machine(wanted: &TraitsWanted) -> Machine {
    let now = now();
    let clock = wanted.has("time");
    let offset = || {
        let at = jiff::Timestamp::from_millisecond(now.epoch_ms()).ok()?;
        Some(jiff::tz::TimeZone::system().to_offset(at).seconds())
    };
    let network = wanted.has("network") || wanted.has("interfaces");
    Machine {
        now,
        utc_offset_secs: if clock { offset().unwrap_or(0) } else { 0 },
        ntp_synced: if clock { ntp_synced() } else { None },
        arch: rustix::system::uname().machine().to_string_lossy().into_owned(),
        version: env!("CARGO_PKG_VERSION"),
        addresses: if network { addresses() } else { Vec::new() },
        is_image: false,
    }
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_epoch_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Returns whether the kernel's clock follows others', adjtimex(2): it says so until nobody has told it for long.
fn ntp_synced() -> Option<bool> {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: all fields are numbers, for which zero is a value; no mode is set, so nothing is changed.
        let (state, status) = unsafe {
            let mut timex: libc::timex = std::mem::zeroed();
            (libc::adjtimex(&mut timex), timex.status)
        };
        (state >= 0).then_some(state != libc::TIME_ERROR && status & libc::STA_UNSYNC == 0)
    }
    #[cfg(not(target_os = "linux"))]
    None
}
