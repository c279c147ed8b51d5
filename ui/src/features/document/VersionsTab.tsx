import { useMemo, useState } from "react";
import type { CanonicalDocument, DocumentDetail, FieldChange, Item, LineChange, VersionDiff, VersionRow } from "../../api/types";
import { useActions } from "../../app/actions";
import { Badge, Button, Clip, Empty, Select } from "../../components/controls";
import { VersionBadge } from "../../components/states";
import { ErrorPanel } from "../../errors/ErrorPanel";
import { text } from "../../texts/en";
import { actorName, authorName, fieldName, purposeName } from "../../texts/names";
import { formatDecimal, formatMoment } from "../../texts/format";
import { unitName } from "../../texts/units";
import { comparedWith, despatchOf, orderOf, useDiff, useVersion } from "./data";
import { PayloadDialog } from "./PayloadDialog";
import { valueText } from "./values";

interface Props {
  detail: DocumentDetail;
  onShow: (version: number) => void;
}

/** The chain on one side, the difference between any two of its versions on the other. */
export function VersionsTab({ detail, onShow }: Props) {
  const { row, versions } = detail;
  const [to, setTo] = useState(row.current);
  const [from, setFrom] = useState(() => comparedWith(detail, row.current) ?? row.current);
  const [payload, setPayload] = useState<number | undefined>();
  const compare = (number: number) => {
    setTo(number);
    setFrom(comparedWith(detail, number) ?? number);
  };
  const group = text.groups.document;
  useActions([
    { id: "newer", key: ".", title: text.document.newer, group, run: () => compare(to + 1), disabled: to >= versions.length },
    { id: "older", key: ",", title: text.document.older, group, run: () => compare(to - 1), disabled: to <= 1 },
    { id: "version-lines", key: "l", title: text.document.linesOf(to), group, run: () => onShow(to) },
    { id: "payload", key: "d", title: text.document.payload, group: text.groups.document, run: () => setPayload(to) },
    {
      id: "swap",
      key: "s",
      title: text.document.swap,
      group: text.groups.document,
      run: () => {
        setFrom(to);
        setTo(from);
      },
    },
  ]);
  return (
    <div className="versions">
      <ol className="chain" aria-label={text.document.changes}>
        {[...versions].reverse().map((version) => (
          <VersionItem
            key={version.number}
            version={version}
            detail={detail}
            chosen={version.number === to}
            onCompare={() => compare(version.number)}
            onShow={() => onShow(version.number)}
            onPayload={() => setPayload(version.number)}
          />
        ))}
      </ol>
      <DiffView detail={detail} from={from} to={to} onFrom={setFrom} onTo={setTo} />
      {payload === undefined ? null : (
        <PayloadDialog
          title={text.document.payloadOf(payload)}
          path={`/documents/${row.id}/versions/${payload}/payload`}
          fileName={`${row.number}-v${payload}`}
          onClose={() => setPayload(undefined)}
        />
      )}
    </div>
  );
}

interface ItemProps {
  version: VersionRow;
  detail: DocumentDetail;
  chosen: boolean;
  onCompare: () => void;
  onShow: () => void;
  onPayload: () => void;
}

function VersionItem({ version, detail, chosen, onCompare, onShow, onPayload }: ItemProps) {
  const { row } = detail;
  const captions = [
    formatMoment(version.receivedAt),
    `${text.document.from} ${version.author === "Us" ? actorName(version.actor) : authorName[version.author]}`,
    version.revision ? `${text.document.revision} ${version.revision}` : undefined,
    version.base ? text.document.answers(version.base) : version.supersedes ? text.document.supersedes(version.supersedes) : undefined,
  ].filter(Boolean);
  return (
    <li className={`chain-item ${chosen ? "chain-chosen" : ""}`} data-testid="version-row" data-version={version.number} data-state={version.state}>
      <div className="chain-line">
        <b>{text.document.version(version.number)}</b>
        <span>{purposeName[version.purpose]}</span>
        <VersionBadge state={version.state} />
        {version.number === row.current ? <Badge tone="accent">{text.document.current}</Badge> : null}
        {version.number === row.agreed ? <Badge tone="success" icon="check">{text.document.agreed}</Badge> : null}
      </div>
      <Clip text={captions.join(" · ")} className="caption soft" />
      <div className="chain-line">
        <Button small look="subtle" onPress={onShow}>
          {text.document.lines}
        </Button>
        <Button small look="subtle" onPress={onCompare}>
          {text.document.compare}
        </Button>
        <Button small look="subtle" icon="file" onPress={onPayload}>
          {text.document.payloadShort}
        </Button>
      </div>
    </li>
  );
}

interface DiffProps {
  detail: DocumentDetail;
  from: number;
  to: number;
  onFrom: (number: number) => void;
  onTo: (number: number) => void;
}

function DiffView({ detail, from, to, onFrom, onTo }: DiffProps) {
  const query = useDiff(detail.row.id, from, to);
  const said = useLineTexts(detail.row.id, from, to);
  const options = detail.versions.map((version) => ({
    value: String(version.number),
    label: `v${version.number} ${purposeName[version.purpose]}${version.number === detail.row.agreed ? ` (${text.document.agreed})` : ""}`,
  }));
  return (
    <div className="diff" data-testid="diff" data-from={from} data-to={to}>
      <div className="diff-head">
        <span className="soft">{text.document.compare}</span>
        <div className="diff-pick">
          <Select aria-label={text.document.before} value={String(from)} onChange={(value) => onFrom(Number(value))} options={options} testId="diff-from" />
        </div>
        <span className="soft">{text.document.compareWith}</span>
        <div className="diff-pick">
          <Select aria-label={text.document.after} value={String(to)} onChange={(value) => onTo(Number(value))} options={options} testId="diff-to" />
        </div>
      </div>
      {detail.versions.length < 2 ? (
        <Empty icon="list" title={text.empty.oneVersion} />
      ) : query.error ? (
        <ErrorPanel error={query.error} onRetry={() => void query.refetch()} />
      ) : from === to || (query.data && query.data.header.length === 0 && query.data.lines.length === 0) ? (
        <Empty icon="check" title={text.empty.diff} />
      ) : query.data ? (
        <DiffTable diff={query.data} said={said} />
      ) : (
        <p className="soft">{text.loading}</p>
      )}
    </div>
  );
}

/** First and last day that changed alike are one change of one day. */
export function withoutTwins(fields: readonly FieldChange[]): FieldChange[] {
  const same = (a: FieldChange, b: FieldChange | undefined) => b !== undefined && a.before === b.before && a.after === b.after;
  const other = (field: FieldChange, from: string, to: string) =>
    fields.find((one) => one.field === field.field.replace(new RegExp(`\\.${from}$`), `.${to}`));
  return fields.flatMap((field) => {
    if (field.field.endsWith(".last") && same(field, other(field, "last", "first"))) return [];
    if (field.field.endsWith(".first") && same(field, other(field, "first", "last"))) {
      return [{ ...field, field: field.field.replace(/\.first$/, "") }];
    }
    return [field];
  });
}

/** A difference has at most as many rows as are of use to read; more are counted. */
const MAX_DIFF_LINES = 500;

type Said = (line: LineChange) => string;

/** What an added line says in the later version, and a deleted one in the earlier. */
function useLineTexts(id: number, from: number, to: number): Said {
  const [before, after] = [useVersion(id, from).data?.document, useVersion(id, to).data?.document];
  return useMemo(() => {
    const [old, now] = [lineTexts(before), lineTexts(after)];
    return (line) => (line.change === "Added" ? now : line.change === "Deleted" ? old : undefined)?.get(line.lineId) ?? "";
  }, [before, after]);
}

function lineTexts(document: CanonicalDocument | undefined): ReadonlyMap<string, string> {
  const order = document && orderOf(document);
  const note = document && despatchOf(document);
  const item = ({ description, sellerId, buyerId, gtin }: Item) => description ?? sellerId ?? buyerId ?? gtin ?? "";
  const rows: [string, string][] = order
    ? order.lines.map((line) => [line.id, `${item(line.item)}, ${formatDecimal(line.quantity)} ${unitName(line.unit)}`])
    : (note?.lines ?? []).map((line) => [line.id, `${item(line.item)}, ${formatDecimal(line.delivered)} ${unitName(line.unit)}`]);
  return new Map(rows);
}

export function DiffTable({ diff, said = () => "" }: { diff: VersionDiff; said?: Said }) {
  const lines = diff.lines.slice(0, MAX_DIFF_LINES);
  return (
    <div className="diff-scroll">
      <table className="diff-table">
        <thead>
          <tr>
            <th scope="col">{text.document.line}</th>
            <th scope="col">{text.document.field}</th>
            <th scope="col">{text.document.before}</th>
            <th scope="col">{text.document.after}</th>
          </tr>
        </thead>
        <tbody>
          {withoutTwins(diff.header).map((field) => (
            <FieldRow key={field.field} field={field} head={text.document.header} line="" change="Changed" />
          ))}
          {lines.map((line) => (
            <LineRows key={line.lineId} line={line} said={said(line)} />
          ))}
        </tbody>
      </table>
      {diff.lines.length > lines.length ? (
        <p className="soft caption">{text.document.moreLines(diff.lines.length - lines.length)}</p>
      ) : null}
    </div>
  );
}

const changeNames = { Added: text.document.added, Deleted: text.document.deleted, Changed: text.document.changedLine };

function LineRows({ line, said }: { line: LineChange; said: string }) {
  const fields = withoutTwins(line.fields ?? []);
  if (fields.length === 0) {
    return (
      <tr className={`diff-${line.change.toLowerCase()}`} data-testid="diff-row" data-line={line.lineId} data-change={line.change}>
        <th scope="row">{text.document.lineNo(line.lineId)}</th>
        <td>{changeNames[line.change]}</td>
        <td colSpan={2}>{said}</td>
      </tr>
    );
  }
  return fields.map((field, at) => (
    <FieldRow key={field.field} field={field} head={at === 0 ? text.document.lineNo(line.lineId) : ""} line={line.lineId} change={line.change} />
  ));
}

function FieldRow({ field, head, line, change }: { field: FieldChange; head: string; line: string; change: string }) {
  return (
    <tr data-testid="diff-row" data-line={line} data-change={change} data-field={field.field}>
      {head ? <th scope="row">{head}</th> : <td />}
      <td>
        <Clip text={fieldName(field.field)} />
      </td>
      <td className="diff-before">{field.before == null ? <span className="soft">{text.none}</span> : <del>{valueText(field.field, field.before)}</del>}</td>
      <td className="diff-after">{field.after == null ? <span className="soft">{text.none}</span> : <ins>{valueText(field.field, field.after)}</ins>}</td>
    </tr>
  );
}
