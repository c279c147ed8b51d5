/** A partner's configuration: its text, what it makes of a payload, what it would send, and its API as a page. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { Tab as AriaTab, TabList, TabPanel, Tabs } from "react-aria-components";
import { api, asProblem } from "../../api/client";
import { keys } from "../../api/live";
import type { Mistake, Trial, TrialDocument, TrialStream } from "../../api/types";
import { useActions } from "../../app/actions";
import { go } from "../../app/router";
import { toastDone, toastError } from "../../app/toasts";
import { Badge, Bar, Button, Clip } from "../../components/controls";
import { ErrorPanel } from "../../errors/ErrorPanel";
import { text } from "../../texts/en";
import { ApiPage } from "./ApiPage";
import type { Mark } from "./assist";
import { useText } from "./draft";
import { Editor, type EditorHandle } from "./Editor";
import { Effect } from "./Effect";
import type { OpenApi } from "./openapi";
import { type Prepared, Requests } from "./Requests";
import { type Sample, type Source, SourceBar } from "./SourceBar";

/** A person types on: the engine is asked when they pause. */
const PAUSE_MS = 350;

const mark = ({ pointer, message, nearest }: Mistake) => ({ pointer, message: nearest ? `${message}; ${text.configuration.nearest(nearest)}` : message });

type Pane = "effect" | "requests" | "api";

function usePaused<T>(value: T): T {
  const [paused, setPaused] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setPaused(value), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return paused;
}

const configurationKey = (id: string) => [...keys.partners, id, "configuration"];

export default function ConfigurationScreen({ id }: { id: string }) {
  const stored = useQuery({ queryKey: configurationKey(id), queryFn: () => api.configuration(id), gcTime: 0 });
  // What is being edited stays when it cannot be read again.
  if (stored.error && !stored.data) return <ErrorPanel error={stored.error} onRetry={() => void stored.refetch()} />;
  if (!stored.data) return <p className="screen-head soft">{text.loading}</p>;
  return <Workbench key={stored.data.file} id={id} file={stored.data.file} stored={stored.data.text} />;
}

/** The names of the streams, while the text is JSON at all. */
function streamsOf(configuration: string): string[] {
  try {
    const parsed: unknown = JSON.parse(configuration);
    const streams = parsed !== null && typeof parsed === "object" && "streams" in parsed ? parsed.streams : undefined;
    return streams !== null && typeof streams === "object" ? Object.keys(streams) : [];
  } catch {
    return [];
  }
}

const sampleOf = (document: TrialDocument, at: number): Sample => {
  const number = document.canonical && "number" in document.canonical ? String(document.canonical.number) : text.configuration.sampleAt(at + 1);
  return { label: number, payload: document.payload };
};

function Workbench({ id, file, stored }: { id: string; file: string; stored: string }) {
  const { text: draft, setText: setDraft, start, changed, restored, moved, begin, saved } = useText(id, stored);
  const [pane, setPane] = useState<Pane>("effect");
  const [source, setSource] = useState<Source>({ stream: undefined, samples: [], chosen: 0, from: undefined });
  const [failed, setFailed] = useState<TrialStream | undefined>();
  const [prepared, setPrepared] = useState<Prepared | undefined>();
  const editor = useRef<EditorHandle | undefined>(undefined);
  const client = useQueryClient();
  const written = usePaused(draft);
  const check = useQuery({ queryKey: ["configuration-check", written], queryFn: () => api.checkConfiguration(written), gcTime: 30_000, placeholderData: (before) => before });
  const marks: readonly Mark[] = useMemo(
    () => [
      ...(check.data?.mistakes ?? []).map((one) => ({ ...mark(one), severity: "error" as const })),
      ...(check.data?.warnings ?? []).map((one) => ({ ...mark(one), severity: "warning" as const })),
    ],
    [check.data],
  );
  const mistakes = check.data?.mistakes.length ?? 0;
  const wrong = mistakes > 0;
  const streams = useMemo(() => streamsOf(written), [written]);
  const stream = source.stream ?? streams[0];
  const payload = source.samples[source.chosen]?.payload;
  const tried = useQuery({
    queryKey: ["configuration-try", written, stream, payload, prepared?.body],
    queryFn: () => api.tryConfiguration({ text: written, stream, payload, prepared: prepared?.body, mediaType: payload?.trimStart().startsWith("<") ? "application/xml" : undefined }),
    enabled: payload !== undefined && !wrong && !check.isPlaceholderData,
    gcTime: 30_000,
    // What was there stays in sight while the next is made.
    placeholderData: (before: Trial | undefined) => before,
  });
  const shown = failed ?? (payload === undefined ? undefined : tried.data?.streams[0]);
  const description = useQuery({
    queryKey: [...keys.partners, id, "openapi"],
    queryFn: () => api.describePartner(id) as Promise<OpenApi>,
    enabled: pane === "api",
    gcTime: 0,
  });
  const choose = (next: Source) => {
    setFailed(undefined);
    setSource(next);
  };
  const fetching = useMutation({
    mutationFn: () => api.tryConfiguration({ text: draft, stream }),
    onSuccess: (trial) => {
      const page = trial.streams[0];
      setFailed(page?.failure ? page : undefined);
      if (page?.failure) return;
      const samples = (page?.documents ?? []).map(sampleOf);
      if (samples.length === 0) toastDone(text.configuration.nothing);
      else setSource({ stream: page?.stream, samples, chosen: 0, from: text.configuration.fetched });
    },
    onError: toastError,
  });
  const save = useMutation({
    mutationFn: () => api.saveConfiguration(id, draft),
    onSuccess: (now) => {
      client.setQueryData(configurationKey(id), now);
      saved(now.text);
      toastDone(text.configuration.saved, file);
      void client.invalidateQueries({ queryKey: keys.partners });
    },
    onError: toastError,
  });
  const action = (name: string, key: string, title: string, run: () => void, disabled = false) => ({ id: `configuration-${name}`, key, title, group: text.groups.partners, run, disabled });
  useActions([
    action("save", "Ctrl+S", text.configuration.save, () => save.mutate(), !changed || save.isPending),
    action("fetch", "Ctrl+Enter", text.configuration.fetch, () => fetching.mutate(), fetching.isPending),
    action("effect", "Alt+1", text.configuration.effect, () => setPane("effect")),
    action("requests", "Alt+2", text.configuration.requests, () => setPane("requests")),
    action("api", "Alt+3", text.configuration.api, () => setPane("api")),
    action("mistake", "Alt+N", text.configuration.nextMistake, () => marks[0] && editor.current?.show(marks[0].pointer), marks.length === 0),
    action("again", "Alt+A", text.configuration.startAgain, begin, !restored && !moved),
    action("back", "Alt+Backspace", text.configuration.back, () => go({ name: "partners" })),
  ]);
  useEffect(() => {
    if (!changed) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [changed]);

  return (
    <section className="screen" aria-label={text.configuration.title(id)} data-testid="configuration" data-id={id}>
      <header className="screen-head">
        <Button icon="back" look="subtle" aria-label={text.configuration.back} onPress={() => go({ name: "partners" })} data-testid="back" />
        <h1 className="clip">{text.configuration.title(id)}</h1>
        <span data-testid="configuration-state">
          {wrong ? (
            <Badge tone="critical">{text.configuration.mistakes(mistakes)}</Badge>
          ) : changed ? (
            <Badge tone="caution">{text.configuration.unsaved}</Badge>
          ) : (
            <Badge tone="success">{text.configuration.inForce}</Badge>
          )}
        </span>
        <Clip text={file} className="caption soft mono grow" />
        <Button look="accent" icon="check" hint="Ctrl+S" isDisabled={!changed || save.isPending} onPress={() => save.mutate()} data-testid="configuration-save">
          {text.configuration.save}
        </Button>
      </header>
      {restored || moved ? (
        <div className="banners">
          <Bar
            tone={moved ? "warning" : "info"}
            actions={<Button small onPress={begin} hint="Alt+A" data-testid="configuration-again">{text.configuration.startAgain}</Button>}
            testId="draft-bar"
          >
            {[restored ? text.answer.draftRestored : "", moved ? text.configuration.moved : ""].filter(Boolean).join(" ")}
          </Bar>
        </div>
      ) : null}
      <div className="configuration">
        <div className="configuration-side">
          <Editor key={start.round} initial={start.text} marks={marks} onChange={setDraft} handle={editor} />
          <Mistakes marks={marks} failed={check.error} onShow={(pointer) => editor.current?.show(pointer)} />
        </div>
        <Tabs className="tabs configuration-side" selectedKey={pane} onSelectionChange={(key) => setPane(key as Pane)}>
          <TabList className="tab-list document-tabs" aria-label={text.configuration.panes}>
            <AriaTab id="effect" className="tab" data-testid="pane-effect">
              {text.configuration.effect}
            </AriaTab>
            <AriaTab id="requests" className="tab" data-testid="pane-requests">
              {text.configuration.requests}
            </AriaTab>
            <AriaTab id="api" className="tab" data-testid="pane-api">
              {text.configuration.api}
            </AriaTab>
          </TabList>
          <TabPanel id="effect" className="tab-panel">
            <SourceBar streams={streams} source={source} onSource={choose} onFetch={() => fetching.mutate()} fetching={fetching.isPending} />
            {tried.error ? <Refused error={tried.error} /> : <Effect tried={shown} stale={wrong} />}
          </TabPanel>
          <TabPanel id="requests" className="tab-panel">
            {tried.error ? <Refused error={tried.error} /> : <Requests tried={shown} issued={tried.data?.issued ?? []} stale={wrong} prepared={prepared} onPrepared={setPrepared} />}
          </TabPanel>
          <TabPanel id="api" className="tab-panel">
            {changed ? <p className="pane-note soft">{text.configuration.apiOfSaved}</p> : null}
            {description.error ? <Refused error={description.error} /> : description.data ? <ApiPage document={description.data} /> : <p className="pane-note soft">{text.loading}</p>}
          </TabPanel>
        </Tabs>
      </div>
    </section>
  );
}

function Refused({ error }: { error: unknown }) {
  return (
    <Bar tone="error" testId="configuration-refused">
      {asProblem(error).message}
    </Bar>
  );
}

function Mistakes({ marks, failed, onShow }: { marks: readonly Mark[]; failed: unknown; onShow: (pointer: string) => void }) {
  if (failed) return <Refused error={failed} />;
  if (marks.length === 0) return null;
  return (
    <ul className="configuration-mistakes" aria-label={text.configuration.problems}>
      {marks.map((mark) => (
        <li key={`${mark.pointer} ${mark.message}`}>
          <button type="button" className={mark.severity === "error" ? "mistake mistake-error" : "mistake"} onClick={() => onShow(mark.pointer)} data-testid="mistake" data-pointer={mark.pointer}>
            <span className="mono">{mark.pointer || "/"}</span> {mark.message}
          </button>
        </li>
      ))}
    </ul>
  );
}
