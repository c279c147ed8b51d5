//! What can be typed: care of the database, and looking at everything.

use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct BackupArgs {
    /// Where to write; must not exist [default: backups/countersign-DATE-TIME.db in the data folder]
    pub file: Option<PathBuf>,
    /// Then restore the copy into a folder of its own, and check everything in it
    #[arg(long)]
    pub drill: bool,
}

#[derive(Debug, Args)]
pub struct ArchiveArgs {
    #[command(subcommand)]
    pub command: ArchiveCommand,
}

#[derive(Debug, Subcommand)]
pub enum ArchiveCommand {
    /// List the archives, each read to its end and checked
    #[command(after_help = "\
Examples:
  countersign archive list
  countersign archive list --json")]
    List,
    /// Print every row of an archive as a line of JSON
    #[command(after_help = "\
Example:
  countersign archive show archives/countersign-20270301080000000-1.jsonl.gz | grep PO-10023")]
    Show {
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Find documents in the archives, by their number or counterparty
    #[command(after_help = "\
Each archive is read to its end and checked.

Examples:
  countersign archive find PO-10023
  countersign archive find \"Nordwind\" --json")]
    Find {
        /// Part of the number, or of the counterparty's name
        #[arg(value_name = "TEXT")]
        text: String,
    },
    /// Make a data folder of an archive, to read, search and print what is in it
    #[command(after_help = "\
The archive is checked first, its part of the history too. In the new folder everything that reads works: the screens,
print, queue list, audit verify, the API. No partner is asked or sent anything from there. The archive stays as it is, and
nothing goes back into the database that it came from.

Examples:
  countersign archive open archives/countersign-20270301080000000-1.jsonl.gz
  countersign archive open countersign-20270301080000000-1.jsonl.gz --into /tmp/2027
  countersign print PO-10023 --data-dir /tmp/2027
  countersign serve --port 0 --data-dir /tmp/2027")]
    Open {
        /// As `archive find` and `archive list` name it, or any other file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// A folder that has no database yet [default: one beside the archives, with the archive's name]
        #[arg(long, value_name = "FOLDER")]
        into: Option<PathBuf>,
    },
    /// Archive now what is settled; `countersign serve` does it every day
    #[command(after_help = "\
Examples:
  countersign archive run
  countersign archive run --days 365 --json")]
    Run {
        /// Keep what changed in these days [default: care.keepDays of the settings, 90]
        #[arg(long, value_name = "DAYS")]
        days: Option<u32>,
    },
}

#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Only try it out; a running engine is not in the way
    #[arg(long)]
    pub check: bool,
}

#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Ask no partner, no Loki and no service whether it answers
    #[arg(long)]
    pub offline: bool,
}

#[derive(Debug, Args)]
pub struct DiagnosticsArgs {
    /// Where to write; must not exist [default: countersign-diagnostics-DATE-TIME.zip here]
    #[arg(long, short, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct AuditArgs {
    #[command(subcommand)]
    pub command: AuditCommand,
}

#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Say whether every row is there, is what was written, and follows from the one before it
    #[command(after_help = "\
An engine may run meanwhile. Exit code 1 when the history breaks.

Examples:
  countersign audit verify
  countersign audit verify --file backups/countersign-20270301-080000.db --json")]
    Verify {
        /// A backup, or any other database file [default: the database of the data folder]
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
}
