//! `countersign doctor`: looks at everything, changes nothing, says what to do.

use super::args::{DoctorArgs, Global};
use super::failure::{Exit, Failure};
use super::{host, terminal};
use std::process::ExitCode;
use sync_engine::doctor::{self, Level, Look};

pub async fn run(global: &Global, args: &DoctorArgs) -> Result<ExitCode, Failure> {
    let installation = host::installation(global)?;
    let bar = terminal::waiting(global.json, "looking");
    let told = bar.clone();
    let look = Look {
        from_within: false,
        outside: !args.offline,
        limit: None,
    };
    let rows = move |rows| told.set_message(format!("looking: {rows} rows of history"));
    let found = doctor::look(&installation, look, rows).await;
    bar.finish_and_clear();
    let worst = found.worst();
    if global.json {
        terminal::json(&serde_json::json!({ "worst": worst, "checks": found.checks }))?;
    } else {
        for line in found.checks.iter().flat_map(doctor::lines) {
            terminal::line(line)?;
        }
    }
    Ok(match worst {
        Level::Ok | Level::Warn => ExitCode::SUCCESS,
        Level::Fail => Exit::Failed.into(),
    })
}
