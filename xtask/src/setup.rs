//! Installs what is missing: Debian's packages, npm packages, cargo tools. Does nothing when all is there.

use crate::process::{cargo, command, output_of, root, run, say, target_dir};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// To build the engine: SQLite and the cryptography are C.
const FOR_ENGINE: &[&str] = &["build-essential", "pkg-config"];

/// To build and to run the window.
const FOR_WINDOW: &[&str] = &[
    "libwebkit2gtk-4.1-dev",
    "librsvg2-dev",
    "libxdo-dev",
    "libayatana-appindicator3-dev",
    "xdg-utils",
    "fonts-noto-core",
    "fonts-noto-cjk",
];

/// To open the window where no one looks: a screen, a session bus, the web view's driver.
const FOR_SCREEN: &[&str] = &["xvfb", "xauth", "dbus", "webkit2gtk-driver"];

/// What the tests need besides: a browser, a PDF reader.
const FOR_TEST: &[&str] = &["chromium", "poppler-utils"];

/// The oldest Node that the UI's tools run on.
const NODE_AT_LEAST: u32 = 20;

pub fn everything() -> Result<(), String> {
    for_test()?;
    say("Everything is in place");
    Ok(())
}

/// What `run` needs where there is no display.
pub fn for_headless() -> Result<(), String> {
    ui(FOR_ENGINE)
}

/// What `run` needs.
pub fn for_run() -> Result<(), String> {
    ui(&[FOR_ENGINE, FOR_WINDOW].concat())
}

/// To build the window, and to drive it where no one looks.
pub fn for_screen() -> Result<(), String> {
    ui(&[FOR_ENGINE, FOR_WINDOW, FOR_SCREEN].concat())?;
    npm("e2e")?;
    tool("tauri-driver", "2.1.0")
}

fn ui(packages: &[&str]) -> Result<(), String> {
    system_packages(packages)?;
    node()?;
    npm("ui")?;
    build_ui()
}

/// What `test` needs.
pub fn for_test() -> Result<(), String> {
    system_packages(&[FOR_ENGINE, FOR_WINDOW, FOR_SCREEN, FOR_TEST].concat())?;
    for_screen()?;
    npm("e2e/peers")?;
    tool("cargo-deny", "0.20.2")?;
    bill_maker()
}

/// What `sbom` needs.
pub fn for_sbom() -> Result<(), String> {
    node()?;
    npm("ui")?;
    bill_maker()
}

fn bill_maker() -> Result<(), String> {
    tool("cargo-cyclonedx", "0.5.9")
}

fn system_packages(wanted: &[&str]) -> Result<(), String> {
    let mut query = command("dpkg-query", &["-W", "-f=${db:Status-Abbrev} ${Package}\n"], "");
    query.args(wanted);
    // It fails when one of them is unknown, and prints the others all the same.
    let Ok(out) = query.stdin(std::process::Stdio::null()).output() else {
        println!(
            "This is not Debian or one of its children, so system packages are left to you. Needed are, by Debian's \
             names: {}",
            wanted.join(" ")
        );
        return Ok(());
    };
    let there = String::from_utf8_lossy(&out.stdout).into_owned();
    let missing: Vec<&str> = wanted
        .iter()
        .filter(|name| {
            !there
                .lines()
                .any(|l| l.starts_with("ii") && l.split_whitespace().nth(1) == Some(name))
        })
        .copied()
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    say(&format!("Installing system packages: {}", missing.join(" ")));
    let by = become_root(&missing)?;
    let apt = |args: &[&str]| {
        let mut words: Vec<&str> = by.to_vec();
        words.extend([
            "env",
            "DEBIAN_FRONTEND=noninteractive",
            "apt-get",
            "-q",
            "-o",
            "DPkg::Lock::Timeout=600",
        ]);
        words.extend(args);
        run(command(words[0], &words[1..], ""))
    };
    if apt(&["update"]).is_err() {
        println!("The package lists could not be renewed; the ones at hand are used.");
    }
    let mut install = vec!["install", "--yes", "--no-install-recommends"];
    install.extend(&missing);
    apt(&install).map_err(|e| format!("{e}. Install these by hand and start again: {}", missing.join(" ")))
}

/// The words in front of a command that needs root; none when we are root.
fn become_root(missing: &[&str]) -> Result<&'static [&'static str], String> {
    if output_of(command("id", &["-u"], "")).as_deref() == Some("0") {
        return Ok(&[]);
    }
    if output_of(command("sudo", &["-n", "true"], "")).is_some() {
        return Ok(&["sudo", "-n"]);
    }
    if std::io::stdin().is_terminal() && output_of(command("sudo", &["--version"], "")).is_some() {
        println!("sudo may want your password for this.");
        // Asked for in our own process group: another one would be stopped when it reads from the terminal.
        if command("sudo", &["-v"], "")
            .status()
            .is_ok_and(|status| status.success())
        {
            return Ok(&["sudo", "-n"]);
        }
    }
    Err(format!(
        "system packages are missing and there is no way to become root. Run as root, then start again:\n  \
         apt-get update && apt-get install --no-install-recommends {}",
        missing.join(" ")
    ))
}

fn node() -> Result<(), String> {
    let hint = format!("install Node.js {NODE_AT_LEAST} or newer (with npm) and start again");
    let version =
        output_of(command("node", &["--version"], "")).ok_or_else(|| format!("there is no Node.js here: {hint}"))?;
    let major = version
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|n| n.parse::<u32>().ok());
    if major.is_none_or(|major| major < NODE_AT_LEAST) {
        return Err(format!("Node.js {version} is too old: {hint}"));
    }
    output_of(command("npm", &["--version"], "")).ok_or_else(|| format!("there is no npm here: {hint}"))?;
    Ok(())
}

/// `npm ci`, unless what is installed is what the lock file says.
pub fn npm(folder: &str) -> Result<(), String> {
    let dir = root().join(folder);
    let Ok(lock) = std::fs::read(dir.join("package-lock.json")) else {
        return match dir.join("package.json").exists() {
            true => Err(format!(
                "{folder}/package-lock.json is missing: run `npm install` in {folder} and commit it"
            )),
            false => Ok(()),
        };
    };
    let stamp = dir.join("node_modules/.installed-lock");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    say(&format!("Installing npm packages of {folder}"));
    run(command(
        "npm",
        &["ci", "--no-audit", "--no-fund", "--loglevel=error"],
        folder,
    ))?;
    std::fs::create_dir_all(dir.join("node_modules")).map_err(|e| e.to_string())?;
    std::fs::write(&stamp, lock).map_err(|e| format!("{}: {e}", stamp.display()))
}

/// Builds the UI, unless the last build is newer than every source of it.
pub fn build_ui() -> Result<(), String> {
    let ui = root().join("ui");
    if !ui.join("package.json").exists() {
        return Ok(());
    }
    let built = std::fs::metadata(ui.join("dist/index.html"))
        .and_then(|m| m.modified())
        .ok();
    let newest = newest_below(&ui);
    if built.is_some_and(|built| newest.is_none_or(|newest| newest <= built)) {
        return Ok(());
    }
    say("Building the UI");
    run(command("npm", &["run", "--silent", "build"], "ui"))
}

fn newest_below(dir: &Path) -> Option<std::time::SystemTime> {
    let mut newest = None;
    for entry in std::fs::read_dir(dir).ok()?.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        let name = entry.file_name();
        let time = if kind.is_dir() {
            match name.to_str() {
                Some("node_modules" | "dist" | "test-artifacts") => None,
                _ => newest_below(&entry.path()),
            }
        } else {
            entry.metadata().and_then(|m| m.modified()).ok()
        };
        newest = newest.max(time);
    }
    newest
}

/// Where cargo tools that only this project needs are installed.
pub fn tool_path(name: &str) -> PathBuf {
    target_dir()
        .join("tools/bin")
        .join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// Builds a cargo tool into the target folder. Unoptimised: it builds in a third of the time and runs for seconds.
fn tool(name: &str, version: &str) -> Result<(), String> {
    let tools = target_dir().join("tools");
    let stamp = tools.join(format!("{name}-{version}.installed"));
    if stamp.exists() && tool_path(name).exists() {
        return Ok(());
    }
    say(&format!("Installing {name} {version} into {}", tools.display()));
    let at = tools.to_string_lossy().into_owned();
    let wanted = format!("{name}@{version}");
    let mut install = cargo(&[
        "install", "--quiet", "--locked", "--debug", "--force", "--root", &at, &wanted,
    ]);
    install.env("CARGO_TARGET_DIR", tools.join("build"));
    // Only the build: the dependencies' debug information would be gigabytes that nobody reads.
    install.env("CARGO_PROFILE_DEV_DEBUG", "0");
    run(install)?;
    std::fs::write(&stamp, "").map_err(|e| format!("{}: {e}", stamp.display()))
}
