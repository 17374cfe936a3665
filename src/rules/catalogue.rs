//! The catalogue of codes: number, weight, legal source, remedy. A rule only names a code; what a
//! person reads about it stands here once, and `docs/RULES.md` is written from it.
use super::finding::Severity;

/// Who can mend what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mender {
    /// The declarant.
    Declarant,
    /// The officer at the post.
    Officer,
    /// The licensing authority.
    Authority,
    /// There is nothing to mend.
    Nobody,
}

impl Mender {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Declarant => "declarant",
            Self::Officer => "officer",
            Self::Authority => "authority",
            Self::Nobody => "nobody",
        }
    }
}

/// One code of the catalogue.
#[derive(Debug)]
pub struct Entry {
    /// The catalogue's number of the rule.
    pub number: u16,
    /// The code itself.
    pub code: Code,
    /// The code on the wire, stable for good.
    pub name: &'static str,
    /// Its weight unless the rule says otherwise.
    pub severity: Severity,
    /// What is wrong, in one clause.
    pub title: &'static str,
    /// The legal source.
    pub legal_basis: &'static str,
    /// What to do.
    pub remedy: &'static str,
    /// Who can do it.
    pub remedy_by: Mender,
}

macro_rules! catalogue {
    ($($number:literal $code:ident $name:literal $severity:ident $mender:ident { $title:literal, $law:literal, $remedy:literal })*) => {
        /// Every code that a finding can carry.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $title] $code,)*
        }

        /// The catalogue, in order.
        pub static CATALOGUE: &[Entry] = &[$(Entry {
            number: $number,
            code: Code::$code,
            name: $name,
            severity: Severity::$severity,
            title: $title,
            legal_basis: $law,
            remedy: $remedy,
            remedy_by: Mender::$mender,
        },)*];

        impl Code {
            /// The code on the wire.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)*
                }
            }

            /// Its entry in the catalogue.
            pub fn entry(self) -> &'static Entry {
                match self {
                    $(Self::$code => {
                        static ENTRY: Entry = Entry {
                            number: $number,
                            code: Code::$code,
                            name: $name,
                            severity: Severity::$severity,
                            title: $title,
                            legal_basis: $law,
                            remedy: $remedy,
                            remedy_by: Mender::$mender,
                        };
                        &ENTRY
                    })*
                }
            }

            /// Reads the code back.
            pub fn parse(text: &str) -> Option<Self> {
                CATALOGUE.iter().find(|entry| entry.name == text).map(|entry| entry.code)
            }
        }
    };
}

catalogue! {
    1 DeclarationFieldMissing "DECLARATION_FIELD_MISSING" Refer Declarant {
        "a particular that the law asks for is missing",
        "Firearms Protocol art. 10(3)",
        "State the missing particular"
    }
    1 AcceptanceDateImplausible "ACCEPTANCE_DATE_IMPLAUSIBLE" Refer Officer {
        "the instant of acceptance cannot be right",
        "Union Customs Code art. 172(2)",
        "Check the date of acceptance with the customs office"
    }
    2 MrnFormatInvalid "MRN_FORMAT_INVALID" Refer Officer {
        "the movement reference number does not have its form",
        "UCC-IA Annex B, data element 12 01 001 000",
        "Scan or type the number again"
    }
    3 MrnCheckDigitInvalid "MRN_CHECK_DIGIT_INVALID" Refer Officer {
        "the check digit does not agree with the number",
        "DGXXI/0879/99 Rev. 1",
        "Scan or type the number again"
    }
    4 MrnProcedureMismatch "MRN_PROCEDURE_MISMATCH" Refer Officer {
        "the number belongs to another procedure than the one declared",
        "UCC-IA Annex B, data element 12 01 001 000",
        "Check which declaration accompanies the goods"
    }
    5 MrnAlreadyUsed "MRN_ALREADY_USED" Block Officer {
        "the item has already been released under this reference",
        "Union Customs Code art. 173, 174",
        "If the earlier release is wrong, amend or reverse it; otherwise examine the goods"
    }
    6 CodeUnknown "CODE_UNKNOWN" Refer Declarant {
        "a code is not in the lists in force",
        "Firearms Protocol art. 10(3)",
        "Correct the code"
    }
    7 OperatorIdInvalid "OPERATOR_ID_INVALID" Refer Declarant {
        "an operator's identifier does not have the form of one",
        "Regulation (EU) 2022/2399 art. 16",
        "Correct the identifier"
    }
    10 LicenceReferenceMissing "LICENCE_REFERENCE_MISSING" Block Declarant {
        "the item quotes neither a licence nor an exemption",
        "Firearms Protocol art. 10(1)",
        "Quote the licence"
    }
    11 LicenceNotFound "LICENCE_NOT_FOUND" Block Declarant {
        "the register of the issuing State has no such licence",
        "Firearms Protocol art. 10(5)",
        "Check the number; ask the authority that is said to have issued it"
    }
    12 IssuerUnavailable "ISSUER_UNAVAILABLE" Refer Officer {
        "the issuing State's register cannot be asked",
        "Firearms Protocol art. 10(5)",
        "Ask the issuing authority through the national point of contact"
    }
    13 LicenceDataStale "LICENCE_DATA_STALE" Refer Officer {
        "the licence data are older than the profile allows",
        "Implementing Regulation (EU) 2024/2145 art. 5(2)",
        "Scan again in a moment; if it lasts, ask the licensing authority"
    }
    14 LicenceAuthenticityFailed "LICENCE_AUTHENTICITY_FAILED" Block Officer {
        "a check of the licence's authenticity has failed",
        "Firearms Protocol art. 10(5)",
        "Keep the document and inform the issuing authority"
    }
    15 LicenceAuthenticityUnverified "LICENCE_AUTHENTICITY_UNVERIFIED" Refer Officer {
        "the licence's authenticity has not been established",
        "Firearms Protocol art. 10(5)",
        "Validate the licence with the issuing authority"
    }
    16 LicenceTypeMismatch "LICENCE_TYPE_MISMATCH" Block Declarant {
        "no licence of the kind that this movement needs is quoted",
        "Firearms Protocol art. 10(1)",
        "Quote a licence for this movement"
    }
    17 LicenceRevoked "LICENCE_REVOKED" Block Authority {
        "the licence has been revoked",
        "Firearms Protocol art. 10(1); Regulation (EU) No 258/2012 art. 11(1)(b)",
        "Ask the issuing authority"
    }
    17 LicenceAnnulled "LICENCE_ANNULLED" Block Authority {
        "the licence has been annulled and never was valid",
        "Firearms Protocol art. 10(1); Regulation (EU) No 258/2012 art. 11(1)(b)",
        "Ask the issuing authority"
    }
    17 LicenceSurrendered "LICENCE_SURRENDERED" Block Declarant {
        "the licence has been given back by its holder",
        "Firearms Protocol art. 10(1)",
        "Quote a licence in force"
    }
    18 LicenceSuspended "LICENCE_SUSPENDED" Block Authority {
        "the licence is suspended",
        "Firearms Protocol art. 10(1); Regulation (EU) No 258/2012 art. 11(1)(b)",
        "Hold the goods and ask the issuing authority"
    }
    19 LicenceSuperseded "LICENCE_SUPERSEDED" Refer Declarant {
        "the declared version has been replaced",
        "CICAD Model Regulations art. 8.5",
        "Quote the version in force"
    }
    20 LicenceContentIncomplete "LICENCE_CONTENT_INCOMPLETE" Refer Declarant {
        "licence and papers together lack a particular of article 10(3)",
        "Firearms Protocol art. 10(3)",
        "Present a paper that states the particular"
    }
    21 LicenceConditionUnmet "LICENCE_CONDITION_UNMET" Refer Declarant {
        "a condition of the licence is not shown to be met",
        "Arms Trade Treaty art. 7(5)",
        "Show that the condition is met"
    }
    25 LicenceNotYetValid "LICENCE_NOT_YET_VALID" Block Declarant {
        "the licence is not valid yet on the day of acceptance",
        "Firearms Protocol art. 10(3)",
        "Present the goods once the licence is valid"
    }
    26 LicenceExpired "LICENCE_EXPIRED" Block Declarant {
        "the licence had expired on the day of acceptance",
        "Firearms Protocol art. 10(3)",
        "Quote a licence in force"
    }
    26 DateZoneAmbiguous "DATE_ZONE_AMBIGUOUS" Refer Officer {
        "validity differs between the post's day and the issuing State's day",
        "Firearms Protocol art. 10(3); Regulation (EEC, Euratom) No 1182/71 art. 3",
        "Decide with the issuing authority which day counts"
    }
    27 LicenceIssuedAfterAcceptance "LICENCE_ISSUED_AFTER_ACCEPTANCE" Block Declarant {
        "the licence was issued after the declaration was accepted",
        "Arms Trade Treaty art. 7(5); Firearms Protocol art. 10(2)",
        "Quote a licence that was issued before acceptance"
    }
    28 LicenceExpiresBeforeArrival "LICENCE_EXPIRES_BEFORE_ARRIVAL" Inform Declarant {
        "the licence ends before the goods are expected at the next border",
        "Firearms Protocol art. 10(3)",
        "Make sure that a licence in force covers the arrival"
    }
    29 ExportValidityExceedsImport "EXPORT_VALIDITY_EXCEEDS_IMPORT" Refer Authority {
        "the export licence outlives the import licence",
        "Regulation (EU) No 258/2012 art. 7(5)",
        "Ask the authority that issued the export licence"
    }
    30 ValidityPeriodExceedsMaximum "VALIDITY_PERIOD_EXCEEDS_MAXIMUM" Refer Authority {
        "the licence's period of validity is not one that the law allows",
        "Regulation (EU) 2025/41 art. 9(2), 20(7)",
        "Ask the issuing authority"
    }
    31 LegacyAuthorisationLapsed "LEGACY_AUTHORISATION_LAPSED" Block Declarant {
        "an authorisation under the former Regulation no longer counts",
        "Regulation (EU) 2025/41 art. 44(2)",
        "Quote an authorisation under Regulation (EU) 2025/41"
    }
    35 ImportLicenceMissing "IMPORT_LICENCE_MISSING" Block Declarant {
        "no import licence of the importing State covers the item",
        "Firearms Protocol art. 10(2)(a)",
        "Quote the import licence"
    }
    36 ImportLicenceIssuedAfterExport "IMPORT_LICENCE_ISSUED_AFTER_EXPORT" Refer Authority {
        "the import licence was issued after the export licence",
        "Firearms Protocol art. 10(2)",
        "Ask the authority that issued the export licence"
    }
    37 ExportImportLicenceMismatch "EXPORT_IMPORT_LICENCE_MISMATCH" Block Declarant {
        "export and import licence do not describe the same transaction",
        "Firearms Protocol art. 10(2), 10(3)",
        "Quote licences of one transaction"
    }
    38 ExportLicenceUnproven "EXPORT_LICENCE_UNPROVEN" Refer Declarant {
        "the exporting State's licence is not shown",
        "Regulation (EU) 2025/41 art. 5(1)(c)",
        "Present the export licence"
    }
    40 CountryOfExportMismatch "COUNTRY_OF_EXPORT_MISMATCH" Block Declarant {
        "the country of export is not the licence's",
        "Firearms Protocol art. 10(3)",
        "Correct the declaration or quote the right licence"
    }
    41 CountryOfImportMismatch "COUNTRY_OF_IMPORT_MISMATCH" Block Declarant {
        "the country of import is not the licence's",
        "Firearms Protocol art. 10(3)",
        "Correct the declaration or quote the right licence"
    }
    42 ExporterMismatch "EXPORTER_MISMATCH" Block Declarant {
        "the exporter is not the licence's",
        "Regulation (EU) No 258/2012 art. 2(8)",
        "Quote a licence of this exporter"
    }
    43 ConsigneeMismatch "CONSIGNEE_MISMATCH" Refer Declarant {
        "the consignee is not the licence's",
        "Regulation (EU) No 258/2012 art. 8(1)(f)",
        "Correct the declaration or quote the right licence"
    }
    44 FinalRecipientMismatch "FINAL_RECIPIENT_MISMATCH" Block Declarant {
        "the final recipient is not the licence's",
        "Firearms Protocol art. 10(3)",
        "Quote a licence for this final recipient"
    }
    45 FinalRecipientUndeclared "FINAL_RECIPIENT_UNDECLARED" Refer Declarant {
        "the final recipient is not stated",
        "Firearms Protocol art. 10(3)",
        "State the final recipient"
    }
    46 BrokerNotDisclosed "BROKER_NOT_DISCLOSED" Refer Declarant {
        "brokers on the licence and on the papers are not the same",
        "Firearms Protocol art. 15(1)(c)",
        "Disclose every broker on the papers"
    }
    47 CarrierNotAuthorised "CARRIER_NOT_AUTHORISED" Inform Declarant {
        "the carrier is not one that the licence names",
        "CICAD Model Regulations art. 8.5",
        "Use a carrier of the licence or have it amended"
    }
    48 BorderPostNotAuthorised "BORDER_POST_NOT_AUTHORISED" Refer Declarant {
        "the post is not one for these goods or this licence",
        "Regulation (EU) No 258/2012 art. 18",
        "Present the goods at an authorised post"
    }
    49 EmbargoedDestination "EMBARGOED_DESTINATION" Block Officer {
        "a State concerned is under an arms embargo",
        "Arms Trade Treaty art. 6(1)",
        "Hold the goods and inform the licensing authority"
    }
    50 PartyWatchlistHit "PARTY_WATCHLIST_HIT" Refer Officer {
        "a party stands on the watch list",
        "Regulation (EU) 2025/41 art. 25(1)(e)",
        "Refer to the licensing authority"
    }
    51 PriorRefusalSimilar "PRIOR_REFUSAL_SIMILAR" Refer Authority {
        "another State has refused an essentially identical transaction",
        "Regulation (EU) No 258/2012 art. 11(3)",
        "Consult the State that refused"
    }
    55 TransitConsentMissing "TRANSIT_CONSENT_MISSING" Block Declarant {
        "a State on the route has not consented in writing",
        "Firearms Protocol art. 10(2)(b)",
        "Obtain the transit State's notice of no objection"
    }
    56 TransitConsentLate "TRANSIT_CONSENT_LATE" Block Declarant {
        "a transit State's consent is not from before departure",
        "Firearms Protocol art. 10(2)(b)",
        "Obtain consent before shipment"
    }
    57 TransitObjected "TRANSIT_OBJECTED" Block Declarant {
        "a transit State has objected",
        "Firearms Protocol art. 10(2)(b)",
        "Choose another route"
    }
    58 TransitConsentTacit "TRANSIT_CONSENT_TACIT" Inform Declarant {
        "a transit State's silence is taken as consent",
        "Regulation (EU) No 258/2012 art. 7(2); Regulation (EU) 2025/41 art. 20(4)",
        "None for this border; the transit State's own law may ask for more"
    }
    59 TransitExemptDirect "TRANSIT_EXEMPT_DIRECT" Inform Nobody {
        "no consent is needed for a direct call at a port or airport",
        "Regulation (EU) No 258/2012 art. 7(1)(b)",
        "None"
    }
    60 TransitExemptTemporary "TRANSIT_EXEMPT_TEMPORARY" Inform Nobody {
        "no consent is needed for a temporary export",
        "Regulation (EU) No 258/2012 art. 7(1)(b)",
        "None"
    }
    61 TransitExemptLandlocked "TRANSIT_EXEMPT_LANDLOCKED" Inform Nobody {
        "an agreement favouring a landlocked State covers the crossing",
        "Firearms Protocol art. 10(2)(b)",
        "None"
    }
    62 RouteCountryNotOnLicence "ROUTE_COUNTRY_NOT_ON_LICENCE" Refer Declarant {
        "the route crosses a State that is not on the licence",
        "Firearms Protocol art. 10(3)",
        "Have the licence amended or take the licensed route"
    }
    63 RouteDeviation "ROUTE_DEVIATION" Refer Officer {
        "the journey does not follow the declared route",
        "Firearms Protocol art. 11",
        "Ask the carrier and the posts passed"
    }
    64 TranshipmentUndeclared "TRANSHIPMENT_UNDECLARED" Refer Declarant {
        "goods changed their means of transport and this was not declared",
        "Regulation (EU) No 258/2012 art. 2(13)",
        "Declare the transhipment"
    }
    65 TransitInfoNotSent "TRANSIT_INFO_NOT_SENT" Refer Authority {
        "nothing shows that the transit State was told of the import licence",
        "Firearms Protocol art. 10(3)",
        "Ask the exporting State's authority to inform the transit State"
    }
    70 GoodsNotCovered "GOODS_NOT_COVERED" Block Declarant {
        "no line of the licence covers goods of this class",
        "Firearms Protocol art. 10(3)",
        "Quote a licence for these goods"
    }
    71 TariffCodeMismatch "TARIFF_CODE_MISMATCH" Refer Declarant {
        "the tariff code is not the licence line's",
        "Firearms Protocol art. 10(3)",
        "Correct the tariff code or quote the right line"
    }
    72 TariffCodeImplausible "TARIFF_CODE_IMPLAUSIBLE" Refer Officer {
        "the tariff code does not go with goods of this class",
        "Resolution 11/6 para. 16",
        "Examine the goods"
    }
    73 MakeModelMismatch "MAKE_MODEL_MISMATCH" Refer Declarant {
        "make or model is not the licence line's",
        "Firearms Protocol art. 10(3)",
        "Correct the declaration or quote the right line"
    }
    74 CalibreMismatch "CALIBRE_MISMATCH" Block Declarant {
        "the calibre is not the licence line's",
        "Firearms Protocol art. 10(3)",
        "Quote a licence for this calibre"
    }
    75 ControlCategoryMismatch "CONTROL_CATEGORY_MISMATCH" Refer Declarant {
        "the control category is not the licence line's",
        "Firearms Protocol art. 10(3)",
        "Correct the category or quote the right line"
    }
    76 CompleteFirearmAsParts "COMPLETE_FIREARM_AS_PARTS" Refer Officer {
        "the parts make up complete firearms",
        "Firearms Protocol art. 3(a), 3(b); HS General Rule 2(a)",
        "Examine the goods; a licence for firearms may be needed"
    }
    77 AntiqueClaimInvalid "ANTIQUE_CLAIM_INVALID" Block Declarant {
        "a firearm made after 1899 is no antique",
        "Firearms Protocol art. 3(a)",
        "Withdraw the claim and quote a licence"
    }
    78 DeactivationUnproven "DEACTIVATION_UNPROVEN" Block Declarant {
        "nothing proves that the firearm is deactivated",
        "Firearms Protocol art. 9",
        "Present the certificate, or withdraw the claim and quote a licence"
    }
    79 ScopeExemptionUnproven "SCOPE_EXEMPTION_UNPROVEN" Refer Declarant {
        "a claim to be outside the law's scope is not proven",
        "Firearms Protocol art. 4(2)",
        "Prove the claim to the licensing authority"
    }
    79 ScopeExemptionClaimed "SCOPE_EXEMPTION_CLAIMED" Refer Officer {
        "goods or movement are claimed, with evidence, to need no licence",
        "Firearms Protocol art. 3(a), 4(2), 9, 10(6); Regulation (EU) No 258/2012 art. 3(1), 9",
        "Examine the evidence"
    }
    80 QuantityExceedsAuthorised "QUANTITY_EXCEEDS_AUTHORISED" Block Declarant {
        "more is declared than the licence ever authorised",
        "Firearms Protocol art. 10(3)",
        "Declare less, or quote a further licence"
    }
    81 QuantityExceedsBalance "QUANTITY_EXCEEDS_BALANCE" Block Declarant {
        "more is declared than the licence has left",
        "Firearms Protocol art. 10(3)",
        "Declare at most what is left, or quote a further licence"
    }
    82 UnitNotConvertible "UNIT_NOT_CONVERTIBLE" Refer Declarant {
        "the declared unit cannot be restated in the licence's",
        "Firearms Protocol art. 10(3)",
        "Declare in a unit of the licence, or state the content of each group"
    }
    83 ShipmentCountExceeded "SHIPMENT_COUNT_EXCEEDED" Block Declarant {
        "a licence for one shipment has had it",
        "Regulation (EU) 2025/41 art. 9(2)(a), 19(3)(a)",
        "Quote a further licence"
    }
    84 LicenceAllocationIncomplete "LICENCE_ALLOCATION_INCOMPLETE" Refer Declarant {
        "the licences quoted do not add up to the item",
        "Firearms Protocol art. 10(3)",
        "State which licence line covers how much"
    }
    85 SerialCountMismatch "SERIAL_COUNT_MISMATCH" Refer Declarant {
        "the number of serials is not the number of firearms",
        "Regulation (EU) No 258/2012 art. 8(1)(h)",
        "State one serial per firearm"
    }
    86 PersonalAmmunitionLimit "PERSONAL_AMMUNITION_LIMIT" Block Declarant {
        "the simplified route does not allow that many rounds",
        "Regulation (EU) No 258/2012 art. 9(1)(a) (figures unconfirmed)",
        "Quote a licence, or carry fewer rounds"
    }
    87 QuantityWithinTolerance "QUANTITY_WITHIN_TOLERANCE" Inform Nobody {
        "a measured mass exceeds the licence within the tolerance",
        "profile parameter; zero by default",
        "None"
    }
    90 MarkingMissing "MARKING_MISSING" Block Declarant {
        "a firearm lacks a mark of article 8",
        "Firearms Protocol art. 3(e), 8(1)(a)",
        "Have the firearms marked or the particulars stated"
    }
    91 ImportMarkMissing "IMPORT_MARK_MISSING" Refer Declarant {
        "an imported firearm lacks the import mark",
        "Firearms Protocol art. 8(1)(b)",
        "Have the import mark applied"
    }
    92 GovernmentStockMarkMissing "GOVERNMENT_STOCK_MARK_MISSING" Refer Declarant {
        "a firearm from government stocks lacks its mark",
        "Firearms Protocol art. 8(1)(c)",
        "Have the mark applied"
    }
    93 SerialNotOnLicence "SERIAL_NOT_ON_LICENCE" Block Declarant {
        "a serial is not one of the licence's",
        "Regulation (EU) No 258/2012 art. 8(1)(h)",
        "Quote a licence that names this firearm"
    }
    94 SerialDuplicate "SERIAL_DUPLICATE" Block Declarant {
        "a serial stands twice in the declaration",
        "Firearms Protocol art. 8(1)(a)",
        "Correct the list of serials"
    }
    95 SerialAlreadyMoved "SERIAL_ALREADY_MOVED" Refer Officer {
        "the same firearm has already moved this way",
        "Firearms Protocol art. 7",
        "Examine the firearm and its records"
    }
    96 SerialReportedSought "SERIAL_REPORTED_SOUGHT" Block Officer {
        "the firearm is reported lost, stolen or sought",
        "Regulation (EU) No 258/2012 art. 10(2)(c)",
        "Seize or retain as the law provides and inform who seeks it"
    }
    97 MarkingAltered "MARKING_ALTERED" Block Officer {
        "an officer has seen an altered marking",
        "Firearms Protocol art. 5(1)(c)",
        "Open a case; do not release"
    }
    98 SerialConfusable "SERIAL_CONFUSABLE" Refer Officer {
        "a serial differs from a known one only by signs that look alike",
        "Firearms Protocol art. 8(1)(a)",
        "Read the serial on the firearm itself"
    }
    99 AmmunitionLotMissing "AMMUNITION_LOT_MISSING" Refer Declarant {
        "no lot is stated for the ammunition",
        "Directive (EU) 2021/555 art. 4 (unconfirmed)",
        "State lot, maker, calibre and type"
    }
    99 AmmunitionLotMismatch "AMMUNITION_LOT_MISMATCH" Refer Declarant {
        "a lot does not go with the item",
        "Directive (EU) 2021/555 art. 4 (unconfirmed)",
        "Correct the lot"
    }
    100 TemporaryPurposeInvalid "TEMPORARY_PURPOSE_INVALID" Refer Declarant {
        "the temporary movement has no purpose that the law knows, or no proof of it",
        "Firearms Protocol art. 10(6)",
        "State and prove the purpose"
    }
    101 TemporaryNoticeLate "TEMPORARY_NOTICE_LATE" Refer Authority {
        "the authority was not notified in time",
        "Regulation (EU) 2025/41 art. 12(1)(a), 22(1)(a)",
        "Refer to the licensing authority"
    }
    102 TemporaryOverstay "TEMPORARY_OVERSTAY" Refer Authority {
        "the goods return too late",
        "Regulation (EU) No 258/2012 art. 2(11)",
        "Refer to the licensing authority"
    }
    103 TemporaryGoodsDiffer "TEMPORARY_GOODS_DIFFER" Block Officer {
        "other goods return than went out",
        "Regulation (EU) 2025/41 art. 12(1)(a)(ii)",
        "Examine the goods"
    }
    104 TemporaryPersonDiffers "TEMPORARY_PERSON_DIFFERS" Refer Officer {
        "another person returns the goods",
        "Regulation (EU) 2025/41 art. 12(2)",
        "Ask the person"
    }
    105 SimplifiedDeclarationProhibited "SIMPLIFIED_DECLARATION_PROHIBITED" Block Declarant {
        "the goods may not be declared in simplified form",
        "Regulation (EU) 2025/41 art. 4(1)",
        "Lodge a standard declaration"
    }
    106 EndUserStatementMissing "END_USER_STATEMENT_MISSING" Refer Declarant {
        "no user statement is presented",
        "Regulation (EU) 2025/41 art. 20(6); Arms Trade Treaty art. 8(1)",
        "Present the user statement"
    }
    115 PreclearanceLapsed "PRECLEARANCE_LAPSED" Refer Declarant {
        "the goods were not presented in time after they had been announced",
        "Union Customs Code art. 171",
        "Lodge the pre-clearance again, or present the declaration"
    }
    117 StoppedByOfficer "STOPPED_BY_OFFICER" Block Officer {
        "an officer has stopped these goods",
        "Regulation (EU) No 258/2012 art. 17(3); Regulation (EU) 2025/41 art. 29(5)",
        "Close the case before anything is released"
    }
    118 OfflineVerdict "OFFLINE_VERDICT" Inform Nobody {
        "the post is cut off from the register and judges on a snapshot",
        "Regulation (EU) 2025/41 art. 29(3); Implementing Regulation (EU) 2024/2145 art. 11",
        "Nothing; the register judges again when the post returns"
    }
    119 AllowanceExceeded "ALLOWANCE_EXCEEDED" Refer Officer {
        "more is declared than is left of what was set aside for the post",
        "Implementing Regulation (EU) 2024/2145 art. 6 and 11",
        "Wait for the register, or have the authority set more aside before the next time"
    }
    120 NotSetAside "NOT_SET_ASIDE" Refer Officer {
        "the post is cut off, and this was not set aside for it",
        "Implementing Regulation (EU) 2024/2145 art. 6 and 11",
        "Wait for the register"
    }
    121 FirearmSetAside "FIREARM_SET_ASIDE" Refer Authority {
        "the firearm is set aside for another post",
        "Implementing Regulation (EU) 2024/2145 art. 6(2)",
        "Wait until that post has returned, or have the authority withdraw the allowance"
    }
}
