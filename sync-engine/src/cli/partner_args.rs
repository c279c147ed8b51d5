//! The arguments of `countersign partner`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct PartnerArgs {
    #[command(subcommand)]
    pub command: PartnerCommand,
}

#[derive(Debug, Subcommand)]
pub enum PartnerCommand {
    /// Check configuration files and print every mistake
    #[command(after_help = "\
Examples:
  countersign partner check partners/acme.json
  countersign partner check partners/*.json --json")]
    Check {
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Begin a configuration from an API description (OpenAPI 3.0 or 3.1, Swagger 2.0; JSON or YAML)
    #[command(after_help = "\
Proposes endpoints, paging, sign-in, field matches, answers and schemas, marks what it guessed (\"$comment\"), and prints
what is to be checked and what was not found. Nothing is made up: what is not known stops what needs it.

Examples:
  countersign partner new acme --from openapi.json
  countersign partner new acme --from acme.yaml --output partners/acme.json
  countersign partner new acme --from swagger.json --json")]
    New(NewArgs),
    /// See what a configuration makes of a payload, or of the partner's first page, and what it would send
    #[command(after_help = "\
Nothing is stored. Without --payload the partner is asked for one page of each stream; nothing else is sent.

Examples:
  countersign partner try partners/acme.json --payload order.json
  countersign partner try partners/acme.json --stream orders
  countersign partner try partners/acme.json --payload order.json --answer counter.json --json")]
    Try(TryArgs),
    /// Print the partner's side of the exchange as an OpenAPI 3.1 document
    #[command(after_help = "\
Example:
  countersign partner openapi partners/acme.json > acme.openapi.json")]
    Openapi {
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// List the partners and what is known of them
    #[command(after_help = "\
Examples:
  countersign partner list
  countersign partner list --json")]
    List,
    /// Store a secret that a configuration names; it is read from standard input
    #[command(after_help = "\
Examples:
  countersign partner secret acme.client_secret
  printf %s \"$SECRET\" | countersign partner secret acme.client_secret")]
    Secret { name: String },
}

#[derive(Debug, Args)]
pub struct NewArgs {
    /// The partner's id: lower-case letters, digits and dashes
    #[arg(value_name = "ID", value_parser = partner_id)]
    pub id: String,
    /// The API description; files that it refers to lie beside it
    #[arg(long, value_name = "FILE")]
    pub from: PathBuf,
    /// Where to write; schemas go into a folder of the id beside it [default: ID.json here]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Take the place of a file that is there
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct TryArgs {
    /// The configuration
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// A document of the partner, instead of asking for a page
    #[arg(long, value_name = "FILE")]
    pub payload: Option<PathBuf>,
    /// Only this stream [default: each; with a payload the first whose map takes it]
    #[arg(long, value_name = "NAME")]
    pub stream: Option<String>,
    /// The answer to send, as the API takes it; plausible ones where there is none
    #[arg(long, value_name = "FILE")]
    pub answer: Option<PathBuf>,
    /// What the partner answers to the reads before requests (`prepare`): the body; placeholders where there is none
    #[arg(long, value_name = "FILE")]
    pub prepared: Option<PathBuf>,
}

fn partner_id(text: &str) -> Result<String, String> {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if text.is_empty() || text.len() > 40 || text.starts_with('-') || !text.bytes().all(fits) {
        return Err("an id is 1 to 40 lower-case letters, digits and dashes, such as amazon-vendor".to_owned());
    }
    Ok(text.to_owned())
}
