// Asks how the instance is, and says when it cannot be asked.

import * as board from "./board.js";
import { $, text } from "./dom.js";
import * as format from "./format.js";
import { events } from "./events.js";
import { fleet } from "./fleet.js";
import { facts, tasks } from "./tasks.js";

const PERIOD = 2000;
const TIMEOUT = 5000;
const MISSES_MAX = 2;

let misses = 0;
let heard = 0;

async function ask(url) {
  const response = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT) });
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  return response.json();
}

// Spoken when it turns, not with every second of an estimate.
function verdict(level, sentence, next) {
  if ($("verdict").dataset.level !== level) text($("announce"), sentence);
  $("verdict").dataset.level = level;
  text($("verdict-sentence"), sentence);
  text($("verdict-next"), next);
}

function link(state, words) {
  $("link").dataset.state = state;
  text($("link"), words);
}

function restored(status) {
  const remaining = status.totals.restoreRemaining;
  const done = status.tasks.filter((t) => t.restore.remaining > 0).reduce((sum, t) => sum + t.restore.restored, 0);
  $("verdict-bar").hidden = remaining === 0;
  $("verdict-progress").value = remaining === 0 ? 100 : (100 * done) / (done + remaining);
}

async function turn() {
  try {
    const [status, venues] = await Promise.all([ask("api/status"), ask("api/venues")]);
    misses = 0;
    heard = Date.now();
    document.body.removeAttribute("data-away");
    link("live", "live");
    verdict(status.verdict.level, status.verdict.sentence, status.verdict.next);
    document.title = status.verdict.level === "well" ? "Presence" : `${status.verdict.level === "busy" ? "…" : "!"} Presence`;
    text($("instance"), status.instance);
    restored(status);
    fleet(status);
    tasks(status);
    events(status);
    facts(status);
    board.venues(venues);
  } catch {
    misses++;
    link("lost", "no answer");
    if (misses >= MISSES_MAX || !heard) away();
  }
  setTimeout(turn, PERIOD);
}

function away() {
  document.body.setAttribute("data-away", "");
  document.title = "! Presence";
  $("verdict-bar").hidden = true;
  const since = heard ? `What is shown below is ${format.span((Date.now() - heard) / 1000)} old. ` : "";
  verdict("down", "The instance does not answer.", `${since}Check that its process runs and that this machine can reach it; the page goes on asking and comes back by itself.`);
}

board.init();
turn();
