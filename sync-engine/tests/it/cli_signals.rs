//! How the service is asked to end: by a person, a service manager, a terminal that goes.

use crate::cli_program::{Running, countersign};
use std::path::Path;
use std::process::Command;

const SERVE: [&str; 4] = ["serve", "--port", "0", "--json"];

#[test]
fn each_way_to_end_it_is_heard() {
    let home = tempfile::tempdir().expect("a folder");
    for signal in ["-INT", "-TERM", "-HUP"] {
        let served = Running::start(countersign(home.path(), &SERVE));
        served.told();
        served.signal(signal);
        assert_eq!(served.ended(), Some(0), "{signal}");
    }
}

/// As `nohup` starts it.
fn without_a_terminal(home: &Path) -> Command {
    let plain = countersign(home, &SERVE);
    let mut command = Command::new("nohup");
    command
        .arg(plain.get_program())
        .args(plain.get_args())
        .current_dir(home);
    command.env_clear().stdin(std::process::Stdio::null());
    for (name, value) in plain.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command
}

#[test]
fn a_terminal_that_goes_ends_nothing_that_was_to_outlive_it() {
    let home = tempfile::tempdir().expect("a folder");
    let served = Running::start(without_a_terminal(home.path()));
    let base = served.told()["baseUrl"].as_str().expect("an address").to_owned();
    served.signal("-HUP");
    served.signal("-HUP");
    let health = async {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let asked = client.get(format!("{base}/api/v1/health")).send().await;
        asked.expect("it is there").status().as_u16()
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    assert_eq!(runtime.block_on(health), 200);
    // The first signal that it hears: a second one would have ended it at once, with 130.
    assert_eq!(served.terminate(), Some(0));
}
