"use strict";
// Asks for this page again and again, takes over what changed, and says when there is no answer, and since when.
const EVERY = 5000, PATIENCE = 4000;
const touch = document.getElementById("touch");

function take(old, fresh) {
  // Only what changed is replaced: open entries stay open, and the keyboard and a screen reader stay where they are.
  for (const opened of old.querySelectorAll("details[open]")) {
    const same = fresh.querySelector("#" + CSS.escape(opened.id));
    if (same) same.open = true;
  }
  old.dataset.time = fresh.dataset.time;
  const before = [...old.children], after = [...fresh.children];
  after.forEach((part, n) => {
    if (!before[n]) return old.append(part);
    if (before[n].isEqualNode(part)) return;
    const at = before[n].contains(document.activeElement) ? document.activeElement.closest("[id]") : null;
    before[n].replaceWith(part);
    if (at) part.querySelector("#" + CSS.escape(at.id) + " summary")?.focus();
  });
  before.slice(after.length).forEach((part) => part.remove());
}

async function update() {
  const live = document.getElementById("live");
  try {
    // Whole, for a path is read against the address of the page, which may have a user and a password in it.
    const answer = await fetch(location.origin + location.pathname, {
      cache: "no-store", redirect: "error", signal: AbortSignal.timeout(PATIENCE),
    });
    if (!answer.ok) throw new Error("the agent answers " + answer.status);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("live");
    if (!fresh) throw new Error("what answers is not the agent");
    document.title = page.title;
    take(live, document.adoptNode(fresh));
    live.classList.remove("stale");
    touch.hidden = true;
  } catch (fault) {
    const words = "Out of touch with the agent since " + live.dataset.time.slice(11, 19) + " UTC: all below is of then.";
    if (touch.hidden || touch.textContent !== words) touch.textContent = words;
    touch.hidden = false;
    live.classList.add("stale");
    document.title = document.title.replace(/^(?!out of touch)/, "out of touch, last ");
  }
}

async function turn() {
  if (!document.hidden) await update();
  setTimeout(turn, EVERY);
}
document.addEventListener("visibilitychange", () => { if (!document.hidden) update(); });
setTimeout(turn, EVERY);
