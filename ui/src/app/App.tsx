import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { type FormEvent, lazy, Suspense, useEffect, useLayoutEffect, useState } from "react";
import { I18nProvider } from "react-aria-components";
import { api, asProblem } from "../api/client";
import { keys, useFeedState } from "../api/live";
import { Bar, Button, Field } from "../components/controls";
import { screenChanged } from "../components/focus";
import { ErrorBoundary } from "../errors/ErrorPanel";
import { HealthBanner } from "../features/health/HealthBanner";
import { DocumentScreen } from "../features/document/DocumentScreen";
import { WorkList } from "../features/worklist/WorkList";
import { host } from "../host";
import { text } from "../texts/en";
import { locale } from "../texts/format";
import { ActionsProvider, useActions } from "./actions";
import { cycleTheme, Nav } from "./Nav";
import { KeysDialog, Palette } from "./Palette";
import { useTheme } from "./preferences";
import { go, href, type Route, useRoute } from "./router";
import { closeToasts, Toasts } from "./toasts";

const AnswerScreen = lazy(() => import("../features/answer/AnswerScreen"));
const IssueScreen = lazy(() => import("../features/issue/IssueScreen"));
const QueueScreen = lazy(() => import("../features/queue/QueueScreen"));
const QuarantineScreen = lazy(() => import("../features/quarantine/QuarantineScreen"));
const PartnersScreen = lazy(() => import("../features/partners/PartnersScreen"));
const HealthScreen = lazy(() => import("../features/health/HealthScreen"));
const ConfigurationScreen = lazy(() => import("../features/configuration/ConfigurationScreen"));

/** Requests that the engine refused are not asked again; those that did not reach it are. */
export function newQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // The change feed says when something is stale.
        staleTime: Infinity,
        gcTime: 5 * 60_000,
        refetchOnWindowFocus: false,
        networkMode: "always",
        retry: (failures, error) => asProblem(error).code === "engine.unreachable" && failures < 3,
      },
      mutations: { networkMode: "always" },
    },
  });
}

/** `client` is connected to the change feed by who made it. */
export function App({ client }: { client: QueryClient }) {
  return (
    <QueryClientProvider client={client}>
      <I18nProvider locale={locale}>
        <ActionsProvider>
          <Frame />
        </ActionsProvider>
      </I18nProvider>
    </QueryClientProvider>
  );
}

function Frame() {
  const route = useRoute();
  const feed = useFeedState();
  const theme = useTheme();
  const [open, setOpen] = useState<"palette" | "keys" | undefined>();
  const session = useQuery({ queryKey: keys.session, queryFn: api.session });
  const refused = session.error && asProblem(session.error).code === "unauthorized";

  const to = (id: string, key: string, title: string, route: Route) => ({
    id: `go-${id}`,
    key,
    title,
    group: text.groups.go,
    run: () => go(route),
  });
  useActions([
    to("needsAnswer", "g n", text.nav.needsAnswer, { name: "list", view: "needsAnswer" }),
    to("inDelivery", "g d", text.nav.inDelivery, { name: "list", view: "inDelivery" }),
    to("all", "g a", text.nav.all, { name: "list", view: "all" }),
    to("newOrder", "g o", text.issue.newOrder, { name: "newOrder", from: undefined }),
    to("queue", "g q", text.nav.queue, { name: "queue", operation: undefined }),
    to("quarantine", "g x", text.nav.quarantine, { name: "quarantine", id: undefined }),
    to("partners", "g p", text.nav.partners, { name: "partners" }),
    to("health", "g h", text.nav.health, { name: "health" }),
    { id: "palette", key: "Ctrl+K", title: text.palette.title, group: text.groups.app, run: () => setOpen("palette") },
    { id: "keys", key: "?", title: text.keysTitle, group: text.groups.app, run: () => setOpen("keys") },
    { id: "messages", key: "Alt+M", title: text.actions.closeMessages, group: text.groups.app, run: closeToasts },
    { id: "theme", key: "g t", title: text.theme.next, group: text.groups.app, run: () => cycleTheme(theme) },
  ]);

  const shown = href(route);
  useLayoutEffect(screenChanged, [shown]);

  useEffect(() => {
    document.title = `${titleOf(route)} – ${text.product}`;
  }, [route]);

  if (refused) return <SignIn />;
  return (
    <div className="shell">
      <Nav route={route} onPalette={() => setOpen("palette")} onKeys={() => setOpen("keys")} />
      <main className="main">
        {feed === "lost" ? (
          <Bar tone="warning" testId="banner-lost">
            {text.banner.lost}
          </Bar>
        ) : null}
        <HealthBanner route={route} />
        <ErrorBoundary reset={shown}>
          <Suspense fallback={<p className="screen-head soft">{text.loading}</p>}>
            <Screen route={route} />
          </Suspense>
        </ErrorBoundary>
      </main>
      <Toasts />
      {open === "palette" ? <Palette onClose={() => setOpen(undefined)} /> : null}
      {open === "keys" ? <KeysDialog onClose={() => setOpen(undefined)} /> : null}
    </div>
  );
}

function titleOf(route: Route): string {
  switch (route.name) {
    case "list":
      return text.nav[route.view];
    case "document":
    case "answer":
    case "change":
    case "despatch":
      return text.groups.document;
    case "newOrder":
      return text.issue.newOrderTitle;
    case "queue":
      return text.nav.queue;
    case "quarantine":
      return text.nav.quarantine;
    case "partners":
      return text.nav.partners;
    case "health":
      return text.nav.health;
    case "configuration":
      return text.configuration.title(route.id);
  }
}

function Screen({ route }: { route: Route }) {
  switch (route.name) {
    case "list":
      return <WorkList key={route.view} view={route.view} />;
    case "document":
      return <DocumentScreen id={route.id} tab={route.tab} version={route.version} />;
    case "answer":
      return <AnswerScreen key={route.id} id={route.id} />;
    case "change":
    case "despatch":
      return <IssueScreen key={`${route.name}${route.id}`} route={route} />;
    case "newOrder":
      return <IssueScreen key={`new${route.from ?? ""}`} route={route} />;
    case "queue":
      return <QueueScreen operation={route.operation} />;
    case "quarantine":
      return <QuarantineScreen id={route.id} />;
    case "partners":
      return <PartnersScreen />;
    case "health":
      return <HealthScreen />;
    case "configuration":
      return <ConfigurationScreen key={route.id} id={route.id} />;
  }
}

function SignIn() {
  const [token, setToken] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const found = /token=([^&]+)/.exec(token)?.[1] ?? token.trim();
    host().setToken?.(decodeURIComponent(found));
    window.location.reload();
  };
  return (
    <div className="sign-in">
      <form onSubmit={submit} data-testid="sign-in">
        <h1>{text.banner.tokenTitle}</h1>
        <p className="soft">{text.banner.tokenBody}</p>
        <Field label={text.banner.token}>
          <input className="input mono" autoFocus value={token} onChange={(e) => setToken(e.target.value)} data-testid="sign-in-token" autoComplete="off" />
        </Field>
        <Button type="submit" look="accent" isDisabled={token.trim() === ""}>
          {text.banner.signIn}
        </Button>
      </form>
    </div>
  );
}
