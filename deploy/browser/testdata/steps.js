// What the visits share: a fetch whose outcome, as far as the page may see it, is
// plain data.
export const json = { "Content-Type": "application/json" };

export async function ask(gateway, path, options = {}, headers = []) {
  let answer;
  try {
    answer = await fetch(gateway + path, options);
  } catch (refused) {
    return { refused: refused.name };
  }
  const text = await answer.text();
  const seen = { status: answer.status, body: text.startsWith("{") ? JSON.parse(text) : text };
  for (const name of headers) seen[name] = answer.headers.get(name);
  return seen;
}

export async function report(results, address = "/report") {
  await fetch(address, { method: "POST", mode: "no-cors", body: JSON.stringify(results) });
}
