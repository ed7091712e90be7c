// The state of the process and what it depends on, the plots, and the dates of keys and certificates.
import { $, ago, make, when } from "./dom.js";
import { call } from "./api.js";
import { History, Plot, plots } from "./plots.js";

const history = new History();
const drawn = plots.map((definition) => new Plot(definition));
$("plots").append(...drawn.map((plot) => plot.element));

// refresh reads what changed since the last time. It also shows the state in the bar.
export async function refresh() {
  const [status, samples] = await Promise.all([call("GET", "status"), call("GET", "history", { since: history.newest || "" })]);
  history.add(samples);
  for (const plot of drawn) plot.draw(history);
  showStates(status);
  showKeys(status.keys);
  showCertificates(status.certificates);
}

function showStates(status) {
  const { readiness, serving } = status;
  const good = readiness.redis === "ok" && readiness.wordpress === "ok" && readiness.plugin !== "not seen";
  const word = !serving.serving ? serving.why : good ? "all is well" : "something is wrong";
  $("state").className = `state ${serving.serving && good ? "good" : "bad"}`;
  if ($("state").textContent !== word) $("state").textContent = word;
  const nodes = Object.entries(readiness.nodes ?? {});
  const items = [
    state("Redis", readiness.redis === "ok", readiness.redis === "ok" ? "answers" : "does not answer: no login or refresh"),
    state("WordPress", readiness.wordpress === "ok", readiness.wordpress === "ok" ? "answers" : "does not answer"),
    ...nodes.map(([name, how]) => state(name, how === "ok", how === "ok" ? "answers" : "does not answer")),
    state("Plugin", readiness.plugin !== "not seen", readiness.plugin === "not seen" ? "not seen: logins fail" : `version ${readiness.plugin}`),
    state("Gateway", serving.serving, `${serving.serving ? "serving" : serving.why}, started ${ago(status.started)}`, `version ${status.version} (${status.revision})`),
  ];
  if (readiness.dry_run) items.push(state("Dry run", false, "on: nothing is enforced"));
  $("states").replaceChildren(...items);
}

function state(name, good, text, more = "") {
  return make("li", { class: `card state-card ${good ? "good" : "bad"}` },
    make("span", { class: "mark", "aria-hidden": "true" }, good ? "✓" : "✗"),
    make("strong", {}, name), make("span", {}, text), more ? make("small", {}, more) : null);
}

const uses = { signs: "signs", verifies: "verifies only", retired: "retired" };

function showKeys(keys) {
  $("keys").tBodies[0].replaceChildren(...keys.map((key) => make("tr", {},
    make("th", { scope: "row" }, key.id), make("td", {}, key.algorithm),
    make("td", {}, make("span", { class: `tag ${key.use === "retired" ? "bad" : key.use === "signs" ? "good" : ""}` }, uses[key.use] ?? key.use)),
    make("td", {}, key.retire_at ? when(key.retire_at) : "never"))));
}

const soon = 14 * 24 * 3600 * 1000; // a certificate of an authority is renewed a month before its end

function showCertificates(certificates) {
  $("certificates").hidden = certificates.length === 0;
  $("no-certificates").hidden = certificates.length > 0;
  $("certificates").tBodies[0].replaceChildren(...certificates.map((certificate) => make("tr", {},
    make("th", { scope: "row" }, certificate.names.join(", ")),
    make("td", { class: Date.parse(certificate.expires) - Date.now() < soon ? "bad" : null }, when(certificate.expires)))));
}
