// Small plots of the last half hour. Each is one SVG; the values of the time below the pointer stand in its legend.
import { make } from "./dom.js";

const width = 320, height = 96, top = 6, bottom = 4;

const perSecond = (v) => `${v >= 100 ? Math.round(v) : v.toFixed(v >= 10 ? 1 : 2)}/s`;
const seconds = (v) => (v < 0.01 ? `${(v * 1000).toFixed(2)} ms` : v < 1 ? `${Math.round(v * 1000)} ms` : `${v.toFixed(1)} s`);
const count = (v) => String(Math.round(v));

export const plots = [
  { title: "Requests", unit: perSecond, lines: [["CoCart", "requests_cocart"], ["login and tokens", "requests_tokens"], ["rest of the shop", "requests_site"]] },
  { title: "Refusals and failures", unit: perSecond, lines: [["no valid token (401, 403)", "refused_unauthorized"], ["limit reached (429)", "refused_limited"], ["failed (5xx)", "failed"]] },
  { title: "Answer time", unit: seconds, lines: [["half of all below", "answer_seconds_p50"], ["95 % below", "answer_seconds_p95"], ["WordPress, 95 % below", "wordpress_seconds_p95"]] },
  { title: "Requests at WordPress", unit: count, lines: [["being answered", "wordpress_in_flight"], ["waiting in the queue", "wordpress_queued"]] },
  { title: "Logins and sessions", unit: perSecond, lines: [["sessions started", "sessions_started"], ["refreshes", "refreshes"], ["logins refused", "logins_refused"]] },
  { title: "Redis", unit: seconds, lines: [["95 % of commands below", "redis_seconds_p95"]] },
];

// History is what was read so far; add joins newer samples to it.
export class History {
  at = [];
  series = {};

  add(samples, most = 360) {
    this.at = [...this.at, ...samples.at].slice(-most);
    for (const [name, values] of Object.entries(samples.series)) this.series[name] = [...(this.series[name] ?? []), ...values].slice(-most);
  }

  get newest() { return this.at.at(-1) ?? 0; }
}

// Plot draws one of them, again for each sample.
export class Plot {
  constructor(definition) {
    this.definition = definition;
    this.values = definition.lines.map(() => make("b"));
    this.svg = make("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img" });
    this.scale = make("span", { class: "scale" });
    this.element = make("figure", { class: "card plot" },
      make("figcaption", {}, definition.title),
      make("div", { class: "canvas" }, this.scale, this.svg),
      make("p", { class: "axis", "aria-hidden": "true" }, make("span", {}, "30 minutes ago"), this.time = make("span", {}, "now")),
      make("ul", { class: "legend" }, ...definition.lines.map(([name], i) => make("li", { class: `line-${i}` }, make("span", {}, name), this.values[i]))));
    this.svg.addEventListener("pointermove", (event) => this.point(event));
    this.svg.addEventListener("pointerleave", () => { this.pointed = null; this.draw(this.history); });
  }

  point(event) {
    const box = this.svg.getBoundingClientRect();
    const { at } = this.history;
    if (!at.length) return;
    const time = this.from + (event.clientX - box.left) / box.width * (this.to - this.from);
    this.pointed = at.reduce((best, t, i) => (Math.abs(t - time) < Math.abs(at[best] - time) ? i : best), 0);
    this.draw(this.history);
  }

  draw(history) {
    this.history = history;
    const { at } = history;
    const { lines, unit, title } = this.definition;
    this.to = at.at(-1) ?? Date.now();
    this.from = this.to - 30 * 60 * 1000;
    const series = lines.map(([, name]) => history.series[name] ?? []);
    const largest = Math.max(0, ...series.flat().filter((v) => v !== null));
    const roof = roundUp(largest || 1);
    const x = (i) => (at[i] - this.from) / (this.to - this.from) * width;
    const y = (v) => top + (1 - v / roof) * (height - top - bottom);
    const shown = this.pointed ?? at.length - 1;
    this.time.textContent = shown === at.length - 1 ? "now" : new Date(at[shown]).toLocaleTimeString();
    this.scale.textContent = largest ? unit(roof) : "";
    this.svg.replaceChildren(
      ...[0, 0.5, 1].map((part) => make("line", { class: "grid", x1: 0, x2: width, y1: y(roof * part), y2: y(roof * part) })),
      ...series.map((values, i) => make("path", { class: `line-${i}`, d: path(values, x, y), "vector-effect": "non-scaling-stroke" })),
      ...(this.pointed === null || this.pointed === undefined ? [] : [make("line", { class: "pointer", x1: x(shown), x2: x(shown), y1: top, y2: height - bottom })]));
    series.forEach((values, i) => { this.values[i].textContent = text(values[shown], unit); });
    this.svg.setAttribute("aria-label", `${title}, the last half hour: ` + lines.map(([name], i) => `${name} ${text(series[i].at(-1), unit)}`).join(", "));
  }
}

const text = (value, unit) => (value === null || value === undefined ? "–" : unit(value));

// path joins the values; a gap stays a gap, and a value between two gaps is a dot.
function path(values, x, y) {
  let joined = false;
  return values.map((value, i) => {
    if (value === null) { joined = false; return ""; }
    const step = `${joined ? "L" : "M"}${x(i).toFixed(1)} ${y(value).toFixed(1)}`;
    const alone = !joined && (values[i + 1] === null || i + 1 === values.length);
    joined = true;
    return alone ? `${step}h0.1` : step;
  }).join("");
}

// roundUp returns the next of 1, 2 and 5 times a power of ten.
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= value * 0.999);
}
