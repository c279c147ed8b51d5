//! `countersign partner try`: payload and document side by side, and the requests that answers would send.

use super::args::{Global, TryArgs};
use super::failure::{Exit, Failure};
use super::{host, input, terminal};
use console::measure_text_width;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use sync_engine::clock::{Clock, SystemClock};
use sync_engine::partner::{
    RawItem, ShownRequest, Trial, TrialCode, TrialDocument, TrialInput, TrialItem, TrialOperation, TrialOutcome,
    TrialRule, TrialSetAside, load_file,
};

/// Width of the left column at most.
const LEFT: usize = 70;
/// Largest payload that is read from a file, in bytes.
const MAX_PAYLOAD_BYTES: u64 = 50 * 1024 * 1024;

pub async fn run(global: &Global, args: TryArgs) -> Result<ExitCode, Failure> {
    input::must_be_there(&args.file)?;
    let config = load_file(&args.file).map_err(|errors| Failure::configuration(errors.to_string()))?;
    for warning in config.warnings() {
        eprintln!("warning: {}: {}", warning.pointer, warning.message);
    }
    let payload = args.payload.as_deref().map(read).transpose()?;
    let answer = args
        .answer
        .as_deref()
        .map(|path| json(path, "the answer"))
        .transpose()?;
    let prepared = args
        .prepared
        .as_deref()
        .map(|path| json(path, "the prepared read"))
        .transpose()?;
    let input = TrialInput {
        stream: args.stream,
        payload: payload.map(|bytes| RawItem {
            media_type: media_type(&bytes).to_owned(),
            bytes: bytes.into(),
        }),
        answer,
        prepared,
    };
    let settings = host::settings(global, None)?;
    let link = config
        .connect(host::secrets(&settings.data_dir), Arc::new(SystemClock))
        .map_err(Failure::configuration)?;
    let tried = link.try_out(&input, SystemClock.now()).await;
    let tried = tried.map_err(|message| Failure::new(Exit::Usage, message))?;
    if global.json {
        terminal::json(&tried)?;
    } else {
        terminal::line(text(&tried))?;
    }
    Ok(exit(&tried))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let size = std::fs::metadata(path).map_err(|e| input::unreadable(path, &e))?.len();
    if size > MAX_PAYLOAD_BYTES {
        let message = format!(
            "{} has {size} bytes, at most {MAX_PAYLOAD_BYTES} are read",
            path.display()
        );
        return Err(Failure::failed(message));
    }
    std::fs::read(path).map_err(|e| input::unreadable(path, &e))
}

fn json(path: &Path, what: &str) -> Result<serde_json::Value, Failure> {
    serde_json::from_slice(&read(path)?).map_err(|e| Failure::failed(format!("{what} is not JSON: {e}")))
}

fn media_type(bytes: &[u8]) -> &'static str {
    match bytes.iter().find(|b| !b.is_ascii_whitespace()) {
        Some(b'<') => "application/xml",
        _ => "application/json",
    }
}

/// 4 where the partner could not be asked, 1 where something would go to quarantine.
fn exit(tried: &Trial) -> ExitCode {
    let documents = || tried.streams.iter().flat_map(|s| &s.documents);
    if tried.streams.iter().any(|s| s.failure.is_some()) {
        Exit::Unreachable.into()
    } else if documents().any(|d| d.outcome == TrialOutcome::Quarantine)
        || tried.streams.iter().any(|s| !s.set_aside.is_empty())
    {
        Exit::Failed.into()
    } else {
        ExitCode::SUCCESS
    }
}

fn text(tried: &Trial) -> String {
    let mut out: Vec<String> = tried.rules.iter().map(rule).collect();
    for stream in &tried.streams {
        out.push(format!("=== stream {}", stream.stream));
        if let Some(request) = &stream.request {
            out.push(shown(request));
        }
        if let Some(failure) = &stream.failure {
            out.push(format!("no page: {} ({})", failure.message, failure.code));
        }
        let more = if stream.more { ", and there are more pages" } else { "" };
        out.push(format!("{} documents on the page{more}", stream.items));
        for (n, document) in stream.documents.iter().enumerate() {
            out.push(format!("\n--- document {} of {}", n + 1, stream.items));
            out.push(described(document));
        }
        out.extend(stream.set_aside.iter().map(set_aside));
        if let Some(held) = &stream.held {
            out.push(format!(
                "some items cannot be had now: {} ({})",
                held.message, held.code
            ));
        }
    }
    if !tried.issued.is_empty() {
        out.push("\n=== documents of ours".to_owned());
        out.extend(tried.issued.iter().map(operation));
    }
    out.join("\n")
}

fn described(document: &TrialDocument) -> String {
    let mut out = vec![side_by_side(&document.payload, document.canonical.as_ref())];
    let outcome = match document.outcome {
        TrialOutcome::Version => "it becomes a version".to_owned(),
        TrialOutcome::Answer => "it is an answer to a document of ours".to_owned(),
        TrialOutcome::Skipped => "it is nothing to us ($when)".to_owned(),
        TrialOutcome::Quarantine => format!("it goes to quarantine ({})", document.stage.as_deref().unwrap_or("")),
    };
    out.push(format!("\noutcome: {outcome}"));
    out.extend(
        document
            .problems
            .iter()
            .map(|p| format!("  {}: {}", p.pointer, p.message)),
    );
    out.extend(document.rules.iter().map(rule));
    out.extend(document.warnings.iter().map(|w| format!("warning: {w}")));
    if !document.unread.is_empty() {
        out.push("not read from the payload:".to_owned());
        let rows = document.unread.iter();
        out.extend(rows.map(|f| format!("  {} ({}x), such as {}", f.path, f.count, f.example)));
    }
    if !document.empty.is_empty() {
        out.push(format!("left empty in the document: {}", document.empty.join(", ")));
    }
    out.extend(codes(&document.codes));
    out.extend(items(&document.items));
    out.extend(document.operations.iter().map(operation));
    out.join("\n")
}

fn operation(operation: &TrialOperation) -> String {
    let name = match operation.step.as_str() {
        "" => operation.operation.clone(),
        step => format!("{} ({step})", operation.operation),
    };
    if operation.request.is_none() && operation.problems.is_empty() {
        return format!("\n{name} sends nothing: it takes effect here (\"silent\")");
    }
    let mut out = vec![format!("\n{name} would send (nothing is sent):")];
    out.extend(operation.request.as_ref().map(shown));
    out.extend(codes(&operation.codes));
    out.extend(items(&operation.items));
    out.extend(
        operation
            .problems
            .iter()
            .map(|p| format!("  no request: {} {}", p.pointer, p.message)),
    );
    out.join("\n")
}

fn rule(rule: &TrialRule) -> String {
    format!("rule {}: {}", rule.rule, rule.effect)
}

fn codes(codes: &[TrialCode]) -> Vec<String> {
    let heading = (!codes.is_empty()).then(|| "codes:".to_owned());
    let rows = codes.iter().map(|c| match &c.found {
        Some(found) => format!("  {}: {} -> {found} ({}x)", c.table, c.code, c.count),
        None => format!("  {}: {} is in no row ({}x)", c.table, c.code, c.count),
    });
    heading.into_iter().chain(rows).collect()
}

fn items(items: &[TrialItem]) -> Option<String> {
    let named = items
        .iter()
        .map(|i| format!("{} in {} of {} lines, such as {}", i.id, i.lines, i.of, i.example));
    (!items.is_empty()).then(|| format!("items by {}", named.collect::<Vec<_>>().join("; ")))
}

fn set_aside(aside: &TrialSetAside) -> String {
    let mut out = vec![
        format!("\n--- set aside, it goes to quarantine ({}):", aside.stage),
        pretty(&aside.payload),
    ];
    out.extend(aside.problems.iter().map(|p| format!("  {}: {}", p.pointer, p.message)));
    out.join("\n")
}

fn shown(request: &ShownRequest) -> String {
    let mut out = vec![format!("  {} {}", request.method, request.url)];
    out.extend(request.headers.iter().map(|h| format!("  {}: {}", h.name, h.value)));
    out.extend(
        request
            .body
            .iter()
            .flat_map(|body| pretty(body).lines().map(|l| format!("  {l}")).collect::<Vec<_>>()),
    );
    out.join("\n")
}

/// JSON over several lines; anything else as it is.
fn pretty(text: &str) -> String {
    serde_json::from_str::<serde_json::Value>(text)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| text.to_owned())
}

fn side_by_side(payload: &str, canonical: Option<&serde_json::Value>) -> String {
    let right = canonical.map(|c| pretty(&c.to_string())).unwrap_or_default();
    let left = pretty(payload);
    let (left, right): (Vec<&str>, Vec<&str>) = (left.lines().collect(), right.lines().collect());
    let width = left.iter().map(|l| measure_text_width(l)).max().unwrap_or(0).min(LEFT);
    let rows = (0..left.len().max(right.len())).map(|n| {
        let (l, r) = (left.get(n).copied().unwrap_or(""), right.get(n).copied().unwrap_or(""));
        let cut = console::truncate_str(l, width, "…");
        let gap = width.saturating_sub(measure_text_width(&cut));
        format!("{cut}{} | {r}", " ".repeat(gap)).trim_end().to_owned()
    });
    rows.collect::<Vec<_>>().join("\n")
}
