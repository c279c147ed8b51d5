import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../../api/client";
import { keys } from "../../api/live";
import type { OperationKind, PartnerStatus, PartnerView } from "../../api/types";
import { useActions } from "../../app/actions";
import { go } from "../../app/router";
import { toastDone, toastError } from "../../app/toasts";
import { Badge, Bar, Button, Clip, Empty, type Tone } from "../../components/controls";
import { ErrorPanel } from "../../errors/ErrorPanel";
import { text } from "../../texts/en";
import { operationName, partnerStatusName } from "../../texts/names";
import { formatDecimal, formatSeconds } from "../../texts/format";

const tones: Record<PartnerStatus, Tone> = {
  onLine: "success",
  paused: "neutral",
  credentialsBroken: "critical",
  unreachable: "caution",
  configurationBroken: "critical",
};

const READ_AGAIN_MS = 10_000;
/** A clock that is off by more than this is worth a word: signatures and tokens begin to fail. */
const SKEW_MS = 2_000;

export default function PartnersScreen() {
  // A poll that brings nothing is no change of the feed, and moves the last success all the same.
  const query = useQuery({ queryKey: keys.partners, queryFn: api.partners, refetchInterval: READ_AGAIN_MS });
  const client = useQueryClient();
  const [active, setActive] = useState(0);
  const partners = query.data ?? [];
  const current = partners[Math.min(active, partners.length - 1)];
  const settled = () => void client.invalidateQueries({ queryKey: keys.partners });
  const sync = useMutation({
    mutationFn: (partner: PartnerView) => api.syncPartner(partner.id),
    onSuccess: (report, partner) => toastDone(text.partners.synced(partner.name, report.received, report.versions, report.quarantined)),
    onError: toastError,
    onSettled: settled,
  });
  const pause = useMutation({
    mutationFn: (partner: PartnerView) => (partner.status === "paused" ? api.resumePartner(partner.id) : api.pausePartner(partner.id)),
    onError: toastError,
    onSettled: settled,
  });
  const step = (by: number) => {
    const next = Math.max(0, Math.min(partners.length - 1, active + by));
    setActive(next);
    document.querySelectorAll<HTMLElement>("[data-testid=partner]")[next]?.focus();
  };
  const action = (id: string, key: string, title: string, run: () => void) => ({
    id: `partner-${id}`,
    key,
    title,
    group: text.groups.partners,
    run,
    disabled: !current,
  });
  useActions([
    action("down", "j", text.actions.down, () => step(1)),
    action("up", "k", text.actions.up, () => step(-1)),
    action("sync", "s", text.partners.sync, () => current && sync.mutate(current)),
    action("configuration", "e", text.configuration.edit, () => current && go({ name: "configuration", id: current.id })),
    action("pause", "p", current?.status === "paused" ? text.partners.resume : text.partners.pause, () => current && pause.mutate(current)),
  ]);

  return (
    <section className="screen" aria-label={text.partners.title}>
      <header className="screen-head">
        <h1>{text.partners.title}</h1>
      </header>
      {query.error ? (
        <ErrorPanel error={query.error} onRetry={() => void query.refetch()} />
      ) : query.data && partners.length === 0 ? (
        <Empty icon="people" title={text.empty.partners} hint={text.empty.partnersHint} />
      ) : (
        <div className="screen-scroll cards">
          {partners.map((partner, at) => (
            <Card
              key={partner.id}
              partner={partner}
              active={at === active}
              busy={pause.isPending && pause.variables?.id === partner.id}
              syncing={sync.isPending && sync.variables?.id === partner.id}
              onActive={() => setActive(at)}
              onSync={() => sync.mutate(partner)}
              onPause={() => pause.mutate(partner)}
            />
          ))}
        </div>
      )}
    </section>
  );
}

interface CardProps {
  partner: PartnerView;
  active: boolean;
  busy: boolean;
  syncing: boolean;
  onActive: () => void;
  onSync: () => void;
  onPause: () => void;
}

function Card({ partner, active, busy, syncing, onActive, onSync, onPause }: CardProps) {
  const paused = partner.status === "paused";
  const skew = partner.clockSkewMs ?? 0;
  return (
    <article
      className={`card partner-card ${active ? "partner-active" : ""}`}
      tabIndex={active ? 0 : -1}
      onFocus={onActive}
      onMouseDown={onActive}
      aria-label={partner.name}
      data-testid="partner"
      data-id={partner.id}
      data-status={partner.status}
    >
      <header className="card-head">
        <b className="clip">{partner.name}</b>
        <span className="soft mono clip">{partner.id}</span>
        <Badge tone={tones[partner.status]}>{partnerStatusName[partner.status]}</Badge>
        <span className="grow" />
        <Button small icon="edit" onPress={() => go({ name: "configuration", id: partner.id })} hint={active ? "e" : undefined} data-testid="partner-configuration">
          {text.configuration.edit}
        </Button>
        <Button small icon={paused ? "play" : "pause"} isDisabled={busy} onPress={onPause} hint={active ? "p" : undefined} data-testid={paused ? "partner-resume" : "partner-pause"}>
          {paused ? text.partners.resume : text.partners.pause}
        </Button>
        <Button small icon="sync" isDisabled={syncing} onPress={onSync} hint={active ? "s" : undefined} data-testid="partner-sync">
          {syncing ? text.partners.syncing : text.partners.sync}
        </Button>
      </header>
      {partner.reason ? (
        <Bar tone={partner.status === "onLine" || paused ? "info" : "warning"}>
          <span data-testid="partner-reason">{partner.reason}</span>
        </Bar>
      ) : null}
      {partner.configErrors.length > 0 ? (
        <Bar tone="error">
          {text.partners.errors}
          <ul className="mono">
            {partner.configErrors.map((error) => (
              <li key={error}>{error}</li>
            ))}
          </ul>
        </Bar>
      ) : null}
      {Math.abs(skew) > SKEW_MS ? <Bar tone="info">{text.partners.skew(formatDecimal((skew / 1000).toFixed(1)))}</Bar> : null}
      <dl className="partner-facts">
        <div>
          <dt>{text.partners.lastSuccess}</dt>
          <dd>{partner.lastSuccessAt ? formatSeconds(partner.lastSuccessAt) : text.partners.never}</dd>
        </div>
        <div>
          <dt>{text.partners.lastFailure}</dt>
          <dd>{partner.lastFailureAt ? formatSeconds(partner.lastFailureAt) : text.partners.never}</dd>
        </div>
        <div>
          <dt>{text.partners.streams}</dt>
          <dd>{partner.streams.join(", ") || text.none}</dd>
        </div>
        <div>
          <dt>{text.partners.operations}</dt>
          <dd>{partner.operations.map((one) => operationName[one as OperationKind] ?? one).join(", ") || text.none}</dd>
        </div>
        <div className="partner-file">
          <dt>{text.partners.file}</dt>
          <dd className="clip">
            <Clip text={partner.configFile} className="mono" />
          </dd>
        </div>
      </dl>
    </article>
  );
}
