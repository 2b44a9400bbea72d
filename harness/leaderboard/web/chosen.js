// The selected row: its scores, its confusion, and what its probabilities are worth.

function drawChosen(board, view) {
  const row = view.chosen, body = part("chosen-body");
  if (row === null) return body.replaceChildren(lettered("p", "facts", "No row is selected."));
  const known = board.confusion(row);
  body.replaceChildren(
    lettered("p", "title", board.title(row)),
    board.also(row).length ? lettered("p", "facts", "The very same system was found in " + board.also(row).join(", ") + "; it is one row.") : "",
    facts(board, view, row),
    made("div", { class: "pair" },
      known ? confusionTable(board, known, view.policy, board.columns.seeds[row] ? " of the first seed" : "") : lettered("p", "facts", absent(board, row)),
      known && known.bins.length ? reliability(known.bins) : lettered("p", "facts", "No calibration: the row has no probabilities on record.")));
}

const absent = (board, row) => board.f1_of[row] ? "The confusion of this row is not on the page, to keep it small." : "No confusion is on record.";

function facts(board, view, row) {
  const number = name => board.number(name, row), cost = board.columns.cost[row], own = view.policy === board.own(row);
  const pairs = [
    ["macro-F1", decimals(board.score(row, view.policy)) + " " + (own ? between(number("low"), number("high")) : "")],
    ["rank", own ? ranks(board, row) : null], ["accuracy", number("accuracy")],
    ["unweighted average recall", number("recall")], ["weighted F1", number("weighted")], ["Cohen's kappa", number("kappa")],
    ["Matthews", number("matthews")], ["macro-F1 of clips", number("clip_f1")], ["accuracy of clips", number("clip_accuracy")],
    ["coverage", number("coverage") === null ? null : percent(number("coverage"))],
    ["refused", number("refusal") === null ? null : percent(number("refusal"))],
    ["expected calibration error", number("calibration_error")], ["Brier score", number("brier")],
    ["label changes per second", number("changes")], ["cost of the run", cost === null ? null : "US$ " + dollars(cost)],
    ["seeds", board.columns.seeds[row] && board.columns.seeds[row] + ", standard deviation " + decimals(number("deviation"))],
    ["scored", thousands(board.columns.frames[row]) + " frames in " + board.columns.clips[row] + " clips"],
  ].filter(([, value]) => value !== null);
  return made("dl", { class: "scores" }, ...pairs.map(([name, value]) => made("div", {}, made("dt", {}, name),
    made("dd", {}, typeof value === "number" ? decimals(value) : value))));
}

/** Rows are true classes; colour is the share of the row. */
function confusionTable(board, { table, unanswered }, policy, of = "") {
  const none = policy === "wrong" && unanswered.some(Boolean), names = none ? [...board.classes, "none"] : board.classes;
  const rows = table.map((counts, one) => {
    const cells = none ? [...counts, unanswered[one]] : counts, total = cells.reduce((sum, frames) => sum + frames, 0);
    return made("tr", {}, made("th", { scope: "row" }, board.classes[one] + " (" + thousands(total) + ")"),
      ...cells.map((frames, other) => {
        const cell = heat(total ? frames / total : 0, frames ? percent(frames / total) : "0");
        if (frames) cell.append(lettered("span", "frames", thousands(frames)));
        if (one === other) cell.classList.add("hit");
        return cell;
      }));
  });
  return made("div", { class: "box", role: "region", tabindex: "0", "aria-label": "confusion matrix" + of },
    made("table", { class: "matrix confusion" }, made("caption", {}, "Confusion" + of + ": rows are true classes (frames), columns predicted ones; share of the row, frames"),
      made("thead", {}, made("tr", {}, made("th", { scope: "col", class: "text" }, "true \\ predicted"), ...names.map(name => made("th", { scope: "col" }, name)))),
      made("tbody", {}, ...rows)));
}

/** Share of right predictions against mean probability, bin by bin, as drawing and as table. */
function reliability(bins) {
  const side = 200, left = 42, bottom = 30, x = value => left + side * value, y = value => 8 + side * (1 - value);
  const frames = bins.reduce((sum, [count]) => sum + count, 0), filled = bins.filter(([count]) => count);
  const ticks = [0, 0.5, 1].flatMap(value => [
    made("svg:text", { x: x(value), y: 8 + side + 14, "text-anchor": "middle" }, String(value)),
    made("svg:text", { x: left - 5, y: y(value) + 4, "text-anchor": "end" }, String(value))]);
  const bars = bins.map(([count, sure, right], at) => count ? made("svg:rect", { x: x(at / bins.length) + 0.5, width: side / bins.length - 1,
    y: y(right), height: Math.max(side * right, 0.5), class: "share" }) : null);
  const dots = filled.map(([count, sure, right]) => made("svg:circle", { cx: x(sure), cy: y(right), class: "seen",
    r: (2 + 5 * Math.sqrt(count / frames)).toFixed(1) }));
  const drawing = made("svg:svg", { class: "diagram", viewBox: "0 0 " + (left + side + 12) + " " + (side + bottom + 14), role: "img",
    "aria-label": "Reliability diagram, its numbers are in the table below: share of right predictions against their mean probability" },
    made("svg:rect", { x: left, y: 8, width: side, height: side, class: "frame" }), ...bars.filter(Boolean),
    made("svg:line", { x1: x(0), y1: y(0), x2: x(1), y2: y(1), class: "ideal" }), ...dots, ...ticks,
    made("svg:text", { x: left + side / 2, y: side + bottom + 10, "text-anchor": "middle" }, "mean probability"),
    made("svg:text", { transform: "translate(10 " + (8 + side / 2) + ") rotate(-90)", "text-anchor": "middle" }, "right"));
  const rows = filled.map(([count, sure, right]) => made("tr", {}, made("th", { scope: "row" }, decimals(sure)), made("td", {}, decimals(right)), made("td", {}, thousands(count))));
  return made("div", {}, made("h3", {}, "Reliability"), lettered("p", "facts", "On the line, probabilities mean what they say; below it, the row is too sure of itself."), drawing,
    made("details", {}, made("summary", {}, "numbers"), made("table", { class: "plain" },
      made("thead", {}, made("tr", {}, ...["mean probability", "share right", "frames"].map(name => made("th", { scope: "col" }, name)))),
      made("tbody", {}, ...rows))));
}
