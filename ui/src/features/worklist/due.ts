/** How pressing a date is. */

import { addDays, today } from "../../texts/format";

export type Pressure = "late" | "soon" | "none";

/** A promised day: late when it has passed, soon today and tomorrow. */
export function dayPressure(day: string | null | undefined, now: Date = new Date()): Pressure {
  if (!day) return "none";
  const current = today(now);
  if (day < current) return "late";
  return day <= addDays(current, 1) ? "soon" : "none";
}

/** A moment by which an answer is due: soon within a day. */
export function momentPressure(moment: string | null | undefined, now: Date = new Date()): Pressure {
  if (!moment) return "none";
  const at = new Date(moment).getTime();
  if (Number.isNaN(at)) return "none";
  if (at < now.getTime()) return "late";
  return at - now.getTime() < 86_400_000 ? "soon" : "none";
}
