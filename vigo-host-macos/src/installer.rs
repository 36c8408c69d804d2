//! The agent as a daemon of launchd, launchd.plist(5).

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use vigo_core::host::{HostFacts, Installation, Installer, Places, Problem, Step};

const PLACES: Places = Places {
    program: "/usr/local/sbin/vigo",
    folders: &["/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/sbin", "/opt/homebrew/bin"],
    state_dir: "/Library/Vigo",
    pid_file: "/var/run/vigo-envoy.pid",
    log_file: "/var/log/vigo-envoy.log",
    separator: '/',
};

const PLIST: &str = "/Library/LaunchDaemons/vigo-envoy.plist";
const TARGET: &str = "system/vigo-envoy";

/// Loads the daemon once the one before has finished its operation in hand: `bootout` does not wait for that, and until
/// then launchctl(1) exits 5.
const BOOTSTRAP: &str = "tries=0; until launchctl bootstrap system /Library/LaunchDaemons/vigo-envoy.plist; do \
                         status=$?; tries=$((tries + 1)); [ $status = 5 ] && [ $tries -lt 450 ] || exit $status; \
                         sleep 2; done";

/// launchd.
pub struct LaunchDaemon;

impl Installer for LaunchDaemon {
    fn places(&self) -> &'static Places {
        &PLACES
    }

    fn install(&self, told: &Installation, _: &HostFacts) -> Result<Vec<Step>, Problem> {
        let mut steps = Vec::from_iter(told.program_step());
        steps.push(Step::write(PLIST, 0o644, plist(told)));
        // What is loaded keeps its old definition, so it goes first.
        steps.push(Step::run("launchctl", &["bootout", TARGET]).may_fail());
        steps.push(Step::run("launchctl", &["enable", TARGET]));
        steps.push(Step::run("sh", &["-c", BOOTSTRAP]));
        Ok(steps)
    }

    fn stop(&self, _: &HostFacts) -> Vec<Step> {
        vec![Step::run("launchctl", &["bootout", TARGET]).may_fail()]
    }

    fn start(&self, _: &HostFacts) -> Vec<Step> {
        vec![Step::run("sh", &["-c", BOOTSTRAP])]
    }

    fn uninstall(&self, facts: &HostFacts) -> Vec<Step> {
        let mut steps = self.stop(facts);
        steps.push(Step::remove(PLIST));
        steps.push(Step::remove(PLACES.program));
        steps
    }
}

/// launchd starts the agent again when it ends, unless this machine is not enrolled. A quarter of an hour is for the
/// operation in hand.
fn plist(told: &Installation) -> String {
    let Installation { program, arguments, state_dir, log_file, .. } = told;
    let words = arguments.split(' ').map(|word| format!("\t\t<string>{word}</string>\n")).collect::<String>();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">
<plist version=\"1.0\">
<dict>
	<key>Label</key>
	<string>vigo-envoy</string>
	<key>ProgramArguments</key>
	<array>
		<string>{program}</string>
{words}	</array>
	<key>KeepAlive</key>
	<dict>
		<key>PathState</key>
		<dict>
			<key>{state_dir}/identity/certificate</key>
			<true/>
		</dict>
	</dict>
	<key>ThrottleInterval</key>
	<integer>10</integer>
	<key>ExitTimeOut</key>
	<integer>900</integer>
	<key>Umask</key>
	<integer>18</integer>
	<key>StandardOutPath</key>
	<string>{log_file}</string>
	<key>StandardErrorPath</key>
	<string>{log_file}</string>
</dict>
</plist>
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::host::installer_faults;

    #[test]
    fn what_is_written_is_guarded_and_removed() {
        assert_eq!(installer_faults(&LaunchDaemon, &HostFacts::default()), [""; 0]);
    }

    #[test]
    fn a_loaded_daemon_goes_before_its_new_definition_comes() {
        let told = Installation::new(&PLACES, "", "/srv/state").unwrap();
        let steps = LaunchDaemon.install(&told, &HostFacts::default()).unwrap();
        let shown: Vec<String> = steps.iter().map(|step| format!("{step}")).collect();
        assert_eq!(shown[2..4], ["bootout", "enable"].map(|verb| format!("launchctl {verb} system/vigo-envoy")));
        assert!(shown[4].contains(&format!("launchctl bootstrap system {PLIST};")), "{shown:?}");
        let Some(Step::Write { text, .. }) = steps.get(1) else { panic!("{steps:?}") };
        assert!(text.contains("<string>run</string>\n\t\t<string>--state-dir</string>\n"), "{text}");
    }
}
