/** What lasts and needs a person: incidents that are open, and what the engine says of itself. */

import { useQuery } from "@tanstack/react-query";
import { api } from "../../api/client";
import { keys } from "../../api/live";
import type { Health, IncidentRow } from "../../api/types";
import { classify, type ErrorEntry } from "../../errors/table";

/** The store's own troubles are no rows of it, and tell nobody when they begin or end. */
const READ_AGAIN_MS = 15_000;

export interface Trouble {
  key: string;
  code: string;
  /** Partner or file; empty where there is none. */
  subject: string;
  detail: string;
  beganAt: string | undefined;
  entry: ErrorEntry;
}

const severities = { error: 0, warning: 1, info: 2 } as const;

/** Open incidents, and those reasons of the engine's health that are no incident; the worst first, then the oldest. */
export function troublesOf(incidents: readonly IncidentRow[], health: Health | undefined): Trouble[] {
  const open = incidents.filter((incident) => !incident.endedAt);
  const found: Trouble[] = open.map((incident) => ({
    key: `incident-${incident.id}`,
    code: incident.kind,
    subject: incident.subject === "database" ? "" : incident.subject,
    detail: incident.detail,
    beganAt: incident.beganAt,
    entry: classify(incident.kind),
  }));
  for (const reason of health?.reasons ?? []) {
    if (!/^store\.|^partner\.clock$/.test(reason.code)) continue;
    const [, subject = "", detail = reason.message] = reason.code === "partner.clock" ? (/^([^:]+): (.*)$/s.exec(reason.message) ?? []) : [];
    found.push({ key: `${reason.code}-${reason.message}`, code: reason.code, subject, detail, beganAt: undefined, entry: classify(reason.code) });
  }
  return found.sort((a, b) => severities[a.entry.severity] - severities[b.entry.severity] || (a.beganAt ?? "").localeCompare(b.beganAt ?? ""));
}

/** A partner is named as people know it; another subject, such as a file, stays as it is. */
export const titleOf = (trouble: Pick<Trouble, "subject" | "entry">, partnerName: (id: string) => string): string =>
  trouble.subject ? `${partnerName(trouble.subject)}: ${trouble.entry.title}` : trouble.entry.title;

export function useIncidents() {
  return useQuery({ queryKey: keys.incidents, queryFn: api.incidents });
}

export function useTroubles(): Trouble[] {
  const incidents = useIncidents();
  const health = useQuery({ queryKey: keys.health, queryFn: api.health, refetchInterval: READ_AGAIN_MS });
  return troublesOf(incidents.data ?? [], health.data);
}
