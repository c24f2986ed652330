// The instances that share the work, and what the last plan changed.

import { $, element, reconcile, stateRow, text } from "./dom.js";
import * as format from "./format.js";

const STATES = { live: "running", condemned: "stopped", ended: "restoring", refused: "stopped" };
const WORDS = { live: "runs", condemned: "taken for dead", ended: "has left, is waited for", refused: "refused" };

export function fleet(status) {
  const known = status.fleet;
  $("fleet-section").hidden = !known || known.members.length === 0;
  if (!known) return;
  const planner = known.planner ? `${known.planner} plans` : "nobody plans";
  text($("fleet-summary"), known.plan ? `${planner}; plan ${format.count(known.plan)} was made ${format.span((Date.now() - known.plannedAt) / 1000)} ago, ${format.count(known.plansLastHour)} within the last hour` : planner);
  reconcile($("members"), known.members, (m) => m.incarnation, () => stateRow("num", "num", "num wide", "num wide"), (row, member) => drawRow(row, member, status.incarnation));
  $("reasons-box").hidden = known.reasons.length === 0;
  reconcile($("reasons"), known.reasons.map((reason, index) => [index, reason]), ([index]) => index, () => element("li"), (item, [, reason]) => text(item, reason));
}

function drawRow(row, member, own) {
  const [head, state, active, standby, behind, heard] = row.children;
  text(head, member.instance + (member.incarnation === own ? " (this one)" : ""));
  head.title = [member.incarnation, member.endpoint].filter(Boolean).join(" ");
  const [name, rack, reason] = state.children;
  name.dataset.state = STATES[member.state] ?? "restoring";
  text(name, WORDS[member.state] ?? member.state);
  text(rack, member.rack ?? "");
  text(reason, member.reason ?? "");
  text(active, member.releasing ? `${member.active} (+${member.releasing} leaving)` : member.active);
  text(standby, member.warming ? `${member.standby} (+${member.warming} warming)` : member.standby);
  text(behind, member.behind === null ? "–" : format.count(member.behind));
  text(heard, member.silentSeconds === null ? "–" : `${member.silentSeconds.toFixed(1)} s`);
}
