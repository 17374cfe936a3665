// Many announcements from one file: taken apart here, sent one after the other, each under a key of its
// own, so that one that is sent again after a lost answer is the same act and not another.
import { localise, signInAgain } from "./console.js";

const FILE_BYTES_MAX = 32 * 1024 * 1024;
const AGAIN_MS = 3000;
const pause = ms => new Promise(done => setTimeout(done, ms));

// The declarations of a file, each as it stands there: an array's are written anew, lines are not.
function declarations(text) {
  const start = text.trimStart();
  if (start.startsWith("[")) return JSON.parse(text).map(one => JSON.stringify(one));
  try {
    const whole = JSON.parse(text);
    return [JSON.stringify(whole)];
  } catch { /* Not one document: one a line. */ }
  return text.split(/\r?\n/).filter(line => line.trim()).map(line => { JSON.parse(line); return line; });
}

async function send(form, declaration, number) {
  const fields = new URLSearchParams(new FormData(form));
  fields.set("declaration", declaration);
  fields.set("number", number);
  fields.set("key", `${form.elements.key.value}-${number}`);
  for (;;) {
    try {
      const response = await fetch(form.action, { method: "POST", body: fields, signal: AbortSignal.timeout(30000) });
      if (response.status === 401) { await signInAgain(); continue; }
      const row = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("[data-row-of]");
      if (row) return [row, response.ok];
    } catch { /* No connection: once more in a moment. */ }
    await pause(AGAIN_MS);
  }
}

export function batch(root) {
  const panel = root.querySelector("[data-batch]");
  if (!panel) return;
  const part = name => panel.querySelector(`[data-batch-${name}]`);
  const [form, says, start, stop, rows] = ["form", "says", "start", "stop", "rows"].map(part);
  const bar = panel.querySelector("progress");
  let [all, next, stopped] = [[], 0, false];

  part("file").addEventListener("change", async event => {
    const file = event.target.files[0];
    [all, next] = [[], 0];
    rows.replaceChildren();
    start.disabled = true;
    if (!file) return;
    try {
      if (file.size > FILE_BYTES_MAX) throw new Error("too large");
      all = declarations(await file.text());
      if (all.length > Number(panel.dataset.most)) { says.textContent = panel.dataset.tooMany; return; }
      says.textContent = "";
      start.disabled = all.length === 0;
      count();
    } catch {
      says.textContent = panel.dataset.notJson;
    }
  });

  function count() {
    bar.max = Math.max(1, all.length);
    bar.value = next;
    part("state").hidden = false;
    part("count").textContent = `${new Intl.NumberFormat(document.documentElement.lang).format(next)} / ${all.length}`;
  }

  form.addEventListener("submit", async event => {
    event.preventDefault();
    [stopped, start.disabled, stop.hidden, part("table").hidden, says.textContent] = [false, true, false, false, ""];
    while (next < all.length && !stopped && panel.isConnected) {
      const [row] = await send(form, all[next], next + 1);
      rows.append(row);
      localise(row);
      next += 1;
      count();
    }
    stop.hidden = true;
    says.textContent = next < all.length ? panel.dataset.stopped : panel.dataset.done;
    start.disabled = next >= all.length;
  });
  stop.addEventListener("click", () => { stopped = true; });
}
