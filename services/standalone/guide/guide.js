// Search of the guide, and contents that start closed on a narrow screen.

const MOST = 12;
const EXCERPT = 140;
const query = document.getElementById("query");
const hits = document.getElementById("hits");
const count = document.getElementById("count");
let sections = null;

if (!matchMedia("(min-width: 900px)").matches) document.querySelector(".contents details").open = false;

query.addEventListener("input", search);
query.addEventListener("keydown", (event) => { if (event.key === "Escape") { query.value = ""; search(); } });
document.addEventListener("click", (event) => { if (!event.target.closest(".search")) hits.hidden = true; });
if (query.value) search();  // words typed before this script ran

async function search() {
  sections ??= await (await fetch(query.dataset.index)).json();
  const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);  // after the index is loaded, so that the latest words count
  const matches = words.length ? ranked(words) : [];
  hits.hidden = !words.length;
  hits.replaceChildren(...(matches.length ? matches.slice(0, MOST).map((match) => entry(match, words[0])) : [nothing()]));
  count.textContent = words.length ? `Sections that match: ${matches.length}` : "";
}

/** Sections that hold every word, those with words in their title first. */
function ranked(words) {
  const inTitle = (section) => words.filter((word) => `${section.page} ${section.title}`.toLowerCase().includes(word)).length;
  const holdsAll = ({ page, title, text }) => words.every((word) => `${page} ${title} ${text}`.toLowerCase().includes(word));
  return sections.filter(holdsAll).sort((a, b) => inTitle(b) - inTitle(a));
}

function entry(section, word) {
  const link = element("a", section.page === section.title ? section.title : `${section.page}: ${section.title}`);
  link.href = query.dataset.root + section.address;
  link.append(element("span", excerpt(section.text, word)));
  const item = document.createElement("li");
  item.append(link);
  return item;
}

function excerpt(text, word) {
  const start = Math.max(0, text.toLowerCase().indexOf(word) - EXCERPT / 3);
  return (start ? "\u2026" : "") + text.slice(start, start + EXCERPT);
}

function nothing() {
  const item = element("li", "No section holds all of these words.");
  item.className = "none";
  return item;
}

function element(name, text) {
  const node = document.createElement(name);
  node.textContent = text;
  return node;
}
