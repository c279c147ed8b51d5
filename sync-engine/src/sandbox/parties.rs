//! Who orders and who delivers: made-up companies in several countries, languages and scripts.

use super::random::Random;
use super::wire::{Address, Contact, Party};

/// A market: what decides language, currency, tax and the look of names.
pub(super) struct Market {
    /// BCP 47.
    pub language: &'static str,
    pub currency: &'static str,
    /// Digits after the decimal point of the currency.
    pub decimals: u32,
    /// Price level in units of the currency for one euro.
    pub per_euro: u32,
    pub country: &'static str,
    /// Tax on goods, and the reduced rate on food; whole percent.
    pub tax: u32,
    pub food_tax: u32,
    pub phone: &'static str,
    pub tax_prefix: &'static str,
    pub companies: &'static [Site],
    pub people: &'static [(&'static str, &'static str)],
    pub note: &'static str,
    pub change_note: &'static str,
    pub refuse_note: &'static str,
    pub cancel_reason: &'static str,
}

/// A company's name, street, postal code and city.
pub(super) type Site = (&'static str, &'static str, &'static str, &'static str);

pub(super) const MARKETS: [Market; 9] = [
    Market {
        language: "de-DE",
        currency: "EUR",
        decimals: 2,
        per_euro: 1,
        country: "DE",
        tax: 19,
        food_tax: 7,
        phone: "+49",
        tax_prefix: "DE",
        companies: &[
            (
                "Brückner & Söhne Maschinenbau GmbH",
                "Gießereistraße 14",
                "70435",
                "Stuttgart",
            ),
            (
                "Städtische Verkehrs- und Versorgungsbetriebe Königsbrunn-Lechfeld Beteiligungsgesellschaft mbH & Co. KG",
                "Bürgermeister-Wohlfarth-Straße 101",
                "86343",
                "Königsbrunn",
            ),
            (
                "Hotel Schwarzwälder Hof OHG",
                "Am Mühlbächle 3",
                "79822",
                "Titisee-Neustadt",
            ),
        ],
        people: &[("Jürgen Weiß", "j.weiss"), ("Käthe Großmann", "k.grossmann")],
        note: "Bitte Lieferung an Tor 3 anmelden, Annahme nur werktags von 7 bis 15 Uhr.",
        change_note: "Geänderte Bestellung: bitte nur noch diese Fassung bearbeiten.",
        refuse_note: "Ihr Gegenangebot können wir nicht annehmen, es gilt unsere Bestellung.",
        cancel_reason: "Das Projekt wurde eingestellt.",
    },
    Market {
        language: "fr-FR",
        currency: "EUR",
        decimals: 2,
        per_euro: 1,
        country: "FR",
        tax: 20,
        food_tax: 10,
        phone: "+33",
        tax_prefix: "FR",
        companies: &[
            (
                "Établissements Lefèvre-Dubois S.A.S.",
                "12, rue de l’Église",
                "69003",
                "Lyon",
            ),
            (
                "Hôpital Saint-Cœur d’Orléans",
                "5, avenue du Général-Leclerc",
                "45000",
                "Orléans",
            ),
        ],
        people: &[("Anaïs Béranger", "a.beranger"), ("François Gaël Noël", "f.noel")],
        note: "Merci de prévenir le réceptionnaire 24 heures avant la livraison.",
        change_note: "Commande modifiée : cette version remplace la précédente.",
        refuse_note: "Nous ne pouvons accepter votre contre-proposition ; notre commande reste valable.",
        cancel_reason: "Besoin annulé par le service demandeur.",
    },
    Market {
        language: "pl-PL",
        currency: "PLN",
        decimals: 2,
        per_euro: 4,
        country: "PL",
        tax: 23,
        food_tax: 8,
        phone: "+48",
        tax_prefix: "PL",
        companies: &[
            (
                "Zakłady Mechaniczne „Łęczyca” Sp. z o.o.",
                "ul. Ozorkowskie Przedmieście 27",
                "99-100",
                "Łęczyca",
            ),
            (
                "Żabiński i Wspólnicy Spółka Jawna",
                "ul. Święty Marcin 80",
                "61-809",
                "Poznań",
            ),
        ],
        people: &[
            ("Małgorzata Wiśniewska", "m.wisniewska"),
            ("Zdzisław Żółkiewski", "z.zolkiewski"),
        ],
        note: "Proszę o awizację dostawy na dzień przed planowanym przyjazdem.",
        change_note: "Zamówienie zmienione: obowiązuje wyłącznie niniejsza wersja.",
        refuse_note: "Nie możemy przyjąć kontroferty, obowiązuje nasze zamówienie.",
        cancel_reason: "Zapotrzebowanie zostało wycofane.",
    },
    Market {
        language: "cs-CZ",
        currency: "CZK",
        decimals: 2,
        per_euro: 25,
        country: "CZ",
        tax: 21,
        food_tax: 12,
        phone: "+420",
        tax_prefix: "CZ",
        companies: &[
            ("Strojírny Říčany a.s.", "Černokostelecká 1621", "251 01", "Říčany"),
            ("Kavárna U Tří Růží s.r.o.", "Dlouhá třída 8", "602 00", "Brno"),
        ],
        people: &[("Jiří Dvořák", "j.dvorak"), ("Žofie Šťastná", "z.stastna")],
        note: "Dodávku prosím ohlaste předem na vrátnici.",
        change_note: "Změna objednávky: platí pouze tato verze.",
        refuse_note: "Vaši protinabídku nemůžeme přijmout, platí naše objednávka.",
        cancel_reason: "Zakázka byla zrušena.",
    },
    Market {
        language: "sv-SE",
        currency: "SEK",
        decimals: 2,
        per_euro: 11,
        country: "SE",
        tax: 25,
        food_tax: 12,
        phone: "+46",
        tax_prefix: "SE",
        companies: &[
            ("Åkerströms Verkstad AB", "Västra Hamngatan 22", "411 17", "Göteborg"),
            (
                "Örnsköldsviks kommun, Måltidsservice",
                "Nygatan 18",
                "891 88",
                "Örnsköldsvik",
            ),
        ],
        people: &[("Åsa Löfgren", "asa.lofgren"), ("Björn Öström", "bjorn.ostrom")],
        note: "Leverans till lastkaj B, avisera chauffören en timme före.",
        change_note: "Ändrad beställning: denna version ersätter den tidigare.",
        refuse_note: "Vi kan inte godta ert motbud, vår beställning gäller.",
        cancel_reason: "Behovet har upphört.",
    },
    Market {
        language: "es-ES",
        currency: "EUR",
        decimals: 2,
        per_euro: 1,
        country: "ES",
        tax: 21,
        food_tax: 10,
        phone: "+34",
        tax_prefix: "ES",
        companies: &[
            (
                "Construcciones Ibáñez y Peñalver, S.L.",
                "Calle Núñez de Balboa, 114",
                "28006",
                "Madrid",
            ),
            (
                "Cooperativa Aceitera Señorío de Jaén",
                "Camino de la Alameda, s/n",
                "23700",
                "Linares",
            ),
        ],
        people: &[("Begoña Muñoz", "b.munoz"), ("Íñigo Güell", "i.guell")],
        note: "Entregar en el almacén central; descarga con carretilla disponible.",
        change_note: "Pedido modificado: esta versión sustituye a la anterior.",
        refuse_note: "No podemos aceptar su contraoferta; sigue vigente nuestro pedido.",
        cancel_reason: "La obra se ha aplazado sin fecha.",
    },
    Market {
        language: "zh-CN",
        currency: "CNY",
        decimals: 2,
        per_euro: 8,
        country: "CN",
        tax: 13,
        food_tax: 9,
        phone: "+86",
        tax_prefix: "CN",
        companies: &[
            (
                "上海浦东精密机械有限公司",
                "张江高科技园区科苑路 88 号",
                "201203",
                "上海市",
            ),
            (
                "苏州工业园区新城酒店管理有限公司",
                "金鸡湖大道 1355 号",
                "215021",
                "苏州市",
            ),
        ],
        people: &[("王晓燕", "wang.xiaoyan"), ("李建国", "li.jianguo")],
        note: "请提前一天通知收货人，收货时间为工作日上午八点至下午四点。",
        change_note: "订单已变更，请以本版本为准。",
        refuse_note: "贵方的还价我方无法接受，仍以我方订单为准。",
        cancel_reason: "项目取消。",
    },
    Market {
        language: "ja-JP",
        currency: "JPY",
        decimals: 0,
        per_euro: 160,
        country: "JP",
        tax: 10,
        food_tax: 8,
        phone: "+81",
        tax_prefix: "T",
        companies: &[
            ("株式会社山本製作所", "中区錦三丁目 6 番 29 号", "460-0003", "名古屋市"),
            (
                "京都ホテルサービス株式会社",
                "下京区四条通烏丸東入",
                "600-8006",
                "京都市",
            ),
        ],
        people: &[("山本 健太", "k.yamamoto"), ("佐藤 花子", "h.sato")],
        note: "納品の前日までにご連絡ください。受付は平日の九時から十六時までです。",
        change_note: "注文を変更しました。本版のみ有効です。",
        refuse_note: "貴社の対案はお受けできません。当社の注文のとおりお願いします。",
        cancel_reason: "計画の中止による。",
    },
    Market {
        language: "en-GB",
        currency: "GBP",
        decimals: 2,
        per_euro: 1,
        country: "GB",
        tax: 20,
        food_tax: 0,
        phone: "+44",
        tax_prefix: "GB",
        companies: &[
            (
                "O’Connor & Hughes <Facilities> Ltd",
                "Unit 7, Brindley Wharf",
                "B1 2JF",
                "Birmingham",
            ),
            ("St Mary’s Primary School", "14 Church Lane", "CB1 3LD", "Cambridge"),
        ],
        people: &[("Siân Hughes", "sian.hughes"), ("Declan O’Connor", "declan.oconnor")],
        note: "Please book a delivery slot with goods-in; no deliveries after 3 pm.",
        change_note: "Amended order: please work to this version only.",
        refuse_note: "We cannot accept your counter-offer; our order stands as issued.",
        cancel_reason: "No longer required.",
    },
];

pub(super) fn market(language: &str) -> Option<&'static Market> {
    // `de` stands for the first market of that language.
    MARKETS
        .iter()
        .find(|m| m.language == language || m.language.split('-').next() == Some(language))
}

/// The company that trades with the sandbox: seller of its orders, buyer of its deliveries.
pub(super) fn ourselves() -> Party {
    Party {
        id: "V-100200".into(),
        name: "Nordhafen Industriebedarf GmbH".into(),
        tax_id: "DE811204577".into(),
        address: our_address(),
        contact: Contact {
            name: "Vertrieb Innendienst".into(),
            email: "auftrag@nordhafen.example".into(),
            phone: "+49 40 5550 120".into(),
        },
    }
}

pub(super) fn our_address() -> Address {
    Address {
        name: "Nordhafen Industriebedarf GmbH".into(),
        street: "Veddeler Damm 48".into(),
        city: "Hamburg".into(),
        postal_code: "20457".into(),
        country: "DE".into(),
        gln: gln(400_577_100),
    }
}

/// A company of the market.
pub(super) fn company(market: &Market, random: &mut Random) -> Party {
    let index = random.index(market.companies.len());
    let (name, street, postal_code, city) = market.companies[index];
    let person = random.index(market.people.len());
    let (contact, mailbox) = market.people[person];
    // The number identifies the company: the same company has the same ids in every order.
    let number = 300_000 + country_number(market) * 10 + index as u64;
    Party {
        id: format!("C-{number}"),
        name: name.into(),
        tax_id: format!("{}{}", market.tax_prefix, 900_000_000 + number),
        address: Address {
            name: name.into(),
            street: street.into(),
            city: city.into(),
            postal_code: postal_code.into(),
            country: market.country.into(),
            gln: gln(400_600_000 + number),
        },
        contact: Contact {
            name: contact.into(),
            email: format!("{mailbox}@customer-{number}.example"),
            phone: format!("{} {} {}", market.phone, 30 + index, 550_000 + number),
        },
    }
}

fn country_number(market: &Market) -> u64 {
    MARKETS.iter().position(|m| m.language == market.language).unwrap_or(0) as u64
}

/// A GS1 global location number: twelve digits and the check digit.
fn gln(number: u64) -> String {
    with_check_digit(number * 1000)
}

/// Twelve digits and the check digit of GS1 General Specifications 7.9: thirteen digits (GTIN-13, GLN).
pub(super) fn with_check_digit(twelve: u64) -> String {
    let digits = format!("{:012}", twelve % 1_000_000_000_000);
    // Weights 1 and 3 from the left for an even count of digits.
    let sum: u32 = digits
        .bytes()
        .enumerate()
        .map(|(i, b)| u32::from(b - b'0') * if i % 2 == 0 { 1 } else { 3 })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

#[cfg(test)]
mod tests {
    use super::with_check_digit;

    #[test]
    fn check_digits() {
        // Examples published by GS1 and on everyday packages.
        assert_eq!(with_check_digit(629_104_150_021), "6291041500213");
        assert_eq!(with_check_digit(400_638_133_393), "4006381333931");
    }
}
