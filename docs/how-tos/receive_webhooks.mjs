// A receiver of webhooks: WEBHOOK_SECRET=whsec_… node receive_webhooks.mjs [port]

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const KEY = Buffer.from(process.env.WEBHOOK_SECRET.replace(/^whsec_/, ""), "base64");
const TOLERANCE_SECONDS = 5 * 60;
const MOST_BYTES = 1024 * 1024;
const seen = new Set(); // In production: a table with a unique index, and the work in the same transaction.

function same(a, b) {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Whether the body is the LMS's, unchanged, and not a recording of last week. */
function verified(headers, body) {
  const timestamp = headers["webhook-timestamp"] ?? "";
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_SECONDS) return false;
  const signed = Buffer.concat([Buffer.from(`${headers["webhook-id"]}.${timestamp}.`), body]);
  const expected = Buffer.from("v1," + createHmac("sha256", KEY).update(signed).digest("base64"));
  // During the rotation of a secret there are two signatures, separated by a space.
  const given = (headers["webhook-signature"] ?? "").split(" ");
  return given.some((one) => same(expected, Buffer.from(one)));
}

/** The status to answer. A real receiver stores the event here, and works on it after it has answered. */
async function receive(request) {
  const parts = [];
  let length = 0;
  for await (const part of request) {
    length += part.length;
    if (length > MOST_BYTES) return 413;
    parts.push(part);
  }
  const body = Buffer.concat(parts); // The bytes as they came: parsed and serialized again they may differ.
  if (!verified(request.headers, body)) return 401;
  let event;
  try {
    event = JSON.parse(body);
  } catch {
    return 400; // It is the LMS's, and no JSON: the operator has ticked WWW form encoding.
  }
  const messageId = request.headers["webhook-id"];
  if (!seen.has(messageId)) {
    seen.add(messageId);
    const metadata = event?.event_metadata;
    // Of a test nothing has happened: an operator tries the webhook out.
    console.log(metadata?.test ? "a test" : `${metadata?.event_name} ${event?.user?.id}`);
  }
  return 204;
}

const server = createServer(async (request, response) => {
  let status;
  try {
    status = await receive(request);
  } catch {
    status = 400; // The connection broke in the middle of the body. Unhandled, this would end the process.
  }
  response.writeHead(status, status === 413 ? { connection: "close" } : {}).end();
});
server.requestTimeout = 20_000; // Milliseconds for one request, so that nobody holds a connection for long.
server.listen(Number(process.argv[2] ?? 8080));
