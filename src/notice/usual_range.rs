//! The usual range: what a team's own past makes likely at the present number of opportunities.
//!
//! Shares are compared with a beta-binomial, rates with a negative binomial predictive distribution. Both tails are
//! summed directly; neither is ever computed as one minus the other.

use super::periods::Periods;

/// What a signal counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// x of n, each of the n either counts or not.
    Share,
    /// x events over an exposure n.
    Rate,
}

impl Kind {
    /// Fewer opportunities than this in a period of the past or in a window say nothing.
    #[must_use]
    pub fn fewest(self) -> i64 {
        match self {
            Self::Share => 5,
            Self::Rate => 8,
        }
    }
}

/// On which side a signal lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// More than usual is the signal.
    High,
    /// Less than usual is.
    Low,
}

/// A count over its opportunities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Pair {
    pub x: i64,
    pub n: i64,
}

impl Pair {
    /// x of n.
    #[must_use]
    pub fn new(x: i64, n: i64) -> Self {
        Self { x, n }
    }
}

/// The 5-day window must stand out by this much more.
pub const SHORT_WINDOW_HANDICAP: f64 = 0.4;
/// A share must differ by this much, a rate by this factor, to be worth a card.
const SHARE_EFFECT: f64 = 0.10;
const RATE_EFFECT: f64 = 1.5;
/// Both ends of the usual range: 5 and 95 in 100.
const RANGE: (f64, f64) = (0.05, 0.95);

/// A series: the periods of the baseline, oldest first, and both windows.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub kind: Kind,
    pub side: Side,
    pub stock: bool,
    /// The length of the periods in `weeks`.
    pub periods: Periods,
    /// The fewest opportunities of a 10-day window; half of it for 5 days.
    pub minimum: f64,
    /// One entry a period, `None` where it is not complete or not staffed. Only the newest ones count.
    pub weeks: Vec<Option<Pair>>,
    /// The long window: ten working days, the plan of a sprint, or twelve weeks.
    pub w10: Pair,
    /// Five working days; zero of zero where there is one window only.
    pub w5: Pair,
}

/// The baseline's quantities.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Baseline {
    /// Usable periods.
    pub weeks: usize,
    pub total_n: f64,
    pub p: f64,
    pub nbar: f64,
    pub phi: f64,
    pub rho: f64,
}

/// The usual range at the present number of opportunities.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usual {
    pub low: i64,
    pub high: i64,
    /// p times n.
    pub expected: f64,
    /// In how many past stretches of the window's length the count, scaled to the present n, lay inside.
    pub past_within: usize,
    pub past_total: usize,
}

/// What the method says about a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    pub usable_weeks: usize,
    pub baseline: Option<Baseline>,
    /// Size parameters of the predictive distributions.
    pub m10: Option<f64>,
    pub m5: Option<f64>,
    pub z10: Option<f64>,
    pub z5: Option<f64>,
    /// max(z10, z5 − 0.4), leaving out an unknown one.
    pub score: Option<f64>,
    /// Known where z10 is.
    pub usual: Option<Usual>,
    /// The effect condition on the 10-day window.
    pub effect: Option<bool>,
    /// For stock signals: the effect condition on the window that gave the score.
    pub effect_scoring: Option<bool>,
}

impl Verdict {
    /// Whether the score reaches a threshold with an effect that matters. Conditions about people come on top.
    #[must_use]
    pub fn opens(&self, threshold: f64) -> bool {
        self.z10.is_some() && self.score.is_some_and(|score| score >= threshold) && self.effect == Some(true)
    }
}

impl Series {
    /// Periods with enough opportunities, of the newest that count.
    fn usable(&self) -> Vec<Pair> {
        let recent = &self.weeks[self.weeks.len().saturating_sub(self.periods.most())..];
        recent.iter().flatten().filter(|week| week.n >= self.kind.fewest()).copied().collect()
    }

    /// Stretches of the past as long as the window: usable weeks in pairs, newest first; an odd oldest week is dropped.
    #[must_use]
    pub fn stretches(&self) -> Vec<Pair> {
        let sum = |part: &[Pair]| part.iter().fold(Pair::default(), |sum, one| Pair::new(sum.x + one.x, sum.n + one.n));
        self.usable().rchunks_exact(self.periods.together()).map(sum).collect()
    }

    /// The verdict about this series.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.judge(true)
    }

    /// The verdict without the usual range: for the many nights of which only the scores are looked at.
    #[must_use]
    pub fn scores(&self) -> Verdict {
        self.judge(false)
    }

    fn judge(&self, with_range: bool) -> Verdict {
        let weeks = self.usable();
        let none = Verdict {
            usable_weeks: weeks.len(),
            baseline: None,
            m10: None,
            m5: None,
            z10: None,
            z5: None,
            score: None,
            usual: None,
            effect: None,
            effect_scoring: None,
        };
        if weeks.len() < self.periods.fewest() {
            return none;
        }
        let baseline = baseline(self.kind, &weeks);
        let long = if self.stock { 1.0 } else { self.periods.window() };
        let short = 1.0;
        let (p10, p5) = (self.predictive(&baseline, self.w10, long), self.predictive(&baseline, self.w5, short));
        let known = |window: Pair, days: f64, periods: f64| self.enough(&baseline, window, days, periods);
        let z10 = known(self.w10, 10.0, long).then(|| p10.z(self.w10.x, self.side));
        let z5 = known(self.w5, 5.0, short).then(|| p5.z(self.w5.x, self.side));
        let short_score = z5.map(|z| z - SHORT_WINDOW_HANDICAP);
        let scoring = if short_score > z10 { self.w5 } else { self.w10 };
        Verdict {
            baseline: Some(baseline),
            m10: Some(p10.m),
            m5: Some(p5.m),
            z10,
            z5,
            score: z10.into_iter().chain(short_score).reduce(f64::max),
            usual: z10.filter(|_| with_range).map(|_| self.usual(&baseline, &p10)),
            effect: z10.map(|_| self.effect(baseline.p, self.w10)),
            effect_scoring: z10.map(|_| self.effect(baseline.p, scoring)),
            ..none
        }
    }

    fn enough(&self, baseline: &Baseline, window: Pair, days: f64, periods: f64) -> bool {
        let fewest = as_f64(self.kind.fewest());
        let needed = f64::max(fewest, f64::max(self.minimum * days / 10.0, 0.4 * baseline.nbar * periods));
        as_f64(window.n) >= needed
    }

    fn effect(&self, p: f64, window: Pair) -> bool {
        let (x, n) = (as_f64(window.x), as_f64(window.n));
        match (self.kind, self.side) {
            (Kind::Share, Side::High) => x / n - p >= SHARE_EFFECT,
            (Kind::Share, Side::Low) => p - x / n >= SHARE_EFFECT,
            (Kind::Rate, Side::High) => x / n >= RATE_EFFECT * p,
            (Kind::Rate, Side::Low) => x / n <= p / RATE_EFFECT,
        }
    }

    fn predictive(&self, baseline: &Baseline, window: Pair, periods: f64) -> Predictive {
        let weeks = as_f64_len(baseline.weeks);
        let r = baseline.rho / periods.powf(0.7);
        match self.kind {
            Kind::Share => {
                let r = r.clamp(0.0, 0.5);
                let t = f64::max(r + 1.0 / baseline.total_n + r / weeks, 1e-4);
                let p = baseline.p.clamp(0.005, 0.995);
                Predictive { kind: self.kind, n: window.n, p, mu: 0.0, m: (1.0 / t - 1.0).clamp(1.0, 10_000.0) }
            }
            Kind::Rate => {
                let events = f64::max(baseline.p * baseline.total_n, 1.0);
                let t = f64::max(r + r / weeks + 1.0 / events, 1e-4);
                Predictive {
                    kind: self.kind,
                    n: window.n,
                    p: baseline.p,
                    mu: baseline.p * as_f64(window.n),
                    m: 1.0 / t,
                }
            }
        }
    }

    fn usual(&self, baseline: &Baseline, predictive: &Predictive) -> Usual {
        let (low, high) = predictive.range();
        let past = self.stretches();
        let scaled = |pair: &Pair| (as_f64(pair.x) * as_f64(self.w10.n) / as_f64(pair.n) + 0.5).floor();
        let within = past.iter().map(scaled).filter(|x| (as_f64(low)..=as_f64(high)).contains(x)).count();
        Usual { low, high, expected: baseline.p * as_f64(self.w10.n), past_within: within, past_total: past.len() }
    }
}

fn baseline(kind: Kind, weeks: &[Pair]) -> Baseline {
    let count = as_f64_len(weeks.len());
    let total_x: f64 = weeks.iter().map(|week| as_f64(week.x)).sum();
    let total_n: f64 = weeks.iter().map(|week| as_f64(week.n)).sum();
    let nbar = total_n / count;
    let (p, v) = match kind {
        Kind::Share => {
            let p = (total_x + 0.5) / (total_n + 1.0);
            (p, p * (1.0 - p))
        }
        Kind::Rate => {
            let p = (total_x + 0.5) / total_n;
            (p, p)
        }
    };
    let squares: f64 =
        weeks.iter().map(|week| (as_f64(week.x) - as_f64(week.n) * p).powi(2) / (as_f64(week.n) * v)).sum();
    let raw = squares / (count - 1.0);
    let phi = f64::max(1.0, (10.0 * 1.5 + (count - 1.0) * raw.clamp(0.3, 8.0)) / (10.0 + count - 1.0));
    let spread = match kind {
        Kind::Share => f64::max(nbar - 1.0, 1.0),
        Kind::Rate => f64::max(nbar * p, 0.5),
    };
    Baseline { weeks: weeks.len(), total_n, p, nbar, phi, rho: (phi - 1.0) / spread }
}

/// A predictive distribution of x.
struct Predictive {
    kind: Kind,
    n: i64,
    p: f64,
    /// Mean of a rate.
    mu: f64,
    /// Beta-binomial: alpha + beta; negative binomial: size.
    m: f64,
}

impl Predictive {
    /// The probabilities of 0, 1, 2 …; a rate's list ends where nothing more is to be added beyond `reach`.
    fn probabilities(&self, reach: i64) -> Vec<f64> {
        match self.kind {
            Kind::Share => self.beta_binomial(),
            Kind::Rate => self.negative_binomial(reach),
        }
    }

    fn beta_binomial(&self) -> Vec<f64> {
        let (alpha, beta) = (self.p * self.m, (1.0 - self.p) * self.m);
        let mut ln: f64 = (0..self.n).map(|j| ((beta + as_f64(j)) / (alpha + beta + as_f64(j))).ln()).sum();
        let mut all = vec![ln.exp()];
        for k in 0..self.n {
            let (k, n) = (as_f64(k), as_f64(self.n));
            ln += ((n - k) / (k + 1.0) * (alpha + k) / (beta + n - k - 1.0)).ln();
            all.push(ln.exp());
        }
        all
    }

    fn negative_binomial(&self, reach: i64) -> Vec<f64> {
        let mut ln = -self.m * (self.mu / self.m).ln_1p();
        let step = (self.m / self.mu).ln_1p();
        let mut all = vec![ln.exp()];
        let mut k = 0.0;
        loop {
            ln += ((self.m + k) / (k + 1.0)).ln() - step;
            k += 1.0;
            all.push(ln.exp());
            if ln < -80.0 && k > as_f64(reach) && k > self.mu {
                return all;
            }
        }
    }

    /// The adverse normal score of x: positive where x lies on the signal's side.
    fn z(&self, x: i64, side: Side) -> f64 {
        let all = self.probabilities(x);
        let at = usize::try_from(x).unwrap_or_default();
        let half = 0.5 * all.get(at).copied().unwrap_or_default();
        // Small terms first, so that the sums keep their digits.
        let upper = all.iter().skip(at + 1).rev().sum::<f64>() + half;
        let lower = all.iter().take(at).sum::<f64>() + half;
        let (adverse, other) = match side {
            Side::High => (upper, lower),
            Side::Low => (lower, upper),
        };
        let tail = adverse.min(other).max(1e-12);
        if adverse <= other { -inverse_normal(tail) } else { inverse_normal(tail) }
    }

    /// The smallest counts whose cumulative probability reaches 0.05 and 0.95.
    fn range(&self) -> (i64, i64) {
        let mut sum = 0.0;
        let (mut low, mut high) = (None, None);
        for (k, probability) in (0_i64..).zip(self.probabilities(0)) {
            sum += probability;
            if low.is_none() && sum >= RANGE.0 {
                low = Some(k);
            }
            if sum >= RANGE.1 {
                high = Some(k);
                break;
            }
        }
        (low.unwrap_or(0), high.unwrap_or(self.n))
    }
}

/// The quantile of the standard normal distribution: M. J. Wichura (1988), algorithm AS 241 (PPND16), about 1e-16.
#[must_use]
#[expect(clippy::excessive_precision, reason = "the coefficients stand as they are published")]
pub fn inverse_normal(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        let numerator = [
            2.509_080_928_730_122_672_7e3,
            3.343_057_558_358_812_810_5e4,
            6.726_577_092_700_870_085_3e4,
            4.592_195_393_154_987_145_7e4,
            1.373_169_376_550_946_112_5e4,
            1.971_590_950_306_551_442_7e3,
            1.331_416_678_917_843_774_5e2,
            3.387_132_872_796_366_608,
        ];
        let denominator = [
            5.226_495_278_852_854_561e3,
            2.872_908_573_572_194_267_4e4,
            3.930_789_580_009_271_061e4,
            2.121_379_430_158_659_586_7e4,
            5.394_196_021_424_751_107_7e3,
            6.871_870_074_920_579_083e2,
            4.231_333_070_160_091_125_2e1,
            1.0,
        ];
        return q * polynomial(&numerator, r) / polynomial(&denominator, r);
    }
    let r = (-(if q < 0.0 { p } else { 1.0 - p }).ln()).sqrt();
    let tail = if r <= 5.0 { near_tail(r - 1.6) } else { far_tail(r - 5.0) };
    if q < 0.0 { -tail } else { tail }
}

#[expect(clippy::excessive_precision, reason = "the coefficients stand as they are published")]
fn near_tail(r: f64) -> f64 {
    let numerator = [
        7.745_450_142_783_414_076_4e-4,
        2.272_384_498_926_918_458_33e-2,
        2.417_807_251_774_506_117_7e-1,
        1.270_458_252_452_368_382_58,
        3.647_848_324_763_204_605_04,
        5.769_497_221_460_691_405_5,
        4.630_337_846_156_545_295_9,
        1.423_437_110_749_683_577_34,
    ];
    let denominator = [
        1.050_750_071_644_416_843_24e-9,
        5.475_938_084_995_344_946e-4,
        1.519_866_656_361_645_719_66e-2,
        1.481_039_764_274_800_745_9e-1,
        6.897_673_349_851_000_045_5e-1,
        1.676_384_830_183_803_849_4,
        2.053_191_626_637_758_821_87,
        1.0,
    ];
    polynomial(&numerator, r) / polynomial(&denominator, r)
}

#[expect(clippy::excessive_precision, reason = "the coefficients stand as they are published")]
fn far_tail(r: f64) -> f64 {
    let numerator = [
        2.010_334_399_292_288_132_65e-7,
        2.711_555_568_743_487_578_15e-5,
        1.242_660_947_388_078_438_6e-3,
        2.653_218_952_657_612_309_3e-2,
        2.965_605_718_285_048_912_3e-1,
        1.784_826_539_917_291_335_8,
        5.463_784_911_164_114_369_9,
        6.657_904_643_501_103_777_2,
    ];
    let denominator = [
        2.044_263_103_389_939_785_64e-15,
        1.421_511_758_316_445_888_7e-7,
        1.846_318_317_510_054_681_8e-5,
        7.868_691_311_456_132_591e-4,
        1.487_536_129_085_061_485_25e-2,
        1.369_298_809_227_358_053_1e-1,
        5.998_322_065_558_879_376_9e-1,
        1.0,
    ];
    polynomial(&numerator, r) / polynomial(&denominator, r)
}

fn polynomial(highest_first: &[f64], r: f64) -> f64 {
    highest_first.iter().fold(0.0, |sum, coefficient| sum * r + coefficient)
}

#[expect(clippy::cast_precision_loss, reason = "counts of a team stay far below 2^53")]
pub(super) fn as_f64(count: i64) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "counts of weeks stay far below 2^53")]
fn as_f64_len(count: usize) -> f64 {
    count as f64
}
