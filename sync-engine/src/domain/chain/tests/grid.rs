//! The grid: every event in every state a chain can be in, for both sides and both kinds, as a table to read.
//!
//! The columns are: event -> outcome, and the chain after it where it changed.

use super::*;

const KINDS: [DocumentKind; 2] = [DocumentKind::Order, DocumentKind::DespatchAdvice];
const SIDES: [Side; 2] = [Side::Seller, Side::Buyer];

/// Histories that lead to each state, in letters: `o` original, `c` change, `x` cancellation, `f` final, `a` AB, `p` AP,
/// `r` RE, `k` CA on what can be answered, `s` a saved AP that has not left, `h` one that is held, `n` counter-offer
/// refused, `z` close; `I` an original of ours that is saved, `i` a change, `g` a change that takes the counter-offer, `y`
/// a cancellation, `d` what is saved is delivered, `w` withdrawn.
const HISTORIES: [&str; 29] = [
    "", "o", "oa", "op", "or", "ok", "opc", "opk", "opcr", "ock", "ox", "opx", "okx", "oxp", "oxr", "okn", "opz", "os",
    "osch", "orc", "I", "Id", "Iw", "Idpi", "Idpid", "Idkg", "Idkgd", "Idpx", "Idpy",
];

fn apply(chain: &mut Chain, events: &[Event]) {
    for event in events {
        *chain = decide(chain, event, &PartnerRules::default()).chain;
    }
}

fn answer(chain: &Chain, code: HeaderAnswer) -> Vec<Event> {
    let Some(version) = chain.answerable() else {
        return Vec::new();
    };
    let counter = (code == HeaderAnswer::CA && chain.kind == DocumentKind::Order).then(|| hash("counter"));
    if chain.we_issue() {
        return vec![Event::AnswerReceived { version, code, counter }];
    }
    let operation = op(100 + chain.versions.len() as u128);
    vec![
        Event::AnswerSaved {
            operation,
            version,
            code,
        },
        Event::AnswerDelivered { operation, counter },
    ]
}

fn build(kind: DocumentKind, side: Side, history: &str) -> Chain {
    let mut chain = Chain::new(kind, side);
    for step in history.chars() {
        let sequence = Some(chain.versions.iter().filter_map(|v| v.sequence).max().unwrap_or(0) + 1);
        let issue = |purpose| vec![version(&chain, purpose, sequence, &format!("{step}{sequence:?}"))];
        let events = match step {
            'o' => issue(Purpose::Original),
            'c' => issue(Purpose::Change),
            'x' => issue(Purpose::Cancellation),
            'a' => answer(&chain, HeaderAnswer::AB),
            'p' => answer(&chain, HeaderAnswer::AP),
            'r' => answer(&chain, HeaderAnswer::RE),
            'k' => answer(&chain, HeaderAnswer::CA),
            's' => vec![Event::AnswerSaved {
                operation: op(1),
                version: VersionNumber(1),
                code: HeaderAnswer::AP,
            }],
            // The change before it holds the saved answer.
            'h' => Vec::new(),
            'n' => vec![Event::CounterRefused { author: chain.issuer() }],
            'I' => ours(&chain, Purpose::Original, None),
            'i' => ours(&chain, Purpose::Change, None),
            'g' => ours(&chain, Purpose::Change, chain.current),
            'y' => ours(&chain, Purpose::Cancellation, None),
            'd' => vec![Event::AnswerDelivered {
                operation: op(chain.versions.len() as u128),
                counter: None,
            }],
            'w' => vec![Event::AnswerWithdrawn {
                operation: op(chain.versions.len() as u128),
            }],
            'z' => vec![Event::Close { author: Author::Us }],
            other => panic!("no step {other}"),
        };
        apply(&mut chain, &events);
    }
    chain
}

fn ours(chain: &Chain, purpose: Purpose, base: Option<VersionNumber>) -> Vec<Event> {
    let sequence = chain.versions.iter().filter_map(|v| v.sequence).max().unwrap_or(0) + 1;
    vec![Event::IssueSaved {
        operation: op(chain.versions.len() as u128 + 1),
        purpose,
        sequence: Some(sequence),
        hash: hash(&format!("ours{sequence}")),
        base,
    }]
}

/// Every event there is, aimed at this chain: the issuer's and the other side's acts, on the answerable version and on
/// the first one, known and new content.
fn events(chain: &Chain) -> Vec<(String, Event)> {
    let newest = chain.versions.iter().filter_map(|v| v.sequence).max().unwrap_or(0);
    let known = chain.versions.first().map_or_else(|| hash("new"), |v| v.hash);
    let mut out = Vec::new();
    for author in [Author::Partner, Author::Us] {
        for purpose in [
            Purpose::Original,
            Purpose::Change,
            Purpose::Cancellation,
            Purpose::Counter,
            Purpose::Final,
        ] {
            let base = (purpose == Purpose::Counter).then(|| chain.answerable().unwrap_or(VersionNumber(1)));
            let next = Event::Version {
                author,
                purpose,
                sequence: (purpose != Purpose::Counter).then_some(newest + 1),
                hash: hash("new"),
                base,
                overtaken: false,
            };
            out.push((format!("{author:?}: {purpose:?}"), next));
        }
    }
    let again = |sequence, hash| Event::Version {
        author: chain.issuer(),
        purpose: Purpose::Original,
        sequence: Some(sequence),
        hash,
        base: None,
        overtaken: false,
    };
    out.push(("known sequence, known content".into(), again(1, known)));
    out.push(("known sequence, other content".into(), again(1, hash("other"))));
    out.push(("lower sequence, other content".into(), again(0, hash("other"))));
    let targets = [("answerable", chain.answerable()), ("first", Some(VersionNumber(1)))];
    for (name, target) in targets {
        let Some(number) = target else { continue };
        if name == "first" && chain.answerable() == Some(number) {
            continue;
        }
        for code in [HeaderAnswer::AB, HeaderAnswer::AP, HeaderAnswer::CA, HeaderAnswer::RE] {
            let saved = Event::AnswerSaved {
                operation: op(50),
                version: number,
                code,
            };
            out.push((format!("we save {code:?} on {name}"), saved));
            let received = Event::AnswerReceived {
                version: number,
                code,
                counter: (code == HeaderAnswer::CA).then(|| hash("new")),
            };
            out.push((format!("they answer {code:?} on {name}"), received));
        }
    }
    for purpose in [
        Purpose::Original,
        Purpose::Change,
        Purpose::Cancellation,
        Purpose::Final,
    ] {
        let saved = Event::IssueSaved {
            operation: op(60),
            purpose,
            sequence: Some(newest + 1),
            hash: hash("new"),
            base: None,
        };
        out.push((format!("we save our {purpose:?}"), saved));
    }
    out.push(("we save a close".into(), Event::CloseSaved { operation: op(61) }));
    let operation = chain.pending.last().map_or(op(1), |p| p.operation);
    out.push((
        "our answer is delivered".into(),
        Event::AnswerDelivered {
            operation,
            counter: None,
        },
    ));
    out.push(("our answer is released".into(), Event::AnswerReleased { operation }));
    out.push(("our answer is withdrawn".into(), Event::AnswerWithdrawn { operation }));
    for author in [Author::Partner, Author::Us] {
        out.push((format!("{author:?}: counter refused"), Event::CounterRefused { author }));
    }
    out.push(("close".into(), Event::Close { author: Author::Us }));
    out
}

fn table(kind: DocumentKind, side: Side) -> String {
    use std::fmt::Write;
    let mut out = String::new();
    for history in HISTORIES {
        let chain = build(kind, side, history);
        let _ = writeln!(out, "\n=== {}  (history \"{history}\")", show(&chain));
        for (name, event) in events(&chain) {
            let decision = decide(&chain, &event, &PartnerRules::default());
            let mut line = format!("  {name:<36} -> {:?}", decision.outcome);
            if decision.chain != chain {
                let _ = write!(line, ": {}", show(&decision.chain));
            }
            for attention in &decision.attention {
                let what = match attention {
                    Attention::AnswerHeld(_) => "answer held",
                    Attention::SequenceConflict => "sequence conflict",
                    Attention::SequenceGap => "sequence gap",
                    Attention::NotUndone(_) => "not undone",
                };
                let _ = write!(line, " !{what}");
            }
            let _ = writeln!(out, "{line}");
        }
    }
    out
}

#[test]
fn every_event_in_every_state() {
    for kind in KINDS {
        for side in SIDES {
            insta::assert_snapshot!(format!("{kind:?}-{side:?}"), table(kind, side));
        }
    }
}

#[test]
fn the_histories_reach_every_state_of_chain_and_version() {
    let mut chains = std::collections::BTreeSet::new();
    let mut versions = std::collections::BTreeSet::new();
    for kind in KINDS {
        for side in SIDES {
            for history in HISTORIES {
                let chain = build(kind, side, history);
                chains.insert(chain.state);
                versions.extend(chain.versions.iter().map(|v| v.state));
            }
        }
    }
    assert_eq!(chains.len(), 9, "{chains:?}");
    assert_eq!(versions.len(), 8, "{versions:?}");
}
