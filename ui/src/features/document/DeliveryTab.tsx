import type { OperationRow } from "../../api/types";
import { Empty } from "../../components/controls";
import { OperationCard } from "../queue/OperationCard";
import { text } from "../../texts/en";

/** Every answer that was given, newest first, with each attempt to deliver it. */
export function DeliveryTab({ operations }: { operations: readonly OperationRow[] }) {
  if (operations.length === 0) return <Empty icon="send" title={text.empty.operations} />;
  return (
    <div className="screen-scroll cards">
      {operations.map((operation, at) => (
        <OperationCard key={operation.id} operation={operation} open={at === 0} />
      ))}
    </div>
  );
}
