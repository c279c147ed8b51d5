/** Small parts that every screen uses. */

import type { ReactNode, SelectHTMLAttributes } from "react";
import { Button as AriaButton, type ButtonProps as AriaButtonProps } from "react-aria-components";
import { unitName } from "../texts/units";
import { Icon, type IconName } from "./Icon";

interface ButtonProps extends Omit<AriaButtonProps, "children" | "className" | "style"> {
  children?: ReactNode;
  icon?: IconName;
  look?: "plain" | "accent" | "subtle" | "critical";
  small?: boolean;
  /** The key that does the same; shown on the button. */
  hint?: string | undefined;
}

/** A button with its label; without children it is an icon with an `aria-label`. */
export function Button({ children, icon, look = "plain", small, hint, ...rest }: ButtonProps) {
  const classes = ["button", look === "plain" ? "" : `button-${look}`, small ? "button-small" : "", children ? "" : "button-icon"];
  return (
    <AriaButton {...rest} className={classes.filter(Boolean).join(" ")}>
      {icon ? <Icon name={icon} /> : null}
      {children}
      {hint ? <kbd aria-hidden="true">{hint}</kbd> : null}
    </AriaButton>
  );
}

export type Tone = "neutral" | "accent" | "success" | "caution" | "critical" | "outline";

export function Badge({
  tone = "neutral",
  icon,
  title,
  children,
  testId,
}: {
  tone?: Tone;
  icon?: IconName;
  title?: string;
  children: ReactNode;
  testId?: string;
}) {
  return (
    <span className={`badge badge-${tone}`} title={title} data-testid={testId}>
      {icon ? <Icon name={icon} /> : null}
      <span className="clip">{children}</span>
    </span>
  );
}

/** One line of text that is cut when it does not fit; the whole of it is its title. */
export function Clip({ text, className = "" }: { text: string; className?: string }) {
  return (
    <span className={`clip ${className}`} title={text}>
      {text}
    </span>
  );
}

/** A unit in words; its code is the title. */
export function Unit({ code }: { code: string }) {
  return (
    <span className="clip soft" title={code}>
      {unitName(code)}
    </span>
  );
}

export function Empty({ icon, title, hint, children }: { icon: IconName; title: string; hint?: string; children?: ReactNode }) {
  return (
    <div className="empty" data-testid="empty">
      <Icon name={icon} />
      <div className="empty-title">{title}</div>
      {hint ? <div className="empty-hint">{hint}</div> : null}
      {children}
    </div>
  );
}

export function Bar({
  tone,
  icon,
  children,
  actions,
  testId,
}: {
  tone: "info" | "warning" | "error";
  icon?: IconName;
  children: ReactNode;
  actions?: ReactNode;
  testId?: string;
}) {
  const symbol = icon ?? (tone === "info" ? "info" : tone === "warning" ? "warning" : "error");
  return (
    <div className={`bar bar-${tone}`} role={tone === "error" ? "alert" : "status"} data-testid={testId}>
      <Icon name={symbol} />
      <div className="bar-text">{children}</div>
      {actions}
    </div>
  );
}

interface SelectProps extends Omit<SelectHTMLAttributes<HTMLSelectElement>, "onChange" | "className"> {
  value: string;
  onChange: (value: string) => void;
  options: readonly { value: string; label: string }[];
  testId?: string;
}

/** The system's own list of choices: type-ahead, touch and screen readers come with it. */
export function Select({ value, onChange, options, testId, ...rest }: SelectProps) {
  return (
    <select
      {...rest}
      className="select"
      value={value}
      onChange={(event) => onChange(event.target.value)}
      data-testid={testId}
    >
      {options.map((option) => (
        <option key={option.value} value={option.value}>
          {option.label}
        </option>
      ))}
    </select>
  );
}

export function Field({ label, error, children }: { label: string; error?: string | undefined; children: ReactNode }) {
  return (
    <label className="field">
      <span className="field-label">{label}</span>
      {children}
      {error ? (
        <span className="field-error" role="alert">
          {error}
        </span>
      ) : null}
    </label>
  );
}
