import { Component, type ReactNode } from "react";
import { asProblem } from "../api/client";
import { go } from "../app/router";
import { Button, Empty } from "../components/controls";
import { text } from "../texts/en";
import { classify, told } from "./table";

/** An error in place of what could not be shown, with what to do about it. */
export function ErrorPanel({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const problem = asProblem(error);
  const entry = classify(problem.code);
  const icon = entry.severity === "info" ? "info" : entry.severity === "warning" ? "warning" : "error";
  return (
    <div role="alert" className="grow" data-testid="error-panel" data-code={problem.code}>
      <Empty icon={icon} title={entry.title} hint={told(problem.message, entry)}>
        {entry.remedy === "reload" ? (
          <Button onPress={() => window.location.reload()}>{text.errors.reload}</Button>
        ) : entry.remedy === "openPartners" ? (
          <Button onPress={() => go({ name: "partners" })}>{text.nav.partners}</Button>
        ) : entry.remedy === "openQueue" ? (
          <Button onPress={() => go({ name: "queue", operation: undefined })}>{text.nav.queue}</Button>
        ) : onRetry && entry.remedy !== "none" ? (
          <Button onPress={onRetry}>{text.retry}</Button>
        ) : null}
      </Empty>
    </div>
  );
}

/** A screen that throws is replaced by an error; the others go on. */
export class ErrorBoundary extends Component<{ children: ReactNode; reset: string }, { error: unknown; at: string }> {
  override state = { error: undefined as unknown, at: this.props.reset };

  static getDerivedStateFromError(error: unknown) {
    return { error: error ?? new Error("unknown") };
  }

  static getDerivedStateFromProps(props: { reset: string }, state: { error: unknown; at: string }) {
    return props.reset === state.at ? null : { error: undefined, at: props.reset };
  }

  override render() {
    if (this.state.error === undefined) return this.props.children;
    return <ErrorPanel error={this.state.error} onRetry={() => this.setState({ error: undefined })} />;
  }
}
