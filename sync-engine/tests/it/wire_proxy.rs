//! A wire that goes wrong: a proxy between engine and partner that delays, cuts, drips, duplicates and truncates, in
//! both directions, at bytes that a seed chooses.

use crate::kill::Dice;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A piece of a dripping message comes this long after the one before.
const DRIP: Duration = Duration::from_millis(2);
const PIECES: usize = 12;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Fin,
    Rst,
}

/// What happens to one exchange of request and answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Trouble {
    None,
    DelayRequest,
    DelayAnswer,
    /// Longer than the engine waits for it.
    DelayAnswerTooLong,
    DripRequest,
    DripAnswer,
    /// The partner gets the beginning of the request, or all of it.
    CutRequest(End),
    /// The engine gets the beginning of the answer, or all of it.
    CutAnswer(End),
    /// The engine gets less of the body than there is, and is told that this is all.
    TruncateAnswer,
    /// The partner gets the request twice, one after the other.
    DuplicateRequest,
    /// The partner gets the request again when its answer is long there.
    ReplayRequest,
    /// The engine gets the answer twice.
    DuplicateAnswer,
}

const TROUBLES: [Trouble; 13] = [
    Trouble::DelayRequest,
    Trouble::DelayAnswer,
    Trouble::DelayAnswerTooLong,
    Trouble::DripRequest,
    Trouble::DripAnswer,
    Trouble::CutRequest(End::Fin),
    Trouble::CutRequest(End::Rst),
    Trouble::CutAnswer(End::Fin),
    Trouble::CutAnswer(End::Rst),
    Trouble::TruncateAnswer,
    Trouble::DuplicateRequest,
    Trouble::ReplayRequest,
    Trouble::DuplicateAnswer,
];

/// What becomes of an answer to a certain document, every time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Poison {
    /// The partner never sees it; this status answers in its place.
    Status(u16),
    /// The partner never sees it, and nothing answers.
    Silence,
    /// The partner never sees it, and the connection is cut.
    Cut,
}

struct Shared {
    partner: SocketAddr,
    dice: Mutex<Dice>,
    /// Of a hundred exchanges, how many are troubled.
    percent: Mutex<u64>,
    /// Longer than this the engine does not wait.
    patience: Duration,
    /// Requests of each kind.
    asked: Mutex<BTreeMap<&'static str, u64>>,
    struck: Mutex<BTreeMap<String, u64>>,
    /// By the number of a document.
    poisons: Mutex<BTreeMap<String, Poison>>,
}

/// Listens on a port of its own until dropped.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Proxy {
    /// `patience`: how long the engine waits for an answer.
    pub async fn start(partner_port: u16, seed: u64, patience: Duration) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let shared = Arc::new(Shared {
            partner: SocketAddr::from(([127, 0, 0, 1], partner_port)),
            dice: Mutex::new(Dice(seed)),
            percent: Mutex::new(60),
            patience,
            asked: Mutex::default(),
            struck: Mutex::default(),
            poisons: Mutex::default(),
        });
        let address = listener.local_addr().expect("an address");
        let serving = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            while let Ok((engine, _)) = listener.accept().await {
                let shared = Arc::clone(&serving);
                // A broken connection is what this is about.
                tokio::spawn(async move { shared.connection(engine).await.ok() });
            }
        });
        Self {
            address,
            shared,
            accepting,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on nothing goes wrong.
    pub fn calm(&self) {
        *self.shared.percent.lock().expect("not poisoned") = 0;
    }

    /// Answers to this document fare so from now on.
    pub fn poison(&self, number: &str, poison: Poison) {
        let mut poisons = self.shared.poisons.lock().expect("not poisoned");
        poisons.insert(number.to_owned(), poison);
    }

    /// How often each trouble struck, as `request trouble`.
    pub fn struck(&self) -> BTreeMap<String, u64> {
        self.shared.struck.lock().expect("not poisoned").clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    async fn connection(&self, mut engine: TcpStream) -> std::io::Result<()> {
        let mut partner = TcpStream::connect(self.partner).await?;
        let mut unread = Vec::new();
        while let Some(request) = message(&mut engine, &mut unread).await? {
            if let Some(poison) = self.poison_of(&request) {
                if !poisoned(&mut engine, poison).await? {
                    return Ok(());
                }
                continue;
            }
            let trouble = self.draw(&request);
            if !self.exchange(&mut engine, &mut partner, &request, trouble).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    fn poison_of(&self, request: &[u8]) -> Option<Poison> {
        if kind(request) != "deliver" {
            return None;
        }
        let text = String::from_utf8_lossy(request);
        let poisons = self.poisons.lock().expect("not poisoned");
        poisons
            .iter()
            .find_map(|(number, poison)| text.contains(number).then_some(*poison))
    }

    fn below(&self, limit: u64) -> u64 {
        self.dice.lock().expect("not poisoned").below(limit.max(1))
    }

    /// Some byte of a message, its end included.
    fn place(&self, message: &[u8]) -> usize {
        usize::try_from(self.below(message.len() as u64 + 1)).expect("small")
    }

    /// The first requests of each kind are never left in peace: some kinds are rare.
    fn draw(&self, request: &[u8]) -> Trouble {
        let percent = *self.percent.lock().expect("not poisoned");
        let kind = kind(request);
        let first = {
            let mut asked = self.asked.lock().expect("not poisoned");
            let times = asked.entry(kind).or_default();
            *times += 1;
            *times <= 2
        };
        if percent == 0 || (!first && self.below(100) >= percent) {
            return Trouble::None;
        }
        let trouble = TROUBLES[usize::try_from(self.below(TROUBLES.len() as u64)).expect("small")];
        let mut struck = self.struck.lock().expect("not poisoned");
        *struck.entry(format!("{kind} {trouble:?}")).or_default() += 1;
        trouble
    }

    /// Whether the connection goes on.
    async fn exchange(
        &self,
        engine: &mut TcpStream,
        partner: &mut TcpStream,
        request: &[u8],
        trouble: Trouble,
    ) -> std::io::Result<bool> {
        match trouble {
            Trouble::DelayRequest => self.a_while().await,
            Trouble::CutRequest(end) => {
                partner.write_all(&request[..self.place(request)]).await?;
                return cut(engine, partner, end);
            }
            Trouble::DuplicateRequest => drop(self.aside(request).await),
            Trouble::ReplayRequest => {
                let (to, request, wait) = (self.partner, request.to_vec(), 50 + self.below(400));
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(wait)).await;
                    aside(to, &request).await.ok()
                });
            }
            _ => {}
        }
        if trouble == Trouble::DripRequest {
            drip(partner, request).await?;
        } else {
            partner.write_all(request).await?;
        }
        let Some(mut answer) = message(partner, &mut Vec::new()).await? else {
            return Ok(false);
        };
        match trouble {
            Trouble::DelayAnswer => self.a_while().await,
            Trouble::DelayAnswerTooLong => {
                tokio::time::sleep(self.patience + Duration::from_millis(200)).await;
            }
            Trouble::CutAnswer(end) => {
                engine.write_all(&answer[..self.place(&answer)]).await?;
                return cut(engine, partner, end);
            }
            Trouble::TruncateAnswer => answer = truncated(&answer, self.below(answer.len() as u64)),
            Trouble::DuplicateAnswer => answer = [answer.as_slice(), &answer].concat(),
            _ => {}
        }
        if trouble == Trouble::DripAnswer {
            drip(engine, &answer).await?;
        } else {
            engine.write_all(&answer).await?;
        }
        Ok(true)
    }

    async fn a_while(&self) {
        tokio::time::sleep(Duration::from_millis(self.below(60))).await;
    }

    async fn aside(&self, request: &[u8]) -> std::io::Result<()> {
        aside(self.partner, request).await
    }
}

fn kind(request: &[u8]) -> &'static str {
    let line = String::from_utf8_lossy(&request[..request.len().min(200)]);
    match line.split(' ').take(2).collect::<Vec<_>>()[..] {
        ["POST", path] if path.starts_with("/oauth") => "token",
        ["POST", _] => "deliver",
        [_, path] if path.starts_with("/api/operations") => "ask",
        _ => "poll",
    }
}

/// Whether the connection goes on.
async fn poisoned(engine: &mut TcpStream, poison: Poison) -> std::io::Result<bool> {
    match poison {
        Poison::Status(status) => {
            let answer = format!(
                "HTTP/1.1 {status} Poisoned\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}"
            );
            engine.write_all(answer.as_bytes()).await?;
            Ok(true)
        }
        // Until the engine gives up.
        Poison::Silence => {
            let _ = engine.read(&mut [0; 1]).await?;
            Ok(false)
        }
        Poison::Cut => {
            engine.set_zero_linger()?;
            Ok(false)
        }
    }
}

/// The request once more, on a connection of its own; the answer is thrown away.
async fn aside(to: SocketAddr, request: &[u8]) -> std::io::Result<()> {
    let mut partner = TcpStream::connect(to).await?;
    partner.write_all(request).await?;
    message(&mut partner, &mut Vec::new()).await.map(drop)
}

async fn drip(to: &mut TcpStream, message: &[u8]) -> std::io::Result<()> {
    to.set_nodelay(true)?;
    for piece in message.chunks(message.len().div_ceil(PIECES).max(1)) {
        to.write_all(piece).await?;
        tokio::time::sleep(DRIP).await;
    }
    Ok(())
}

/// Both ends, so that the partner does not wait for the rest either. What was written is given time to arrive by the
/// system, or, with RST, is thrown away.
fn cut(engine: &TcpStream, partner: &TcpStream, end: End) -> std::io::Result<bool> {
    if end == End::Rst {
        engine.set_zero_linger()?;
        partner.set_zero_linger()?;
    }
    Ok(false)
}

/// One whole message with its head; `None` when the other side is done. `unread` keeps what came behind it.
async fn message(from: &mut TcpStream, unread: &mut Vec<u8>) -> std::io::Result<Option<Vec<u8>>> {
    loop {
        if let Some(length) = length(unread)
            && unread.len() >= length
        {
            let rest = unread.split_off(length);
            return Ok(Some(std::mem::replace(unread, rest)));
        }
        if from.read_buf(unread).await? == 0 {
            return Ok(None);
        }
    }
}

fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|w| w == b"\r\n\r\n").map(|at| at + 4)
}

/// Head and body, once the head is there. Neither side of the tests sends chunks.
fn length(bytes: &[u8]) -> Option<usize> {
    let head = head_end(bytes)?;
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    assert!(!text.contains("transfer-encoding"), "a message in chunks: {text}");
    let body = text.lines().find_map(|l| l.strip_prefix("content-length:"));
    Some(head + body.map_or(0, |n| n.trim().parse::<usize>().expect("a length")))
}

/// The same head with a body that is shorter by at least a byte, and its length.
fn truncated(message: &[u8], place: u64) -> Vec<u8> {
    let head = head_end(message).expect("a whole message");
    let body = message.len() - head;
    let kept = usize::try_from(place).expect("small") % body.max(1);
    let text = String::from_utf8_lossy(&message[..head]);
    let lines = text.trim_end().lines().map(|line| match line.split_once(':') {
        Some((name, _)) if name.eq_ignore_ascii_case("content-length") => format!("{name}: {kept}\r\n"),
        _ => format!("{line}\r\n"),
    });
    let mut out = lines.collect::<String>().into_bytes();
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(&message[head..head + kept.min(body)]);
    out
}
