//! Fleets that live through storms, seed by seed. `VIGO_SIM_SEED=N` lives through one seed and prints what happened;
//! `VIGO_SIM_SEEDS=N` sets how many each test takes.

use std::env;
use vigo_core::sim::{Story, Told, World};
use vigo_core::time::Duration;

/// Seeds of a test, where nothing else is said: `cargo xtask test` says more.
const SEEDS: u64 = 40;

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().and_then(|text| text.parse().ok())
}

fn lived(story: &Story) -> Told {
    World::run(story).unwrap_or_else(|violation| {
        panic!("{violation}\n{}\nagain: VIGO_SIM_SEED={}", violation.trace.join("\n"), violation.seed)
    })
}

/// Lives through the seeds of one test, and looks whether `enough` of something happened in them on the whole.
fn all(first: u64, story: impl Fn(u64) -> Story, enough: impl Fn(&[Told], u64) -> bool) {
    let seeds = match number("VIGO_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => first..first + number("VIGO_SIM_SEEDS").unwrap_or(SEEDS),
    };
    let count = seeds.end - seeds.start;
    let told: Vec<Told> = seeds.map(|seed| lived(&story(seed))).collect();
    assert!(count < SEEDS || enough(&told, count), "too little happened: {told:#?}");
}

fn sum(told: &[Told], of: impl Fn(&Told) -> u64) -> u64 {
    told.iter().map(of).sum()
}

/// On the average of a seed there is much of everything that can go wrong.
fn is_stormy(told: &[Told], seeds: u64) -> bool {
    sum(told, |t| t.crashes) > 10 * seeds
        && sum(told, |t| t.lost) > 10 * seeds
        && sum(told, |t| t.replays) > seeds
        && sum(told, |t| t.forged) > seeds
        && sum(told, |t| t.reports) > 15 * seeds
        && sum(told, |t| t.called) > seeds
        && sum(told, |t| t.orders) > seeds
        && sum(told, |t| t.secrets) > 15 * seeds
        && sum(told, |t| t.thefts) > seeds
        && sum(told, |t| t.rests) > seeds
}

#[test]
fn small_fleets_survive_storms() {
    all(0, Story::stormy, is_stormy);
}

#[test]
fn small_fleets_survive_storms_of_other_seeds() {
    all(1_000_000, Story::stormy, is_stormy);
}

#[test]
fn small_fleets_survive_a_server_that_goes_back_in_time() {
    let story = |seed| Story { restores: true, ..Story::stormy(seed) };
    all(2_000_000, story, |told, seeds| {
        sum(told, |t| t.restores) > seeds / 2
            && sum(told, |t| t.volumes) > seeds / 10
            && sum(told, |t| t.adopted) > seeds / 10
            && sum(told, |t| t.remembered) > seeds / 10
            && is_stormy(told, seeds)
    });
}

#[test]
fn small_fleets_survive_a_server_that_is_lost_but_for_its_recovery_kit() {
    // Patience: who was not let in tries again within five minutes.
    let story = |seed| Story { losses: true, calm: Duration::from_secs(1800), ..Story::stormy(seed) };
    all(6_000_000, story, |told, seeds| {
        sum(told, |t| t.losses) > seeds / 2
            && sum(told, |t| t.enrolled_anew) > seeds / 2
            && sum(told, |t| t.let_in) > seeds / 4
            && sum(told, |t| t.crashes) > 10 * seeds
            && sum(told, |t| t.lost) > 10 * seeds
            && sum(told, |t| t.reports) > 15 * seeds
    });
}

#[test]
fn machines_that_go_back_in_time_are_no_copies() {
    let story = |seed| Story { snapshots: true, ..Story::stormy(seed) };
    all(4_000_000, story, |told, seeds| is_stormy(told, seeds) && sum(told, |t| t.snapshots) > 2 * seeds);
}

#[test]
fn two_machines_with_one_identity_are_found() {
    let story = |seed| Story { copies: true, snapshots: seed % 3 == 0, ..Story::stormy(seed) };
    all(5_000_000, story, |told, seeds| is_stormy(told, seeds) && sum(told, |t| t.copies) > seeds / 2);
}

#[test]
fn large_fleets_survive_storms() {
    let story = |seed| Story { machines: 40, interval: Duration::from_secs(300), ..Story::stormy(seed) };
    all(3_000_000, |seed| if seed % 20 == 0 { story(seed) } else { Story::stormy(seed) }, is_stormy);
}

#[test]
fn a_thousand_agents_survive_a_storm() {
    let told = lived(&Story { machines: 1000, interval: Duration::from_secs(300), ..Story::stormy(1) });
    assert_eq!(told.envoys, 750, "three of four are admitted by their token: {told:?}");
    assert!(told.crashes > 500 && told.lost > 1000 && told.reports > 3000, "{told:?}");
}

#[test]
fn without_faults_nothing_gets_lost() {
    let told = lived(&Story { rarity: 0, hostile: false, ..Story::stormy(3) });
    assert_eq!((told.lost, told.forged, told.envoys), (0, 0, 3), "{told:?}");
}

#[test]
fn a_seed_tells_the_same_story_every_time() {
    let story = Story { restores: true, ..Story::stormy(11) };
    assert_eq!(lived(&story), lived(&story));
    assert_ne!(lived(&story).digest, lived(&Story { seed: 12, ..story }).digest);
}
