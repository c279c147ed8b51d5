//! The documents that papiNet, Microsoft and Xero publish, for the shipped configurations of their APIs.

use crate::documents::{Family, below, files};
use crate::partner_link::root;

fn shipped(id: &str, name: &'static str, stream: &'static str, path: &'static str) -> Family {
    Family {
        name,
        config: root().join("configs/partners").join(format!("{id}.json")),
        stream,
        path,
        before: "{\"value\":[",
        after: "]}",
        stubs: false,
        documents: Vec::new(),
    }
}

/// The JSON of a published exchange, which may begin with a request or status line and headers.
fn body(text: &str) -> &str {
    let start = if text.starts_with('{') {
        Some(0)
    } else {
        text.find("\n{")
    };
    start.map_or("", |start| text[start..].trim())
}

/// The published head with the published line in it, as `$expand` gives them.
fn expanded(head: &str, name: &str, line: &str) -> String {
    let head = body(head).strip_suffix('}').expect("an object").trim_end();
    format!("{head},\"{name}\":[{}]}}", line.trim())
}

pub fn families() -> Vec<Family> {
    let mut v3 = files("papinet", "v3_GW02");
    v3.extend(below(&files("papinet", "v3_GW01")[0], &["items"]));
    let mut notes = files("papinet", "v3_GW04");
    for start in ["v3_GW08", "v3_BW09", "v3_BW10"] {
        notes.extend(files("papinet", start));
    }
    notes.extend(below(&files("papinet", "v3_GW03")[0], &["items"]));
    let line = files("ms-bc", "purchaseorderline_get").remove(0);
    let orders = ["purchaseorder_get", "purchaseorder_create"].map(|start| files("ms-bc", start));
    let shipment = files("ms-bc", "salesshipmentline_get").remove(0);
    let shipments = files("ms-bc", "salesshipment_get");
    let xero: Vec<String> = ["getPurchaseOrder", "createPurchaseOrders.200", "update"]
        .iter()
        .flat_map(|start| files("xero", start))
        .flat_map(|text| below(&text, &["PurchaseOrders"]))
        .collect();
    let list = |family: Family, documents| Family {
        before: "{\"items\":[",
        stubs: true,
        documents,
        ..family
    };
    vec![
        list(
            shipped("papinet", "papiNet v3 orders", "orders", "/supplier-orders"),
            v3,
        ),
        list(
            shipped(
                "papinet",
                "papiNet v3 delivery notes",
                "deliveryNotes",
                "/logistics-delivery-notes",
            ),
            notes,
        ),
        Family {
            documents: orders
                .iter()
                .flatten()
                .map(|o| expanded(o, "purchaseOrderLines", &line))
                .collect(),
            ..shipped(
                "business-central",
                "Business Central orders",
                "orders",
                "/purchaseOrders",
            )
        },
        Family {
            documents: shipments
                .iter()
                .map(|s| expanded(s, "salesShipmentLines", &shipment))
                .collect(),
            ..shipped(
                "business-central",
                "Business Central shipments",
                "shipments",
                "/salesShipments",
            )
        },
        Family {
            before: "{\"PurchaseOrders\":[",
            documents: xero,
            ..shipped("xero", "Xero orders", "orders", "/PurchaseOrders")
        },
    ]
}
