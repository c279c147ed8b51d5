//! The list of everything that `test` and `check` run, in order.

use crate::process::{cargo, command, root, target_dir};
use crate::setup::tool_path;
use std::process::Command;
use std::time::Duration;

/// One line of the summary.
pub struct Check {
    pub name: &'static str,
    pub what: &'static str,
    /// Part of `cargo xtask check` too.
    pub quick: bool,
    pub limit: Duration,
    pub command: fn() -> Command,
}

const fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

/// Every invocation of cargo names the whole workspace: with a part of it, features would be unified differently and
/// shared dependencies be built twice.
pub const CHECKS: &[Check] = &[
    Check {
        name: "format",
        what: "cargo fmt --check",
        quick: true,
        limit: minutes(5),
        command: || cargo(&["fmt", "--all", "--check"]),
    },
    Check {
        name: "licences",
        what: "cargo deny: licences, bans, sources",
        quick: true,
        limit: minutes(10),
        command: deny,
    },
    Check {
        name: "ui-lint",
        what: "the UI's linter and type checker",
        quick: true,
        limit: minutes(10),
        command: || command("npm", &["run", "--silent", "lint"], "ui"),
    },
    Check {
        name: "ui",
        what: "the UI's tests (vitest)",
        quick: false,
        limit: minutes(15),
        command: || command("npm", &["run", "--silent", "test"], "ui"),
    },
    Check {
        name: "clippy",
        what: "cargo clippy, warnings denied",
        quick: true,
        limit: minutes(40),
        command: || cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
    },
    Check {
        name: "build",
        what: "the programs that the tests drive",
        quick: false,
        limit: minutes(40),
        command: || cargo(&["build", "--workspace", "--all-targets"]),
    },
    Check {
        name: "rust",
        what: "cargo test: engine, shell, xtask",
        quick: false,
        limit: minutes(40),
        command: || cargo(&["test", "--workspace", "--no-fail-fast"]),
    },
    Check {
        name: "ui-types",
        what: "the UI's types are those of the OpenAPI document",
        quick: false,
        limit: minutes(5),
        command: || myself(&["openapi", "--check"]),
    },
    Check {
        name: "bill",
        what: "the bills of materials name every package that ships",
        quick: false,
        limit: minutes(10),
        command: || myself(&["sbom"]),
    },
    Check {
        name: "window",
        what: "end to end in a real window",
        quick: false,
        limit: minutes(15),
        command: || end_to_end("window"),
    },
    Check {
        name: "browser",
        what: "end to end in a real browser",
        quick: false,
        limit: minutes(15),
        command: || end_to_end("browser"),
    },
];

fn deny() -> Command {
    let mut deny = command(
        &tool_path("cargo-deny").to_string_lossy(),
        // The advisories are left out: their database is fetched from where a closed network does not reach.
        &[
            "--workspace",
            "--log-level",
            "error",
            "check",
            "bans",
            "licenses",
            "sources",
        ],
        "",
    );
    deny.env("CARGO_TERM_COLOR", "never");
    deny
}

/// This program again, so that the step is counted and streamed like any other. By its path: the build step may have
/// put a new one in the place of the one that runs.
fn myself(args: &[&str]) -> Command {
    let me = target_dir()
        .join("debug")
        .join(format!("xtask{}", std::env::consts::EXE_SUFFIX));
    command(&me.to_string_lossy(), args, "")
}

fn end_to_end(kind: &str) -> Command {
    let mut node = command("npm", &["run", "--silent", kind], "e2e");
    node.env("COUNTERSIGN_BIN_DIR", target_dir().join("debug"))
        .env("COUNTERSIGN_ARTIFACTS", root().join("test-artifacts"))
        .env("TAURI_DRIVER", tool_path("tauri-driver"));
    node
}
