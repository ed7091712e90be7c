// A page that no origin list names tries to use the session of the app that was visited before, then goes back there.
import { ask, json } from "./steps.js";

const here = new URL(location);
const gateway = here.searchParams.get("gateway");
const cart = gateway + "/wp-json/cocart/v2/cart";
const cookies = { credentials: "include" };
const outcome = (seen) => String(seen.refused ?? seen.status);
const asked = (path, options) => ask(gateway, path, options).then(outcome);
const loaded = (tag, address) => new Promise((done) => {
  const element = document.createElement(tag);
  element.onload = element.onerror = done;
  element.src = address;
  document.body.append(element);
});
const submitted = (address) => new Promise((done) => {
  const frame = document.createElement("iframe"), form = document.createElement("form");
  frame.name = "target";
  Object.assign(form, { method: "POST", action: address, target: "target" });
  document.body.append(frame, form);
  frame.onload = () => { try { void frame.contentDocument.body; if (frame.contentWindow.location.href === "about:blank") return; } catch { /* loaded */ } done(); };
  form.submit();
});

const attack = {
  "the attacker reads": await asked("/wp-json/cocart/v2/cart?from=reads", cookies),
  "the attacker acts": await asked("/wp-json/cocart/v2/cart/add-item?from=acts", { ...cookies, method: "POST", headers: json, body: '{"id":"12"}' }),
  "the attacker asks for the cookie": await asked("/wp-json/cocart/v2/login", { ...cookies, method: "POST", headers: { ...json, "CoCart-Session": "cookie" }, body: '{"username":"alice","password":"wonderland-1"}' }),
};
await fetch(cart + "?from=blind", { ...cookies, mode: "no-cors" });
await fetch(cart + "/add-item?from=blind-post", { ...cookies, mode: "no-cors", method: "POST", body: new URLSearchParams({ id: "12" }) });
await fetch(gateway + "/wp-json/cocart/v2/logout?from=logout", { ...cookies, mode: "no-cors", method: "POST" });
await loaded("img", cart + "/add-item?from=image&_method=POST&id=12");
await loaded("script", cart + "?from=script&_jsonp=leak");
await loaded("iframe", cart + "?from=frame");
await submitted(cart + "/add-item?from=form&id=12");
const back = new URL(here.searchParams.get("back"));
back.searchParams.set("attack", JSON.stringify(attack));
location.href = back;
