//! The command line.

mod archive;
mod args;
mod audit;
mod backup;
mod care_args;
mod diagnostics;
mod doctor;
mod failure;
mod host;
mod import;
mod input;
mod logs;
mod new;
mod partner;
mod partner_args;
mod print;
mod queue;
mod restore;
mod sandbox;
mod serve;
mod settings;
mod signals;
mod submit;
mod sync;
mod terminal;
mod token;
mod trial;
mod which;

use args::{Cli, Command};
use clap::Parser;
use failure::Failure;
use std::process::ExitCode;

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let json = cli.global.json;
    match start(cli) {
        Ok(code) => code,
        Err(failure) => {
            failure.report(json);
            failure.exit.into()
        }
    }
}

fn start(cli: Cli) -> Result<ExitCode, Failure> {
    let Cli { global, command } = cli;
    if let Command::Openapi = command {
        terminal::write_out(sync_engine::api::openapi_text().as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    logs::start(&global, &command);
    let runtime = sync_engine::engine::threads::runtime()
        .map_err(|e| Failure::failed(format!("the program cannot start: {e}")))?;
    runtime.block_on(async {
        match command {
            Command::Serve(args) => serve::run(&global, args).await,
            Command::Sync(args) => sync::run(&global, args).await,
            Command::Import(args) => import::run(&global, args).await,
            Command::Submit(args) => submit::run(&global, args).await,
            Command::Sandbox(args) => sandbox::run(&global, args).await,
            Command::Partner(args) => partner::run(&global, args).await,
            Command::Queue(args) => queue::run(&global, args).await,
            Command::Print(args) => print::run(&global, args).await,
            Command::Backup(args) => backup::run(&global, args),
            Command::Archive(args) => archive::run(&global, args).await,
            Command::Restore(args) => restore::run(&global, &args),
            Command::Doctor(args) => doctor::run(&global, &args).await,
            Command::Diagnostics(args) => diagnostics::run(&global, args).await,
            Command::Audit(args) => audit::run(&global, args),
            Command::Openapi => Ok(ExitCode::SUCCESS),
        }
    })
}
