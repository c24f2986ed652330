// The live board of a venue.

import { $, clone, element, reconcile, text } from "./dom.js";
import * as format from "./format.js";
import { Stream } from "./stream.js";

const SHOWN_MAX = 60;
const ARRIVALS_MAX = 30;
const TAGS = { new: "new", returning: "returning", contact: "known", anonymous: "not logged in" };

let stream = null;
let venue = null;
let token = "";
let present = new Map();
let arrivals = [];
let chosen = "";
let frame = 0;
// A walk-in that comes in while one looks is marked; those of the first snapshot are not.
let fresh = new Set();
// Event time runs on between two messages, at the pace it had between the last two.
let clock = { at: 0, seen: 0, pace: 0 };

const path = (v) => `api/venues/${encodeURIComponent(v.business)}/${encodeURIComponent(v.venue)}`;
const keyOf = (v) => `${v.business}|${v.venue}`;

export function init() {
  $("venue").addEventListener("change", (e) => {
    const [business, name] = e.target.value.split("|");
    remember(e.target.value);
    choose({ business, venue: name });
  });
  $("unlock").addEventListener("click", () => {
    if (token) {
      token = "";
      text($("unlock"), "Show names");
      reopen();
      return;
    }
    $("unlock-error").hidden = true;
    $("unlock-dialog").showModal();
    $("token").focus();
  });
  $("unlock-cancel").addEventListener("click", () => $("unlock-dialog").close());
  $("unlock-dialog").addEventListener("close", () => ($("token").value = ""));
  $("unlock-form").addEventListener("submit", async (e) => {
    e.preventDefault();
    const offered = $("token").value.trim();
    if (await unmasks(offered)) {
      token = offered;
      text($("unlock"), "Hide names");
      $("unlock-dialog").close();
      reopen();
    } else {
      $("unlock-error").hidden = false;
    }
  });
  setInterval(drawClock, 1000);
}

// The list of venues, as /api/venues says.
export function venues(document) {
  const list = document.venues;
  const select = $("venue");
  const waits = document.state === "waiting" && document.reason;
  text($("board-empty-why"), waits ? `The board waits: ${document.reason}.` : document.state === "reading" ? "Reading what has been." : "A venue appears here with its first walk-in.");
  $("board-empty").hidden = list.length > 0;
  $("board").hidden = list.length === 0;
  $("unlock").hidden = list.length === 0;
  select.disabled = list.length === 0;
  if (list.length === 0) return;
  reconcile(select, list, keyOf, (v) => {
    const option = element("option");
    option.value = keyOf(v);
    return option;
  }, (option, v) => text(option, `${v.venue} · ${v.business} (${format.count(v.present)})`));
  for (const left of [...select.children]) if (!left.dataset.key) left.remove();
  if (!venue || !list.some((v) => keyOf(v) === chosen)) {
    const wanted = recall();
    choose(list.find((v) => keyOf(v) === wanted) ?? list.reduce((a, b) => (b.present > a.present ? b : a)));
  }
  if (select.value !== chosen) select.value = chosen;
}

function choose(v) {
  chosen = keyOf(v);
  venue = v;
  $("venue").value = chosen;
  reopen();
}

function reopen() {
  if (!venue) return;
  stream?.close();
  clock = { at: 0, seen: 0, pace: 0 };
  stream = new Stream(`${path(venue)}/events`, token, on, (state) => $("board").toggleAttribute("data-stale", state !== "live"));
}

async function unmasks(offered) {
  if (!venue || !offered) return false;
  try {
    const response = await fetch(path(venue), { headers: { Authorization: `Bearer ${offered}` }, cache: "no-store" });
    return response.ok && (await response.json()).masked === false;
  } catch {
    return false;
  }
}

function on(name, data) {
  if (name === "snapshot") {
    venue = { ...venue, ...data };
    present = new Map(data.present.map((v) => [v.key, v]));
    arrivals = data.arrivals;
    fresh = new Set();
    take(data);
  } else if (name === "totals") {
    take(data);
  } else {
    const visit = data.visit;
    if (name === "ended" || name === "gone") present.delete(visit.key);
    else if (visit.lastSeen === null) present.set(visit.key, visit);
    const known = arrivals.findIndex((v) => v.key === visit.key);
    if (known >= 0) {
      arrivals[known] = visit;
    } else if (name === "walk-in") {
      arrivals.unshift(visit);
      arrivals.sort((a, b) => b.at - a.at || b.key - a.key);
      arrivals.length = Math.min(arrivals.length, ARRIVALS_MAX * 2);
      fresh.add(visit.key);
    }
  }
  frame ||= requestAnimationFrame(draw);
}

function take(data) {
  venue.totals = data.totals;
  venue.hours = data.hours;
  const now = performance.now();
  if (clock.at && data.clock > clock.at && now > clock.seen + 50) {
    const pace = (data.clock - clock.at) / (now - clock.seen);
    clock.pace = clock.pace ? clock.pace * 0.7 + pace * 0.3 : pace;
  }
  if (data.clock !== clock.at) clock = { at: data.clock, seen: now, pace: clock.pace };
}

function draw() {
  frame = 0;
  const zone = venue.timeZone ?? "UTC";
  const totals = venue.totals;
  if (!totals) return;
  text($("f-present"), format.count(totals.present));
  text($("f-present-note"), totals.presentNew + totals.presentReturning > 0 ? `${format.count(totals.presentReturning)} returning, ${format.count(totals.presentNew)} new` : "");
  text($("f-walkins"), format.count(totals.walkIns));
  text($("f-new"), format.count(totals.new));
  text($("f-returning"), format.count(totals.returning));
  text($("f-stay"), format.span(totals.dwellSeconds));
  drawClock();
  drawBars(venue.hours, zone);
  const here = [...present.values()].sort((a, b) => b.at - a.at || b.key - a.key);
  text($("present-count"), here.length ? format.count(here.length) : "");
  $("present-empty").hidden = here.length > 0;
  $("present-more").hidden = here.length <= SHOWN_MAX;
  text($("present-more"), `and ${format.count(here.length - SHOWN_MAX)} more`);
  visits($("present"), here.slice(0, SHOWN_MAX), (v) => `since ${format.time(v.firstSeen, zone)}`);
  visits($("arrivals"), arrivals.slice(0, ARRIVALS_MAX), (v) => format.time(v.at, zone), true);
}

function visits(parent, list, when, marks) {
  reconcile(parent, list, (v) => v.key, () => clone("visit-template"), (item, v) => {
    item.dataset.kind = v.kind;
    if (marks) item.classList.toggle("fresh", fresh.has(v.key));
    const who = v.name ?? v.contact;
    text(item.querySelector(".avatar"), who ? [...who][0].toUpperCase() : "");
    text(item.querySelector(".name"), who ?? "Visitor");
    const detail = [v.email, v.device, v.randomized ? "random address" : null, marks && v.lastSeen !== null ? `stayed ${format.span(v.dwellSeconds)}` : null];
    text(item.querySelector(".detail"), detail.filter(Boolean).join(" · "));
    text(item.querySelector(".tag"), v.kind === "returning" && v.count > 1 ? `visit ${format.count(v.count)}` : TAGS[v.kind] ?? v.kind);
    text(item.querySelector(".when"), when(v));
  });
}

function drawBars(hours, zone) {
  const most = Math.max(1, ...hours.map((h) => h.walkIns));
  const total = hours.reduce((sum, h) => sum + h.walkIns, 0);
  $("bars").setAttribute("aria-label", `Walk-ins per hour: ${total} in ${hours.length} hours, at most ${Math.max(0, ...hours.map((h) => h.walkIns))} in one.`);
  reconcile($("bars"), hours, (h) => h.at, () => {
    const bar = element("div", "bar");
    bar.append(element("span", "bar-value"), element("span", "bar-other"), element("span", "bar-new"), element("span", "bar-returning"), element("span", "bar-hour"));
    return bar;
  }, (bar, h) => {
    const [value, other, fresh, returning, label] = bar.children;
    const part = (n) => String(n / most);
    other.style.setProperty("--part", part(h.walkIns - h.new - h.returning));
    fresh.style.setProperty("--part", part(h.new));
    returning.style.setProperty("--part", part(h.returning));
    text(value, h.walkIns || "");
    text(label, format.hour(h.at, zone));
    bar.title = `${format.day(h.at, zone)}, ${format.time(h.at, zone)}: ${h.walkIns} walk-ins, ${h.new} new, ${h.returning} returning`;
  });
}

// Never more than a few seconds ahead of what was said.
function drawClock() {
  if (!clock.at) return;
  const zone = venue?.timeZone ?? "UTC";
  const ahead = Math.min(performance.now() - clock.seen, 6000) * clock.pace;
  const at = clock.at + (Number.isFinite(ahead) ? ahead : 0);
  text($("f-clock"), format.seconds(at, zone));
  const fast = clock.pace > 2 ? `, ${format.count(Math.round(clock.pace))} times as fast as life` : "";
  text($("f-clock-note"), `${format.date(at, zone)}, ${zone}${fast}`);
}

function remember(value) {
  try {
    localStorage.setItem("venue", value);
  } catch {
    // Then it is chosen anew next time.
  }
}

function recall() {
  try {
    return localStorage.getItem("venue");
  } catch {
    return null;
  }
}
