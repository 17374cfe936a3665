// An entry's proof, verified here and nowhere else: the leaf's hash, the path to the root (RFC 6962),
// the root in the checkpoint, and the checkpoint's signature (Ed25519, as signed notes write it).
const text = new TextEncoder();
const bytes = base64 => Uint8Array.from(atob(base64), c => c.charCodeAt(0));
const base64 = array => btoa(String.fromCharCode(...array));
const joined = (...parts) => {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { all.set(part, at); at += part.length; }
  return all;
};
const sha256 = async data => new Uint8Array(await crypto.subtle.digest("SHA-256", data));
export const leafHash = entry => sha256(joined(Uint8Array.of(0), entry));
const nodeHash = (left, right) => sha256(joined(Uint8Array.of(1), left, right));

// RFC 9162, 2.1.3.2: the root that a leaf and its path lead to; nothing where the path does not fit.
export async function rootOf(leaf, index, size, path) {
  if (index >= size) return null;
  let fn = index, sn = size - 1n, hash = leaf;
  for (const sibling of path) {
    if (sn === 0n) return null;
    if (fn & 1n || fn === sn) {
      hash = await nodeHash(sibling, hash);
      while (!(fn & 1n) && fn !== 0n) { fn >>= 1n; sn >>= 1n; }
    } else {
      hash = await nodeHash(hash, sibling);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  return sn === 0n ? hash : null;
}

// The signature of a note by a key `name+id+key`; nothing where the browser has no Ed25519.
async function signed(note, verifierKey) {
  const split = note.lastIndexOf("\n\n");
  const [body, signatures] = [note.slice(0, split + 1), note.slice(split + 2)];
  const [, name, id, encoded] = verifierKey.match(/^(.+)\+([0-9a-f]{8})\+(.+)$/);
  const key = bytes(encoded);
  const own = signatures.split("\n").find(line => line.startsWith(`\u2014 ${name} `));
  if (!own || key[0] !== 1) return false;
  const signature = bytes(own.slice(`\u2014 ${name} `.length));
  if ([...signature.slice(0, 4)].map(byte => byte.toString(16).padStart(2, "0")).join("") !== id) return false;
  let imported;
  try {
    imported = await crypto.subtle.importKey("raw", key.slice(1), { name: "Ed25519" }, false, ["verify"]);
  } catch {
    return null;
  }
  return crypto.subtle.verify({ name: "Ed25519" }, imported, signature.slice(4), text.encode(body));
}

export async function proof(root) {
  const section = root.querySelector("[data-proof]");
  if (!section) return;
  const { index, size, hashes, key } = section.dataset;
  const entry = document.querySelector("[data-entry]").textContent;
  const note = document.querySelector("[data-checkpoint]").textContent;
  const step = (name, good) => section.querySelector(`[data-step=${name}]`).classList.add(good ? "good" : "bad");
  const leaf = await leafHash(text.encode(entry));
  section.querySelector("[data-leaf]").textContent = base64(leaf);
  step("leaf", true);
  const path = hashes.split(" ").filter(Boolean).map(bytes);
  const found = await rootOf(leaf, BigInt(index), BigInt(size), path);
  const [origin, noteSize, noteRoot] = note.split("\n");
  const rooted = found !== null && noteSize === size && base64(found) === noteRoot && key.startsWith(`${origin}+`);
  section.querySelector("[data-root]").textContent = found ? base64(found) : "";
  step("root", rooted);
  const signature = await signed(note, key);
  if (signature !== null) step("signature", signature);
  const good = rooted && signature === true;
  section.classList.add(good ? "good" : rooted && signature === null ? "open" : "bad");
  section.querySelector("[data-says]").textContent =
    good ? section.dataset.good : rooted && signature === null ? section.dataset.unsigned : section.dataset.bad;
}
