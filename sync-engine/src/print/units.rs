//! Units of measure (UN/ECE Recommendation 20, and 21 for packages) as people write them: short, for a narrow column.

use super::words::Language;

/// English, German, French, Spanish, Italian, Polish, Czech, Swedish.
type Row = [&'static str; 8];

const PIECES: Row = ["pcs", "Stk.", "pce", "uds.", "pz", "szt.", "ks", "st"];

const fn alike(symbol: &'static str) -> Row {
    [symbol; 8]
}

#[rustfmt::skip]
const UNITS: [(&str, Row); 28] = [
    ("C62", PIECES),
    ("H87", PIECES),
    ("PCE", PIECES),
    ("EA", ["each", "Stk.", "pce", "ud.", "pz", "szt.", "ks", "st"]),
    ("KGM", alike("kg")),
    ("GRM", alike("g")),
    ("TNE", alike("t")),
    ("LTR", alike("l")),
    ("MLT", alike("ml")),
    ("HLT", alike("hl")),
    ("MTR", alike("m")),
    ("CMT", alike("cm")),
    ("MMT", alike("mm")),
    ("MTK", alike("m²")),
    ("MTQ", alike("m³")),
    ("HUR", alike("h")),
    ("DAY", ["days", "Tage", "jours", "días", "giorni", "dni", "dny", "dagar"]),
    ("SET", ["set", "Satz", "jeu", "juego", "set", "zestaw", "sada", "sats"]),
    ("PR", ["pair", "Paar", "paire", "par", "paio", "para", "pár", "par"]),
    ("DZN", ["dozen", "Dtzd.", "douz.", "docena", "dozz.", "tuzin", "tucet", "dussin"]),
    ("BX", ["box", "Kiste", "boîte", "caja", "scat.", "pudełko", "krabice", "låda"]),
    ("CT", ["carton", "Karton", "carton", "cartón", "cartone", "karton", "karton", "kartong"]),
    ("CS", ["case", "Kasten", "caisse", "caja", "cassa", "skrzynia", "bedna", "back"]),
    ("PF", ["pallet", "Palette", "palette", "palé", "pallet", "paleta", "paleta", "pall"]),
    ("PK", ["pack", "Pack.", "paquet", "paq.", "conf.", "opak.", "balení", "förp."]),
    ("RO", ["roll", "Rolle", "rouleau", "rollo", "rotolo", "rolka", "role", "rulle"]),
    ("BG", ["bag", "Beutel", "sac", "bolsa", "sacco", "worek", "pytel", "påse"]),
    ("BO", ["bottle", "Flasche", "bout.", "botella", "bott.", "butelka", "láhev", "flaska"]),
];

/// The unit in words; a code that is not known stays as it is. Packages are known also with the X that some put before
/// their codes.
pub(super) fn unit(code: &str, language: Language) -> &str {
    let known = |code: &str| UNITS.iter().find(|(known, _)| *known == code).map(|(_, row)| *row);
    let package = code.strip_prefix('X').filter(|rest| rest.len() == 2);
    let row = known(code).or_else(|| package.and_then(known));
    row.map_or(code, |row| language.pick(row))
}

#[cfg(test)]
mod tests {
    use super::{UNITS, unit};
    use crate::print::words::Language;

    #[test]
    fn a_unit_is_a_word_and_an_unknown_one_stays() {
        let said = ["C62", "KGM", "XBX", "BX", "XYZ", "XXX", ""].map(|code| unit(code, Language::De));
        assert_eq!(said, ["Stk.", "kg", "Kiste", "Kiste", "XYZ", "XXX", ""]);
        assert_eq!(unit("BO", Language::Cs), "láhev");
    }

    /// The screens are in English, and say what the page says.
    #[test]
    fn the_screens_say_the_same() {
        let page = include_str!("../../../ui/src/texts/units.ts");
        let rows = page.lines().filter_map(|line| {
            let (code, word) = line.strip_prefix("  ")?.strip_suffix("\",")?.split_once(": \"")?;
            Some((code, word))
        });
        let ours = UNITS.map(|(code, [english, ..])| (code, english));
        assert_eq!(rows.collect::<Vec<_>>(), ours);
    }
}
