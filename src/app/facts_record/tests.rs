//! What is written down is read back.
use super::*;

fn written_and_read(facts: &Facts) -> (String, Facts) {
    let written = serde_json::to_string(&FactsRecord::new(facts)).unwrap();
    let record: FactsRecord = serde_json::from_str(&written).unwrap();
    let read = record.facts(|_, _| Err(Error::NotFound)).unwrap();
    (written, read)
}

#[test]
fn an_officer_s_word_is_read_back_as_it_was_written_down() {
    let at = Timestamp::from_microsecond(1_790_000_000_000_001).unwrap();
    for holds in [true, false] {
        let stopped = Some(StopFact { case: "019a".into(), at, holds });
        let facts = Facts { stopped, ..Facts::default() };
        let (written, read) = written_and_read(&facts);
        assert_eq!(read, facts, "{written}");
    }
}

#[test]
fn what_has_gone_is_read_back_and_a_record_without_it_reads_too() {
    let of = |line, quantity| crate::rules::cover::CoverFact {
        licence: "KE-IMP-1".into(),
        line,
        unit: crate::domain::Unit::C62,
        quantity: Quantity::parse(quantity).unwrap(),
    };
    let covered = vec![of(Some(2), "0.000001"), of(None, "9999999999")];
    let facts = Facts { covered, ..Facts::default() };
    let (written, read) = written_and_read(&facts);
    assert_eq!(read, facts, "{written}");
    let (written, read) = written_and_read(&Facts::default());
    assert!(!written.contains("covered") && read.covered.is_empty(), "{written}");
}
