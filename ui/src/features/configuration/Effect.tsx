/** The payload on the left, what becomes of it on the right, and what was left aside. */

import { useMemo } from "react";
import type { TrialCode, TrialDocument, TrialItem, TrialStream } from "../../api/types";
import { Badge, Bar, Empty } from "../../components/controls";
import { lineOf, type Pretty, pretty } from "../../components/payload";
import { text } from "../../texts/en";
import { linesOf } from "./unread";

/** What was tried last, and whether it is of a configuration that was changed into a wrong one since. */
export interface EffectProps {
  tried: TrialStream | undefined;
  stale: boolean;
}

export function Effect({ tried, stale }: EffectProps) {
  const document = tried?.documents[0];
  if (tried?.failure) {
    return (
      <div className="effect">
        <Bar tone="error" testId="effect-failure">
          {[tried.failure.message, tried.request ? `${tried.request.method} ${tried.request.url}` : ""].filter(Boolean).join(" – ")}
        </Bar>
      </div>
    );
  }
  if (!document && tried && tried.setAside.length > 0) {
    return (
      <div className="effect">
        <SetAside tried={tried} />
      </div>
    );
  }
  if (!document) return <Empty icon="file" title={stale ? text.configuration.mendFirst : text.configuration.noPayload} hint={stale ? "" : text.configuration.noPayloadHint} />;
  return <Shown tried={tried} document={document} stale={stale} />;
}

function Shown({ tried, document, stale }: { tried: TrialStream | undefined; document: TrialDocument; stale: boolean }) {
  const payload = useMemo(() => pretty(document.payload), [document.payload]);
  const canonical = useMemo(() => pretty(JSON.stringify(document.canonical ?? null)), [document.canonical]);
  const unread = useMemo(() => new Set(document.unread.flatMap((field) => linesOf(payload, field.path))), [payload, document.unread]);
  const wrong = useMemo(() => new Set(document.problems.flatMap((one) => lineOf(payload, one.pointer) ?? [])), [payload, document.problems]);
  return (
    <div className="effect" data-testid="effect" data-outcome={document.outcome}>
      {stale ? <Bar tone="warning">{text.configuration.stale}</Bar> : null}
      {document.problems.length > 0 ? (
        <Bar tone="error" testId="effect-problems">
          {text.configuration.quarantined}
          <ul>
            {document.problems.map((one) => (
              <li key={`${one.pointer} ${one.message}`}>
                <span className="mono">{one.pointer || "/"}</span> {one.message}
              </li>
            ))}
          </ul>
        </Bar>
      ) : null}
      {tried ? <SetAside tried={tried} /> : null}
      {document.outcome === "skipped" ? <Bar tone="info">{text.configuration.skipped}</Bar> : null}
      <div className="effect-sides">
        <Side title={text.configuration.payload} note={text.configuration.unread(document.unread.length)} shown={payload} soft={unread} wrong={wrong} testId="effect-payload" />
        <Side title={text.configuration.canonical} note={document.empty.length > 0 ? text.configuration.empty(document.empty.length) : ""} shown={canonical} testId="effect-canonical" />
      </div>
      <Facts document={document} />
    </div>
  );
}

const NONE: ReadonlySet<number> = new Set();

function Side({ title, note, shown, soft = NONE, wrong = NONE, testId }: { title: string; note: string; shown: Pretty; soft?: ReadonlySet<number>; wrong?: ReadonlySet<number>; testId: string }) {
  return (
    <section className="effect-side">
      <h2>
        {title} <span className="caption soft">{note}</span>
      </h2>
      <pre className="payload mono" tabIndex={0} data-testid={testId}>
        {shown.lines.map((line, at) => (
          <span key={at} className={wrong.has(at) ? "line-wrong" : soft.has(at) ? "line-unread" : undefined}>
            {line}
            {"\n"}
          </span>
        ))}
      </pre>
    </section>
  );
}

/** Rows of code tables that were used, in either direction. */
export function Codes({ codes }: { codes: readonly TrialCode[] }) {
  return codes.map((code) => (
    <Badge key={`${code.table} ${code.direction} ${code.code}`} tone={code.found ? "outline" : "critical"}>
      {code.table}: {code.code} → {code.found ?? text.configuration.unknown}
    </Badge>
  ));
}

export const itemText = (item: TrialItem) => text.configuration.item(item.id, item.lines, item.of, item.example);

/** Items of the page that the partner gives in part only, and why. */
function SetAside({ tried }: { tried: TrialStream }) {
  if (tried.setAside.length === 0 && !tried.held) return null;
  return (
    <Bar tone="warning" testId="effect-set-aside">
      {tried.setAside.length > 0 ? text.configuration.setAside(tried.setAside.length) : null}
      <ul>
        {tried.setAside.flatMap((one, at) =>
          one.problems.map((problem) => (
            <li key={`${at} ${problem.pointer} ${problem.message}`}>
              <span className="mono">{problem.pointer || "/"}</span> {problem.message}
            </li>
          )),
        )}
        {tried.held ? <li>{text.configuration.heldBack(tried.held.message)}</li> : null}
      </ul>
    </Bar>
  );
}

function Facts({ document }: { document: TrialDocument }) {
  const { codes, empty, items, rules, unread, warnings } = document;
  if (codes.length + empty.length + items.length + rules.length + unread.length + warnings.length === 0) return null;
  return (
    <dl className="effect-facts">
      {warnings.map((warning) => (
        <div key={warning}>
          <dt>
            <Badge tone="caution">{text.configuration.warning}</Badge>
          </dt>
          <dd>{warning}</dd>
        </div>
      ))}
      {rules.map((rule) => (
        <div key={`${rule.rule} ${rule.effect}`} className="effect-rule" data-testid="effect-rule">
          <dt className="mono">{rule.rule}</dt>
          <dd>{rule.effect}</dd>
        </div>
      ))}
      {codes.length > 0 ? (
        <div>
          <dt>{text.configuration.codes}</dt>
          <dd className="chips">
            <Codes codes={codes} />
          </dd>
        </div>
      ) : null}
      {items.length > 0 ? (
        <div>
          <dt>{text.configuration.items}</dt>
          <dd data-testid="effect-items">{items.map(itemText).join("; ")}</dd>
        </div>
      ) : null}
      {unread.length > 0 ? (
        <div>
          <dt>{text.configuration.unreadFields}</dt>
          <dd className="soft mono" data-testid="effect-unread">
            {unread.map((field) => field.path).join(", ")}
          </dd>
        </div>
      ) : null}
      {empty.length > 0 ? (
        <div>
          <dt>{text.configuration.emptyFields}</dt>
          <dd className="soft mono">{empty.join(", ")}</dd>
        </div>
      ) : null}
    </dl>
  );
}
