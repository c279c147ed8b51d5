import { expect, test } from "vitest";
import { unitName } from "./units";
import { actionName, actorName, fieldName, placeName } from "./names";

/** Every action that the engine writes into the history of a document. */
const ACTIONS = [
  ...["version", "duplicate", "conflict", "answered", "answerDelivered", "answerRefused", "issueDelivered", "takenBack", "effectUndone"],
  ...["applied", "held", "dead", "replay", "retry", "release", "withdraw"],
  ...["confirm", "reject", "counter", "acknowledge", "receipt", "submit", "update", "cancel", "close", "despatch"],
];

test("history speaks in words, and of people by their names", () => {
  expect(ACTIONS.filter((action) => actionName(action) === action)).toEqual([]);
  const partner = (id: string) => (id === "acme" ? "Acme Ltd" : id);
  expect(["partner:acme", "user:maria", "user:DOMAIN:jo", "engine", "other"].map((one) => actorName(one, partner))).toEqual([
    "Acme Ltd",
    "maria",
    "DOMAIN:jo",
    "Countersign",
    "other",
  ]);
});

test("a place is named by the line's own number and the field's name, never by a pointer", () => {
  expect(placeName("/lines/4/net", "20")).toBe("Line 20, net");
  expect(placeName("/lines/4/requestedDelivery/first", "20")).toBe("Line 20, requested delivery, from");
  expect(placeName("/lines/4", "20")).toBe("Line 20");
  expect(placeName("/lines/4/net", undefined)).toBe("Line in place 5, net");
  expect(placeName("/totals/net", null)).toBe("Net total");
  expect(placeName("/shipTo/city", null)).toBe("Ship to, city");
  expect(fieldName("totals.gross")).toBe("Total with tax");
});

test("units are words, whatever list they come from; an unknown one stays", () => {
  expect(["C62", "KGM", "XBX", "BX", "SET", "ZZ", "XYZ"].map(unitName)).toEqual(["pcs", "kg", "box", "box", "set", "ZZ", "XYZ"]);
});
