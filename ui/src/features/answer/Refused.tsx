import type { ApiProblem } from "../../api/client";
import { go } from "../../app/router";
import { Bar, Button } from "../../components/controls";
import { classify } from "../../errors/table";
import { text } from "../../texts/en";
import { placeName } from "../../texts/names";
import { problemsOf } from "./save";

interface Props {
  problem: ApiProblem;
  document: number | undefined;
  /** Numbers of the lines that were sent, in their order. */
  lines?: readonly string[] | undefined;
  onClose: () => void;
}

const lineOf = (pointer: string, lines: readonly string[]) => lines[Number(/^\/lines\/(\d+)/.exec(pointer)?.[1])];

/** Why the engine did not take the answer, beside the form that it belongs to. */
export function Refused({ problem, document, lines = [], onClose }: Props) {
  const entry = classify(problem.code);
  const problems = problemsOf(problem);
  const superseded = problem.code === "answer.superseded";
  return (
    <Bar
      tone={entry.severity}
      testId="refused"
      actions={
        superseded && document !== undefined ? (
          <Button
            small
            onPress={() => {
              onClose();
              go({ name: "document", id: document, tab: "versions", version: undefined }, "replace");
            }}
          >
            {text.answer.seeChanges}
          </Button>
        ) : undefined
      }
    >
      <b>{entry.title}.</b> {problem.message} {entry.hint}
      {problems.length > 0 ? (
        <ul className="caption">
          {problems.map((one) => (
            <li key={one.pointer + one.message}>
              {one.pointer ? `${placeName(one.pointer, lineOf(one.pointer, lines))}: ${one.message}` : one.message}
            </li>
          ))}
        </ul>
      ) : null}
    </Bar>
  );
}
