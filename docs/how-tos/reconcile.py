"""
Fetch what a receiver has not: LMS=https://… WEBHOOK_TOKEN=whr_… WEBHOOK_SECRET=whsec_… python reconcile.py inbox.db

Ends with 0 if it has every message, and with 1 if some can't be had any more, which it names.
"""

import json
import os
import sqlite3
import sys
import time
import urllib.error
import urllib.request

from receive_webhooks import verified  # The receiver beside this file.

BASE = os.environ["LMS"].rstrip("/") + "/openedx_webhooks/receiver/"
HEADERS = {"Authorization": "Bearer " + os.environ["WEBHOOK_TOKEN"]}


def get(path):
    while True:
        try:
            with urllib.request.urlopen(urllib.request.Request(BASE + path, headers=HEADERS), timeout=30) as answer:
                return answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            if error.code != 429:
                raise
            time.sleep(int(error.headers["Retry-After"]))


def listed(after):
    """The newest number there is, and every message after a number that the LMS still knows: number → message."""
    page = json.loads(get(f"messages?after={after}")[1])
    last, found = page["last"], page["messages"]
    while page["next_after"] is not None:
        page = json.loads(get(f"messages?after={page['next_after']}")[1])
        found += page["messages"]
    return last, {message["sequence"]: message for message in found}


def fetch(inbox, message):
    """Store a message as if it had just come; empty, or why that is not possible."""
    try:
        headers, body = get(f"messages/{message['sequence']}")
    except urllib.error.HTTPError as error:
        if error.code not in (404, 409, 410):
            raise
        return json.loads(error.read())["error"]
    if not verified(headers, body):
        return "wrong signature"
    # A message that came meanwhile is there already.
    inbox.execute("INSERT OR IGNORE INTO messages VALUES (?, ?, ?)", (message["sequence"], message["id"], body))
    inbox.commit()
    return ""


def reconcile(inbox):
    had = {number for (number,) in inbox.execute("SELECT sequence FROM messages")}
    after = 0
    while after + 1 in had:
        after += 1
    last, known = listed(after)
    fetched, coming, lost = 0, 0, {}
    for number in range(after + 1, last + 1):
        message = known.get(number, {"state": "removed"})
        if number in had:
            continue
        if message["state"] == "pending":
            coming += 1  # It comes by itself.
        elif why := "removed" if message["state"] == "removed" else fetch(inbox, message):
            lost[number] = why
        else:
            fetched += 1
    print(f"of {last} messages: {last - fetched - coming - len(lost)} were here, {fetched} fetched, {coming} coming")
    for number, why in lost.items():
        print(f"message {number} can't be had: {why}")
    return 1 if lost else 0


if __name__ == "__main__":
    with sqlite3.connect(sys.argv[1]) as table:
        # What the receiver itself writes to: the number is the header webhook-sequence, the id is webhook-id.
        table.execute("CREATE TABLE IF NOT EXISTS messages (sequence INTEGER PRIMARY KEY, id TEXT UNIQUE, body BLOB)")
        sys.exit(reconcile(table))
