//! Code tables by the names of the partner's codes.

use super::wanted::UNITS;
use super::words::words;
use std::collections::BTreeMap;

pub(super) type Table = BTreeMap<String, String>;

/// Statuses of documents -> what a version is for.
pub(super) fn purposes(options: &[String]) -> Table {
    let purpose = |option: &String| {
        let words = words(option);
        let says = |one_of: &[&str]| words.iter().any(|w| one_of.contains(&w.as_str()));
        match () {
            () if says(&["cancel", "delete", "deleted", "void", "voided", "withdrawn", "revoked"]) => "Cancellation",
            () if says(&["change", "revised", "update", "revision", "replaced"]) => "Change",
            () => "Original",
        }
    };
    options
        .iter()
        .map(|option| (option.clone(), purpose(option).to_owned()))
        .collect()
}

/// Units of measure -> Recommendation 20, and those that none was found for.
pub(super) fn units(options: &[String]) -> (Table, Vec<String>) {
    let mut unknown = Vec::new();
    let mut table = Table::new();
    for option in options {
        let name = words(option).join(" ");
        match UNITS
            .iter()
            .find(|(code, names)| names.split(", ").any(|known| known == name) || *code == option)
        {
            Some((code, _)) => _ = table.insert(option.clone(), (*code).to_owned()),
            None => unknown.push(option.clone()),
        }
    }
    (table, unknown)
}

/// Our codes -> the partner's, where one of theirs has the words.
pub(super) fn outward(options: &[String], ours: &[(&str, &[&str])]) -> Table {
    let mut table = Table::new();
    for (code, wanted) in ours {
        let found = wanted
            .iter()
            .find_map(|word| options.iter().find(|option| words(option).iter().any(|w| w == word)));
        if let Some(option) = found {
            table.insert((*code).to_owned(), option.clone());
        }
    }
    table
}

/// Answers as a whole, by the words of the partner's codes.
pub(super) const ANSWERS: &[(&str, &[&str])] = &[
    ("AB", &["acknowledge", "received", "receive", "pending"]),
    ("AP", &["accept", "confirm", "ok", "authorise", "agreed"]),
    ("RE", &["reject", "cancel", "deleted", "delete"]),
    (
        "CA",
        &[
            "change",
            "partial",
            "partially",
            "counter",
            "modified",
            "propose",
            "proposed",
            "update",
        ],
    ),
];
/// Answers to a line.
pub(super) const LINE_ANSWERS: &[(&str, &[&str])] = &[
    ("Accepted", &["accept", "confirm", "ok"]),
    ("Changed", &["change", "partial", "update", "accept", "confirm"]),
    (
        "Substituted",
        &["substituted", "substitute", "substitution", "replaced"],
    ),
    ("Backordered", &["backordered", "backorder", "back"]),
    ("Rejected", &["reject", "cancel"]),
];

pub(super) fn shown(table: &Table) -> String {
    let rows: Vec<String> = table.iter().map(|(a, b)| format!("{a} = {b}")).collect();
    rows.join(", ")
}

pub(super) fn left(unknown: &[String]) -> String {
    if unknown.is_empty() {
        String::new()
    } else {
        format!("; left as they are: {}", unknown.join(", "))
    }
}
