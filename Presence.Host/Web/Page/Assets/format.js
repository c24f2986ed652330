// Numbers, spans and times as people read them.

const number = new Intl.NumberFormat("en");
const clocks = new Map();

export const count = (n) => (n === null || n === undefined ? "–" : number.format(n));

export function bytes(n) {
  if (!n) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (n >= 1024 && unit < units.length - 1) {
    n /= 1024;
    unit++;
  }
  return `${n >= 10 || unit === 0 ? Math.round(n) : n.toFixed(1)} ${units[unit]}`;
}

export function span(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 1) return "0 s";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${String(minutes % 60).padStart(2, "0")}`;
  return `${Math.round(hours / 24)} days`;
}

// A zone that this browser does not know is shown as UTC, and said so.
function clock(zone, kind) {
  const key = `${zone} ${kind}`;
  let format = clocks.get(key);
  if (!format) {
    const options = {
      time: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
      seconds: { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
      date: { weekday: "short", day: "numeric", month: "short", year: "numeric" },
      day: { day: "numeric", month: "short" },
      hour: { hour: "2-digit", hourCycle: "h23" },
    }[kind];
    try {
      format = new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone });
    } catch {
      format = new Intl.DateTimeFormat("en-GB", { ...options, timeZone: "UTC" });
    }
    clocks.set(key, format);
  }
  return format;
}

export const time = (ms, zone) => clock(zone, "time").format(ms);
export const seconds = (ms, zone) => clock(zone, "seconds").format(ms);
export const date = (ms, zone) => clock(zone, "date").format(ms);
export const day = (ms, zone) => clock(zone, "day").format(ms);
export const hour = (ms, zone) => clock(zone, "hour").format(ms);
