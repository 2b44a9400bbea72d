const cards = [...document.querySelectorAll("article")];
const texts = cards.map(card => card.textContent.toLowerCase());
function filter() {
  const outcome = part("outcome").value, label = part("label").value, words = part("text").value.toLowerCase();
  const disagree = part("disagree").checked;
  let shown = 0;
  cards.forEach((card, at) => {
    const fits = (!outcome || card.dataset.states.split(" ").includes(outcome)) && (!label || card.dataset.label === label)
      && (!disagree || card.dataset.disagree) && (!words || texts[at].includes(words));
    card.hidden = !fits;
    shown += fits;
  });
  part("shown").textContent = shown + " of " + cards.length;
  part("empty").hidden = shown > 0;
}
part("bar").addEventListener("input", filter);
part("bar").addEventListener("submit", event => event.preventDefault());
filter();
