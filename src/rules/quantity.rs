//! Section 3H: quantities against the licence lines quoted.
use super::Case;
use super::Code;
use super::Findings;
use crate::domain::Quantity;

/// 80 QUANTITY_EXCEEDS_AUTHORISED, 81 QUANTITY_EXCEEDS_BALANCE and 82 UNIT_NOT_CONVERTIBLE: what all
/// items together draw from a line, in the line's unit, against what the line has left.
pub(super) fn quantity(case: &Case<'_>, findings: &mut Findings) {
    let mut drawn: Vec<(&str, u32, Quantity)> = Vec::new();
    for item in &case.items {
        for quote in &item.quotes {
            let (Some(held), Some(line)) = (quote.held(), quote.line) else {
                continue;
            };
            let Some(share) = item.drawn_by(quote, line) else {
                findings
                    .add(Code::UnitNotConvertible)
                    .on(item, quote)
                    .at(item.path("unit"))
                    .declared(item.item.unit)
                    .licensed(line.unit)
                    .says(format_args!("{} cannot be restated in {}", item.item.unit, line.unit));
                continue;
            };
            let number = quote.quote.number.as_str();
            let key = (number, line.line);
            let place = drawn.iter_mut().find(|(number, line, _)| (*number, *line) == key);
            let total = match place {
                Some((_, _, total)) => {
                    *total = total.plus(share).unwrap_or(*total);
                    *total
                }
                None => {
                    drawn.push((number, line.line, share));
                    share
                }
            };
            let balance = held.balance(line);
            if total > balance.authorised {
                findings
                    .add(Code::QuantityExceedsAuthorised)
                    .on(item, quote)
                    .at(item.path("quantity"))
                    .declared(total)
                    .licensed(balance.authorised)
                    .says(format_args!("{total} declared, {} authorised", balance.authorised));
            } else if total > balance.available && !held.is_closed() {
                findings
                    .add(Code::QuantityExceedsBalance)
                    .on(item, quote)
                    .at(item.path("quantity"))
                    .declared(total)
                    .licensed(balance.available)
                    .remedy(format!(
                        "Declare at most {}, or quote a further licence",
                        balance.available
                    ))
                    .says(format_args!(
                        "{total} declared, {} left of {} ({} consumed, {} reserved)",
                        balance.available, balance.authorised, balance.consumed, balance.reserved
                    ));
            }
        }
    }
}
