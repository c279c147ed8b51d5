//! `countersign partner new`: a start for a configuration from an API description.

use super::args::{Global, NewArgs};
use super::failure::{Exit, Failure};
use super::{input, settings, terminal};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use sync_engine::partner::load_file;
use sync_engine::partner::propose::{Certainty, Description, Proposal, ProposeError, propose};

/// Largest file of a description, in bytes.
const MAX_BYTES: u64 = 32 * 1024 * 1024;
/// Endpoints that are listed when nothing was found.
const MAX_LISTED: usize = 60;

pub fn run(global: &Global, args: &NewArgs) -> Result<ExitCode, Failure> {
    let output = args
        .output
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("{}.json", args.id)));
    if output.exists() && !args.force {
        return Err(
            Failure::new(Exit::Usage, format!("{} is there already", output.display()))
                .hint("name another file with --output, or take its place with --force"),
        );
    }
    let description = read(&args.from)?;
    let proposal = propose(&description, &args.id).map_err(refused)?;
    let written = write(&output, &proposal)?;
    // What is proposed holds; were it not so, the mistakes are what a person needs.
    let config = load_file(&output).map_err(|errors| Failure::configuration(errors.to_string()))?;
    if global.json {
        terminal::json(&json!({
            "file": output, "partner": config.id().to_string(), "written": written, "streams": proposal.streams,
            "notes": proposal.notes, "runnersUp": proposal.runners_up, "warnings": config.warnings(),
        }))?;
    } else {
        show(&output, &written, &proposal)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> Result<Description, Failure> {
    input::must_be_there(path)?;
    let text = text(path).map_err(|reason| Failure::failed(format!("{}: {reason}", path.display())))?;
    let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    Description::read(&name, &text, &mut |file| self::text(&folder.join(file))).map_err(refused)
}

fn text(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|e| settings::reason(&e))?.len();
    if size > MAX_BYTES {
        return Err(format!("the file has {size} bytes, at most {MAX_BYTES} are read"));
    }
    std::fs::read_to_string(path).map_err(|e| settings::reason(&e))
}

fn refused(error: ProposeError) -> Failure {
    let message = error.to_string();
    match error {
        ProposeError::Unreadable(_) | ProposeError::NoDescription(_) => Failure::configuration(message),
        ProposeError::NothingFound { endpoints, .. } => {
            let listed: Vec<&str> = endpoints.iter().take(MAX_LISTED).map(String::as_str).collect();
            let more = endpoints.len().saturating_sub(MAX_LISTED);
            let more = if more > 0 {
                format!("\n  and {more} more")
            } else {
                String::new()
            };
            Failure::not_found(message).hint(format!("the description has:\n  {}{more}", listed.join("\n  ")))
        }
    }
}

/// The files that were written, the configuration first.
fn write(output: &Path, proposal: &Proposal) -> Result<Vec<PathBuf>, Failure> {
    let folder = output.parent().unwrap_or(Path::new("."));
    let mut written = Vec::new();
    let cannot = |path: &Path, e: &std::io::Error| {
        Failure::failed(format!("{} cannot be written: {}", path.display(), settings::reason(e)))
    };
    for (file, schema) in &proposal.schemas {
        let path = folder.join(file);
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).map_err(|e| cannot(parent, &e))?;
        std::fs::write(&path, format!("{schema:#}\n")).map_err(|e| cannot(&path, &e))?;
        written.push(path);
    }
    std::fs::write(output, proposal.text()).map_err(|e| cannot(output, &e))?;
    written.insert(0, output.to_owned());
    Ok(written)
}

fn show(output: &Path, written: &[PathBuf], proposal: &Proposal) -> Result<(), Failure> {
    for stream in &proposal.streams {
        let paging = stream
            .paging
            .as_deref()
            .map_or_else(|| "one page".to_owned(), |kind| format!("paging by {kind}"));
        terminal::line(format!(
            "{}: {}, {paging}, {} fields",
            stream.name,
            stream.endpoint,
            stream.matched.len()
        ))?;
    }
    let groups = [
        (Certainty::Todo, "To be filled in (what needs it stops until then)"),
        (Certainty::Guess, "Guessed, to be checked"),
        (Certainty::Likely, "Likely"),
    ];
    for (certainty, title) in groups {
        let mut notes = proposal
            .notes
            .iter()
            .filter(|note| note.certainty == certainty)
            .peekable();
        if notes.peek().is_some() {
            terminal::line(format!("\n{title}:"))?;
        }
        for note in notes {
            terminal::line(format!("  {}: {}", note.pointer, note.message))?;
        }
    }
    if !proposal.runners_up.is_empty() {
        terminal::line("\nCould have been taken as well:")?;
        for runner in &proposal.runners_up {
            terminal::line(format!("  {} ({}; {})", runner.endpoint, runner.kind, runner.why))?;
        }
    }
    terminal::line("")?;
    for path in written {
        terminal::line(format!("written: {}", path.display()))?;
    }
    terminal::line(format!(
        "next: countersign partner check {0}; countersign partner try {0} --payload ORDER.json",
        output.display()
    ))
}
