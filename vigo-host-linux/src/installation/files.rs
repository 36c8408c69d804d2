//! The files by which service managers know the agent.

use alloc::format;
use alloc::string::String;
use vigo_core::host::{Installation, SERVICE};

/// The unit of systemd, systemd.service(5).
///
/// It takes nothing away from the agent, for what it runs inherits that: with a read-only `/usr` no package is installed,
/// without new privileges no command uses `sudo`. `mixed` ends the agent alone, so that it finishes the operation in hand;
/// what is left of its children goes with it, also when it was killed: two package managers side by side are worse than one
/// that was interrupted.
pub(super) fn unit(told: &Installation) -> String {
    let Installation { program, state_dir, arguments, .. } = told;
    format!(
        "[Unit]
Description=Vigo agent
Wants=network-online.target
After=network-online.target
ConditionPathExists={state_dir}/identity/certificate
StartLimitIntervalSec=0

[Service]
Type=simple
ExecStart={program} {arguments}
Restart=always
RestartSec=10
KillMode=mixed
TimeoutStopSec=15min
OOMPolicy=continue
LimitCORE=0
UMask=0022

[Install]
WantedBy=multi-user.target
"
    )
}

/// The script of OpenRC, openrc-run(8), supervise-daemon(8).
pub(super) fn openrc(told: &Installation) -> String {
    let Installation { program, state_dir, arguments, .. } = told;
    format!(
        "#!/sbin/openrc-run
name=\"Vigo agent\"
description=\"Keeps this machine as its fleet's policy says\"
supervisor=supervise-daemon
command={program}
command_args=\"{arguments}\"
respawn_delay=10
respawn_max=0
retry=\"TERM/900/KILL/5\"
rc_cgroup_cleanup=yes
umask=022
output_log=/var/log/{SERVICE}.log
error_log=/var/log/{SERVICE}.log
required_files={state_dir}/identity/certificate

depend() {{
    use net dns logger
    after firewall
}}
"
    )
}

/// The script of System V, LSB \"Init Script Actions\". Nothing there starts again what has ended, so a loop does.
pub(super) fn sysv(told: &Installation) -> String {
    let Installation { program, state_dir, arguments, pid_file, log_file, .. } = told;
    format!(
        "#!/bin/sh
### BEGIN INIT INFO
# Provides:          {SERVICE}
# Required-Start:    $remote_fs $network
# Required-Stop:     $remote_fs $network
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: Vigo agent
### END INIT INFO
# chkconfig: 2345 90 10

pid_file={pid_file}

running() {{
    pid=$(cat \"$pid_file\" 2>/dev/null) && [ -n \"$pid\" ] && kill -0 \"$pid\" 2>/dev/null
}}

# Lives until the agent ends in order, or the file names another one: one that was killed is started again.
live() {{
    umask 022
    ulimit -c 0
    cd /
    while :; do
        {program} {arguments} &
        child=$!
        echo $child >\"$pid_file\"
        wait $child && break
        sleep 10
        [ \"$(cat \"$pid_file\" 2>/dev/null)\" = $child ] || break
    done
}}

start() {{
    running && return 0
    [ -e {state_dir}/identity/certificate ] || {{ echo 'this machine is not enrolled' >&2; return 6; }}
    # In a shell of its own: one that calls a function keeps what it had open before.
    (exec </dev/null >>{log_file} 2>&1; live) &
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        sleep 1
        running && return 0
    done
    return 1
}}

# It finishes the operation in hand.
stop() {{
    running || {{ rm -f \"$pid_file\"; return 0; }}
    rm -f \"$pid_file\"
    kill \"$pid\"
    tries=0
    while kill -0 \"$pid\" 2>/dev/null; do
        tries=$((tries + 1))
        [ \"$tries\" -lt 900 ] || return 1
        sleep 1
    done
}}

case ${{1-}} in
start) start ;;
stop) stop ;;
restart | force-reload) stop && start ;;
status)
    if running; then
        echo '{SERVICE} is running'
    else
        echo '{SERVICE} is stopped'
        exit 3
    fi
    ;;
*)
    echo \"usage: $0 start|stop|restart|force-reload|status\" >&2
    exit 2
    ;;
esac
"
    )
}

/// The script of runit, runsv(8).
pub(super) fn runit(told: &Installation) -> String {
    let Installation { program, arguments, .. } = told;
    format!("#!/bin/sh\nexec 2>&1\nulimit -c 0\numask 022\nexec {program} {arguments}\n")
}
