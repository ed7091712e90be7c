// The report of the doctor.
import { $, make, plural, say } from "./dom.js";
import { call } from "./api.js";

const marks = { ok: "✓", warning: "!", problem: "✗", unchecked: "·" };
const titles = { configuration: "Configuration", tokens: "Tokens", listeners: "Listeners", redis: "Redis", wordpress: "WordPress" };

function summary(checks) {
  const n = (status) => checks.filter((check) => check.status === status).length;
  if (n("problem") + n("warning") === 0) return ["No problems found.", "good"];
  return [`${plural(n("problem"), "problem")}, ${plural(n("warning"), "warning")}.`, n("problem") ? "bad" : "warn"];
}

function show({ checks }) {
  const [text, kind] = summary(checks);
  const groups = Map.groupBy(checks, (check) => check.group);
  $("report").replaceChildren(make("p", { class: `notice ${kind}`, role: "status" }, text),
    ...[...groups].map(([group, inside]) => make("article", { class: "card" }, make("h2", {}, titles[group] ?? group), make("ul", { class: "checks" }, ...inside.map(line)))));
}

const line = (check) => make("li", { class: check.status },
  make("span", { class: "mark", "aria-hidden": "true" }, marks[check.status]), make("span", { class: "hidden" }, `${check.status}: `),
  make("div", {}, make("p", {}, check.found), check.advice ? make("p", { class: "advice" }, check.advice) : null));

$("examine").addEventListener("click", async () => {
  say("");
  $("examine").disabled = true;
  $("examining").textContent = "Asking Redis and WordPress …";
  try {
    show(await call("POST", "doctor"));
  } catch (failure) {
    say(failure.message, true);
  }
  $("examining").textContent = "";
  $("examine").disabled = false;
});
