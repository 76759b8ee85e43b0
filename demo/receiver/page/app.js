"use strict";

const byId = (id) => document.getElementById(id);
const shown = new Map(); // number of a request → its element
const hooks = new Map(); // path → its element in "What it answers"
let last = 0;
let run = null;

async function call(method, path, value) {
  const response = await fetch(path, {
    method,
    headers: value === undefined ? {} : { "Content-Type": "application/json" },
    body: value === undefined ? undefined : JSON.stringify(value),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

/* What it was sent */

const VERDICTS = { valid: "signature valid", invalid: "signature invalid", unsigned: "not signed" };

function replyText(answer, type) {
  if (answer.kind === "hang") return "→ no answer (hangs)";
  if (answer.kind === "data") return "→ changed data";
  if (answer.kind === "exception") return `→ exception ${Object.keys(JSON.parse(answer.body).exception)[0] ?? ""}`;
  if (answer.kind === "garbage") return "→ garbage";
  if (answer.kind === "nothing") return type === "webhook" ? "→ accepted" : "→ nothing, go on";
  return `→ ${answer.status}`;
}

function addRequest(entry) {
  const element = byId("request-template").content.firstElementChild.cloneNode(true);
  const find = (selector) => element.querySelector(selector);
  element.dataset.type = entry.type;
  find(".type").textContent = entry.type;
  find(".type").classList.add(entry.type);
  find(".name").textContent = entry.name;
  find(".signature").textContent = VERDICTS[entry.signature.verdict];
  find(".signature").classList.add(entry.signature.verdict);
  find(".signature").hidden = entry.type === "other" && entry.signature.verdict === "unsigned";
  find(".reply").textContent = replyText(entry.answer, entry.type);
  find(".reply").classList.toggle("bad", !["nothing", "data", "exception"].includes(entry.answer.kind));
  const time = new Date(entry.time);
  find("time").dateTime = entry.time;
  find("time").textContent = time.toLocaleTimeString();
  find("time").title = time.toLocaleString();
  find(".target").textContent = `${entry.method} ${entry.path}`;
  const names = { empty: "empty", json: "JSON, indented here", form: "form fields", text: "text", binary: "not text: bytes as hex" };
  find(".format").textContent = `${names[entry.body.format]}, ${entry.body.bytes} bytes`;
  if (entry.body.format === "form") find(".body").replaceWith(table(entry.body.fields));
  else find(".body").textContent = entry.body.text || "(empty)";
  find(".steps").classList.toggle("unsigned-note", entry.signature.verdict === "unsigned");
  for (const step of entry.signature.steps) {
    const item = document.createElement("li");
    item.className = step.ok ? "ok" : "no";
    item.textContent = step.text;
    find(".steps").append(item);
  }
  find(".headers").replaceWith(table(entry.headers));
  const status = entry.answer.status === null ? "No answer: the connection is left open." : `HTTP ${entry.answer.status}`;
  find(".answer").textContent = entry.answer.body ? `${status}\n${entry.answer.body}` : status;
  if (last) element.classList.add("new");
  shown.set(entry.number, element);
  byId("list").prepend(element);
}

function table(rows) {
  const result = document.createElement("table");
  result.className = "pairs";
  for (const [name, value] of rows) {
    const row = result.insertRow();
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = name;
    row.append(head);
    row.insertCell().textContent = value;
  }
  return result;
}

function showRequests(state) {
  for (const [number, element] of shown) {
    if (number < state.first) {
      element.remove();
      shown.delete(number);
    }
  }
  for (const entry of state.requests) {
    if (!shown.has(entry.number)) addRequest(entry);
  }
  for (const entry of state.requests) last = Math.max(last, entry.number);
  filterRequests();
}

function filterRequests() {
  const wanted = byId("show").value;
  let count = 0;
  for (const element of shown.values()) {
    element.hidden = wanted !== "" && element.dataset.type !== wanted;
    if (!element.hidden) count += 1;
  }
  byId("count").textContent = count;
  byId("empty").hidden = shown.size > 0;
}

/* What it answers */

function addHook(answer) {
  const element = byId("answer-template").content.firstElementChild.cloneNode(true);
  const find = (selector) => element.querySelector(selector);
  const id = `answer-${answer.type}-${answer.name}`;
  const select = find("select");
  select.id = id;
  find(".line label").htmlFor = id;
  find(".line label").textContent = answer.name;
  find(".when").textContent = answer.when;
  find(".when").hidden = !answer.when;
  find("textarea").id = `${id}-content`;
  find(".code-label").htmlFor = `${id}-content`;
  for (const { kind, label } of answer.kinds) select.append(new Option(label, kind));
  select.addEventListener("change", () => choose(answer.path, select.value));
  find(".editor").addEventListener("submit", (event) => {
    event.preventDefault();
    saveContent(answer.path);
  });
  find("textarea").addEventListener("input", () => {
    element.dataset.edited = "yes";
    showUse(element, false);
  });
  hooks.set(answer.path, element);
  byId(answer.type === "webhook" ? "webhooks" : "webfilters").append(element);
  return element;
}

function showUse(element, inUse) {
  const saved = element.querySelector(".saved");
  saved.textContent = inUse ? "In use. Edit it as you like." : "Changed, not in use yet.";
  saved.classList.toggle("pending", !inUse);
  element.querySelector("button[type=submit]").disabled = inUse;
}

function showHook(answer) {
  const element = hooks.get(answer.path) ?? addHook(answer);
  const find = (selector) => element.querySelector(selector);
  const kindChanged = element.dataset.kind !== answer.kind;
  if (document.activeElement !== find("select") || kindChanged) find("select").value = answer.kind;
  element.dataset.kind = answer.kind;
  element.classList.toggle("chosen", answer.kind !== "nothing");
  const editable = answer.kind === "data" || answer.kind === "exception";
  find(".editor").hidden = !editable;
  if (!editable || (element.dataset.edited && !kindChanged)) return;
  delete element.dataset.edited;
  if (kindChanged) showExamples(element, answer);
  find(".code-label").textContent = answer.kind === "data" ? "“data” of the answer (JSON)" : "“exception” of the answer (JSON): name and message or arguments";
  const text = JSON.stringify(answer.content, null, 2);
  if (find("textarea").value !== text) find("textarea").value = text;
  find("textarea").rows = Math.min(Math.max(text.split("\n").length, 3), 16);
  showUse(element, true);
}

function showExamples(element, answer) {
  const line = element.querySelector(".examples");
  const examples = answer.examples[answer.kind];
  line.querySelectorAll("button").forEach((button) => button.remove());
  line.hidden = examples.length < 2;
  for (const { label, content } of examples) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "example";
    button.textContent = label;
    button.addEventListener("click", () => {
      element.querySelector("textarea").value = JSON.stringify(content, null, 2);
      saveContent(answer.path);
    });
    line.append(button);
  }
}

async function choose(path, kind, content) {
  const element = hooks.get(path);
  const error = element.querySelector(".error");
  error.hidden = true;
  try {
    const answers = await call("PUT", `/api/answers${path}`, { kind, content });
    delete element.dataset.edited;
    answers.forEach(showHook);
  } catch (problem) {
    error.textContent = problem.message;
    error.hidden = false;
  }
}

async function saveContent(path) {
  const element = hooks.get(path);
  const error = element.querySelector(".error");
  let content;
  try {
    content = JSON.parse(element.querySelector("textarea").value);
  } catch (problem) {
    error.textContent = `This is not JSON: ${problem.message}`;
    error.hidden = false;
    return;
  }
  await choose(path, element.querySelector("select").value, content);
}

byId("reset").addEventListener("click", async () => {
  for (const [path, element] of hooks) {
    if (path.startsWith("/webfilters/") && element.dataset.kind !== "nothing") await choose(path, "nothing");
  }
});

/* The rest */

byId("show").addEventListener("change", filterRequests);
byId("clear").addEventListener("click", async () => {
  await call("DELETE", "/api/requests");
  await refresh();
});
byId("add-secret").addEventListener("submit", async (event) => {
  event.preventDefault();
  const error = byId("secret-error");
  error.hidden = true;
  try {
    showSecrets((await call("PUT", "/api/secrets", { secret: byId("secret").value })).secrets);
    byId("secret").value = "";
  } catch (problem) {
    error.textContent = problem.message;
    error.hidden = false;
  }
});

function showSecrets(secrets) {
  const text = secrets.join("\n");
  if (byId("secrets").dataset.text === text) return;
  byId("secrets").dataset.text = text;
  byId("secrets").replaceChildren(...secrets.map((secret) => {
    const item = document.createElement("li");
    item.textContent = secret;
    return item;
  }));
}

async function refresh() {
  let state = await call("GET", `/api/state?after=${last}`);
  if (run !== null && state.run !== run) {
    // The receiver was started again and counts from 1.
    shown.forEach((element) => element.remove());
    shown.clear();
    last = 0;
    state = await call("GET", "/api/state?after=0");
  }
  run = state.run;
  showRequests(state);
  state.answers.forEach(showHook);
  showSecrets(state.secrets);
  if (state.lms_url) {
    byId("lms").href = state.lms_url;
    byId("lms").hidden = false;
  }
}

async function poll() {
  const live = byId("live");
  try {
    await refresh();
    live.className = "on";
    live.textContent = "Live";
  } catch (problem) {
    live.className = "off";
    live.textContent = "The receiver is not running";
  }
  setTimeout(poll, 1000);
}

poll();
