import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api } from "../../api/client";
import { keys } from "../../api/live";

/** Partners by the names that people know; an id that is not configured stays as it is. */
export function usePartnerNames(): { name: (id: string) => string; list: { value: string; label: string }[] } {
  const partners = useQuery({ queryKey: keys.partners, queryFn: api.partners }).data;
  return useMemo(() => {
    const names = new Map(partners?.map((partner) => [partner.id, partner.name]));
    return {
      name: (id: string) => names.get(id) ?? id,
      list: partners?.map((partner) => ({ value: partner.id, label: partner.name })) ?? [],
    };
  }, [partners]);
}
