// The live sessions: search, pages, and ends.
import { $, ask, cell, device, make, plural, say, when } from "./dom.js";
import { call } from "./api.js";

const perPage = 25;
let shown = {}; // the parameters of the list, without the page

// parametersOf reads what an operator typed: digits are an id, what looks like an address or a network is one, anything else is a
// login name or an e-mail address.
export function parametersOf(text) {
  const typed = text.trim();
  if (typed === "") return {};
  if (/^\d+$/.test(typed)) return { user_id: typed };
  if (/^[\d.]+(\/\d+)?$/.test(typed) || /^[0-9a-f:.]*:[0-9a-f:.]*(\/\d+)?$/i.test(typed)) return { address: typed };
  return { user: typed };
}

export async function refresh() {
  const [sort, order] = $("sort").value.split(" ");
  shown = { ...parametersOf($("find").value), sort, order, limit: perPage };
  await show("");
}

async function show(after) {
  const page = await call("GET", "sessions", { ...shown, after });
  $("count").textContent = page.total === 0 ? "No live session." : `${plural(page.total, "live session")}${page.total > page.sessions.length ? `, ${page.sessions.length} on this page` : ""}`;
  $("session-list").hidden = page.total === 0;
  $("session-list").tBodies[0].replaceChildren(...page.sessions.map(row));
  $("next-page").hidden = !page.next;
  $("next-page").onclick = () => run(() => show(page.next));
  $("first-page").hidden = after === "";
  offerUser(page);
}

// offerUser offers to end all sessions of a user where the list is of one user.
function offerUser(page) {
  const [first] = page.sessions;
  const ofUser = Boolean(first && (shown.user_id || shown.user));
  $("end-user").hidden = !ofUser;
  if (!ofUser) return;
  $("end-user").textContent = `End all sessions of user ${first.user_id}`;
  $("end-user").onclick = () => run(() => endUser(first, page.total));
}

function row(session) {
  const end = make("button", { type: "button", class: "danger small", "aria-label": `End the session of ${name(session)} on ${device(session.device)}`, onclick: () => run(() => endOne(session)) }, "End");
  return make("tr", { "data-session": session.id },
    cell("User", make("strong", {}, session.login || "–"), make("small", {}, `id ${session.user_id}`)),
    cell("Device", make("span", { title: session.device || null }, device(session.device))),
    cell("Address", make("code", {}, session.address || "–")),
    cell("Logged in", when(session.created)), cell("Last used", when(session.last_used)), cell("Expires", when(session.expires)),
    make("td", { class: "action" }, end));
}

const name = (session) => session.login || `user ${session.user_id}`;

async function endOne(session) {
  if (!await ask("End this session?", `${name(session)} is logged out on ${device(session.device)}. Other sessions go on.`, "End session")) return;
  await call("DELETE", `sessions/${session.id}`);
  await refresh();
  say(`The session of ${name(session)} ended.`);
}

async function endUser(session, total) {
  if (!await ask("End all sessions of this user?", `${name(session)} is logged out everywhere (${plural(total, "session")}).`, "End all")) return;
  const { ended } = await call("DELETE", "sessions", { user_id: session.user_id });
  await refresh();
  say(`${plural(ended, "session")} of ${name(session)} ended.`);
}

async function run(action) {
  say("");
  try {
    await action();
  } catch (failure) {
    say(failure.message, true);
  }
}

$("search").addEventListener("submit", (event) => { event.preventDefault(); run(refresh); });
$("sort").addEventListener("change", () => run(refresh));
$("first-page").addEventListener("click", () => run(() => show("")));
