/** What the screens of documents of ours read. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../../api/client";
import { keys } from "../../api/live";
import type { DocumentDetail } from "../../api/types";

/** How far each line of an order is delivered. */
export function useQuantities(id: number | undefined) {
  return useQuery({
    queryKey: [...keys.document(id ?? 0), "quantities"],
    queryFn: () => api.quantities(id ?? 0),
    enabled: id !== undefined,
    // What has left is told by other documents: their changes do not name this one.
    staleTime: 0,
  });
}

/** Partners that take orders from us. */
export function useBuyers() {
  const partners = useQuery({ queryKey: keys.partners, queryFn: api.partners });
  const takes = partners.data?.filter((partner) => partner.operations.includes("submit")).map((partner) => ({ value: partner.id, label: partner.name }));
  return { list: takes, error: partners.error, retry: () => void partners.refetch() };
}

/** What a form begins with: the first that is there. What is read later, or cannot be, takes no form down. */
export function useFirst<T extends object>(value: T | undefined): T | undefined {
  const [first, setFirst] = useState(value);
  if (!first && value) setFirst(value);
  return first ?? value;
}

/** Our newest version that the partner has. */
export function partnersVersion(detail: Pick<DocumentDetail, "versions">): number | undefined {
  return detail.versions.findLast(
    (version) => version.author === "Us" && version.purpose !== "Counter" && version.state !== "Draft" && version.state !== "Withdrawn",
  )?.number;
}
