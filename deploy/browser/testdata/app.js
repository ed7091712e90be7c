// An app in cookie mode on another origin logs in, lets an attacker's page be visited, and then looks what became of its session.
import { ask, json, report } from "./steps.js";

const here = new URL(location);
const gateway = here.searchParams.get("gateway");
const cookies = { credentials: "include" };
const outcome = (seen) => [seen.refused ?? seen.status, seen.body?.code ?? seen.body?.cart_key ?? ""].join(" ").trim();
const cart = async () => outcome(await ask(gateway, "/wp-json/cocart/v2/cart", cookies));
const logout = async () => outcome(await ask(gateway, "/wp-json/cocart/v2/logout", { ...cookies, method: "POST" }));

if (!here.searchParams.has("attack")) {
  const login = await ask(gateway, "/wp-json/cocart/v2/login", { ...cookies, method: "POST", headers: { ...json, "CoCart-Session": "cookie" }, body: '{"username":"alice","password":"wonderland-1"}' });
  const seen = { login: login.refused ?? login.status, "tokens in the answer": JSON.stringify(login.body).includes("jwt_"), cart: await cart() };
  await fetch("/later", { method: "POST" });
  seen["cart, days later"] = await cart();
  const back = new URL(here);
  back.searchParams.set("before", JSON.stringify(seen));
  location.href = here.searchParams.get("evil") + "&gateway=" + encodeURIComponent(gateway) + "&back=" + encodeURIComponent(back);
} else {
  await report({
    ...JSON.parse(here.searchParams.get("before")), ...JSON.parse(here.searchParams.get("attack")),
    "cart after the attack": await cart(), logout: await logout(), "cart after the logout": await cart(),
  });
}
