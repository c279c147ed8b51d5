//! docs/promises.md names tests: each of them exists.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What stands between backticks in the tests' column of the page's table.
fn named(page: &str) -> Vec<String> {
    let rows = page.lines().filter(|l| l.starts_with("| ")).skip(1);
    let cells = rows.filter_map(|row| row.split('|').nth(3));
    let names = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    names.map(str::to_owned).collect()
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The file of a test: its path, without the extension and `mod`, ends the path of modules, or one inside of it does.
fn holds(file: &Path, text: &str, modules: &[&str], test: &str) -> bool {
    let mut at: Vec<String> = file
        .with_extension("")
        .iter()
        .map(|p| p.to_string_lossy().into_owned())
        .collect();
    if at.last().is_some_and(|last| last == "mod") {
        at.pop();
    }
    let (outer, inner) = match modules {
        [.., last] if at.last().is_none_or(|name| name != last) => modules.split_at(modules.len() - 1),
        _ => (modules, &[] as &[&str]),
    };
    let here = at.len() >= outer.len() && at[at.len() - outer.len()..].iter().eq(outer.iter());
    here && inner.iter().all(|name| text.contains(&format!("mod {name} {{"))) && is_test(text, test)
}

/// A function of that name below a line that makes it a test.
fn is_test(text: &str, name: &str) -> bool {
    let start = format!("fn {name}(");
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let above = |n: usize| {
        lines[..n]
            .iter()
            .rev()
            .take_while(|l| l.starts_with("#[") || l.starts_with("//"))
    };
    lines.iter().enumerate().any(|(n, line)| {
        line.trim_start_matches("async ").starts_with(&start)
            && above(n).any(|l| l.starts_with("#[test]") || l.starts_with("#[tokio::test"))
    })
}

#[test]
fn every_test_on_the_page_exists() {
    let page = std::fs::read_to_string(root().join("docs/promises.md")).expect("the page");
    let names = named(&page);
    assert!(names.len() > 10, "the page's table has another form: {names:?}");
    let mut files = Vec::new();
    for dir in ["sync-engine/src", "sync-engine/tests/it", "src-tauri/src"] {
        sources(&root().join(dir), &mut files);
    }
    let texts: Vec<_> = files
        .iter()
        .map(|f| (f, std::fs::read_to_string(f).expect("a source")))
        .collect();
    // The simulation is a program of its own, which lists its tests.
    let simulation = std::fs::read_to_string(root().join("sync-engine/tests/sim/main.rs")).expect("the simulation");
    for name in names {
        if simulation.contains(&format!("\"{name}\"")) {
            continue;
        }
        let mut modules: Vec<&str> = name.split("::").collect();
        let test = modules.pop().expect("a name");
        assert!(
            texts.iter().any(|(file, text)| holds(file, text, &modules, test)),
            "docs/promises.md names a test that is not there: {name}"
        );
    }
}

#[test]
fn a_test_is_told_from_what_only_looks_like_one() {
    let text = "mod tests {\n    #[test]\n    fn one() {}\n    fn other() {}\n}\n";
    let file = Path::new("src/exchange/pace.rs");
    assert!(holds(file, text, &["exchange", "pace", "tests"], "one"));
    assert!(!holds(file, text, &["exchange", "pace", "tests"], "other"));
    assert!(!holds(file, text, &["exchange", "gate", "tests"], "one"));
    assert!(!holds(file, "fn one() {}", &["exchange", "pace"], "one"));
    assert!(holds(
        Path::new("tests/it/kill.rs"),
        "#[test]\nfn one() {}",
        &["kill"],
        "one"
    ));
    assert_eq!(named("| promise |\n|---|\n| a | b | `x::y`, `z` |\n"), ["x::y", "z"]);
}
