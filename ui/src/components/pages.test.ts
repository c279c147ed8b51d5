import { expect, test } from "vitest";
import { pagesToKeep, uniqueRows } from "./pages";

const page = (...ids: number[]) => ({ items: ids.map((id) => ({ id })) });

test("a row on two pages is shown once, where it came first", () => {
  expect(uniqueRows([page(1, 2, 3), page(3, 4)], (row) => row.id).map((row) => row.id)).toEqual([1, 2, 3, 4]);
});

test("pages far below what is seen are let go", () => {
  const pages = Array.from({ length: 10 }, (_, n) => page(...Array.from({ length: 100 }, (_, k) => n * 100 + k)));
  expect(pagesToKeep(pages, 5)).toBe(3);
  expect(pagesToKeep(pages, 250)).toBe(5);
  expect(pagesToKeep(pages, 999)).toBe(10);
  expect(pagesToKeep([], 0)).toBe(0);
});
