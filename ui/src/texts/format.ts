/** Numbers, dates and money in the person's locale, and back from what they type. */

import { decimal, minorDigits, toText } from "./decimal";
import type { DateRange, Money } from "../api/types";

/** The locale of numbers and dates; the texts have a language of their own. */
export const locale: string = usable(typeof navigator === "undefined" ? "" : navigator.language);

/**
 * The locale of a language tag, with the calendar and the digits that are read back too: days go to partners, and a
 * Buddhist or Persian year would be taken for ours. A web view without a locale (LANG=C) calls its language "C", which
 * is no language tag.
 */
export function usable(tag: string): string {
  const same = { calendar: "gregory", numberingSystem: "latn" };
  try {
    return new Intl.Locale(tag, same).toString();
  } catch {
    return new Intl.Locale("en", same).toString();
  }
}

// The formatter takes decimal text as it is (Intl.NumberFormat v3): no float in between.
const asNumeric = (text: string) => text as unknown as number;

const cache = new Map<string, Intl.NumberFormat>();
function formatter(key: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  let found = cache.get(key);
  if (!found) {
    found = new Intl.NumberFormat(locale, options);
    cache.set(key, found);
  }
  return found;
}

/** A quantity, price or percentage with the digits that it was written with. */
export function formatDecimal(text: string | null | undefined): string {
  if (text == null || text === "") return "";
  const value = decimal(text);
  if (!value) return text;
  const digits = Math.min(value.scale, 20);
  return formatter(`d${digits}`, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(asNumeric(text));
}

export function formatInteger(value: number): string {
  return formatter("i", { maximumFractionDigits: 0 }).format(value);
}

export function formatMinor(minor: bigint | number, currency: string): string {
  const scale = minorDigits(currency);
  const text = toText({ units: BigInt(minor), scale });
  try {
    return formatter(`m${currency}`, {
      style: "currency",
      currency,
      currencyDisplay: "code",
      minimumFractionDigits: scale,
      maximumFractionDigits: scale,
    }).format(asNumeric(text));
  } catch {
    return `${currency} ${text}`;
  }
}

export function formatMoney(money: Money | null | undefined): string {
  return money ? formatMinor(money.minor, money.currency) : "";
}

const dayFormat = new Intl.DateTimeFormat(locale, { year: "numeric", month: "2-digit", day: "2-digit", timeZone: "UTC" });
const weekdayFormat = new Intl.DateTimeFormat(locale, { weekday: "short", timeZone: "UTC" });
const momentFormat = new Intl.DateTimeFormat(locale, {
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
});
const secondsFormat = new Intl.DateTimeFormat(locale, {
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

/** A calendar day (`2026-11-30`), the same in every time zone. */
export function formatDay(day: string | null | undefined): string {
  if (!day) return "";
  const date = new Date(`${day}T00:00:00Z`);
  return Number.isNaN(date.getTime()) ? day : dayFormat.format(date);
}

export function formatWeekday(day: string): string {
  const date = new Date(`${day}T00:00:00Z`);
  return Number.isNaN(date.getTime()) ? "" : weekdayFormat.format(date);
}

export function formatRange(range: DateRange | null | undefined): string {
  if (!range) return "";
  return range.first === range.last ? formatDay(range.first) : `${formatDay(range.first)} – ${formatDay(range.last)}`;
}

export function formatMoment(moment: string | null | undefined): string {
  if (!moment) return "";
  const date = new Date(moment);
  return Number.isNaN(date.getTime()) ? moment : momentFormat.format(date);
}

export function formatSeconds(moment: string): string {
  const date = new Date(moment);
  return Number.isNaN(date.getTime()) ? moment : secondsFormat.format(date);
}

/** Today where the person sits, `YYYY-MM-DD`. */
export function today(now: Date = new Date()): string {
  const two = (n: number) => String(n).padStart(2, "0");
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}

export function addDays(day: string, days: number): string {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() + days);
  return date.toISOString().slice(0, 10);
}

interface Separators {
  decimal: string;
  /** Sign, whole part (grouped where the locale groups, or not at all), fraction. */
  pattern: RegExp;
  /** What stands between groups. */
  groups: RegExp;
}

const separatorsOf = new Map<string, Separators>();

/** As the locale writes numbers and money: some write the two differently, and both are shown. */
function separators(of: string): Separators {
  const known = separatorsOf.get(of);
  if (known) return known;
  const written = (["decimal", "currency"] as const).map((style) =>
    new Intl.NumberFormat(of, { style, currency: "EUR", useGrouping: true, minimumFractionDigits: 1 }).formatToParts(1234567.5),
  );
  const all = (type: string) => written.flatMap((parts) => parts.filter((part) => part.type === type).map((part) => plain(part.value)));
  const points = all("decimal");
  // Spaces are taken out before: a group separator that is one counts as none.
  const marks = all("group").filter((mark) => mark !== "" && !points.includes(mark));
  const either = (signs: string[]) => `(?:${[...new Set(signs)].map((s) => s.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})`;
  // 12,34,567 in India: only the last group has always three digits.
  const inner = Math.min(...written.map((parts) => parts.filter((part) => part.type === "integer").at(-2)?.value.length ?? 3));
  const group = either(marks);
  const integer = marks.length > 0 ? `(?:\\d+|\\d{1,3}(?:${group}\\d{${inner},3})*${group}\\d{3})` : "\\d+";
  const found = {
    decimal: points[0] ?? ".",
    pattern: new RegExp(`^(-?)(${integer})?(?:${either(points)}(\\d+))?$`),
    groups: new RegExp(group, "g"),
  };
  separatorsOf.set(of, found);
  return found;
}

/** Without spaces and marks of direction, and with one kind of apostrophe and minus: what people type and what locales say differs. */
function plain(text: string): string {
  return text.replace(/[\s\u061c\u200e\u200f]/g, "").replace(/\u2019/g, "'").replace("\u2212", "-");
}

/**
 * A number as a person types it in their locale, as wire text. Undefined when it is none or could mean two things.
 * Group separators count only where the locale puts them, so that `1.25` is never read as 125.
 */
export function parseDecimal(text: string, of: string = locale): string | undefined {
  const { pattern, groups } = separators(of);
  const match = pattern.exec(plain(text));
  if (!match || (match[2] === undefined && match[3] === undefined)) return undefined;
  const whole = (match[2] ?? "0").replace(groups, "").replace(/^0+(?=\d)/, "");
  const wire = `${match[1]}${whole}${match[3] ? `.${match[3]}` : ""}`;
  return decimal(wire) ? wire : undefined;
}

/** A decimal of the wire as the person would type it: locale's point, no groups. */
export function editDecimal(wire: string | null | undefined, of: string = locale): string {
  return wire == null ? "" : wire.replace(".", separators(of).decimal);
}

type DayPart = "year" | "month" | "day";

/** How a locale writes a day. */
interface DayShape {
  order: DayPart[];
  /** Digits and what may stand between them, the locale's own letters among it (`30.11.2026 г.`). Other letters may name a month. */
  pattern: RegExp;
}

const dayShapes = new Map<string, DayShape>();

function dayShape(of: string): DayShape {
  const known = dayShapes.get(of);
  if (known) return known;
  const parts = new Intl.DateTimeFormat(of, { year: "numeric", month: "2-digit", day: "2-digit" }).formatToParts(
    new Date(2026, 10, 30),
  );
  const order = parts.map((part) => part.type).filter((type) => type === "year" || type === "month" || type === "day");
  const literal = parts.map((part) => (part.type === "literal" ? part.value.replace(/[\]\\^-]/g, "") : "")).join("");
  const found = { order, pattern: new RegExp(`^[\\d\\s./\\-\\u200f\\u200e年月日${literal}]+$`) };
  dayShapes.set(of, found);
  return found;
}

function validDay(year: number, month: number, day: number): string | undefined {
  const date = new Date(Date.UTC(year, month - 1, day));
  const same = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return same && year >= 1900 && year <= 2999 ? date.toISOString().slice(0, 10) : undefined;
}

/**
 * A day as a person types it: ISO, the locale's order with any separator, the year left out (the next such day
 * from `base` on), or `+7` days from `base`. Undefined when it is none of these.
 */
export function parseDay(text: string, base: string = today(), of: string = locale): string | undefined {
  const trimmed = text.trim();
  const offset = /^\+(\d{1,3})$/.exec(trimmed);
  if (offset) return addDays(base, Number(offset[1]));
  const { order: usual, pattern } = dayShape(of);
  const iso = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(trimmed);
  // Where the year stands first anyway, the locale says what follows: Kyrgyz writes 2026-30-11.
  const order: DayPart[] = iso && usual[0] !== "year" ? ["year", "month", "day"] : usual;
  const numbers = trimmed.split(/[^\d]+/).filter((part) => part !== "");
  if (!pattern.test(trimmed)) return undefined;
  if (numbers.length === 3) {
    const at = (part: "year" | "month" | "day") => Number(numbers[order.indexOf(part)]);
    const year = at("year");
    return validDay(year < 100 ? 2000 + year : year, at("month"), at("day"));
  }
  if (numbers.length === 2) {
    const short = order.filter((part) => part !== "year");
    const at = (part: "month" | "day") => Number(numbers[short.indexOf(part)]);
    const year = Number(base.slice(0, 4));
    const thisYear = validDay(year, at("month"), at("day"));
    return thisYear && thisYear < base ? validDay(year + 1, at("month"), at("day")) : thisYear;
  }
  return undefined;
}

/**
 * One day, or the first and the last of several, as `formatRange` writes them or with `..` between. Undefined when it
 * is neither, or when the last lies before the first. Each side may be typed as `parseDay` reads it; `+7` counts from
 * `base`, on the second side from the first day.
 */
export function parseRange(text: string, base: string = today(), of: string = locale): DateRange | undefined {
  const sides = text.split(/\s*(?:–|\.\.|\s-\s)\s*/);
  const first = parseDay(sides[0] ?? "", base, of);
  const last = sides.length === 1 ? first : parseDay(sides[1] ?? "", first ?? base, of);
  return sides.length <= 2 && first && last && first <= last ? { first, last } : undefined;
}
