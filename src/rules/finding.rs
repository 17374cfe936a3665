//! What a rule finds, and how findings add up to a verdict.
use super::Case;
use super::case::ItemCase;
use super::case::QuoteCase;
use super::catalogue::Code;
use super::catalogue::Mender;
use crate::domain::Date;
use crate::domain::Text;
use std::borrow::Cow;
use std::fmt::Display;
use std::fmt::Write;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Recorded and shown; nothing is held.
    Inform,
    /// A person decides.
    Refer,
    /// A legal condition of the movement is absent.
    Block,
}

impl Severity {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inform => "inform",
            Self::Refer => "refer",
            Self::Block => "block",
        }
    }

    /// What a finding of this weight makes of an item.
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Inform => Outcome::Clear,
            Self::Refer => Outcome::Refer,
            Self::Block => Outcome::Hold,
        }
    }
}

/// What the service advises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Nothing blocks or refers.
    Clear,
    /// A person decides.
    Refer,
    /// A legal condition is missing.
    Hold,
}

impl Outcome {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Refer => "refer",
            Self::Hold => "hold",
        }
    }

    /// Reads the word back.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Clear, Self::Refer, Self::Hold].into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// One reason, with what was declared, what the law asks and what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its code.
    pub code: Code,
    /// Its weight.
    pub severity: Severity,
    /// The item, where it concerns one.
    pub item: Option<u32>,
    /// JSON Pointer into the declaration.
    pub path: String,
    /// The licence that it was compared with.
    pub licence: Option<Text>,
    /// That licence's version.
    pub licence_version: Option<u32>,
    /// That licence's line.
    pub line: Option<u32>,
    /// What was declared.
    pub declared: Option<String>,
    /// What the licence or the law has instead.
    pub licensed: Option<String>,
    /// The reason in words.
    pub message: String,
    /// The legal source.
    pub legal_basis: Cow<'static, str>,
    /// What to do.
    pub remedy: Cow<'static, str>,
    /// Who can do it.
    pub remedy_by: Mender,
}

impl Finding {
    /// Points a finding at an item's quote: item number, path, licence, version and line.
    pub fn on(&mut self, item: &ItemCase<'_>, quote: &QuoteCase<'_>) -> &mut Self {
        self.item(item.item.number).at(item.quote_path(quote));
        self.licence(&quote.quote.number, quote.licence().map(|licence| licence.version));
        if let Some(line) = quote.line.map(|line| line.line).or(quote.quote.line) {
            self.line(line);
        }
        self
    }

    /// Points a finding at a field of an item.
    pub fn on_item(&mut self, item: &ItemCase<'_>, field: &str) -> &mut Self {
        self.item(item.item.number).at(item.path(field))
    }

    /// Another weight than the catalogue's.
    pub fn severity(&mut self, severity: Severity) -> &mut Self {
        self.severity = severity;
        self
    }

    /// The item that it concerns, by number.
    pub fn item(&mut self, number: u32) -> &mut Self {
        self.item = Some(number);
        self
    }

    /// The place in the declaration.
    pub fn at(&mut self, path: impl Into<String>) -> &mut Self {
        self.path = path.into();
        self
    }

    /// The licence that it was compared with.
    pub fn licence(&mut self, number: &Text, version: Option<u32>) -> &mut Self {
        self.licence = Some(number.clone());
        self.licence_version = version;
        self
    }

    /// The line that it was compared with.
    pub fn line(&mut self, line: u32) -> &mut Self {
        self.line = Some(line);
        self
    }

    /// What was declared.
    pub fn declared(&mut self, value: impl Display) -> &mut Self {
        self.declared = Some(value.to_string());
        self
    }

    /// What the licence or the law has instead.
    pub fn licensed(&mut self, value: impl Display) -> &mut Self {
        self.licensed = Some(value.to_string());
        self
    }

    /// The reason in words: `finding.says(format_args!("..."))`.
    pub fn says(&mut self, message: impl Display) -> &mut Self {
        self.message.clear();
        // Writing to a String cannot fail.
        let _ = write!(self.message, "{message}");
        self
    }

    /// Another legal source than the catalogue's.
    pub fn by_law(&mut self, legal_basis: impl Into<Cow<'static, str>>) -> &mut Self {
        self.legal_basis = legal_basis.into();
        self
    }

    /// Another remedy than the catalogue's.
    pub fn remedy(&mut self, remedy: impl Into<Cow<'static, str>>) -> &mut Self {
        self.remedy = remedy.into();
        self
    }
}

/// The findings of one evaluation while the rules run.
#[derive(Debug, Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Adds a finding with the catalogue's severity, legal basis and remedy.
    pub fn add(&mut self, code: Code) -> &mut Finding {
        let entry = code.entry();
        self.0.push(Finding {
            code,
            severity: entry.severity,
            item: None,
            path: String::new(),
            licence: None,
            licence_version: None,
            line: None,
            declared: None,
            licensed: None,
            message: entry.title.to_owned(),
            legal_basis: Cow::Borrowed(entry.legal_basis),
            remedy: Cow::Borrowed(entry.remedy),
            remedy_by: entry.remedy_by,
        });
        // The vector has just been given an element.
        let last = self.0.len() - 1;
        #[expect(clippy::indexing_slicing, reason = "an element was pushed on the line above")]
        &mut self.0[last]
    }

    /// Orders the findings and draws the verdict: the worst severity per item, then over all. A
    /// finding without an item concerns every item.
    pub fn into_verdict(self, case: &Case<'_>) -> Verdict {
        let mut findings = self.0;
        findings.sort_by(|a, b| {
            // Down to the licence and its line: two findings must never stand in the order in which memory
            // happened to hold them, or a replay gives another reply.
            (b.severity, a.item, a.code.as_str(), &a.path, &a.licence, a.line).cmp(&(
                a.severity,
                b.item,
                b.code.as_str(),
                &b.path,
                &b.licence,
                b.line,
            ))
        });
        let worst = |item: Option<u32>| {
            findings
                .iter()
                .filter(|finding| item.is_none() || finding.item.is_none() || finding.item == item)
                .map(|finding| finding.severity.outcome())
                .max()
                .unwrap_or(Outcome::Clear)
        };
        let items = case
            .items
            .iter()
            .map(|item| (item.item.number, worst(Some(item.item.number))))
            .collect();
        Verdict {
            outcome: worst(None),
            items,
            reference_date: case.reference_date,
            profile: case.profile.id,
            findings,
        }
    }
}

/// The advice on a declaration, with every reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Over all items.
    pub outcome: Outcome,
    /// Per item number.
    pub items: Vec<(u32, Outcome)>,
    /// The day on which the law was read: acceptance, in the post's time zone.
    pub reference_date: Date,
    /// The profile of law applied.
    pub profile: &'static str,
    /// All reasons: the heaviest first, then by item, then by code.
    pub findings: Vec<Finding>,
}
