//! The way from Kenya back to France: the sample's papers and declarations with their ends changed.
use passavant::demo;
use passavant::domain::Date;
use serde_json::Value;
use serde_json::json;

pub const EXPORT_BACK: &str = "KE-EXP-2026-000001";
pub const IMPORT_BACK: &str = "FR-IMP-2026-000001";

/// The licences for it.
pub fn papers(day: Date) -> Vec<Value> {
    let mut papers = demo::licences(day);
    let ways =
        [(EXPORT_BACK, "export", "KE", IMPORT_BACK), (IMPORT_BACK, "import", "FR", EXPORT_BACK)];
    for (paper, (number, kind, state, linked)) in papers.iter_mut().zip(ways) {
        paper["number"] = json!(number);
        paper["kind"] = json!(kind);
        paper["issuing_state"] = json!(state);
        paper["linked_licences"] = json!([linked]);
        turn_round(paper);
    }
    papers
}

/// The same for a time, to be exhibited, under numbers of their own.
pub fn papers_for_a_time(day: Date) -> Vec<Value> {
    let mut papers = papers(day);
    for paper in &mut papers {
        for number in ["number", "linked_licences"] {
            let text = paper[number].to_string().replace("000001", "000002");
            paper[number] = serde_json::from_str(&text).unwrap();
        }
        paper["procedure"] = json!("temporary");
        paper["purpose"] = json!("exhibition");
    }
    papers
}

/// Who sent receives, and the goods go from Kenya to France.
pub fn turn_round(document: &mut Value) {
    let (exporter, consignee) = (document["exporter"].take(), document["consignee"].take());
    document["country_of_export"] = json!("KE");
    document["country_of_import"] = json!("FR");
    document["final_recipient"] = exporter.clone();
    document["exporter"] = consignee;
    document["consignee"] = exporter;
}
