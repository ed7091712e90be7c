// Shops with CoCart's published JavaScript library, step by step, and prints what
// came of each step as one line of JSON.
import CoCart from "@cocart/cocart-rest-api";

const url = process.argv[2];
const { username, password } = JSON.parse(process.argv[3]);
const api = (options) => new CoCart({ url, ...options });

// The library knows API keys only. What an app adds for a token replaces all of
// the library's own headers, Content-Type among them.
const withToken = (token, options) =>
  api({ axiosConfig: { headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" } }, ...options });

const say = (step, told) => console.log(JSON.stringify({ step, ...told }));
const cart = ({ status, headers, data }) => ({
  status,
  cart: data.cart_key?.startsWith("t_") ? "a guest's" : data.cart_key,
  header: headers["cart-key"] === data.cart_key,
  items: data.items?.map((item) => `${item.quantity.value} ${item.name}`),
});
const refusal = ({ response }) => ({ status: response?.status, code: response?.data?.code });
const refused = (request) => request.then(cart, refusal);

const guest = api();
const products = await guest.get("products");
say("products", { status: products.status, found: products.data.products.length });
const [mug, notebook] = products.data.products;

const added = await guest.post("cart/add-item", { id: String(mug.id), quantity: "1" });
say("a guest adds an item", cart(added));
const key = added.headers["cart-key"];
say("the guest's cart", cart(await guest.get(`cart?cart_key=${key}`)));

say("a wrong password", await refused(guest.post("login", { username, password: `not ${password}` })));
const login = await guest.post("login", { username, password });
const { jwt_token, jwt_refresh } = login.data.extras;
say("login", { status: login.status, user: login.data.user_id, tokens: [jwt_token.split(".").length, jwt_refresh.length] });

const customer = withToken(jwt_token);
say("the guest's cart moves over", cart(await customer.get(`cart?cart_key=${key}`)));
const more = await customer.post("cart/add-item", { id: String(notebook.id), quantity: "2" });
say("the customer adds an item", cart(more));
const [first, second] = more.data.items;
say("another quantity", cart(await customer.post(`cart/item/${first.item_key}`, { quantity: "3" })));
say("more than there is", await refused(customer.post(`cart/item/${first.item_key}`, { quantity: "1000" })));
say("an item goes", cart(await customer.delete(`cart/item/${second.item_key}`)));

const refresh = await withToken("an.expired.token", { version: "cocart" }).post("jwt/refresh-token", { refresh_token: jwt_refresh });
say("refresh beside a bad token", { status: refresh.status, keys: Object.keys(refresh.data) });
const renewed = withToken(refresh.data.token);
const valid = await withToken(refresh.data.token, { version: "cocart" }).post("jwt/validate-token");
say("validate", { status: valid.status, message: valid.data.message });
say("the cart with the new token", cart(await renewed.get("cart")));

const logout = await renewed.post("logout");
say("logout", { status: logout.status, data: logout.data });
say("the cart afterwards", await refused(renewed.get("cart")));
say("refresh afterwards", await refused(withToken("", { version: "cocart" }).post("jwt/refresh-token", { refresh_token: refresh.data.refresh_token })));
say("the cart by name and password", cart(await api({ consumerKey: username, consumerSecret: password }).get("cart")));
say("a bad token", await refused(withToken("a.b.c").get("cart")));
