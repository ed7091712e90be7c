// The configuration in force, and what a reload would change.
import { $, ask, make, plural, say } from "./dom.js";
import { call } from "./api.js";

export async function refresh() {
  $("in-force").textContent = await call("GET", "config");
  await look();
}

async function look() {
  $("reload").hidden = true;
  try {
    showChanges(await call("GET", "config/changes"));
  } catch (failure) {
    if (failure.status === 404) showText("This gateway does not reload its configuration (reload: off).");
    else if (failure.problems.length) showProblems(failure.problems);
    else throw failure;
  }
}

const showText = (text) => $("changes").replaceChildren(make("p", {}, text));

function showProblems(problems) {
  $("changes").replaceChildren(make("p", { class: "bad" }, `The file has ${plural(problems.length, "problem")}. A reload would change nothing.`),
    make("ul", {}, ...problems.map((problem) => make("li", {}, make("code", {}, problem)))));
}

function showChanges({ changed, restart_needed: later }) {
  if (changed.length + later.length === 0) return showText("Nothing: the file says what is in force.");
  const list = (title, keys) => (keys.length ? [make("p", {}, title), make("ul", {}, ...keys.map((key) => make("li", {}, make("code", {}, key))))] : []);
  $("changes").replaceChildren(...list("At once:", changed), ...list("At the next start:", later));
  $("reload").hidden = changed.length === 0;
}

async function run(action) {
  say("");
  try {
    await action();
  } catch (failure) {
    say(failure.message, true);
  }
}

$("look").addEventListener("click", () => run(look));
$("reload").addEventListener("click", () => run(async () => {
  if (!await ask("Reload the configuration?", "Requests that begin from now on follow the file.", "Reload")) return;
  const { changed } = await call("POST", "reload");
  await refresh();
  say(`${plural(changed.length, "key")} changed.`);
}));
