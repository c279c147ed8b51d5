//! What each field of our documents is called elsewhere: the names by which it is looked for, the commonest first.

/// What a value has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    Text,
    /// A text that names one thing: no enumeration, no sentence.
    Name,
    Decimal,
    Date,
    Boolean,
}

pub(super) struct Wanted {
    /// Where it goes; `item.sellerId` lies in a section.
    pub target: &'static str,
    pub want: Want,
    /// Words in their common form (`words::words`), with commas between the names.
    names: &'static str,
}

impl Wanted {
    /// The names, the commonest first.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.names.split(", ")
    }
}

const fn wanted(target: &'static str, want: Want, names: &'static str) -> Wanted {
    Wanted { target, want, names }
}

pub(super) const HEAD: &[Wanted] = &[
    wanted(
        "number",
        Want::Name,
        "purchase order number, po number, order number, number, document number, order id, purchase order id, \
         po id, order code, reference number, order reference, purchase order, reference id, code, id",
    ),
    wanted(
        "revision",
        Want::Name,
        "revision, revision number, version, version number, change number, order version, order change number",
    ),
    wanted(
        "issuedAt",
        Want::Date,
        "order date, purchase order date, issue at, issue date, create at, create, create date, create time, \
         document date, date create, create date time, date",
    ),
    wanted(
        "currency",
        Want::Text,
        "currency code, currency, currency iso code, order currency, document currency, transaction currency, \
         document currency code",
    ),
    wanted(
        "requestedDelivery",
        Want::Date,
        "request deliver date, deliver date, request receipt date, request ship date, need by date, \
         expect deliver date, due date, request date, deliver window, required date, need date, promise date, \
         expect receipt date",
    ),
    wanted(
        "paymentTerms",
        Want::Text,
        "payment term, payment term code, term of payment, term, payment term description",
    ),
    wanted(
        "deliveryTerms",
        Want::Text,
        "deliver term, incoterm, incoterms code, ship term, freight term, shipment term, term of deliver, \
         freight term code",
    ),
    wanted("language", Want::Text, "language, language code, locale"),
    wanted(
        "notes",
        Want::Text,
        "note, note to supplier, comment, remark, instruction, deliver instruction, message, header text, memo",
    ),
    wanted(
        "cancelReason",
        Want::Text,
        "cancel reason, reason for cancel, cancel comment",
    ),
    wanted(
        "references.contract",
        Want::Name,
        "contract number, contract id, contract reference, contract, agreement number, outline agreement",
    ),
    wanted(
        "totals.net",
        Want::Decimal,
        "net amount, total net amount, total amount excluding tax, total net, sub total, subtotal, net total, \
         total excluding tax, order total, total amount, net value, amount excluding tax, total",
    ),
    wanted(
        "totals.tax",
        Want::Decimal,
        "tax amount, total tax amount, total tax, vat amount, tax total, total vat, tax",
    ),
    wanted(
        "totals.gross",
        Want::Decimal,
        "gross amount, total amount including tax, total gross, total including tax, grand total, gross total, \
         total gross amount, amount including tax, total",
    ),
];

pub(super) const NOTE_HEAD: &[Wanted] = &[
    wanted(
        "number",
        Want::Name,
        "deliver note number, despatch number, shipment number, asn number, shipment identifier, \
         vendor shipment identifier, supplier shipment id, deliver number, packing slip number, number, \
         document number, shipment id, deliver note id, deliver id, code, id",
    ),
    wanted(
        "revision",
        Want::Name,
        "revision, revision number, version, version number",
    ),
    wanted(
        "issuedAt",
        Want::Date,
        "issue date, create at, create date, create, document date, date",
    ),
    wanted(
        "despatchedOn",
        Want::Date,
        "despatch date, ship date, shipment date, shipped at, shipped date, actual ship date, \
         shipment confirm date, goods issue date, posting date",
    ),
    wanted(
        "expectedDelivery",
        Want::Date,
        "expect deliver date, estimate deliver date, deliver date, expect arrival date, estimate arrival date, \
         eta, arrival date",
    ),
    wanted(
        "carrier",
        Want::Text,
        "carrier, carrier name, shipment method, scac, carrier scac, carrier code, carrier id, shipper, haulier",
    ),
    wanted(
        "trackingId",
        Want::Name,
        "tracking number, tracking id, tracking, tracking code, bill of lading number, pro bill number, \
         waybill number",
    ),
    wanted("language", Want::Text, "language, language code, locale"),
    wanted("notes", Want::Text, "note, comment, remark, instruction, message"),
];

pub(super) const LINE: &[Wanted] = &[
    wanted(
        "id",
        Want::Name,
        "line number, line id, line item number, order line number, order line item number, \
         item sequence number, position number, position, line, sequence, sequence number, line item id, \
         item number, purchase order item, order line id, number, row number, id",
    ),
    wanted(
        "quantity",
        Want::Decimal,
        "quantity, order quantity, quantity order, line quantity, request quantity, quantity value",
    ),
    wanted(
        "unit",
        Want::Text,
        "unit of measure code, unit of measure, unit code, uom code, uom, unit, order unit, quantity unit, \
         purchase order quantity unit, measure unit, quantity uom, order quantity unit, sale unit",
    ),
    wanted(
        "price",
        Want::Decimal,
        "unit price, net price, net unit price, net price amount, unit cost, net cost, direct unit cost, price unit, price, \
         unit amount, price per unit, base price, base price money, list price, cost, order price",
    ),
    wanted(
        "priceBase",
        Want::Decimal,
        "price base, price base quantity, net price quantity, price quantity, per quantity, \
         price per, base quantity, price unit quantity",
    ),
    wanted(
        "taxPercent",
        Want::Decimal,
        "tax percent, vat percent, tax rate, vat rate, tax percentage, vat percentage",
    ),
    wanted(
        "net",
        Want::Decimal,
        "line amount, net amount, line total, amount excluding tax, extend price, extend amount, \
         line net amount, total price, total amount, order amount, amount, total",
    ),
    wanted(
        "requestedDelivery",
        Want::Date,
        "request deliver date, deliver date, need by date, need by, request date, need date, \
         expect receipt date, due date, schedule deliver date, request ship date, expect deliver date, \
         required date, promise date",
    ),
    wanted(
        "backorderAllowed",
        Want::Boolean,
        "backorder allow, back order allow, is back order allow, allow backorder",
    ),
    wanted(
        "note",
        Want::Text,
        "note, comment, remark, note to supplier, line note, instruction, memo",
    ),
    wanted(
        "item.sellerId",
        Want::Name,
        "supplier product identifier, supplier product id, supplier item number, supplier part number, \
         supplier item id, supplier material number, seller item id, seller item number, supplier item, \
         supplier article number, supplier material, supplier part, sku, supplier sku, supplier product code, \
         article number, item code, product code, part number, item number, product number, line object number, \
         item id, product id, catalog object id, article id, material, supplier part id, \
         manufacturer part number, article, item, product",
    ),
    wanted(
        "item.buyerId",
        Want::Name,
        "buyer product identifier, buyer product id, buyer item number, buyer item id, buyer part number, \
         customer item number, customer part number, customer product id, amazon product identifier, \
         material number, material, customer article number, customer item id",
    ),
    wanted(
        "item.gtin",
        Want::Name,
        "gtin, ean, upc, ean code, barcode, gtin number, global trade item number, international article number, \
         ean upc",
    ),
    wanted(
        "item.description",
        Want::Text,
        "description, item description, product description, line description, name, item name, product name, \
         title, short text, order item text, purchase order item text, text, product title",
    ),
];

pub(super) const NOTE_LINE: &[Wanted] = &[
    wanted(
        "id",
        Want::Name,
        "line number, line id, item sequence number, position number, position, line, sequence, \
         line item number, number, id",
    ),
    wanted(
        "orderNumber",
        Want::Name,
        "purchase order number, po number, order number, order id, purchase order id, order reference, \
         source document number",
    ),
    wanted(
        "orderLineId",
        Want::Name,
        "purchase order line number, order line number, po line number, order line id, order line, \
         order position, purchase order item, order line item number",
    ),
    wanted(
        "delivered",
        Want::Decimal,
        "ship quantity, shipped quantity, deliver quantity, delivered quantity, despatch quantity, quantity, \
         quantity ship, quantity shipped, actual quantity",
    ),
    wanted(
        "unit",
        Want::Text,
        "unit of measure code, unit of measure, unit code, uom, unit, quantity unit, quantity uom",
    ),
    wanted(
        "outstanding",
        Want::Decimal,
        "outstanding quantity, open quantity, remain quantity, backorder quantity",
    ),
    wanted("batch", Want::Name, "batch number, batch, lot number, lot, batch id"),
    wanted(
        "item.sellerId",
        Want::Name,
        "supplier product identifier, supplier item number, sku, supplier part number, article number, \
         item code, product code, part number, item number, item id, product id, line object number",
    ),
    wanted(
        "item.buyerId",
        Want::Name,
        "buyer product identifier, buyer item number, customer item number, buyer part number, material number",
    ),
    wanted("item.gtin", Want::Name, "gtin, ean, upc, barcode"),
    wanted(
        "item.description",
        Want::Text,
        "description, item description, product description, name, product name, title, text",
    ),
];

/// Words of the objects, or before the names, in which a party lies.
pub(super) const PARTIES: &[(&str, &str)] = &[
    (
        "buyer",
        "buyer, buyer party, customer, customer party, sold to, sold to party, order party, ordering party, \
         client",
    ),
    (
        "seller",
        "seller, seller party, supplier, supplier party, buy from, buy from supplier, contact",
    ),
    (
        "shipTo",
        "ship to, ship to party, ship to address, ship to location, deliver address, ship address, deliver to, \
         deliver party, deliver location, destination, consignee",
    ),
    (
        "billTo",
        "bill to, bill to party, bill address, bill to address, invoice to, invoice address, invoice party, \
         pay to",
    ),
];

pub(super) const PARTY: &[Wanted] = &[
    wanted(
        "id",
        Want::Name,
        "id, number, party id, code, account number, customer id, customer number, contact id, supplier id, \
         supplier number, site id, value",
    ),
    wanted(
        "name",
        Want::Text,
        "name, company name, display name, company, legal name, name 1, full name, address name, party name",
    ),
    wanted(
        "taxId",
        Want::Name,
        "tax id, vat id, vat number, tax number, tax registration number, vat registration number",
    ),
    wanted("gln", Want::Name, "gln, global location number"),
    wanted(
        "street",
        Want::Text,
        "street, address line 1, address 1, line 1, street 1, street name, street address, street line 1, \
         address",
    ),
    wanted("postalCode", Want::Name, "postal code, postal"),
    wanted("city", Want::Text, "city, town, locality, city name"),
    wanted(
        "country",
        Want::Text,
        "country code, country, country region code, country iso code, country region, country id",
    ),
    wanted(
        "contact",
        Want::Text,
        "contact name, contact, attention, contact person, attention name",
    ),
    wanted("email", Want::Text, "email, email address, mail, e mail"),
    wanted("phone", Want::Text, "phone, phone number, telephone, telephone number"),
];

/// UN/ECE Recommendation 20 by what partners write.
pub(super) const UNITS: &[(&str, &str)] = &[
    ("C62", "each, eache, ea, pc, pce, piece, unit, one, pieces, st"),
    ("KGM", "kg, kilogram, kilo, kgm"),
    ("GRM", "g, gram, grm"),
    ("LBR", "lb, lbs, pound, lbr"),
    ("ONZ", "oz, ounce, onz"),
    ("TNE", "t, ton, tonne, metric ton, tne"),
    ("MTR", "m, meter, metre, mtr"),
    ("CMT", "cm, centimeter, centimetre"),
    ("MMT", "mm, millimeter, millimetre"),
    ("INH", "in, inch"),
    ("FOT", "ft, foot, feet"),
    ("MTK", "m 2, square meter, square metre"),
    ("MTQ", "m 3, cubic meter, cubic metre"),
    ("LTR", "l, liter, litre"),
    ("MLT", "ml, milliliter, millilitre"),
    ("HUR", "h, hr, hour"),
    ("DAY", "day"),
    ("BX", "box, bx"),
    ("CS", "case, cs"),
    ("CT", "carton, ctn"),
    ("DZN", "dozen, dz"),
    ("PR", "pair, pr"),
    ("SET", "set"),
    ("RO", "roll"),
    ("ST", "sheet"),
    ("BL", "bale"),
];
