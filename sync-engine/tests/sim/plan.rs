//! What a seed means: partners, engines, and a schedule of acts. Each act stands alone, so that a failing schedule can be
//! made smaller by leaving acts out.

use crate::chance::Chance;
use std::time::Duration;
use sync_engine::domain::HeaderAnswer;
use sync_engine::exchange::{BreakerPace, Pace};

/// How a partner lets an effect be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// One effect per idempotency key.
    Key,
    /// No such promise, but it can be asked.
    Look,
    /// Neither.
    Blind,
}

#[derive(Debug, Clone)]
pub struct PartnerPlan {
    pub mode: Mode,
    /// Shows an operation as applied some time after it took it.
    pub verifies: bool,
    /// Answers 409 to what is about an older version.
    pub strict: bool,
    pub concurrency: usize,
    pub page: usize,
    /// Also takes and brings what not every partner does: answers to our orders, delivery notes, calls, and confirmations
    /// in two steps of which the first is made with what it was asked before.
    pub is_wide: bool,
}

/// What the way to a partner does to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Connect,
    LoseRequest,
    LoseAnswer,
    /// Answered so, without an effect.
    Status(u16, Option<u32>),
    /// A gateway's answer, after the partner did its work.
    LateStatus(u16),
    /// Takes seconds, or minutes.
    Slow,
    /// Names the page that was asked for as the next one.
    SamePage,
    /// Leads from page to page in a circle.
    Circle,
    /// Lists again what it listed before.
    Again,
    /// Newest first.
    Backwards,
    /// A part of the page cannot be had now.
    Partly,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    Now,
    /// Instead of the next commit.
    BeforeCommit,
    /// After the next commit, before anybody hears of it.
    AfterCommit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    // The partner's.
    Order {
        partner: usize,
        poison: Option<u16>,
    },
    Change {
        partner: usize,
    },
    /// The version after the next one comes first.
    LateChange {
        partner: usize,
    },
    Withdraw {
        partner: usize,
    },
    Broken {
        partner: usize,
    },
    Repeat {
        partner: usize,
    },
    /// An answer to an order of ours.
    Respond {
        partner: usize,
    },
    /// A delivery note for an order of ours.
    Note {
        partner: usize,
    },
    /// A version comes by a call to one of the engines, and is in no list.
    Call {
        partner: usize,
        engine: usize,
    },
    // The clerk's.
    Answer {
        engine: usize,
        code: HeaderAnswer,
    },
    Issue {
        engine: usize,
        partner: usize,
    },
    Amend {
        engine: usize,
        cancel: bool,
    },
    /// Says what arrived of a delivery.
    Receive {
        engine: usize,
    },
    /// A delivery note of ours.
    Ship {
        engine: usize,
    },
    Retry {
        engine: usize,
    },
    Release {
        engine: usize,
    },
    TakeBack {
        engine: usize,
    },
    Pause {
        engine: usize,
        partner: usize,
        on: bool,
    },
    Rerun {
        engine: usize,
        partner: usize,
    },
    Sync {
        engine: usize,
        partner: usize,
    },
    // The world's.
    Weather {
        partner: usize,
        fault: Fault,
        seconds: u32,
        percent: u64,
    },
    Crash {
        engine: usize,
        how: Crash,
        seconds: u32,
    },
    Stop {
        engine: usize,
        seconds: u32,
    },
    Freeze {
        engine: usize,
        seconds: u32,
    },
    Jump {
        engine: usize,
        seconds: i64,
    },
    Reconfigure {
        partner: usize,
        broken: bool,
    },
}

#[derive(Debug, Clone)]
pub struct Act {
    pub at: i64,
    pub kind: Kind,
}

/// A bug put in on purpose, to see that it is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// A partner that promises one effect per key has two.
    KeyForgotten,
    /// A partner is asked, and says that it has nothing.
    LookupLies,
    /// Another body at another attempt.
    BodyChanges,
    /// The watermark passes over an item.
    WatermarkAhead,
    /// A crash loses the last commit.
    CommitLost,
    /// A number on the screen counts one too many.
    CounterWrong,
    /// An entry of the history is altered.
    AuditAltered,
    /// What is withdrawn comes back.
    WithdrawnReturns,
    /// A retry is due in a year.
    NeverAgain,
    /// Chance from outside.
    OwnChance,
    /// An outcome is written whoever's lease it is by then.
    EpochForgotten,
}

#[derive(Debug, Clone)]
pub struct Plan {
    pub plant: Option<Plant>,
    pub seed: u64,
    pub engines: usize,
    pub partners: Vec<PartnerPlan>,
    pub acts: Vec<Act>,
    /// When faults end.
    pub calm_at: i64,
    pub pace: Pace,
    /// Only poison, no other faults: every other operation has to be through at once.
    pub quiet: bool,
}

impl Plan {
    pub fn of(seed: u64) -> Self {
        let mut chance = Chance::of(seed, 0);
        let quiet = chance.percent(15);
        let engines = if quiet || chance.percent(65) { 1 } else { 2 };
        let count = chance.between(1, 3);
        let mut partners: Vec<PartnerPlan> = (0..count).map(|_| partner(&mut chance)).collect();
        let calm_at = i64::try_from(chance.between(40, 150) * 1_000).unwrap_or(60_000);
        let mut acts = Vec::new();
        for _ in 0..chance.between(3, 8) {
            let at = i64::try_from(chance.between(0, 5_000)).unwrap_or(0);
            let kind = order(&mut chance, partners.len(), quiet);
            acts.push(Act { at, kind });
        }
        for _ in 0..chance.between(5, 40) {
            let at = i64::try_from(chance.between(2_000, u64::try_from(calm_at).unwrap_or(60_000))).unwrap_or(0);
            let kind = match quiet {
                true => peaceful(&mut chance, engines, partners.len(), quiet),
                false => any(&mut chance, engines, partners.len()),
            };
            acts.push(Act { at, kind });
        }
        let mut chance_of_more = Chance::of(seed, 5);
        if chance_of_more.percent(50) {
            widen(&mut chance_of_more, (engines, calm_at), &mut partners, &mut acts);
        }
        Self {
            plant: None,
            seed,
            engines,
            partners,
            acts,
            calm_at,
            pace: pace(&mut chance),
            quiet,
        }
    }
}

/// Drawn apart from the rest, so that a plan without it is what it was.
fn widen(chance: &mut Chance, (engines, calm_at): (usize, i64), partners: &mut [PartnerPlan], acts: &mut Vec<Act>) {
    for partner in partners.iter_mut() {
        partner.is_wide = chance.percent(70);
    }
    for _ in 0..chance.between(4, 24) {
        let at = i64::try_from(chance.between(3_000, u64::try_from(calm_at).unwrap_or(60_000))).unwrap_or(0);
        let (engine, partner) = (index(chance, engines), index(chance, partners.len()));
        let kind = match chance.between(0, 99) {
            0..=24 => Kind::Issue { engine, partner },
            25..=49 => Kind::Respond { partner },
            50..=61 => Kind::Note { partner },
            62..=71 => Kind::Receive { engine },
            72..=79 => Kind::Ship { engine },
            _ => Kind::Call { partner, engine },
        };
        acts.push(Act { at, kind });
    }
}

fn partner(chance: &mut Chance) -> PartnerPlan {
    PartnerPlan {
        mode: chance.pick(&[Mode::Key, Mode::Key, Mode::Look, Mode::Look, Mode::Blind]),
        verifies: chance.percent(40),
        strict: chance.percent(40),
        concurrency: usize::try_from(chance.between(1, 4)).unwrap_or(1),
        page: usize::try_from(chance.between(1, 5)).unwrap_or(1),
        is_wide: false,
    }
}

/// The product's schedule in seconds and minutes instead of hours, with its proportions.
fn pace(chance: &mut Chance) -> Pace {
    Pace {
        durable: [5, 15, 40].map(Duration::from_secs).to_vec(),
        give_up_after: Duration::from_secs(chance.pick(&[60, 240, 600])),
        doubt_after: Duration::from_secs(60),
        retry_after_cap: Duration::from_secs(90),
        poll_interval: Some(Duration::from_secs(chance.pick(&[15, 30]))),
        idle_tick: Duration::from_secs(10),
        pages_per_run: 20,
        breaker: BreakerPace {
            window: Duration::from_secs(60),
            probe_after: Duration::from_secs(10),
            probe_cap: Duration::from_secs(60),
            ..Pace::default().breaker
        },
        ..Pace::default()
    }
}

fn index(chance: &mut Chance, count: usize) -> usize {
    usize::try_from(chance.next() % count as u64).unwrap_or(0)
}

fn order(chance: &mut Chance, partners: usize, quiet: bool) -> Kind {
    let poison = chance.percent(if quiet { 30 } else { 8 });
    Kind::Order {
        partner: index(chance, partners),
        poison: poison.then(|| chance.pick(&[400, 422, 500, 503])),
    }
}

fn peaceful(chance: &mut Chance, engines: usize, partners: usize, quiet: bool) -> Kind {
    use HeaderAnswer::{AB, AP, CA, RE};
    let (engine, partner) = (index(chance, engines), index(chance, partners));
    match chance.between(0, 99) {
        0..=9 => order(chance, partners, quiet),
        10..=17 => Kind::Change { partner },
        18..=20 => Kind::LateChange { partner },
        21..=23 => Kind::Withdraw { partner },
        24..=26 => Kind::Broken { partner },
        27..=28 => Kind::Repeat { partner },
        29..=68 => Kind::Answer {
            engine,
            code: chance.pick(&[AP, AP, AP, RE, CA, AB]),
        },
        69..=74 => Kind::Issue { engine, partner },
        75..=79 => Kind::Amend {
            engine,
            cancel: chance.percent(40),
        },
        80..=84 => Kind::Retry { engine },
        85..=89 => Kind::Release { engine },
        90..=93 => Kind::TakeBack { engine },
        94..=95 => Kind::Rerun { engine, partner },
        _ => Kind::Sync { engine, partner },
    }
}

fn any(chance: &mut Chance, engines: usize, partners: usize) -> Kind {
    let (engine, partner) = (index(chance, engines), index(chance, partners));
    let seconds = u32::try_from(chance.between(1, 40)).unwrap_or(1);
    match chance.between(0, 99) {
        0..=54 => peaceful(chance, engines, partners, false),
        55..=76 => Kind::Weather {
            partner,
            fault: fault(chance),
            seconds,
            percent: chance.pick(&[20, 50, 100]),
        },
        77..=84 => Kind::Crash {
            engine,
            how: chance.pick(&[Crash::Now, Crash::BeforeCommit, Crash::AfterCommit]),
            seconds: seconds / 4,
        },
        85..=86 => Kind::Stop { engine, seconds },
        87..=90 => Kind::Freeze {
            engine,
            seconds: chance.pick(&[1, 10, 130, 200]),
        },
        91..=94 => Kind::Jump {
            engine,
            seconds: chance.pick(&[-3_600, -90, -5, 5, 90, 3_600]),
        },
        95..=97 => Kind::Reconfigure {
            partner,
            broken: chance.percent(30),
        },
        _ => Kind::Pause {
            engine,
            partner,
            on: chance.percent(60),
        },
    }
}

fn fault(chance: &mut Chance) -> Fault {
    let wait = chance
        .percent(50)
        .then(|| u32::try_from(chance.between(1, 60)).unwrap_or(1));
    chance.pick(&[
        Fault::Connect,
        Fault::LoseRequest,
        Fault::LoseAnswer,
        Fault::LoseAnswer,
        Fault::Status(500, None),
        Fault::Status(503, wait),
        Fault::Status(429, wait),
        Fault::Status(408, None),
        Fault::Status(425, None),
        Fault::Status(401, None),
        Fault::Status(409, None),
        Fault::Status(412, None),
        Fault::LateStatus(504),
        Fault::LateStatus(502),
        Fault::Slow,
        Fault::Slow,
        Fault::SamePage,
        Fault::Circle,
        Fault::Again,
        Fault::Backwards,
        Fault::Partly,
    ])
}
