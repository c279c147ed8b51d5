//! A history told step by step, on either side.

use super::*;

/// Runs a story on a chain and gives the last outcome with the chain as a line.
pub(super) struct Story {
    pub chain: Chain,
    pub rules: PartnerRules,
    pub last: Outcome,
    pub attention: Vec<Attention>,
    pub operations: u128,
}

impl Story {
    pub fn new(kind: DocumentKind, side: Side) -> Self {
        Self {
            chain: Chain::new(kind, side),
            rules: PartnerRules::default(),
            last: Outcome::Applied,
            attention: Vec::new(),
            operations: 0,
        }
    }

    pub fn with(mut self, change: impl FnOnce(&mut PartnerRules)) -> Self {
        change(&mut self.rules);
        self
    }

    pub fn event(mut self, event: &Event) -> Self {
        let decision = decide(&self.chain, event, &self.rules);
        self.chain = decision.chain;
        self.last = decision.outcome;
        self.attention = decision.attention;
        self
    }

    pub fn issue(self, purpose: Purpose, sequence: i64, text: &str) -> Self {
        let event = version(&self.chain, purpose, Some(sequence), text);
        self.event(&event)
    }

    pub fn unnumbered(self, purpose: Purpose, text: &str) -> Self {
        let event = version(&self.chain, purpose, None, text);
        self.event(&event)
    }

    /// The other side answers version `n`: saved and delivered when it is us, received when it is the partner.
    pub fn answer(self, n: u32, code: HeaderAnswer) -> Self {
        let counter = (code == HeaderAnswer::CA && self.chain.kind == DocumentKind::Order)
            .then(|| hash(&format!("counter{}", self.chain.versions.len())));
        if self.chain.we_issue() {
            let event = Event::AnswerReceived {
                version: VersionNumber(n),
                code,
                counter,
            };
            return self.event(&event);
        }
        let story = self.save(n, code);
        if story.last != Outcome::Applied {
            return story;
        }
        let operation = op(story.operations);
        story.event(&Event::AnswerDelivered { operation, counter })
    }

    pub fn save(mut self, n: u32, code: HeaderAnswer) -> Self {
        self.operations += 1;
        let event = Event::AnswerSaved {
            operation: op(self.operations),
            version: VersionNumber(n),
            code,
        };
        self.event(&event)
    }

    #[track_caller]
    pub fn is(self, outcome: Outcome, chain: &str) -> Self {
        assert_eq!(self.last, outcome, "{}", show(&self.chain));
        assert_eq!(show(&self.chain), chain);
        self
    }
}

/// A seller's and a buyer's chain behave alike: each case runs on both.
pub(super) fn orders() -> [Story; 2] {
    [
        Story::new(DocumentKind::Order, Side::Seller),
        Story::new(DocumentKind::Order, Side::Buyer),
    ]
}
