// What every page does: times and figures in the reader's language, forms that are sent without
// losing what was typed, the state of the connection, and verdicts that grow old before the eyes.
import { scanning } from "./scan.js";
import { rows } from "./items.js";
import { proof } from "./proof.js";
import { live } from "./alerts.js";
import { batch } from "./batch.js";

const words = document.body.dataset;
const language = document.documentElement.lang;
const notice = document.getElementById("notice");
const TIMEOUT_MS = 20000;
const SLOW_MS = 1500;
const SOON_MS = 120000;
const RENEW_MS = 15000;
const others = new BroadcastChannel("passavant");

export function say(text, kind = "") {
  notice.className = kind;
  notice.textContent = text;
}

export function localise(root) {
  const time = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
  const day = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" });
  for (const element of root.querySelectorAll("time[data-time], time[data-day]")) {
    const at = new Date(element.dateTime);
    if (!Number.isNaN(at.valueOf())) element.textContent = ("day" in element.dataset ? day : time).format(at);
  }
  const short = new Intl.DateTimeFormat(language, { month: "short", day: "numeric" });
  for (const element of root.querySelectorAll("[data-short-day]")) element.textContent = short.format(new Date(element.dataset.shortDay));
  const hour = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  for (const element of root.querySelectorAll("[data-hour]")) element.textContent = hour.format(new Date(element.dataset.hour));
  const figure = new Intl.NumberFormat(language, { maximumFractionDigits: 6 });
  for (const element of root.querySelectorAll("data[value]")) {
    if (/^-?\d+(\.\d+)?$/.test(element.value)) element.textContent = figure.format(element.value);
  }
  // A form's time is now, at the offset of the machine at the counter, until somebody says otherwise.
  for (const field of root.querySelectorAll("input[data-now]")) {
    if (field.value) continue;
    const now = new Date(), offset = -now.getTimezoneOffset(), two = n => String(Math.trunc(n)).padStart(2, "0");
    const local = new Date(now.valueOf() + offset * 60000).toISOString().slice(0, 19);
    field.value = `${local}${offset < 0 ? "-" : "+"}${two(Math.abs(offset) / 60)}:${two(Math.abs(offset) % 60)}`;
  }
  const country = new Intl.DisplayNames(language, { type: "region", fallback: "code" });
  for (const element of root.querySelectorAll("[data-country]")) {
    if (/^[A-Z]{2}$/.test(element.dataset.country)) element.textContent = country.of(element.dataset.country);
  }
}

// How far away a moment is, as the language says it: seconds before or after now.
function distance(seconds) {
  const words = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const far = Math.abs(seconds);
  return far < 90 ? words.format(seconds, "second")
    : far < 5400 ? words.format(Math.round(seconds / 60), "minute")
    : far < 129600 ? words.format(Math.round(seconds / 3600), "hour")
    : words.format(Math.round(seconds / 86400), "day");
}

// What is due says how long there is, and that it is overdue once it is.
function timers() {
  for (const element of document.querySelectorAll("[data-due]")) {
    const seconds = Math.round((new Date(element.dataset.due) - Date.now()) / 1000);
    if (Number.isNaN(seconds)) continue;
    element.textContent = seconds < 0 ? `(${words.overdue}: ${distance(seconds)})` : `(${distance(seconds)})`;
    element.classList.toggle("late", seconds < 0);
  }
}

// A session that is about to end is renewed where its issuer allows it, and else says so while there is
// time: whoever signs in again in the other window goes on here.
let [told, renewed, asked] = [false, false, 0];
async function ends() {
  const left = () => new Date(words.endsAt) - Date.now();
  if (told || renewed || Number.isNaN(left()) || left() > SOON_MS || left() < 0 || Date.now() - asked < RENEW_MS) return;
  asked = Date.now();
  try {
    const response = await fetch("/console/sign-in/renewal", { credentials: "same-origin", signal: AbortSignal.timeout(TIMEOUT_MS) });
    const { ends_at: endsAt } = await response.json();
    if (endsAt && new Date(endsAt) - Date.now() > SOON_MS) {
      words.endsAt = endsAt;
      return;
    }
  } catch { /* No connection: it may still be renewed. */ }
  if (told || renewed) return;
  told = true;
  say(`${words.sessionSoon} `, "calm");
  const link = document.querySelector("#sign-in-again a").cloneNode();
  link.removeAttribute("class");
  link.textContent = words.signIn;
  notice.append(link);
}

// A verdict that is shown says how old it is, and looks old once it is.
function age() {
  const shown = document.querySelector(".verdict[data-at]");
  if (!shown) return;
  const seconds = Math.max(0, Math.round((Date.now() - new Date(shown.dataset.at)) / 1000));
  shown.querySelector("[data-age]").textContent = `(${distance(-seconds)})`;
  if (seconds > Number(shown.dataset.freshS)) old(shown);
}

function old(shown) {
  shown.classList.add("old");
  shown.querySelector("[data-stale]").hidden = false;
}

// Drafts: what is typed stays, also over a page that is lost.
const draftOf = form => `draft:${form.dataset.keep}`;

function keep(event) {
  const form = event.target.closest("form[data-keep]");
  if (!form) return;
  // What the page itself has put there is not typed: another page of the same form has its own.
  const hidden = new Set([...form.querySelectorAll("input[type=hidden]")].map(field => field.name));
  const fields = [...new FormData(form)].filter(([name]) => !hidden.has(name));
  sessionStorage.setItem(draftOf(form), JSON.stringify(fields));
}

function restore(root) {
  for (const form of root.querySelectorAll("form[data-keep]")) {
    const draft = sessionStorage.getItem(draftOf(form));
    if (!draft || root.querySelector("[aria-invalid], .errors")) continue;
    const fields = JSON.parse(draft);
    rows.atLeast(form, fields);
    for (const [name, value] of fields) {
      const field = form.elements.namedItem(name);
      if (field && "value" in field && value) field.value = value;
    }
    const details = form.closest("details");
    if (details && fields.some(([, value]) => value)) details.open = true;
  }
}

// Puts a page that has come in the place of the present one.
function show(html, address, replaced) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const main = page.getElementById("main");
  document.getElementById("main").replaceWith(main);
  const nav = page.querySelector(".top nav");
  if (nav) document.querySelector(".top nav")?.replaceWith(nav);
  document.title = page.title;
  const path = main.dataset.address ?? address;
  history[replaced ? "replaceState" : "pushState"]({}, "", path);
  ready(main);
  scrollTo(0, 0);
  const first = main.querySelector("[aria-invalid=true]") ?? main.querySelector("[autofocus]") ?? main;
  first.focus({ preventScroll: true });
}

async function load(address, options) {
  const slow = setTimeout(() => say(words.slow, "calm"), SLOW_MS);
  try {
    const response = await fetch(address, { credentials: "same-origin", signal: AbortSignal.timeout(TIMEOUT_MS), ...options });
    return [response, await response.text()];
  } finally {
    clearTimeout(slow);
  }
}

// Sends; whatever fails leaves the page and what was typed as they are.
async function send(address, options, form) {
  let response, html;
  try {
    [response, html] = await load(address, options);
  } catch {
    lost();
    return;
  }
  if (response.status === 401) {
    say("");
    signInAgain();
    return;
  }
  if (response.status >= 500 || response.status === 429) {
    const page = new DOMParser().parseFromString(html, "text/html");
    say(page.querySelector("[data-refusal]")?.textContent.trim() || words.failed);
    return;
  }
  say("");
  if (response.ok && form?.dataset.keep) sessionStorage.removeItem(draftOf(form));
  show(html, new URL(response.url).pathname + new URL(response.url).search, false);
}

// Whoever is signed out signs in again in a window of its own, and this page stays as it is; what
// waits for it goes on then.
export function signInAgain() {
  const dialog = document.getElementById("sign-in-again");
  if (!dialog.open) dialog.showModal();
  return new Promise(done => others.addEventListener("message", done, { once: true }));
}

function lost() {
  say(navigator.onLine ? words.failed : words.offline);
  const shown = document.querySelector(".verdict[data-at]");
  if (shown) old(shown);
}

document.addEventListener("submit", async event => {
  const form = event.target;
  if (!("inplace" in form.dataset)) return;
  event.preventDefault();
  if (form.getAttribute("aria-busy") === "true") return;
  form.setAttribute("aria-busy", "true");
  const button = event.submitter ?? form.querySelector("button");
  // Before it is disabled, for a button that is says nothing.
  const fields = new URLSearchParams(new FormData(form, event.submitter));
  if (button) button.disabled = true;
  await send(event.submitter?.getAttribute("formaction") ?? form.action, { method: "POST", body: fields }, form);
  form.removeAttribute("aria-busy");
  if (button) button.disabled = false;
});

document.addEventListener("click", event => {
  const link = event.target.closest("a[data-inplace-link]");
  if (link && !event.ctrlKey && !event.metaKey && event.button === 0) {
    event.preventDefault();
    send(link.href, {});
  }
  if (event.target.closest("[data-print]")) print();
  if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
  const open = document.querySelector(".languages[open]");
  if (open && !open.contains(event.target)) open.open = false;
});

document.addEventListener("keydown", event => {
  if (event.key === "Escape") document.querySelector(".languages[open]")?.removeAttribute("open");
});
document.addEventListener("change", async event => {
  const into = event.target.dataset?.into;
  const file = event.target.files?.[0];
  if (into && file) document.getElementById(into).value = await file.text();
});
document.addEventListener("submit", event => {
  // A filter that is left open is not asked for.
  if (event.target.method !== "get") return;
  for (const field of event.target.elements) if (field.name && !field.value) field.disabled = true;
});
document.addEventListener("input", keep);
addEventListener("offline", lost);
addEventListener("online", () => say(words.online, "good"));
addEventListener("popstate", () => location.reload());
addEventListener("pageshow", event => { if (event.persisted) lost(); });
others.addEventListener("message", event => {
  if (event.data !== "signed-in") return;
  renewed = true;
  document.getElementById("sign-in-again").close();
  say(words.signedIn, "good");
});
setInterval(() => { age(); timers(); ends(); }, 1000);

// On a narrow screen the menu and the plots are wider than it: where one is, and the latest hour, are
// what is seen first.
function reveal(root) {
  const [menu, here] = [document.querySelector(".top nav"), document.querySelector(".top nav [aria-current]")];
  if (here) menu.scrollLeft += here.getBoundingClientRect().left + here.offsetWidth / 2 - innerWidth / 2;
  for (const plot of root.querySelectorAll(".scroll > .plot")) plot.parentElement.scrollLeft = plot.clientWidth;
}

function ready(root) {
  reveal(root);
  localise(root);
  restore(root);
  scanning(root);
  rows.ready(root);
  proof(root);
  live(root);
  batch(root);
  age();
  timers();
}

ready(document);
