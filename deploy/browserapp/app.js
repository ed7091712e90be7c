// A browser app in cookie mode: it logs in, asks and logs out, and has no tokens. It keeps the key of a guest's cart.

// The shop's address: "" where the app is on the shop's own host, else "https://shop.example.com". Such a shop lists the app's
// origin in cors.origins, with cors.credentials: true.
const shop = document.documentElement.dataset.shop ?? "";

// ask sends a request with the session cookie. A 401 means that the session is over, and the cookie is gone.
async function ask(path, options = {}) {
  const answer = await fetch(`${shop}/wp-json/cocart/${path}`, { credentials: "include", ...options });
  const body = await answer.json().catch(() => null);
  if (answer.ok) return body;
  throw Object.assign(new Error(body?.message ?? answer.statusText), { status: answer.status, wait: Number(answer.headers.get("Retry-After")) });
}

const post = (path, body = {}, headers = {}) =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json", ...headers }, body: JSON.stringify(body) });

const api = {
  login: (username, password) => post("v2/login", { username, password }, { "CoCart-Session": "cookie" }),
  me: () => ask("jwt/me"),
  renew: () => post("jwt/refresh-token"), // no app has to: each request renews by itself
  logout: () => post("v2/logout"),
  products: () => ask("v2/products"),
  cart: () => inCart(() => ask(`v2/cart${named()}`)),
  add: (id) => inCart(() => post(`v2/cart/add-item${named()}`, { id: String(id), quantity: "1" })),
};

// The key of a guest's cart, while there is something in that cart. All tabs share it.
const guestCart = {
  get key() { return localStorage.getItem("cart_key"); },
  set key(key) { key ? localStorage.setItem("cart_key", key) : localStorage.removeItem("cart_key"); },
};

const named = () => (guestCart.key ? `?cart_key=${encodeURIComponent(guestCart.key)}` : "");

// inCart sends a request about the cart, in which a guest names the cart by its key. The first request after a login names it once
// more, so that CoCart moves the guest's cart to the customer. The key is dropped with that request, and not with its answer:
// CoCart 4.7 empties the customer's cart when it gets the key again. Only 429 and 503 say that nothing was done.
async function inCart(request) {
  const key = guestCart.key;
  const asked = request();
  if (account) guestCart.key = null;
  const cart = await asked.catch((error) => {
    if (account && (error.status === 429 || error.status === 503)) guestCart.key = key;
    throw error;
  });
  const isCustomers = /^\d+$/.test(cart.cart_key ?? "");
  guestCart.key = account || isCustomers || !cart.item_count ? null : cart.cart_key;
  return cart;
}

// From here on it is only the page.

const $ = (id) => document.getElementById(id);
let account = null; // null: a guest
let renewals = 0;

function element(tag, text, action) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (action) made.addEventListener("click", () => run(action));
  return made;
}

function row(...cells) {
  const made = document.createElement("li");
  made.append(...cells);
  return made;
}

const money = (amount, currency) => {
  const digits = Number(currency?.currency_minor_unit ?? 2);
  return `${currency?.currency_prefix ?? currency?.currency_symbol ?? ""}${(Number(amount ?? 0) / 10 ** digits).toFixed(digits)}`;
};

// refreshAccount asks whose session the cookie is. The time of issue changes when the gateway renewed it.
async function refreshAccount() {
  const before = account;
  try {
    account = await api.me();
  } catch (error) {
    if (error.status !== 401) throw error;
    account = null;
  }
  if (before && account && before.session_id === account.session_id && before.issued !== account.issued) renewals++;
  $("login").hidden = account !== null;
  $("account").hidden = account === null;
  $("name").textContent = account ? `Hello, ${account.username}` : "";
  $("renewals").textContent = renewals;
  showExpiry();
}

function showExpiry() {
  const seconds = account ? Math.max(0, Math.round((Date.parse(account.expires) - Date.now()) / 1000)) : 0;
  $("expires").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

async function showCart() {
  const cart = await api.cart();
  const items = Object.values(cart.items ?? {});
  $("cart").replaceChildren(...items.map((item) => row(element("span", item.name), element("span", `× ${item.quantity?.value ?? item.quantity}`))));
  $("count").textContent = items.length ? `${cart.item_count} ${cart.item_count === 1 ? "item" : "items"}` : "The cart is empty.";
  $("total").textContent = items.length ? money(cart.totals?.total, cart.currency) : "";
}

async function showProducts() {
  const answer = await api.products();
  const products = Array.isArray(answer) ? answer : (answer.products ?? []);
  $("products").replaceChildren(...products.slice(0, 5).map((product) =>
    row(element("span", product.name), element("button", "Add", async () => { await api.add(product.id); await show(); }))));
}

async function show() {
  await refreshAccount();
  await showCart();
}

// run does what a button is for, and says what went wrong. After a 401 the page is a guest's.
async function run(action) {
  $("message").textContent = "";
  try {
    await action();
  } catch (error) {
    $("message").textContent = error.wait ? `${error.message} (Try again in ${error.wait} s.)` : error.message;
    if (error.status === 401 && account) await show().catch(() => {});
  }
}

$("login").querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const { username, password } = Object.fromEntries(new FormData(event.target));
  run(async () => { await api.login(username, password); await show(); await showProducts(); });
});
$("renew").addEventListener("click", () => run(async () => { await api.renew(); await refreshAccount(); }));
$("logout").addEventListener("click", () => run(async () => { await api.logout(); account = null; renewals = 0; await show(); await showProducts(); }));
setInterval(showExpiry, 1000);

await run(async () => { await show(); await showProducts(); });
document.documentElement.dataset.ready = "true";
