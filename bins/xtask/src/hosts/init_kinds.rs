//! The inits besides systemd: what a service is for each, how it is broken, and how the machine itself tells.

use super::drift::Broken;

/// One of them.
pub struct InitKind {
    /// The name of its machine.
    pub name: &'static str,
    /// What the trait `init.manager` says.
    pub manager: &'static str,
    /// The packages that make it.
    pub packages: &'static [&'static str],
    /// The resources before the service: `script` is what starts it.
    pub files: &'static str,
    /// What tells how the service is: running and started at boot, and neither.
    pub state: &'static str,
    pub on: &'static str,
    pub off: &'static str,
    /// What prints its process.
    pub pid: &'static str,
    /// How somebody breaks it by hand.
    pub broken: &'static [Broken],
    /// The files of a service that does not come up, and why it does not.
    pub bad: &'static str,
    pub bad_cause: &'static str,
    /// What tells how the agent's service is, and what is told.
    pub agent: &'static str,
    pub agent_lives: &'static str,
    /// What restarts it.
    pub agent_restart: &'static str,
}

/// All of them.
pub const INITS: &[(&str, InitKind)] = &[("openrc", OPENRC), ("sysv", SYSV), ("runit", RUNIT)];

const OPENRC_STATE: &str = "rc-service porridge status 2>&1 | sed 's/.*status: //'; rc-update show default | \
    sed 's/ //g' | grep ^porridge";

const OPENRC: InitKind = InitKind {
    name: "openrc",
    manager: "openrc",
    packages: &["sysvinit-core", "openrc"],
    files: r##"
  - name: script
    type: file
    target_path: /etc/init.d/porridge
    mode: "0755"
    content: |
      #!/sbin/openrc-run
      command=/bin/sleep
      command_args=86421
      command_background=yes
      pidfile=/run/porridge.pid

      # By this note OpenRC sees a crash. Its own start-stop-daemon makes it, that of Debian is another.
      start_post() {
          mkdir -p "$RC_SVCDIR/daemons/$RC_SVCNAME"
          printf 'exec=%s\npidfile=%s\n' $command $pidfile >"$RC_SVCDIR/daemons/$RC_SVCNAME/001"
      }
"##,
    state: OPENRC_STATE,
    on: "started\nporridge|default",
    off: "stopped",
    pid: "cat /run/porridge.pid",
    broken: &[
        Broken("base/service", "rc-service porridge stop", OPENRC_STATE, "started\nporridge|default"),
        Broken(
            "base/service",
            "kill -KILL $(cat /run/porridge.pid); until rc-service porridge status 2>&1 | grep crashed; do sleep 0.1; done",
            OPENRC_STATE,
            "started\nporridge|default",
        ),
        Broken("base/service", "rm /etc/runlevels/default/porridge", OPENRC_STATE, "started\nporridge|default"),
    ],
    bad: r##"
  - {name: script, type: file, target_path: /etc/init.d/bad, mode: "0755", content: "#!/sbin/openrc-run\ncommand=/nosuch\n"}
"##,
    bad_cause: "`rc-service bad start`: exit 1",
    agent: "rc-service vigo-envoy status 2>&1 | sed 's/.*status: //'; ls /etc/runlevels/default | grep vigo",
    agent_lives: "started\nvigo-envoy",
    agent_restart: "rc-service vigo-envoy restart",
};

const SYSV_STATE: &str = "service porridge status >/dev/null && echo runs; ls /etc/rc2.d | grep porridge";

const SYSV: InitKind = InitKind {
    name: "sysv",
    manager: "sysv",
    packages: &["sysvinit-core"],
    files: r##"
  - name: script
    type: file
    target_path: /etc/init.d/porridge
    mode: "0755"
    content: |
      #!/bin/sh
      ### BEGIN INIT INFO
      # Provides:          porridge
      # Required-Start:    $remote_fs
      # Required-Stop:     $remote_fs
      # Default-Start:     2 3 4 5
      # Default-Stop:      0 1 6
      # Short-Description: porridge
      ### END INIT INFO
      . /lib/lsb/init-functions
      pid=/run/porridge.pid
      case $1 in
        start) start-stop-daemon --start --quiet --oknodo --background --make-pidfile --pidfile $pid --startas /bin/sleep -- 86421 ;;
        stop) start-stop-daemon --stop --quiet --oknodo --retry 5 --remove-pidfile --pidfile $pid ;;
        restart|force-reload) $0 stop; $0 start ;;
        status) status_of_proc -p $pid /bin/sleep porridge ;;
        *) echo "usage: $0 start|stop|restart|force-reload|status" >&2; exit 2 ;;
      esac
"##,
    state: SYSV_STATE,
    on: "runs\nS01porridge",
    off: "K01porridge",
    pid: "cat /run/porridge.pid",
    broken: &[
        Broken("base/service", "service porridge stop", SYSV_STATE, "runs\nS01porridge"),
        Broken(
            "base/service",
            "kill -KILL $(cat /run/porridge.pid); while service porridge status >/dev/null; do sleep 0.1; done",
            SYSV_STATE,
            "runs\nS01porridge",
        ),
        Broken("base/service", "mv /etc/rc2.d/S01porridge /etc/rc2.d/K01porridge", SYSV_STATE, "runs\nS01porridge"),
        Broken("base/service", "rm /etc/rc?.d/*porridge", SYSV_STATE, "runs\nS01porridge"),
    ],
    bad: r##"
  - name: script
    type: file
    target_path: /etc/init.d/bad
    mode: "0755"
    content: |
      #!/bin/sh
      ### BEGIN INIT INFO
      # Provides: bad
      # Required-Start:
      # Required-Stop:
      # Default-Start: 2 3 4 5
      # Default-Stop: 0 1 6
      ### END INIT INFO
      case $1 in
        start) echo no porridge left >&2; exit 1 ;;
        status) exit 3 ;;
      esac
"##,
    bad_cause: "`service bad start`: exit 1",
    agent: "sh /etc/init.d/vigo-envoy status; ls /etc/rc2.d | grep -c '^S.*vigo-envoy'",
    agent_lives: "vigo-envoy is running\n1",
    agent_restart: "service vigo-envoy restart",
};

const RUNIT_STATE: &str =
    "sv status porridge | cut -d: -f1; readlink /etc/service/porridge; ls /etc/sv/porridge | grep down";

const RUNIT: InitKind = InitKind {
    name: "runit",
    manager: "runit",
    packages: &["runit-init", "runit"],
    files: r##"
  - {name: folder, type: directory, target_path: /etc/sv/porridge}
  - {name: script, type: file, target_path: /etc/sv/porridge/run, mode: "0755", content: "#!/bin/sh\nexec sleep 86421\n"}
"##,
    state: RUNIT_STATE,
    on: "run\n/etc/sv/porridge",
    off: "down\n/etc/sv/porridge\ndown",
    pid: "cat /etc/sv/porridge/supervise/pid",
    broken: &[
        // One that is killed comes back by itself.
        Broken("base/service", "sv down porridge", RUNIT_STATE, "run\n/etc/sv/porridge"),
        Broken("base/service", "rm /etc/service/porridge", RUNIT_STATE, "run\n/etc/sv/porridge"),
        Broken("base/service", "touch /etc/sv/porridge/down", RUNIT_STATE, "run\n/etc/sv/porridge"),
    ],
    bad: r##"
  - {name: folder, type: directory, target_path: /etc/sv/bad}
  - {name: script, type: file, target_path: /etc/sv/bad/run, mode: "0755", content: "#!/bin/sh\nexit 1\n"}
"##,
    bad_cause: "it did not settle: expected `enabled`, `running`",
    agent: "sv status vigo-envoy | cut -d: -f1; readlink /etc/service/vigo-envoy",
    agent_lives: "run\n/etc/sv/vigo-envoy",
    agent_restart: "sv restart vigo-envoy",
};
