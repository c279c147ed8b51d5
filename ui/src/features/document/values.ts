/** Values of a difference as a person reads them: the wire has text for all of them. */

import { decimal, minorDigits } from "../../texts/decimal";
import { formatDay, formatDecimal, formatMinor, formatMoment } from "../../texts/format";
import { unitName } from "../../texts/units";

const DECIMAL_FIELDS = /(^|\.)(quantity|price|priceBase|taxPercent|delivered|outstanding)$/;

/** As money stands elsewhere on the screen; other digits than the currency has are kept. */
function amountText(amount: string, currency: string): string {
  const value = decimal(amount);
  return value && value.scale === minorDigits(currency) ? formatMinor(value.units, currency) : `${formatDecimal(amount)} ${currency}`;
}

export function valueText(field: string, value: string | null | undefined): string {
  if (value == null) return "";
  if (DECIMAL_FIELDS.test(field)) return formatDecimal(value);
  if (field === "unit") return unitName(value);
  const money = /^(-?\d+(?:\.\d+)?) ([A-Z]{3})$/.exec(value);
  if (money) return amountText(money[1] ?? "", money[2] ?? "");
  if (/^\d{4}-\d\d-\d\d$/.test(value)) return formatDay(value);
  if (/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)) return formatMoment(value);
  // A range as the engine writes it: two days.
  return value.replace(/\b\d{4}-\d\d-\d\d\b/g, (day) => formatDay(day));
}
