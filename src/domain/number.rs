//! Numbers that others give: to declarations, consignments, licences and traders. Two of them are the same
//! where people and their systems take them for the same, so they are kept in one form; what cannot be seen,
//! or not be told apart from another, is no part of a number.
use super::Invalid;
use super::Text;
use unicode_normalization::UnicodeNormalization;

/// A declaration's, a consignment's or a trader's number in the form in which it is compared: capitals. They go
/// through customs' systems as printable ASCII (the WCO's data model, EDIFACT), so nothing else is read: letters
/// of another script that look the same would make a second number of the first.
pub fn plain(text: &str) -> Result<Text, Invalid> {
    spaced(text)?;
    if let Some(other) = text.chars().find(|c| !matches!(c, ' '..='~')) {
        return Err(foreign(other));
    }
    if text.bytes().any(|c| c.is_ascii_lowercase()) {
        return Ok(text.to_ascii_uppercase().into());
    }
    Ok(Text::new(text))
}

/// A licence's number in the form in which it is compared. Its authority may give it in the letters of its own
/// language; those are folded as serials are: Unicode NFKC, capitals.
pub fn of_licence(text: &str) -> Result<Text, Invalid> {
    if text.is_ascii() {
        return plain(text);
    }
    let capitals = folded(text);
    spaced(&capitals)?;
    let is_sign = |c: char| matches!(c, ' '..='~') || c.is_alphanumeric() && is_seen(c);
    match capitals.chars().find(|c| !is_sign(*c)) {
        Some(other) => Err(foreign(other)),
        None => Ok(capitals.into()),
    }
}

/// A text as licences' numbers are folded, such as what some of them begin with.
pub fn folded(text: &str) -> String {
    text.nfkc().flat_map(char::to_uppercase).nfkc().collect()
}

/// Whether a letter can be seen: Unicode counts fillers as letters that leave no trace on paper.
pub(super) fn is_seen(c: char) -> bool {
    !matches!(c, '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}' | '\u{ffa0}')
}

/// Blanks only where they are seen, and something beside signs.
fn spaced(text: &str) -> Result<(), Invalid> {
    let bad = |why: &str| Err(Invalid::new("not_a_number", format!("{text:?} {why}")));
    if text.starts_with(' ') || text.ends_with(' ') {
        return bad("begins or ends with a blank");
    }
    if text.contains("  ") {
        return bad("holds two blanks in a row");
    }
    if !text.chars().any(char::is_alphanumeric) {
        return bad("holds neither a letter nor a digit");
    }
    Ok(())
}

fn foreign(c: char) -> Invalid {
    let code = u32::from(c);
    Invalid::new("not_a_number", format!("U+{code:04X} is no sign of such a number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_same_in_either_case_and_in_no_other_dress() {
        assert_eq!(plain("nat-285987").unwrap(), plain("NAT-285987").unwrap());
        assert_eq!(plain("CH 55/a_b").unwrap().as_str(), "CH 55/A_B");
        for bad in [
            "",
            " ",
            ".",
            "..",
            "-/-",
            "NAT-1 ",
            " NAT-1",
            "NAT  1",
            "NAT-1\u{a0}",
            "NAT-1\u{200b}",
            "NAT-1\t",
            "N\u{410}T-1",
            "ＮＡＴ-1",
        ] {
            assert_eq!(plain(bad).unwrap_err().code, "not_a_number", "{bad:?}");
        }
    }

    #[test]
    fn a_licence_s_number_may_be_in_its_authority_s_letters() {
        assert_eq!(of_licence("fr-exp-1").unwrap(), of_licence("FR-EXP-1").unwrap());
        assert_eq!(of_licence("αδ-1").unwrap(), of_licence("ΑΔ-1").unwrap());
        assert_eq!(of_licence("ＫＥ-１").unwrap().as_str(), "KE-1");
        assert_eq!(of_licence("E\u{301}-1").unwrap(), of_licence("\u{c9}-1").unwrap());
        for bad in [
            ".",
            "FR-1\u{a0}",
            "FR-1\u{200b}",
            "FR-1\u{3164}",
            "FR-1\u{301}",
            "\u{202e}FR-1",
            "FR\u{3000} 1",
        ] {
            assert_eq!(of_licence(bad).unwrap_err().code, "not_a_number", "{bad:?}");
        }
    }
}
