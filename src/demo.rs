//! Sample data: one transaction of rifles and cartridges from France to Kenya by way of the
//! Emirates, dated around today so that it is always in force.
use crate::domain::Date;
use crate::domain::reference::mrn_check_digit;
use jiff::ToSpan;
use serde_json::Value;
use serde_json::json;

/// A sample declaration and what it is to show.
#[derive(Debug)]
pub struct Sample {
    /// `clear`, `refer` or `hold`.
    pub verdict: &'static str,
    /// What it shows, in words.
    pub title: &'static str,
    /// The declaration.
    pub declaration: Value,
}

/// The export, import and transit papers of the sample transaction.
pub fn licences(today: Date) -> Vec<Value> {
    vec![
        licence(today, "FR-EXP-2026-000412", "export", "FR", &["KE-IMP-2026-00087"]),
        licence(today, "KE-IMP-2026-00087", "import", "KE", &["FR-EXP-2026-000412"]),
    ]
}

/// Three declarations: one clears, one refers, one holds.
pub fn declarations(today: Date) -> Vec<Sample> {
    let consignee = json!({"id": "KE0051234567", "name": "Savannah Outfitters Ltd"});
    let another = json!({"id": "KE0099999999", "name": "Coast Freight Handlers Ltd"});
    let licensed = json!([rifles("2", &["VC000101", "VC000102"]), cartridges("5", "MIL")]);
    let rifles_only = json!([rifles("2", &["VC000103", "VC000104"])]);
    let too_much = json!([rifles("2", &["VC000105", "VC999999"]), cartridges("60", "MIL")]);
    vec![
        Sample {
            verdict: "clear",
            title: "two rifles and 5 000 cartridges, all licensed",
            declaration: declaration(today, "000000000101", &consignee, &licensed),
        },
        Sample {
            verdict: "refer",
            title: "another consignee than the licence's",
            declaration: declaration(today, "000000000202", &another, &rifles_only),
        },
        Sample {
            verdict: "hold",
            title: "a serial that is not licensed, and more rounds than authorised",
            declaration: declaration(today, "000000000303", &consignee, &too_much),
        },
    ]
}

fn day(today: Date, days: i64) -> String {
    today.saturating_add(days.days()).to_string()
}

fn licence(today: Date, number: &str, kind: &str, state: &str, linked: &[&str]) -> Value {
    let (authority, place) = match state {
        "FR" => ("Direction générale des douanes", "Paris"),
        _ => ("Firearms Licensing Board", "Nairobi"),
    };
    let until = if kind == "import" { 340 } else { 330 };
    json!({
        "number": number,
        "kind": kind,
        "issuing_state": state,
        "issuing_authority": authority,
        "place_of_issue": place,
        "issued_on": day(today, if kind == "import" { -45 } else { -40 }),
        "valid_from": day(today, -40),
        "valid_until": day(today, until),
        "use": "multiple",
        "procedure": "permanent",
        "country_of_export": "FR",
        "country_of_import": "KE",
        "transit": [{
            "country": "AE",
            "consent": {"form": "written", "reference": "AE-NOC-77", "dated": day(today, -42)},
            "informed_on": day(today, -41)
        }],
        "exporter": {"id": "FR12345678901234", "name": "Armurerie du Rhône SA", "address": "Lyon"},
        "consignee": {"id": "KE0051234567", "name": "Savannah Outfitters Ltd", "address": "Nairobi"},
        "final_recipient": {"id": "KE-KWS-001", "name": "Kenya Wildlife Service", "address": "Nairobi"},
        "border_posts": ["FRLEH", "KEMBA"],
        "mandated_carriers": ["FR55555555500022"],
        "linked_licences": linked,
        "lines": [
            {
                "line": 1, "category": "firearm", "hs": "930330", "description": "Bolt action rifles",
                "make": "Verney-Carron", "model": "Impact", "calibre": "7.62x51mm",
                "country_of_manufacture": "FR", "quantity": "50", "unit": "C62",
                "serials": (101..151).map(|n| format!("VC000{n}")).collect::<Vec<_>>()
            },
            {
                "line": 2, "category": "ammunition", "hs": "930630", "description": "Rifle cartridges",
                "make": "Nobel Sport", "calibre": "7.62x51mm", "country_of_manufacture": "FR",
                "quantity": "50000", "unit": "C62"
            }
        ]
    })
}

fn declaration(today: Date, own: &str, consignee: &Value, items: &Value) -> Value {
    let yy = today.year().rem_euclid(100);
    let seventeen = format!("{yy:02}FR{own}A");
    let digit = mrn_check_digit(&seventeen).unwrap_or_default();
    json!({
        "reference": {"type": "mrn", "value": format!("{seventeen}{digit}")},
        "ucr": format!("{}FR12345678901234-{own}", today.year().rem_euclid(10)),
        "movement": "export",
        "border_post": "FRLEH",
        "accepted_at": format!("{today}T00:01:00+01:00"),
        "country_of_export": "FR",
        "country_of_import": "KE",
        "route": [{"country": "AE", "mode": "sea", "transhipment": false}],
        "departs_on": day(today, 1),
        "arrives_on": day(today, 12),
        "declarant": {"id": "FR99999999900011", "name": "Transit Rapide"},
        "carrier": {"id": "FR55555555500022", "name": "Ligne Bleue", "vehicle": "IMO9319466"},
        "exporter": {"id": "FR12345678901234", "name": "Armurerie du Rhône SA"},
        "consignee": consignee,
        "final_recipient": {"id": "KE-KWS-001", "name": "Kenya Wildlife Service"},
        "items": items
    })
}

fn rifles(quantity: &str, serials: &[&str]) -> Value {
    json!({
        "item": 1, "category": "firearm", "hs": "93033000", "description": "Bolt action rifles",
        "make": "Verney-Carron", "model": "Impact", "calibre": "7.62x51mm", "country_of_manufacture": "FR",
        "quantity": quantity, "unit": "C62", "serials": serials,
        "licences": [{"number": "FR-EXP-2026-000412", "line": 1}, {"number": "KE-IMP-2026-00087", "line": 1}]
    })
}

fn cartridges(quantity: &str, unit: &str) -> Value {
    json!({
        "item": 2, "category": "ammunition", "hs": "93063090", "description": "Rifle cartridges",
        "make": "Nobel Sport", "calibre": "7.62x51mm", "country_of_manufacture": "FR",
        "quantity": quantity, "unit": unit,
        "lots": [{"number": "NS-2211", "manufacturer": "Nobel Sport", "calibre": "7.62x51mm", "type": "soft point"}],
        "licences": [{"number": "FR-EXP-2026-000412", "line": 2}, {"number": "KE-IMP-2026-00087", "line": 2}]
    })
}
