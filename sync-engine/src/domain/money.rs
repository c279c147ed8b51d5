//! Amounts of lines and of whole orders.
//!
//! Rounding: a line's net is rounded to the currency's minor unit before it is summed, half away from zero (commercial
//! rounding, DIN 1333; EN 16931 rounds each line's net amount first, BR-CO-10 sums the rounded ones).

use super::check::{AnswerProblem, Problems};
use super::document::{Order, OrderLine, Totals};
use super::value::{Currency, Decimal, Money};
use rust_decimal::RoundingStrategy;
use rust_decimal::prelude::ToPrimitive;

impl Money {
    /// `amount` in whole currency units, rounded to minor units. `None` when it does not fit 63 bits.
    pub fn from_decimal(amount: Decimal, currency: &Currency) -> Option<Self> {
        let factor = Decimal::from(10u64.checked_pow(currency.minor_digits())?);
        let minor = amount
            .checked_mul(factor)?
            .round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero)
            .to_i64()?;
        Some(Self {
            minor,
            currency: currency.clone(),
        })
    }

    /// The amount in whole currency units, with the currency's digits after the point.
    pub fn to_decimal(&self) -> Decimal {
        Decimal::new(self.minor, self.currency.minor_digits())
    }

    /// `None` when the currencies differ or the sum does not fit.
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        if self.currency != other.currency {
            return None;
        }
        Some(Self {
            minor: self.minor.checked_add(other.minor)?,
            currency: self.currency.clone(),
        })
    }
}

/// Quantity times price per base quantity, rounded. `None` without a price, with a base of zero, or out of range.
pub fn line_net(line: &OrderLine, currency: &Currency) -> Option<Money> {
    let base = line.price_base.unwrap_or(Decimal::ONE);
    let amount = line.quantity.checked_mul(line.price?)?.checked_div(base)?;
    Money::from_decimal(amount, currency)
}

/// The order's totals from its lines: net where every line has one; tax and gross where every line also has its rate.
/// Tax is summed per rate before it is rounded (EN 16931 BR-CO-17).
pub fn totals(order: &Order) -> Option<Totals> {
    let mut net = Money {
        minor: 0,
        currency: order.currency.clone(),
    };
    for line in &order.lines {
        net = net.checked_add(line.net.as_ref()?)?;
    }
    let tax = tax_of(order);
    let gross = tax.as_ref().and_then(|tax| net.checked_add(tax));
    Some(Totals { net, tax, gross })
}

fn tax_of(order: &Order) -> Option<Money> {
    let mut by_rate: std::collections::BTreeMap<Decimal, Money> = std::collections::BTreeMap::new();
    for line in &order.lines {
        let net = line.net.clone()?;
        let rate = line.tax_percent?;
        let sum = match by_rate.get(&rate) {
            Some(known) => known.checked_add(&net)?,
            None => net,
        };
        by_rate.insert(rate, sum);
    }
    let mut tax = Money {
        minor: 0,
        currency: order.currency.clone(),
    };
    for (rate, net) in by_rate {
        let amount = net.to_decimal().checked_mul(rate)?.checked_div(Decimal::ONE_HUNDRED)?;
        tax = tax.checked_add(&Money::from_decimal(amount, &order.currency)?)?;
    }
    Some(tax)
}

/// Where amounts do not add up, each with a JSON pointer into the canonical order. A difference of `tolerance` minor
/// units is let pass: partners round differently. Of a partner's document it is shown to the clerk and stops nothing.
pub fn check_amounts(order: &Order, tolerance: u32) -> Vec<AnswerProblem> {
    let tolerance = i64::from(tolerance);
    let mut problems = Problems::default();
    for (index, line) in order.lines.iter().enumerate() {
        let Some(net) = &line.net else { continue };
        let at = format!("/lines/{index}/net");
        if net.currency != order.currency {
            problems.add(
                at,
                format!(
                    "the line is in {}, the order in {}",
                    net.currency.as_str(),
                    order.currency.as_str()
                ),
            );
        } else if let Some(computed) = line_net(line, &order.currency) {
            compare(&mut problems, at, net, &computed, tolerance);
        }
    }
    if let Some(given) = &order.totals {
        if let Some(computed) = totals(order) {
            compare(
                &mut problems,
                "/totals/net".into(),
                &given.net,
                &computed.net,
                tolerance,
            );
        }
        if let (Some(tax), Some(gross)) = (&given.tax, &given.gross)
            && let Some(sum) = given.net.checked_add(tax)
        {
            compare(&mut problems, "/totals/gross".into(), gross, &sum, tolerance);
        }
    }
    problems.0
}

fn compare(problems: &mut Problems, at: String, given: &Money, computed: &Money, tolerance: i64) {
    let apart = given.minor.saturating_sub(computed.minor).saturating_abs();
    if apart > tolerance || given.currency != computed.currency {
        problems.add(
            at,
            format!(
                "{} {} is given, {} {} comes out",
                given.to_decimal(),
                given.currency.as_str(),
                computed.to_decimal(),
                computed.currency.as_str()
            ),
        );
    }
}
