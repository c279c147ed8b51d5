import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { fakeEngine, show } from "../../../test/host";
import type { PartnerView } from "../../api/types";
import PartnersScreen from "./PartnersScreen";

const partner = (change: Partial<PartnerView>): PartnerView => ({
  id: "sandbox",
  name: "Sandbox",
  status: "onLine",
  streams: ["orders"],
  operations: ["confirm"],
  configFile: "/p/sandbox.json",
  configErrors: [],
  ...change,
});

test("status, reason and mistakes are shown; keys act on the partner that is active", async () => {
  const engine = fakeEngine({
    "GET /partners": [
      partner({}),
      partner({ id: "amazon", name: "Amazon", status: "credentialsBroken", reason: "401 invalid_client", configErrors: ["/auth: missing"], clockSkewMs: 4200 }),
    ],
    "POST /partners/amazon/pause": partner({ id: "amazon", status: "paused" }),
    "POST /partners/amazon/sync": { pages: 1, received: 3, versions: 2, duplicates: 0, skipped: 0, quarantined: 1 },
  });
  show(<PartnersScreen />);
  const cards = await screen.findAllByTestId("partner");
  const second = within(cards[1] as HTMLElement);
  expect(second.getByTestId("partner-reason")).toHaveTextContent("401 invalid_client");
  second.getByText("/auth: missing");
  second.getByText(/4.2 s off/);
  await waitFor(() => {
    fireEvent.keyDown(document.body, { key: "j" });
    expect(cards[1]).toHaveClass("partner-active");
  });
  fireEvent.keyDown(document.body, { key: "p" });
  await waitFor(() => expect(engine.calls.some((call) => call.path === "/partners/amazon/pause")).toBe(true));
  fireEvent.keyDown(document.body, { key: "s" });
  await waitFor(() => expect(engine.calls.some((call) => call.path === "/partners/amazon/sync")).toBe(true));
});

test("no partner: what to do is said", async () => {
  fakeEngine({ "GET /partners": [] });
  show(<PartnersScreen />);
  expect(await screen.findByTestId("empty")).toHaveTextContent("configuration file");
});
