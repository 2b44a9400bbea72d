// The page: boards as tabs, filters, and what follows from a click.

const FIRST = 50, MORE = 200;

function start(board) {
  const views = [];
  let from = 0;
  for (const one of board.boards) {
    if (one.rows || board.boards.every(other => !other.rows)) views.push(newView(board, one, from));
    from += one.rows;
  }
  const shared = { policy: usual(board), picks: firstPair(board, views) };
  for (const view of views) Object.assign(view, shared);
  let view = views.find(one => one.board.name === location.hash.slice(1)) ?? views[0];

  const act = {
    choose(row) { view.chosen = row; drawChosen(board, view); press(view); },
    pick(place, row) {
      const picks = view.picks.slice();
      picks[place] = picks[place] === row ? null : row;
      for (const one of views) one.picks = picks;
      drawCompared(board, view);
      press(view);
    },
  };
  const draw = () => drawTable(board, view, act);
  function sort(column) {
    view.down = view.sort === column.key ? !view.down : Boolean(column.falls);
    view.sort = column.key;
    for (const head of part("table").tHead.querySelectorAll("th[data-key]")) {
      if (head.dataset.key === view.sort) head.setAttribute("aria-sort", view.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
    draw();
  }
  function show(chosen) {
    view = chosen;
    for (const tab of tabs) {
      const on = tab.dataset.board === view.board.name;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
    }
    for (const chart of document.querySelectorAll("[data-chart]")) chart.hidden = chart.dataset.chart !== view.board.name;
    part("panel").setAttribute("aria-labelledby", "tab-" + view.board.name);
    aboutBoard(board, view);
    offers(board, view);
    view.columns = drawHeads(board, view, sort);
    draw();
    drawChosen(board, view);
  }

  const tabs = [...document.querySelectorAll("[role=tab]")];
  tabs.forEach((tab, at) => {
    const go = to => { tabs[to].focus(); show(views.find(one => one.board.name === tabs[to].dataset.board)); };
    tab.addEventListener("click", () => go(at));
    tab.addEventListener("keydown", event => {
      const to = { ArrowRight: (at + 1) % tabs.length, ArrowLeft: (at + tabs.length - 1) % tabs.length, Home: 0, End: tabs.length - 1 }[event.key];
      if (to !== undefined) { event.preventDefault(); go(to); }
    });
  });
  part("bar").addEventListener("submit", event => event.preventDefault());
  part("bar").addEventListener("input", event => {
    if (event.target.name === "policy") {
      for (const one of views) one.policy = event.target.value;
      show(view);
      return;
    }
    Object.assign(view, { text: part("text").value, role: part("role").value, run: part("run").value, most: FIRST });
    draw();
  });
  part("more").addEventListener("click", () => { view.most += MORE; draw(); });
  part("page").hidden = false;
  show(view);
  drawCompared(board, view);
}

function newView(board, one, from) {
  const view = { board: one, from, to: from + one.rows, sort: "rank", down: false, text: "", role: "", run: "", most: FIRST,
    chosen: one.rows ? from : null, span: { least: 0, most: 1 } };
  const ends = ["low", "high", "macro_f1"].flatMap(name => board.columns[name].slice(view.from, view.to)).filter(value => value !== null);
  if (ends.length) {
    ends.push(board.chance ?? ends[0]);
    const least = ends.reduce((a, b) => Math.min(a, b)) / SCALE, most = ends.reduce((a, b) => Math.max(a, b)) / SCALE;
    view.span = { least: Math.max(0, least - 0.01), most: Math.max(most + 0.01, least + 0.02) };
  }
  return view;
}

const usual = board => {
  const excluded = board.columns.own.reduce((sum, one) => sum + one, 0);
  return POLICIES[excluded > board.count / 2 ? 1 : 0];
};

/** The two best rows of the last board that can be compared, so that something stands there from the start. */
function firstPair(board, views) {
  for (const view of [...views].reverse()) {
    const able = [];
    for (let row = view.from; row < view.to && able.length < 2; row++)
      if (board.countsAt[row] >= 0 && (!able.length || board.columns.items[row] === board.columns.items[able[0]])) able.push(row);
    if (able.length === 2) return able;
  }
  return [null, null];
}

function aboutBoard(board, view) {
  const one = view.board, [kind, number] = one.clusters;
  part("board-title").textContent = one.title;
  const parts = [];
  if (one.reference !== null) parts.push("Differences are to the reference, " + board.title(one.reference) + " (▲ better, ▼ worse, ≈ not told apart; p by Holm over the board).");
  if (number) parts.push("Intervals rest on " + thousands(number) + " " + kind + "s.");
  if (one.detectable !== null) parts.push("A difference of " + decimals(one.detectable / SCALE) + " to it would be found four times out of five, a smaller one less often.");
  part("board-facts").textContent = parts.join(" ");
  part("board-notes").replaceChildren(...one.notes.map(note => lettered("p", "warning", note)));
}

/** What can be filtered by: roles and phases of the board, and its runs. */
function offers(board, view) {
  const roles = new Map(), runs = new Set();
  for (let row = view.from; row < view.to; row++) {
    const role = board.role(row), phase = board.phase(row);
    if (!roles.has(role)) roles.set(role, new Set());
    if (phase) roles.get(role).add(phase);
    runs.add(board.columns.run[row]);
    for (const other of board.columns.also[row] ?? []) runs.add(other);
  }
  const choices = [["", "every role"]];
  for (const [role, phases] of roles) {
    choices.push([role, role]);
    for (const phase of phases) choices.push([role + "\n" + phase, role + ", " + phase]);
  }
  const named = [...runs].map(number => [String(number), board.runs[number]]).sort((a, b) => collator.compare(a[1], b[1]));
  fill("role", choices, view.role);
  fill("run", [["", "every run"], ...named], view.run);
  part("text").value = view.text;
  for (const one of part("policy").querySelectorAll("input")) one.checked = one.value === view.policy;
}

function fill(name, choices, chosen) {
  part(name).replaceChildren(...choices.map(([value, words]) => made("option", { value }, words)));
  part(name).value = chosen;
}

function drawTable(board, view, act) {
  const rows = fitting(board, view), shown = rows.slice(0, view.most);
  part("table").tBodies[0].replaceChildren(...shown.map((row, at) => drawRow(board, view, view.columns, row, shown[at - 1], act)));
  part("classes").tBodies[0].replaceChildren(...shown.map(row => drawClasses(board, view, row)));
  part("shown").textContent = thousands(rows.length) + " of " + thousands(view.to - view.from) + " rows";
  part("empty").hidden = rows.length > 0;
  part("more").hidden = rows.length <= shown.length;
  part("more").textContent = "show " + thousands(Math.min(MORE, rows.length - shown.length)) + " more of " + thousands(rows.length - shown.length);
  let other = false;
  for (let row = view.from; row < view.to && !other; row++) other = view.policy !== board.own(row);
  part("policy-note").hidden = !other;
}

/** Marks what is selected and picked, without drawing the table again: focus stays where it is. */
function press(view) {
  for (const one of part("table").querySelectorAll("button[data-row]")) {
    const row = +one.dataset.row, letter = one.dataset.letter;
    one.setAttribute("aria-pressed", String(letter ? view.picks["AB".indexOf(letter)] === row : view.chosen === row));
  }
}

readBoard().then(board => {
  start(board);
  performance.mark("interactive");
}).catch(error => {
  part("trouble").textContent = "This page cannot be shown here (" + error.message + "); a browser of 2023 or later can.";
  part("trouble").hidden = false;
  throw error;
});
