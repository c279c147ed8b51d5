//! The service on this machine: whether it answers where the settings say, and whether it is ready.

use super::{Check, Installation};
use crate::settings::{DataFolderLock, TOKEN_FILE};
use crate::tls;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(5);
pub const DEFAULT_ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 7710);

/// What the service answers at `path`, with its token; `None` when nobody answers as it does.
pub async fn ask(installation: &Installation, path: &str) -> Option<(u16, String)> {
    let token = std::fs::read_to_string(installation.data_dir.join(TOKEN_FILE)).unwrap_or_default();
    let mut at = installation.settings().listen.unwrap_or(DEFAULT_ADDRESS);
    if at.ip().is_unspecified() {
        at.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    tls::provider();
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        .build()
        .ok()?;
    let request = client.get(format!("http://{at}{path}")).bearer_auth(token.trim());
    let response = request.send().await.ok()?;
    Some((response.status().as_u16(), response.text().await.ok()?))
}

pub async fn checks(installation: &Installation) -> Vec<Check> {
    // Only where a service works here: on its port somebody else may answer.
    let name = "service";
    match DataFolderLock::is_held(&installation.data_dir) {
        Ok(true) => {}
        Ok(false) => return vec![Check::ok(name, "none runs on this data folder")],
        Err(error) => {
            let message = "whether one runs on this data folder cannot be told";
            let why = "Whether screens and monitors reach it is not known.";
            return vec![Check::warn(name, message, why, "run this as the user of the service").says(error)];
        }
    }
    vec![match ask(installation, "/api/v1/ready").await {
        Some((200, _)) => Check::ok(name, "it answers and is ready"),
        Some((503, text)) => Check::warn(
            name,
            "it answers and is not ready",
            "It does no work meanwhile.",
            "its reasons say why; they end by themselves, or Health says what to do",
        )
        .says(text),
        Some((status, _)) => Check::warn(
            name,
            format!("something answers {status} at its address"),
            "Screens and monitors may reach another program.",
            "look which program listens there, or start the service with another --listen",
        ),
        None => Check::warn(
            name,
            "a service holds the data folder, and nobody answers at the address of the settings",
            "Screens and monitors do not reach it: it was started with another --listen or --port, or it hangs.",
            "look at the address that it printed; if it does not answer there either, restart it",
        ),
    }]
}
