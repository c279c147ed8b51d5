import { expect, test } from "vitest";
import { row } from "../../../test/fixtures";
import { versionsText } from "./columns";
import { dayPressure, momentPressure } from "./due";
import { activeRow, neighbours } from "./memory";

const rows = [row(1), row(2), row(3)];

test("the active row follows its document, and the next one takes its place when it leaves", () => {
  expect(activeRow(rows, { active: 2, index: 0 })?.id).toBe(2);
  expect(activeRow([row(9), ...rows], { active: 2, index: 1 })?.id).toBe(2);
  expect(activeRow([row(1), row(3)], { active: 2, index: 1 })?.id).toBe(3);
  expect(activeRow([row(1)], { active: 2, index: 1 })?.id).toBe(1);
  expect(activeRow([], { active: 2, index: 1 })).toBeUndefined();
});

test("next and previous, also after the document left the list", () => {
  expect(neighbours(rows, 2, 1)).toMatchObject({ previous: { id: 1 }, next: { id: 3 }, at: 1 });
  expect(neighbours([row(1), row(3)], 2, 1)).toMatchObject({ previous: { id: 1 }, next: { id: 3 }, at: -1 });
  expect(neighbours(rows, 3, 2).next).toBeUndefined();
});

test("what is pending and what is agreed", () => {
  expect(versionsText({ current: 3, agreed: 2 })).toBe("v3 pending · v2 agreed");
  expect(versionsText({ current: 1, agreed: null })).toBe("v1 pending");
  expect(versionsText({ current: 2, agreed: 2 })).toBe("v2 agreed");
});

test("how pressing a date is", () => {
  const now = new Date(2026, 10, 21, 9, 0);
  expect(dayPressure("2026-11-20", now)).toBe("late");
  expect(dayPressure("2026-11-21", now)).toBe("soon");
  expect(dayPressure("2026-11-23", now)).toBe("none");
  expect(dayPressure(null, now)).toBe("none");
  expect(momentPressure(new Date(2026, 10, 21, 8).toISOString(), now)).toBe("late");
  expect(momentPressure(new Date(2026, 10, 21, 20).toISOString(), now)).toBe("soon");
  expect(momentPressure("rubbish", now)).toBe("none");
});
