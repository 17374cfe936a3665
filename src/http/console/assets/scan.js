// The scan field: whatever a scanner types lands in it, a file may be dropped anywhere, and the
// camera reads where the browser has a reader.
const FORMATS = ["qr_code", "code_128", "code_39", "data_matrix", "pdf417", "aztec"];
const FILE_BYTES_MAX = 1024 * 1024;

const field = () => document.getElementById("scan");
const form = () => document.querySelector("form[data-scan]");

function submit(declaration) {
  form().querySelector("[data-dropped]").value = declaration;
  form().requestSubmit();
}

async function take(file) {
  if (!file || !form()) return;
  if (file.size > FILE_BYTES_MAX) return;
  submit(await file.text());
}

async function camera(button) {
  const view = form().querySelector("[data-view]");
  if (!view.hidden) return stop(view);
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  view.srcObject = stream;
  view.hidden = false;
  await view.play();
  const known = await BarcodeDetector.getSupportedFormats();
  const reader = new BarcodeDetector({ formats: FORMATS.filter(format => known.includes(format)) });
  const look = async () => {
    if (view.hidden || !view.isConnected) return stop(view);
    const [found] = await reader.detect(view).catch(() => []);
    if (!found) return requestAnimationFrame(look);
    stop(view);
    field().value = found.rawValue;
    form().requestSubmit();
  };
  look();
  button.focus();
}

function stop(view) {
  for (const track of view.srcObject?.getTracks() ?? []) track.stop();
  view.srcObject = null;
  view.hidden = true;
}

document.addEventListener("keydown", event => {
  const busy = event.target.closest?.("input, textarea, select, dialog[open], [contenteditable]");
  if (busy || !field() || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key.length === 1 && event.key !== " ") field().focus();
});
document.addEventListener("paste", event => {
  const text = event.clipboardData?.getData("text").trim() ?? "";
  const elsewhere = event.target.closest?.("input, textarea");
  if (form() && text.startsWith("{") && (!elsewhere || elsewhere === field())) {
    event.preventDefault();
    submit(text);
  }
});
document.addEventListener("dragover", event => {
  if (!form()) return;
  event.preventDefault();
  document.body.classList.add("dragging");
});
document.addEventListener("dragleave", () => document.body.classList.remove("dragging"));
document.addEventListener("drop", event => {
  document.body.classList.remove("dragging");
  if (!form()) return;
  event.preventDefault();
  take(event.dataTransfer.files[0]);
});
document.addEventListener("change", event => {
  if (event.target.matches("[data-file]")) take(event.target.files[0]);
});
document.addEventListener("click", event => {
  const button = event.target.closest("[data-camera]");
  if (button) camera(button).catch(() => { button.hidden = true; });
});

export function scanning(root) {
  const button = root.querySelector("[data-camera]");
  if (button && "BarcodeDetector" in window && navigator.mediaDevices) button.hidden = false;
}
