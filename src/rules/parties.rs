//! Section 3E, first half: the countries and the parties of the licences. Identifiers decide, names
//! advise, and the declarant is compared with nobody.
use super::Case;
use super::Code;
use super::Findings;
use super::Severity;
use super::case::ItemCase;
use super::case::QuoteCase;
use crate::domain::declaration::Declaration;
use crate::domain::goods::Movement;
use crate::domain::licence::Licence;
use crate::domain::party::Party;
use crate::domain::party::names_agree;

/// A party of the declaration with the part it has there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named<'a> {
    /// The party.
    pub(super) party: &'a Party,
    field: &'static str,
    index: Option<usize>,
}

impl<'a> Named<'a> {
    /// Somebody whom the declaration names outside its list of parties.
    pub(super) fn of(party: &'a Party, field: &'static str) -> Self {
        Self { party, field, index: None }
    }

    /// JSON Pointer to it.
    pub(super) fn path(&self) -> String {
        match self.index {
            Some(index) => format!("/{}/{index}", self.field),
            None => format!("/{}", self.field),
        }
    }

    /// Its part, in words.
    pub(super) fn role(&self) -> &'static str {
        match self.field {
            "final_recipient" => "final recipient",
            "brokers" => "broker",
            "temporary/person" => "traveller",
            field => field,
        }
    }
}

/// Every party that a declaration names.
pub(super) fn parties(declaration: &Declaration) -> impl Iterator<Item = Named<'_>> {
    let carrier = declaration.carrier.as_ref().map(|carrier| &carrier.party);
    let named = [
        (declaration.declarant.as_ref(), "declarant"),
        (carrier, "carrier"),
        (declaration.exporter.as_ref(), "exporter"),
        (declaration.consignee.as_ref(), "consignee"),
        (declaration.final_recipient.as_ref(), "final_recipient"),
        (declaration.owner.as_ref(), "owner"),
    ];
    let named = named
        .into_iter()
        .filter_map(|(party, field)| party.map(|party| Named { party, field, index: None }));
    let brokers = declaration.brokers.iter().enumerate();
    named.chain(brokers.map(|(index, party)| Named { party, field: "brokers", index: Some(index) }))
}

/// 40 COUNTRY_OF_EXPORT_MISMATCH and 41 COUNTRY_OF_IMPORT_MISMATCH: the countries of export and import declared are
/// those of every licence quoted, export, import and transit licences alike. The country of export is neither
/// that of manufacture nor the exporter's, and the State through which the goods leave may be another one.
/// A country that the declaration does not state cannot be compared and is rule 1's.
pub(super) fn countries(case: &Case<'_>, findings: &mut Findings) {
    let declaration = case.declaration;
    let differs = move |licence: &Licence| {
        declaration.country_of_export.is_some_and(|from| from != licence.country_of_export)
            || declaration.country_of_import.is_some_and(|to| to != licence.country_of_import)
    };
    for (item, quote, licence) in case.quoting(differs) {
        let ends = [
            (
                Code::CountryOfExportMismatch,
                "/country_of_export",
                declaration.country_of_export,
                licence.country_of_export,
            ),
            (
                Code::CountryOfImportMismatch,
                "/country_of_import",
                declaration.country_of_import,
                licence.country_of_import,
            ),
        ];
        for (code, path, declared, licensed) in ends {
            let Some(declared) = declared.filter(|declared| *declared != licensed) else {
                continue;
            };
            let finding = findings.add(code).on(item, quote).at(path);
            finding.declared(declared).licensed(licensed);
            finding.says(format_args!("{declared} declared, {licensed} on {}", licence.number));
        }
    }
}

/// How two parties compare.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Parties {
    Same,
    /// One identifier with two names.
    Renamed,
    /// Two identifiers with one name.
    Renumbered,
    Different,
}

fn compare(declared: &Party, licensed: &Party) -> Parties {
    if declared.id == licensed.id {
        if names_agree(&declared.name, &licensed.name) { Parties::Same } else { Parties::Renamed }
    } else if names_agree(&declared.name, &licensed.name) {
        Parties::Renumbered
    } else {
        Parties::Different
    }
}

/// What the parties of one role are judged by.
struct Role {
    code: Code,
    field: &'static str,
    words: &'static str,
    /// Weight of another identifier.
    other: Severity,
    /// Weight of another name for the same identifier.
    renamed: Severity,
}

fn judge(
    role: &Role,
    (item, quote, licence): (&ItemCase<'_>, &QuoteCase<'_>, &Licence),
    (declared, licensed): (&Party, &Party),
    findings: &mut Findings,
) {
    let relation = compare(declared, licensed);
    let Role { code, field, words, .. } = *role;
    let number = &licence.number;
    let severity = match relation {
        Parties::Same => return,
        Parties::Renamed => role.renamed,
        Parties::Renumbered | Parties::Different => role.other,
    };
    let finding = findings.add(code).on(item, quote).severity(severity);
    if relation == Parties::Renamed {
        finding.at(format!("/{field}/name")).declared(&declared.name).licensed(&licensed.name);
        finding.says(format_args!(
            "{words} {} is {:?} here and {:?} on {number}",
            declared.id,
            declared.name.as_str(),
            licensed.name.as_str()
        ));
        return;
    }
    finding.at(format!("/{field}/id")).declared(&declared.id).licensed(&licensed.id);
    let alike = if relation == Parties::Renumbered { "; the names agree" } else { "" };
    finding.says(format_args!(
        "{words} {} ({}) declared, {} ({}) on {number}{alike}",
        declared.id, declared.name, licensed.id, licensed.name
    ));
}

/// 42 EXPORTER_MISMATCH: the exporter declared is the licence's, by identifier: the one who holds the contract
/// and may dispose of the goods. Another identifier holds them, whatever the name. The same identifier
/// with another name is referred; case, accents and punctuation make no other name. An import or transit
/// licence may number a foreign exporter differently: there, another identifier under an agreeing name is
/// referred. The declarant, the forwarder and the carrier may be anybody and are never compared.
pub(super) fn exporter(case: &Case<'_>, findings: &mut Findings) {
    let Some(declared) = &case.declaration.exporter else { return };
    for (item, quote, licence) in case.quoting(move |licence| licence.exporter != *declared) {
        let licensed = &licence.exporter;
        let renumbered =
            licence.kind != Movement::Export && compare(declared, licensed) == Parties::Renumbered;
        let role = Role {
            code: Code::ExporterMismatch,
            field: "exporter",
            words: "exporter",
            other: if renumbered { Severity::Refer } else { Severity::Block },
            renamed: Severity::Refer,
        };
        judge(&role, (item, quote, licence), (declared, licensed), findings);
    }
}

/// 43 CONSIGNEE_MISMATCH: the consignee declared is the licence's, by identifier. A difference is referred, not
/// held: goods may be consigned to an agent or a warehouse on their way to the final recipient, who is
/// rule 44's. Another name for the same identifier is only made known.
pub(super) fn consignee(case: &Case<'_>, findings: &mut Findings) {
    let Some(declared) = &case.declaration.consignee else { return };
    let role = Role {
        code: Code::ConsigneeMismatch,
        field: "consignee",
        words: "consignee",
        other: Severity::Refer,
        renamed: Severity::Inform,
    };
    for (item, quote, licence) in case.quoting(move |licence| licence.consignee != *declared) {
        judge(&role, (item, quote, licence), (declared, &licence.consignee), findings);
    }
}

/// 44 FINAL_RECIPIENT_MISMATCH and 45 FINAL_RECIPIENT_UNDECLARED: the final recipient declared is the one on every licence
/// that names one, by identifier; another one holds the goods, another name for the same identifier is
/// referred. A reseller counts as final recipient. Who receives at the border is the consignee and
/// need not be the same. Where the declaration names none, a person decides: always where a licence names
/// one, since nobody then says that the goods go there, and under the Protocol alone in any case. Union law
/// asks for the final recipient only if known at the time of the shipment: where no licence names one
/// either, that is merely made known there.
pub(super) fn final_recipient(case: &Case<'_>, findings: &mut Findings) {
    let Some(declared) = &case.declaration.final_recipient else {
        undeclared(case, findings);
        return;
    };
    let role = Role {
        code: Code::FinalRecipientMismatch,
        field: "final_recipient",
        words: "final recipient",
        other: Severity::Block,
        renamed: Severity::Refer,
    };
    let other =
        move |licence: &Licence| licence.final_recipient.as_ref().is_some_and(|l| l != declared);
    for (item, quote, licence) in case.quoting(other) {
        if let Some(licensed) = &licence.final_recipient {
            judge(&role, (item, quote, licence), (declared, licensed), findings);
        }
    }
}

fn undeclared(case: &Case<'_>, findings: &mut Findings) {
    let named = case.held().find_map(|held| {
        let recipient = held.licence.final_recipient.as_ref();
        recipient.map(|recipient| (held.licence.as_ref(), recipient))
    });
    let finding = findings.add(Code::FinalRecipientUndeclared).at("/final_recipient");
    match named {
        Some((licence, recipient)) => {
            finding.licensed(&recipient.id).says(format_args!(
                "no final recipient is declared; {} names {} ({})",
                licence.number, recipient.name, recipient.id
            ));
        }
        None => {
            finding.says("neither the declaration nor a licence names a final recipient");
            if case.profile.final_recipient_if_known {
                finding.severity(Severity::Inform);
            }
        }
    }
}

/// 46 BROKER_NOT_DISCLOSED: the brokers on the licences and those on the papers are the same, by identifier. A
/// broker that a licence names stands on the declaration or on a paper (`broker_disclosure` with the broker's
/// identifier), and a declared broker stands on a licence of the item. Where the exporter is one of the
/// brokers, the owner of the goods is stated too. Article 15 leaves it to each State to require all this, so
/// that nothing is held. A movement without brokers on either side is no finding.
pub(super) fn brokers(case: &Case<'_>, findings: &mut Findings) {
    let declaration = case.declaration;
    for (item, quote, licence) in case.quoting(|licence| licence.clauses.is_some()) {
        for broker in licence.clauses.iter().flat_map(|clauses| &clauses.brokers) {
            let disclosed = declaration.brokers.iter().any(|declared| declared.id == broker.id)
                || declaration.documents.iter().any(|paper| {
                    *paper.kind == *"broker_disclosure" && paper.reference == broker.id
                });
            if !disclosed {
                let finding = findings.add(Code::BrokerNotDisclosed).on(item, quote);
                finding.at("/brokers").licensed(&broker.id).says(format_args!(
                    "{} names the broker {} ({}), the papers do not",
                    licence.number, broker.name, broker.id
                ));
            }
        }
    }
    for (index, broker) in declaration.brokers.iter().enumerate() {
        let known = |licence: &Licence| licence.clauses().brokers.iter().any(|b| b.id == broker.id);
        if !case.held().any(|held| known(&held.licence)) {
            let finding = findings.add(Code::BrokerNotDisclosed).at(format!("/brokers/{index}"));
            finding.declared(&broker.id).says(format_args!(
                "the broker {} ({}) is declared and stands on no licence quoted",
                broker.name, broker.id
            ));
        }
    }
    if let Some(exporter) = declaration.exporter.as_ref().filter(|_| declaration.owner.is_none()) {
        let is_exporter = |broker: &Party| broker.id == exporter.id;
        if declaration.brokers.iter().any(is_exporter)
            || case.held().any(|held| held.licence.clauses().brokers.iter().any(is_exporter))
        {
            let finding = findings.add(Code::BrokerNotDisclosed).at("/owner");
            finding.by_law("Regulation (EU) 2025/41 art. 21(1)(i)");
            finding.remedy("State the owner of the goods").says(format_args!(
                "the exporter {} is a broker and the owner of the goods is not stated",
                exporter.id
            ));
        }
    }
}
