//! Machines with another package manager than apt: its real program, its real database, and a repository of our own.

use super::agent::vigo;
use super::boxes::Machine;
use super::checks::Checks;
use super::first::First;
use super::package_kinds::{Held, MANAGERS, ManagerKind, SOURCE};
use super::scenario::{Lab, Scenario};
use crate::failure::Result;

/// dnf, zypper and pacman, each on a machine.
pub const PACKAGES: Scenario = Scenario {
    name: "packages",
    about: "packages and repositories of dnf, zypper and pacman",
    packages: &[MANAGERS[0].1.packages, MANAGERS[1].1.packages, MANAGERS[2].1.packages],
    waits: false,
    run,
};

/// Where the policy is on the machine.
const POLICY: &str = "/srv/policy";

fn run(lab: &Lab, checks: &mut Checks) -> Result<()> {
    if lab.vigo().is_none() {
        checks.skip("packages of other managers converge", "the package `vigo` is not in the workspace");
        return Ok(());
    }
    checks.apart(MANAGERS, |kind, checks| {
        let layer = lab.layer(&format!("{}-layer", kind.name), kind.packages, kind.furnish)?;
        let machine = lab.boot_on(&layer, kind.name, First::Systemd)?;
        machine.push_file("/root/secrets.yaml", "{}\n", "0600")?;
        machine.push_file(&format!("{POLICY}/envoys.vgo"), "envoys: [{match: '*', configcrates: [base]}]\n", "0644")?;
        let mut story = Story { kind, machine: &machine, checks };
        story.comes()?;
        story.versions()?;
        story.holds()?;
        story.mistakes()?;
        story.goes()
    });
    Ok(())
}

/// The story of one machine.
struct Story<'a> {
    kind: &'a ManagerKind,
    machine: &'a Machine,
    checks: &'a mut Checks,
}

impl Story<'_> {
    /// A repository and what is in it come in one run.
    fn comes(&mut self) -> Result<()> {
        let all = format!(
            "{}\n  - {{name: food, type: package, package: food, version: '1.0'}}
  - {{name: more, type: package, package: [food-extra, porridge]}}",
            source("")
        );
        self.publish(&all)?;
        let plan = vigo(self.machine, "plan", POLICY, &[])?;
        self.checks.same("a plan does not fail", plan.bad(), Vec::<String>::new());
        let run = vigo(self.machine, "apply", POLICY, &[])?;
        self.checks.same("a repository and its packages come", run.bad(), Vec::<String>::new());
        self.checks.same("all in one run", run.ids("changed"), ["base/food", "base/more", "base/source"]);
        self.has("and are there", "food 1.0-1\nfood-extra 1.0-1\nporridge 2.0-1")?;
        self.steady("a second run changes nothing")?;
        self.machine.sh(&format!("{} food-extra porridge", self.kind.remove))?;
        self.has("they can be removed by hand", "food 1.0-1")?;
        let run = vigo(self.machine, "apply", POLICY, &[])?;
        self.checks.same("that is repaired", run.ids("changed"), ["base/more"]);
        self.has("and they are there again", "food 1.0-1\nfood-extra 1.0-1\nporridge 2.0-1")
    }

    fn versions(&mut self) -> Result<()> {
        self.machine.sh(self.kind.publish)?;
        if !self.kind.publish.is_empty() {
            let fresh = "package: food, state: latest, update_cache: true";
            self.changes("an old index is made fresh, and the newest version comes", fresh, None)?;
        } else {
            self.changes("the newest version comes", "package: food, state: latest", Some("food: 1.0-1 → 2.0-1"))?;
        }
        self.has("it is the newest", "food 2.0-1\nfood-extra 1.0-1\nporridge 2.0-1")?;
        let older = "package: food, version: '1.0'";
        self.fails("an older version is not installed unasked", older, "found 2.0-1, which is newer")?;
        let older = "package: food, version: '1.0*', allow_downgrade: true";
        let Held::Yes { tells_from } = self.kind.held else {
            return self.fails(
                "what it cannot do is refused",
                older,
                "`allow_downgrade` of type `package` is not supported",
            );
        };
        self.changes("but when it is asked for", older, Some("food: 2.0-1 → 1.0-1"))?;
        self.has("it is the older one", "food 1.0-1\nfood-extra 1.0-1\nporridge 2.0-1")?;
        let from = if tells_from { "1.0-1" } else { "installed" };
        self.changes("everything is upgraded", "package: '*', state: latest", Some(&format!("food: {from} → 2.0-1")))?;
        self.has("and the newest", "food 2.0-1\nfood-extra 1.0-1\nporridge 2.0-1")
    }

    fn holds(&mut self) -> Result<()> {
        let held = "package: food, version: '2.0', lock_version: true";
        if self.kind.held == Held::No {
            return self.fails("so is a hold", held, "`lock_version` of type `package` is not supported");
        }
        self.changes("a package is held", held, Some("food hold: free → held"))?;
        let other = "package: food, version: '1.0', lock_version: true, allow_downgrade: true";
        self.changes("which a change of its version outlasts", other, Some("food: 2.0-1 → 1.0"))?;
        self.changes("nobody else moves it", "package: '*', state: latest", Some(""))?;
        self.has("it stays", "food 1.0-1\nfood-extra 1.0-1\nporridge 2.0-1")?;
        let free = "package: food, version: '2.0', lock_version: false";
        self.changes("until it is released", free, Some("food: 1.0-1 → 2.0"))
    }

    fn mistakes(&mut self) -> Result<()> {
        self.fails("a name that nobody offers", "package: [food, nosuch]", "nosuch")?;
        self.fails("a version that nobody offers", "package: food, version: '9.9'", "food")?;
        self.fails(
            "an attribute of apt",
            "package: food, state: absent, purge: true",
            "`purge` of type `package` is not",
        )?;
        self.has("none of them does harm", "food 2.0-1\nfood-extra 1.0-1\nporridge 2.0-1")
    }

    fn goes(&mut self) -> Result<()> {
        if !self.kind.lock.is_empty() {
            self.machine.sh(&format!("{} food", self.kind.lock))?;
            let older = "package: food, version: '1.0', allow_downgrade: true";
            self.changes("what somebody holds changes its version", older, Some("food: 2.0-1 → 1.0"))?;
            let newer = "package: food, version: '2.0', lock_version: true";
            self.changes("and is held afterwards", newer, Some("food: 1.0-1 → 2.0"))?;
        }
        let gone = "package: [food, food-extra, nosuch], state: absent";
        self.changes("packages go", gone, Some("food: 2.0-1 → absent, food-extra: 1.0-1 → absent"))?;
        self.has("and are gone", "porridge 2.0-1")?;
        let (file, line) = self.kind.source;
        let in_use =
            |machine: &Machine| Ok::<_, crate::failure::Failure>(machine.exec(&["grep", "-qxF", line, file])?.ok());
        self.checks.same("the source is in use", in_use(self.machine)?, true);
        for (what, resources) in [
            ("the source is switched off", source(", enabled: false")),
            (
                "the source goes",
                "  - {name: source, type: repository, repository: vigo-test, state: absent}".to_owned(),
            ),
        ] {
            self.publish(&resources)?;
            let run = vigo(self.machine, "apply", POLICY, &[])?;
            self.checks.same(what, (run.bad(), run.ids("changed")), (vec![], vec!["base/source".to_owned()]));
            self.checks.same("and is not in use", in_use(self.machine)?, false);
            self.steady("and stays so")?;
        }
        let left = self.machine.exec(&["grep", "-q", "vigo-test", file])?;
        self.checks.check("nothing of it is left", !left.ok(), file);
        Ok(())
    }

    /// Makes a crate the policy of the machine.
    fn publish(&self, resources: &str) -> Result<()> {
        let text = format!("name: base\nresources:\n{resources}\n");
        self.machine.push_file(&format!("{POLICY}/configcrates/base.vgo"), text, "0644")
    }

    /// A package resource changes what is told here, as the plan said; where nothing is told, something.
    fn changes(&mut self, what: &str, package: &str, expected: Option<&str>) -> Result<()> {
        self.publish(&format!("  - {{name: it, type: package, {package}}}"))?;
        let plan = vigo(self.machine, "plan", POLICY, &[])?;
        let run = vigo(self.machine, "apply", POLICY, &[])?;
        self.checks.same(what, run.bad(), Vec::<String>::new());
        let changes = |run: &super::agent::Run| run.resources.get("base/it").map(|r| r.changes.join(", "));
        if let Some(expected) = expected {
            self.checks.same("it is told", changes(&run).as_deref(), Some(expected));
            self.checks.same("and was foretold", changes(&plan).as_deref(), Some(expected));
        }
        self.steady("and a second run changes nothing")
    }

    /// A package resource fails, and says why.
    fn fails(&mut self, what: &str, package: &str, cause: &str) -> Result<()> {
        self.publish(&format!("  - {{name: it, type: package, {package}}}"))?;
        let run = vigo(self.machine, "apply", POLICY, &[])?;
        let bad = run.bad();
        let told = bad.len() == 1 && bad.iter().all(|why| why.starts_with("base/it failed") && why.contains(cause));
        self.checks.check(what, told, format_args!("{bad:?}"));
        Ok(())
    }

    fn steady(&mut self, what: &str) -> Result<()> {
        let again = vigo(self.machine, "apply", POLICY, &[])?;
        self.checks.same(what, (again.bad(), again.ids("changed")), (vec![], vec![]));
        Ok(())
    }

    /// The manager's own database says this of our packages.
    fn has(&mut self, what: &str, expected: &str) -> Result<()> {
        let seen = self.machine.exec(&["sh", "-c", self.kind.installed])?;
        self.checks.same(what, seen.stdout.trim(), expected);
        Ok(())
    }
}

/// Returns the resource of the repository.
fn source(more: &str) -> String {
    format!(
        "  - {{name: source, type: repository, repository: vigo-test, repo: 'file://{SOURCE}', gpgcheck: false{more}}}"
    )
}
