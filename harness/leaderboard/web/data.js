// What harness/leaderboard/page_data.py packed: columns of whole numbers, and bytes in base 128.

const SCALE = 1000;
const POLICIES = ["wrong", "excluded"];

class Digits {
  constructor(bytes, at) { this.bytes = bytes; this.at = at; }
  next() {
    let value = 0, place = 1, byte;
    do {
      byte = this.bytes[this.at++];
      value += (byte & 127) * place;
      place *= 128;
    } while (byte > 127);
    return value;
  }
  take(count) { return Array.from({ length: count }, () => this.next()); }
}

class Board {
  constructor(summary, places, bytes) {
    Object.assign(this, summary);
    this.bytes = bytes;
    this.count = this.columns.run.length;
    this.blocks(places);
    this.classesFrom = [];
    let at = 0;
    for (const length of this.f1_of) { this.classesFrom.push(at); at += length; }
  }

  /** Where the blocks of each row begin: confusions and counts of the final rows, then those of the others. */
  blocks({ order, final, confusions, counts, lengths }) {
    this.confusionAt = new Int32Array(this.count).fill(-1);
    this.countsAt = new Int32Array(this.count).fill(-1);
    const parts = [[this.confusionAt, 0, final], [this.countsAt, 0, final], [this.confusionAt, final, confusions],
      [this.countsAt, final, counts]];
    let at = 0, block = 0;
    for (const [places, from, to] of parts)
      for (let one = from; one < to; one++) {
        if (lengths[block]) places[order[one]] = at;
        at += lengths[block++];
      }
  }

  number(name, row) {
    const value = this.columns[name][row];
    return value === null ? null : value / SCALE;
  }
  run(row) { return this.runs[this.columns.run[row]]; }
  /** Other runs in which the very same system was found. */
  also(row) { return (this.columns.also[row] ?? []).map(number => this.runs[number]); }
  shownRun(row) { return this.run(row) + (this.columns.also[row] ? " (+" + this.columns.also[row].length + ")" : ""); }
  role(row) { return this.roles[this.columns.role[row]]; }
  phase(row) { return this.phases[this.columns.phase[row]]; }
  system(row) { return this.systems[this.columns.system[row]] + (this.phase(row) ? ", " + this.phase(row) : ""); }
  title(row) { return this.run(row) + ": " + this.system(row); }
  own(row) { return POLICIES[this.columns.own[row]]; }

  /** Macro-F1 under a policy; null where it is not known. */
  score(row, policy) {
    const value = this.number(policy, row);
    return policy === this.own(row) ? this.number("macro_f1", row) : value;
  }

  /** F1 of each class under a policy; null where it is not known. */
  f1(row, policy) {
    if (policy === this.own(row)) {
      const from = this.classesFrom[row], length = this.f1_of[row];
      return length ? this.classes.map((_, at) => this.columnF1(from + at)) : null;
    }
    const known = this.columns.seeds[row] ? null : this.confusion(row);  // of several seeds it is the first one's
    return known && classF1(known.table, known.unanswered, policy);
  }
  columnF1(at) { return this.f1s[at] === null ? null : this.f1s[at] / SCALE; }

  /** {table C x C, unanswered C, bins [[frames, mean probability, share right]]}, or null where the page has none. */
  confusion(row) {
    if (this.confusionAt[row] < 0) return null;
    const digits = new Digits(this.bytes, this.confusionAt[row]), size = this.classes.length;
    const table = Array.from({ length: size }, () => digits.take(size)), unanswered = digits.take(size);
    const bins = Array.from({ length: digits.next() }, () => digits.take(3))
      .map(([frames, total, right]) => frames ? [frames, total / 1000 / frames, right / frames] : [0, null, null]);
    return { table, unanswered, bins };
  }

  /** {clips, seeds: [{hits, shown}]} with K x C numbers each, shown = frames of the class + frames predicted as it. */
  counts(row) {
    if (this.countsAt[row] < 0) return null;
    const digits = new Digits(this.bytes, this.countsAt[row]), size = this.classes.length;
    const support = this.supports[this.columns.support[row]];
    const several = digits.next(), clips = digits.next();
    const seeds = Array.from({ length: several }, () => {
      const hits = new Float64Array(clips * size), shown = Float64Array.from(support);
      for (let at = 0; at < hits.length; at++) if (support[at]) shown[at] += hits[at] = digits.next();
      for (let one = 0; one < size; one++)
        for (let clip = 0; clip < clips; clip++) shown[clip * size + one] += digits.next();
      return { hits, shown };
    });
    return { clips, seeds };
  }
}

async function readBoard() {
  const [summary, places, bytes] = await Promise.all(["summary", "places", "details"].map(unfolded));
  const [found, where] = [summary, places].map(one => JSON.parse(new TextDecoder().decode(one)));
  found.f1s = found.f1;
  delete found.f1;  // the method has its name
  return new Board(found, where, bytes);
}
