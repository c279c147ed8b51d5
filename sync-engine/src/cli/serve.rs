//! `countersign serve`: the engine, its API and its screens, until a signal.

use super::args::{Global, ServeArgs};
use super::failure::{Exit, Failure};
use super::settings::{Settings, reason};
use super::signals::Signals;
use super::{host, logs, terminal, token};
use serde_json::json;
use std::net::SocketAddr;
use std::process::ExitCode;
use sync_engine::api::{self, ApiOptions, connections::Connections, http::HttpOptions};
use sync_engine::log;
use sync_engine::settings::DataFolderLock;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub async fn run(global: &Global, args: ServeArgs) -> Result<ExitCode, Failure> {
    let settings = host::settings(global, Some(&args))?;
    host::make_data_dir(&settings)?;
    let _alone = DataFolderLock::take(&settings.data_dir)?;
    let token = token::load_or_make(&settings.data_dir)?;
    // Before the engine starts: a port that is taken is told at once.
    let listener = TcpListener::bind(settings.listen)
        .await
        .map_err(|e| cannot_listen(settings.listen, ["--port", "--listen"], &e))?;
    let address = listener
        .local_addr()
        .map_err(|e| cannot_listen(settings.listen, ["--port", "--listen"], &e))?;
    warn_when_open(&settings, address);
    let hooks = match settings.hooks {
        Some(at) => {
            let bound = TcpListener::bind(at).await;
            Some(bound.map_err(|e| cannot_listen(at, ["--hooks", "--hooks"], &e))?)
        }
        None => None,
    };
    let called_at = hooks.as_ref().and_then(|hooks| hooks.local_addr().ok());

    let signals = Signals::listen()?;
    let engine = host::engine(&settings, true).await?;
    engine.care(host::care(&settings));
    let shutdown = CancellationToken::new();
    let router = api::router(
        engine.clone(),
        ApiOptions {
            user: args.user.clone().unwrap_or_else(os_user),
            shutdown: shutdown.clone(),
            settings_file: global.config.clone(),
        },
    );
    let options = HttpOptions {
        token: token.clone(),
        hosts: settings.hosts.clone(),
        shutdown: shutdown.clone(),
        grace: host::GRACE,
        connections: Connections::default(),
    };
    let grace = signals.cancel(shutdown.clone());
    ship_log(&settings, shutdown.clone())?;
    tell(global, address, called_at, &token)?;
    let calls = async {
        match hooks {
            Some(listener) => api::hooks::serve(listener, engine.clone(), shutdown.clone(), host::GRACE).await,
            None => Ok(()),
        }
    };
    let (served, called) = tokio::join!(api::http::serve(listener, router, options), calls);
    let served = served.and(called);
    shutdown.cancel();
    tracing::info!("stopping: what is in flight ends first");
    engine.stop(grace.get()).await;
    served.map_err(|e| Failure::failed(format!("the service ended: {}", reason(&e))))?;
    Ok(ExitCode::SUCCESS)
}

fn tell(global: &Global, address: SocketAddr, hooks: Option<SocketAddr>, token: &str) -> Result<(), Failure> {
    // A wildcard address is listened on, but not gone to.
    let mut reachable = address;
    if address.ip().is_unspecified() {
        reachable.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let url = format!("http://{reachable}/#token={token}");
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "serving");
    if let Some(address) = hooks {
        tracing::info!(%address, "partners call at /hooks/PARTNER/STREAM: put a proxy with TLS in front of it");
    }
    if global.json {
        let base = format!("http://{reachable}");
        return terminal::json(
            &json!({ "address": address.to_string(), "baseUrl": base, "url": url, "token": token, "hooks": hooks.map(|h| h.to_string()) }),
        );
    }
    terminal::line(format!(
        "Countersign is ready. Open this address in a browser:\n  {url}\nCtrl+C stops it."
    ))
}

fn ship_log(settings: &Settings, stop: CancellationToken) -> Result<(), Failure> {
    let loki = settings.log.loki.clone();
    let secrets = host::secrets(&settings.data_dir);
    let name = loki.as_ref().and_then(|l| l.secret.clone()).unwrap_or_default();
    let credential = move || {
        let secret = secrets.get(&name).map_err(|e| e.to_string())?;
        Ok(secret.expose().to_owned())
    };
    log::ship(logs::files(settings), loki, Box::new(credential), stop).map_err(Failure::failed)
}

/// The flags choose another port, and another address.
fn cannot_listen(address: SocketAddr, [port, elsewhere]: [&str; 2], error: &std::io::Error) -> Failure {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            Failure::new(Exit::InUse, format!("another program listens on {address} already")).hint(format!(
                "stop it, or choose another port with {port}; port 0 takes one that is free"
            ))
        }
        std::io::ErrorKind::AddrNotAvailable => {
            Failure::configuration(format!("{address} is not an address of this machine"))
                .hint(format!("choose one with {elsewhere}; 127.0.0.1 is always there"))
        }
        _ => Failure::failed(format!("cannot listen on {address}: {}", reason(error))),
    }
}

fn warn_when_open(settings: &Settings, address: SocketAddr) {
    if address.ip().is_loopback() {
        return;
    }
    tracing::warn!(
        %address,
        "other machines can reach this service, and it speaks plain HTTP: put a proxy with TLS in front of it"
    );
    if settings.hosts.is_empty() {
        tracing::warn!("no --host is named, so only requests to this machine's loopback names are answered");
    }
}

/// The name of the account that this process runs under.
pub fn os_user() -> String {
    ["USER", "LOGNAME", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|v| !v.trim().is_empty()))
        .unwrap_or_else(|| "local".to_owned())
}
