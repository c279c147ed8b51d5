//! The reference of configurations, `docs/partner`: every worked example runs against a real HTTP server, every page is
//! in the index, and every field of the JSON Schema stands on some page.

use crate::partner_link::{root, secrets};
use crate::reference_page::{Block, Page, difference, fits, folder, pages, turns};
use crate::reference_partner::ScriptedPartner;
use crate::reference_sending;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use sync_engine::clock::SystemClock;
use sync_engine::domain::{CanonicalDocument, Timestamp};
use sync_engine::partner::{
    self, CONFIG_SCHEMA, FetchedPage, HttpPartner, IntakeError, PartnerLink, RenderInput, Secrets, SendResult, Stage,
    Verdict,
};
use uuid::Uuid;

/// Requests that one block may take: an example that runs in a circle ends.
const MAX_STEPS: usize = 50;

#[tokio::test]
async fn every_example_of_the_reference_holds() {
    let pages = pages();
    let readme = pages.first().expect("a page");
    let config = readme
        .blocks
        .iter()
        .find(|b| b.word(0) == "config")
        .expect("a configuration")
        .json();
    let mut ran = 0;
    let mut wrong = Vec::new();
    for page in &pages {
        let mut run = Run::new(&config);
        for block in &page.blocks {
            let held = run.block(block).await;
            wrong.extend(
                held.err()
                    .map(|e| format!("docs/partner/{}:{}: {e}", page.name, block.line)),
            );
            ran += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(ran >= 40, "{ran} blocks");
}

#[test]
fn every_page_is_in_the_index() {
    let pages = pages();
    let (readme, others) = pages.split_first().expect("pages");
    for page in others {
        let linked = format!("({})", page.name);
        assert!(readme.text.contains(&linked), "README.md does not list {}", page.name);
    }
    for page in &pages {
        for link in page.text.split("](").skip(1).filter_map(|l| l.split(')').next()) {
            let file = link.split('#').next().unwrap_or_default();
            if !file.is_empty() && !file.contains("://") {
                assert!(folder().join(file).exists(), "{}: there is no {link}", page.name);
            }
        }
    }
}

#[test]
fn every_field_of_the_schema_stands_on_a_page() {
    let named: BTreeSet<String> = pages().iter().flat_map(named_in_code).collect();
    let schema: Value = serde_json::from_str(CONFIG_SCHEMA).unwrap();
    let mut lacking = Vec::new();
    let sections = schema["$defs"].as_object().unwrap().iter();
    for (section, fields) in sections.map(|(n, s)| (n.as_str(), s)).chain([("", &schema)]) {
        for name in fields["properties"].as_object().into_iter().flatten().map(|(n, _)| n) {
            if !named.contains(name) {
                lacking.push(format!("{section}/{name}"));
            }
        }
    }
    assert!(lacking.is_empty(), "no page of docs/partner names {lacking:#?}");
}

/// The value of a secret as a page writes it.
fn secret_text(value: &str) -> String {
    match value {
        "a new P-256 key" => rcgen::KeyPair::generate().unwrap().serialize_pem(),
        "a new certificate with its key" => {
            let made = rcgen::generate_simple_self_signed(vec!["countersign.example".to_owned()]).unwrap();
            made.cert.pem() + &made.signing_key.serialize_pem()
        }
        other => other.to_owned(),
    }
}

/// Words in `code` and in fenced blocks.
fn named_in_code(page: &Page) -> Vec<String> {
    let fenced = page.text.split("```").skip(1).step_by(2);
    let inline = page.text.split('`').skip(1).step_by(2);
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '$');
    fenced
        .chain(inline)
        .flat_map(|code| code.split(word))
        .map(str::to_owned)
        .collect()
}

/// A page that is read from top to bottom: what its blocks have set up so far.
struct Run {
    /// The page's configuration, and the one with the newest fragments in it.
    whole: Value,
    current: Value,
    secrets: Value,
    payload: Option<(String, Vec<u8>)>,
    document: Option<Value>,
    /// The version before it, and the order that it delivers.
    previous: Option<Value>,
    order: Option<Value>,
    answer: Value,
    /// What came of the last payload, poll or send.
    documents: Vec<Value>,
    facts: Vec<String>,
}

type Held = Result<(), String>;

impl Run {
    fn new(config: &Value) -> Self {
        Self {
            whole: config.clone(),
            current: config.clone(),
            secrets: json!({}),
            payload: None,
            document: None,
            previous: None,
            order: None,
            answer: json!({}),
            documents: Vec::new(),
            facts: Vec::new(),
        }
    }

    async fn block(&mut self, block: &Block) -> Held {
        match (block.language.as_str(), block.word(0)) {
            ("json", "config") => {
                self.whole = block.json();
                self.current = self.whole.clone();
                self.link(&self.current.to_string()).map(drop)
            }
            ("json", "at" | "also") => {
                let also = block.word(0) == "also";
                if !also {
                    self.current = self.whole.clone();
                }
                set(&mut self.current, block.word(if also { 2 } else { 1 }), block.json());
                // Fragments that belong together are checked by the block that uses them.
                Ok(())
            }
            ("json", "secrets") => {
                self.secrets = block.json();
                Ok(())
            }
            ("json" | "xml", "payload") => self.payload(block),
            ("json", "document") => {
                self.document = Some(block.json());
                (self.previous, self.order) = (None, None);
                Ok(())
            }
            ("json", "previous") => {
                self.previous = Some(block.json());
                Ok(())
            }
            ("json", "order") => {
                self.order = Some(block.json());
                Ok(())
            }
            ("json", "answer") => {
                self.answer = block.json();
                Ok(())
            }
            ("json", "canonical") => self.canonical(&block.json()),
            ("http", "poll") => self.poll(block).await,
            ("http", "send") => self.send(block).await,
            ("text", "outcome") => self.outcome(block),
            (language, word) => Err(format!("there is no block \"{language} {word}\": see tools.md")),
        }
    }

    fn link(&self, text: &str) -> Result<HttpPartner, String> {
        let config =
            partner::parse(text, "the example", &root().join("configs/partners")).map_err(|e| e.to_string())?;
        let values: Vec<(String, String)> = config
            .secret_names()
            .into_iter()
            .map(|name| {
                (
                    name.to_owned(),
                    secret_text(self.secrets[name].as_str().unwrap_or(name)),
                )
            })
            .collect();
        let values: Vec<_> = values.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let secrets: Arc<dyn Secrets> = secrets(&values);
        config.connect(secrets, Arc::new(SystemClock))
    }

    fn payload(&mut self, block: &Block) -> Held {
        let link = self.link(&self.current.to_string())?;
        let stream = match block.word(1) {
            "" => link.streams().first().ok_or("there is no stream")?.name.clone(),
            name => name.to_owned(),
        };
        let bytes = block.body.clone().into_bytes();
        (self.documents, self.facts) = (Vec::new(), Vec::new());
        self.take_in(&link, &stream, &bytes);
        self.payload = Some((stream, bytes));
        Ok(())
    }

    fn take_in(&mut self, link: &HttpPartner, stream: &str, bytes: &[u8]) {
        match link.intake(stream, bytes) {
            Ok(intake) => self.documents.extend(partner::canonical(&intake)),
            Err(refused) => self.facts.extend(quarantine(&refused)),
        }
    }

    fn canonical(&self, expected: &Value) -> Held {
        let found = match expected {
            Value::Array(_) => json!(self.documents),
            _ => match self.documents.as_slice() {
                [one] => one.clone(),
                several => {
                    return Err(format!(
                        "one document is expected, this is {several:?} {:?}",
                        self.facts
                    ));
                }
            },
        };
        difference(expected, &found, true, "").map_or(Ok(()), |d| Err(format!("{d}, in {found}")))
    }

    async fn poll(&mut self, block: &Block) -> Held {
        let partner = ScriptedPartner::start(&self.current, turns(&block.body)).await;
        let link = self.link(&partner.placed(&self.current.to_string()))?;
        let stream = block.word(1).to_owned();
        let start = (block.word(2) == "from").then(|| block.words[3..].join(" "));
        let mut watermark = start.clone();
        (self.documents, self.facts) = (Vec::new(), Vec::new());
        let mut first = None;
        let mut cursor = None;
        for _ in 0..MAX_STEPS {
            let page = link.fetch(&stream, start.as_deref(), cursor.as_ref()).await;
            let FetchedPage {
                items,
                next,
                watermark: mark,
                ..
            } = match page {
                Ok(page) => page,
                Err(refused) => {
                    self.facts
                        .push(format!("refused: {} {}", refused.code, refused.message));
                    break;
                }
            };
            for item in &items {
                first.get_or_insert_with(|| item.bytes.to_vec());
                self.take_in(&link, &stream, &item.bytes);
            }
            watermark = mark.or(watermark);
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        self.payload = first.map(|bytes| (stream, bytes));
        self.facts.push(format!("documents: {}", self.documents.len()));
        self.facts.extend(watermark.map(|mark| format!("watermark: {mark}")));
        self.hold(&partner)
    }

    async fn send(&mut self, block: &Block) -> Held {
        let partner = ScriptedPartner::start(&self.current, turns(&block.body)).await;
        let link = self.link(&partner.placed(&self.current.to_string()))?;
        let kind = *link
            .operations()
            .iter()
            .find(|kind| kind.as_str() == block.word(1))
            .ok_or_else(|| format!("the configuration has no operation {}", block.word(1)))?;
        let taken = self.answered(&link)?;
        let input = RenderInput {
            operation_id: Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001),
            kind,
            answer: &self.answer,
            document: &taken.document,
            previous: taken.previous.as_ref(),
            order: taken.order.as_ref(),
            order_ref: taken.order_ref.as_ref(),
            revision: taken.revision.as_deref(),
            partner_ref: taken.partner_ref.as_ref(),
            payload: &taken.payload,
            answered_at: Timestamp(1_772_366_400_000),
            stage: Stage::default(),
        };
        self.documents = Vec::new();
        self.facts = match reference_sending::send(&link, &partner, input).await {
            Err(refused) => quarantine(&refused).collect(),
            Ok(last) => vec![stated(&last)],
        };
        self.hold(&partner)
    }

    /// The version that is answered: a document of ours, or the payload before.
    fn answered(&self, link: &HttpPartner) -> Result<Taken, String> {
        if let Some(document) = &self.document {
            return Ok(Taken {
                revision: document["revision"].as_str().map(str::to_owned),
                partner_ref: document.get("partnerRef").cloned(),
                document: read_document(document)?,
                previous: self.previous.as_ref().map(read_document).transpose()?,
                order: self.order.as_ref().map(read_document).transpose()?,
                order_ref: self.order.as_ref().and_then(|order| order.get("partnerRef").cloned()),
                payload: Vec::new(),
            });
        }
        let (stream, payload) = self
            .payload
            .as_ref()
            .ok_or("there is no payload that could be answered")?;
        let intake = link.intake(stream, payload).map_err(|e| format!("{e:?}"))?;
        let version = intake.into_version().ok_or("the payload is no version of a document")?;
        Ok(Taken {
            document: version.document,
            revision: version.revision,
            partner_ref: version.partner_ref,
            previous: None,
            order: None,
            order_ref: None,
            payload: payload.clone(),
        })
    }

    fn hold(&self, partner: &ScriptedPartner) -> Held {
        let complaints = partner.complaints();
        if complaints.is_empty() {
            return Ok(());
        }
        Err(format!("{}\nwhat came of it: {:?}", complaints.join("\n"), self.facts))
    }

    fn outcome(&self, block: &Block) -> Held {
        for line in block.body.lines().filter(|l| !l.trim().is_empty()) {
            let holds = |fact: &String| match line.split_once(": ") {
                Some((state, text)) => fact
                    .split_once(": ")
                    .is_some_and(|(s, t)| s == state && fits(&format!("…{text}…"), t)),
                None => fact.split(": ").next() == Some(line.trim()),
            };
            if !self.facts.iter().any(holds) {
                return Err(format!("\"{line}\" is expected, this is {:?}", self.facts));
            }
        }
        Ok(())
    }
}

struct Taken {
    document: CanonicalDocument,
    previous: Option<CanonicalDocument>,
    order: Option<CanonicalDocument>,
    order_ref: Option<Value>,
    revision: Option<String>,
    partner_ref: Option<Value>,
    payload: Vec<u8>,
}

fn stated(result: &SendResult) -> String {
    let words = result.message.as_deref().unwrap_or_default();
    match &result.verdict {
        Verdict::Taken { .. } => "delivered".to_owned(),
        Verdict::Applied => "applied".to_owned(),
        Verdict::Pending { .. } => "pending".to_owned(),
        Verdict::NotSeen => "notSeen".to_owned(),
        Verdict::Lost => "lost".to_owned(),
        Verdict::Again { code, .. } => format!("retrying: {code} {words}"),
        Verdict::Unknown { code } => format!("unknown: {code} {words}"),
        Verdict::Credentials => "credentials".to_owned(),
        Verdict::Conflict { code } => format!("held: {code} {words}"),
        Verdict::Rejected { code } => format!("rejected: {code} {words}"),
    }
}

fn quarantine(refused: &IntakeError) -> impl Iterator<Item = String> {
    let problems = refused.problems.iter();
    problems.map(|p| format!("quarantine: {}: {}", p.pointer, p.message))
}

/// An order, or a delivery note where the lines speak of orders.
fn read_document(value: &Value) -> Result<CanonicalDocument, String> {
    let is_note = value["lines"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|l| l.get("orderNumber").is_some());
    let read = if is_note {
        serde_json::from_value(value.clone()).map(CanonicalDocument::DespatchAdvice)
    } else {
        serde_json::from_value(value.clone()).map(CanonicalDocument::Order)
    };
    read.map_err(|e| format!("this is no canonical document: {e}"))
}

fn set(whole: &mut Value, pointer: &str, value: Value) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let mut at = whole;
    for key in parent.split('/').skip(1) {
        at = at.as_object_mut().unwrap().entry(key).or_insert_with(|| json!({}));
    }
    at[name] = value;
}
