/** The API's types under the names that the UI uses. All come from the engine's OpenAPI document. */

import type { components } from "./schema";

type Schemas = components["schemas"];

export type AllowedAnswer = Schemas["AllowedAnswer"];
export type AttemptRow = Schemas["AttemptRow"];
export type AuditRow = Schemas["AuditRow"];
export type Author = Schemas["Author"];
export type CanonicalDocument = Schemas["CanonicalDocument"];
export type Chain = Schemas["Chain"];
export type ChainState = Schemas["ChainState"];
export type ChangeRow = Schemas["ChangeRow"];
export type ConfigurationCheck = Schemas["ConfigurationCheck"];
export type ConfigurationFile = Schemas["ConfigurationFile"];
export type Counters = Schemas["Counters"];
export type DateRange = Schemas["DateRange"];
export type DeliveryState = Schemas["DeliveryState"];
export type DespatchAdvice = Schemas["DespatchAdvice"];
export type DespatchLine = Schemas["DespatchLine"];
export type DocumentDetail = Schemas["DocumentDetail"];
export type DocumentKind = Schemas["DocumentKind"];
export type DocumentRow = Schemas["DocumentRow"];
export type FieldChange = Schemas["FieldChange"];
export type Check = Schemas["Check"];
export type Examined = Schemas["Examined"];
export type HeaderAnswer = Schemas["HeaderAnswer"];
export type Health = Schemas["Health"];
export type IncidentRow = Schemas["IncidentRow"];
export type Item = Schemas["Item"];
export type LineAnswer = Schemas["LineAnswer"];
export type LineAnswerCode = Schemas["LineAnswerCode"];
export type LineChange = Schemas["LineChange"];
export type LineQuantities = Schemas["LineQuantities"];
export type Mistake = Schemas["Mistake"];
export type Money = Schemas["Money"];
export type OperationDetail = Schemas["OperationDetail"];
export type OperationError = Schemas["OperationError"];
export type OperationKind = Schemas["OperationKind"];
export type OperationRow = Schemas["OperationRow"];
export type Order = Schemas["Order"];
export type OrderLine = Schemas["OrderLine"];
export type OrderResponse = Schemas["OrderResponse"];
export type PartnerStatus = Schemas["PartnerStatus"];
export type PartnerView = Schemas["PartnerView"];
export type Party = Schemas["Party"];
export type Problem = Schemas["Problem"];
export type ProblemDetails = Schemas["ProblemDetails"];
export type Purpose = Schemas["Purpose"];
export type QuarantineRerun = Schemas["QuarantineRerun"];
export type QuarantineRow = Schemas["QuarantineRow"];
export type QuarantineState = Schemas["QuarantineState"];
export type Reason = Schemas["Reason"];
export type ReasonCode = Schemas["ReasonCode"];
export type ReceiptAdvice = Schemas["ReceiptAdvice"];
export type ReceiptLine = Schemas["ReceiptLine"];
export type RejectAction = Schemas["RejectAction"];
export type RejectReason = Schemas["RejectReason"];
export type Replayed = Schemas["Replayed"];
export type Session = Schemas["Session"];
export type ShownRequest = Schemas["ShownRequest"];
export type SyncReport = Schemas["SyncReport"];
export type Trial = Schemas["Trial"];
export type TrialItem = Schemas["TrialItem"];
export type Totals = Schemas["Totals"];
export type TrialCode = Schemas["TrialCode"];
export type TrialDocument = Schemas["TrialDocument"];
export type TrialOperation = Schemas["TrialOperation"];
export type TrialStream = Schemas["TrialStream"];
export type UnreadField = Schemas["UnreadField"];
export type VersionDetail = Schemas["VersionDetail"];
export type VersionDiff = Schemas["VersionDiff"];
export type VersionRow = Schemas["VersionRow"];
export type VersionState = Schemas["VersionState"];

/** What the work list shows; the query parameter's values. */
export type DocumentView = "needsAnswer" | "inDelivery" | "all";

export interface Page<T> {
  items: T[];
  next?: string | null;
}
