// Every kind of request once: which of them can the page read?
import { ask, json, report } from "./steps.js";

const gateway = new URLSearchParams(location.search).get("gateway");
const outcome = (seen) => String(seen.refused ?? seen.status);
const cart = "/wp-json/cocart/v2/cart";

await report({
  guest: outcome(await ask(gateway, cart)),
  bearer: outcome(await ask(gateway, cart, { headers: { Authorization: "Bearer a.b.c" } })),
  login: outcome(await ask(gateway, "/wp-json/cocart/v2/login", { method: "POST", headers: json, body: '{"username":"alice","password":"wonderland-1"}' })),
  cookies: outcome(await ask(gateway, cart, { credentials: "include" })),
});
