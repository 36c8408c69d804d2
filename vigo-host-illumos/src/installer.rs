//! The agent as a service of SMF, smf(7), service_bundle(5).

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use vigo_core::host::{HostFacts, Installation, Installer, Places, Problem, Step};

const PLACES: Places = Places {
    program: "/usr/local/sbin/vigo",
    folders: &["/usr/local/sbin", "/usr/local/bin", "/opt/local/sbin", "/opt/local/bin", "/usr/sbin", "/usr/bin"],
    state_dir: "/var/lib/vigo",
    pid_file: "/var/run/vigo-envoy.pid",
    log_file: "/var/log/vigo-envoy.log",
    separator: '/',
};

const MANIFEST: &str = "/var/svc/manifest/site/vigo-envoy.xml";
const INSTANCE: &str = "svc:/site/vigo-envoy:default";

/// SMF.
pub struct Manifest;

impl Installer for Manifest {
    fn places(&self) -> &'static Places {
        &PLACES
    }

    fn install(&self, told: &Installation, _: &HostFacts) -> Result<Vec<Step>, Problem> {
        let mut steps = Vec::from_iter(told.program_step());
        steps.push(Step::write(MANIFEST, 0o644, manifest(told)));
        steps.push(Step::run("svccfg", &["import", MANIFEST]));
        // One that could not be started before is in maintenance; clear(1M) of any other is an error.
        steps.push(Step::run("svcadm", &["clear", INSTANCE]).may_fail());
        steps.push(Step::run("svcadm", &["enable", INSTANCE]));
        steps.push(Step::run("svcadm", &["restart", INSTANCE]));
        Ok(steps)
    }

    fn stop(&self, _: &HostFacts) -> Vec<Step> {
        vec![Step::run("svcadm", &["disable", "-st", INSTANCE]).may_fail()]
    }

    fn start(&self, _: &HostFacts) -> Vec<Step> {
        vec![Step::run("svcadm", &["enable", INSTANCE])]
    }

    fn uninstall(&self, _: &HostFacts) -> Vec<Step> {
        vec![
            Step::run("svcadm", &["disable", "-s", INSTANCE]).may_fail(),
            Step::run("svccfg", &["delete", "-f", "svc:/site/vigo-envoy"]).may_fail(),
            Step::remove(MANIFEST),
            Step::remove(PLACES.program),
        ]
    }
}

/// The agent is a `child`: the restarter starts it again when it ends. Its end is asked of
/// it alone, for `:kill` asks all that it has started: a quarter of an hour is for the operation in hand. The token is of
/// smf_method(5).
fn manifest(told: &Installation) -> String {
    let Installation { program, arguments, state_dir, .. } = told;
    format!(
        "<?xml version=\"1.0\"?>
<!DOCTYPE service_bundle SYSTEM \"/usr/share/lib/xml/dtd/service_bundle.dtd.1\">
<service_bundle type=\"manifest\" name=\"vigo-envoy\">
  <service name=\"site/vigo-envoy\" type=\"service\" version=\"1\">
    <create_default_instance enabled=\"false\"/>
    <single_instance/>
    <dependency name=\"network\" grouping=\"require_all\" restart_on=\"none\" type=\"service\">
      <service_fmri value=\"svc:/milestone/network:default\"/>
    </dependency>
    <dependency name=\"filesystem\" grouping=\"require_all\" restart_on=\"none\" type=\"service\">
      <service_fmri value=\"svc:/system/filesystem/local:default\"/>
    </dependency>
    <dependency name=\"identity\" grouping=\"require_all\" restart_on=\"none\" type=\"path\">
      <service_fmri value=\"file://localhost{state_dir}/identity/certificate\"/>
    </dependency>
    <exec_method type=\"method\" name=\"start\" exec=\"{program} {arguments}\" timeout_seconds=\"60\"/>
    <exec_method type=\"method\" name=\"stop\" exec=\"/usr/bin/kill -TERM %{{restarter/start_pid}}\" timeout_seconds=\"900\"/>
    <property_group name=\"startd\" type=\"framework\">
      <propval name=\"duration\" type=\"astring\" value=\"child\"/>
      <propval name=\"ignore_error\" type=\"astring\" value=\"core,signal\"/>
    </property_group>
    <template>
      <common_name><loctext xml:lang=\"C\">Vigo agent</loctext></common_name>
    </template>
  </service>
</service_bundle>
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::host::installer_faults;

    #[test]
    fn what_is_written_is_guarded_and_removed() {
        assert_eq!(installer_faults(&Manifest, &HostFacts::default()), [""; 0]);
    }

    #[test]
    fn the_manifest_is_imported_before_its_instance_is_named() {
        let told = Installation::new(&PLACES, "", "/srv/state").unwrap();
        let steps = Manifest.install(&told, &HostFacts::default()).unwrap();
        let shown: Vec<String> = steps.iter().map(|step| format!("{step}")).collect();
        assert_eq!(shown[2], "svccfg import /var/svc/manifest/site/vigo-envoy.xml");
        assert_eq!(
            shown[4..],
            ["svcadm enable svc:/site/vigo-envoy:default", "svcadm restart svc:/site/vigo-envoy:default"]
        );
        let Some(Step::Write { text, .. }) = steps.get(1) else { panic!("{steps:?}") };
        assert!(text.contains("exec=\"/usr/local/sbin/vigo run --state-dir /srv/state\""), "{text}");
    }
}
