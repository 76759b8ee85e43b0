// Brings the blocks of this page to life: those that have the page's request token, and no others, as the platform does.
"use strict";
const content = document.getElementById("content");
for (const block of content.querySelectorAll(`[data-request-token="${content.dataset.requestToken}"]`)) {
  const form = block.querySelector(":scope > form.problem");
  if (!form) continue;
  form.querySelector("button").disabled = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const response = await fetch(form.action, { method: "POST", body: new FormData(form), credentials: "same-origin" });
    const output = form.querySelector("output");
    output.textContent = response.ok ? ((await response.json()).correct ? "✓" : "✗") : `HTTP ${response.status}`;
  });
}
