// What happened to this instance and its tasks, newest first.

import { $, clone, reconcile, text } from "./dom.js";
import * as format from "./format.js";

const WORDS = {
  InstanceMoved: "Instance",
  InstanceRefused: "The instance ends",
  IncarnationBegan: "An incarnation begins",
  IncarnationEnded: "An incarnation ended",
  PlannerBegan: "This instance plans",
  PlannerEnded: "This instance plans no more",
  PlanRead: "A plan was read",
  TaskFollows: "follows its changelog",
  TaskRestoring: "replays its changelog",
  TaskRestored: "is restored",
  TaskRuns: "runs",
  TaskReleased: "is released",
  TaskLost: "is taken over anew",
  TaskStopped: "has stopped",
  StoreRefused: "is rebuilt from its changelog",
  CopyDeleted: "has its copy here deleted",
};

export function events(status) {
  $("events-section").hidden = status.events.length === 0;
  text($("events-summary"), `the last ${format.count(status.events.length)}`);
  // Several may fall into one millisecond.
  const seen = new Map();
  const keyOf = (event) => {
    const base = `${event.at} ${event.kind} ${event.task}`;
    const count = (seen.get(base) ?? 0) + 1;
    seen.set(base, count);
    return `${base} ${count}`;
  };
  reconcile($("events"), status.events, keyOf, () => clone("event-template"), draw);
}

function draw(item, event) {
  const words = WORDS[event.kind] ?? event.kind;
  text(item.querySelector(".name"), event.task ? `${event.task} ${words}` : words);
  text(item.querySelector(".detail"), event.detail ?? "");
  const when = item.querySelector(".when");
  text(when, `${format.span(Math.max(0, Date.now() - event.at) / 1000)} ago`);
  when.title = new Date(event.at).toISOString();
}
