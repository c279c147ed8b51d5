//! The OpenAPI document and the UI's types, made from the handlers; `--check` tells whether the ones kept are stale.

use crate::Outcome;
use crate::process::{cargo, command, root, run as run_to_end, say, target_dir};
use crate::setup;
use std::process::Stdio;

const DOCUMENT: &str = "ui/src/api/openapi.json";
const TYPES: &str = "ui/src/api/schema.d.ts";

pub fn run(args: &[String]) -> Outcome {
    let check = match args {
        [] => false,
        [one] if one == "--check" => true,
        _ => return Err("`openapi` takes no option but --check".into()),
    };
    setup::npm("ui")?;
    run_to_end(cargo(&["build", "--workspace", "--bins"]))?;
    let document = document()?;
    let scratch = target_dir().join("xtask");
    std::fs::create_dir_all(&scratch).map_err(|e| format!("{}: {e}", scratch.display()))?;
    let (made_document, made_types) = (scratch.join("openapi.json"), scratch.join("schema.d.ts"));
    write(&made_document, &document)?;
    let mut types = command("npx", &["--no-install", "openapi-typescript"], "ui");
    types.arg(&made_document).arg("-o").arg(&made_types);
    run_to_end(types)?;
    let types = std::fs::read(&made_types).map_err(|e| format!("{}: {e}", made_types.display()))?;
    for (path, new) in [(DOCUMENT, document), (TYPES, types)] {
        let kept = root().join(path);
        if std::fs::read(&kept).is_ok_and(|old| old == new) {
            say(&format!("{path} is as the handlers are"));
        } else if check {
            return Err(format!(
                "{path} is stale: run `cargo xtask openapi` and commit what it writes"
            ));
        } else {
            write(&kept, &new)?;
            say(&format!("{path} written"));
        }
    }
    Ok(())
}

/// What the engine says of itself.
fn document() -> Result<Vec<u8>, String> {
    let program = target_dir()
        .join("debug")
        .join(format!("countersign{}", std::env::consts::EXE_SUFFIX));
    let out = command(&program.to_string_lossy(), &["openapi"], "")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| format!("{}: {e}", program.display()))?;
    match out.status.success() {
        true => Ok(out.stdout),
        false => Err("`countersign openapi` failed".into()),
    }
}

fn write(path: &std::path::Path, bytes: &[u8]) -> Outcome {
    std::fs::write(path, bytes).map_err(|e| format!("{}: {e}", path.display()))
}
