//! Names as words: `purchaseOrderNo`, `purchase-order_no` and `PurchaseOrderNO` say the same.

/// Words that mean the same, the first of which stands for all.
const SAME: &[&[&str]] = &[
    &["number", "no", "num", "nr", "nbr"],
    &["quantity", "qty", "quantities"],
    &["purchase", "purchasing"],
    &["po", "pos"],
    &["despatch", "dispatch"],
    &[
        "acknowledge",
        "acknowledgement",
        "acknowledgment",
        "acknowledged",
        "acknowledging",
        "ack",
    ],
    &["confirm", "confirmation", "confirmed", "confirming"],
    &[
        "reject",
        "rejection",
        "rejected",
        "decline",
        "declined",
        "refuse",
        "refusal",
    ],
    &["cancel", "cancelled", "canceled", "cancellation"],
    &["accept", "acceptance", "accepted", "approve", "approval", "approved"],
    &["change", "changed", "amend", "amendment", "amended"],
    &["update", "updated", "modified", "modification", "modify"],
    &["create", "created", "creation"],
    &["address", "addr"],
    &["postal", "post", "zip", "postcode", "zipcode"],
    &["id", "identifier", "ident", "uid", "uuid", "guid"],
    &["description", "desc", "descr"],
    &["amount", "amt"],
    &["request", "requested"],
    &["order", "orders", "ordered"],
    &["ship", "shipping"],
    &["bill", "billing"],
    &["authorise", "authorised", "authorized", "authorize"],
    &["shipment", "shipments"],
    &["deliver", "delivery", "deliveries"],
    &["line", "lines"],
    &["need", "needed", "required"],
    &["supplier", "vendor"],
    &["buyer", "purchaser", "buying"],
    &["seller", "selling"],
    &["company", "organisation", "organization"],
];

/// Words that say nothing at the end of a longer name.
const WEAK: &[&str] = &[
    "date", "number", "id", "code", "amount", "total", "name", "value", "type", "line", "text", "item", "position",
    "price", "cost", "note", "tax", "material", "article", "product",
];

/// The words of a name, in lower case and in their common form.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut word = String::new();
    let chars: Vec<char> = name.chars().collect();
    for (n, c) in chars.iter().enumerate() {
        let before = n.checked_sub(1).and_then(|n| chars.get(n));
        let after = chars.get(n + 1);
        let lower = |c: Option<&char>| c.is_some_and(|c| c.is_lowercase());
        // `orderNo`, `PONumber`, `line2`
        let starts = c.is_uppercase() && (lower(before) || (before.is_some_and(|b| b.is_uppercase()) && lower(after)))
            || c.is_ascii_digit() != before.is_some_and(char::is_ascii_digit) && before.is_some();
        if (starts || !c.is_alphanumeric()) && !word.is_empty() {
            found.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
    }
    if !word.is_empty() {
        found.push(word);
    }
    found.iter().map(|word| common(word)).collect()
}

fn common(word: &str) -> String {
    let find = |word: &str| {
        SAME.iter()
            .find(|same| same.contains(&word))
            .and_then(|same| same.first())
    };
    if let Some(first) = find(word) {
        return (*first).to_owned();
    }
    let single = match word.strip_suffix("ies") {
        Some(stem) if stem.len() > 2 => format!("{stem}y"),
        _ => match word.strip_suffix('s') {
            Some(stem) if stem.len() > 2 && !stem.ends_with(['s', 'u', 'i']) => stem.to_owned(),
            _ => word.to_owned(),
        },
    };
    find(&single).map_or(single, |first| (*first).to_owned())
}

/// How alike two names are, from 0 to 1: the same words are 1, the same letters nearly.
pub(super) fn alike(name: &[String], wanted: &[String]) -> f64 {
    if name.is_empty() || wanted.is_empty() {
        return 0.0;
    }
    if name == wanted {
        return 1.0;
    }
    let (a, b) = (name.concat(), wanted.concat());
    if a == b {
        return 0.98;
    }
    // `vendorItemNumber` has all words of `itemNumber`, and one more.
    let more = name.len().saturating_sub(wanted.len());
    if wanted.len() > 1 && name.ends_with(wanted) || wanted.len() > 1 && name.starts_with(wanted) {
        return [0.9, 0.85, 0.75, 0.65].get(more).copied().unwrap_or(0.5);
    }
    let ends = name.first() == wanted.first() || name.last() == wanted.last();
    if wanted.len() > 1 && ends && wanted.iter().all(|word| name.contains(word)) {
        return [0.9, 0.8, 0.7, 0.6].get(more).copied().unwrap_or(0.45);
    }
    if let [word] = wanted
        && !WEAK.contains(&word.as_str())
        && name.last() == Some(word)
    {
        return [0.9, 0.7, 0.55].get(more).copied().unwrap_or(0.4);
    }
    // A slip of the pen, or another spelling.
    let wrong = strsim::levenshtein(&a, &b);
    if wrong == 1 && a.len() > 4 || wrong == 2 && a.len() > 9 {
        0.75
    } else {
        0.0
    }
}

/// Whether a text has all of these words, in any order.
pub(super) fn has(text: &[String], wanted: &[&str]) -> bool {
    wanted.iter().all(|word| text.iter().any(|w| w == word))
}

#[cfg(test)]
mod tests {
    use super::{alike, words};

    #[test]
    fn names_are_taken_apart() {
        for (name, expected) in [
            ("purchaseOrderNo", "purchase order number"),
            ("PONumber", "po number"),
            ("order_id", "order id"),
            ("LineItems", "line item"),
            ("shipToAddressLine1", "ship to address line 1"),
            ("qty", "quantity"),
            ("UpdatedDateUTC", "update date utc"),
            ("deliveries", "deliver"),
            ("status", "status"),
        ] {
            assert_eq!(words(name).join(" "), expected, "{name}");
        }
    }

    #[test]
    fn the_same_words_are_alike() {
        let degree = |a: &str, b: &str| alike(&words(a), &words(b));
        assert!((degree("order_number", "OrderNo") - 1.0).abs() < f64::EPSILON);
        assert!(degree("vendorItemNumber", "itemNumber") > 0.8);
        assert!(degree("quantity", "price") < 0.1);
        assert!(degree("purchaseOrderNumber", "number") < degree("purchaseOrderNumber", "orderNumber"));
    }
}
