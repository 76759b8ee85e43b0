// A receiver that lets one mail domain register: WEBHOOK_SECRET=whsec_… node answer_webfilters.mjs [port]

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const KEY = Buffer.from(process.env.WEBHOOK_SECRET.replace(/^whsec_/, ""), "base64");
const TOLERANCE_SECONDS = 5 * 60;
const MOST_BYTES = 1024 * 1024;

/** What may happen: {} lets it pass. */
function answer(filterName, payload) {
  if (filterName !== "StudentRegistrationRequested") return {};
  const form = payload.form_data ?? {}; // A shape may have made something else of it.
  if (!text(form.email).toLowerCase().endsWith("@example.com")) {
    return { exception: { PreventRegistration: "Register with the address of your company." } };
  }
  return { data: { form_data: { name: titled(text(form.name)) } } };
}

/** A field of a form: whoever fills in the form may send it twice (a list), or not at all. */
function text(value) {
  return typeof value === "string" ? value : "";
}

function titled(name) {
  return name.toLowerCase().replace(/(?<!\p{L})\p{L}/gu, (letter) => letter.toUpperCase());
}

function same(a, b) {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Whether it is the LMS that asks, now. */
function verified(headers, body) {
  const timestamp = headers["webhook-timestamp"] ?? "";
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_SECONDS) return false;
  const signed = Buffer.concat([Buffer.from(`${headers["webhook-id"]}.${timestamp}.`), body]);
  const expected = Buffer.from("v1," + createHmac("sha256", KEY).update(signed).digest("base64"));
  // During the rotation of a secret there are two signatures, separated by a space.
  const given = (headers["webhook-signature"] ?? "").split(" ");
  return given.some((one) => same(expected, Buffer.from(one)));
}

/** The status and what to answer. */
async function respond(request) {
  if (request.method !== "POST") return [405, {}];
  const parts = [];
  let length = 0;
  for await (const part of request) {
    length += part.length;
    if (length > MOST_BYTES) return [413, {}];
    parts.push(part);
  }
  const body = Buffer.concat(parts); // The bytes as they came: parsed and serialized again they may differ.
  if (!verified(request.headers, body)) return [401, {}];
  let payload;
  try {
    payload = JSON.parse(body);
  } catch {
    return [400, {}]; // A form.
  }
  const name = payload?.event_metadata?.event_name;
  return typeof name === "string" ? [200, answer(name, payload)] : [400, {}]; // What a shape has made has no name.
}

const server = createServer(async (request, response) => {
  let status, content;
  try {
    [status, content] = await respond(request);
  } catch {
    [status, content] = [400, {}]; // The connection broke in the middle of the body. Unhandled, this would end the process.
  }
  // Else the connection is kept: the next learner waits less.
  const close = status === 413 ? { connection: "close" } : {};
  response.writeHead(status, { "content-type": "application/json", ...close }).end(JSON.stringify(content));
});
server.requestTimeout = 20_000; // Milliseconds for one request, so that nobody holds a connection for long.
server.keepAliveTimeout = 60_000;
server.listen(Number(process.argv[2] ?? 8080));
