// Alerts as they happen. The stream says that something has happened to an alert; what it looks like
// then is asked for and put in its place, so that none is shown twice and none is missed: the stream
// begins where the page was written, and goes on where it was cut.
import { localise, say, signInAgain } from "./console.js";

const STEPS = ["raised", "seen_again", "acknowledged", "referred", "extended", "resolved"];
const CARDS_MAX = 200;
const AGAIN_MS = 2000;
let stream = new AbortController();

function tone() {
  const audio = new AudioContext();
  const [sound, volume] = [audio.createOscillator(), audio.createGain()];
  sound.frequency.value = 660;
  volume.gain.setValueAtTime(0.2, audio.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.6);
  sound.connect(volume).connect(audio.destination);
  sound.start();
  sound.stop(audio.currentTime + 0.6);
  sound.addEventListener("ended", () => audio.close());
}

const pause = ms => new Promise(done => setTimeout(done, ms));

// The alert's card as it stands now; asked for until there is an answer.
async function card(id, panel) {
  while (panel.isConnected) {
    try {
      const response = await fetch(`/console/alerts/${id}/card`, { credentials: "same-origin", signal: AbortSignal.timeout(20000) });
      if (response.ok) return new DOMParser().parseFromString(await response.text(), "text/html").querySelector("[data-alert]");
      if (response.status === 404) return null;
      if (response.status === 401) { await signInAgain(); continue; }
    } catch { /* No connection: once more in a moment. */ }
    await pause(AGAIN_MS);
  }
  return null;
}

function put(now, panel, list, isNew) {
  const then = list.querySelector(`[data-alert="${now.dataset.alert}"]`);
  const had = then?.contains(document.activeElement);
  if (now.dataset.status !== panel.dataset.shown) then?.remove();
  else if (then) then.replaceWith(now);
  else {
    if (isNew) now.classList.add("fresh");
    list.prepend(now);
  }
  while (list.children.length > CARDS_MAX) list.lastElementChild.remove();
  if (had) (now.isConnected ? now.querySelector("a") : document.getElementById("main")).focus();
  document.querySelector(".empty").hidden = list.children.length > 0;
  localise(now);
}

// Reads the stream from a place on until it ends, and says with which status it was refused. Each block
// of lines is heard; a stream that is silent for longer than its beat allows is cut, since nobody else
// would notice a line that has gone dead.
async function read(address, place, silenceMs, cut, opened, hear) {
  const silent = () => setTimeout(() => cut.abort(), silenceMs);
  let timer = silent();
  try {
    const response = await fetch(address, { headers: { "Last-Event-ID": place }, cache: "no-store", signal: cut.signal });
    if (!response.ok) return response.status;
    opened();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ""; ;) {
      clearTimeout(timer);
      timer = silent();
      const { done, value } = await reader.read();
      if (done) return 0;
      text += value;
      for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) hear(text.slice(0, end));
    }
  } catch {
    return 0;
  } finally {
    clearTimeout(timer);
  }
}

export function live(root) {
  const panel = root.querySelector("[data-live]");
  if (!panel) {
    // Another page has taken this one's place.
    if (!document.querySelector("[data-live]")) stream.abort();
    return;
  }
  const [state, list, words] = [panel.querySelector("[data-live-state]"), root.querySelector("[data-live-list]"), panel.dataset];
  const waiting = new Map();
  let working = false;

  async function work() {
    if (working) return;
    working = true;
    for (const [id, isNew] of waiting) {
      waiting.delete(id);
      const now = await card(id, panel);
      if (!panel.isConnected) return;
      if (!now) continue;
      put(now, panel, list, isNew);
      if (!isNew) continue;
      say(`${words.raised} ${now.querySelector("header a").textContent}`, "calm");
      if (sessionStorage.getItem("sound") === "on") tone();
    }
    working = false;
  }

  function hear(block) {
    const fields = Object.fromEntries(block.split("\n").map(line => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]));
    if (fields.id) words.place = fields.id;
    if (!STEPS.includes(fields.event)) return;
    const { alert } = JSON.parse(fields.data);
    waiting.set(alert.id, fields.event === "raised" || waiting.get(alert.id) === true);
    work();
  }

  function shows(isLive) {
    state.textContent = isLive ? words.on : words.off;
    panel.classList.toggle("good", isLive);
  }

  async function follow() {
    const wanted = Object.entries({ severity: words.severity, post: words.post }).filter(([, value]) => value);
    const address = `/console/alerts/stream?${new URLSearchParams(wanted)}`;
    while (panel.isConnected) {
      stream = new AbortController();
      const status = await read(address, words.place, Number(words.beatS) * 3000, stream, () => shows(true), hear);
      if (!panel.isConnected) return;
      shows(false);
      // The place lies too far behind: the list is written anew, with a place of its own.
      if (status === 410) return location.reload();
      if (status === 401) await signInAgain();
      else await pause(AGAIN_MS * (1 + Math.random()));
    }
  }

  follow();
  const sound = panel.querySelector("[data-sound]");
  sound.checked = sessionStorage.getItem("sound") === "on";
  sound.addEventListener("change", () => {
    sessionStorage.setItem("sound", sound.checked ? "on" : "off");
    if (sound.checked) tone();
  });
}

addEventListener("offline", () => stream.abort());
