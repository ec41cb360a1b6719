//! The seeds of every test run, and that a seed is a seed.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use lakehold_testkit::Sabotage;
use lakehold_testkit::SimulationSettings;
use lakehold_testkit::simulate;

/// How many seeds every test run has.
const SEEDS: u64 = 500;

/// Requests of each: enough for everything to meet everything, few enough for a minute.
const REQUESTS: usize = 100;

/// As many as the smallest machine has processors.
const THREADS: usize = 2;

/// Within how many seeds a store that breaks a promise must be found out.
const SEEDS_TO_NOTICE: u64 = 10;

fn settings(seed: u64) -> SimulationSettings {
    SimulationSettings { seed, requests: REQUESTS, trace: false, sabotage: None }
}

#[test]
fn nothing_goes_wrong_in_500_seeds() {
    let next = AtomicU64::new(0);
    let run = || {
        let mut failures = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= SEEDS {
                return failures;
            }
            failures.extend(simulate(settings(seed)).err().map(|failure| failure.to_string()));
        }
    };
    let failures: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(run)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    assert!(failures.is_empty(), "{} seeds failed:\n{}", failures.len(), failures.join("\n\n"));
}

#[test]
fn the_same_seed_does_the_same_again() {
    for seed in [3, 4, 5, 6] {
        let settings = SimulationSettings { requests: 150, trace: true, ..settings(seed) };
        let first = simulate(settings).expect("nothing is wrong");
        let second = simulate(settings).expect("nothing is wrong");
        assert_eq!(first.trace, second.trace);
        assert_eq!(first, second);
        let other = simulate(SimulationSettings { seed: seed + 100, ..settings });
        assert_ne!(other.expect("nothing is wrong").hash, first.hash);
    }
}

#[test]
fn everything_that_can_happen_does() {
    let mut kinds = std::collections::BTreeMap::<&str, [u64; 3]>::new();
    let (mut refused, mut lost, mut crashes) = (0, 0, 0);
    for seed in 10_000..10_040 {
        let report = simulate(settings(seed)).expect("nothing is wrong");
        refused += report.refused;
        lost += report.lost;
        crashes += report.crashes;
        for (kind, counts) in report.requests {
            let all = kinds.entry(kind).or_default();
            all.iter_mut().zip(counts).for_each(|(all, count)| *all += count);
        }
    }
    assert!(refused > 0 && lost > 0 && crashes > 0, "{refused} {lost} {crashes}");
    assert_eq!(kinds.len(), 25, "{kinds:?}");
    for (kind, [done, _, _]) in kinds {
        assert!(done > 0, "no {kind} is ever done");
    }
}

/// The checks see what they are there to see.
#[test]
fn a_store_that_breaks_a_promise_is_found_out() {
    for sabotage in Sabotage::ALL {
        let broken = |seed| SimulationSettings { sabotage: Some(sabotage), ..settings(seed) };
        let is_noticed = (0..SEEDS_TO_NOTICE).any(|seed| simulate(broken(seed)).is_err());
        assert!(is_noticed, "{sabotage}, and nobody has noticed");
    }
}
