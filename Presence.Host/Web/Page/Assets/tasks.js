// Tasks by stage, and facts of the instance.

import { $, clone, element, reconcile, stateRow, text } from "./dom.js";
import * as format from "./format.js";

const WHAT = {
  "walk-in": "Turns probes into walk-ins: who came in, who left.",
  "device-to-contact-logins": "Joins portal logins with their contacts.",
  "device-to-contact": "Keeps which contact a device belongs to.",
  "enriched-walk-in": "Adds the contact to a walk-in.",
  "walk-in-count": "Counts the visits of each contact.",
};
const ORDER = Object.keys(WHAT);
const BEHIND_SECONDS = 30;

export function tasks(status) {
  const totals = status.totals;
  text($("tasks-summary"), totals.tasks + totals.standbys === 0 ? "none assigned" : `${format.count(totals.running)} of ${format.count(totals.tasks)} run, ${format.count(totals.lagRecords)} records behind${totals.standbys ? `; ${format.count(totals.standbysReady)} of ${format.count(totals.standbys)} replicas for other instances are ready` : ""}`);
  const stages = new Map();
  for (const task of status.tasks) {
    if (!stages.has(task.stage)) stages.set(task.stage, []);
    stages.get(task.stage).push(task);
  }
  const place = (stage) => (ORDER.indexOf(stage) + ORDER.length + 1) % (ORDER.length + 1);
  const sorted = [...stages].sort(([a], [b]) => place(a) - place(b) || a.localeCompare(b));
  reconcile($("stages"), sorted, ([stage]) => stage, () => clone("stage-template"), drawStage);
}

function drawStage(card, [stage, list]) {
  text(card.querySelector("h3"), stage);
  text(card.querySelector(".stage-what"), WHAT[stage] ?? "");
  const own = list.filter((t) => t.role === "active" || t.role === "restoring");
  const running = own.filter((t) => t.state === "running").length;
  const state = own.some((t) => t.state === "stopped") ? "stopped" : running < own.length ? "restoring" : "running";
  const badge = card.querySelector(".stage-state");
  badge.dataset.state = state;
  text(badge, own.length === 0 ? "replicas" : state === "running" ? `all ${own.length} run` : `${running} of ${own.length} run`);
  reconcile(card.querySelector("tbody"), list, (t) => t.id, () => stateRow("num", "num wide", "num wide"), drawRow);
}

function drawRow(row, task) {
  const [head, state, lag, keys, disk] = row.children;
  text(head, task.partition);
  head.title = task.id;
  const [name, role, reason] = state.children;
  name.dataset.state = task.state;
  const follows = task.role === "standby" || task.role === "warming";
  text(name, task.state === "created" ? "waiting" : follows && task.state === "running" ? "ready" : task.state);
  text(role, follows ? task.role : "");
  text(reason, task.reason ?? "");
  progress(state, task);
  const behind = task.lagSeconds > BEHIND_SECONDS;
  lag.classList.toggle("behind", behind);
  text(lag, task.lagRecords === null ? "–" : task.lagRecords === 0 ? "0 s" : format.span(task.lagSeconds));
  lag.title = task.lagRecords === null ? "not known" : `${format.count(task.lagRecords)} records`;
  text(keys, format.count(task.store.keys));
  text(disk, format.bytes(task.store.bytes));
}

function progress(cell, task) {
  let bar = cell.querySelector("progress");
  const restoring = task.state === "restoring" || task.role === "warming" || (task.role === "standby" && task.restore.remaining > 0);
  if (!restoring || task.restore.remaining === 0) {
    bar?.remove();
    cell.querySelector(".progress-note")?.remove();
    return;
  }
  if (!bar) {
    bar = element("progress");
    bar.max = 100;
    cell.append(bar, element("span", "progress-note"));
  }
  bar.value = task.restore.percent;
  bar.setAttribute("aria-label", `${task.id} restored`);
  text(cell.querySelector(".progress-note"), `${task.restore.percent.toFixed(1)} %, ${format.count(task.restore.remaining)} to go`);
}

export function facts(status) {
  const rows = [
    ["Instance", status.instance],
    ["Incarnation", status.incarnation || "–"],
    ["State", status.reason ? `${status.state}: ${status.reason}` : status.state],
    ["Log", status.log],
    ["Up for", format.span(status.uptimeSeconds)],
    ["Version", status.version],
    ["Workers", format.count(new Set(status.tasks.map((t) => t.worker).filter((w) => w !== null)).size)],
    ["Stores", `${format.count(status.totals.storeKeys)} keys${status.totals.storeBytes ? `, ${format.bytes(status.totals.storeBytes)} on disk` : ""}`],
    ["Slowest loop moved", status.lastProgressSeconds < 1 ? "just now" : `${format.span(status.lastProgressSeconds)} ago`],
  ];
  reconcile($("facts"), rows, ([name]) => name, () => {
    const row = element("div");
    row.append(element("dt"), element("dd"));
    return row;
  }, (row, [name, value]) => {
    text(row.children[0], name);
    text(row.children[1], value);
  });
}
