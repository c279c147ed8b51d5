import { expect, test } from "vitest";
import { href, parseRoute, type Route } from "./router";

test.each<Route>([
  { name: "list", view: "needsAnswer" },
  { name: "list", view: "inDelivery" },
  { name: "list", view: "all" },
  { name: "document", id: 7, tab: "lines", version: undefined },
  { name: "document", id: 7, tab: "versions", version: 2 },
  { name: "answer", id: 7 },
  { name: "queue", operation: undefined },
  { name: "queue", operation: "0190-abc" },
  { name: "quarantine", id: 4 },
  { name: "partners" },
])("%j", (route) => {
  expect(parseRoute(href(route))).toEqual(route);
});

test("what makes no sense leads to the work list", () => {
  for (const hash of ["", "#", "#/nowhere", "#/documents/x", "#token=abc"]) {
    expect(parseRoute(hash)).toEqual({ name: "list", view: "needsAnswer" });
  }
});
