/**
 * Units of measure (UN/ECE Recommendation 20 and 21) as people write them. The rows are those of the printed page,
 * `print/units.rs` of the engine; a test there compares the two.
 */

const names: Record<string, string> = {
  C62: "pcs",
  H87: "pcs",
  PCE: "pcs",
  EA: "each",
  KGM: "kg",
  GRM: "g",
  TNE: "t",
  LTR: "l",
  MLT: "ml",
  HLT: "hl",
  MTR: "m",
  CMT: "cm",
  MMT: "mm",
  MTK: "m²",
  MTQ: "m³",
  HUR: "h",
  DAY: "days",
  SET: "set",
  PR: "pair",
  DZN: "dozen",
  BX: "box",
  CT: "carton",
  CS: "case",
  PF: "pallet",
  PK: "pack",
  RO: "roll",
  BG: "bag",
  BO: "bottle",
};

/** A code that is not known is shown as it is; so are those of packages with the X that some put before them. */
export function unitName(code: string): string {
  return names[code] ?? names[code.replace(/^X(?=..$)/, "")] ?? code;
}
