import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { screenChanged } from "./focus";
import { VirtualGrid } from "./VirtualGrid";

function Page({ loaded }: { loaded: boolean }) {
  return (
    <>
      <button type="button">elsewhere</button>
      {loaded ? (
        <VirtualGrid
          label="list"
          className="grid"
          columns={[]}
          rows={[{ id: 1 }]}
          rowId={(row) => row.id}
          rowHeight={30}
          active={undefined}
          onActive={() => undefined}
          onOpen={() => undefined}
          autoFocus
          rowTestId="row"
          testId="grid"
        />
      ) : null}
    </>
  );
}

test("a list that comes has the keys at once", () => {
  screenChanged();
  render(<Page loaded />);
  expect(screen.getByTestId("grid")).toHaveFocus();
});

test("a list that is asked for by a button takes the focus from it", () => {
  const { rerender } = render(<Page loaded={false} />);
  screen.getByRole("button").focus();
  screenChanged();
  rerender(<Page loaded />);
  expect(screen.getByTestId("grid")).toHaveFocus();
});

test("a list that comes late leaves the focus where the person went meanwhile", () => {
  screenChanged();
  const { rerender } = render(<Page loaded={false} />);
  screen.getByRole("button").focus();
  rerender(<Page loaded />);
  expect(screen.getByRole("button")).toHaveFocus();
});
