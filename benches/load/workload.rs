//! What is asked: pairs of licences from France to Kenya, ten thousand declarations of six items
//! that quote them, and how often each pair is quoted. The licence's number has a fixed width, so
//! that one declaration can be made to quote any pair without being written anew.
use crate::random::Random;
use jiff::ToSpan;
use passavant::domain::Date;
use passavant::domain::reference::mrn_check_digit;
use serde_json::Value;
use serde_json::json;

/// Different declarations.
pub const BODIES: u32 = 10_000;
/// Items of a declaration.
pub const ITEMS: u32 = 6;
/// What the body of a request has around its declaration.
const BEFORE: &str = "{\"declaration\":";
/// Where the number of a pair stands in the text of a declaration that is to be filled in.
const HOLE: &str = "@@@@@@@@";
/// Digits of a pair's number.
const DIGITS: usize = HOLE.len();
/// What stands before them in the numbers of a pair.
pub const EXPORT: &str = "FR-E-";
/// The same of the import licence.
pub const IMPORT: &str = "KE-I-";

/// One of the ways in which goods and licence do not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// They do.
    Fits,
    /// Another consignee than the licence's.
    Consignee,
    /// More than is authorised.
    Quantity,
    /// A calibre that is not licensed.
    Calibre,
    /// Another country of import.
    Country,
}

impl Fit {
    const MISFITS: [Self; 4] = [Self::Consignee, Self::Quantity, Self::Calibre, Self::Country];
}

/// The text of a request's body, with the places where the number of a pair is to be written.
#[derive(Debug, Clone)]
pub struct Body {
    /// The text.
    pub text: Vec<u8>,
    /// What is wrong with it.
    pub fit: Fit,
    holes: Vec<usize>,
}

impl Body {
    fn new(text: &str, fit: Fit) -> Self {
        let holes = text.match_indices(HOLE).map(|(at, _)| at).collect();
        Self { text: text.as_bytes().to_vec(), fit, holes }
    }

    /// Appends the text to a request, quoting a pair.
    pub fn write(&self, pair: u32, request: &mut Vec<u8>) {
        let start = request.len();
        request.extend_from_slice(&self.text);
        let mut digits = [b'0'; DIGITS];
        let mut rest = pair;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
        }
        for hole in &self.holes {
            request[start + hole..start + hole + DIGITS].copy_from_slice(&digits);
        }
    }

    /// The declaration alone, quoting a pair.
    pub fn declaration(&self, pair: u32) -> Vec<u8> {
        let mut text = Vec::new();
        self.write(pair, &mut text);
        text[BEFORE.len()..text.len() - 1].to_vec()
    }
}

/// Every declaration; so many of a thousand do not fit.
pub fn bodies(today: Date, misfits_per_mille: u32) -> Vec<Body> {
    (0..BODIES)
        .map(|number| {
            // Spread over the whole, and each way as often as the others.
            let turn = (number * 617) % 1000;
            let fit = if turn < misfits_per_mille {
                Fit::MISFITS[usize::try_from(turn % 4).unwrap_or_default()]
            } else {
                Fit::Fits
            };
            let declaration = declaration(today, number, fit);
            Body::new(&format!("{BEFORE}{declaration}}}"), fit)
        })
        .collect()
}

/// One declaration that draws a single unit of one line, for releases; the place of the pair's number
/// is filled in and its reference is its own.
pub fn one_round(today: Date, pair: u32, reference: u64) -> Vec<u8> {
    let mut declaration = declaration(today, 0, Fit::Fits);
    declaration["reference"] = json!({"type": "national", "value": format!("R{reference:012}")});
    let mut item = declaration["items"][1].clone();
    item["quantity"] = json!("1");
    declaration["items"] = json!([item]);
    let mut text = Vec::new();
    Body::new(&format!("{BEFORE}{declaration}}}"), Fit::Fits).write(pair, &mut text);
    text
}

fn declaration(today: Date, number: u32, fit: Fit) -> Value {
    let yy = today.year().rem_euclid(100);
    let seventeen = format!("{yy:02}FR{number:012}A");
    let digit = mrn_check_digit(&seventeen).unwrap_or_default();
    let consignee = if fit == Fit::Consignee { "KE0099999999" } else { "KE0051234567" };
    let to = if fit == Fit::Country { "TZ" } else { "KE" };
    json!({
        "reference": {"type": "mrn", "value": format!("{seventeen}{digit}")},
        "movement": "export",
        "border_post": "FRLEH",
        "accepted_at": format!("{today}T00:01:00+01:00"),
        "country_of_export": "FR",
        "country_of_import": to,
        "route": [],
        "exporter": {"id": "FR12345678901234", "name": "Armurerie du Rhone SA"},
        "consignee": {"id": consignee, "name": "Savannah Outfitters Ltd"},
        "final_recipient": {"id": "KE-KWS-001", "name": "Kenya Wildlife Service"},
        "items": (1..=ITEMS).map(|item| goods(number, item, fit)).collect::<Vec<_>>()
    })
}

/// A rifle, and five items of what its cartridges are made of.
fn goods(number: u32, item: u32, fit: Fit) -> Value {
    let line = if item == 1 { 1 } else { 2 + item % 2 };
    let quotes = json!([
        {"number": format!("{EXPORT}{HOLE}"), "line": line},
        {"number": format!("{IMPORT}{HOLE}"), "line": line}
    ]);
    if item == 1 {
        return json!({
            "item": 1, "category": "firearm", "hs": "930330", "make": "Verney-Carron", "model": "Impact",
            "calibre": "7.62x51mm", "country_of_manufacture": "FR", "quantity": "1", "unit": "C62",
            "serials": [format!("VC00010{}", 1 + number % 4)], "licences": quotes
        });
    }
    let calibre = match (line, fit) {
        (2, Fit::Calibre) => "9x19mm",
        (2, _) => "7.62x51mm",
        _ => ".308 Win",
    };
    let quantity = if fit == Fit::Quantity && item == 2 { "2000000" } else { "200" };
    json!({
        "item": item, "category": "ammunition_component", "hs": "930630", "calibre": calibre, "quantity": quantity, "unit": "C62",
        "licences": quotes
    })
}

/// A licence's document, with the place of the pair's number to be filled in.
fn licence(today: Date, export: bool, number: &str) -> Value {
    let day = |days: i64| today.saturating_add(days.days()).to_string();
    let (own, linked, kind, state) =
        if export { (EXPORT, IMPORT, "export", "FR") } else { (IMPORT, EXPORT, "import", "KE") };
    json!({
        "number": format!("{own}{number}"), "kind": kind, "issuing_state": state, "issuing_authority": "Licensing board",
        "place_of_issue": "Capital", "issued_on": day(if export { -40 } else { -45 }), "valid_from": day(-40),
        "valid_until": day(if export { 330 } else { 340 }), "use": "multiple", "procedure": "permanent",
        "country_of_export": "FR", "country_of_import": "KE", "transit": [],
        "exporter": {"id": "FR12345678901234", "name": "Armurerie du Rhone SA", "address": "Lyon"},
        "consignee": {"id": "KE0051234567", "name": "Savannah Outfitters Ltd", "address": "Nairobi"},
        "final_recipient": {"id": "KE-KWS-001", "name": "Kenya Wildlife Service", "address": "Nairobi"},
        "border_posts": ["FRLEH", "KEMBA"], "linked_licences": [format!("{linked}{number}")],
        "lines": [
            {"line": 1, "category": "firearm", "hs": "930330", "description": "Bolt action rifles", "make": "Verney-Carron",
             "model": "Impact", "calibre": "7.62x51mm", "country_of_manufacture": "FR", "quantity": "4", "unit": "C62",
             "serials": ["VC000101", "VC000102", "VC000103", "VC000104"]},
            {"line": 2, "category": "ammunition_component", "hs": "930630", "description": "Primed cases",
             "calibre": "7.62x51mm", "quantity": "1000000", "unit": "C62"},
            {"line": 3, "category": "ammunition_component", "hs": "930630", "description": "Primed cases",
             "calibre": ".308 Win", "quantity": "1000000", "unit": "C62"}
        ]
    })
}

/// The two licences of a pair as their authorities issue them.
pub fn pair(today: Date, number: u32) -> [Value; 2] {
    let digits = format!("{number:0DIGITS$}");
    [licence(today, true, &digits), licence(today, false, &digits)]
}

/// Which pair each request quotes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Spread {
    /// Each of so many as often as the others.
    Uniform(u32),
    /// Of so many, the one of rank r in proportion to r^-s.
    Zipf(u32, f64),
}

impl Spread {
    /// So many choices, made ahead.
    pub fn choices(self, random: &mut Random, count: usize) -> Vec<u32> {
        match self {
            Self::Uniform(pairs) => (0..count).map(|_| random.below(pairs)).collect(),
            Self::Zipf(pairs, s) => {
                let mut sum = 0.0;
                let weights: Vec<f64> = (1..=pairs)
                    .map(|rank| {
                        sum += f64::from(rank).powf(-s);
                        sum
                    })
                    .collect();
                let choose = |random: &mut Random| {
                    let at = random.unit() * sum;
                    let rank = weights.partition_point(|weight| *weight < at);
                    // Ranks are scattered over the numbers, as the busy licences of a year are.
                    let rank = u64::try_from(rank).unwrap_or_default().min(u64::from(pairs) - 1);
                    u32::try_from(rank * 2_654_435_761 % u64::from(pairs)).unwrap_or_default()
                };
                (0..count).map(|_| choose(random)).collect()
            }
        }
    }
}
