// Differences of F1 between two systems on the same clips, from counts per clip, as harness.evaluation.pairs has them.

const RESAMPLES = 4000, SEED = 0, LEVEL = 0.95, ROUNDING = 1e-12;

/** F1 of each class from a confusion; a class in neither truth nor predictions counts 0. */
function classF1(table, unanswered, policy) {
  return table.map((row, one) => {
    let shown = policy === "wrong" ? unanswered[one] : 0;
    for (let other = 0; other < table.length; other++) shown += row[other] + table[other][one];
    return shown ? 2 * row[one] / shown : 0;
  });
}

/** Uniform numbers in [0, 1), the same for the same seed (mulberry32). */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6D2B79F5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Mean over the seeds of F1 of each class, given how often each clip and each seed is drawn. */
function meanF1(counts, size, clips, seeds, into) {
  into.fill(0);
  const several = counts.seeds.length, hits = new Float64Array(size), shown = new Float64Array(size);
  for (let number = 0; number < several; number++) {
    if (!seeds[number]) continue;
    const seed = counts.seeds[number];
    hits.fill(0);
    shown.fill(0);
    for (let clip = 0, at = 0; clip < counts.clips; clip++) {
      const times = clips[clip];
      if (!times) { at += size; continue; }
      for (let one = 0; one < size; one++, at++) {
        hits[one] += times * seed.hits[at];
        shown[one] += times * seed.shown[at];
      }
    }
    for (let one = 0; one < size; one++) if (shown[one]) into[one] += seeds[number] / several * 2 * hits[one] / shown[one];
  }
  return into;
}

/** How often each of so many is drawn in as many draws. */
function draw(random, times) {
  times.fill(0);
  for (let one = 0; one < times.length; one++) times[Math.floor(random() * times.length)]++;
}

function mean(values) {
  let total = 0;
  for (const value of values) total += value;
  return total / values.length;
}

/** The value below which a share of the sorted values lies, as numpy.percentile interpolates. */
function quantile(sorted, share) {
  const place = share * (sorted.length - 1), below = Math.floor(place), above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

function ends(values) {
  const sorted = Float64Array.from(values).sort();
  return [quantile(sorted, (1 - LEVEL) / 2), quantile(sorted, (1 + LEVEL) / 2)];
}

/** Both systems' F1 of each class and macro-F1 in resamples of the clips (and seeds, in pairs where both have as many):
 * percentile interval of the difference a - b of macro-F1, and its two-sided p, twice the smaller share on either side
 * of 0; the data count as one resample more, so that p is never 0. */
function bootstrapPair(a, b, size, resamples, seed) {
  const random = generator(seed), clips = new Uint16Array(a.clips), paired = a.seeds.length === b.seeds.length;
  const seeds = [a, b].map(one => new Uint16Array(one.seeds.length).fill(1));
  const first = new Float64Array(size), second = new Float64Array(size), differences = new Float64Array(resamples);
  let below = 0, above = 0;
  for (let number = 0; number < resamples; number++) {
    draw(random, clips);
    if (seeds[0].length > 1) draw(random, seeds[0]);
    if (paired) seeds[1] = seeds[0];
    else if (seeds[1].length > 1) draw(random, seeds[1]);
    const difference = mean(meanF1(a, size, clips, seeds[0], first)) - mean(meanF1(b, size, clips, seeds[1], second));
    differences[number] = difference;
    if (difference <= ROUNDING) below++;
    if (difference >= -ROUNDING) above++;
  }
  return { interval: ends(differences), p: Math.min(1, 2 * (1 + Math.min(below, above)) / (1 + resamples)) };
}

/** The clips once each, or all but one of them; with every seed, or one alone: F1 of each class, macro-F1 at the end. */
function withoutClip(counts, size, left, only = null) {
  const clips = new Uint16Array(counts.clips).fill(1), seeds = new Uint16Array(counts.seeds.length).fill(1);
  if (left !== null) clips[left] = 0;
  if (only !== null) seeds.fill(0)[only] = counts.seeds.length;
  const f1 = Array.from(meanF1(counts, size, clips, seeds, new Float64Array(size)));
  return [...f1, mean(f1)];
}

function variance(values, freedom) {
  const middle = mean(values);
  return values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / freedom;
}

/** Standard errors of the differences of F1 of each class and of macro-F1: the jackknife over clips, and seeds. */
function standardErrors(a, b, size) {
  const without = [a, b].map(one => Array.from({ length: one.clips }, (_, clip) => withoutClip(one, size, clip)));
  const seeds = [a, b].map(one => one.seeds.map((_, number) => withoutClip(one, size, null, number)));
  const spread = rows => rows.length > 1 ? variance(rows, rows.length - 1) / rows.length : 0;
  return Array.from({ length: size + 1 }, (_, one) => {
    const moves = without[0].map((row, clip) => row[one] - without[1][clip][one]);
    const [first, second] = seeds.map(rows => rows.map(row => row[one]));
    const ofSeeds = first.length === second.length ? spread(first.map((value, number) => value - second[number]))
      : spread(first) + spread(second);
    return Math.sqrt((a.clips - 1) * variance(moves, a.clips) + ofSeeds);
  });
}

/** Two-sided p of Student's t: the incomplete beta function I_x(f / 2, 1 / 2) at x = f / (f + t^2). */
function studentP(t, freedom) {
  if (!Number.isFinite(t)) return 0;
  const x = freedom / (freedom + t * t), a = freedom / 2, b = 0.5;
  if (x >= 1) return 1;
  const scale = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log(1 - x));
  return x < (a + 1) / (a + b + 2) ? scale * betaFraction(x, a, b) / a : 1 - scale * betaFraction(1 - x, b, a) / b;
}

/** The continued fraction of the incomplete beta function (Abramowitz and Stegun 26.5.8), by Lentz's method. */
function betaFraction(x, a, b) {
  let c = 1, d = 1 / (1 - (a + b) * x / (a + 1)), value = d;
  for (let m = 1; m < 300; m++) {
    for (const step of [m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
      -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))]) {
      d = 1 / (1 + step * d);
      c = 1 + step / c;
      value *= d * c;
    }
    if (Math.abs(d * c - 1) < 1e-14) break;
  }
  return value;
}

/** Stirling's series, shifted to where it is exact to 1e-13. */
function logGamma(x) {
  let shift = 0;
  for (; x < 10; x++) shift += Math.log(x);
  const square = 1 / (x * x);
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI)
    + (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680))) / x - shift;
}

/** The t that Student's distribution exceeds, in size, with probability 1 - LEVEL. */
function critical(freedom) {
  let low = 0, high = 1e3;
  for (let step = 0; step < 80; step++) {
    const middle = (low + high) / 2;
    if (studentP(middle, freedom) > 1 - LEVEL) low = middle; else high = middle;
  }
  return high;
}

/**
 * Two systems on the same clips: F1 of each class and macro-F1 of both; differences a - b with the 95% interval that
 * the standard error gives with Student's t, which holds what it says with few clips; p of macro-F1 by the same; and
 * what the paired bootstrap says of it.
 */
function comparePair(a, b, size, resamples = RESAMPLES, seed = SEED) {
  const of = [a, b].map(one => withoutClip(one, size, null)), errors = standardErrors(a, b, size);
  const times = critical(a.clips - 1);
  const rows = errors.map((error, one) => {
    const difference = of[0][one] - of[1][one];
    return { difference, error, interval: [difference - times * error, difference + times * error] };
  });
  const { difference, error, interval } = rows[size];
  const p = Math.abs(difference) < ROUNDING ? 1 : studentP(difference / error, a.clips - 1);
  return { of, macro: of.map(one => one[size]), difference, interval, p, classes: rows.slice(0, size),
    drawn: bootstrapPair(a, b, size, resamples, seed) };
}
