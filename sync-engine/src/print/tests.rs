//! Pages are checked by what a reader gets out of them: `pdftotext` and `pdfinfo` of poppler-utils.
//! `COUNTERSIGN_KEEP_PAGES=dir` keeps the PDFs for looking at.

use super::{Answer, Letterhead, PrintInput, render_pdf};
use crate::domain::answer::{LineAnswer, Reason, ReasonCode, ReceiptAdvice, ReceiptLine, RejectAction, RejectReason};
use crate::domain::diff::diff;
use crate::domain::document::{DateRange, DespatchLine, Item, OrderLine, Party, Reference, Totals};
use crate::domain::{
    CanonicalDocument, Currency, Date, Decimal, DespatchAdvice, HeaderAnswer, LineAnswerCode, Money, Order,
    OrderResponse, Timestamp,
};
use std::path::Path;
use std::process::Command;

fn text(s: &str) -> Option<String> {
    Some(s.to_owned())
}

fn day(month: u32, day: u32) -> Date {
    Date::from_ymd_opt(2026, month, day).unwrap()
}

fn eur(minor: i64) -> Money {
    Money {
        minor,
        currency: Currency::parse("EUR").unwrap(),
    }
}

fn party(name: &str, street: &str, city: &str, country: &str) -> Party {
    Party {
        id: text("P-100234"),
        name: text(name),
        tax_id: text("DE123456789"),
        street: vec![street.to_owned()],
        postal_code: text("20457"),
        city: text(city),
        country: text(country),
        email: text("einkauf@example.com"),
        ..Party::default()
    }
}

fn letterhead() -> Letterhead {
    Letterhead {
        company: Party {
            phone: text("+49 40 555 010"),
            ..party("Nordwerk Antriebstechnik GmbH & Co. KG", "Am Sandtorkai 12", "Hamburg", "DE")
        },
        footer: vec![
            "Nordwerk Antriebstechnik GmbH & Co. KG \u{b7} Registergericht Hamburg HRA 10234 \u{b7} Geschäftsführung: Dr. A. Petersen".into(),
            "Hamburger Sparkasse \u{b7} IBAN DE02 2005 0550 1015 8717 87 \u{b7} BIC HASPDEHHXXX".into(),
        ],
    }
}

fn line(index: usize) -> OrderLine {
    let names = [
        "Hex bolt M8 x 40, zinc plated, 8.8",
        "Ball bearing 6204-2RS",
        "Flange gasket DN 50, EPDM, PN 16",
        "Geared motor 0.75 kW with brake, foot mounted, thermistor, terminal box on the left, paint RAL 5010",
        "Proximity sensor M12, PNP, 4 mm, with connector",
    ];
    let quantity = 10 + (index as i64 * 7) % 490;
    let price = 125 + (index as i64 * 331) % 45_000;
    OrderLine {
        id: (index + 1).to_string(),
        item: Item {
            seller_id: Some(format!("SKU-{:08}", 10_400_000 + index)),
            buyer_id: Some(format!("MAT-{:05}", 4_000 + index)),
            gtin: index.is_multiple_of(3).then(|| "4006381333931".to_owned()),
            description: Some(names[index % names.len()].to_owned()),
        },
        quantity: Decimal::from(quantity),
        unit: "PCE".into(),
        price: Some(Decimal::new(price, 2)),
        price_base: None,
        tax_percent: Some(Decimal::from(19)),
        net: Some(eur(quantity * price)),
        requested_delivery: None,
        backorder_allowed: None,
        note: None,
    }
}

fn order(lines: usize, language: &str) -> Order {
    let lines: Vec<OrderLine> = (0..lines).map(line).collect();
    let net: i64 = lines.iter().filter_map(|l| l.net.as_ref()).map(|m| m.minor).sum();
    Order {
        number: "PO-00004711".into(),
        revision: text("B"),
        issued_at: Some(Timestamp(1_772_000_000_000)),
        currency: Currency::parse("EUR").unwrap(),
        buyer: party("Bergmann Maschinenbau AG", "Industriestraße 7", "Köln", "DE"),
        seller: party(
            "Nordwerk Antriebstechnik GmbH & Co. KG",
            "Am Sandtorkai 12",
            "Hamburg",
            "DE",
        ),
        ship_to: Some(party(
            "Bergmann Maschinenbau AG, Werk 2, Tor C",
            "Rue de l'Électricité 14",
            "Łódź",
            "PL",
        )),
        bill_to: None,
        requested_delivery: Some(DateRange {
            first: day(3, 12),
            last: day(3, 12),
        }),
        payment_terms: text("30 days net, 2 % within 10 days"),
        delivery_terms: text("DAP Köln"),
        language: text(language),
        references: vec![Reference {
            kind: "contract".into(),
            id: "C-204410".into(),
        }],
        notes: vec![
            "Please state our order number on all papers. Deliveries Monday to Thursday, 7:00 to 15:00, gate C.".into(),
        ],
        lines,
        totals: Some(Totals {
            net: eur(net),
            tax: Some(eur(net * 19 / 100)),
            gross: Some(eur(net * 119 / 100)),
        }),
        cancel_reason: None,
    }
}

fn despatch() -> DespatchAdvice {
    let despatched = |index: usize| DespatchLine {
        id: (index + 1).to_string(),
        order_number: "PO-00004711".into(),
        order_line_id: (index + 1).to_string(),
        item: line(index).item,
        delivered: Decimal::from(40),
        outstanding: (index == 1).then(|| Decimal::from(10)),
        unit: "PCE".into(),
        batch: (index == 0).then(|| "CH-2026-118".to_owned()),
    };
    DespatchAdvice {
        number: "DN-00000815".into(),
        revision: None,
        issued_at: Some(Timestamp(1_772_300_000_000)),
        buyer: order(1, "en").seller,
        seller: order(1, "en").buyer,
        ship_to: None,
        despatched_on: Some(day(3, 1)),
        expected_delivery: Some(DateRange {
            first: day(3, 2),
            last: day(3, 4),
        }),
        carrier: text("DB Schenker"),
        tracking_id: text("00340434161094042557"),
        language: text("en"),
        notes: vec![],
        lines: (0..3).map(despatched).collect(),
        cancel_reason: None,
    }
}

struct Page {
    bytes: Vec<u8>,
    text: String,
    pages: usize,
}

impl Page {
    /// The text for a snapshot: column gaps as one bar, so that it does not hang on the tool's version.
    fn shown(&self) -> String {
        let cells = |line: &str| {
            let cells: Vec<&str> = line.split("  ").map(str::trim).filter(|c| !c.is_empty()).collect();
            cells.join(" | ")
        };
        let lines: Vec<String> = self.text.lines().map(cells).filter(|l| !l.is_empty()).collect();
        format!("{} pages\n{}", self.pages, lines.join("\n"))
    }
}

fn tool(name: &str, args: &[&str], file: &Path) -> String {
    let output = Command::new(name)
        .args(args)
        .arg(file)
        .arg("-")
        .output()
        .unwrap_or_else(|e| panic!("{name} does not run ({e}): `cargo xtask test` installs poppler-utils"));
    assert!(
        output.status.success(),
        "{name}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn print(
    name: &str,
    document: &CanonicalDocument,
    answer: Option<Answer<'_>>,
    before: Option<&CanonicalDocument>,
) -> Page {
    let changes = before.map(|b| diff(b, document));
    let letterhead = letterhead();
    let input = PrintInput {
        letterhead: &letterhead,
        document,
        answer,
        version: 2,
        changes: changes.as_ref().map(|d| (1, d)),
        printed_at: Timestamp(1_772_400_000_000),
    };
    let bytes = render_pdf(&input).unwrap();
    assert_eq!(
        bytes,
        render_pdf(&input).unwrap(),
        "the same input must give the same bytes"
    );
    let keep = std::env::var_os("COUNTERSIGN_KEEP_PAGES");
    let dir = tempfile::tempdir().unwrap();
    let file = keep
        .as_deref()
        .map_or(dir.path(), Path::new)
        .join(format!("{name}.pdf"));
    std::fs::write(&file, &bytes).unwrap();
    let text = tool("pdftotext", &["-layout"], &file);
    let pages = text.matches('\u{c}').count();
    Page { bytes, text, pages }
}

fn answer(code: LineAnswerCode, line_id: &str) -> LineAnswer {
    LineAnswer {
        line_id: line_id.into(),
        code,
        quantity: None,
        price: None,
        date: None,
        substitute: None,
        reason: None,
    }
}

#[test]
fn an_order_of_twenty_lines_has_everything_and_stays_small() {
    let page = print("order-20", &CanonicalDocument::Order(order(20, "en")), None, None);
    for wanted in [
        "Purchase order",
        "PO-00004711",
        "Bergmann Maschinenbau AG",
        "Łódź",
        "SKU-10400019",
        "DAP Köln",
        "Net total",
        "Page 1 / 2",
    ] {
        assert!(page.text.contains(wanted), "{wanted} is missing in:\n{}", page.text);
    }
    assert_eq!(page.pages, 2);
    insta::assert_snapshot!("order", page.shown());
    assert!(page.bytes.len() <= 20_000, "{} bytes", page.bytes.len());
}

#[test]
fn headings_repeat_on_every_page_and_no_line_is_lost() {
    let page = print("order-200", &CanonicalDocument::Order(order(200, "de")), None, None);
    assert!(page.pages >= 5);
    assert_eq!(
        page.text.matches("Bezeichnung").count(),
        page.pages,
        "headings on each page of lines"
    );
    for index in 0..200 {
        assert!(
            page.text.contains(&format!("SKU-{:08}", 10_400_000 + index)),
            "line {index}"
        );
    }
    assert!(page.text.contains(&format!("Seite {0} / {0}", page.pages)));
    assert!(page.bytes.len() <= 54_000, "{} bytes", page.bytes.len());
}

#[test]
fn a_counter_offer_shows_what_is_offered_in_place_of_what_was_ordered() {
    let mut lines: Vec<LineAnswer> = (1..=6)
        .map(|n| answer(LineAnswerCode::Accepted, &n.to_string()))
        .collect();
    lines[0] = LineAnswer {
        quantity: Some(Decimal::from(6)),
        price: Some(Decimal::new(139, 2)),
        date: Some(day(3, 20)),
        ..answer(LineAnswerCode::Changed, "1")
    };
    lines.insert(
        1,
        LineAnswer {
            quantity: Some(Decimal::from(4)),
            date: Some(day(4, 2)),
            ..answer(LineAnswerCode::Backordered, "1")
        },
    );
    lines[2] = LineAnswer {
        substitute: Some(Item {
            seller_id: text("SKU-99"),
            description: text("Ball bearing 6204-ZZ"),
            ..Item::default()
        }),
        ..answer(LineAnswerCode::Substituted, "2")
    };
    lines[3] = LineAnswer {
        reason: Some(Reason {
            code: ReasonCode::Itm,
            text: text("no longer made"),
        }),
        ..answer(LineAnswerCode::Rejected, "3")
    };
    let response = OrderResponse {
        code: HeaderAnswer::CA,
        reason: None,
        note: text("Valid for 14 days."),
        lines,
    };
    let page = print(
        "counter",
        &CanonicalDocument::Order(order(6, "en")),
        Some(Answer::Order(&response)),
        None,
    );
    insta::assert_snapshot!("counter_offer", page.shown());
    for wanted in [
        "Order confirmation with",
        "Changed: 6 pcs (10)",
        "Price 1.39 (1.25)",
        "Delivery 20 Mar 2026",
        "Backordered: 4 pcs",
        "SKU-99 Ball bearing 6204-ZZ in place of SKU-10400001",
        "Rejected: Items incorrect \u{2013} no longer made",
        "Total (Order)",
        "Net total (offer)",
        "1,789.06 EUR",
    ] {
        assert!(page.text.contains(wanted), "{wanted} is missing in:\n{}", page.text);
    }
}

#[test]
fn a_rejection_gives_its_reason() {
    let reason = Some(Reason {
        code: ReasonCode::Del,
        text: text("Das Werk ist im März geschlossen."),
    });
    let response = OrderResponse {
        code: HeaderAnswer::RE,
        reason,
        note: None,
        lines: vec![],
    };
    let page = print(
        "rejection",
        &CanonicalDocument::Order(order(3, "de")),
        Some(Answer::Order(&response)),
        None,
    );
    insta::assert_snapshot!("rejection", page.shown());
    assert!(page.text.contains("Ablehnung der"), "{}", page.text);
    assert!(
        page.text
            .contains("Grund: Lieferung nicht möglich \u{2013} Das Werk ist im März geschlossen."),
        "{}",
        page.text
    );
}

#[test]
fn a_revision_says_what_changed() {
    let before = order(4, "en");
    let mut after = before.clone();
    after.lines[1].quantity = Decimal::from(99);
    after.lines.remove(3);
    after.delivery_terms = text("FCA Hamburg");
    let page = print(
        "revision",
        &CanonicalDocument::Order(after),
        None,
        Some(&CanonicalDocument::Order(before)),
    );
    insta::assert_snapshot!("revision", page.shown());
    for wanted in [
        "Changes against version 1",
        "Line 2: Quantity 17 \u{bb} 99",
        "Line 4: deleted",
        "DAP Köln \u{bb} FCA Hamburg",
    ] {
        assert!(page.text.contains(wanted), "{wanted} is missing in:\n{}", page.text);
    }
}

#[test]
fn a_delivery_note_shows_what_arrived() {
    let line = |id: &str, received: i64| ReceiptLine {
        line_id: id.into(),
        received: Decimal::from(received),
        short: None,
        rejected: None,
        reject_reason: None,
        action: None,
        note: None,
    };
    let receipt = ReceiptAdvice {
        received_on: day(3, 3),
        note: None,
        lines: vec![
            line("1", 40),
            ReceiptLine {
                short: Some(Decimal::from(2)),
                ..line("2", 38)
            },
            ReceiptLine {
                rejected: Some(Decimal::from(5)),
                reject_reason: Some(RejectReason::Broken),
                action: Some(RejectAction::Replace),
                ..line("3", 40)
            },
        ],
    };
    let page = print(
        "receipt",
        &CanonicalDocument::DespatchAdvice(despatch()),
        Some(Answer::Receipt(&receipt)),
        None,
    );
    insta::assert_snapshot!("receipt", page.shown());
    for wanted in [
        "Goods receipt",
        "DN-00000815",
        "Batch CH-2026-118",
        "Received: 38 pcs \u{b7} Short: 2",
        "Rejected: 5 (broken, please replace)",
        "PO-00004711 / 3",
    ] {
        assert!(page.text.contains(wanted), "{wanted} is missing in:\n{}", page.text);
    }
}

#[test]
fn other_scripts_and_endless_words_stay_on_the_page() {
    let mut order = order(3, "zh");
    order.buyer.name = text("上海精密机械制造有限公司（浦东新区第二工厂）");
    order.lines[0].item.description = text("不锈钢六角螺栓 M8×40，镀锌，强度等级 8.8，符合国家标准");
    order.lines[1].item.description =
        text(&"Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft".repeat(3));
    order.lines[2].item.seller_id = text("THIS-ITEM-NUMBER-HAS-MORE-THAN-FORTY-CHARACTERS-IN-IT");
    order.lines[2].item.description = text("no font has these: \u{1F600}\u{E0001}; and a control\u{7}character");
    let page = print("scripts", &CanonicalDocument::Order(order), None, None);
    for wanted in ["上海精密机械制造有限公司", "不锈钢六角螺栓"] {
        assert!(
            page.text.replace(['\n', ' '], "").contains(wanted),
            "{wanted} is missing in:\n{}",
            page.text
        );
    }
    assert!(page.text.contains("Donaudampf"));
}

#[test]
fn the_pdf_is_tagged() {
    let order = CanonicalDocument::Order(order(2, "en"));
    let letterhead = letterhead();
    let input = PrintInput {
        letterhead: &letterhead,
        document: &order,
        answer: None,
        version: 1,
        changes: None,
        printed_at: Timestamp(0),
    };
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tagged.pdf");
    std::fs::write(&file, render_pdf(&input).unwrap()).unwrap();
    let output = Command::new("pdfinfo").arg("-struct").arg(&file).output().unwrap();
    let structure = String::from_utf8_lossy(&output.stdout);
    for wanted in ["H1", "Table", "TR", "TH", "TD"] {
        assert!(structure.contains(wanted), "{wanted} is missing in:\n{structure}");
    }
}

#[test]
fn an_answer_to_a_cancellation_says_so() {
    let mut cancelled = order(1, "en");
    cancelled.cancel_reason = text("Not needed.");
    let cancelled = CanonicalDocument::Order(cancelled);
    for (code, title) in [("AP", "confirmed"), ("RE", "rejected")] {
        let response = serde_json::json!({"code": code, "reason": null, "note": null, "lines": []});
        let response: OrderResponse = serde_json::from_value(response).expect("an answer");
        let page = print(title, &cancelled, Some(Answer::Order(&response)), None);
        assert!(page.text.contains(&format!("cancellation {title}")), "{}", page.text);
    }
}
