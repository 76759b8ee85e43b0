// A receiver of webhooks: WEBHOOK_SECRET=whsec_… node receive_webhooks.mjs [port]

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const KEY = Buffer.from(process.env.WEBHOOK_SECRET.replace(/^whsec_/, ""), "base64");
const TOLERANCE_SECONDS = 5 * 60;
const seen = new Set(); // In production: a table with a unique index, and the work in the same transaction.

function same(a, b) {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Whether the body is the LMS's, unchanged, and not a recording of last week. */
function verified(headers, body) {
  const timestamp = headers["webhook-timestamp"] ?? "";
  if (!/^\d+$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_SECONDS) return false;
  const signed = Buffer.concat([Buffer.from(`${headers["webhook-id"]}.${timestamp}.`), body]);
  const expected = Buffer.from("v1," + createHmac("sha256", KEY).update(signed).digest("base64"));
  // During the rotation of a secret there are two signatures, separated by a space.
  const given = (headers["webhook-signature"] ?? "").split(" ");
  return given.some((one) => same(expected, Buffer.from(one)));
}

createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const body = Buffer.concat(parts); // The bytes as they came: parsed and serialized again they may differ.
  if (!verified(request.headers, body)) {
    response.writeHead(400).end();
    return;
  }
  const messageId = request.headers["webhook-id"];
  if (!seen.has(messageId)) {
    const event = JSON.parse(body);
    const isTest = event.event_metadata.test; // An operator tries the webhook out: nothing has happened.
    console.log(isTest ? "a test" : event.event_metadata.event_name, event.user?.id);
    seen.add(messageId);
  }
  response.writeHead(204).end();
}).listen(Number(process.argv[2] ?? 8080));
