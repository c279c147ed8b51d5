import type { ApiProblem } from "../../api/client";
import { go } from "../../app/router";
import { Bar, Button } from "../../components/controls";
import { classify } from "../../errors/table";
import { text } from "../../texts/en";
import { problemsOf } from "./save";

/** Why the engine did not take the answer, beside the form that it belongs to. */
export function Refused({ problem, document, onClose }: { problem: ApiProblem; document: number | undefined; onClose: () => void }) {
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
              <span className="mono">{one.pointer}</span> {one.message}
            </li>
          ))}
        </ul>
      ) : null}
    </Bar>
  );
}
