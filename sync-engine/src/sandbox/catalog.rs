//! What is traded: industrial, office and food items, named in the languages of `parties::MARKETS`.

use super::parties::{MARKETS, Market, with_check_digit};
use rust_decimal::Decimal;

pub(super) struct Item {
    pub code: &'static str,
    pub uom: &'static str,
    /// Price of the first variant; each further one costs a tenth more.
    pub euro_cents: i64,
    pub food: bool,
    /// Largest quantity ordered at once, and the step it comes in.
    pub most: u64,
    pub step: u64,
    pub variants: &'static [&'static str],
    /// In the order of `MARKETS`: de, fr, pl, cs, sv, es, zh, ja, en.
    pub names: [&'static str; 9],
}

// One item a few lines: rustfmt would give each name its own.
#[rustfmt::skip]
pub(super) const ITEMS: [Item; 24] = [
    Item { code: "HX", uom: "BX", euro_cents: 890, food: false, most: 40, step: 1,
        variants: &["M6×20", "M8×30", "M8×40", "M10×50", "M12×60", "M16×80"],
        names: ["Sechskantschraube DIN 933, verzinkt", "Vis à tête hexagonale DIN 933, zinguée", "Śruba z łbem sześciokątnym DIN 933, ocynk", "Šroub se šestihrannou hlavou DIN 933, zinek", "Sexkantskruv DIN 933, förzinkad", "Tornillo hexagonal DIN 933, cincado", "六角头螺栓 DIN 933,镀锌", "六角ボルト DIN 933 亜鉛めっき", "Hexagon head screw DIN 933, zinc plated"] },
    Item { code: "WS", uom: "BX", euro_cents: 310, food: false, most: 60, step: 1,
        variants: &["6,4", "8,4", "10,5", "13,0", "17,0"],
        names: ["Unterlegscheibe DIN 125 A2", "Rondelle plate DIN 125 A2", "Podkładka płaska DIN 125 A2", "Plochá podložka DIN 125 A2", "Planbricka DIN 125 A2", "Arandela plana DIN 125 A2", "平垫圈 DIN 125 A2", "平座金 DIN 125 A2", "Flat washer DIN 125 A2"] },
    Item { code: "BB", uom: "PCE", euro_cents: 645, food: false, most: 200, step: 5,
        variants: &["6203-2RS", "6204-2RS", "6205-2RS", "6206-2RS", "6308-2RS"],
        names: ["Rillenkugellager", "Roulement rigide à billes", "Łożysko kulkowe zwykłe", "Kuličkové ložisko", "Spårkullager", "Rodamiento rígido de bolas", "深沟球轴承", "深溝玉軸受", "Deep groove ball bearing"] },
    Item { code: "GK", uom: "PCE", euro_cents: 184, food: false, most: 500, step: 10,
        variants: &["DN 25", "DN 40", "DN 50", "DN 80", "DN 100"],
        names: ["Flachdichtung EPDM PN 16", "Joint plat EPDM PN 16", "Uszczelka płaska EPDM PN 16", "Ploché těsnění EPDM PN 16", "Plan packning EPDM PN 16", "Junta plana EPDM PN 16", "EPDM 平垫片 PN 16", "EPDM ガスケット PN 16", "Flat gasket EPDM PN 16"] },
    Item { code: "VL", uom: "PCE", euro_cents: 7_490, food: false, most: 24, step: 1,
        variants: &["1/2\"", "3/4\"", "1\"", "1 1/2\"", "2\""],
        names: ["Kugelhahn Edelstahl 1.4408", "Vanne à boisseau sphérique inox 1.4408", "Zawór kulowy, stal nierdzewna 1.4408", "Kulový kohout nerez 1.4408", "Kulventil rostfri 1.4408", "Válvula de bola inox 1.4408", "不锈钢球阀 1.4408", "ステンレス製ボールバルブ 1.4408", "Ball valve, stainless steel 1.4408"] },
    Item { code: "PM", uom: "PCE", euro_cents: 128_900, food: false, most: 4, step: 1,
        variants: &["1,5 kW", "3 kW", "5,5 kW", "11 kW"],
        names: ["Kreiselpumpe mit Norm-Motor IE4", "Pompe centrifuge avec moteur normalisé IE4", "Pompa odśrodkowa z silnikiem IE4", "Odstředivé čerpadlo s motorem IE4", "Centrifugalpump med motor IE4", "Bomba centrífuga con motor IE4", "离心泵(IE4 电机)", "渦巻ポンプ(IE4 モーター付)", "Centrifugal pump with IE4 motor"] },
    Item { code: "CB", uom: "MTR", euro_cents: 142, food: false, most: 1000, step: 50,
        variants: &["3G1,5", "3G2,5", "5G1,5", "5G2,5", "5G6"],
        names: ["Mantelleitung NYM-J", "Câble sous gaine NYM-J", "Przewód instalacyjny NYM-J", "Instalační kabel NYM-J", "Installationskabel NYM-J", "Cable de instalación NYM-J", "护套电缆 NYM-J", "シースケーブル NYM-J", "Sheathed cable NYM-J"] },
    Item { code: "SN", uom: "PCE", euro_cents: 3_870, food: false, most: 50, step: 1,
        variants: &["M12 PNP NO", "M12 PNP NC", "M18 PNP NO", "M30 PNP NO"],
        names: ["Induktiver Näherungsschalter", "Détecteur de proximité inductif", "Czujnik zbliżeniowy indukcyjny", "Indukční snímač přiblížení", "Induktiv närhetsgivare", "Sensor de proximidad inductivo", "电感式接近开关", "誘導形近接スイッチ", "Inductive proximity switch"] },
    Item { code: "FL", uom: "SET", euro_cents: 5_260, food: false, most: 30, step: 1,
        variants: &["G4", "F7", "F9"],
        names: ["Taschenfiltersatz für Lüftungsgerät", "Jeu de filtres à poches pour centrale d’air", "Zestaw filtrów kieszeniowych do centrali", "Sada kapsových filtrů pro vzduchotechniku", "Påsfiltersats för ventilationsaggregat", "Juego de filtros de bolsas para climatizador", "空调机组袋式过滤器套装", "空調機用袋形フィルターセット", "Bag filter set for air handling unit"] },
    Item { code: "HS", uom: "MTR", euro_cents: 415, food: false, most: 300, step: 25,
        variants: &["6 mm", "9 mm", "13 mm", "19 mm"],
        names: ["Druckluftschlauch PUR", "Tuyau d’air comprimé PUR", "Wąż do sprężonego powietrza PUR", "Hadice na stlačený vzduch PUR", "Tryckluftslang PUR", "Manguera de aire comprimido PUR", "聚氨酯压缩空气软管", "ポリウレタンエアホース", "Compressed air hose PUR"] },
    Item { code: "GL", uom: "BX", euro_cents: 1_120, food: false, most: 80, step: 2,
        variants: &["S", "M", "L", "XL"],
        names: ["Nitril-Einmalhandschuhe, 100 Stück", "Gants jetables en nitrile, 100 pièces", "Rękawice nitrylowe jednorazowe, 100 sztuk", "Jednorázové nitrilové rukavice, 100 ks", "Engångshandskar nitril, 100 st", "Guantes desechables de nitrilo, 100 unidades", "一次性丁腈手套,100 只", "使い捨てニトリル手袋 100 枚", "Disposable nitrile gloves, 100 pieces"] },
    Item { code: "OL", uom: "LTR", euro_cents: 585, food: false, most: 400, step: 20,
        variants: &["VG 32", "VG 46", "VG 68"],
        names: ["Hydrauliköl HLP", "Huile hydraulique HLP", "Olej hydrauliczny HLP", "Hydraulický olej HLP", "Hydraulolja HLP", "Aceite hidráulico HLP", "液压油 HLP", "作動油 HLP", "Hydraulic oil HLP"] },
    Item { code: "SP", uom: "KGM", euro_cents: 265, food: false, most: 2000, step: 25,
        variants: &["S235 2 mm", "S235 4 mm", "S355 6 mm", "S355 10 mm"],
        names: ["Stahlblech, Zuschnitt nach Zeichnung", "Tôle d’acier, découpe sur plan", "Blacha stalowa cięta wg rysunku", "Ocelový plech, přířez dle výkresu", "Stålplåt, tillskuren enligt ritning", "Chapa de acero cortada según plano", "钢板,按图切割", "鋼板(図面どおり切断)", "Steel sheet, cut to drawing"] },
    Item { code: "PL", uom: "PAL", euro_cents: 31_500, food: false, most: 12, step: 1,
        variants: &["25 kg × 40", "50 kg × 20"],
        names: ["Streusalz, Sackware auf Palette", "Sel de déneigement, sacs sur palette", "Sól drogowa, worki na palecie", "Posypová sůl, pytle na paletě", "Vägsalt i säck på pall", "Sal de deshielo, sacos en palé", "融雪盐,袋装托盘", "融雪塩 袋詰パレット", "De-icing salt, bags on pallet"] },
    Item { code: "PP", uom: "BX", euro_cents: 2_245, food: false, most: 60, step: 5,
        variants: &["A4 75 g/m²", "A4 80 g/m²", "A4 90 g/m²", "A3 80 g/m²"],
        names: ["Kopierpapier, weiß, 5 × 500 Blatt", "Papier de copie blanc, 5 × 500 feuilles", "Papier kserograficzny biały, 5 × 500 arkuszy", "Kancelářský papír bílý, 5 × 500 listů", "Kopieringspapper vitt, 5 × 500 ark", "Papel de copia blanco, 5 × 500 hojas", "白色复印纸,5 × 500 张", "コピー用紙 白 5 × 500 枚", "Copier paper, white, 5 × 500 sheets"] },
    Item { code: "TN", uom: "PCE", euro_cents: 9_480, food: false, most: 20, step: 1,
        variants: &["BK", "C", "M", "Y"],
        names: ["Tonerkartusche 8.000 Seiten", "Cartouche de toner 8 000 pages", "Kaseta z tonerem 8000 stron", "Tonerová kazeta 8 000 stran", "Tonerkassett 8 000 sidor", "Cartucho de tóner 8.000 páginas", "硒鼓 8000 页", "トナーカートリッジ 8,000 枚", "Toner cartridge 8,000 pages"] },
    Item { code: "CH", uom: "PCE", euro_cents: 32_900, food: false, most: 16, step: 1,
        variants: &["RAL 7016", "RAL 5010", "RAL 3003"],
        names: ["Bürodrehstuhl, höhenverstellbar, mit Synchronmechanik und Armlehnen", "Siège de bureau réglable, mécanisme synchrone, avec accoudoirs", "Krzesło obrotowe z regulacją wysokości, mechanizm synchroniczny", "Kancelářská židle, výškově nastavitelná, synchronní mechanika", "Kontorsstol, höj- och sänkbar, med synkronmekanik", "Silla de oficina regulable, mecanismo sincronizado, con brazos", "可升降办公转椅,同步机构,带扶手", "オフィスチェア 昇降式 シンクロ機構 肘付", "Office swivel chair, height adjustable, synchro mechanism, armrests"] },
    Item { code: "LB", uom: "SET", euro_cents: 1_690, food: false, most: 40, step: 1,
        variants: &["70 × 36 mm", "99 × 42 mm", "105 × 148 mm"],
        names: ["Versandetiketten, selbstklebend", "Étiquettes d’expédition autocollantes", "Etykiety wysyłkowe samoprzylepne", "Samolepicí přepravní etikety", "Självhäftande fraktetiketter", "Etiquetas de envío autoadhesivas", "不干胶运输标签", "粘着式配送ラベル", "Shipping labels, self-adhesive"] },
    Item { code: "CF", uom: "KGM", euro_cents: 1_580, food: true, most: 120, step: 6,
        variants: &["Espresso", "Crema", "Decaf"],
        names: ["Röstkaffee, ganze Bohne", "Café torréfié en grains", "Kawa palona ziarnista", "Pražená zrnková káva", "Rostat kaffe, hela bönor", "Café tostado en grano", "烘焙咖啡豆", "焙煎コーヒー豆", "Roasted coffee, whole bean"] },
    Item { code: "TE", uom: "BX", euro_cents: 620, food: true, most: 80, step: 4,
        variants: &["Earl Grey", "Sencha", "Rooibos"],
        names: ["Tee im Beutel, 100 Stück", "Thé en sachets, 100 pièces", "Herbata w torebkach, 100 sztuk", "Čaj v sáčcích, 100 ks", "Tepåsar, 100 st", "Té en bolsitas, 100 unidades", "袋泡茶,100 包", "ティーバッグ 100 個", "Tea bags, 100 pieces"] },
    Item { code: "OO", uom: "LTR", euro_cents: 940, food: true, most: 200, step: 5,
        variants: &["Picual", "Arbequina"],
        names: ["Natives Olivenöl extra", "Huile d’olive vierge extra", "Oliwa z oliwek extra virgin", "Extra panenský olivový olej", "Extra jungfruolivolja", "Aceite de oliva virgen extra", "特级初榨橄榄油", "エクストラバージンオリーブオイル", "Extra virgin olive oil"] },
    Item { code: "FR", uom: "KGM", euro_cents: 78, food: true, most: 500, step: 25,
        variants: &["Typ 405", "Typ 550", "Typ 1050"],
        names: ["Weizenmehl, Sack 25 kg", "Farine de blé, sac de 25 kg", "Mąka pszenna, worek 25 kg", "Pšeničná mouka, pytel 25 kg", "Vetemjöl, säck 25 kg", "Harina de trigo, saco de 25 kg", "小麦粉,25 公斤袋装", "小麦粉 25 kg 袋", "Wheat flour, 25 kg bag"] },
    Item { code: "MW", uom: "BX", euro_cents: 495, food: true, most: 150, step: 6,
        variants: &["12 × 0,5 l", "12 × 0,7 l", "6 × 1,0 l"],
        names: ["Mineralwasser, Glas, Mehrweg", "Eau minérale, verre consigné", "Woda mineralna, szkło zwrotne", "Minerální voda, vratné sklo", "Mineralvatten, returglas", "Agua mineral, vidrio retornable", "矿泉水,玻璃瓶", "ミネラルウォーター リターナブル瓶", "Mineral water, returnable glass"] },
    Item { code: "CL", uom: "LTR", euro_cents: 365, food: false, most: 120, step: 10,
        variants: &["5 l", "10 l", "20 l"],
        names: ["Neutralreiniger, Konzentrat", "Nettoyant neutre concentré", "Środek czyszczący neutralny, koncentrat", "Neutrální čistič, koncentrát", "Neutralt rengöringsmedel, koncentrat", "Limpiador neutro concentrado", "中性清洁剂(浓缩)", "中性洗剤 濃縮", "Neutral cleaner, concentrate"] },
];

impl Item {
    pub(super) fn sku(&self, variant: usize) -> String {
        format!("{}-{:03}", self.code, 100 + variant * 10)
    }

    /// GTIN-13: a German company prefix, the item, the variant, the check digit.
    pub(super) fn gtin(&self, variant: usize) -> String {
        let item = ITEMS.iter().position(|i| i.code == self.code).unwrap_or(0);
        with_check_digit(400_577_100_000 + (item as u64) * 100 + variant as u64)
    }

    pub(super) fn description(&self, market: &Market, variant: usize) -> String {
        let language = MARKETS.iter().position(|m| m.language == market.language).unwrap_or(0);
        match self.variants.get(variant) {
            Some(text) => format!("{}, {text}", self.names[language]),
            None => self.names[language].to_owned(),
        }
    }

    /// Unit price in the market's currency, with its digits.
    pub(super) fn price(&self, market: &Market, variant: usize) -> Decimal {
        let cents = self.euro_cents * (10 + variant as i64) / 10;
        let scaled = Decimal::new(cents * i64::from(market.per_euro), 2);
        let mut price = scaled.round_dp(market.decimals);
        price.rescale(market.decimals);
        price
    }

    pub(super) fn tax_percent(&self, market: &Market) -> u32 {
        if self.food { market.food_tax } else { market.tax }
    }
}

/// The item and variant of a SKU of this catalogue.
pub(super) fn find(sku: &str) -> Option<(&'static Item, usize)> {
    ITEMS.iter().find_map(|item| {
        (0..item.variants.len())
            .find(|v| item.sku(*v) == sku)
            .map(|variant| (item, variant))
    })
}
