//! `firewall`: which one is in charge, and what it does with the rest.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, assigned, fields, read, run, some, stat};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const COLLECTOR: Collector = Collector::slow("firewall", probe, interpret);

const UFW: &str = "/etc/ufw/ufw.conf";
const UFW_DEFAULTS: &str = "/etc/default/ufw";
const FIREWALLD: &str = "/usr/bin/firewall-cmd";
const NFT: &str = "/usr/sbin/nft";
const IPTABLES: &str = "/usr/sbin/iptables";
const CHAINS: &[&str] = &["list", "chains"];
const RULES: &[&str] = &["-S"];
const STATE: &[&str] = &["--state"];

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![read(UFW), read(UFW_DEFAULTS), stat(FIREWALLD), stat(NFT), stat(IPTABLES)]
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    if see.text(UFW).is_some_and(|text| assigned(&text, "ENABLED") == Some("yes")) {
        let defaults = see.text(UFW_DEFAULTS).unwrap_or_default();
        let policy = |key| assigned(&defaults, key).map(|p| p.to_lowercase()).unwrap_or_default();
        return Ok(found("ufw", true, &policy("DEFAULT_INPUT_POLICY"), &policy("DEFAULT_OUTPUT_POLICY")));
    }
    let tools = [(FIREWALLD, STATE), (NFT, CHAINS), (IPTABLES, RULES)];
    let asked = tools.iter().filter(|(program, _)| see.exists(program)).map(|(program, args)| run(program, args));
    let open = see.open(asked.collect());
    if !open.is_empty() {
        return Ok(Found::Ask(open));
    }
    if see.output(FIREWALLD, STATE).is_ok_and(|text| text.trim() == "running") {
        return Ok(found("firewalld", true, "reject", "accept"));
    }
    if see.exists(NFT) {
        let chains = see.output(NFT, CHAINS)?;
        let (input, output) = (nft(&chains, "input"), nft(&chains, "output"));
        if input.is_some() || output.is_some() {
            let accept = || "accept".to_string();
            return Ok(found("nftables", true, &input.unwrap_or_else(accept), &output.unwrap_or_else(accept)));
        }
    }
    if see.exists(IPTABLES) {
        let rules = see.output(IPTABLES, RULES)?;
        let (input, output) = (iptables(&rules, "INPUT"), iptables(&rules, "OUTPUT"));
        let active = rules.lines().any(|line| line.starts_with("-A ")) || input != "accept" || output != "accept";
        if active {
            return Ok(found("iptables", true, &input, &output));
        }
    }
    let backend = [(NFT, "nftables"), (IPTABLES, "iptables")].iter().find(|(program, _)| see.exists(program));
    Ok(found(backend.map_or("none", |(_, name)| *name), false, "accept", "accept"))
}

fn found(backend: &str, active: bool, input: &str, output: &str) -> Found {
    Found::Value(fields([
        ("backend", some(backend)),
        ("active", Some(Value::Bool(active))),
        ("default_in", some(input)),
        ("default_out", some(output)),
    ]))
}

/// Returns the policy of the base chains of a hook: of several the strictest, because a packet must pass all.
fn nft(chains: &str, hook: &str) -> Option<String> {
    let wanted = alloc::format!("hook {hook} ");
    fn policy<'l>(line: &'l str, wanted: &str) -> Option<&'l str> {
        let rest = line.trim().strip_prefix("type filter ")?;
        let policy = rest.split_once("policy ").map_or("accept", |(_, policy)| policy.trim_end_matches(';'));
        rest.contains(wanted).then_some(policy.trim())
    }
    let policies: Vec<&str> = chains.lines().filter_map(|line| policy(line, &wanted)).collect();
    let strictest = policies.iter().find(|p| **p == "drop").or(policies.first())?;
    Some((*strictest).to_string())
}

fn iptables(rules: &str, chain: &str) -> String {
    let prefix = alloc::format!("-P {chain} ");
    rules.lines().find_map(|line| line.strip_prefix(prefix.as_str())).unwrap_or("ACCEPT").trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::{Files, answers};

    #[test]
    fn the_one_in_charge_is_found() {
        let chains = "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority filter; policy drop;\n\t}\n\
            \tchain output {\n\t\ttype filter hook output priority filter; policy accept;\n\t}\n}\n";
        let cases: &[(&str, Files<'_>, [&str; 3], bool)] = &[
            (
                "ufw",
                &[
                    (UFW, "ENABLED=yes\n"),
                    (UFW_DEFAULTS, "DEFAULT_INPUT_POLICY=\"DROP\"\nDEFAULT_OUTPUT_POLICY=\"ACCEPT\"\n"),
                ],
                ["ufw", "drop", "accept"],
                true,
            ),
            (
                "firewalld",
                &[(FIREWALLD, ""), ("run /usr/bin/firewall-cmd --state", "running\n")],
                ["firewalld", "reject", "accept"],
                true,
            ),
            (
                "nftables",
                &[(UFW, "ENABLED=no\n"), (NFT, ""), ("run /usr/sbin/nft list chains", chains)],
                ["nftables", "drop", "accept"],
                true,
            ),
            (
                "nftables, empty",
                &[(NFT, ""), ("run /usr/sbin/nft list chains", "")],
                ["nftables", "accept", "accept"],
                false,
            ),
            (
                "iptables",
                &[(IPTABLES, ""), ("run /usr/sbin/iptables -S", "-P INPUT DROP\n-P OUTPUT ACCEPT\n")],
                ["iptables", "drop", "accept"],
                true,
            ),
            ("none", &[], ["none", "accept", "accept"], false),
        ];
        for (name, items, [backend, input, output], active) in cases {
            let mut outputs = answers(items);
            // Commands were built with other bounds than ours.
            for (program, args) in [(FIREWALLD, STATE), (NFT, CHAINS), (IPTABLES, RULES)] {
                if let Some(answer) = outputs.ran(program, args).cloned() {
                    outputs.push(run(program, args), alloc::sync::Arc::new(answer));
                }
            }
            let Ok(Found::Value(seen)) = interpret(&Machine::default(), &outputs) else {
                panic!("{name}: expected a value")
            };
            let text = |field| seen.at(field).and_then(Value::as_str);
            assert_eq!(
                [text("backend"), text("default_in"), text("default_out")],
                [Some(*backend), Some(*input), Some(*output)],
                "{name}"
            );
            assert_eq!(seen.at("active"), Some(&Value::Bool(*active)), "{name}");
        }
    }
}
