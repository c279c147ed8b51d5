//! The simulated partner as the engine sees it.

use crate::kernel::{START, SimClock};
use crate::network::{Asked, Network, PageReply, Reply, TIMEOUT};
use crate::partner::{Sent, Wire};
use crate::plan::{Fault, Mode, PartnerPlan, Plant};
use bytes::Bytes;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use sync_engine::clock::Clock;
use sync_engine::domain::{CanonicalDocument, ContentHash, DocumentKind, PartnerId, PartnerRules, Progress, Side};
use sync_engine::exchange::Load;
use sync_engine::partner::http::plain_verdict;
use sync_engine::partner::{
    FetchError, FetchedPage, Intake, IntakeError, IntakeProblem, Later, LinesLeft, OutboundKind, PageCursor,
    PartnerLink, PushCall, PushRefusal, Pushed, RawItem, RenderInput, RenderedRequest, SendResult, StreamInfo, Verdict,
    VersionIntake,
};

const OPERATIONS: [OutboundKind; 8] = [
    OutboundKind::Acknowledge,
    OutboundKind::Confirm,
    OutboundKind::Reject,
    OutboundKind::Counter,
    OutboundKind::Submit,
    OutboundKind::Update,
    OutboundKind::Cancel,
    OutboundKind::Close,
];

/// Puts the partner that a file is named after on line.
pub fn loader(network: &Arc<Network>, clock: &Arc<SimClock>, from: (usize, u32)) -> Box<Load> {
    let (network, clock) = (Arc::clone(network), Arc::clone(clock));
    Box::new(move |path: &Path| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let index: usize = name
            .trim_start_matches('p')
            .parse()
            .map_err(|_| vec!["no partner".to_owned()])?;
        let net = network.lock();
        let server = &net.servers[index];
        if server.is_configuration_broken {
            return Err(vec!["a comma is missing".to_owned()]);
        }
        Ok(Arc::new(SimLink {
            id: PartnerId(server.id.clone()),
            index,
            from,
            plan: server.plan.clone(),
            plant: server.plant,
            fingerprint: format!("{}-{}", server.id, server.configuration),
            rules: PartnerRules::default(),
            streams: vec![StreamInfo {
                name: "orders".to_owned(),
                kind: DocumentKind::Order,
                answers: false,
                side: Side::Seller,
                interval: Duration::from_secs(30),
            }],
            network: Arc::clone(&network),
            clock: Arc::clone(&clock),
        }))
    })
}

pub struct SimLink {
    id: PartnerId,
    index: usize,
    from: (usize, u32),
    plan: PartnerPlan,
    plant: Option<Plant>,
    fingerprint: String,
    rules: PartnerRules,
    streams: Vec<StreamInfo>,
    network: Arc<Network>,
    clock: Arc<SimClock>,
}

impl SimLink {
    /// `None`: no answer within a request's time.
    async fn ask(&self, asked: Asked) -> Option<Reply> {
        let slot = self.network.ask(self.index, self.from, asked);
        tokio::select! {
            biased;
            reply = slot.wait() => Some(reply),
            () = self.clock.sleep(TIMEOUT) => None,
        }
    }

    fn taken(&self) -> Verdict {
        Verdict::Taken {
            verify_after: self.plan.verifies.then_some(Duration::from_secs(3)),
        }
    }

    async fn look(&self, operation: uuid::Uuid, verifies: bool) -> SendResult {
        let reply = self.ask(Asked::Look(operation)).await;
        let verdict = match &reply {
            Some(Reply::Looked(None)) => Verdict::NotSeen,
            Some(Reply::Looked(Some(true))) => Verdict::Applied,
            Some(Reply::Looked(Some(false))) if verifies => Verdict::Pending {
                again_after: Duration::from_secs(3),
            },
            Some(Reply::Looked(Some(false))) => self.taken(),
            _ => match failed(reply.as_ref()) {
                Verdict::Unknown { code } => Verdict::Again {
                    code,
                    retry_after: None,
                    breaker: true,
                },
                other => other,
            },
        };
        result(verdict, reply.as_ref())
    }
}

/// What no success means, as over HTTP.
fn failed(reply: Option<&Reply>) -> Verdict {
    match reply {
        None => Verdict::Unknown {
            code: "partner.timeout",
        },
        Some(Reply::Unreachable) => Verdict::Again {
            code: "partner.unreachable",
            retry_after: None,
            breaker: true,
        },
        Some(Reply::Status(status, wait)) => {
            let wait = wait.map(|s| Duration::from_secs(u64::from(s)));
            plain_verdict(*status, wait).unwrap_or(Verdict::Unknown { code: "partner.broken" })
        }
        Some(Reply::Broken | Reply::Looked(_) | Reply::Page(_)) => Verdict::Unknown { code: "partner.broken" },
    }
}

fn result(verdict: Verdict, reply: Option<&Reply>) -> SendResult {
    let status = match reply {
        Some(Reply::Status(status, _)) => Some(*status),
        Some(Reply::Looked(_)) => Some(200),
        Some(Reply::Unreachable | Reply::Broken | Reply::Page(_)) | None => None,
    };
    SendResult {
        verdict,
        status,
        receipt: None,
        message: status.map(|s| format!("says {s}")),
        excerpt: status.map(|s| format!("{{\"status\":{s}}}")),
        lines: LinesLeft::default(),
    }
}

fn fetch_error(reply: Option<&Reply>) -> FetchError {
    let (code, retry_after, transient, breaker) = match failed(reply) {
        Verdict::Again {
            code,
            retry_after,
            breaker,
        } => (code, retry_after, true, breaker),
        Verdict::Unknown { code } => (code, None, true, true),
        Verdict::Credentials => ("partner.credentials", None, false, false),
        _ => ("partner.rejected", None, false, false),
    };
    FetchError {
        code,
        status: result(Verdict::NotSeen, reply).status,
        message: code.to_owned(),
        retry_after,
        transient,
        breaker,
    }
}

fn number(value: &serde_json::Value, name: &str) -> u64 {
    value.get(name).and_then(serde_json::Value::as_u64).unwrap_or(0)
}

impl PartnerLink for SimLink {
    fn id(&self) -> &PartnerId {
        &self.id
    }

    fn name(&self) -> &str {
        &self.id.0
    }

    fn rules(&self) -> &PartnerRules {
        &self.rules
    }

    fn streams(&self) -> &[StreamInfo] {
        &self.streams
    }

    fn operations(&self) -> &[OutboundKind] {
        &OPERATIONS
    }

    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn concurrency(&self) -> usize {
        self.plan.concurrency
    }

    fn honours_idempotency_key(&self) -> bool {
        self.plan.mode == Mode::Key
    }

    fn can_look_up(&self, _kind: OutboundKind, _progress: &Progress) -> bool {
        self.plan.mode == Mode::Look
    }

    fn fetch<'a>(
        &'a self,
        _stream: &'a str,
        watermark: Option<&'a str>,
        cursor: Option<&'a PageCursor>,
    ) -> Later<'a, Result<FetchedPage, FetchError>> {
        Box::pin(async move {
            let (from, turn, held) = match cursor {
                Some(cursor) => (
                    number(&cursor.0, "at"),
                    number(&cursor.0, "turn"),
                    number(&cursor.0, "held"),
                ),
                None => (watermark.and_then(|w| w.parse().ok()).unwrap_or(0), 0, 0),
            };
            let from = usize::try_from(from).unwrap_or(0);
            let page = self.plan.page;
            let reply = self.ask(Asked::Fetch { from, page }).await;
            match reply {
                Some(Reply::Page(page)) => Ok(self.page(page, from, turn, held > 0)),
                other => Err(fetch_error(other.as_ref())),
            }
        })
    }

    fn pushed(&self, _stream: &str, _call: &PushCall<'_>) -> Result<Pushed, PushRefusal> {
        Err(PushRefusal::NotConfigured)
    }

    fn complete<'a>(&'a self, _stream: &'a str, stubs: Vec<Bytes>) -> Later<'a, Result<FetchedPage, FetchError>> {
        let items = stubs.into_iter().map(raw).collect();
        Box::pin(async move { Ok(page_of(items)) })
    }

    fn stored<'a>(&'a self, _stream: &'a str, _keys: &'a [serde_json::Value]) -> Later<'a, Result<(), FetchError>> {
        Box::pin(async { Ok(()) })
    }

    fn intake(&self, _stream: &str, raw: &[u8]) -> Result<Intake, IntakeError> {
        let wire: Wire = serde_json::from_slice(raw).map_err(|error| IntakeError {
            stage: "schema",
            number: None,
            problems: vec![IntakeProblem {
                pointer: String::new(),
                message: error.to_string(),
            }],
        })?;
        Ok(Intake::Version(VersionIntake {
            document: CanonicalDocument::Order(wire.order()),
            purpose: wire.purpose,
            sequence: Some(wire.sequence),
            revision: Some(wire.sequence.to_string()),
            hash: ContentHash::of(raw),
            partner_ref: None,
        }))
    }

    fn render(&self, input: &RenderInput<'_>) -> Result<RenderedRequest, IntakeError> {
        let body = Sent {
            operation: input.operation_id,
            kind: format!("{:?}", input.kind),
            number: input.document.number().to_owned(),
            sequence: input.revision.and_then(|r| r.parse().ok()),
        };
        Ok(RenderedRequest {
            method: "POST".to_owned(),
            // What a configuration changes is seen in every request.
            url: format!("https://{}/{}", self.fingerprint, input.document.number()),
            headers: Vec::new(),
            media_type: "application/json".to_owned(),
            body: serde_json::to_vec(&(&body, &self.fingerprint)).expect("JSON").into(),
        })
    }

    fn send<'a>(
        &'a self,
        _kind: OutboundKind,
        operation: uuid::Uuid,
        _progress: &'a Progress,
        request: &'a RenderedRequest,
    ) -> Later<'a, SendResult> {
        Box::pin(async move {
            let (sent, _): (Sent, String) = serde_json::from_slice(&request.body).expect("what was rendered");
            if sent.operation != operation {
                self.network
                    .kernel
                    .broken(|| format!("the body of {operation} is that of {}", sent.operation));
            }
            let mut body = request.body.to_vec();
            if self.plant == Some(Plant::BodyChanges) {
                body.extend(self.clock.now().0.to_le_bytes());
            }
            let _flight = self.network.fly(self.from, self.index, &sent, &body);
            let reply = self.ask(Asked::Send(sent)).await;
            let verdict = match &reply {
                Some(Reply::Status(200, _)) => self.taken(),
                other => failed(other.as_ref()),
            };
            result(verdict, reply.as_ref())
        })
    }

    fn lookup<'a>(
        &'a self,
        input: &'a RenderInput<'a>,
        _receipt: Option<&'a serde_json::Value>,
    ) -> Later<'a, SendResult> {
        Box::pin(self.look(input.operation_id, false))
    }

    fn verify<'a>(
        &'a self,
        input: &'a RenderInput<'a>,
        _receipt: Option<&'a serde_json::Value>,
    ) -> Later<'a, SendResult> {
        Box::pin(self.look(input.operation_id, true))
    }
}

impl SimLink {
    fn page(&self, page: PageReply, from: usize, turn: u64, held: bool) -> FetchedPage {
        let ahead = usize::from(self.plant == Some(Plant::WatermarkAhead));
        let held = held || page.fault == Some(Fault::Partly);
        let next = match page.fault {
            Some(Fault::SamePage) => Some(serde_json::json!({ "at": from, "turn": turn, "held": u8::from(held) })),
            Some(Fault::Circle) => Some(serde_json::json!({ "at": from, "turn": turn + 1, "held": u8::from(held) })),
            _ if page.has_more => Some(serde_json::json!({ "at": page.end, "turn": turn, "held": u8::from(held) })),
            _ => None,
        };
        FetchedPage {
            next: next.map(PageCursor),
            // Nothing is passed over that could not be had.
            watermark: (!held && page.end > from).then(|| (page.end + ahead).to_string()),
            held: held.then(|| fetch_error(Some(&Reply::Unreachable))),
            clock_skew_ms: Some(START + self.network.kernel.now() - self.clock.now().0),
            ..page_of(page.items.into_iter().map(|item| raw(item.bytes)).collect())
        }
    }
}

fn raw(bytes: Bytes) -> RawItem {
    RawItem {
        bytes,
        media_type: "application/json".to_owned(),
    }
}

fn page_of(items: Vec<RawItem>) -> FetchedPage {
    FetchedPage {
        items,
        set_aside: Vec::new(),
        keys: Vec::new(),
        held: None,
        next: None,
        watermark: None,
        clock_skew_ms: None,
    }
}
