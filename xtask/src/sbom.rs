//! `cargo xtask sbom`: what ships, as bills of materials (CycloneDX, JSON): the crates of each program on each system,
//! and the npm packages of the screens. None is written that lacks a package.

use crate::Outcome;
use crate::process::{cargo, command, output_of, root, run as run_command, say, target_dir};
use crate::setup;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What we ship for; deny.toml names the same.
const SYSTEMS: [&str; 2] = ["x86_64-unknown-linux-gnu", "x86_64-pc-windows-gnu"];
/// Each program with its package and that one's folder.
const PROGRAMS: [(&str, &str, &str); 2] = [
    ("countersign", "sync-engine", "sync-engine"),
    ("countersign-desktop", "countersign-desktop", "src-tauri"),
];
/// Every crate of the workspace gets one, beside its manifest.
const MEMBERS: [&str; 3] = ["sync-engine", "src-tauri", "xtask"];
/// Without its ending, as the tool wants it.
const WRITTEN: &str = "countersign-bill-of-materials";

pub fn run(args: &[String]) -> Outcome {
    if let Some(other) = args.first() {
        return Err(format!("sbom takes no \"{other}\""));
    }
    setup::for_sbom()?;
    let folder = target_dir().join("sbom");
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut written = Vec::new();
    for system in SYSTEMS {
        written.extend(crates(&folder, system)?);
    }
    written.push(packages(&folder)?);
    say("Bills of materials");
    for (file, count) in written {
        println!("{}: {count} packages", file.display());
    }
    Ok(())
}

/// The bill of each program on a system, and how many crates it has to have.
fn crates(folder: &Path, system: &str) -> Result<Vec<(PathBuf, usize)>, String> {
    let tool = setup::tool_path("cargo-cyclonedx");
    let mut make = command(
        &tool.to_string_lossy(),
        &[
            "cyclonedx",
            "--format",
            "json",
            "--spec-version",
            "1.5",
            "--no-build-deps",
        ],
        "",
    );
    make.args(["--target", system, "--override-filename", WRITTEN]);
    let made = run_command(make);
    let mut written = Vec::new();
    for (program, package, member) in PROGRAMS {
        let to = folder.join(format!("{program}-{system}.cdx.json"));
        let beside = root().join(member).join(format!("{WRITTEN}.json"));
        let bill = std::fs::read_to_string(&beside);
        if let Ok(bill) = bill {
            let wanted = locked(package, system)?;
            complete(&to, &bill, &wanted)?;
            std::fs::write(&to, bill).map_err(|e| format!("{}: {e}", to.display()))?;
            written.push((to, wanted.len()));
        }
    }
    for member in MEMBERS {
        let _ = std::fs::remove_file(root().join(member).join(format!("{WRITTEN}.json")));
    }
    made?;
    match written.len() == PROGRAMS.len() {
        true => Ok(written),
        false => Err("cargo-cyclonedx did not write the bill of each program".into()),
    }
}

/// What cargo itself says that the program is linked from, as package URLs.
fn locked(package: &str, system: &str) -> Result<Vec<String>, String> {
    let mut tree = cargo(&["tree", "--locked", "--edges", "normal", "--prefix", "none"]);
    tree.args(["--format", "{p}", "--package", package, "--target", system]);
    let listed = output_of(tree).ok_or("cargo tree lists no crates")?;
    Ok(crate_urls(&listed))
}

/// From lines such as `serde v1.0.0` and `refinery-macros v0.9.2 (proc-macro) (*)`; our own crates, which have a path,
/// are left out, and so are macros, which are no part of a program.
fn crate_urls(listed: &str) -> Vec<String> {
    let mut urls: Vec<String> = listed
        .lines()
        .filter(|line| !line.contains("(proc-macro)") && !line.contains("(/"))
        .filter_map(|line| {
            let (name, rest) = line.split_once(" v")?;
            let version = rest.split_whitespace().next()?;
            Some(format!("pkg:cargo/{name}@{version}"))
        })
        .collect();
    urls.sort();
    urls.dedup();
    urls
}

/// The bill of the screens, and how many packages it has to have.
fn packages(folder: &Path) -> Result<(PathBuf, usize), String> {
    let to = folder.join("countersign-ui.cdx.json");
    let npm = |args: &[&str]| output_of(command("npm", args, "ui"));
    // Its own `--omit dev` leaves out React, which tools of development use as well (npm 11.19).
    let all = npm(&["sbom", "--sbom-format", "cyclonedx"]).ok_or("npm sbom wrote nothing")?;
    let bill = that_ships(&all).map_err(|e| format!("npm sbom wrote something else: {e}"))?;
    let listed = npm(&["ls", "--all", "--long", "--parseable", "--omit", "dev"]).ok_or("npm ls lists nothing")?;
    let wanted = package_urls(&listed);
    if wanted.is_empty() {
        return Err("npm ls lists no packages".into());
    }
    complete(&to, &bill, &wanted)?;
    std::fs::write(&to, bill).map_err(|e| format!("{}: {e}", to.display()))?;
    Ok((to, wanted.len()))
}

/// The bill without what is marked as used in development only.
fn that_ships(bill: &str) -> serde_json::Result<String> {
    let mut bill: Value = serde_json::from_str(bill)?;
    let is_development = |component: &Value| {
        let marks = component["properties"].as_array().into_iter().flatten();
        let mut names = marks.map(|mark| &mark["name"]);
        names.any(|name| name == "cdx:npm:package:development")
    };
    let mut left = BTreeSet::new();
    if let Some(components) = bill["components"].as_array_mut() {
        components.retain(|component| {
            let ships = !is_development(component);
            if !ships {
                left.extend(component["bom-ref"].as_str().map(str::to_owned));
            }
            ships
        });
    }
    let stays = |named: &Value| named.as_str().is_none_or(|named| !left.contains(named));
    if let Some(dependencies) = bill["dependencies"].as_array_mut() {
        dependencies.retain(|one| stays(&one["ref"]));
        for one in dependencies {
            if let Some(on) = one["dependsOn"].as_array_mut() {
                on.retain(stays);
            }
        }
    }
    serde_json::to_string_pretty(&bill)
}

/// From lines such as `/…/node_modules/@scope/name:@scope/name@1.2.3`; the screens themselves are left out.
fn package_urls(listed: &str) -> Vec<String> {
    let mut urls: Vec<String> = listed
        .lines()
        .filter_map(|line| line.split_once("node_modules/")?.1.split(':').nth(1))
        .map(|named| match named.strip_prefix('@') {
            Some(scoped) => format!("pkg:npm/%40{scoped}"),
            None => format!("pkg:npm/{named}"),
        })
        .collect();
    urls.sort();
    urls.dedup();
    urls
}

/// The bill names each of them as the URL of a package.
fn complete(file: &Path, bill: &str, wanted: &[String]) -> Outcome {
    let lacks: Vec<&str> = wanted
        .iter()
        .map(String::as_str)
        .filter(|url| !bill.contains(&format!("\"{url}\"")) && !bill.contains(&format!("\"{url}?")))
        .collect();
    match lacks.is_empty() {
        true => Ok(()),
        false => Err(format!("{} lacks {}", file.display(), lacks.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::{complete, crate_urls, package_urls, that_ships};
    use serde_json::{Value, json};
    use std::path::Path;

    #[test]
    fn what_ships_is_read_from_the_lists() {
        let tree = "sync-engine v0.1.0 (/src/sync-engine)\nserde v1.0.2\nserde_derive v1.0.2 (proc-macro)\n\nrand v0.8.5\nrand v0.10.1\nserde v1.0.2 (*)\n";
        assert_eq!(
            crate_urls(tree),
            ["pkg:cargo/rand@0.10.1", "pkg:cargo/rand@0.8.5", "pkg:cargo/serde@1.0.2"]
        );
        let listed =
            "/src/ui:countersign-ui@0.1.0\n/src/ui/node_modules/@a/b:@a/b@1.2.3\n/src/ui/node_modules/c:c@2.0.0\n";
        assert_eq!(package_urls(listed), ["pkg:npm/%40a/b@1.2.3", "pkg:npm/c@2.0.0"]);
    }

    #[test]
    fn tools_of_development_are_no_part_of_what_ships() {
        let bill = json!({
            "components": [
                { "bom-ref": "a@1", "properties": [] },
                { "bom-ref": "b@1", "properties": [{ "name": "cdx:npm:package:development", "value": "true" }] },
            ],
            "dependencies": [
                { "ref": "ui", "dependsOn": ["a@1", "b@1"] },
                { "ref": "b@1", "dependsOn": ["a@1"] },
            ],
        });
        let ships: Value = serde_json::from_str(&that_ships(&bill.to_string()).expect("a bill")).expect("JSON");
        let wanted = json!({
            "components": [{ "bom-ref": "a@1", "properties": [] }],
            "dependencies": [{ "ref": "ui", "dependsOn": ["a@1"] }],
        });
        assert_eq!(ships, wanted);
    }

    #[test]
    fn a_bill_that_lacks_a_package_is_refused() {
        let bill = r#"{"components":[{"purl":"pkg:cargo/a@1.0.0"},{"purl":"pkg:cargo/b@1.0.0-rc?x=y"}]}"#;
        let whole = |wanted: &[&str]| {
            let wanted: Vec<String> = wanted.iter().map(|url| (*url).to_owned()).collect();
            complete(Path::new("bill"), bill, &wanted)
        };
        assert_eq!(whole(&["pkg:cargo/a@1.0.0", "pkg:cargo/b@1.0.0-rc"]), Ok(()));
        // Not the beginning of another one's version either.
        assert_eq!(
            whole(&["pkg:cargo/a@1.0.0", "pkg:cargo/b@1.0.0", "pkg:cargo/c@1.0.0"]),
            Err("bill lacks pkg:cargo/b@1.0.0, pkg:cargo/c@1.0.0".to_owned())
        );
    }
}
