// What is locked out after wrong passwords or too many requests.
import { $, ask, cell, make, plural, say, when } from "./dom.js";
import { call } from "./api.js";
import { parametersOf } from "./sessions.js";

const counters = {
  account: "wrong passwords of an account", account_network: "wrong passwords of an account from a network", second_factor: "wrong second factors",
  address: "wrong passwords from an address", subnet: "wrong passwords from a subnet", network: "wrong passwords from a network", overall: "wrong passwords of all clients",
  refresh: "refreshes", validate: "validations", requests: "requests from an address", session_requests: "requests of a session",
  newcomer_account: "clients without a good record", app_server: "wrong keys of app servers",
};

export async function refresh() {
  const { lockouts } = await call("GET", "lockouts");
  $("lockout-count").textContent = lockouts.length === 0 ? "Nothing is locked out." : plural(lockouts.length, "lockout");
  $("lockout-list").hidden = lockouts.length === 0;
  $("clear-all").hidden = lockouts.length === 0;
  $("lockout-list").tBodies[0].replaceChildren(...lockouts.map(row));
}

function row(lockout) {
  const user = /^user:(\d+)/.exec(lockout.whose ?? "")?.[1];
  const clear = user && make("button", { type: "button", class: "small", "aria-label": `Clear the lockouts of user ${user}`, onclick: () => run(() => clearThose({ user_id: user }, `user ${user}`)) }, "Clear");
  return make("tr", {},
    cell("Counter", counters[lockout.counter] ?? lockout.counter),
    cell("Whose", user ? `user ${user}` : make("code", {}, lockout.whose || "all clients")),
    cell("One more", when(lockout.until)), cell("All again", when(lockout.reset)), make("td", { class: "action" }, clear || ""));
}

async function clearThose(parameters, whose) {
  const { cleared } = await call("DELETE", "lockouts", parameters);
  await refresh();
  say(cleared.length === 0 ? `There was no lockout of ${whose}. Counters below their limits are cleared.` : `${plural(cleared.length, "lockout")} of ${whose} cleared.`);
}

async function run(action) {
  say("");
  try {
    await action();
  } catch (failure) {
    say(failure.message, true);
  }
}

$("clear").addEventListener("submit", (event) => {
  event.preventDefault();
  const typed = $("clear-what").value.trim();
  run(() => clearThose(parametersOf(typed), typed));
});
$("clear-all").addEventListener("click", () => run(async () => {
  if (await ask("Clear all lockouts?", "Every counter begins anew, also those that stop an attack under way.", "Clear all")) await clearThose({ all: "true" }, "all clients");
}));
