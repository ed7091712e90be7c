// A guest of the example app (deploy/browserapp) fills a cart and logs in, and the request that moves the cart fails.
import { report } from "./steps.js";

const frame = document.createElement("iframe");
frame.src = "/browserapp/";
document.body.append(frame);
await new Promise((done) => { frame.onload = done; });
const page = frame.contentDocument;
const $ = (id) => page.getElementById(id);
const until = async (holds) => { while (!holds()) await new Promise((done) => setTimeout(done, 20)); };
const add = () => page.querySelector("#products button").click();

await until(() => page.documentElement.dataset.ready === "true");
add();
await until(() => $("cart").textContent !== "");
page.forms[0].querySelector("button").click();
await until(() => $("message").textContent !== "");
const message = $("message").textContent;
add();
await until(() => $("cart").textContent.includes("customer"));
await report({ message, cart: $("cart").textContent, "what scripts can read": JSON.stringify(localStorage) }, new URLSearchParams(location.search).get("report"));
