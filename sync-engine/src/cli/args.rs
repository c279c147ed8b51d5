//! What can be typed.

pub use super::care_args::{
    ArchiveArgs, ArchiveCommand, AuditArgs, AuditCommand, BackupArgs, DiagnosticsArgs, DoctorArgs, RestoreArgs,
};
use super::failure::EXIT_CODES;
pub use super::partner_args::{NewArgs, PartnerArgs, PartnerCommand, TryArgs};
use super::which::Which;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;
use sync_engine::domain::OperationId;

fn after_help() -> String {
    let mut told = "Exit codes:\n".to_owned();
    for (code, means) in EXIT_CODES {
        told.push_str(&format!("  {code}  {means}\n"));
    }
    told + "\nSettings come from, each over the one before: defaults, the settings file, the environment, flags."
}

/// Exchanges purchase orders and delivery notes, version by version, with trading partners.
#[derive(Debug, Parser)]
#[command(name = "countersign", version, about, after_help = after_help())]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// Where the database, the token and the secrets lie [default: the user's data folder]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "COUNTERSIGN_DATA_DIR",
        hide_env_values = true
    )]
    pub data_dir: Option<PathBuf>,
    /// The settings file [default: settings.json in the data folder]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "COUNTERSIGN_CONFIG",
        hide_env_values = true
    )]
    pub config: Option<PathBuf>,
    /// Where the partners' configuration files lie [default: partners in the data folder]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "COUNTERSIGN_PARTNERS_DIR",
        hide_env_values = true
    )]
    pub partners_dir: Option<PathBuf>,
    /// Print JSON for a script to read
    #[arg(long, global = true)]
    pub json: bool,
    /// How log lines are written, to standard error
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        env = "COUNTERSIGN_LOG_FORMAT",
        hide_env_values = true,
        default_value = "text"
    )]
    pub log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the engine and serve its API and screens on this machine
    #[command(after_help = "\
Examples:
  countersign serve
  countersign serve --port 8080 --data-dir /srv/countersign
  COUNTERSIGN_LOG=debug countersign serve --log-format json
  countersign serve --listen 0.0.0.0:7710 --host orders.example.com:7710")]
    Serve(ServeArgs),
    /// Fetch what is new from the partners, and deliver what waits, once
    #[command(after_help = "\
Examples:
  countersign sync
  countersign sync acme --json
  countersign sync --no-deliver")]
    Sync(SyncArgs),
    /// Take documents in from files, the same way as polled ones
    #[command(after_help = "\
Examples:
  countersign import order.xml --partner acme --stream orders
  countersign import inbox/*.json --partner acme --stream orders --json")]
    Import(ImportArgs),
    /// Issue orders, changes of them and delivery notes of ours from files in canonical form
    #[command(after_help = "\
A file holds an Order or a DespatchAdvice as the API has them (`countersign openapi`), alone or as
{\"partner\": …, \"kind\": …, \"version\": …, \"document\": …}. A number that is new is issued; one that is known
is changed. What is wrong with a file is told at once, each mistake with its JSON pointer.

Examples:
  countersign submit order.json --partner acme
  countersign submit changed.json --as change
  countersign submit notes/*.json --partner acme --json
  generate-order | countersign submit - --partner acme")]
    Submit(SubmitArgs),
    /// Run a trading partner on this machine to try things on
    #[command(after_help = "\
Examples:
  countersign sandbox
  countersign sandbox --port 7700 --write-partner ./partners --data-dir ./data")]
    Sandbox(SandboxArgs),
    /// Check and list partners, and keep their secrets
    #[command(after_help = "\
Examples:
  countersign partner check partners/acme.json
  countersign partner try partners/acme.json --payload order.json
  countersign partner list
  countersign partner secret acme.client_secret")]
    Partner(PartnerArgs),
    /// See what is on its way to the partners, and try it again
    #[command(after_help = "\
Examples:
  countersign queue list
  countersign queue list --state dead --json
  countersign queue retry 0197e4a5-6a9c-7cc1-b2e5-0a5f3c1d2e4f
  countersign queue retry --dead")]
    Queue(QueueArgs),
    /// Write a document as a PDF page
    #[command(after_help = "\
Examples:
  countersign print PO-10023
  countersign print PO-10023 --version 2 --output confirmation.pdf
  countersign print 17 --output - > page.pdf")]
    Print(PrintArgs),
    /// Copy the database while it is in use, and check the copy
    #[command(after_help = "\
Examples:
  countersign backup
  countersign backup /mnt/backup/countersign.db
  countersign backup --drill")]
    Backup(BackupArgs),
    /// Put what is old and settled into archives, and read them back
    #[command(after_help = "\
Examples:
  countersign archive find PO-10023
  countersign archive open countersign-20270301080000000-1.jsonl.gz
  countersign archive show archives/countersign-20270301080000000-1.jsonl.gz
  countersign archive run --days 365")]
    Archive(ArchiveArgs),
    /// Put a backup in the place of the database; no engine may run
    #[command(after_help = "\
The backup is tried out first, in a folder of its own. What it replaces is kept beside it.

Examples:
  countersign restore backups/countersign-20270301-080000.db --check
  countersign restore backups/countersign-20270301-080000.db")]
    Restore(RestoreArgs),
    /// Look at everything and say what is wrong and what to do
    #[command(after_help = "\
Examples:
  countersign doctor
  countersign doctor --offline --json")]
    Doctor(DoctorArgs),
    /// Put what somebody needs who helps into one file, without secrets and without documents
    #[command(after_help = "\
Versions, settings, configurations, doctor's findings, states, counts and the log. What documents or partners say stays
out, and what looks like a secret is ***. Look into it before you hand it on.

Examples:
  countersign diagnostics
  countersign diagnostics --out /tmp/countersign.zip")]
    Diagnostics(DiagnosticsArgs),
    /// Follow the history from its first row to its last
    #[command(after_help = "\
Examples:
  countersign audit verify
  countersign audit verify --file backups/countersign-20270301-080000.db --json")]
    Audit(AuditArgs),
    /// Print the OpenAPI document of the HTTP API
    #[command(after_help = "\
Example:
  countersign openapi > openapi.json")]
    Openapi,
}

#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Address and port to listen on [default: 127.0.0.1:7710]
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        value_parser = address,
        env = "COUNTERSIGN_LISTEN",
        hide_env_values = true
    )]
    pub listen: Option<SocketAddr>,
    /// Port alone; 0 takes any that is free
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// A name, with its port, that browsers may use for this service; may be repeated
    #[arg(
        long = "host",
        value_name = "NAME:PORT",
        env = "COUNTERSIGN_HOSTS",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub hosts: Vec<String>,
    /// Address and port on which partners call us, at /hooks/PARTNER/STREAM; none unless told
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        value_parser = address,
        env = "COUNTERSIGN_HOOKS",
        hide_env_values = true
    )]
    pub hooks: Option<SocketAddr>,
    /// Who acts in the screens [default: the user of this process]
    #[arg(long, value_name = "NAME", env = "COUNTERSIGN_USER", hide_env_values = true)]
    pub user: Option<String>,
}

#[derive(Debug, Args)]
pub struct SyncArgs {
    /// Only this partner
    pub partner: Option<String>,
    /// Fetch only
    #[arg(long)]
    pub no_deliver: bool,
    /// Longest time to spend on delivering, seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub deliver_seconds: u64,
}

#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Files, each with one document; - for standard input
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// The partner whose documents they are
    #[arg(long, value_name = "ID")]
    pub partner: String,
    /// The stream of its configuration that reads them
    #[arg(long, value_name = "NAME")]
    pub stream: String,
}

#[derive(Debug, Args)]
pub struct SubmitArgs {
    /// Files, each with one document; - for standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The partner who gets them [default: as the file says, else the only one there is]
    #[arg(long, value_name = "ID")]
    pub partner: Option<String>,
    /// Refuse what is not this [default: a change where the number is known, else new]
    #[arg(long = "as", value_name = "WHAT")]
    pub what: Option<SubmitAs>,
}

/// What a submitted file is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SubmitAs {
    New,
    Change,
}

#[derive(Debug, Args)]
pub struct SandboxArgs {
    /// Port to listen on; 0 takes any that is free
    #[arg(long, value_name = "PORT", default_value_t = 7700)]
    pub port: u16,
    /// Write a partner configuration for it here, and its secret and settings into the data folder
    #[arg(long, value_name = "DIR")]
    pub write_partner: Option<PathBuf>,
    /// Nothing happens there unasked, and no order is there at the start
    #[arg(long)]
    pub quiet: bool,
    /// Orders at the start
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub orders: Option<u32>,
    /// The same seed gives the same documents in the same order
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// Keep everything here and go on from it at the next start
    #[arg(long, value_name = "FILE")]
    pub state_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct QueueArgs {
    #[command(subcommand)]
    pub command: QueueCommand,
}

#[derive(Debug, Subcommand)]
pub enum QueueCommand {
    /// List operations, newest first
    #[command(after_help = "\
Examples:
  countersign queue list
  countersign queue list --all
  countersign queue list --state dead --state unknown --partner acme --json")]
    List {
        /// Only in this state; may be repeated [default: all that are not through]
        #[arg(long, value_name = "STATE")]
        state: Vec<StateArg>,
        /// Those that are through as well
        #[arg(long, conflicts_with = "state")]
        all: bool,
        #[command(flatten)]
        which: Which,
        /// Most rows
        #[arg(long, value_name = "ROWS", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
    /// Try operations again now; a dead letter is replayed as a new operation
    #[command(after_help = "\
Examples:
  countersign queue retry 0197e4a5-6a9c-7cc1-b2e5-0a5f3c1d2e4f
  countersign queue retry --dead --partner acme --error partner.rejected
  countersign queue retry --dead --since 2h
  countersign queue retry --dead --document PO-1001")]
    Retry {
        /// Operations, as `queue list` shows them
        #[arg(required_unless_present = "dead", value_name = "OPERATION", value_parser = operation)]
        operations: Vec<OperationId>,
        /// Every dead letter, or those that the options below leave
        #[arg(long, conflicts_with = "operations")]
        dead: bool,
        #[command(flatten)]
        which: Which,
        /// Only of this document: its number, or its id in the database
        #[arg(long, value_name = "DOCUMENT", requires = "dead")]
        document: Option<String>,
    },
}

/// Where an operation is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StateArg {
    Queued,
    Sending,
    Delivered,
    Applied,
    Retrying,
    Unknown,
    Held,
    Dead,
    Withdrawn,
}

#[derive(Debug, Args)]
pub struct PrintArgs {
    /// The document's number, or its id in the database
    pub document: String,
    /// Version [default: the current one]
    #[arg(long, value_name = "NUMBER")]
    pub version: Option<u32>,
    /// Where several partners use the same number
    #[arg(long, value_name = "ID")]
    pub partner: Option<String>,
    /// Where to write; - for standard output [default: NUMBER-vVERSION.pdf here]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

fn operation(text: &str) -> Result<OperationId, String> {
    text.parse()
        .map(OperationId)
        .map_err(|_| "an operation is a UUID, as `countersign queue list` shows it".to_owned())
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "an address is a number with a port, such as 127.0.0.1:7710 or [::1]:7710".to_owned())
}
