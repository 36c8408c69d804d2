//! Which service manager is in charge.

use super::{OpenRc, Runit, SysV, Systemd, Units};
use alloc::format;
use vigo_core::host::{Adapter, Family, HostFacts, Init, Problem};
use vigo_core::resource::service::Service;

/// Returns the adapter of the service manager in charge.
pub(crate) fn select(facts: &HostFacts) -> Result<&'static dyn Adapter<Service>, Problem> {
    match in_charge(facts) {
        Init::Systemd => Ok(&Systemd),
        Init::OpenRc => Ok(&OpenRc),
        Init::SysV => Ok(&SysV),
        Init::Runit => Ok(&Runit),
        _ => {
            let message = format!("type `service` needs a service manager in charge, found none on {}", facts.distro);
            Err(Problem::unsupported(message))
        }
    }
}

/// Returns the adapter of unit and drop-in files.
pub(crate) fn select_units<F: Family>(type_name: &str, facts: &HostFacts) -> Result<&'static dyn Adapter<F>, Problem>
where
    Units: Adapter<F>,
{
    match in_charge(facts) {
        Init::Systemd => Ok(&Units),
        _ => Err(Problem::unsupported(format!("type `{type_name}` needs systemd in charge on {}", facts.distro))),
    }
}

/// Returns what manages services here. What does not run in an image cannot be seen running: it is taken for systemd,
/// unless this machine has another.
fn in_charge(facts: &HostFacts) -> Init {
    match (facts.init, &facts.image) {
        (Init::OpenRc | Init::SysV | Init::Runit, _) | (_, None) => facts.init,
        (_, Some(_)) => Init::Systemd,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::action::AbsPath;

    #[test]
    fn an_image_has_systemd_unless_the_machine_has_another() {
        let image = || Some(AbsPath::known("/mnt"));
        let cases = [
            (Init::Systemd, None, Init::Systemd),
            (Init::None, None, Init::None),
            (Init::None, image(), Init::Systemd),
            (Init::OpenRc, image(), Init::OpenRc),
            (Init::SysV, None, Init::SysV),
            (Init::Runit, None, Init::Runit),
            (Init::Runit, image(), Init::Runit),
        ];
        for (init, image, expected) in cases {
            let facts = HostFacts { init, image, ..HostFacts::default() };
            assert_eq!(in_charge(&facts), expected, "{init:?}");
            assert_eq!(select(&facts).is_ok(), expected != Init::None, "{init:?}");
            let units = select_units::<vigo_core::resource::systemd_unit::SystemdUnit>("systemd_unit", &facts);
            assert_eq!(units.is_ok(), expected == Init::Systemd, "{init:?}");
        }
    }
}
