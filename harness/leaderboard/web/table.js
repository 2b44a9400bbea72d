// The table of a board: columns, sorting, filtering, and the heat map of its classes.

const dash = "–", minus = "−";
const decimals = value => value === null || value === undefined ? dash : value.toFixed(3).replace("-", minus);
const signed = value => value === null ? dash : (value > 0 ? "+" : "") + decimals(value);
const between = (low, high) => low === null ? "" : "[" + decimals(low) + ", " + decimals(high) + "]";
const percent = value => value === null ? dash : (100 * value).toFixed(value > 0 && value < 0.1 ? 1 : 0) + "%";
const dollars = value => value === null ? dash : value >= 1 || value === 0 ? value.toFixed(2) : value.toPrecision(2);
const thousands = value => value === null ? dash : value.toLocaleString("en");
const shortP = p => p === null ? "" : p < 0.001 ? "p < 0.001" : "p = " + p.toFixed(3);
const lettered = (tag, words, ...rest) => made(tag, { class: words }, ...rest);

/** Columns: title, what to sort by, what to show; falls: whether the first click puts the highest first. */
function columns(board, view) {
  const own = row => view.policy === board.own(row);
  const number = (name, title, show = decimals, falls = true) =>
    ({ key: name, title, falls, value: row => board.columns[name][row], cell: row => show(board.number(name, row)) });
  const plain = (name, title, show, falls = false) =>
    ({ key: name, title, falls, value: row => board.columns[name][row], cell: row => show(board.columns[name][row]) });
  return [
    { key: "rank", title: "rank", value: row => own(row) ? board.columns.rank[row] : null,
      cell: row => own(row) ? ranks(board, row) : dash },
    { key: "group", title: "tie group", value: row => own(row) ? board.columns.group[row] : null,
      cell: row => own(row) && board.columns.group[row] ? lettered("span", "chip", board.columns.group[row]) : dash },
    { key: "macro_f1", title: "macro-F1", falls: true, value: row => board.score(row, view.policy),
      cell: row => scoreCell(board, view, row) },
    { key: "run", title: "run", text: true, value: row => board.run(row), cell: row => board.shownRun(row) },
    { key: "role", title: "role", text: true, value: row => board.role(row), cell: row => board.role(row) },
    { key: "low", title: "95% interval", falls: true, value: row => own(row) ? board.columns.low[row] : null,
      cell: row => own(row) ? intervalCell(board, view, row) : dash },
    { key: "difference", title: "difference to reference", falls: true,
      value: row => own(row) ? board.columns.difference[row] : null,
      cell: row => own(row) ? differenceCell(board, view, row) : dash },
    number("accuracy", "accuracy"), number("clip_f1", "macro-F1 of clips"), number("coverage", "coverage", percent),
    number("refusal", "refused", percent, false),
    number("calibration_error", "calibration error", decimals, false), plain("cost", "cost (US$)", dollars),
    plain("per_correct", "US$ per correct", dollars), plain("frames", "frames", thousands, true),
    plain("clips", "clips", thousands, true),
  ];
}

function ranks(board, row) {
  const { rank, best, worst } = board.columns;
  if (rank[row] === null) return dash;
  if (best[row] === null || best[row] === worst[row]) return String(best[row] ?? rank[row]);
  return best[row] + dash + worst[row];
}

function scoreCell(board, view, row) {
  const score = lettered("strong", "", decimals(board.score(row, view.policy)));
  const seeds = board.columns.seeds[row];
  return seeds && view.policy === board.own(row)
    ? lettered("span", "", score, " ± " + decimals(board.number("deviation", row)) + " (" + seeds + " seeds)") : score;
}

function intervalCell(board, view, row) {
  const low = board.number("low", row), high = board.number("high", row), score = board.number("macro_f1", row);
  if (low === null) return "no interval";
  const { least, most } = view.span, x = value => (2 + 116 * (value - least) / (most - least)).toFixed(1);
  const bar = made("svg:svg", { class: "bars", viewBox: "0 0 120 16", width: 120, height: 16, "aria-hidden": "true" },
    made("svg:line", { x1: 0, x2: 120, y1: 8, y2: 8, class: "track" }),
    board.chance === null ? null : upright(x(board.chance / SCALE), "guessing"),
    made("svg:line", { x1: x(low), x2: x(high), y1: 8, y2: 8, class: "whisker" }),
    upright(x(low), "whisker"), upright(x(high), "whisker"),
    made("svg:circle", { cx: x(score), cy: 8, r: 3.5, class: "dot-" + board.role(row) }));
  return lettered("span", "interval", bar, " " + between(low, high));
}

const upright = (x, words) => made("svg:line", { x1: x, x2: x, y1: words === "guessing" ? 0 : 4,
  y2: words === "guessing" ? 16 : 12, class: words });

function differenceCell(board, view, row) {
  if (row === view.board.reference) return lettered("span", "chip", "reference");
  const value = board.number("difference", row);
  if (value === null) return dash;
  const p = board.columns.p_holm[row], told = p !== null && p < 0.05;
  const words = !told ? "not told apart" : value > 0 ? "better" : "worse";
  const mark = !told ? "≈ " : value > 0 ? "▲ " : "▼ ";
  return lettered("span", "interval", lettered("span", words === "better" ? "right" : words === "worse" ? "wrong" : "", mark, signed(value)),
    " " + between(board.number("least", row), board.number("most", row)), lettered("span", "quiet", " " + words));
}

/** The rows of a board that fit the filters, in the chosen order; what has no value comes last. */
function fitting(board, view) {
  const words = view.text.toLowerCase().split(/\s+/).filter(Boolean), found = [];
  for (let row = view.from; row < view.to; row++) {
    if (view.role && view.role !== board.role(row) + "\n" + board.phase(row) && view.role !== board.role(row)) continue;
    if (view.run !== "" && board.columns.run[row] !== +view.run && !board.columns.also[row]?.includes(+view.run)) continue;
    if (words.length) {
      const text = [board.title(row), board.role(row), ...board.also(row)].join(" ").toLowerCase();
      if (!words.every(word => text.includes(word))) continue;
    }
    found.push(row);
  }
  return sorted(found, columns(board, view).concat(nameColumn(board)).find(one => one.key === view.sort), view.down);
}

const nameColumn = board => ({ key: "system", title: "system", text: true, value: row => board.system(row) });

const collator = new Intl.Collator("en", { numeric: true });
function sorted(rows, column, down) {
  const values = new Map(rows.map(row => [row, column.value(row)]));
  return rows.sort((one, other) => {
    const a = values.get(one), b = values.get(other);
    if (a === b) return one - other;
    if (a === null || a === undefined) return 1;
    if (b === null || b === undefined) return -1;
    const order = typeof a === "string" ? collator.compare(a, b) : a - b;
    return (down ? -order : order) || one - other;
  });
}

/** Heads of the two tables, with a button to sort by each column of the first. */
function drawHeads(board, view, sort) {
  const shown = columns(board, view).filter(one => always.has(one.key) || known(board, view, one));
  const head = one => made("th", { scope: "col", "data-key": one.key, class: one.text ? "text" : null,
      "aria-sort": view.sort === one.key ? view.down ? "descending" : "ascending" : null },
    made("button", { type: "button", class: "sort", onclick: () => sort(one) }, one.title));
  part("table").tHead.replaceChildren(made("tr", {}, ...shown.slice(0, NAMED).map(head), head(nameColumn(board)),
    made("th", { scope: "col", class: "picks" }, "compare"), ...shown.slice(NAMED).map(head)));
  part("classes").tHead.replaceChildren(made("tr", {}, made("th", { scope: "col", class: "text" }, "run: system"),
    ...board.classes.map(name => made("th", { scope: "col" }, name))));
  return shown;
}

const NAMED = 4;  // columns before the system's name
const always = new Set(["rank", "group", "macro_f1", "run", "low"]);

/** Whether a column says anything on a board: roles that are all one do not. */
function known(board, view, column) {
  const first = column.value(view.from);
  for (let row = view.from; row < view.to; row++) {
    const value = column.value(row);
    if (column.key === "role" ? value !== first : value !== null) return true;
  }
  return false;
}

function drawRow(board, view, shown, row, before, act) {
  const apart = view.sort === "rank" && before !== undefined && board.columns.group[before] !== board.columns.group[row];
  const cells = shown.map(one => made("td", { class: one.text ? "text" : null }, one.cell(row)));
  const name = made("th", { scope: "row" }, made("button", { type: "button", class: "pick", "data-row": row,
    "aria-pressed": String(row === view.chosen), onclick: () => act.choose(row) }, board.system(row)));
  const picks = ["A", "B"].map((letter, place) => made("button", { type: "button", class: "letter", "data-letter": letter, "data-row": row,
    "aria-pressed": String(view.picks[place] === row), "aria-label": "compare as " + letter + ": " + board.title(row),
    onclick: () => act.pick(place, row) }, letter));
  return made("tr", { class: apart ? "apart" : null, "data-row": row }, ...cells.slice(0, NAMED), name,
    lettered("td", "picks", ...picks), ...cells.slice(NAMED));
}

function drawClasses(board, view, row) {
  const f1 = board.f1(row, view.policy);
  return made("tr", {}, made("th", { scope: "row" }, board.title(row)),
    ...board.classes.map((_, one) => f1 && f1[one] !== null ? heat(f1[one], decimals(f1[one])) : made("td", {}, dash)));
}

/** A cell whose colour is a share in [0, 1], with the number in it. */
function heat(share, ...text) {
  const cell = lettered("td", "heat", ...text);
  cell.style.setProperty("--share", Math.round(100 * share) + "%");
  return cell;
}
