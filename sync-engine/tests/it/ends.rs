//! The ends of what fails before the partner reads anything: credentials that are refused, a name that nobody knows, a
//! certificate that does not hold. The statuses and cuts have theirs in `poison`.

use crate::exchange_world::{World, confirm, fast, partners_dir, sandbox_options, until};
use crate::partner_tls;
use std::time::Duration;
use sync_engine::domain::DeliveryState;
use sync_engine::exchange::{BreakerPace, Pace};
use sync_engine::sandbox::{Fault, FaultKind};
use sync_engine::store::OperationRow;

/// More than any test asks.
const ALWAYS: u32 = 1_000_000;

/// A breaker that never opens: what is told here is the operation's own end.
fn patient() -> Pace {
    let pace = fast();
    Pace {
        give_up_after: Duration::from_secs(3),
        breaker: BreakerPace {
            in_a_row: ALWAYS,
            least_outcomes: ALWAYS,
            ..pace.breaker.clone()
        },
        ..pace
    }
}

impl World {
    async fn has_open(&self, kind: &str) {
        until(kind, || {
            let open = self.store().open_incidents(self.engine.company()).expect("readable");
            open.iter().any(|i| i.kind == kind).then_some(())
        })
        .await;
    }

    /// Sends an answer to an address that only its configuration names, and waits for its end.
    async fn end_at(&self, url: &str) -> OperationRow {
        let order = self.order(1).await;
        let token_url = format!("{}/oauth/token", self.sandbox().url());
        self.configure(|config| {
            config["name"] = url.into();
            config["baseUrl"] = url.into();
            config["auth"]["tokenUrl"] = token_url.into();
            config["caCertificates"] = "roots.pem".into();
            config["limits"]["connectSeconds"] = 1.into();
        });
        until("the new address", || {
            let partners = self.engine.partners().expect("readable");
            partners.iter().any(|p| p.name == url).then_some(())
        })
        .await;
        let saved = self.answer(&order, confirm()).await;
        let end = self.reaches(saved.id, DeliveryState::Dead).await;
        // The way back, for the next order.
        self.configure(|config| config["name"] = "back".into());
        until("the way back", || {
            let partners = self.engine.partners().expect("readable");
            partners.iter().any(|p| p.name == "back").then_some(())
        })
        .await;
        end
    }
}

fn code(row: &OperationRow) -> &str {
    row.last_error.as_ref().map_or("", |error| error.code.as_str())
}

/// 401 with a new token too: one new token, then the partner is not asked but now and then, and what waits goes by itself
/// once the credentials are good again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_credentials_wait_for_a_person_and_go_on_by_themselves() {
    let world = World::with(patient(), sandbox_options()).await;
    let order = world.order(1).await;
    world
        .sandbox()
        .set_faults(vec![Fault::times(FaultKind::ExpiredToken, ALWAYS).on("/api/")]);
    let saved = world.answer(&order, confirm()).await;
    world.has_open("partner.credentials").await;
    let waits = world.reaches(saved.id, DeliveryState::Retrying).await;
    assert_eq!(code(&waits), "partner.credentials");
    // It is due at once, and does not end while a person mends them.
    tokio::time::sleep(world.pace.give_up_after).await;
    let later = world.operation(saved.id);
    assert_ne!(later.state, DeliveryState::Dead, "{later:?}");
    assert!(
        later.attempts < 40,
        "it is asked now and then, not all the while: {}",
        later.attempts
    );
    world.sandbox().set_faults(Vec::new());
    world.reaches(saved.id, DeliveryState::Applied).await;
    crate::evidence::ran(
        "ends::refused_credentials_wait_for_a_person_and_go_on_by_themselves",
        &format!("{} attempts while they were refused", later.attempts),
    );
    world.end(&[]).await;
}

/// No address, no certificate that holds: nothing left, so nothing happened twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_name_is_tried_again_and_a_certificate_that_does_not_hold_is_not() {
    let world = World::with(patient(), sandbox_options()).await;
    let trusted = partner_tls::authority();
    std::fs::write(partners_dir(world.dir.path()).join("roots.pem"), trusted.pem()).expect("written");
    // RFC 6761: nobody has such a name.
    let unknown = world.end_at("https://partner.invalid").await;
    assert_eq!(code(&unknown), "partner.unreachable");
    assert!(unknown.attempts > 1, "it is tried again: {unknown:?}");

    let stranger = partner_tls::partner(&partner_tls::authority(), "localhost", None).await;
    let misnamed = partner_tls::partner(&trusted, "somebody-else.example", None).await;
    for url in [&stranger, &misnamed] {
        let refused = world.end_at(url).await;
        assert_eq!(
            (code(&refused), refused.attempts),
            ("partner.certificate", 1),
            "{refused:?}"
        );
    }
    assert_eq!(
        world.sandbox().state().operations.len(),
        0,
        "the partner saw none of them"
    );
    world.end(&[DeliveryState::Dead]).await;
}
