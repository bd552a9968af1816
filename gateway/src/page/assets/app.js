// The page: log in, upload, listen. The token stays in an HttpOnly cookie, which no script can read.

const UPLOADS_AT_ONCE = 2;
const PAGE_LENGTH = 10;
// Between two looks at something that runs.
const LOOK_EVERY_MS = 1000;

const find = (selector, within = document) => within.querySelector(selector);
const login = find("#login");
const deck = find("#deck");
const logout = find("#logout");
const options = find("#options");
const uploads = find("#uploads");
const conversions = find("#conversions");
const more = find("#more");

const waiting = [];
let running = 0;
let next = null;

// ---- talking to the gateway

/** The answer's JSON; an error is thrown as its problem (RFC 9457). */
async function call(path, init = {}) {
  let answer;
  try {
    answer = await fetch(path, init);
  } catch {
    throw lost("The server does not answer.");
  }
  const body = await answer.json().catch(() => null);
  if (answer.ok) return body;
  throw problem(answer.status, body);
}

/** What is shown for an error, also where a proxy answered instead of tapedeck. */
function problem(status, body) {
  if (body?.title) return body;
  return { status, title: `Error ${status}`, detail: "The server gave no reason." };
}

const lost = (detail) => ({ status: 0, title: "No connection", detail });

/** A 401 anywhere means that the session has ended. */
function report(error, show) {
  if (error.status === 401) showLogin("Your session has ended. Log in again.");
  show(error);
}

/** Names one upload for all its tries. `randomUUID` exists only over TLS and on localhost. */
function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// ---- log in and out

function showLogin(message = "") {
  deck.hidden = logout.hidden = true;
  login.hidden = false;
  fail(login, message);
  login.elements.username.focus();
}

function showDeck() {
  login.hidden = true;
  deck.hidden = logout.hidden = false;
}

function fail(section, message) {
  const line = find(".error", section);
  line.textContent = message;
  line.hidden = !message;
}

login.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { username, password } = login.elements;
  const utf8 = new TextEncoder().encode(`${username.value}:${password.value}`);
  const basic = btoa(String.fromCharCode(...utf8));
  find("button", login).disabled = true;
  try {
    await call("/login", { method: "POST", headers: { Authorization: `Basic ${basic}`, "X-Tapedeck-Page": "1" } });
    login.reset();
    fail(login, "");
    await firstPage();
    find("#files").focus();
  } catch (error) {
    fail(login, error.status === 401 ? "Wrong name or password." : `${error.title}: ${error.detail}`);
  } finally {
    find("button", login).disabled = false;
  }
});

logout.addEventListener("click", async () => {
  try {
    await call("/logout", { method: "POST" });
    // Whoever comes next must not see what was here.
    location.reload();
  } catch (error) {
    say(`${error.title}: ${error.detail}`);
  }
});

// ---- rows

/** For screen readers; sighted people see it in the row. */
function say(text) {
  find("#status").textContent = text;
}

function newRow(list, name, first) {
  const row = find("#row").content.firstElementChild.cloneNode(true);
  find(".name", row).textContent = name;
  if (first) list.prepend(row);
  else list.append(row);
  return row;
}

function setState(row, text, isError = false) {
  const state = find(".state", row);
  state.textContent = text;
  state.classList.toggle("error", isError);
  state.hidden = !text;
}

/** `part` from 0 to 1; null for work of unknown length; undefined for none. */
function setProgress(row, part) {
  const bar = find("progress", row);
  bar.hidden = part === undefined;
  bar.setAttribute("aria-label", `Progress of ${find(".name", row).textContent}`);
  if (part === null) bar.removeAttribute("value");
  else bar.value = part ?? 0;
}

function setButton(row, selector, text, action) {
  const button = find(selector, row);
  button.hidden = !action;
  button.textContent = text;
  button.setAttribute("aria-label", `${text} ${find(".name", row).textContent}`);
  button.onclick = action ?? null;
}

function showProblem(row, error) {
  setProgress(row, undefined);
  setState(row, `${error.title}: ${error.detail}`, true);
}

/** Whether its outcome is still to come. */
const isOpen = (conversion) => conversion.state === "queued" || conversion.state === "running";

/** Fills a row from the JSON of a conversion. */
function showConversion(row, conversion) {
  const url = `/download?fid=${conversion.id}`;
  const isDone = conversion.state === "done";
  row.dataset.state = conversion.state;
  find(".facts", row).textContent = facts(conversion);
  find("audio", row).hidden = find(".download", row).hidden = !isDone;
  setProgress(row, conversion.state === "running" ? null : undefined);
  setState(row, "");
  setButton(row, ".again", "Try again", null);
  if (isDone) {
    find("audio", row).src = `${url}&inline=1`;
    find("audio", row).setAttribute("aria-label", conversion.filename);
    find(".download", row).href = url;
    find(".download", row).setAttribute("aria-label", `Download ${conversion.filename}`);
    if (conversion.completeness === "unknown") setState(row, "This kind of file does not say how long it is.");
  } else if (conversion.state === "failed") {
    showProblem(row, conversion.failure ?? { title: "Failed", detail: "The server gave no reason." });
  } else if (conversion.state === "queued") {
    setState(row, "In the queue: it is converted as soon as there is room.");
  } else {
    setState(row, encoding(conversion));
  }
  setButton(row, ".remove", isOpen(conversion) ? "Cancel" : "Delete", () => remove(row, conversion));
}

const encoding = (conversion) => `Converting… ${time(conversion.progress?.encoded_ms ?? 0)}`;

function facts(conversion) {
  const when = new Date(conversion.created_at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  if (conversion.state !== "done") return when;
  const channels = conversion.channels === 1 ? "mono" : "stereo";
  return [time(conversion.duration_ms), size(conversion.bytes), `${conversion.sample_rate / 1000} kHz ${channels}`, when].join(" · ");
}

function time(ms) {
  const seconds = Math.round(ms / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  if (parts[0] === 0) parts.shift();
  return parts.map((part, i) => (i ? String(part).padStart(2, "0") : part)).join(":");
}

function size(bytes) {
  const units = ["B", "kB", "MB", "GB"];
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
  return `${(bytes / 1000 ** power).toFixed(power > 1 ? 1 : 0)} ${units[power]}`;
}

async function remove(row, conversion) {
  if (conversion.state === "done" && !confirm(`Delete the mp3 of “${conversion.filename}”?`)) return;
  try {
    await call(`/conversions/${conversion.id}`, { method: "DELETE" });
  } catch (error) {
    if (error.status !== 404) return report(error, (shown) => showProblem(row, shown));
  }
  const neighbour = row.nextElementSibling ?? row.previousElementSibling;
  row.remove();
  say(`${conversion.filename} is ${isOpen(conversion) ? "cancelled" : "deleted"}`);
  (neighbour ? find(".remove", neighbour) : find("#files")).focus();
  showNone();
}

// ---- earlier conversions

function showNone() {
  find("#none").hidden = conversions.childElementCount > 0 || next !== null;
}

async function firstPage() {
  const page = await call(`/conversions?limit=${PAGE_LENGTH}`);
  conversions.replaceChildren();
  showPage(page);
  showDeck();
}

function showPage(page) {
  next = page.next ?? null;
  more.hidden = next === null;
  for (const conversion of page.conversions) {
    const row = newRow(conversions, conversion.filename, false);
    showConversion(row, conversion);
    if (isOpen(conversion)) follow(row, conversion.id);
  }
  showNone();
}

more.addEventListener("click", async () => {
  const section = more.closest("section");
  more.disabled = true;
  try {
    showPage(await call(`/conversions?limit=${PAGE_LENGTH}&cursor=${encodeURIComponent(next)}`));
    fail(section, "");
  } catch (error) {
    report(error, (shown) => fail(section, `${shown.title}: ${shown.detail}`));
  } finally {
    more.disabled = false;
  }
});

/** Keeps the row of a conversion that waits or runs up to date until it ends or the row is gone. */
async function follow(row, id) {
  while (row.isConnected && isOpen(row.dataset)) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    try {
      const conversion = await call(`/conversions/${id}`);
      // Cancelled since it was asked for.
      if (!row.isConnected) return;
      showConversion(row, conversion);
      if (conversion.state === "done") say(`${conversion.filename} is converted`);
    } catch (error) {
      if (!row.isConnected) return;
      report(error, (shown) => showProblem(row, shown));
      if (!isPassing(error)) return;
    }
  }
}

/** Whether the next look may find an answer: a wait in the queue outlasts a lost connection. */
const isPassing = ({ status }) => status === 0 || status === 429 || status >= 500;

// ---- uploads

function query() {
  const asked = new URLSearchParams(options.elements.quality.value);
  for (const name of ["channels", "start", "end", "track", "normalize", "replaygain", "tags", "title", "artist", "album"]) {
    const value = options.elements[name].value.trim();
    if (value) asked.set(name, value);
  }
  return asked.toString();
}

function add(files) {
  if (!options.reportValidity()) return;
  for (const file of files) {
    const row = newRow(uploads, file.name, true);
    find(".facts", row).textContent = size(file.size);
    enqueue({ file, row, query: query(), key: newKey() });
  }
}

function enqueue(job) {
  setProgress(job.row, 0);
  setState(job.row, "Waiting…");
  setButton(job.row, ".again", "Try again", null);
  setButton(job.row, ".remove", "Cancel", () => {
    waiting.splice(waiting.indexOf(job), 1);
    job.row.remove();
  });
  waiting.push(job);
  startNext();
}

async function startNext() {
  if (running >= UPLOADS_AT_ONCE || waiting.length === 0) return;
  const job = waiting.shift();
  running += 1;
  try {
    const conversion = await upload(job);
    showConversion(job.row, conversion);
    say(`${job.file.name} is converted`);
  } catch (error) {
    uploadFailed(job, error);
  } finally {
    running -= 1;
    startNext();
  }
}

/** One try. `XMLHttpRequest`, because `fetch` cannot tell how much was sent. */
function upload(job) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const end = (settle, value) => {
      clearInterval(job.looking);
      settle(value);
    };
    request.open("PUT", `/upload/${encodeURIComponent(job.file.name)}?${job.query}`);
    request.setRequestHeader("Idempotency-Key", job.key);
    request.responseType = "json";
    request.upload.onprogress = (event) => {
      setProgress(job.row, event.loaded / event.total);
      setState(job.row, `Uploading… ${Math.floor((100 * event.loaded) / event.total)} %`);
    };
    request.upload.onload = () => {
      setProgress(job.row, null);
      setState(job.row, "Converting…");
      job.looking = setInterval(() => showEncoding(job), LOOK_EVERY_MS);
    };
    request.onload = () => {
      const isDone = request.status === 201;
      end(isDone ? resolve : reject, isDone ? request.response : problem(request.status, request.response));
    };
    request.onerror = () => end(reject, lost("The upload broke off before the server answered."));
    request.onabort = () => end(reject, null);
    setButton(job.row, ".remove", "Cancel", () => request.abort());
    setState(job.row, "Uploading…");
    request.send(job.file);
  });
}

async function showEncoding(job) {
  const found = await call(`/conversions?key=${encodeURIComponent(job.key)}`).catch(() => null);
  const conversion = found?.conversions[0];
  if (conversion?.state === "running" && !find("progress", job.row).hidden) setState(job.row, encoding(conversion));
}

function uploadFailed(job, error) {
  if (error === null) return cancelled(job);
  report(error, (shown) => showProblem(job.row, shown));
  say(`${job.file.name}: ${error.title}`);
  // A verdict about the content is final: the same file would get it again.
  const isFinal = [400, 413, 415, 422].includes(error.status);
  setButton(job.row, ".again", "Try again", isFinal ? null : () => enqueue(job));
  setButton(job.row, ".remove", "Dismiss", () => job.row.remove());
}

/** Once all bytes are sent, a conversion no longer needs its client; cancelling means deleting it, too. */
async function cancelled(job) {
  job.row.remove();
  say(`${job.file.name} is cancelled`);
  const found = await call(`/conversions?key=${encodeURIComponent(job.key)}`).catch(() => null);
  for (const { id } of found?.conversions ?? []) call(`/conversions/${id}`, { method: "DELETE" }).catch(() => null);
}

find("#files").addEventListener("change", (event) => {
  add(event.target.files);
  // So that the same file can be chosen again.
  event.target.value = "";
});

// The whole window takes files: one that misses the zone would otherwise replace the page.
for (const kind of ["dragover", "dragleave", "drop"]) {
  window.addEventListener(kind, (event) => {
    event.preventDefault();
    find(".drop").classList.toggle("over", kind === "dragover" && !deck.hidden);
    if (kind === "drop" && !deck.hidden) add(event.dataTransfer.files);
  });
}

window.addEventListener("beforeunload", (event) => {
  if (running > 0) event.preventDefault();
});

firstPage().catch((error) => showLogin(error.status === 401 ? "" : `${error.title}: ${error.detail}`));
