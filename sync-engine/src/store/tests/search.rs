//! Searches: what they find, how they page, and that they take whatever is typed.

use super::fixtures::*;
use super::lists::{filled, walk};
use crate::domain::PartnerId;
use crate::store::{DocumentQuery, DocumentView, Store};
use proptest::prelude::*;

fn search(opened: &Opened, typed: &str) -> Vec<String> {
    let query = DocumentQuery {
        search: Some(typed.to_owned()),
        limit: 3,
        ..query(DocumentView::All)
    };
    walk(opened, &query).into_iter().map(|row| row.number).collect()
}

#[test]
fn search_finds_prefixes_of_all_words_newest_first() {
    let opened = filled(30);
    let all = search(&opened, "bolt");
    assert_eq!(all.len(), 30);
    assert!(all.windows(2).all(|pair| pair[0] > pair[1]), "newest first over pages");
    for (typed, found) in [
        ("PO-007", vec!["PO-007"]),
        ("po-007 mül", vec!["PO-007"]),
        ("MULLER 007", vec!["PO-007"]),
        ("po-007 steel nothing", vec![]),
        ("角螺", vec!["all"]),
        ("sku-00001", vec!["all"]),
        ("olt", vec![]),
    ] {
        let numbers = search(&opened, typed);
        if found == ["all"] {
            assert_eq!(numbers.len(), 30, "{typed}");
        } else {
            assert_eq!(numbers, found, "{typed}");
        }
    }
    // A new version's words replace the old one's, and it becomes the newest.
    let mut changed = order("PO-003", None, 1);
    changed.lines[0].item.description = Some("Washer".to_owned());
    write(&opened.store, move |tx| {
        receive_from(
            tx,
            &PartnerId("partner-0".to_owned()),
            &changed,
            2,
            NOW.plus_seconds(99),
        )
    })
    .expect("version 2");
    assert_eq!(search(&opened, "washer"), ["PO-003"]);
    assert_eq!(search(&opened, "po-0").first().map(String::as_str), Some("PO-003"));
    assert!(!search(&opened, "bolt").contains(&"PO-003".to_owned()));
}

#[test]
fn nothing_typed_is_syntax() {
    let opened = filled(3);
    let long = "a ".repeat(5_000);
    for typed in [
        "\"",
        "\"\"",
        "\" OR \"",
        "*",
        "-",
        "bolt*",
        "NOT",
        "AND",
        "OR bolt",
        "NEAR(a b)",
        "words:bolt",
        "^bolt",
        "(",
        ")",
        "a\"b",
        "'; DROP TABLE document; --",
        "\0",
        "bolt\0steel",
        "%",
        "\u{202E}",
        "{bolt}",
        "bolt +",
        "\\",
        "🦀",
        "é\u{301}",
        "\"bolt",
        "bolt\"",
        long.as_str(),
    ] {
        let query = DocumentQuery {
            search: Some(typed.to_owned()),
            ..query(DocumentView::All)
        };
        let result = opened.store.list_documents(&query);
        assert!(result.is_ok(), "{typed:?}: {result:?}");
    }
    assert_eq!(search(&opened, "bolt* \"steel\"").len(), 3);
}

/// Entries of the index that no document belongs to, as many as a large store has.
fn crowd(opened: &Opened, from: u32, count: u32, words: &str) {
    peek(&opened.path)
        .execute(
            "INSERT INTO document_words (rowid, words)
             WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n + 1 < ?2)
             SELECT ?1 + 2 * n, ?3 || ' PO-' || printf('%08d', ?1 + 2 * n) FROM n",
            (from, count, words),
        )
        .expect("entries");
}

/// The numbers found, and the pages that it took.
fn pages(opened: &Opened, typed: &str) -> (Vec<String>, usize) {
    let mut query = DocumentQuery {
        search: Some(typed.to_owned()),
        ..query(DocumentView::All)
    };
    let mut numbers = Vec::new();
    for taken in 1..1000 {
        let page = opened.store.list_documents(&query).expect("a page");
        numbers.extend(page.items.into_iter().map(|row| row.number));
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => return (numbers, taken),
        }
    }
    panic!("the search has no end");
}

#[test]
fn a_page_takes_bounded_work_and_the_next_goes_on() {
    let opened = filled(3);
    crowd(&opened, 1000, 20_000, "pine bolt");
    crowd(&opened, 1001, 20_000, "oak bolt");
    let all = ["PO-002", "PO-001", "PO-000"];
    // A word of everything, all of which a filter leaves out.
    let (numbers, taken) = pages(&opened, "bolt");
    assert_eq!(numbers, all);
    assert!(taken > 20, "{taken} pages");
    // Two words that never meet.
    let (numbers, taken) = pages(&opened, "pine oak");
    assert!(numbers.is_empty());
    assert!((3..10).contains(&taken), "{taken} pages");
    // Where a word is rare, one page has it all, however far down.
    for typed in ["PO-002 bolt", "bolt PO-002", "bolt ste 002", "galvanised bolt PO-002"] {
        assert_eq!(pages(&opened, typed), (vec!["PO-002".to_owned()], 1), "{typed}");
    }
    assert_eq!(pages(&opened, "galvanised bolt").0, all);
    assert_eq!(pages(&opened, "bolt nowhere"), (vec![], 1));
}

/// One order for each description, its number counted from `PO-00000000`.
fn described(descriptions: Vec<String>) -> Opened {
    let opened = open();
    write(&opened.store, move |tx| {
        for (n, description) in descriptions.into_iter().enumerate() {
            let mut order = order(&format!("PO-{n:08}"), None, 1);
            order.lines[0].item.description = Some(description);
            receive_from(tx, &PartnerId("acme".to_owned()), &order, 1, NOW)?;
        }
        Ok(())
    })
    .expect("documents");
    opened
}

#[test]
fn a_beginning_that_stands_for_many_words_finds_them_all() {
    let opened = described((0..60).map(|n| format!("x{n:02} bolt")).collect());
    for typed in ["0", "00", "000", "0000", "PO-0000", "po 0000", "x", "bolt x", "b"] {
        assert_eq!(search(&opened, typed).len(), 60, "{typed}");
    }
    assert_eq!(search(&opened, "PO-00000017"), ["PO-00000017"]);
    assert_eq!(search(&opened, "PO-0000001").len(), 10);
    assert_eq!(search(&opened, "x17"), ["PO-00000017"]);
    // A single character is the beginning of a word only at the end.
    assert_eq!(search(&opened, "x bolt").len(), 0);
}

const SAID: [&str; 12] = [
    "Größe",
    "GROSSE",
    "gros",
    "Stahl",
    "Stahlrohr",
    "s",
    "st-37",
    "M8",
    "m80",
    "8",
    "Żółty",
    "六角",
];

/// As the index has it, of the words above.
fn terms(text: &str) -> Vec<String> {
    let plain: String = text
        .to_lowercase()
        .chars()
        .flat_map(|c| match c {
            'ö' | 'ó' => vec!['o'],
            'ü' => vec!['u'],
            'ż' => vec!['z'],
            '六' | '角' => vec![' ', c, ' '],
            c => vec![c],
        })
        .collect();
    let words = plain.split(|c: char| !c.is_alphanumeric());
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn matches(text: &[String], typed: &str) -> bool {
    let words: Vec<&str> = typed.split_whitespace().collect();
    words.iter().enumerate().all(|(at, word)| {
        let phrase = terms(word);
        let (end, before) = phrase.split_last().expect("a word");
        let whole = end.chars().count() == 1 && at + 1 < words.len();
        text.windows(phrase.len()).any(|part| {
            let last = &part[part.len() - 1];
            part.starts_with(before) && (last == end || !whole && last.starts_with(end))
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn finds_what_looking_at_every_document_would(
        said in prop::collection::vec(prop::collection::vec(0..SAID.len(), 0..4), 1..40),
        asked in prop::collection::vec(prop::collection::vec((0..SAID.len(), 1usize..10), 1..4), 1..40),
    ) {
        let descriptions: Vec<String> = said
            .iter()
            .map(|words| words.iter().map(|w| SAID[*w]).collect::<Vec<_>>().join(" "))
            .collect();
        let opened = described(descriptions.clone());
        for words in asked {
            let cut = |(word, length): &(usize, usize)| SAID[*word].chars().take(*length).collect::<String>();
            let typed = words.iter().map(cut).collect::<Vec<_>>().join(" ");
            let expected: Vec<String> = descriptions
                .iter()
                .enumerate()
                .rev()
                .map(|(n, description)| (format!("PO-{n:08}"), description))
                .filter(|(number, description)| {
                    let text = format!("{number} Müller Handels GmbH Our Company SKU-00001 {description}");
                    matches(&terms(&text), &typed)
                })
                .map(|(number, _)| number)
                .collect();
            prop_assert_eq!(search(&opened, &typed), expected, "{}", typed);
        }
    }
}
