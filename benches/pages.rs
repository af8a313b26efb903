//! How long pages take: one team's page of the sample (a year and more of history), and an organisation of 200 teams.
//! `cargo bench --bench pages`; it prints how large the pages are as well.

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use undercurrent::catalogue::Catalogue;
use undercurrent::config::Config;
use undercurrent::pipeline::history::History;
use undercurrent::pipeline::night::prepare;
use undercurrent::pipeline::record::RunRecord;
use undercurrent::report::input::{Organisation, Team};
use undercurrent::report::render;
use undercurrent::report::words::Words;
use undercurrent::store::Store;

/// How many teams the large organisation has.
const TEAMS: usize = 200;

/// What the sample's pages are made of.
fn sample() -> (Organisation, Vec<Team>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let as_of = "2026-11-23T04:10:00Z".parse().expect("a moment");
    undercurrent::pipeline::sample(folder.path(), as_of).expect("the sample");
    let config = Config::load(&folder.path().join("undercurrent.toml")).expect("the sample's configuration");
    let store = Store::open_reader(&folder.path().join("store")).expect("the sample's store").expect("a store");
    let scopes = RunRecord::last(store.folder()).expect("a record").scopes;
    let history = History::recall(&store).expect("what the sample remembers");
    let prepared = prepare(&config, &store, &scopes, as_of, history, &mut BTreeMap::new()).expect("a night");
    prepared.pages(&config, &scopes, as_of)
}

/// The sample's teams again and again, each with a name of its own.
fn many(teams: &[Team]) -> Vec<Team> {
    let copy = |(at, team): (usize, &Team)| Team {
        id: format!("{}-{at}", team.id),
        name: format!("{} {at}", team.name),
        ..team.clone()
    };
    teams.iter().cycle().take(TEAMS).enumerate().map(copy).collect()
}

fn pages(criterion: &mut Criterion) {
    let catalogue = Catalogue::embedded().expect("the shipped cards");
    let words = Words::embedded().expect("the shipped words");
    let (organisation, teams) = sample();
    let sized = |teams: &[Team]| render(&organisation, teams, &catalogue, &words).expect("pages");
    let fullest =
        teams.iter().max_by_key(|team| sized(std::slice::from_ref(*team))[0].1.len()).expect("a team").clone();
    let alone = Organisation { index: false, ..organisation.clone() };
    println!("the largest page of the sample: {} bytes", sized(std::slice::from_ref(&fullest))[0].1.len());
    criterion.bench_function("one team's page and figures", |bencher| {
        bencher.iter(|| render(&alone, black_box(std::slice::from_ref(&fullest)), &catalogue, &words).expect("pages"));
    });

    let large = many(&teams);
    let index = sized(&large).into_iter().find(|(name, _)| name == "index.html").expect("an index").1.len();
    println!("the index of {TEAMS} teams: {index} bytes");
    criterion.bench_function("index and pages of 200 teams", |bencher| {
        bencher.iter(|| render(&organisation, black_box(&large), &catalogue, &words).expect("pages"));
    });
}

criterion_group! { name = benches; config = Criterion::default().sample_size(20); targets = pages }
criterion_main!(benches);
