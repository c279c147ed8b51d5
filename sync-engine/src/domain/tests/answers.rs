//! The seller's answers: what is wrong with each, and the counter-offer that comes of one.

use super::*;
use crate::domain::answer::{Reason, ReasonCode};
use crate::domain::check::check_order_response;
use crate::domain::counter::{counter_offer, restates};
use crate::domain::rules::{AnswerUpdate, OnChange};
use crate::domain::{Earlier, EarlierAnswer};

use LineAnswerCode::{Accepted, Added, AlreadyDelivered, Backordered, Changed, Held, Rejected, Substituted};

/// Answers with what is wrong with each; an empty text is an answer that may be sent.
fn answers() -> Vec<(&'static str, OrderResponse)> {
    let others = || vec![part("20", Accepted), part("30", Accepted)];
    let with = |lines: Vec<LineAnswer>| counter(lines.into_iter().chain(others()).collect());
    let oth = |text: Option<&str>| Reason {
        code: ReasonCode::Oth,
        text: text.map(str::to_owned),
    };
    vec![
        ("confirm", header(HeaderAnswer::AP)),
        ("acknowledge", header(HeaderAnswer::AB)),
        (
            "confirm with lines",
            OrderResponse {
                lines: others(),
                ..header(HeaderAnswer::AP)
            },
        ),
        ("reject without reason", header(HeaderAnswer::RE)),
        (
            "reject, other without text",
            OrderResponse {
                reason: Some(oth(Some("  "))),
                ..header(HeaderAnswer::RE)
            },
        ),
        (
            "reject, other with text",
            OrderResponse {
                reason: Some(oth(Some("fire"))),
                ..header(HeaderAnswer::RE)
            },
        ),
        (
            "a long note",
            OrderResponse {
                note: Some("x".repeat(2001)),
                ..header(HeaderAnswer::AP)
            },
        ),
        ("nothing differs", with(vec![part("10", Accepted)])),
        (
            "a line is missing",
            counter(vec![quantity("10", Changed, "80"), part("30", Accepted)]),
        ),
        ("changed quantity", with(vec![quantity("10", Changed, "80")])),
        ("changed to more", with(vec![quantity("10", Changed, "120")])),
        ("changed, nothing differs", with(vec![quantity("10", Changed, "100.0")])),
        (
            "changed date",
            with(vec![LineAnswer {
                date: Some(day("2026-12-09")),
                ..part("10", Changed)
            }]),
        ),
        (
            "changed date within the asked days",
            with(vec![LineAnswer {
                date: Some(day("2026-12-03")),
                ..part("10", Changed)
            }]),
        ),
        (
            "date before issue",
            with(vec![LineAnswer {
                date: Some(day("2025-01-01")),
                ..part("10", Changed)
            }]),
        ),
        (
            "accepted with another price",
            with(vec![LineAnswer {
                price: Some(dec("3")),
                ..part("10", Accepted)
            }]),
        ),
        (
            "accepted with a late date",
            with(vec![LineAnswer {
                date: Some(day("2026-12-09")),
                ..part("10", Accepted)
            }]),
        ),
        ("accepted in part", with(vec![quantity("10", Accepted, "80")])),
        (
            "negative quantity and price",
            with(vec![LineAnswer {
                price: Some(dec("-1")),
                ..quantity("10", Changed, "-3")
            }]),
        ),
        (
            "split that sums",
            with(vec![quantity("10", Accepted, "60"), quantity("10", Backordered, "40")]),
        ),
        (
            "split that is short",
            with(vec![quantity("10", Accepted, "60"), quantity("10", Backordered, "30")]),
        ),
        (
            "split that is over",
            with(vec![quantity("10", Accepted, "60"), quantity("10", Rejected, "50")]),
        ),
        (
            "split without quantity",
            with(vec![quantity("10", Accepted, "60"), part("10", Backordered)]),
        ),
        (
            "backorder not allowed",
            counter(vec![
                part("10", Accepted),
                part("20", Accepted),
                part("30", Backordered),
            ]),
        ),
        ("substitute missing", with(vec![part("10", Substituted)])),
        (
            "substitute on a change",
            with(vec![LineAnswer {
                substitute: Some(Item::default()),
                ..quantity("10", Changed, "1")
            }]),
        ),
        (
            "unknown line",
            with(vec![quantity("10", Changed, "80"), part("99", Rejected)]),
        ),
        ("added over an ordered line", with(vec![part("10", Added)])),
        (
            "added without item and quantity",
            with(vec![quantity("10", Changed, "80"), part("40", Added)]),
        ),
        (
            "already delivered and held",
            counter(vec![
                part("10", AlreadyDelivered),
                part("20", Held),
                part("30", Accepted),
            ]),
        ),
    ]
}

#[test]
fn every_problem_of_an_answer_is_named() {
    let mut table = String::new();
    for (name, answer) in answers() {
        table += &format!("{name}\n");
        for problem in check_order_response(&order(), &answer, &PartnerRules::default(), &Earlier::default()) {
            table += &format!("    {} {}\n", problem.pointer, problem.message);
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn the_partners_rules_change_what_an_answer_needs() {
    let previous = counter(vec![
        part("10", Rejected),
        quantity("20", Changed, "4"),
        part("30", Accepted),
    ]);
    let partial = counter(vec![part("10", Accepted), quantity("20", Changed, "3")]);
    let problems = |change: &dyn Fn(&mut PartnerRules)| {
        let mut rules = PartnerRules::default();
        change(&mut rules);
        let given = EarlierAnswer {
            order: order(),
            same_version: true,
            response: previous.clone(),
        };
        let earlier = Earlier::of(&order(), &[given], &rules);
        check_order_response(&order(), &partial, &rules, &earlier)
            .into_iter()
            .map(|p| p.message)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        problems(&|_| {}),
        ["line 30 is not answered: an answer with changes (CA) states every line"]
    );
    assert!(problems(&|r| r.missing_lines_rejected = true).is_empty());
    assert!(problems(&|r| r.answer_update = AnswerUpdate::PerLine).is_empty());
    let finals = problems(&|r| {
        r.rejected_line_final = true;
        r.missing_lines_rejected = true;
    });
    assert_eq!(
        finals,
        ["line 10 was rejected before, and this partner takes that as final: leave it rejected"]
    );
}

#[test]
fn a_counter_offer_is_an_order_of_its_own() {
    let substitute = Item {
        description: Some("Better item".into()),
        ..Item::default()
    };
    let answer = counter(vec![
        quantity("10", Accepted, "60"),
        LineAnswer {
            date: Some(day("2027-01-15")),
            ..quantity("10", Backordered, "30")
        },
        quantity("10", Rejected, "10"),
        LineAnswer {
            substitute: Some(substitute.clone()),
            price: Some(dec("21.00")),
            ..part("20", Substituted)
        },
        part("30", Rejected),
        LineAnswer {
            substitute: Some(substitute),
            price: Some(dec("1.005")),
            ..quantity("A1", Added, "1")
        },
    ]);
    assert_eq!(
        check_order_response(&order(), &answer, &PartnerRules::default(), &Earlier::default()),
        []
    );
    let offer = counter_offer(&order(), &answer, &PartnerRules::default(), &Earlier::default());
    let shown: Vec<String> = offer
        .lines
        .iter()
        .map(|l| {
            format!(
                "{} {} x {} = {} on {}",
                l.id,
                l.quantity,
                l.price.unwrap_or_default(),
                l.net.as_ref().map_or(0, |n| n.minor),
                l.requested_delivery.map_or("-".into(), |r| r.last.to_string())
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            "10 60 x 2.50 = 15000 on 2026-12-05",
            "10.2 30 x 2.50 = 7500 on 2027-01-15",
            "20 5 x 21.00 = 10500 on 2026-12-05",
            "A1 1 x 1.005 = 101 on -",
        ]
    );
    let totals = offer.totals.clone().expect("every line has a net");
    // The added line has no tax rate, so tax and gross are not known.
    assert_eq!((totals.net.minor, totals.tax, totals.gross), (33_101, None, None));
    let mut update = offer.clone();
    update.lines.reverse();
    update.revision = Some("2".into());
    assert!(restates(&offer, &update));
    update.lines[0].quantity += Decimal::ONE;
    assert!(!restates(&offer, &update));
}

/// Answers to one order, oldest first, all to the version that is answered now unless told.
fn given(answers: &[(bool, OrderResponse)]) -> Vec<EarlierAnswer> {
    let given = |(same_version, response): &(bool, OrderResponse)| EarlierAnswer {
        order: order(),
        same_version: *same_version,
        response: response.clone(),
    };
    answers.iter().map(given).collect()
}

#[test]
fn answers_that_update_line_by_line_add_up() {
    let rules = PartnerRules {
        answer_update: AnswerUpdate::PerLine,
        ..PartnerRules::default()
    };
    let whole = counter(vec![
        quantity("10", Changed, "80"),
        part("20", Accepted),
        part("30", Rejected),
    ]);
    let second = counter(vec![quantity("20", Changed, "3")]);
    let third = counter(vec![quantity("10", Changed, "70")]);
    let earlier = Earlier::of(
        &order(),
        &given(&[(true, whole.clone()), (true, second.clone())]),
        &rules,
    );
    assert_eq!(check_order_response(&order(), &third, &rules, &earlier), []);
    let offer = counter_offer(&order(), &third, &rules, &earlier);
    let shown: Vec<_> = offer.lines.iter().map(|l| format!("{} {}", l.id, l.quantity)).collect();
    assert_eq!(shown, ["10 70", "20 3"]);

    // A confirmation in between speaks of every line; a rejection ends what was said.
    let confirmed = given(&[(true, whole.clone()), (true, header(HeaderAnswer::AP))]);
    let offer = counter_offer(&order(), &second, &rules, &Earlier::of(&order(), &confirmed, &rules));
    assert_eq!(offer.lines.len(), 3);
    let rejected = given(&[(true, whole.clone()), (true, header(HeaderAnswer::RE))]);
    assert_eq!(Earlier::of(&order(), &rejected, &rules), Earlier::default());

    // What was said of the version before holds for lines that stayed as they were, unless a change drops it.
    let mut changed = order();
    changed.lines[0].quantity = dec("90");
    let before = given(&[(false, whole)]);
    let kept = Earlier::of(&changed, &before, &rules);
    assert_eq!(
        kept.lines.iter().map(|l| l.line_id.as_str()).collect::<Vec<_>>(),
        ["20", "30"]
    );
    let dropping = PartnerRules {
        on_change: OnChange::DropAgreed,
        ..rules
    };
    assert_eq!(Earlier::of(&changed, &before, &dropping), Earlier::default());
}

#[test]
fn a_line_rejected_for_good_stays_so_in_every_later_answer() {
    let rules = PartnerRules {
        rejected_line_final: true,
        missing_lines_rejected: true,
        ..PartnerRules::default()
    };
    // Line 30 is rejected by being left out, and left out once more before somebody takes it back.
    let first = counter(vec![quantity("10", Changed, "80"), part("20", Accepted)]);
    let earlier = Earlier::of(&order(), &given(&[(true, first.clone()), (true, first)]), &rules);
    assert_eq!(earlier.rejected.iter().collect::<Vec<_>>(), ["30"]);
    let problems = |answer: &OrderResponse| {
        let problems = check_order_response(&order(), answer, &rules, &earlier).into_iter();
        problems.map(|p| p.pointer).collect::<Vec<_>>()
    };
    assert_eq!(problems(&header(HeaderAnswer::AP)), ["/code"]);
    let taken = counter(vec![
        quantity("10", Changed, "80"),
        part("20", Accepted),
        part("30", Accepted),
    ]);
    assert_eq!(problems(&taken), ["/lines/2/code"]);
    let kept = counter(vec![
        quantity("10", Changed, "70"),
        part("20", Accepted),
        part("30", Rejected),
    ]);
    assert_eq!(problems(&kept), [""; 0]);
}

#[test]
fn an_answer_departs_from_the_order_as_far_as_the_rules_allow() {
    let rules = PartnerRules {
        quantity_tolerance_percent: Some(10),
        price_tolerance_percent: Some(0),
        ..PartnerRules::default()
    };
    let problems = |line: LineAnswer| {
        let answer = counter(vec![line, part("20", Accepted), part("30", Accepted)]);
        let problems = check_order_response(&order(), &answer, &rules, &Earlier::default());
        problems.into_iter().map(|p| p.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(problems(quantity("10", Changed, "90")), [""; 0]);
    assert_eq!(
        problems(quantity("10", Changed, "89")),
        ["/lines/0/quantity: 89 lies more than 10 % from the 100 that line 10 orders"]
    );
    let priced = LineAnswer {
        price: Some(dec("2.51")),
        ..part("10", Changed)
    };
    assert_eq!(
        problems(priced),
        ["/lines/0/price: 2.51 lies more than 0 % from the 2.5 that line 10 orders"]
    );
}
