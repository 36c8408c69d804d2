//! `hardware`, `dmi`, `virtualization`: what the machine is made of, or pretends to be.

use super::registry::{Key, query, single_spaced};
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{fields, int};
use vigo_core::traits::{Collector, Found, Machine, form};
use vigo_core::value::Value;

pub(super) const HARDWARE: Collector = Collector::slow("hardware", probe_hardware, hardware);
pub(super) const CPU: Collector = Collector::slow("cpu", probe_hardware, cpu);
pub(super) const DMI: Collector = Collector::slow("dmi", probe_bios, dmi);
pub(super) const VIRTUALIZATION: Collector = Collector::slow("virtualization", probe_virtualization, virtualization);

const PROCESSOR: &str = "HKLM\\HARDWARE\\DESCRIPTION\\System\\CentralProcessor\\0";
const BIOS: &str = "HKLM\\HARDWARE\\DESCRIPTION\\System\\BIOS";
const ENVIRONMENT: &str = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment";
/// Of a container: what it is says the type of its product.
const CONTROL: &str = "HKLM\\SYSTEM\\CurrentControlSet\\Control";

fn probe_hardware(_: &Machine) -> Vec<Op> {
    alloc::vec![query(PROCESSOR), query(ENVIRONMENT)]
}

fn hardware(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let cpu = Key::read(outputs, PROCESSOR)?;
    let environment = Key::read(outputs, ENVIRONMENT).unwrap_or_default();
    let count = environment.text("NUMBER_OF_PROCESSORS").and_then(|n| n.parse().ok());
    Ok(Found::Value(fields([
        ("cpu_count", count.map(Value::Int)),
        ("memory_mb", machine.memory.map(|memory| int(memory.total_bytes >> 20))),
        ("cpu_model", cpu.text("ProcessorNameString").map(|name| Value::text(&*single_spaced(name)))),
    ])))
}

fn cpu(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let processor = Key::read(outputs, PROCESSOR)?;
    let environment = Key::read(outputs, ENVIRONMENT).unwrap_or_default();
    let threads = environment.text("NUMBER_OF_PROCESSORS").and_then(|n| n.parse().ok());
    Ok(Found::Value(fields([
        ("model", processor.text("ProcessorNameString").map(|name| Value::text(&*single_spaced(name)))),
        ("vendor", processor.value("VendorIdentifier")),
        ("threads", threads.map(Value::Int)),
        ("mhz", processor.number("~MHz").map(Value::Int)),
    ])))
}

fn probe_bios(_: &Machine) -> Vec<Op> {
    alloc::vec![query(BIOS)]
}

fn dmi(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let bios = Key::read(outputs, BIOS)?;
    Ok(Found::Value(fields([
        ("bios_vendor", bios.value("BIOSVendor")),
        ("bios_version", bios.value("BIOSVersion")),
        ("bios_date", bios.value("BIOSReleaseDate")),
        ("board_vendor", bios.value("BaseBoardManufacturer")),
        ("board_name", bios.value("BaseBoardProduct")),
        ("product_name", bios.value("SystemProductName")),
        ("product_vendor", bios.value("SystemManufacturer")),
    ])))
}

fn probe_virtualization(_: &Machine) -> Vec<Op> {
    alloc::vec![query(BIOS), query(CONTROL)]
}

fn virtualization(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let bios = Key::read(outputs, BIOS).unwrap_or_default();
    let control = Key::read(outputs, CONTROL)?;
    let names =
        ["SystemManufacturer", "SystemProductName", "BIOSVendor"].map(|name| bios.text(name).unwrap_or_default());
    let kind = form::guest(&names.join("\n"));
    // Present in the registry of a container alone.
    let is_container = control.text("ContainerType").is_some();
    Ok(Found::Value(fields([
        ("is_virtual", Some(Value::Bool(kind.is_some()))),
        ("is_container", Some(Value::Bool(is_container))),
        ("kind", Some(Value::text(kind.unwrap_or("none")))),
    ])))
}

#[cfg(test)]
mod tests {
    use super::super::registry::answers;
    use super::*;

    #[test]
    fn a_machine_is_what_its_maker_says() {
        let bios = |maker: &str, product: &str| {
            alloc::format!(
                "    SystemManufacturer    REG_SZ    {maker}\r\n    SystemProductName    REG_SZ    {product}\r\n"
            )
        };
        for (maker, product, kind) in [
            ("Microsoft Corporation", "Virtual Machine", "hyperv"),
            ("VMware, Inc.", "VMware7,1", "vmware"),
            ("QEMU", "Standard PC (Q35 + ICH9, 2009)", "kvm"),
            ("Dell Inc.", "PowerEdge R640", "none"),
        ] {
            let outputs = answers(&[(BIOS, &bios(maker, product)), (CONTROL, "\r\n")]);
            let Ok(Found::Value(seen)) = virtualization(&Machine::default(), &outputs) else { panic!("{maker}") };
            assert_eq!(seen.at("kind").and_then(Value::as_str), Some(kind), "{maker}");
            assert_eq!(seen.at("is_container"), Some(&Value::Bool(false)));
        }
        assert!(virtualization(&Machine::default(), &Outputs::default()).is_err());
    }

    #[test]
    fn a_model_has_no_blanks_to_fill_a_field() {
        let said = "    ProcessorNameString    REG_SZ    Intel(R) Xeon(R)   CPU    E5-2680\r\n    ~MHz    REG_DWORD    0x960\r\n";
        let outputs = answers(&[(PROCESSOR, said), (ENVIRONMENT, "    NUMBER_OF_PROCESSORS    REG_SZ    8\r\n")]);
        let Ok(Found::Value(seen)) = hardware(&Machine::default(), &outputs) else { panic!("expected a value") };
        assert_eq!(seen.at("cpu_model").and_then(Value::as_str), Some("Intel(R) Xeon(R) CPU E5-2680"));
        assert_eq!(seen.at("cpu_count"), Some(&Value::Int(8)));
        let Ok(Found::Value(seen)) = cpu(&Machine::default(), &outputs) else { panic!("expected a value") };
        assert_eq!((seen.at("threads"), seen.at("mhz")), (Some(&Value::Int(8)), Some(&Value::Int(2400))));
    }
}
