import { fireEvent, screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import { detail, operation, order } from "../../../test/fixtures";
import { type Call, fakeEngine, show } from "../../../test/host";
import { DocumentScreen } from "../document/DocumentScreen";

function engine(possible: ReturnType<typeof detail>["possible"]) {
  const current = detail({ allowed: [], possible });
  return fakeEngine({
    "GET /documents?": { items: [current.row] },
    "GET /documents/1": () => current,
    "GET /documents/1/versions/1": () => ({ version: current.versions[0], document: { Order: order() } }),
    "POST /documents/1/cancel": operation({ kind: "cancel" }),
    "POST /documents/1/counter/accept": operation({ kind: "update" }),
    "POST /documents/1/counter/refuse": operation({ kind: "update" }),
  });
}
const posted = (calls: Call[]) => calls.filter((call) => call.method === "POST").map((call) => call.body);

test("x, why, Enter: an order of ours is cancelled", async () => {
  const { calls } = engine(["cancel"]);
  show(<DocumentScreen id={1} tab="lines" version={undefined} />);
  await screen.findByTestId("issue-cancel");
  fireEvent.keyDown(document.body, { key: "x" });
  fireEvent.change(await screen.findByTestId("issue-reason"), { target: { value: "not needed" } });
  fireEvent.click(screen.getByTestId("issue-save"));
  await waitFor(() => expect(posted(calls)).toEqual([{ version: 1, reason: "not needed" }]));
});

test("c takes the seller's counter-offer", async () => {
  const { calls } = engine(["acceptCounter", "refuseCounter"]);
  show(<DocumentScreen id={1} tab="lines" version={undefined} />);
  await screen.findByTestId("issue-accept");
  fireEvent.keyDown(document.body, { key: "c" });
  await waitFor(() => expect(posted(calls)).toEqual([{ version: 1 }]));
});

test("only what is possible has a button", async () => {
  engine([]);
  show(<DocumentScreen id={1} tab="lines" version={undefined} />);
  await screen.findByTestId("document");
  for (const id of ["issue-cancel", "issue-accept", "issue-refuse", "issue-close"]) expect(screen.queryByTestId(id)).toBeNull();
});
