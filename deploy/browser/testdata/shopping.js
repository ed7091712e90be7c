// A customer's visit, from login to trouble.
import { ask, json, report } from "./steps.js";

const gateway = new URLSearchParams(location.search).get("gateway");
const post = (body) => ({ method: "POST", headers: json, body: JSON.stringify(body) });
const bearer = (token) => ({ headers: { Authorization: "Bearer " + token } });
const keys = ["Cart-Key", "CoCart-API-Cart-Key"];

const login = await ask(gateway, "/wp-json/cocart/v2/login", post({ username: "alice", password: "wonderland-1" }));
const cart = await ask(gateway, "/wp-json/cocart/v2/cart", bearer(login.body.extras.jwt_token), keys);
const pair = await ask(gateway, "/wp-json/cocart/jwt/refresh-token", post({ refresh_token: login.body.extras.jwt_refresh }));
const again = await ask(gateway, "/wp-json/cocart/v2/cart", bearer(pair.body.token), keys);
const wrong = await ask(gateway, "/wp-json/cocart/v2/login", post({ username: "alice", password: "wrong" }));
const bad = await ask(gateway, "/wp-json/cocart/v2/cart", bearer("a.b.c"), ["WWW-Authenticate"]);
const guest = await ask(gateway, "/wp-json/cocart/v2/cart", { headers: { "Cart-Key": "t_1" } }, keys);
const removed = await ask(gateway, "/wp-json/cocart/v2/cart", { method: "DELETE", headers: { "If-None-Match": '"1"' } });
const busy = await ask(gateway, "/wp-json/cocart/v2/busy", {}, ["Retry-After", "RateLimit-Remaining"]);
await fetch("/close-store", { method: "POST" });
const away = await ask(gateway, "/wp-json/cocart/jwt/refresh-token", post({ refresh_token: pair.body.refresh_token }), ["Retry-After"]);
const cookies = await ask(gateway, "/wp-json/cocart/v2/cart", { credentials: "include" });
const unknown = await ask(gateway, "/wp-json/cocart/v2/cart", { headers: { "X-Secret": "1" } });

await report({
  login: login.status,
  cart: [cart.status, cart.body.cart_key, cart["Cart-Key"], cart["CoCart-API-Cart-Key"]].join(" "),
  refresh: pair.status,
  again: [again.status, again.body.cart_key].join(" "),
  "wrong password": [wrong.status, wrong.body.code].join(" "),
  "bad token": [bad.status, bad.body.code, bad["WWW-Authenticate"].split(",")[0]].join(" "),
  guest: [guest.status, guest["Cart-Key"]].join(" "),
  removed: removed.status,
  busy: [busy.status, busy["Retry-After"], busy["RateLimit-Remaining"]].join(" "),
  "store away": [away.status, away.body.code, away["Retry-After"]].join(" "),
  "with cookies": cookies.refused,
  "a header not allowed": unknown.refused,
});
