/** What the first screen shows, read before it is drawn: its first frame has the list, and not its third. */

import type { QueryClient } from "@tanstack/react-query";
import { api } from "../api/client";
import { keys } from "../api/live";
import { firstDocuments } from "../features/worklist/memory";
import { currentRoute } from "./router";

/** After this the screen is drawn without. */
const PATIENCE_MS = 250;

/** Ends when everything is there, refused or too late. Nothing fails: each screen says itself what it could not read. */
export async function readFirst(client: QueryClient): Promise<void> {
  const route = currentRoute();
  const reads = [
    client.prefetchQuery({ queryKey: keys.session, queryFn: api.session }),
    client.prefetchQuery({ queryKey: keys.counters, queryFn: api.counters }),
    client.prefetchQuery({ queryKey: keys.partners, queryFn: api.partners }),
    client.prefetchQuery({ queryKey: keys.incidents, queryFn: api.incidents }),
    client.prefetchQuery({ queryKey: keys.health, queryFn: api.health }),
  ];
  if (route.name === "list") reads.push(client.prefetchInfiniteQuery(firstDocuments(route.view)));
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
  await Promise.race([Promise.all(reads), late]);
}
