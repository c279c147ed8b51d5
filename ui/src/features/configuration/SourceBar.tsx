/** Where the payload comes from that the configuration is tried on. */

import { Button, Select } from "../../components/controls";
import { text } from "../../texts/en";
import { TakeText } from "./TakeText";

/** A payload to try, and what it is called in the list. */
export interface Sample {
  label: string;
  payload: string;
}

export interface Source {
  /** Undefined: the first stream. */
  stream: string | undefined;
  samples: readonly Sample[];
  chosen: number;
  /** Where the samples came from. */
  from: string | undefined;
}

interface Props {
  streams: readonly string[];
  source: Source;
  onSource: (source: Source) => void;
  onFetch: () => void;
  fetching: boolean;
}

export function SourceBar({ streams, source, onSource, onFetch, fetching }: Props) {
  const take = (payload: string, from: string) => onSource({ ...source, samples: [{ label: from, payload }], chosen: 0, from });
  return (
    <div className="source-bar">
      <div className="list-filter">
        <Select
          aria-label={text.configuration.stream}
          value={source.stream ?? streams[0] ?? ""}
          onChange={(stream) => onSource({ stream, samples: [], chosen: 0, from: undefined })}
          options={streams.map((name) => ({ value: name, label: name }))}
          testId="source-stream"
        />
      </div>
      <Button icon="sync" small hint="Ctrl+Enter" isDisabled={fetching || streams.length === 0} onPress={onFetch} data-testid="source-fetch">
        {fetching ? text.partners.syncing : text.configuration.fetch}
      </Button>
      <TakeText testId="source" onTake={take} />
      <span className="grow" />
      {source.samples.length > 1 ? (
        <div className="list-filter">
          <Select
            aria-label={text.configuration.sample}
            value={String(source.chosen)}
            onChange={(chosen) => onSource({ ...source, chosen: Number(chosen) })}
            options={source.samples.map((sample, at) => ({ value: String(at), label: sample.label }))}
            testId="source-sample"
          />
        </div>
      ) : (
        <span className="caption soft clip">{source.from}</span>
      )}
    </div>
  );
}
