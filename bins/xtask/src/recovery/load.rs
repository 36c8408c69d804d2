//! A thousand generated machines beside the real ones: what the process that generates them says of them.

use std::collections::BTreeSet;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crate::demo::{Fleet, Generated, expect};
use crate::failure::{Failure, Result};
use crate::json::Json;

/// How long they may take to enrol: each costs the server a slow hash.
const ENROL_MAX: Duration = Duration::from_secs(300);

/// How long they may take until all are answered again: the waits of those that have failed some times are tens of seconds.
const BACK_MAX: Duration = Duration::from_secs(180);

/// How long one of them may be without a run: as the real ones.
const PAUSE_MAX: f64 = 30.0;

/// The generated machines of a site.
pub struct Load {
    generated: Generated,
    machines: usize,
}

impl Load {
    /// Starts them, and waits until each is an envoy and has run.
    pub fn start(fleet: &Fleet, machines: usize, status: &Json) -> Result<Self> {
        let uses = machines.to_string();
        let token = fleet.json(&["tokens", "create", "--match", "load-*", "--uses", &uses])?;
        let token = token.text("token").unwrap_or_default().to_owned();
        let generated = fleet.generate("load", machines, "poll", &token, status)?;
        let load = Self { generated, machines };
        load.wait("all generated machines converge", ENROL_MAX, |line| {
            Ok(line.number("converging")? as usize == machines)
        })?;
        Ok(load)
    }

    /// Begins to count who is answered; the server is gone.
    pub fn mark(&self) -> Result<()> {
        self.generated.running.signal("USR1");
        let none = |line: &Json| Ok(line.number("since_mark.answered")? == 0.0);
        self.wait("no generated machine is answered", Duration::from_secs(10), none).map(drop)
    }

    /// Waits until each was answered since the mark, and returns how long after it the first was, and the last.
    pub fn expect_back(&self) -> Result<(Duration, Duration)> {
        let is_back = |line: &Json| Ok(line.number("since_mark.all").is_ok());
        let line = self.wait("every generated machine is answered again", BACK_MAX, is_back)?;
        let seconds = |path: &str| line.number(path).map(Duration::from_secs_f64);
        Ok((seconds("since_mark.first")?, seconds("since_mark.all")?))
    }

    /// Waits until each knows this address of the server.
    pub fn expect_told(&self, address: &str) -> Result<()> {
        self.wait(&format!("all generated machines know of {address}"), Duration::from_secs(60), |_| {
            let ledger = &self.generated.ledger;
            let text = fs::read_to_string(ledger).map_err(|e| Failure::at(ledger, &e))?;
            let quoted = format!("\"{address}\"");
            let lines = text.lines().filter(|line| line.contains("\"beside\"") && line.contains(&quoted));
            let names: BTreeSet<&str> = lines.filter_map(|line| line.split('"').nth(3)).collect();
            Ok(names.len() == self.machines)
        })
        .map(drop)
    }

    /// Ends them; fails when one has enrolled again, has stopped converging, or has lost a report.
    pub fn end(mut self) -> Result<()> {
        self.generated.running.terminate();
        let last = self.generated.last_line()?;
        let is = |path: &str, number: usize| last.number(path).is_ok_and(|found| found == number as f64);
        if last.at("end") != Some(&Json::Bool(true)) {
            return Err(Failure::new(format!("the generated machines did not end by themselves: {last:?}")));
        }
        let once = is("enrolments", self.machines) && is("envoys", self.machines);
        expect("no generated machine has enrolled again", once)?;
        let whole = is("converging", self.machines) && is("reports_lost", 0) && is("not_believed", 0);
        let pause = last.number("longest_pause")?;
        if !whole || pause > PAUSE_MAX {
            return Err(Failure::new(format!("expected that generated machines converge all the time, seen {last:?}")));
        }
        let (runs, checked_in) = (last.number("runs")?, last.number("check_ins")?);
        expect(&format!("all generated machines ran all the time: {runs} runs, {checked_in} check-ins"), true)?;
        println!("  (the longest time that one of them did not run was {pause:.1} s)");
        Ok(())
    }

    fn wait(&self, what: &str, limit: Duration, holds: impl Fn(&Json) -> Result<bool>) -> Result<Json> {
        let deadline = Instant::now() + limit;
        loop {
            // There may be none yet.
            let line = self.generated.last_line();
            if let Ok(line) = &line
                && holds(line)?
            {
                expect(what, true)?;
                return Ok(line.clone());
            }
            if Instant::now() > deadline {
                return Err(Failure::new(format!("expected within {limit:?} that {what}, seen {line:?}")));
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
}
