
const NONE = -1, UNKNOWN = -2, LEAST = 20; // no class answered; not asked or not annotated; fewest frames in view
const ROW = 26, GAP = 8, AXIS = 36, NAMES = 170, NARROW = 640; // pixels
const facts = JSON.parse(part("data").textContent);
const codes = new Map([["-", NONE], [".", UNKNOWN], ...facts.symbols.map((letter, one) => [letter, one])]);
const percent = share => Math.round(100 * share) + "%";
/** What a code means in a row: of truth, or of somebody who was asked. */
function meaning(code, isTruth) {
  if (code >= 0) return facts.classes[code];
  if (isTruth) return code === NONE ? "none of the classes" : "not annotated";
  return code === NONE ? "no answer" : "not asked";
}

function decoded(text, frames) {
  const row = new Int16Array(frames);
  let at = 0;
  for (const [, letter, length] of text.matchAll(/([^0-9])([0-9]*)/gu)) {
    const end = at + (length ? Number(length) : 1);
    row.fill(codes.get(letter), at, end);
    at = end;
  }
  return row;
}

/** Seconds of a frame from the knots between which times are straight; null if they are not known. */
function seconds(clip, frame) {
  const knots = clip.knots;
  if (!knots.length) return null;
  let one = knots.findIndex(knot => knot[0] >= frame);
  if (one <= 0) return knots[one === 0 ? 0 : knots.length - 1][1];
  const [before, after] = [knots[one - 1], knots[one]];
  return before[1] + (after[1] - before[1]) * (frame - before[0]) / (after[0] - before[0]);
}

/** Runs of equal answers in view, in pixels; with more frames than pixels each column is its most frequent answer. */
function segments(row, view, width) {
  const count = view.to - view.from, columns = Math.min(count, Math.max(1, Math.floor(width)));
  const found = [];
  for (let column = 0; column < columns; column++) {
    const first = view.from + Math.floor(column * count / columns);
    const end = view.from + Math.floor((column + 1) * count / columns);
    const code = end - first < 2 ? row[first] : frequent(row, first, end);
    const left = column * width / columns, right = (column + 1) * width / columns;
    const last = found[found.length - 1];
    if (last && last.code === code) last.right = right;
    else found.push({ code, left, right });
  }
  return found;
}

function frequent(row, first, end) {
  const counts = new Map();
  for (let at = first; at < end; at++) counts.set(row[at], (counts.get(row[at]) || 0) + 1);
  return [...counts].reduce((most, one) => one[1] > most[1] ? one : most)[0];
}

function shareRight(truth, row) {
  let right = 0, annotated = 0;
  if (truth) truth.forEach((code, at) => { annotated += code >= 0; right += code >= 0 && row[at] === code; });
  return annotated ? right / annotated : null;
}

/** A step of 1, 2 or 5 times a power of ten that is not below the one given. */
function round(step) {
  const power = 10 ** Math.floor(Math.log10(step));
  return [1, 2, 5, 10].map(factor => factor * power).find(one => one >= step * 0.999);
}

class Timelines {
  constructor(all) {
    this.rows = all.rows;
    this.clips = all.clips;
    this.truth = all.rows.indexOf("truth");
    this.final = all.rows.indexOf(all.final);
    this.show(0, 0);
    this.shares = all.clips.map(clip => this.shareOf(clip));
    this.fill();
    part("order").addEventListener("change", () => this.fill());
    part("clip").addEventListener("change", () => this.show(Number(part("clip").value), 0));
    part("before").addEventListener("click", () => this.step(-1));
    part("after").addEventListener("click", () => this.step(1));
    part("nearer").addEventListener("click", () => this.zoom(0.5));
    part("farther").addEventListener("click", () => this.zoom(2));
    part("frame").addEventListener("input", () => this.point(Number(part("frame").value)));
    part("strip").addEventListener("pointerdown", event => this.click(event));
    part("strip").addEventListener("pointermove", event => { if (event.buttons === 1) this.click(event); });
    document.querySelectorAll("a.place").forEach(link => link.addEventListener("click", () => {
      this.show(Number(link.dataset.clip), Number(link.dataset.frame));
      part("frame").focus({ preventScroll: true });
    }));
    new ResizeObserver(() => { if (this.width !== part("strip").clientWidth) this.draw(); }).observe(part("strip"));
  }

  shareOf(clip) {
    if (this.truth < 0) return null;
    return shareRight(decoded(clip.runs[this.truth], clip.frames), decoded(clip.runs[this.final], clip.frames));
  }

  fill() {
    const numbers = this.clips.map((_, one) => one);
    if (part("order").value === "wrong") numbers.sort((a, b) => (this.shares[a] ?? 2) - (this.shares[b] ?? 2) || a - b);
    const text = one => this.clips[one].name + " (" + this.clips[one].frames.toLocaleString("en") + " frames"
      + (this.shares[one] === null ? ")" : ", " + percent(this.shares[one]) + " right)");
    part("clip").replaceChildren(...numbers.map(one => made("option", { value: one }, text(one))));
    part("clip").value = this.number;
    this.edges();
  }

  show(number, frame) {
    this.number = number;
    this.clip = this.clips[number];
    this.answers = this.clip.runs.map(text => decoded(text, this.clip.frames));
    this.view = { from: 0, to: this.clip.frames };
    part("clip").value = number;
    part("frame").max = this.clip.frames - 1;
    this.edges();
    this.point(frame, true);
  }

  step(by) {
    const picker = part("clip");
    picker.selectedIndex = Math.min(picker.length - 1, Math.max(0, picker.selectedIndex + by));
    this.show(Number(picker.value), 0);
  }

  edges() {
    part("before").disabled = part("clip").selectedIndex <= 0;
    part("after").disabled = part("clip").selectedIndex >= part("clip").length - 1;
  }

  zoom(factor) {
    const frames = this.clip.frames;
    const length = Math.min(frames, Math.max(Math.min(LEAST, frames), Math.round((this.view.to - this.view.from) * factor)));
    this.place(this.frame - Math.floor(length / 2), length);
    this.point(this.frame, true);
  }

  place(from, length) {
    const first = Math.min(Math.max(0, from), this.clip.frames - length);
    this.view = { from: first, to: first + length };
  }

  point(frame, redraw = false) {
    this.frame = Math.min(Math.max(0, frame), this.clip.frames - 1);
    const length = this.view.to - this.view.from;
    const outside = this.frame < this.view.from || this.frame >= this.view.to;
    if (outside) this.place(this.frame - Math.floor(length / 2), length);
    part("frame").value = this.frame;
    const time = seconds(this.clip, this.frame);
    const where = "frame " + this.frame + (time === null ? "" : ", " + time.toFixed(2) + " s");
    part("frame").setAttribute("aria-valuetext", where);
    if (outside || redraw) this.draw();
    else this.mark();
    this.tell(where);
  }

  click(event) {
    const box = part("strip").getBoundingClientRect();
    const share = (event.clientX - box.left - this.left) / (box.width - this.left);
    if (share < 0 || share > 1) return;
    this.point(Math.floor(this.view.from + share * (this.view.to - this.view.from)));
  }

  draw() {
    const width = this.width = part("strip").clientWidth;
    if (!width) return;
    const narrow = width < NARROW, above = narrow ? 16 : 0;
    this.left = narrow ? 0 : NAMES;
    this.plot = width - this.left;
    const each = ROW + GAP + above, height = this.rows.length * each + AXIS;
    const svg = made("svg:svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": this.summary() });
    this.rows.forEach((name, number) => {
      const top = number * each + above;
      svg.append(made("svg:text", { class: "name", x: 0, y: narrow ? top - 4 : top + ROW / 2 + 4 },
        narrow || name.length < 27 ? name : name.slice(0, 25) + "\u2026"));
      this.row(svg, number, top);
    });
    this.axis(svg, this.rows.length * each);
    this.line = made("svg:path", { class: "cursor" });
    this.bottom = this.rows.length * each;
    svg.append(this.line);
    part("strip").replaceChildren(svg);
    this.mark();
    part("farther").disabled = this.view.to - this.view.from >= this.clip.frames;
    part("nearer").disabled = this.view.to - this.view.from <= LEAST;
  }

  row(svg, number, top) {
    const paths = new Map(), letters = [];
    for (const { code, left, right } of segments(this.answers[number], this.view, this.plot)) {
      const box = `M${(this.left + left).toFixed(1)} ${top}h${(right - left).toFixed(1)}v${ROW}h-${(right - left).toFixed(1)}z`;
      paths.set(code, (paths.get(code) || "") + box);
      if (code >= 0 && right - left > 9 * facts.short[code].length + 4) letters.push([code, this.left + (left + right) / 2]);
    }
    for (const [code, d] of paths) {
      if (code === UNKNOWN) svg.append(made("svg:path", { d, fill: "none", class: "hole" }));
      else if (code === NONE) svg.append(made("svg:path", { d, fill: "url(#gap)", class: "hole" }));
      else svg.append(made("svg:path", { d, class: "k" + code }), made("svg:path", { d, fill: `url(#t${facts.textures[code]})` }));
    }
    svg.append(...letters.map(([code, x]) =>
      made("svg:text", { class: "short n" + code, x, y: top + ROW / 2 + 4, "text-anchor": "middle" }, facts.short[code])));
    if (this.truth >= 0 && number !== this.truth) this.wrong(svg, number, top + ROW + 1);
  }

  wrong(svg, number, top) {
    const truth = this.answers[this.truth], row = this.answers[number];
    const off = row.map((code, at) => truth[at] >= 0 && code !== UNKNOWN && code !== truth[at] ? 1 : 0);
    const d = segments(off, this.view, this.plot).filter(one => one.code)
      .map(one => `M${(this.left + one.left).toFixed(1)} ${top}h${(one.right - one.left).toFixed(1)}v3h-${(one.right - one.left).toFixed(1)}z`);
    svg.append(made("svg:path", { d: d.join(""), class: "off" }));
  }

  axis(svg, top) {
    const count = this.view.to - this.view.from;
    const step = Math.max(1, round(count / Math.max(2, Math.floor(this.plot / 90))));
    for (let frame = Math.ceil(this.view.from / step) * step; frame < this.view.to; frame += step) {
      const x = this.left + (frame - this.view.from + 0.5) / count * this.plot, time = seconds(this.clip, frame);
      const anchor = x < this.left + 24 ? "start" : x > this.width - 30 ? "end" : "middle";
      svg.append(made("svg:path", { class: "axis", d: `M${x.toFixed(1)} ${top - 2}v6` }),
        made("svg:text", { class: "tick", x, y: top + 16, "text-anchor": anchor }, "frame " + frame));
      if (time !== null) svg.append(made("svg:text", { class: "tick", x, y: top + 30, "text-anchor": anchor }, time.toFixed(2) + " s"));
    }
  }

  mark() {
    const x = this.left + (this.frame - this.view.from + 0.5) / (this.view.to - this.view.from) * this.plot;
    if (this.line) this.line.setAttribute("d", `M${x.toFixed(1)} 0V${this.bottom}`);
  }

  summary() {
    const whole = this.view.to - this.view.from === this.clip.frames;
    const many = this.view.to - this.view.from > this.plot;
    return `${this.clip.name}: answers of ${this.rows.join(", ")} over ` + (whole ? `all ${this.clip.frames} frames`
      : `frames ${this.view.from} to ${this.view.to - 1}`) + (many ? "; of several frames the most frequent answer is drawn" : "");
  }

  tell(where) {
    const truth = this.truth < 0 ? null : this.answers[this.truth];
    const many = this.view.to - this.view.from > this.plot;
    part("said").textContent = `${this.clip.name}, ${where}: ` + (truth ? `annotated: ${meaning(truth[this.frame], true)}; ` : "")
      + `decided: ${meaning(this.answers[this.final][this.frame], false)}.`
      + (many ? " There are more frames than columns: each column is its most frequent answer; zoom in for single frames." : "");
    const rows = this.rows.map((name, number) => {
      const code = this.answers[number][this.frame], share = number === this.truth ? null : shareRight(truth, this.answers[number]);
      const known = truth && truth[this.frame] >= 0 && number !== this.truth && code !== UNKNOWN;
      return made("tr", {}, made("th", { scope: "row" }, name),
        made("td", { class: known ? (code === truth[this.frame] ? "right" : "wrong") : null }, meaning(code, number === this.truth)),
        made("td", { class: "number" }, share === null ? "\u2013" : percent(share)));
    });
    part("answers").replaceChildren(made("caption", {}, `Frame ${this.frame} of ${this.clip.name}`),
      made("thead", {}, made("tr", {}, ...["who", "answer at this frame", "right in this clip"].map(text => made("th", { scope: "col" }, text)))),
      made("tbody", {}, ...rows));
  }
}

function matrix() {
  const chosen = facts.matrices[Number(part("system").value)], gaps = chosen.none.some(one => one);
  const heads = [...facts.classes, ...(gaps ? ["no answer"] : []), "frames"];
  const rows = facts.classes.map((name, number) => {
    const cells = [...chosen.counts[number], ...(gaps ? [chosen.none[number]] : [])];
    const total = cells.reduce((sum, one) => sum + one, 0);
    return made("tr", {}, made("th", { scope: "row" }, name), ...cells.map((count, column) => {
      const share = total ? count / total : 0, heat = share ? Math.min(10, Math.floor(share * 10) + 1) : 0;
      return made("td", { class: "h" + heat + (column === number ? " own" : "") }, ...(count ? [percent(share), made("small", {}, count.toLocaleString("en"))] : ["0"]));
    }), made("td", {}, total.toLocaleString("en")));
  });
  part("matrix").replaceChildren(made("caption", { class: "hear" }, "Confusion matrix of " + chosen.title),
    made("thead", {}, made("tr", {}, made("th", { scope: "col" }, "annotated"), ...heads.map(text => made("th", { scope: "col" }, text)))),
    made("tbody", {}, ...rows));
}

if (facts.matrices.length) {
  part("system").value = facts.chosen;
  part("system").addEventListener("change", matrix);
  matrix();
}
document.querySelectorAll("form").forEach(form => form.addEventListener("submit", event => event.preventDefault()));
if (part("clip")) unfolded("timelines-data").then(bytes => {
  new Timelines(JSON.parse(new TextDecoder().decode(bytes)));
  document.documentElement.dataset.ready = "yes";
});
