/** One typed client of the engine's API; the host brings the bytes. */

import { host, type HostResponse, HostUnreachable, ResponseError } from "../host";
import { FileFailed } from "../host/types";
import type {
  AttemptRow,
  AuditRow,
  ConfigurationCheck,
  ConfigurationFile,
  Counters,
  DocumentDetail,
  DocumentKind,
  DocumentRow,
  DocumentView,
  DeliveryState,
  DespatchAdvice,
  Examined,
  Health,
  IncidentRow,
  LineQuantities,
  OperationKind,
  OperationRow,
  Order,
  OrderResponse,
  Page,
  PartnerView,
  ProblemDetails,
  QuarantineRerun,
  QuarantineRow,
  QuarantineState,
  ReceiptAdvice,
  Replayed,
  Session,
  SyncReport,
  Trial,
  VersionDetail,
  VersionDiff,
} from "./types";

/** A refused request. `code` is looked up in the error table; nothing matches on text. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;
  readonly data: unknown;

  constructor(problem: Pick<ProblemDetails, "code"> & Partial<ProblemDetails>, status: number) {
    super(problem.detail ?? problem.title ?? problem.code);
    this.name = "ApiProblem";
    this.status = status;
    this.code = problem.code;
    this.data = problem.data;
  }
}

/** Any error that reaches a screen, as a problem with a code of the table. */
export function asProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  if (error instanceof ResponseError) return problemOf(error.response);
  if (error instanceof HostUnreachable) {
    return new ApiProblem({ code: "engine.unreachable", detail: error.message }, 0);
  }
  if (error instanceof FileFailed) return new ApiProblem({ code: "file.failed", detail: error.message }, 0);
  return new ApiProblem({ code: "screen.failed", detail: error instanceof Error ? error.message : String(error) }, 0);
}

function problemOf(response: HostResponse): ApiProblem {
  try {
    const parsed: unknown = JSON.parse(response.text);
    if (parsed && typeof parsed === "object" && "code" in parsed && typeof parsed.code === "string") {
      return new ApiProblem(parsed as ProblemDetails, response.status);
    }
  } catch {
    // Not a problem document: a proxy's page, or nothing at all.
  }
  const code = response.status === 401 ? "unauthorized" : "answer.unreadable";
  return new ApiProblem({ code, detail: `status ${response.status}` }, response.status);
}

async function json<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await host().request(method, `/api/v1${path}`, body);
  if (response.status < 200 || response.status >= 300) throw problemOf(response);
  if (response.text === "") return undefined as T;
  return JSON.parse(response.text) as T;
}

type Value = string | number | boolean | null | undefined;

/** Query string of the values that are there; a list repeats its name. */
export function query(values: Record<string, Value | Value[]>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null && one !== "") search.append(name, String(one));
    }
  }
  const text = search.toString();
  return text === "" ? "" : `?${text}`;
}

export interface DocumentFilter {
  view: DocumentView;
  partner?: string | undefined;
  kind?: DocumentKind | undefined;
  state?: string | undefined;
  /** Only those whose amounts do not add up. */
  doubtful?: true | undefined;
  q?: string | undefined;
}

export interface OperationFilter {
  state: DeliveryState[];
  partner?: string | undefined;
  document?: number | undefined;
  kind?: OperationKind | undefined;
  /** Code of the last error. */
  error?: string | undefined;
}

/** Which dead letters to send again. */
export type ReplayFilter = Omit<OperationFilter, "state">;

export interface QuarantineFilter {
  state?: QuarantineState | undefined;
  partner?: string | undefined;
}

/** A configuration to try; without a payload the partner is asked for one page. */
export interface TrialWanted {
  text: string;
  stream?: string | undefined;
  payload?: string | undefined;
  mediaType?: string | undefined;
  /** What the partner answers to the reads before requests: a body, any JSON. */
  prepared?: unknown;
}

export const PAGE_ROWS = 100;
type Cursor = string | undefined;

export const api = {
  session: () => json<Session>("GET", "/session"),
  counters: () => json<Counters>("GET", "/counters"),
  documents: (filter: DocumentFilter, cursor: Cursor) =>
    json<Page<DocumentRow>>("GET", `/documents${query({ ...filter, cursor, limit: PAGE_ROWS })}`),
  document: (id: number) => json<DocumentDetail>("GET", `/documents/${id}`),
  version: (id: number, number: number) => json<VersionDetail>("GET", `/documents/${id}/versions/${number}`),
  diff: (id: number, from: number, to: number) =>
    json<VersionDiff>("GET", `/documents/${id}/diff${query({ from, to })}`),
  history: (id: number, cursor: Cursor) =>
    json<Page<AuditRow>>("GET", `/documents/${id}/history${query({ cursor, limit: PAGE_ROWS })}`),
  answer: (id: number, version: number, answer: OrderResponse) =>
    json<OperationRow>("POST", `/documents/${id}/answers`, { version, answer }),
  issue: (partner: string, kind: DocumentKind, document: Order | DespatchAdvice) =>
    json<OperationRow>("POST", "/documents", { partner, kind, document }),
  change: (id: number, version: number, document: Order | DespatchAdvice) =>
    json<OperationRow>("POST", `/documents/${id}/versions`, { version, document }),
  quantities: (id: number) => json<LineQuantities[]>("GET", `/documents/${id}/quantities`),
  act: (id: number, act: string, body: { version: number; reason?: string }) =>
    json<OperationRow>("POST", `/documents/${id}/${act}`, body),
  receipt: (id: number, version: number, receipt: ReceiptAdvice) =>
    json<OperationRow>("POST", `/documents/${id}/receipts`, { version, receipt }),
  operations: (filter: OperationFilter, cursor: Cursor) =>
    json<Page<OperationRow>>("GET", `/operations${query({ ...filter, cursor, limit: PAGE_ROWS })}`),
  operation: (id: string) =>
    json<{ operation: OperationRow; attempts: AttemptRow[] }>("GET", `/operations/${id}`),
  retryOperation: (id: string) => json<OperationRow>("POST", `/operations/${id}/retry`),
  replayOperations: (which: ReplayFilter) => json<Replayed>("POST", "/operations/replay", which),
  releaseOperation: (id: string) => json<OperationRow>("POST", `/operations/${id}/release`),
  withdrawOperation: (id: string) => json<OperationRow>("POST", `/operations/${id}/withdraw`),
  quarantine: (filter: QuarantineFilter, cursor: Cursor) =>
    json<Page<QuarantineRow>>("GET", `/quarantine${query({ ...filter, cursor, limit: PAGE_ROWS })}`),
  quarantined: (id: number) => json<QuarantineRow>("GET", `/quarantine/${id}`),
  retryQuarantine: (id: number) => json<QuarantineRow>("POST", `/quarantine/${id}/retry`),
  dismissQuarantine: (id: number) => json<QuarantineRow>("POST", `/quarantine/${id}/dismiss`),
  configuration: (id: string) => json<ConfigurationFile>("GET", `/partners/${encodeURIComponent(id)}/configuration`),
  saveConfiguration: (id: string, text: string) => json<ConfigurationFile>("PUT", `/partners/${encodeURIComponent(id)}/configuration`, { text }),
  checkConfiguration: (text: string) => json<ConfigurationCheck>("POST", "/partners/check", { text }),
  tryConfiguration: (wanted: TrialWanted) => json<Trial>("POST", "/partners/try", wanted),
  describePartner: (id: string) => json<unknown>("GET", `/partners/${encodeURIComponent(id)}/openapi`),
  retryAllQuarantine: (partner: string) => json<QuarantineRerun>("POST", `/quarantine/retry${query({ partner })}`),
  health: () => json<Health>("GET", "/health"),
  incidents: () => json<IncidentRow[]>("GET", "/incidents"),
  examine: () => json<Examined>("GET", "/doctor"),
  partners: () => json<PartnerView[]>("GET", "/partners"),
  syncPartner: (id: string) => json<SyncReport>("POST", `/partners/${encodeURIComponent(id)}/sync`),
  pausePartner: (id: string) => json<PartnerView>("POST", `/partners/${encodeURIComponent(id)}/pause`),
  resumePartner: (id: string) => json<PartnerView>("POST", `/partners/${encodeURIComponent(id)}/resume`),
};

export const DIAGNOSTICS_PATH = "/api/v1/diagnostics";
export const printPath = (id: number, version: number) => `/api/v1/documents/${id}/versions/${version}/print`;

/** A payload as it came: text for people, whatever its media type says. */
export async function payloadText(path: string): Promise<{ text: string; mediaType: string }> {
  const response = await host().request("GET", `/api/v1${path}`);
  if (response.status !== 200) throw problemOf(response);
  const text = response.bytes ? new TextDecoder().decode(response.bytes) : response.text;
  return { text, mediaType: response.mediaType };
}
