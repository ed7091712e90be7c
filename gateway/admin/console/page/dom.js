// What the panels share: elements made of text (never of markup), times in words, and the question before something ends.

export const $ = (id) => document.getElementById(id);

// make returns an element. Properties whose name begins with "on" are listeners; others are attributes, and null leaves one out.
export function make(tag, properties = {}, ...children) {
  const made = tag === "svg" || svgTags.has(tag) ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const svgTags = new Set(["path", "line", "g", "rect", "circle", "text", "title"]);

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

// ago returns a time in relation to now, as in "3 hours ago", in the largest unit of which there are two or more.
export function ago(time, now = Date.now()) {
  const seconds = Math.round((Date.parse(time) - now) / 1000);
  const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= 2 * size) ?? units.at(-1);
  return relative.format(Math.trunc(seconds / size), unit);
}

// when returns a <time> in words, with the exact time in its title.
export function when(time) {
  if (!time || time.startsWith("0001-")) return document.createTextNode("–");
  return make("time", { datetime: time, title: new Date(time).toISOString().replace(".000", "") }, ago(time));
}

// device shortens a User-Agent to what people recognise.
export function device(agent) {
  const known = /(Firefox|Edg|OPR|Chrome|Version(?=.*Safari))\/(\d+)/.exec(agent ?? "");
  const system = ["Android", "iPhone", "iPad", "Windows", "Mac OS X", "Linux"].find((name) => agent?.includes(name));
  if (!known) return (agent ?? "").slice(0, 60) || "–";
  const names = { Edg: "Edge", OPR: "Opera", Version: "Safari" };
  return `${names[known[1]] ?? known[1]} ${known[2]}${system ? ` on ${system.replace("Mac OS X", "macOS")}` : ""}`;
}

// cell is a cell of a table that becomes a card on a phone, where its label stands beside it.
export const cell = (label, ...children) => make("td", { "data-label": label }, ...children);

// ask returns whether the operator confirmed. Focus begins on Cancel, and returns to where it was.
export function ask(title, text, yes) {
  const dialog = $("ask");
  $("ask-title").textContent = title;
  $("ask-text").textContent = text;
  $("ask-yes").textContent = yes;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((done) => dialog.addEventListener("close", () => done(dialog.returnValue === "yes"), { once: true }));
}

// say shows a message above the panels; bad: a failure. "" removes it.
export function say(text, bad = false) {
  const message = $("message");
  message.textContent = text;
  message.className = bad ? "notice bad" : "notice good";
  message.hidden = text === "";
}

// plural returns a count with its noun.
export const plural = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
