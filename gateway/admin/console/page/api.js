// Calls of the administration API. The token is kept for this tab alone, and sent in a header, never in a URL.

const kept = "cocart-gateway admin token";

export const token = {
  get: () => sessionStorage.getItem(kept) ?? "",
  set: (value) => sessionStorage.setItem(kept, value),
  forget: () => sessionStorage.removeItem(kept),
};

// shop is the shop that this tab shows; "" where the gateway has a single one.
const keptShop = "cocart-gateway shop";

export const shop = {
  get: () => sessionStorage.getItem(keptShop) ?? "",
  set: (name) => (name ? sessionStorage.setItem(keptShop, name) : sessionStorage.removeItem(keptShop)),
};

// Failure is an answer that is not 2xx, or none at all (status 0).
export class Failure extends Error {
  constructor(message, status, problems = []) {
    super(message);
    this.status = status;
    this.problems = problems;
  }
}

// call sends a request about the shop of this tab, and returns what was answered: an object, or text if it is not JSON.
export async function call(method, path, parameters = {}) {
  const about = { ...parameters, shop: path === "shops" ? "" : shop.get() };
  const query = new URLSearchParams(Object.entries(about).filter(([, value]) => value !== "" && value !== null && value !== undefined));
  const address = query.size ? `${path}?${query}` : path;
  let answer;
  try {
    answer = await fetch(address, { method, headers: { Authorization: `Bearer ${token.get()}` }, cache: "no-store", credentials: "omit" });
  } catch {
    throw new Failure("The gateway does not answer.", 0);
  }
  const text = await answer.text();
  const isJSON = (answer.headers.get("Content-Type") ?? "").includes("json");
  const body = isJSON ? JSON.parse(text) : text;
  if (answer.ok) return body;
  const wait = answer.headers.get("Retry-After");
  const message = (isJSON && body.message) || `The gateway answered ${answer.status}.`;
  throw new Failure(wait ? `${message} (Try again in ${wait} s.)` : message, answer.status, (isJSON && body.data?.problems) || []);
}
