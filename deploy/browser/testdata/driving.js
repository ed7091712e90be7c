// Uses the example app (deploy/browserapp) as a customer does, in a frame, and reports what the page shows.
import { report } from "./steps.js";

const frame = document.createElement("iframe");
const loaded = () => new Promise((done) => { frame.onload = done; });
frame.src = "/browserapp/";
document.body.append(frame);
await loaded();
let page = frame.contentDocument;
const $ = (id) => page.getElementById(id);
const until = async (holds) => { while (!holds()) await new Promise((done) => setTimeout(done, 20)); };
const shows = () => ({
  account: $("account").hidden ? "guest" : $("name").textContent,
  cart: $("cart").textContent, renewals: $("renewals").textContent, message: $("message").textContent,
});
const clock = new URLSearchParams(location.search).get("clock");
const add = () => page.querySelector("#products button").click();

const ready = () => page.documentElement.dataset.ready === "true";
await until(ready);
const first = shows();
add();
await until(() => shows().cart !== first.cart);
const added = shows();
const reload = async () => {
  frame.contentWindow.location.reload();
  await loaded();
  page = frame.contentDocument;
  await until(ready);
  return shows();
};
const guestReloads = await reload();
page.forms[0].password.value = "wrong";
page.forms[0].querySelector("button").click();
await until(() => $("message").textContent !== "");
const refused = shows();
page.forms[0].password.value = "wonderland-1";
page.forms[0].querySelector("button").click();
await until(() => !$("account").hidden && $("cart").textContent !== refused.cart);
const loggedIn = shows();
// The products after the login are on their way: the clock of WordPress must not move under their assertion.
const lists = () => frame.contentWindow.performance.getEntriesByType("resource").filter((entry) => entry.name.endsWith("v2/products")).length;
await until(() => lists() === 2);
await fetch(clock, { method: "POST", mode: "no-cors" });
add();
await until(() => $("renewals").textContent === "1" && shows().cart !== loggedIn.cart);
const renewed = shows();
const reloaded = await reload();
$("logout").click();
await until(() => $("account").hidden && !$("login").hidden && $("cart").textContent !== reloaded.cart);
const loggedOut = shows();
const readable = [document.cookie, JSON.stringify(localStorage), JSON.stringify(sessionStorage)].join(" ");
add();
await until(() => shows().cart !== loggedOut.cart);

await report({
  first, added, "a guest reloads": guestReloads, refused, "logged in": loggedIn, renewed, reloaded, "logged out": loggedOut,
  "what scripts can read": readable, "added after the logout": shows(),
}, new URLSearchParams(location.search).get("report"));
