// Login, the choice of the shop and of the panel, and the refresh of what is shown.
import { $, make, say } from "./dom.js";
import { call, shop, token } from "./api.js";
import * as overview from "./overview.js";
import * as sessions from "./sessions.js";
import * as lockouts from "./lockouts.js";
import * as configuration from "./configuration.js";
import "./doctor.js";

const panels = { overview, sessions, lockouts, configuration, doctor: null };
const every = 5000; // milliseconds; the gateway takes samples as often
let timer = 0;

// The fragment is #/sessions and not #sessions: a browser would move the focus to an element of that name. Every object has
// constructor and toString, which are no panels.
const chosen = () => (Object.hasOwn(panels, location.hash.slice(2)) ? location.hash.slice(2) : "overview");

async function open() {
  $("login").hidden = true;
  $("console").hidden = $("leave").hidden = false;
  $("token").value = $("login-error").textContent = "";
  clearInterval(timer);
  await attempt(readShops);
  if (!token.get()) return; // it is not accepted any more
  timer = setInterval(tick, every);
  choose();
}

// readShops shows which shops there are, if there are several, and chooses the first one in a new tab.
async function readShops() {
  const { shops } = await call("GET", "shops");
  shop.set(shops.includes(shop.get()) ? shop.get() : shops[0]);
  $("shop").replaceChildren(...shops.map((name) => make("option", { value: name }, name)));
  $("shop").value = shop.get();
  $("shop").hidden = shops.length === 0;
}

function close(why = "") {
  clearInterval(timer);
  token.forget();
  shop.set("");
  $("console").hidden = $("leave").hidden = $("shop").hidden = true;
  $("state").textContent = "";
  $("login").hidden = false;
  $("login-error").textContent = why;
  $("token").focus();
}

// attempt does something and shows why it failed. A token that is not accepted any more leads back to the login.
async function attempt(action) {
  try {
    await action();
    return true;
  } catch (failure) {
    if (failure.status === 401 || failure.status === 429) close(failure.message); // 429: after many wrong ones
    else say(failure.message, true);
    return false;
  }
}

async function choose() {
  const name = chosen();
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#/${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  for (const panel of Object.keys(panels)) $(panel).hidden = panel !== name;
  document.title = `${$(`${name}-title`).textContent} – cocart-gateway`;
  say("");
  if (panels[name]) await attempt(panels[name].refresh);
  if (name !== "overview") await attempt(overview.refresh); // the state in the bar
  document.documentElement.dataset.ready = name;
}

let failing = false;

// tick refreshes the overview. The lists stay as they are: a row must not move below the pointer.
async function tick() {
  if (document.hidden) return;
  const works = await attempt(overview.refresh);
  if (works && failing) say("");
  failing = !works;
}

$("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  token.set($("token").value.trim());
  try {
    await call("GET", "shops");
  } catch (failure) {
    close(failure.message);
    $("token").select();
    return;
  }
  open();
  $("main").focus();
});
$("shop").addEventListener("change", () => {
  shop.set($("shop").value);
  location.reload(); // every panel begins anew
});
$("leave").addEventListener("click", () => close());
addEventListener("hashchange", choose);

if (token.get()) open();
else close();
