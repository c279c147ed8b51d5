import { expect, test } from "vitest";
import { eventParser, type ServerEvent } from "./sse";

function parse(...chunks: string[]): ServerEvent[] {
  const events: ServerEvent[] = [];
  const feed = eventParser((event) => events.push(event));
  for (const chunk of chunks) feed(chunk);
  return events;
}

test("events in pieces of any size", () => {
  const stream = 'id: 7\nevent: change\ndata: {"id":7}\n\n: comment\n\nevent: lagged\ndata\n\n';
  const whole = parse(stream);
  expect(whole.map((one) => [one.event, one.data, one.id])).toEqual([
    ["change", '{"id":7}', "7"],
    ["lagged", "", "7"],
  ]);
  expect(parse(...stream)).toEqual(whole);
});

test("carriage returns, also cut in the middle", () => {
  expect(parse("data: a\r", "\ndata: b\r\n\r\n")[0]?.data).toBe("a\nb");
});

test("retry is taken, rubbish is not", () => {
  expect(parse("retry: 250\n\n")[0]?.retry).toBe(250);
  expect(parse("retry: soon\nfoo: bar\n\n")).toEqual([]);
});

test("a line without end is refused", () => {
  expect(() => parse("data: ".padEnd(2_000_000, "x"))).toThrow(/megabyte/);
});
