//! A small seeded generator (SplitMix64): the same seed gives the same orders on every platform and in every version.

pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in `0..bound`; 0 when `bound` is 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        // The bias of the modulo is far below what anyone could see in made-up orders.
        self.next().checked_rem(bound).unwrap_or(0)
    }

    /// Uniform in `low..=high`.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        low.saturating_add(self.below(high.saturating_sub(low).saturating_add(1)))
    }

    pub(super) fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }

    /// True in `percent` of 100 cases.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// True with `probability` (0 to 1).
    pub(super) fn with_probability(&mut self, probability: f64) -> bool {
        const STEPS: u64 = 1 << 32;
        (self.below(STEPS) as f64) < probability * STEPS as f64
    }

    pub(super) fn uuid(&mut self) -> uuid::Uuid {
        let mut bytes = [0u8; 16];
        bytes[..8].copy_from_slice(&self.next().to_le_bytes());
        bytes[8..].copy_from_slice(&self.next().to_le_bytes());
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn is_the_published_sequence() {
        // First outputs of SplitMix64 for seed 1234567 (Vigna's reference implementation).
        let mut r = Random::new(1_234_567);
        assert_eq!(r.next(), 6_457_827_717_110_365_317);
        assert_eq!(r.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn stays_in_bounds() {
        let mut r = Random::new(1);
        for _ in 0..1000 {
            assert!((3..=9).contains(&r.between(3, 9)));
            assert!(r.index(5) < 5);
        }
        assert_eq!(r.below(0), 0);
        assert!(!r.with_probability(0.0));
        assert!(r.with_probability(1.0));
    }
}
