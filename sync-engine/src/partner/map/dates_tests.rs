use super::*;
use proptest::prelude::*;
use serde_json::json;

fn named(name: &str, zone_name: Option<&str>) -> Dates {
    let dates = Dates::named(name).unwrap().unwrap();
    dates.in_zone(zone_name.map(|name| zone(name).unwrap()))
}

fn day(dates: &Dates, value: Value) -> Result<String, String> {
    dates.date(&value).map(|d| d.map(|d| d.to_string()).unwrap_or_default())
}

fn at(dates: &Dates, value: Value) -> Result<String, String> {
    dates
        .timestamp(&value)
        .map(|t| t.map(Timestamp::to_rfc3339).unwrap_or_default())
}

#[test]
fn iso_dates() {
    let iso = named("iso", None);
    assert_eq!(day(&iso, json!("2026-02-28")), Ok("2026-02-28".into()));
    assert_eq!(
        day(&iso, json!(" 2026-02-28T23:30:00-05:00 ")),
        Ok("2026-02-28".into()),
        "the day as written"
    );
    assert_eq!(day(&iso, json!("2026-02-28T08:00")), Ok("2026-02-28".into()));
    assert_eq!(
        day(&iso, json!("2010-01-20+01:00")),
        Ok("2010-01-20".into()),
        "XML Schema"
    );
    assert_eq!(day(&iso, json!("")), Ok(String::new()));
    for wrong in [
        "2026-02-29",
        "2026-2-8",
        "28.02.2026",
        "20260228",
        "tomorrow",
        "2026-02-28+99:00",
    ] {
        assert!(day(&iso, json!(wrong)).is_err(), "{wrong}");
    }
    let moments = [
        ("2026-02-28T23:30:00.5-05:00", "2026-03-01T04:30:00.500Z"),
        ("2026-02-28T23:30:00-0500", "2026-03-01T04:30:00.000Z"),
        ("2026-02-28T23:30-05", "2026-03-01T04:30:00.000Z"),
        ("2026-02-28T23:30:00", "2026-02-28T23:30:00.000Z"),
        ("2026-02-28 23:30:00", "2026-02-28T23:30:00.000Z"),
        ("2026-02-28", "2026-02-28T00:00:00.000Z"),
    ];
    for (text, moment) in moments {
        assert_eq!(at(&iso, json!(text)), Ok(moment.into()), "{text}");
    }
    assert!(
        at(&named("dateTime", None), json!("2026-02-28")).is_err(),
        "a day alone"
    );
    assert!(at(&iso, json!(1_772_323_200)).unwrap_err().contains("epochSeconds"));
}

#[test]
fn other_forms() {
    let seconds = named("epochSeconds", None);
    assert_eq!(
        at(&seconds, json!(1_772_323_200)),
        Ok("2026-03-01T00:00:00.000Z".into())
    );
    let millis = named("epochMillis", None);
    assert_eq!(
        at(&millis, json!("1772323200000")),
        Ok("2026-03-01T00:00:00.000Z".into())
    );
    assert!(at(&millis, json!(1e30)).is_err());
    let berlin = named("epochMillis", Some("Europe/Berlin"));
    assert_eq!(day(&millis, json!(1_772_319_600_000_i64)), Ok("2026-02-28".into()));
    assert_eq!(
        day(&berlin, json!(1_772_319_600_000_i64)),
        Ok("2026-03-01".into()),
        "midnight in Berlin"
    );
    let net = named("dotNet", None);
    assert_eq!(
        at(&net, json!("/Date(1571356800000+0200)/")),
        Ok("2019-10-18T00:00:00.000Z".into())
    );
    assert_eq!(day(&net, json!("/Date(1571356800000-0300)/")), Ok("2019-10-17".into()));
    assert_eq!(at(&net, json!("/Date(-1000)/")), Ok("1969-12-31T23:59:59.000Z".into()));
    for wrong in [
        "1571356800000",
        "/Date()/",
        "/Date(x)/",
        "/Date(1+25)/",
        "/Date(1+2x00)/",
        "/Date(99999999999999999)/",
    ] {
        assert!(at(&net, json!(wrong)).is_err(), "{wrong}");
    }
    let mail = named("rfc2822", None);
    assert_eq!(
        at(&mail, json!("Sat, 21 Nov 2026 10:00:00 +0100")),
        Ok("2026-11-21T09:00:00.000Z".into())
    );
    assert!(at(&mail, json!("2026-11-21")).is_err());
}

#[test]
fn patterns_and_zones() {
    let german = named("dd.MM.yyyy", None);
    assert_eq!(day(&german, json!("28.02.2026")), Ok("2026-02-28".into()));
    for wrong in ["2026-02-28", "28.02.26", "29.02.2026", "28.02.2026 08:00", "02/28/2026"] {
        assert!(day(&german, json!(wrong)).is_err(), "{wrong}");
    }
    assert_eq!(
        day(&named("yyyyMMdd", None), json!(20_260_228)),
        Ok("2026-02-28".into())
    );
    assert_eq!(
        day(&named("d MMM yy", None), json!("8 Feb 26")),
        Ok("2026-02-08".into())
    );
    let american = named("MM/dd/yyyy hh:mm a", Some("America/New_York"));
    assert_eq!(
        at(&american, json!("07/04/2026 12:15 PM")),
        Ok("2026-07-04T16:15:00.000Z".into())
    );
    assert_eq!(
        at(&american, json!("01/04/2026 12:15 AM")),
        Ok("2026-01-04T05:15:00.000Z".into())
    );
    let zoned = named("yyyy-MM-dd'T'HH:mm:ssXX", None);
    assert_eq!(
        at(&zoned, json!("2026-02-28T23:30:00-0500")),
        Ok("2026-03-01T04:30:00.000Z".into())
    );
    // The clocks change on 29 March 2026 at 2:00 and on 25 October at 3:00.
    let berlin = named("dateTime", Some("Europe/Berlin"));
    assert_eq!(
        at(&berlin, json!("2026-03-29T02:30:00")),
        Ok("2026-03-29T01:30:00.000Z".into())
    );
    assert_eq!(
        at(&berlin, json!("2026-10-25T02:30:00")),
        Ok("2026-10-25T00:30:00.000Z".into())
    );
    assert_eq!(day(&berlin, json!("2026-06-01T22:30:00Z")), Ok("2026-06-02".into()));
    for wrong in [
        "dd.MM",
        "yyyy-MM-dd HH",
        "yyyy-MM-dd hh:mm",
        "yyyy-MM-dd q",
        "yyyy-MM-dd 'x",
    ] {
        assert!(Dates::named(wrong).is_none_or(|d| d.is_err()), "{wrong}");
    }
    assert_eq!(zone("Europe/Berln").unwrap_err().1.as_deref(), Some("Europe/Berlin"));
}

#[test]
fn intervals() {
    let days = |name: &str, text: &str| {
        let (first, last) = named(name, None).range(&json!(text)).unwrap().unwrap();
        format!("{first} {last}")
    };
    assert_eq!(
        days("iso", "2019-08-21T07:00:00Z--2019-08-27T07:00:00Z"),
        "2019-08-21 2019-08-27"
    );
    assert_eq!(days("iso", "2019-08-21/2019-08-27"), "2019-08-21 2019-08-27");
    assert_eq!(days("iso", "2019-08-21"), "2019-08-21 2019-08-21");
    assert_eq!(days("dd.MM.yyyy", "21.08.2019 -- 27.08.2019"), "2019-08-21 2019-08-27");
    assert_eq!(days("dd/MM/yyyy", "21/08/2019"), "2019-08-21 2019-08-21");
    assert!(named("iso", None).range(&json!("2019-08-21/")).is_err());
}

#[test]
fn written_forms() {
    let write = |name: &str, zone: Option<&str>, text: &str| named(name, zone).write(&json!(text)).unwrap();
    let moment = "2026-07-04T22:30:00.000Z";
    assert_eq!(write("date", None, moment), json!("2026-07-04"));
    assert_eq!(write("date", Some("Europe/Berlin"), moment), json!("2026-07-05"));
    assert_eq!(write("dateTime", None, moment), json!(moment));
    assert_eq!(
        write("dateTime", Some("Europe/Berlin"), moment),
        json!("2026-07-05T00:30:00.000+02:00")
    );
    assert_eq!(
        write("dateTime", Some("Europe/Berlin"), "2026-07-05"),
        json!("2026-07-05T00:00:00.000+02:00")
    );
    assert_eq!(write("dotNet", None, moment), json!("/Date(1783204200000+0000)/"));
    assert_eq!(
        write("dotNet", Some("Europe/Berlin"), moment),
        json!("/Date(1783204200000+0200)/")
    );
    assert_eq!(
        write("rfc2822", Some("Europe/Berlin"), moment),
        json!("Sun, 5 Jul 2026 00:30:00 +0200")
    );
    assert_eq!(write("epochSeconds", None, moment), json!(1_783_204_200));
    assert_eq!(
        write("dd.MM.yyyy HH:mm", Some("Europe/Berlin"), moment),
        json!("05.07.2026 00:30")
    );
    assert_eq!(write("yyyyMMdd", None, "2026-07-05"), json!("20260705"));
}

/// Forms that keep a moment, to the millisecond or to the second, and those that keep the day.
const MOMENTS: &[(&str, i64)] = &[
    ("iso", 1),
    ("dateTime", 1),
    ("epochMillis", 1),
    ("epochSeconds", 1000),
    ("dotNet", 1),
    ("rfc2822", 1000),
    ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", 1),
    ("dd/MM/yyyy hh:mm:ss a XX", 1000),
];
const DAYS: &[&str] = &[
    "iso",
    "date",
    "dateTime",
    "epochMillis",
    "epochSeconds",
    "dotNet",
    "rfc2822",
    "dd.MM.yyyy",
    "yyyyMMdd",
    "d MMM yyyy",
    "MM/dd/yyyy",
    "EEE, dd MMMM yyyy HH:mm",
];
const ZONES: &[Option<&str>] = &[
    None,
    Some("Europe/Berlin"),
    Some("America/New_York"),
    Some("Asia/Kolkata"),
    Some("Australia/Lord_Howe"),
    Some("Pacific/Kiritimati"),
];

proptest! {
    /// What is written in a form is read back in it: the same moment, whatever the zone.
    #[test]
    fn moments_come_back(millis in -2_208_988_800_000i64..4_102_444_800_000, form in 0..MOMENTS.len(), zone in 0..ZONES.len()) {
        let (name, precision) = MOMENTS[form];
        let millis = millis.div_euclid(precision) * precision;
        // RFC 2822, /Date()/ and offsets in texts know no seconds in an offset, as some zones had before 1970.
        let zone = ZONES[zone].filter(|_| millis > 0);
        let dates = named(name, zone);
        let written = dates.write(&json!(Timestamp(millis).to_rfc3339())).unwrap();
        prop_assert_eq!(dates.timestamp(&written), Ok(Some(Timestamp(millis))), "{}", written);
    }

    /// A day that is written in a form is the same day when it is read back, whatever the zone.
    #[test]
    fn days_come_back(days in 1i32..25_000, form in 0..DAYS.len(), zone in 0..ZONES.len()) {
        let day = Date::from_epoch_days(days).unwrap();
        let dates = named(DAYS[form], ZONES[zone]);
        let written = dates.write(&json!(day.to_string())).unwrap();
        prop_assert_eq!(dates.date(&written), Ok(Some(day)), "{}", written);
        prop_assert_eq!(dates.range(&written), Ok(Some((day, day))), "{}", written);
    }

    #[test]
    fn nothing_panics(text in "\\PC{0,40}", form in 0..DAYS.len(), zone in 0..ZONES.len()) {
        let dates = named(DAYS[form], ZONES[zone]);
        let _ = (dates.date(&json!(text)), dates.timestamp(&json!(text)), dates.range(&json!(text)), dates.write(&json!(text)));
        let _ = (Dates::named(&text), dot_net(&text));
    }

    #[test]
    fn no_pattern_panics(text in "[ydMHhmsSaEXx '%.:/-]{0,20}") {
        if let Some(Ok(dates)) = Dates::named(&text) {
            let _ = (dates.date(&json!("2026-02-28")), dates.write(&json!("2026-02-28T10:00:00Z")));
        }
    }
}
