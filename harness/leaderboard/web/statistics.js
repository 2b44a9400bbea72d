// Macro-F1 and its paired cluster bootstrap, as harness.evaluation computes them, from counts per clip.

const RESAMPLES = 4000, SEED = 0, LEVEL = 0.95;

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

/**
 * Two systems on the same clips, drawn alike for both (and seeds in pairs, where both have as many): F1 of each class and macro-F1 of both, difference a - b with
 * percentile interval, and of macro-F1 a two-sided p, the share of resamples on the other side of 0, doubled; the
 * data themselves count as one resample, so that p is never 0.
 */
function comparePair(a, b, size, resamples = RESAMPLES, seed = SEED) {
  const random = generator(seed), drawn = new Uint16Array(a.clips), paired = a.seeds.length === b.seeds.length;
  const seeds = [a, b].map(one => new Uint16Array(one.seeds.length).fill(1));
  const of = [a, b].map((one, at) => Array.from(meanF1(one, size, new Uint16Array(one.clips).fill(1), seeds[at], new Float64Array(size))));
  const first = new Float64Array(size), second = new Float64Array(size);
  const differences = Array.from({ length: size }, () => new Float64Array(resamples));
  const whole = new Float64Array(resamples);
  let below = 0, above = 0;
  for (let number = 0; number < resamples; number++) {
    draw(random, drawn);
    if (seeds[0].length > 1) draw(random, seeds[0]);
    if (paired) seeds[1] = seeds[0];
    else if (seeds[1].length > 1) draw(random, seeds[1]);
    meanF1(a, size, drawn, seeds[0], first);
    meanF1(b, size, drawn, seeds[1], second);
    let total = 0;
    for (let one = 0; one < size; one++) total += differences[one][number] = first[one] - second[one];
    whole[number] = total / size;
    if (total <= 1e-12) below++;
    if (total >= -1e-12) above++;
  }
  return {
    of, macro: of.map(mean), difference: mean(of[0]) - mean(of[1]), interval: ends(whole),
    p: Math.min(1, 2 * (Math.min(below, above) + 1) / (resamples + 1)),
    classes: of[0].map((value, one) => ({ difference: value - of[1][one], interval: ends(differences[one]) })),
  };
}
