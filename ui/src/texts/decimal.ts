/** Exact decimals as the wire has them: text, never a float. */

export interface Decimal {
  units: bigint;
  scale: number;
}

/** Reads `-12.50`. Undefined for anything else. */
export function decimal(text: string): Decimal | undefined {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text.trim());
  if (!match) return undefined;
  const fraction = match[3] ?? "";
  if ((match[2] ?? "").length + fraction.length > 28) return undefined;
  const units = BigInt((match[2] ?? "0") + fraction);
  return { units: match[1] ? -units : units, scale: fraction.length };
}

export function toText({ units, scale }: Decimal): string {
  const sign = units < 0n ? "-" : "";
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, "0");
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function aligned(a: Decimal, b: Decimal): [bigint, bigint, number] {
  const scale = Math.max(a.scale, b.scale);
  return [a.units * 10n ** BigInt(scale - a.scale), b.units * 10n ** BigInt(scale - b.scale), scale];
}

export function add(a: Decimal, b: Decimal): Decimal {
  const [x, y, scale] = aligned(a, b);
  return { units: x + y, scale };
}

export function subtract(a: Decimal, b: Decimal): Decimal {
  return add(a, { units: -b.units, scale: b.scale });
}

export function compare(a: Decimal, b: Decimal): -1 | 0 | 1 {
  const [x, y] = aligned(a, b);
  return x < y ? -1 : x > y ? 1 : 0;
}

export function multiply(a: Decimal, b: Decimal): Decimal {
  return { units: a.units * b.units, scale: a.scale + b.scale };
}

/** Same value, whatever the zeros (`1.0` and `1.00`). False when either is no number. */
export function sameValue(a: string | null | undefined, b: string | null | undefined): boolean {
  if (a == null || b == null) return a == b;
  const x = decimal(a);
  const y = decimal(b);
  return x !== undefined && y !== undefined && compare(x, y) === 0;
}

export const ZERO: Decimal = { units: 0n, scale: 0 };

const MINOR_DIGITS: Record<string, number> = Object.fromEntries([
  ..."BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(" ").map((code) => [code, 0]),
  ..."BHD IQD JOD KWD LYD OMR TND".split(" ").map((code) => [code, 3]),
  ["CLF", 4],
  ["UYW", 4],
]);

/** Digits after the point of one unit (ISO 4217). */
export function minorDigits(currency: string): number {
  return MINOR_DIGITS[currency] ?? 2;
}

/** quantity * price / base in minor units, halves away from zero. Undefined when `base` is zero. */
export function lineMinor(quantity: Decimal, price: Decimal, base: Decimal, currency: string): bigint | undefined {
  if (base.units === 0n) return undefined;
  const product = multiply(quantity, price);
  const digits = minorDigits(currency);
  const numerator = product.units * 10n ** BigInt(base.scale + digits);
  const denominator = base.units * 10n ** BigInt(product.scale);
  const negative = numerator < 0n !== denominator < 0n;
  const n = numerator < 0n ? -numerator : numerator;
  const d = denominator < 0n ? -denominator : denominator;
  const rounded = (2n * n + d) / (2n * d);
  return negative ? -rounded : rounded;
}
