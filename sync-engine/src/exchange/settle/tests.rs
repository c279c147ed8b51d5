use super::*;
use DeliveryState::{Applied, Dead, Delivered, Held, Queued, Retrying, Unknown};

const ASK: Recourse = Recourse {
    can_look_up: true,
    honours_key: true,
};
const LOOK: Recourse = Recourse {
    honours_key: false,
    ..ASK
};
const KEY: Recourse = Recourse {
    can_look_up: false,
    honours_key: true,
};
const BLIND: Recourse = Recourse {
    can_look_up: false,
    honours_key: false,
};

#[test]
fn the_first_step_never_sends_blindly_twice() {
    // was, possibly sent, recourse, step
    let table = [
        (Queued, false, BLIND, Some(Step::Send)),
        (Retrying, false, BLIND, Some(Step::Send)),
        (Queued, true, ASK, Some(Step::Lookup)),
        (Queued, true, KEY, Some(Step::Send)),
        (Queued, true, BLIND, None),
        (Unknown, false, ASK, Some(Step::Lookup)),
        (Unknown, true, KEY, Some(Step::Send)),
        (Unknown, false, BLIND, None),
        (Delivered, false, BLIND, Some(Step::Verify)),
        (Delivered, true, ASK, Some(Step::Verify)),
    ];
    for (was, possibly_sent, recourse, step) in table {
        assert_eq!(
            first_step(was, possibly_sent, recourse),
            step,
            "{was:?} {possibly_sent} {recourse:?}"
        );
    }
}

/// What is checked of a settlement: state, due after so many milliseconds (`Some(-1)`: some time), taken, error code.
type Seen = (DeliveryState, Option<i64>, bool, Option<&'static str>);

fn check(step: Step, verdict: &Verdict, recourse: Recourse, late: bool, wanted: Seen) {
    let pace = Pace::default();
    let now = Timestamp(if late { 80 * 3_600_000 } else { 1000 });
    let at = Circumstances {
        was_unknown: false,
        settled_from: Timestamp(0),
        attempts: 1,
        scheduled_from: Timestamp(0),
        now,
        random: 500,
        recourse,
    };
    let result = SendResult {
        verdict: verdict.clone(),
        status: Some(418),
        receipt: None,
        message: Some("the partner's words".to_owned()),
        excerpt: None,
        lines: crate::partner::LinesLeft::default(),
    };
    let settled = settle(step, &result, &at, &pace);
    let due = settled.due_at.map(|d| d.0 - now.0);
    let code = settled.error.as_ref().map(|e| e.code.as_str());
    assert_eq!(
        (settled.to, due, settled.taken, code),
        wanted,
        "{step:?} {verdict:?} {recourse:?} late {late}"
    );
    if let Some(error) = settled.error.filter(|e| e.code != "partner.not_applied") {
        assert_eq!(
            (error.status, error.message.as_deref()),
            (Some(418), Some("the partner's words"))
        );
    }
}

#[test]
fn every_verdict_of_a_step_has_its_state() {
    let seconds = Duration::from_secs;
    let taken = Verdict::Taken { verify_after: None };
    let verify = Verdict::Taken {
        verify_after: Some(seconds(3)),
    };
    let pending = Verdict::Pending {
        again_after: seconds(2),
    };
    let again = |retry_after| Verdict::Again {
        code: "partner.unavailable",
        retry_after,
        breaker: true,
    };
    let unknown = Verdict::Unknown {
        code: "partner.timeout",
    };
    let conflict = Verdict::Conflict {
        code: "partner.superseded",
    };
    let rejected = Verdict::Rejected {
        code: "partner.rejected",
    };
    let failed = Verdict::Rejected { code: "partner.failed" };
    let table: &[(Step, &Verdict, Recourse, bool, Seen)] = &[
        (Step::Send, &taken, ASK, false, (Delivered, None, true, None)),
        (Step::Send, &verify, ASK, false, (Delivered, Some(3000), true, None)),
        (Step::Send, &Verdict::Applied, ASK, false, (Applied, None, true, None)),
        (Step::Send, &pending, ASK, false, (Delivered, Some(2000), true, None)),
        (
            Step::Send,
            &again(None),
            BLIND,
            false,
            (Retrying, Some(500), false, Some("partner.unavailable")),
        ),
        (
            Step::Send,
            &again(Some(seconds(40))),
            BLIND,
            false,
            (Retrying, Some(40_000), false, Some("partner.unavailable")),
        ),
        (
            Step::Send,
            &again(None),
            BLIND,
            true,
            (Dead, None, false, Some("partner.unavailable")),
        ),
        (
            Step::Send,
            &unknown,
            ASK,
            false,
            (Unknown, Some(500), false, Some("partner.timeout")),
        ),
        (
            Step::Send,
            &unknown,
            KEY,
            false,
            (Unknown, Some(500), false, Some("partner.timeout")),
        ),
        (
            Step::Send,
            &unknown,
            BLIND,
            false,
            (Held, None, false, Some("partner.timeout")),
        ),
        (
            Step::Send,
            &unknown,
            ASK,
            true,
            (Held, None, false, Some("partner.timeout")),
        ),
        (
            Step::Send,
            &Verdict::Credentials,
            ASK,
            true,
            (Retrying, Some(0), false, Some("partner.credentials")),
        ),
        (
            Step::Send,
            &conflict,
            ASK,
            false,
            (Held, None, false, Some("partner.superseded")),
        ),
        (
            Step::Send,
            &rejected,
            ASK,
            false,
            (Dead, None, false, Some("partner.rejected")),
        ),
        (Step::Lookup, &taken, ASK, false, (Delivered, None, true, None)),
        (Step::Lookup, &Verdict::Applied, ASK, false, (Applied, None, true, None)),
        (Step::Lookup, &pending, ASK, false, (Delivered, Some(2000), true, None)),
        (
            Step::Lookup,
            &Verdict::NotSeen,
            ASK,
            false,
            (Retrying, Some(0), false, None),
        ),
        (
            Step::Lookup,
            &again(None),
            ASK,
            false,
            (Unknown, Some(500), false, Some("partner.unavailable")),
        ),
        (
            Step::Lookup,
            &again(None),
            ASK,
            true,
            (Held, None, false, Some("partner.unavailable")),
        ),
        (
            Step::Lookup,
            &unknown,
            ASK,
            false,
            (Unknown, Some(500), false, Some("partner.timeout")),
        ),
        (
            Step::Lookup,
            &Verdict::Credentials,
            ASK,
            false,
            (Unknown, Some(0), false, Some("partner.credentials")),
        ),
        (
            Step::Lookup,
            &rejected,
            ASK,
            false,
            (Held, None, false, Some("partner.rejected")),
        ),
        (
            Step::Lookup,
            &conflict,
            ASK,
            false,
            (Held, None, false, Some("partner.superseded")),
        ),
        (
            Step::Lookup,
            &failed,
            ASK,
            false,
            (Dead, None, false, Some("partner.failed")),
        ),
        (Step::Verify, &Verdict::Applied, ASK, false, (Applied, None, true, None)),
        (Step::Verify, &pending, ASK, false, (Delivered, Some(2000), false, None)),
        (
            Step::Verify,
            &pending,
            ASK,
            true,
            (Delivered, None, false, Some("partner.not_applied")),
        ),
        (
            Step::Verify,
            &Verdict::NotSeen,
            ASK,
            false,
            (Delivered, Some(1000), false, None),
        ),
        (
            Step::Verify,
            &again(None),
            ASK,
            false,
            (Delivered, Some(500), false, Some("partner.unavailable")),
        ),
        (
            Step::Verify,
            &again(None),
            ASK,
            true,
            (Delivered, None, false, Some("partner.unavailable")),
        ),
        (
            Step::Verify,
            &Verdict::Credentials,
            ASK,
            false,
            (Delivered, Some(0), false, Some("partner.credentials")),
        ),
        (
            Step::Verify,
            &failed,
            ASK,
            false,
            (Dead, None, false, Some("partner.failed")),
        ),
        (
            Step::Verify,
            &rejected,
            ASK,
            false,
            (Delivered, Some(20_000), false, None),
        ),
        (
            Step::Verify,
            &conflict,
            ASK,
            false,
            (Delivered, Some(20_000), false, None),
        ),
    ];
    for (step, verdict, recourse, late, wanted) in table {
        check(*step, verdict, *recourse, *late, *wanted);
    }
}

#[test]
fn a_delivered_one_that_is_not_shown_is_looked_up_now_and_then() {
    let pace = Pace::default();
    let look = |seconds: i64, recourse| {
        let result = SendResult {
            lines: crate::partner::LinesLeft::default(),
            verdict: Verdict::Pending {
                again_after: Duration::from_secs(60),
            },
            status: Some(404),
            receipt: None,
            message: None,
            excerpt: None,
        };
        let at = Circumstances {
            was_unknown: false,
            settled_from: Timestamp(0),
            attempts: 9,
            scheduled_from: Timestamp(0),
            now: Timestamp(seconds * 1000),
            random: 0,
            recourse,
        };
        settle(Step::Verify, &result, &at, &pace).to
    };
    let table = [
        (60, ASK, Delivered),
        (13 * 60, ASK, Delivered),
        (14 * 60 + 30, ASK, Unknown),
        (14 * 60 + 30, KEY, Delivered),
        (16 * 60, ASK, Delivered),
        (29 * 60 + 1, ASK, Unknown),
    ];
    for (seconds, recourse, to) in table {
        assert_eq!(look(seconds, recourse), to, "after {seconds} s");
    }
}

#[test]
fn only_trouble_on_the_way_speaks_against_the_partner() {
    let pace = Pace::default();
    let at = Circumstances {
        was_unknown: false,
        settled_from: Timestamp(0),
        attempts: 1,
        scheduled_from: Timestamp(0),
        now: Timestamp(0),
        random: 0,
        recourse: ASK,
    };
    let table = [
        (Verdict::Applied, Report::Reached, Credentials::Accepted, false),
        (
            Verdict::Rejected {
                code: "partner.rejected",
            },
            Report::Neither,
            Credentials::Accepted,
            false,
        ),
        (
            Verdict::Conflict {
                code: "partner.superseded",
            },
            Report::Neither,
            Credentials::Accepted,
            false,
        ),
        (Verdict::Credentials, Report::Neither, Credentials::Refused, true),
        (
            Verdict::Unknown {
                code: "partner.timeout",
            },
            Report::Failed,
            Credentials::NotAsked,
            true,
        ),
        (
            Verdict::Again {
                code: "partner.busy",
                retry_after: None,
                breaker: false,
            },
            Report::Neither,
            Credentials::NotAsked,
            true,
        ),
        (
            Verdict::Again {
                code: "partner.unavailable",
                retry_after: None,
                breaker: true,
            },
            Report::Failed,
            Credentials::NotAsked,
            true,
        ),
    ];
    for (verdict, report, credentials, told) in table {
        let result = SendResult {
            lines: crate::partner::LinesLeft::default(),
            verdict,
            status: None,
            receipt: None,
            message: None,
            excerpt: None,
        };
        let learned = settle(Step::Send, &result, &at, &pace).learned;
        assert_eq!(
            (learned.report, learned.credentials, learned.error.is_some()),
            (report, credentials, told),
            "{:?}",
            result.verdict
        );
    }
}

/// A send or a lookup after earlier ones: what it comes to.
fn after_doubt(step: Step, verdict: Verdict, status: Option<u16>, at: &Circumstances) -> (DeliveryState, Option<i64>) {
    let result = SendResult {
        verdict,
        status,
        receipt: None,
        message: None,
        excerpt: None,
        lines: crate::partner::LinesLeft::default(),
    };
    let settled = settle(step, &result, at, &Pace::default());
    (settled.to, settled.due_at.map(|at| at.0))
}

const IN_DOUBT: Circumstances = Circumstances {
    was_unknown: false,
    settled_from: Timestamp(0),
    attempts: 1,
    scheduled_from: Timestamp(0),
    now: Timestamp(10_000),
    random: 0,
    recourse: KEY,
};

fn unavailable() -> Verdict {
    Verdict::Again {
        code: "partner.unavailable",
        retry_after: None,
        breaker: true,
    }
}

#[test]
fn a_gateways_answer_leaves_open_what_the_partner_did() {
    for (recourse, to) in [(KEY, Unknown), (ASK, Unknown), (BLIND, Held)] {
        let at = Circumstances { recourse, ..IN_DOUBT };
        for status in [502, 504] {
            assert_eq!(after_doubt(Step::Send, unavailable(), Some(status), &at).0, to);
        }
        assert_eq!(after_doubt(Step::Send, unavailable(), Some(503), &at).0, Retrying);
        assert_eq!(after_doubt(Step::Lookup, unavailable(), Some(504), &at).0, Unknown);
    }
}

#[test]
fn a_failure_of_the_second_send_does_not_make_the_first_one_known() {
    let at = Circumstances {
        was_unknown: true,
        ..IN_DOUBT
    };
    let code = "partner.conflict";
    for verdict in [unavailable(), Verdict::Credentials, Verdict::Conflict { code }] {
        assert_eq!(after_doubt(Step::Send, verdict, None, &at).0, Unknown);
    }
    let late = Circumstances {
        now: Timestamp(80 * 3_600_000),
        ..at
    };
    assert_eq!(after_doubt(Step::Send, unavailable(), Some(503), &late).0, Held);
}

#[test]
fn what_may_be_on_its_way_is_not_taken_for_unseen() {
    let at = Circumstances {
        settled_from: Timestamp(60_000),
        recourse: LOOK,
        ..IN_DOUBT
    };
    let unseen = |at: &Circumstances| after_doubt(Step::Lookup, Verdict::NotSeen, None, at);
    assert_eq!(unseen(&at), (Unknown, Some(60_000)));
    let settled = Circumstances {
        now: Timestamp(60_000),
        ..at
    };
    assert_eq!(unseen(&settled), (Retrying, Some(60_000)));
    assert_eq!(unseen(&Circumstances { recourse: ASK, ..at }).0, Retrying, "by its key");
}
