// Two picked rows, side by side.

function drawCompared(board, view) {
  const [a, b] = view.picks, body = part("compared-body");
  if (a === null || b === null) {
    const one = a ?? b;
    return body.replaceChildren(lettered("p", "facts", one === null ? "No row is picked." : board.title(one) + " is picked; pick another one."));
  }
  const names = made("ul", { class: "picked" }, ...[a, b].map((row, place) => made("li", {}, lettered("span", "letter on", "AB"[place]), " ", board.title(row),
    " ", made("strong", {}, decimals(board.score(row, board.own(row)))))));
  const reason = refusal(board, a, b);
  if (reason) return body.replaceChildren(names, lettered("p", "warning", reason));
  const found = comparePair(board.counts(a), board.counts(b), board.classes.length);
  body.replaceChildren(names, verdict(found), perClass(board, found), bothConfusions(board, a, b));
}

/** Why two rows cannot be compared, or "". */
function refusal(board, a, b) {
  const { items, own } = board.columns;
  if (a === b) return "A and B are the same row; pick another one.";
  const without = [a, b].filter(row => items[row] === null);
  if (without.length) return "Not compared: " + board.title(without[0]) + " has no counts per clip on record.";
  if (own[a] !== own[b]) return "Not compared: frames without an answer count as wrong in one row and are left out of the other; score both runs alike.";
  if (items[a] !== items[b]) return otherItems(board, items[a], items[b], [a, b].map(row => board.columns.frames[row]));
  const absent = [a, b].filter(row => board.countsAt[row] < 0);
  if (absent.length) return "The counts of " + board.title(absent[0]) + " are not on this page, to keep it small: harness compare " + board.run(a) + " " + board.run(b) + " compares them.";
  if (board.counts(a).clips < 2) return "Not compared: both were scored on one clip alone, which says nothing of others.";
  return "";
}

function otherItems(board, one, other, frames) {
  const [first, second] = [one, other].map(number => board.items[number]);
  const left = new Map();
  for (const item of second) left.set(item, (left.get(item) ?? 0) + 1);
  let shared = 0;
  for (const item of first) if (left.get(item)) { shared++; left.set(item, left.get(item) - 1); }
  const most = Math.max(first.length, second.length), differ = most - shared;
  return "Not compared: the two were scored on different items (" + (differ ? differ + " of " + most + " clips differ" : "their annotations differ")
    + "; " + thousands(frames[0]) + " and " + thousands(frames[1]) + " frames). A difference may be one of the items.";
}

function verdict({ difference, interval, p, macro, drawn }) {
  const told = p < 0.05, higher = difference > 0 ? "A" : "B";
  return made("div", { class: "verdict" },
    made("p", { class: "title", id: "difference" }, "A " + minus + " B = " + signed(difference) + " " + between(...interval) + ", " + shortP(p)),
    lettered("p", "facts", "Macro-F1 of A " + decimals(macro[0]) + ", of B " + decimals(macro[1]) + ". "
      + (told ? higher + " scores higher, more than these clips leave to chance." : "These clips cannot tell the two apart.")),
    made("p", { class: "facts", id: "drawn" }, "Paired bootstrap, " + thousands(RESAMPLES) + " resamples: " + between(...drawn.interval) + ", " + shortP(drawn.p)
      + "; with few clips its interval is too narrow and its p too small."));
}

function perClass(board, { of, classes }) {
  const most = Math.max(0.05, ...classes.flatMap(one => one.interval.map(Math.abs)));
  const x = value => (60 + 58 * value / most).toFixed(1);
  const rows = board.classes.map((name, one) => {
    const { difference, interval } = classes[one], told = interval[0] > 0 || interval[1] < 0;
    const bar = made("svg:svg", { class: "bars", viewBox: "0 0 120 16", width: 120, height: 16, "aria-hidden": "true" },
      made("svg:line", { x1: 60, x2: 60, y1: 0, y2: 16, class: "guessing" }),
      made("svg:line", { x1: x(interval[0]), x2: x(interval[1]), y1: 8, y2: 8, class: "whisker" }),
      made("svg:circle", { cx: x(difference), cy: 8, r: 3.5, class: "dot-" + (told ? difference > 0 ? "better" : "worse" : "equal") }));
    return made("tr", {}, made("th", { scope: "row" }, name), made("td", {}, decimals(of[0][one])), made("td", {}, decimals(of[1][one])),
      made("td", {}, lettered("span", "interval", bar, " " + signed(difference) + " " + between(...interval))));
  });
  return made("div", { class: "box", role: "region", tabindex: "0", "aria-label": "differences of each class" },
    made("table", { class: "plain", id: "class-differences" }, made("caption", {}, "F1 of each class"),
      made("thead", {}, made("tr", {}, ...["class", "A", "B", "A " + minus + " B, 95% interval"].map(name => made("th", { scope: "col" }, name)))),
      made("tbody", {}, ...rows)));
}

function bothConfusions(board, a, b) {
  const tables = [a, b].map((row, place) => {
    const known = board.confusion(row);
    return known ? confusionTable(board, known, board.own(row), " of " + "AB"[place] + (board.columns.seeds[row] ? ", first seed" : "")) : lettered("p", "facts", absent(board, row));
  });
  return made("div", { class: "pair" }, ...tables);
}
