import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api, DIAGNOSTICS_PATH } from "../../api/client";
import type { Check, IncidentRow } from "../../api/types";
import { useActions } from "../../app/actions";
import { go } from "../../app/router";
import { toastDone, toastError } from "../../app/toasts";
import { Badge, Button, Empty, type Tone } from "../../components/controls";
import { Icon } from "../../components/Icon";
import { ErrorPanel } from "../../errors/ErrorPanel";
import { classify } from "../../errors/table";
import { host } from "../../host";
import { text } from "../../texts/en";
import { formatSeconds } from "../../texts/format";
import { usePartnerNames } from "../partners/names";
import { titleOf, type Trouble, useIncidents, useTroubles } from "./troubles";

/** Those that are over and shown. */
const OVER = 20;
const tones: Record<Check["level"], Tone> = { ok: "success", warn: "caution", fail: "critical" };

/** As the command line names it. */
function bundleName(now: Date): string {
  const digits = now.toISOString().replace(/\D/g, "");
  return `countersign-diagnostics-${digits.slice(0, 8)}-${digits.slice(8, 14)}.zip`;
}

export default function HealthScreen() {
  const troubles = useTroubles();
  const incidents = useIncidents();
  const look = useMutation({ mutationFn: api.examine, onError: toastError });
  const save = useMutation({
    mutationFn: () => host().saveFile(DIAGNOSTICS_PATH, bundleName(new Date())),
    onSuccess: (saved) => saved && toastDone(text.health.saved),
    onError: toastError,
  });
  const action = (id: string, key: string, title: string, run: () => void, disabled: boolean) => ({
    id: `health-${id}`,
    key,
    title,
    group: text.groups.health,
    run,
    disabled,
  });
  useActions([
    action("look", "c", text.health.check, look.mutate, look.isPending),
    action("diagnostics", "d", text.health.diagnostics, save.mutate, save.isPending),
  ]);
  const over = (incidents.data ?? []).filter((incident) => incident.endedAt).slice(0, OVER);

  return (
    <section className="screen" aria-label={text.nav.health} data-testid="health">
      <header className="screen-head">
        <h1>{text.nav.health}</h1>
        <span className="grow" />
        <Button icon="file" isDisabled={save.isPending} onPress={() => save.mutate()} hint="d" data-testid="diagnostics-save">
          {save.isPending ? text.health.saving : text.health.diagnostics}
        </Button>
        <Button look="accent" icon="pulse" isDisabled={look.isPending} onPress={() => look.mutate()} hint="c" data-testid="examine">
          {look.isPending ? text.health.checking : look.data ? text.health.checkAgain : text.health.check}
        </Button>
      </header>
      {incidents.error ? (
        <ErrorPanel error={incidents.error} onRetry={() => void incidents.refetch()} />
      ) : (
        <div className="screen-scroll health">
          {troubles.length === 0 ? (
            <Empty icon="check" title={text.health.well} hint={text.health.wellHint} />
          ) : (
            <>
              <h2>{text.health.open}</h2>
              <p className="soft">{text.health.openHint}</p>
              <ul className="cards health-list">
                {troubles.map((trouble) => (
                  <Card key={trouble.key} trouble={trouble} />
                ))}
              </ul>
            </>
          )}
          {look.data ? <Looked checks={look.data.checks} /> : null}
          <h2>{text.health.diagnosticsTitle}</h2>
          <p className="soft">{text.health.diagnosticsHint}</p>
          <h2>{text.health.over}</h2>
          {over.length === 0 ? <p className="soft">{text.health.overNone}</p> : <Over incidents={over} />}
        </div>
      )}
    </section>
  );
}

function Card({ trouble }: { trouble: Trouble }) {
  const { entry } = trouble;
  const partners = usePartnerNames();
  return (
    <li className="card health-card" data-testid="trouble" data-code={trouble.code} data-subject={trouble.subject}>
      <span className={`health-sign health-${entry.severity}`}>
        <Icon name={entry.severity === "error" ? "error" : entry.severity === "warning" ? "warning" : "info"} />
      </span>
      <div className="grow">
        <div className="strong">{titleOf(trouble, partners.name)}</div>
        {trouble.detail ? <div className="health-detail">{trouble.detail}</div> : null}
        <div>{entry.hint}</div>
        {trouble.beganAt ? <div className="caption soft">{text.health.since(formatSeconds(trouble.beganAt))}</div> : null}
      </div>
      {entry.remedy === "openPartners" ? (
        <Button small icon="people" onPress={() => go({ name: "partners" })} data-testid="trouble-partners">
          {text.health.partners}
        </Button>
      ) : entry.remedy === "openQueue" ? (
        <Button small icon="queue" onPress={() => go({ name: "queue", operation: undefined })} data-testid="trouble-queue">
          {text.health.queue}
        </Button>
      ) : null}
    </li>
  );
}

function Looked({ checks }: { checks: readonly Check[] }) {
  const [all, setAll] = useState(false);
  const wrong = checks.filter((check) => check.level !== "ok");
  const shown = all ? checks : [...wrong].sort((a, b) => (a.level === b.level ? 0 : a.level === "fail" ? -1 : 1));
  return (
    <section aria-label={text.health.checkTitle} data-testid="examined" data-wrong={wrong.length}>
      <h2>{text.health.checkTitle}</h2>
      <p className="soft" role="status">
        {wrong.length === 0 ? text.health.allWell(checks.length) : text.health.notWell(wrong.length, checks.length)}
      </p>
      <ul className="cards health-list">
        {shown.map((check) => (
          <li key={`${check.name} ${check.message}`} className="card health-card" data-testid="check" data-name={check.name} data-level={check.level}>
            <span className="health-level">
              <Badge tone={tones[check.level]}>{text.health.levels[check.level]}</Badge>
            </span>
            <div className="grow check-said">
              <div className="strong">{check.name}</div>
              <div className="health-detail">{check.words ? `${check.message}: ${check.words}` : check.message}</div>
              {check.why ? <div className="soft">{check.why}</div> : null}
              {check.advice ? <div className={check.advice.startsWith("countersign ") ? "as-typed" : undefined}>{check.advice}</div> : null}
            </div>
          </li>
        ))}
      </ul>
      <label className="health-all">
        <input type="checkbox" checked={all} onChange={(event) => setAll(event.target.checked)} data-testid="examined-all" />
        {text.health.showWell}
      </label>
    </section>
  );
}

function Over({ incidents }: { incidents: readonly IncidentRow[] }) {
  const partners = usePartnerNames();
  return (
    <ul className="health-over">
      {incidents.map((incident) => (
        <li key={incident.id} data-testid="over">
          <span>{titleOf({ subject: incident.subject === "database" ? "" : incident.subject, entry: classify(incident.kind) }, partners.name)}</span>
          <span className="soft">{text.health.lasted(formatSeconds(incident.beganAt), formatSeconds(incident.endedAt ?? ""))}</span>
        </li>
      ))}
    </ul>
  );
}
