use super::*;
use crate::cli::args::{Cli, Command};
use clap::Parser;
use std::path::Path;

fn given(line: &[&str]) -> (Global, Option<ServeArgs>) {
    let cli = Cli::try_parse_from(std::iter::once("countersign").chain(line.iter().copied())).expect("a good line");
    match cli.command {
        Command::Serve(args) => (cli.global, Some(args)),
        _ => (cli.global, None),
    }
}

fn resolved(file: &str, line: &[&str], company: Option<&str>) -> Result<Settings, Failure> {
    let (global, serve) = given(line);
    let file = serde_json::from_str(file).expect("a good file");
    resolve(
        file,
        "/data".into(),
        &global,
        serve.as_ref(),
        company.map(str::to_owned),
    )
}

#[test]
fn a_flag_beats_the_file_which_beats_the_default() {
    let file = r#"{"listen": "127.0.0.1:9000", "partnersDir": "mine", "hosts": ["a:1"], "company": "acme"}"#;
    let default = resolved("{}", &["serve"], None).expect("resolves");
    assert_eq!(default.listen.to_string(), "127.0.0.1:7710");
    assert_eq!(default.partners_dir, Path::new("/data/partners"));
    assert_eq!(default.company.0, "main");

    let from_file = resolved(file, &["serve"], None).expect("resolves");
    assert_eq!(from_file.listen.to_string(), "127.0.0.1:9000");
    assert_eq!(from_file.partners_dir, Path::new("mine"));
    assert_eq!(from_file.hosts, ["a:1"]);
    assert_eq!(from_file.company.0, "acme");

    let line = [
        "serve",
        "--listen",
        "127.0.0.1:9001",
        "--partners-dir",
        "/theirs",
        "--host",
        "b:2",
    ];
    let flags = resolved(file, &line, Some("environment")).expect("resolves");
    assert_eq!(flags.listen.to_string(), "127.0.0.1:9001");
    assert_eq!(flags.partners_dir, Path::new("/theirs"));
    assert_eq!(flags.hosts, ["b:2"]);
    assert_eq!(flags.company.0, "environment");
}

#[test]
fn a_port_alone_keeps_the_address() {
    let settings = resolved(r#"{"listen": "[::1]:9000"}"#, &["serve", "--port", "0"], None).expect("resolves");
    assert_eq!(settings.listen.to_string(), "[::1]:0");
}

#[test]
fn a_company_is_a_slug() {
    for wrong in ["A", "a b", "ü", &"a".repeat(41)] {
        let error = resolved("{}", &["serve"], Some(wrong)).expect_err("refused");
        assert!(error.message.contains("is not usable"), "{wrong}: {}", error.message);
    }
}
