//! A small generator of repeatable chance: splitmix64 (Steele, Lea and Flood, 2014). Same label, same numbers.

/// A stream of pseudo-random numbers.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The stream of a label.
    #[must_use]
    pub fn of(label: &str) -> Self {
        // FNV-1a, so that labels that differ in one letter give unlike streams.
        let seed = label
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        Self(seed)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// A number between 0 (included) and 1 (excluded).
    pub fn unit(&mut self) -> f64 {
        let high = u32::try_from(self.bits() >> 32).unwrap_or(0);
        f64::from(high) / 4_294_967_296.0
    }

    /// True in this share of cases.
    pub fn happens(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// A whole number from `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high - low + 1).unwrap_or(1).max(1);
        low + i64::try_from(self.bits() % span).unwrap_or(0)
    }

    /// A position in a list of this length.
    pub fn pick(&mut self, length: usize) -> usize {
        let at = self.bits() % u64::try_from(length.max(1)).unwrap_or(1);
        usize::try_from(at).unwrap_or(0)
    }

    /// A normal number of mean 0 and standard deviation 1, good enough for a sample organisation: twelve uniforms.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// A lognormal amount with this median and spread, in whole minutes, at least 1.
    pub fn minutes(&mut self, median: f64, spread: f64) -> i64 {
        #[expect(clippy::cast_possible_truncation, reason = "a few thousand minutes")]
        let minutes = (median * (self.normal() * spread).exp()).round() as i64;
        minutes.max(1)
    }

    /// How many of a mean number happen: the whole part, and one more in the share of the rest.
    pub fn about(&mut self, mean: f64) -> i64 {
        let mut count = 0;
        // A sum of coins keeps the spread near that of a Poisson number.
        for _ in 0..20 {
            count += i64::from(self.happens(mean / 20.0));
        }
        count
    }

    /// A Poisson number (Knuth, 1969), for means up to some hundreds.
    pub fn poisson(&mut self, mean: f64) -> i64 {
        let (mut count, mut rest) = (0, self.unit().max(f64::MIN_POSITIVE).ln());
        while rest > -mean {
            rest += self.unit().max(f64::MIN_POSITIVE).ln();
            count += 1;
        }
        count
    }
}
