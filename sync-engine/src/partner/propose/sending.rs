//! What the fields of a body are called, and what we know for them.

/// An expression by the names that fields have for it.
pub(super) type Known = (&'static str, &'static str);

pub(super) const OF_ANSWER: &[Known] = &[
    (
        ".document.number",
        "purchase order number, po number, order number, document number, order reference, purchase order, \
         number, customer order number",
    ),
    (".partnerRef.id", "order id, purchase order id, id"),
    (
        ".document.revision",
        "revision, revision number, version, order version",
    ),
    (
        ".operationId",
        "idempotency key, request id, message id, correlation id, transaction id, acknowledge id, \
         acknowledge number, confirm number, response id",
    ),
    (
        ".answeredAt",
        "acknowledge date, confirm date, response date, confirmed at, answer date, timestamp",
    ),
    (".answer.note", "note, comment, remark, message, note to buyer"),
    (
        ".answer.reason.text",
        "reason, reject reason, reason text, reason description",
    ),
    (".answer.reason.code", "reason code, reject reason code"),
    (".document.currency", "currency, currency code"),
    (
        ".document.buyer.id",
        "buyer id, customer id, buyer party id, buyer party party id",
    ),
    (
        ".document.seller.id",
        "supplier id, seller id, supplier number, seller party id, seller party party id",
    ),
];
pub(super) const OF_ISSUED: &[Known] = &[
    (
        ".document.number",
        "purchase order number, po number, order number, document number, number, \
         external document number, customer order number, reference id, shipment number, despatch number, \
         deliver note number, asn number, supplier shipment identifier, shipment id",
    ),
    (".partnerRef.id", "order id, id"),
    (
        ".operationId",
        "idempotency key, request id, message id, transaction id",
    ),
    (".document.issuedAt", "order date, issue date, document date, date"),
    (
        ".document.despatchedOn",
        "ship date, despatch date, shipment date, shipped date, actual ship date, shipment confirm date",
    ),
    (
        ".document.expectedDelivery.last",
        "expect deliver date, estimate deliver date, estimate arrival date, deliver date",
    ),
    (".document.requestedDelivery.last", "request deliver date, deliver date"),
    (".document.carrier", "carrier, carrier name, scac, carrier code"),
    (
        ".document.trackingId",
        "tracking number, tracking id, bill of lading number",
    ),
    (".document.currency", "currency, currency code"),
    (".document.cancelReason", "cancel reason, reason"),
    (
        ".document.buyer.id",
        "buyer id, customer id, customer number, buyer party id",
    ),
    (".document.buyer.name", "customer name, buyer name"),
    (".document.seller.id", "supplier id, seller id, supplier number"),
];
pub(super) const OF_LINE: &[Known] = &[
    (
        ".id",
        "line number, line id, line item number, order line number, item sequence number, position number, \
         position, line, sequence, purchase order line number, line item id, order line id, number, uid, id",
    ),
    (
        ".item.sellerId",
        "supplier product identifier, supplier item number, sku, article number, item code, product code, \
         supplier part number, item number, item id, product id, line object number",
    ),
    (
        ".item.buyerId",
        "buyer product identifier, buyer item number, buyer part number, customer item number, \
         amazon product identifier",
    ),
    (".item.gtin", "gtin, ean, upc, barcode"),
    (".item.description", "description, item description, name, product name"),
    (
        ".unit",
        "unit of measure, unit of measure code, uom, unit, unit code, quantity unit",
    ),
];
pub(super) const OF_LINE_ANSWERED: &[Known] = &[
    (
        "[.answers[] | select(.code != \"Rejected\") | .quantity | tonumber] | add // 0",
        "quantity, confirm quantity, accept quantity, acknowledge quantity, order quantity, \
         quantity confirm",
    ),
    (
        "first(.answers[].date | values)",
        "deliver date, confirm deliver date, promise date, schedule deliver date, confirm date, ship date, \
         schedule ship date, expect deliver date, promise deliver date",
    ),
    (
        "first(.answers[].price | values) // .price",
        "price, unit price, net price, confirm price, net cost, unit cost",
    ),
    (
        "first(.answers[].reason.text | values)",
        "reason, comment, note, reject reason",
    ),
    (
        "first(.answers[].reason.code | values)",
        "reason code, reject reason code",
    ),
];
pub(super) const OF_PART: &[Known] = &[
    (
        ".quantity",
        "quantity, confirm quantity, accept quantity, acknowledge quantity",
    ),
    (
        ".date",
        "deliver date, confirm deliver date, promise date, schedule deliver date, confirm date, \
         schedule ship date, ship date, expect deliver date",
    ),
    (".price", "price, unit price, net price, confirm price"),
    (".reason.text", "reason, comment, note"),
    (".reason.code", "reason code, reject reason"),
];
pub(super) const OF_LINE_RECEIVED: &[Known] = &[
    (
        ".receipt.received",
        "receive quantity, received quantity, quantity received, accept quantity, quantity",
    ),
    (
        ".receipt.rejected",
        "reject quantity, quantity rejected, damaged quantity",
    ),
    (".receipt.short", "short quantity, missing quantity"),
    (".receipt.note", "note, comment, remark, reason"),
    (".orderNumber", "purchase order number, po number, order number"),
    (".orderLineId", "purchase order line number, order line number"),
];
pub(super) const OF_LINE_ISSUED: &[Known] = &[
    (
        ".orderNumber",
        "purchase order number, po number, order number, order id",
    ),
    (
        ".orderLineId",
        "purchase order line number, order line number, order line id, order item id, order item number, \
         order position id",
    ),
    (
        ".delivered // .quantity",
        "quantity, shipped quantity, ship quantity, deliver quantity, order quantity",
    ),
    (".price", "price, unit price, unit cost, net price"),
    (
        ".requestedDelivery.last",
        "request deliver date, deliver date, shipment date",
    ),
    (".batch", "batch number, lot number"),
];
