//! The simulated partner as the engine sees it.

use crate::kernel::{START, SimClock};
use crate::network::{Asked, Network, PageReply, Reply, TIMEOUT};
use crate::partner::{Sent, Stream, Wire};
use crate::plan::{Fault, Mode, PartnerPlan, Plant};
use crate::reading::{failed, fetch_error, read, result, version};
use crate::theirs::{self, NoteWire, Response};
use bytes::Bytes;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use sync_engine::clock::Clock;
use sync_engine::domain::{
    Answer, CanonicalDocument, ContentHash, DocumentKind, OperationId, PartnerId, PartnerRules, Progress, Purpose, Side,
};
use sync_engine::exchange::Load;
use sync_engine::partner::{
    AnswerIntake, FetchError, FetchedPage, Intake, IntakeError, Later, OutboundKind, PageCursor, PartnerLink, PushCall,
    PushRefusal, Pushed, RawItem, RenderInput, RenderedRequest, SendResult, StreamInfo, Verdict,
};

const OPERATIONS: [OutboundKind; 10] = [
    OutboundKind::Acknowledge,
    OutboundKind::Confirm,
    OutboundKind::Reject,
    OutboundKind::Counter,
    OutboundKind::Submit,
    OutboundKind::Update,
    OutboundKind::Cancel,
    OutboundKind::Close,
    OutboundKind::Receipt,
    OutboundKind::Despatch,
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
            streams: streams(server.plan.is_wide),
            network: Arc::clone(&network),
            clock: Arc::clone(&clock),
        }))
    })
}

fn streams(is_wide: bool) -> Vec<StreamInfo> {
    let info = |stream: Stream| StreamInfo {
        name: stream.name().to_owned(),
        kind: match stream {
            Stream::Orders | Stream::Responses => DocumentKind::Order,
            Stream::Notes => DocumentKind::DespatchAdvice,
        },
        answers: stream == Stream::Responses,
        side: if stream == Stream::Orders {
            Side::Seller
        } else {
            Side::Buyer
        },
        interval: Duration::from_secs(30),
    };
    let all = Stream::ALL.into_iter().take(if is_wide { 3 } else { 1 });
    all.map(info).collect()
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

    /// A confirmation is reserved first, then made.
    fn has_steps(&self, kind: OutboundKind) -> bool {
        self.plan.is_wide && kind == OutboundKind::Confirm
    }

    fn taken(&self) -> Verdict {
        Verdict::Taken {
            verify_after: self.plan.verifies.then_some(Duration::from_secs(3)),
        }
    }

    /// A partner that keeps to keys asks for some once more until it shows them: they must have one effect all the same.
    fn loses(&self, key: uuid::Uuid) -> bool {
        self.plan.mode == Mode::Key && key.as_u128().is_multiple_of(3)
    }

    async fn look(&self, key: uuid::Uuid, verifies: bool) -> SendResult {
        let reply = self.ask(Asked::Look(key)).await;
        let verdict = match &reply {
            Some(Reply::Looked(None)) => Verdict::NotSeen,
            Some(Reply::Looked(Some(true))) => Verdict::Applied,
            Some(Reply::Looked(Some(false))) if verifies && self.loses(key) => Verdict::Lost,
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
        stream: &'a str,
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
            let stream = Stream::of(stream).expect("one of ours");
            let reply = self.ask(Asked::Fetch { stream, from, page }).await;
            match reply {
                Some(Reply::Page(page)) => Ok(self.page(page, from, turn, held > 0)),
                other => Err(fetch_error(other.as_ref())),
            }
        })
    }

    /// Some calls bring all, for others the rest is fetched.
    fn pushed(&self, _stream: &str, call: &PushCall<'_>) -> Result<Pushed, PushRefusal> {
        Ok(Pushed {
            items: vec![call.body.clone()],
            media_type: "application/json",
            fetch: call.body.len().is_multiple_of(2),
        })
    }

    fn complete<'a>(&'a self, _stream: &'a str, stubs: Vec<Bytes>) -> Later<'a, Result<FetchedPage, FetchError>> {
        Box::pin(async move {
            match self.ask(Asked::Complete).await {
                Some(Reply::Complete) => Ok(page_of(stubs.into_iter().map(raw).collect())),
                other => Err(fetch_error(other.as_ref())),
            }
        })
    }

    fn stored<'a>(&'a self, _stream: &'a str, _keys: &'a [serde_json::Value]) -> Later<'a, Result<(), FetchError>> {
        Box::pin(async { Ok(()) })
    }

    fn intake(&self, stream: &str, raw: &[u8]) -> Result<Intake, IntakeError> {
        Ok(match Stream::of(stream) {
            Some(Stream::Responses) => {
                let response: Response = read(raw)?;
                Intake::Answer(AnswerIntake {
                    answer: Answer::OrderResponse(response.answer()),
                    number: response.number,
                    revision: Some(response.sequence.to_string()),
                    id: None,
                    issued_at: None,
                    sequence: None,
                    hash: ContentHash::of(raw),
                    partner_ref: None,
                })
            }
            Some(Stream::Notes) => {
                let wire: NoteWire = read(raw)?;
                let note = theirs::note(&wire.number, &wire.order, "1", wire.delivered);
                version(CanonicalDocument::DespatchAdvice(note), Purpose::Original, 1, raw)
            }
            Some(Stream::Orders) | None => {
                let wire: Wire = read(raw)?;
                version(CanonicalDocument::Order(wire.order()), wire.purpose, wire.sequence, raw)
            }
        })
    }

    fn is_plain(&self, kind: OutboundKind) -> bool {
        !self.has_steps(kind)
    }

    fn step_name(&self, _kind: OutboundKind, progress: &Progress) -> &str {
        if progress.step == 0 { "reserve" } else { "confirm" }
    }

    fn prepares(&self, kind: OutboundKind, progress: &Progress) -> bool {
        self.has_steps(kind) && progress.step == 0
    }

    fn rereads(&self, kind: OutboundKind) -> bool {
        self.has_steps(kind)
    }

    fn here(&self, input: &RenderInput<'_>) -> Result<Option<Progress>, IntakeError> {
        Ok(Some(input.stage.progress.cloned().unwrap_or_default()))
    }

    fn after(
        &self,
        input: &RenderInput<'_>,
        receipt: Option<&serde_json::Value>,
    ) -> Result<Option<Progress>, IntakeError> {
        let at = input.stage.progress.cloned().unwrap_or_default();
        Ok((at.step == 0).then(|| at.onward("reserve", false, receipt).next_step()))
    }

    fn prepare<'a>(&'a self, input: &'a RenderInput<'a>) -> Later<'a, Result<Option<serde_json::Value>, SendResult>> {
        Box::pin(async move {
            let reply = self.ask(Asked::Read(input.document.number().to_owned())).await;
            match &reply {
                Some(Reply::Read(tag)) => Ok(Some(serde_json::json!(tag))),
                other => Err(result(failed(other.as_ref()), other.as_ref())),
            }
        })
    }

    fn render(&self, input: &RenderInput<'_>) -> Result<RenderedRequest, IntakeError> {
        let first = Progress::default();
        let at = input.stage.progress.unwrap_or(&first);
        let has_steps = self.has_steps(input.kind);
        let quantity = match input.document {
            CanonicalDocument::Order(order) => order.lines.first().map(|line| line.quantity),
            CanonicalDocument::DespatchAdvice(_) => None,
        };
        let body = Sent {
            operation: input.operation_id,
            key: at.key(OperationId(input.operation_id)),
            step: at.step,
            is_last: !has_steps || at.step > 0,
            tag: input.stage.prepared.and_then(serde_json::Value::as_i64),
            quantity: quantity.and_then(|quantity| quantity.to_string().parse().ok()),
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
        progress: &'a Progress,
        request: &'a RenderedRequest,
    ) -> Later<'a, SendResult> {
        Box::pin(async move {
            let (sent, _): (Sent, String) = serde_json::from_slice(&request.body).expect("what was rendered");
            // A plain one is sent without its progress.
            if sent.operation != operation || sent.key != progress.key(OperationId(operation)) {
                self.network
                    .kernel
                    .broken(|| format!("the body of {operation} is that of {} {}", sent.operation, sent.key));
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
        Box::pin(self.look(key_of(input), false))
    }

    fn verify<'a>(
        &'a self,
        input: &'a RenderInput<'a>,
        _receipt: Option<&'a serde_json::Value>,
    ) -> Later<'a, SendResult> {
        Box::pin(self.look(key_of(input), true))
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

/// Names the request at the input's stage.
fn key_of(input: &RenderInput<'_>) -> uuid::Uuid {
    let at = input.stage.progress.cloned().unwrap_or_default();
    at.key(OperationId(input.operation_id))
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
