//! `cargo xtask bench agent`: one machine, converged by us and by others.
//!
//! Absolute times drift with the machine; the ratios of one run count. A tool whose work is not there after its first
//! run, or that does something when there is nothing to do, is a failure and gets no figure.

use std::fs;
use std::path::Path;

use super::case::Case;
use super::measure::{self, Cost};
use super::tool::{LIVE, MORE, Place, Tool};
use crate::failure::{Failure, Result};
use crate::json::quoted;
use crate::packages;
use crate::workspace::{Scratch, is_root};

/// What was measured of one tool on one case.
struct Figures {
    tool: &'static str,
    case: &'static str,
    first: Cost,
    /// The run with the least CPU time.
    idle: Cost,
    /// The least wall time, of any run.
    idle_wall: f64,
    peak_mib: f64,
    /// A list of name and count a file, of what is there once a file.
    calls: Vec<(&'static str, u64)>,
}

/// The calls that a file costs, by what they are for.
const CALLS: &[(&str, &[&str])] = &[
    ("open", &["open", "openat", "openat2"]),
    ("stat", &["stat", "lstat", "fstat", "newfstatat", "statx"]),
    ("read", &["read", "pread64", "readv"]),
    ("close", &["close"]),
];

/// Tools that take too long for every run, as measured before on a machine of two cores: CPU seconds, peak MiB.
const RECORDED: &[(&str, &str, f64, f64)] = &[
    ("puppet", "files-100", 3.48, 109.0),
    ("pyinfra", "files-100", 3.00, 56.0),
    ("ansible", "files-100", 75.7, 99.0),
    ("puppet", "files-1000", 4.85, 120.0),
    ("puppet", "mixed", 3.86, 115.0),
    ("pyinfra", "mixed", 7.67, 57.0),
];

/// Measures and prints the table and, a line each, the figures as JSON; `all` peers, or those that are quick.
pub fn run(all: bool) -> Result<()> {
    if !is_root() {
        println!("without root some tools manage other paths than they do on a machine: figures may differ");
    }
    for line in packages::install(if all { &["bench", "bench-all"] } else { &["bench"] })? {
        println!("missing: {line}");
    }
    let cases =
        [Case::files("files-100", 100, 0.006, 10.0), Case::files("files-1000", 1000, 0.012, 12.0), Case::mixed()];
    let tools = LIVE.iter().chain(if all { MORE } else { &[] });
    let mut figures = Vec::new();
    let mut wrong = Vec::new();
    for tool in tools {
        let program = match (tool.install)() {
            Ok(program) => program,
            Err(failure) => {
                println!("{}: left out: {failure}", tool.name);
                wrong.extend((tool.name == "vigo").then(|| failure.to_string()));
                continue;
            }
        };
        for case in cases.iter().filter(|c| c.size <= tool.size_max) {
            println!("{} {}", tool.name, case.name);
            match one(tool, &program, case) {
                Ok(figure) => figures.push(figure),
                Err(failure) => wrong.push(format!("{} {}: {failure}", tool.name, case.name)),
            }
        }
    }
    table(&figures, &cases);
    lines(&figures, &cases);
    if wrong.is_empty() { Ok(()) } else { Err(Failure::new(wrong.join("\n"))) }
}

/// Measures one tool on one case, in places of its own.
fn one(tool: &Tool, program: &Path, case: &Case) -> Result<Figures> {
    let scratch = Scratch::new(&format!("bench-{}", tool.name))?;
    let mut firsts = Vec::new();
    let mut made = None;
    for n in 0..tool.runs.clamp(1, 3) {
        // Each first run has a place of its own: a file system is slow where much was removed just before.
        let home = scratch.path().join(n.to_string());
        let place = Place { dir: home.join("policy"), files: home.join("files") };
        fs::create_dir_all(&place.dir).map_err(|e| Failure::at(&place.dir, &e))?;
        case.furnish(&place.files)?;
        (tool.prepare)(program, &place, case)?;
        firsts.push(measure::run((tool.command)(program, &place))?);
        case.verify(&place.files)?;
        made = Some(place);
    }
    let place = made.ok_or_else(|| Failure::new("no run"))?;
    let command = || (tool.command)(program, &place);
    case.drift(&place.files)?;
    measure::run(command())?;
    case.verify(&place.files).map_err(|e| Failure::new(format!("a drift is not repaired: {e}")))?;

    let before = case.stamps(&place.files)?;
    let mut idle = Vec::new();
    for _ in 0..tool.runs {
        idle.push(measure::run(command())?);
    }
    let peak_mib = measure::peak_mib(&command, scratch.path())?;
    // Only ours: what others call is their matter.
    let calls = if tool.name == "vigo" { measure::calls(&command, scratch.path())? } else { measure::Calls::default() };
    if case.stamps(&place.files)? != before {
        return Err(Failure::new("a run with nothing to do has written something"));
    }
    let least = |costs: &[Cost]| {
        let least = costs.iter().copied().min_by(|a, b| a.cpu().total_cmp(&b.cpu()));
        least.ok_or_else(|| Failure::new("no run"))
    };
    Ok(Figures {
        tool: tool.name,
        case: case.name,
        first: least(&firsts)?,
        idle: least(&idle)?,
        idle_wall: idle.iter().map(|c| c.wall.as_secs_f64()).fold(f64::INFINITY, f64::min),
        peak_mib,
        calls: CALLS.iter().map(|(name, calls_of)| (*name, calls.of(calls_of))).collect(),
    })
}

fn table(figures: &[Figures], cases: &[Case]) {
    for case in cases {
        println!("\n{}: nothing to do (least of all runs), first run, × = times ours", case.name);
        println!(
            "{:<10} {:>10} {:>8} {:>9} {:>9} {:>10} {:>9} {:>8} {:>10} {:>8}",
            "tool", "CPU s", "×", "user s", "kernel s", "wall s", "RSS MiB", "×", "first s", "×"
        );
        let of_case = || figures.iter().filter(|f| f.case == case.name);
        let ours = of_case().find(|f| f.tool == "vigo");
        for f in of_case() {
            let times = |value: fn(&Figures) -> f64| ours.map_or(f64::NAN, |o| value(f) / value(o));
            println!(
                "{:<10} {:>10.4} {:>8.1} {:>9.4} {:>9.4} {:>10.4} {:>9.1} {:>8.1} {:>10.4} {:>8.1}",
                f.tool,
                f.idle.cpu(),
                times(|f| f.idle.cpu()),
                f.idle.user.as_secs_f64(),
                f.idle.system.as_secs_f64(),
                f.idle_wall,
                f.peak_mib,
                times(|f| f.peak_mib),
                f.first.cpu(),
                times(|f| f.first.cpu()),
            );
        }
        for (tool, _, cpu, mib) in
            RECORDED.iter().filter(|(tool, of, ..)| *of == case.name && !of_case().any(|f| f.tool == *tool))
        {
            println!("{tool:<10} {cpu:>10.4} {:>8} {:>9} {:>9} {:>10} {mib:>9.1}   (recorded)", "", "", "", "");
        }
        if let Some(f) = ours {
            let met = |seen: f64, target: f64| if seen <= target { "met" } else { "NOT MET" };
            println!("target: CPU {} s {}", case.target_seconds, met(f.idle.cpu(), case.target_seconds));
            println!("target: RSS {} MiB {}", case.target_mib, met(f.peak_mib, case.target_mib));
            if let Some(target) = case.target_first_seconds {
                println!("target: first run CPU {target} s {}", met(f.first.cpu(), target));
            }
        }
    }
    let calls = |name: &str| figures.iter().find(|f| f.tool == "vigo" && f.case == name).map(|f| &f.calls);
    if let (Some(few), Some(many)) = (calls("files-100"), calls("files-1000")) {
        println!("\nsystem calls a file, of the 900 that the larger case has more:");
        for ((name, few), (_, many)) in few.iter().zip(many) {
            println!("  {name:<6} {:.2}", (*many as f64 - *few as f64) / 900.0);
        }
    }
}

fn lines(figures: &[Figures], cases: &[Case]) {
    println!();
    for f in figures {
        let ours = figures.iter().find(|o| o.tool == "vigo" && o.case == f.case);
        let target = cases.iter().find(|c| c.name == f.case).filter(|_| f.tool == "vigo");
        let rows = [
            ("idle_cpu_s", f.idle.cpu(), ours.map(|o| o.idle.cpu()), target.map(|c| c.target_seconds)),
            ("idle_user_s", f.idle.user.as_secs_f64(), ours.map(|o| o.idle.user.as_secs_f64()), None),
            ("idle_kernel_s", f.idle.system.as_secs_f64(), ours.map(|o| o.idle.system.as_secs_f64()), None),
            ("idle_wall_s", f.idle_wall, ours.map(|o| o.idle_wall), None),
            ("idle_peak_mib", f.peak_mib, ours.map(|o| o.peak_mib), target.map(|c| c.target_mib)),
            ("first_cpu_s", f.first.cpu(), ours.map(|o| o.first.cpu()), target.and_then(|c| c.target_first_seconds)),
        ];
        for (figure, value, ours, target) in rows {
            let mut line = format!(
                "{{\"bench\":\"agent\",\"case\":{},\"tool\":{},\"figure\":\"{figure}\",\"value\":{value:.6}",
                quoted(f.case),
                quoted(f.tool)
            );
            if let Some(ours) = ours.filter(|o| *o > 0.0) {
                line.push_str(&format!(",\"times_vigo\":{:.3}", value / ours));
            }
            if let Some(target) = target {
                line.push_str(&format!(",\"target\":{target},\"met\":{}", value <= target));
            }
            println!("{line}}}");
        }
        for (name, count) in f.calls.iter().filter(|_| f.tool == "vigo") {
            println!(
                "{{\"bench\":\"agent\",\"case\":{},\"tool\":\"vigo\",\"figure\":\"calls_{name}\",\"value\":{count}}}",
                quoted(f.case)
            );
        }
    }
}
