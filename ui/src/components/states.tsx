/** States of the exchange as badges: always a word, never colour alone. */

import type { ChainState, DeliveryState, DocumentKind, VersionState } from "../api/types";
import { deliveryStateHint, deliveryStateName, stateName, versionStateName } from "../texts/names";
import { Badge, type Tone } from "./controls";
import type { IconName } from "./Icon";

const chainTone: Record<ChainState, Tone> = {
  Draft: "neutral",
  Issued: "accent",
  Confirmed: "success",
  CounterOpen: "caution",
  ChangePending: "accent",
  CancelPending: "caution",
  Cancelled: "neutral",
  Rejected: "critical",
  Closed: "neutral",
};

const deliveryLook: Record<DeliveryState, { tone: Tone; icon: IconName }> = {
  Queued: { tone: "accent", icon: "clock" },
  Sending: { tone: "accent", icon: "send" },
  Delivered: { tone: "success", icon: "check" },
  Applied: { tone: "success", icon: "check" },
  Retrying: { tone: "caution", icon: "sync" },
  Unknown: { tone: "caution", icon: "question" },
  Held: { tone: "caution", icon: "hand" },
  Dead: { tone: "critical", icon: "error" },
  Withdrawn: { tone: "outline", icon: "cross" },
};

const versionTone: Record<VersionState, Tone> = {
  Draft: "neutral",
  Proposed: "accent",
  Acknowledged: "accent",
  Accepted: "success",
  Countered: "caution",
  Rejected: "critical",
  Superseded: "outline",
  Withdrawn: "outline",
};

export function ChainBadge({ state, kind }: { state: ChainState; kind: DocumentKind }) {
  return (
    <Badge tone={chainTone[state]} testId="chain-state" title={stateName(state, kind)}>
      {stateName(state, kind)}
    </Badge>
  );
}

export function DeliveryBadge({ state, newest }: { state: DeliveryState; newest?: boolean }) {
  const { tone, icon } = deliveryLook[state];
  return (
    <span {...(newest ? { "data-testid": "delivery-state", "data-state": state } : {})}>
      <Badge tone={tone} icon={icon} title={deliveryStateHint[state]}>
        {deliveryStateName[state]}
      </Badge>
    </span>
  );
}

export function VersionBadge({ state }: { state: VersionState }) {
  return <Badge tone={versionTone[state]}>{versionStateName[state]}</Badge>;
}
