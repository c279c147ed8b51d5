import { describe, expect, test } from "vitest";
import { add, compare, decimal, lineMinor, minorDigits, sameValue, subtract, toText } from "./decimal";

const d = (text: string) => {
  const value = decimal(text);
  if (!value) throw new Error(text);
  return value;
};

describe("exact decimals", () => {
  test("read and write back as they were", () => {
    for (const text of ["0", "1.50", "-0.001", "123456789012345678.901234567"]) expect(toText(d(text))).toBe(text);
    for (const text of ["", "1.", ".5", "1e3", "abc", "1,5", "12345678901234567890123456789"]) expect(decimal(text)).toBeUndefined();
  });

  test("add, subtract, compare", () => {
    expect(toText(add(d("0.1"), d("0.2")))).toBe("0.3");
    expect(toText(subtract(d("1"), d("1.05")))).toBe("-0.05");
    expect(compare(d("1.0"), d("1.00"))).toBe(0);
    expect(sameValue("40", "40.0")).toBe(true);
    expect(sameValue("40", undefined)).toBe(false);
  });

  test("amounts round halves away from zero, in the currency's digits", () => {
    expect(lineMinor(d("1"), d("1.005"), d("1"), "EUR")).toBe(101n);
    expect(lineMinor(d("-1"), d("1.005"), d("1"), "EUR")).toBe(-101n);
    expect(lineMinor(d("7"), d("10"), d("100"), "EUR")).toBe(70n);
    expect(lineMinor(d("3"), d("0.5"), d("1"), "JPY")).toBe(2n);
    expect(lineMinor(d("1"), d("1"), d("0"), "EUR")).toBeUndefined();
    expect([minorDigits("EUR"), minorDigits("JPY"), minorDigits("KWD")]).toEqual([2, 0, 3]);
  });
});
