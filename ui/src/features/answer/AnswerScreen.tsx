import { useState } from "react";
import type { AllowedAnswer, DocumentDetail } from "../../api/types";
import { useActions } from "../../app/actions";
import { go, openDocument } from "../../app/router";
import { Bar, Button } from "../../components/controls";
import { ErrorPanel } from "../../errors/ErrorPanel";
import { text } from "../../texts/en";
import { despatchOf, orderOf, useDocument, useVersion } from "../document/data";
import { CounterForm } from "./CounterForm";
import { dropDraft, loadDraft } from "./draft";
import { ReceiptForm } from "./ReceiptForm";

/** Answering line by line. The version that is answered is fixed when the screen opens; a newer one asks first. */
export default function AnswerScreen({ id }: { id: number }) {
  const detail = useDocument(id);
  useActions([
    {
      id: "back",
      key: "Escape",
      title: text.document.backTo,
      group: text.groups.document,
      run: () => go(openDocument(id), "replace"),
    },
  ]);
  if (detail.error && !detail.data) return <ErrorPanel error={detail.error} onRetry={() => void detail.refetch()} />;
  if (!detail.data) return <p className="screen-head soft">{text.loading}</p>;
  return <Answering detail={detail.data} />;
}

function Answering({ detail }: { detail: DocumentDetail }) {
  const { row } = detail;
  const [version, setVersion] = useState(() => loadDraft(row.id)?.version ?? row.current);
  const content = useVersion(row.id, version);
  if (content.error && !content.data) {
    return (
      <ErrorPanel
        error={content.error}
        onRetry={() => {
          dropDraft(row.id);
          setVersion(row.current);
        }}
      />
    );
  }
  if (!content.data) return <p className="screen-head soft">{text.loading}</p>;
  const order = orderOf(content.data.document);
  const note = despatchOf(content.data.document);
  if (order) return <CounterForm key={version} detail={detail} version={version} order={order} onVersion={setVersion} />;
  if (note) return <ReceiptForm key={version} detail={detail} version={version} note={note} onVersion={setVersion} />;
  return null;
}

/** Nothing can be answered now: said instead of a form that could not be saved. */
export function NotNow({ detail, wanted, version }: { detail: DocumentDetail; wanted: AllowedAnswer; version: number }) {
  if (detail.allowed.includes(wanted) || detail.row.current !== version) return null;
  return (
    <div className="banners">
      <Bar tone="warning" testId="not-now">
        {text.answer.notNow}
      </Bar>
    </div>
  );
}

/** The head of both forms. */
export function AnswerHead({ detail, title }: { detail: DocumentDetail; title: string }) {
  return (
    <header className="screen-head">
      <Button icon="back" look="subtle" aria-label={text.document.backTo} onPress={() => go(openDocument(detail.row.id), "replace")} data-testid="back" />
      <div className="document-title answer-title">
        <h1 className="clip">{title}</h1>
        <span className="caption soft clip">{detail.row.counterparty ?? text.unknownParty}</span>
      </div>
    </header>
  );
}
