import { describe, expect, test, vi } from "vitest";
import { addDays, editDecimal, formatMinor, parseDay, parseDecimal } from "./format";

describe("numbers as typed", () => {
  test.each([
    ["de-DE", "1,5", "1.5"],
    ["de-DE", "1.250", "1250"],
    ["de-DE", "1.250,75", "1250.75"],
    ["de-DE", "1.25", undefined],
    ["de-DE", "12.50", undefined],
    ["en-US", "1,250.75", "1250.75"],
    ["en-US", "1.25", "1.25"],
    ["en-US", "1,25", undefined],
    ["en-US", ".5", "0.5"],
    ["fr-FR", "1 250,5", "1250.5"],
    ["de-CH", "1’250.5", "1250.5"],
    ["en-US", "007", "7"],
    ["en-US", "-3", "-3"],
    ["en-US", "", undefined],
    ["en-US", "12 pcs", undefined],
    ["en-US", "1e5", undefined],
    ["en-IN", "1,00,000", "100000"],
    ["en-IN", "100,000.5", "100000.5"],
    ["en-IN", "1,25", undefined],
    ["en-US", "1,00,000", undefined],
    ["de-AT", "1.250", "1250"],
    ["de-AT", "1.25", undefined],
    ["en-US", "99999999999999999999999999999", undefined],
  ])("%s %s", (locale, typed, wire) => {
    expect(parseDecimal(typed, locale)).toBe(wire);
  });

  test.each(["de-DE", "en-US", "fr-FR", "de-CH", "pl-PL", "zh-CN"])("%s: what is shown for editing reads back", (locale) => {
    for (const wire of ["0", "1", "1.50", "1234567.89", "0.001"]) expect(parseDecimal(editDecimal(wire, locale), locale)).toBe(wire);
  });

  test("no float is in between", () => {
    expect(formatMinor(9007199254740993n, "EUR").replace(/\D/g, "")).toBe("9007199254740993");
    expect(formatMinor(5n, "JPY").replace(/\D/g, "")).toBe("5");
  });
});

describe("days as typed", () => {
  const base = "2026-11-21";
  test.each([
    ["de-DE", "30.11.2026", "2026-11-30"],
    ["de-DE", "30.11.", "2026-11-30"],
    ["de-DE", "1.2.", "2027-02-01"],
    ["de-DE", "30.11.26", "2026-11-30"],
    ["en-US", "11/30/2026", "2026-11-30"],
    ["en-GB", "30/11", "2026-11-30"],
    ["ja-JP", "2026/11/30", "2026-11-30"],
    ["en-US", "2026-11-30", "2026-11-30"],
    ["en-US", "+7", "2026-11-28"],
    ["en-US", "31/31/2026", undefined],
    ["en-US", "2026-02-30", undefined],
    ["bg-BG", "30.11.2026 г.", "2026-11-30"],
    ["bg-BG", "3 яну 12", undefined],
    ["en-US", "Nov 3 12", undefined],
    ["en-US", "tomorrow", undefined],
    ["en-US", "30", undefined],
    ["en-US", "", undefined],
  ])("%s %s", (locale, typed, day) => {
    expect(parseDay(typed, base, locale)).toBe(day);
  });

  test("days are added over the end of a year and a leap day", () => {
    expect(addDays("2026-12-31", 1)).toBe("2027-01-01");
    expect(addDays("2028-02-28", 1)).toBe("2028-02-29");
  });
});

// One of each way to write numbers and days, and those whose calendar, digits, letters or direction are their own.
const locales = (
  "en-US en-GB en-CA en-IN en-ZA de-DE de-AT de-CH fr-FR fr-CA fr-CH it-CH es-ES es-CL pt-BR pt-PT nl-NL sv-SE fi-FI hu-HU cs-CZ hr-HR sr-RS " +
  "lt-LT bg-BG mk-MK ru-RU ky tr-TR el-GR he-IL ar-EG ar-SA fa-IR ps ur-PK hi-IN mr-IN bn-BD ne-NP te-IN my-MM km-KH th-TH th-TH-u-nu-thai " +
  "vi-VN id-ID ja-JP ja-JP-u-ca-japanese zh-TW-u-ca-roc ko-KR zh-CN C"
).split(" ");

describe("what is shown reads back", () => {
  test.each(locales)("%s", async (tag) => {
    vi.resetModules();
    vi.spyOn(navigator, "language", "get").mockReturnValue(tag);
    const here = await import("./format");
    for (const day of ["2026-11-30", "2027-02-03", "2028-02-29", "2026-10-09"]) {
      expect(here.parseDay(here.formatDay(day), "2026-11-21")).toBe(day);
      const range = { first: "2026-09-08", last: day };
      expect(here.parseRange(here.formatRange(range))).toEqual(range);
    }
    for (const wire of ["0", "1.50", "1234.5", "-1234.50", "100000", "12345678.901", "0.001"]) {
      expect(here.parseDecimal(here.formatDecimal(wire))).toBe(wire);
      expect(here.parseDecimal(here.editDecimal(wire))).toBe(wire);
    }
    for (const minor of [5n, 123_450n, 1_234_567_890n, -1_234_567n]) {
      const units = minor < 0n ? -minor : minor;
      const wire = `${minor < 0n ? "-" : ""}${units / 100n}.${String(units % 100n).padStart(2, "0")}`;
      expect(here.parseDecimal(here.formatMinor(minor, "EUR").replace("EUR", ""))).toBe(wire);
    }
  });
});
