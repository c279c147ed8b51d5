//! What the partner does of itself or when told: issues, changes, cancels.

use super::compose;
use super::journal::Entry;
use super::options::SandboxOptions;
use super::parties::MARKETS;
use super::wire::{DeliveryNote, PurchaseOrder};
use super::world::{NoteChain, Recorded, World};
use std::collections::BTreeSet;
use std::io;

const FIRST_ORDER_NUMBER: u32 = 45_000_001;
pub(super) const FIRST_NOTE_NUMBER: u32 = 80_000_001;

impl World {
    /// The documents that are there from the start.
    pub(super) fn open_shop(&mut self, options: &SandboxOptions, now: i64) -> io::Result<()> {
        let mut entries = Vec::new();
        for i in 0..options.initial_orders {
            // Every market in turn, so that each language and currency is seen; one order is as long as they get.
            let market = &MARKETS[i as usize % MARKETS.len()];
            let lines = match i {
                0 => 1,
                7 => compose::MAX_LINES,
                _ => compose::usual_line_count(&mut self.random),
            };
            let age_ms = i64::from(options.initial_orders - i) * 37 * 60_000;
            let number = FIRST_ORDER_NUMBER + i;
            let order = compose::order(number, market, lines, now - age_ms, &mut self.random);
            entries.push(Entry::Order(Box::new(order)));
        }
        for i in 0..options.initial_delivery_notes {
            let market = &MARKETS[i as usize % MARKETS.len()];
            let lines = compose::usual_line_count(&mut self.random).min(12);
            let note = compose::delivery_note(FIRST_NOTE_NUMBER + i, market, lines, now, &mut self.random);
            entries.push(Entry::Note(Box::new(note)));
        }
        self.sales.moods.extend(&options.moods);
        self.record(entries)
    }

    pub(super) fn something_happens(&mut self, now: i64) -> io::Result<()> {
        let dice = self.random.below(100);
        let answerable = self.orders_without_open_business();
        let chosen = answerable.get(self.random.index(answerable.len())).cloned();
        match (dice, chosen) {
            (45..=69, Some(number)) => self.change_order(&number, now).map(|_| ()),
            (70..=76, Some(number)) => self.cancel_order(&number, now).map(|_| ()),
            (77..=81, _) => self.replace_some_note(now),
            (82..=99, _) => self.issue_note(None, None, now).map(|_| ()),
            _ => self.issue_order(None, None, None, now).map(|_| ()),
        }
    }

    /// Orders that are neither over nor in the middle of an answer.
    fn orders_without_open_business(&self) -> Vec<String> {
        let busy: BTreeSet<&str> = self
            .due
            .iter()
            .filter_map(|(_, _, key)| self.operations.get(key).map(Recorded::number))
            .collect();
        self.orders
            .iter()
            .filter(|(number, chain)| {
                !busy.contains(number.as_str())
                    && chain.versions.len() < 6
                    && matches!(
                        chain.status.as_str(),
                        "SUBMITTED" | "UPDATED" | "CONFIRMED" | "ACKNOWLEDGED"
                    )
            })
            .map(|(number, _)| number.clone())
            .collect()
    }

    pub(super) fn issue_order(
        &mut self,
        language: Option<&str>,
        currency: Option<&str>,
        lines: Option<usize>,
        now: i64,
    ) -> io::Result<PurchaseOrder> {
        let market = compose::choose_market(language, currency, &mut self.random);
        let lines = lines.unwrap_or_else(|| compose::usual_line_count(&mut self.random));
        let number = next_number(self.orders.keys().next_back(), FIRST_ORDER_NUMBER);
        let order = compose::order(number, market, lines, now, &mut self.random);
        self.issue(order)
    }

    fn issue(&mut self, order: PurchaseOrder) -> io::Result<PurchaseOrder> {
        self.record(vec![Entry::Order(Box::new(order.clone()))])?;
        Ok(order)
    }

    /// `None` when there is no such order.
    pub(super) fn change_order(&mut self, number: &str, now: i64) -> io::Result<Option<PurchaseOrder>> {
        let Some(newest) = self.orders.get(number).and_then(|c| c.versions.last()) else {
            return Ok(None);
        };
        let order = compose::change(newest, newest.version, now, &mut self.random);
        self.issue(order).map(Some)
    }

    /// `None` when there is no such order.
    pub(super) fn cancel_order(&mut self, number: &str, now: i64) -> io::Result<Option<PurchaseOrder>> {
        let Some(newest) = self.orders.get(number).and_then(|c| c.versions.last()) else {
            return Ok(None);
        };
        let order = compose::cancellation(newest, newest.version, now, &mut self.random);
        self.issue(order).map(Some)
    }

    pub(super) fn issue_note(
        &mut self,
        language: Option<&str>,
        lines: Option<usize>,
        now: i64,
    ) -> io::Result<DeliveryNote> {
        let market = compose::choose_market(language, None, &mut self.random);
        let lines = lines.unwrap_or_else(|| compose::usual_line_count(&mut self.random).min(12));
        let number = next_number(self.notes.keys().next_back(), FIRST_NOTE_NUMBER);
        let note = compose::delivery_note(number, market, lines, now, &mut self.random);
        self.record(vec![Entry::Note(Box::new(note.clone()))])?;
        Ok(note)
    }

    fn replace_some_note(&mut self, now: i64) -> io::Result<()> {
        let open: Vec<&NoteChain> = self.notes.values().filter(|c| c.status == "ORIGINAL").collect();
        let Some(base) = open.get(self.random.index(open.len())).and_then(|c| c.versions.last()) else {
            return Ok(());
        };
        let note = compose::replaced_note(base, now, &mut self.random);
        self.record(vec![Entry::Note(Box::new(note))])
    }
}

/// The number after the highest one, or the first.
pub(super) fn next_number(highest: Option<&String>, first: u32) -> u32 {
    highest
        .and_then(|n| n.split_once('-'))
        .and_then(|(_, digits)| digits.parse::<u32>().ok())
        .map_or(first, |n| n + 1)
}
