/** The header of what is issued: labelled fields in a few rows; a field that differs is marked. */

import type { ReactNode } from "react";
import { Field } from "../../components/controls";
import { text } from "../../texts/en";

export interface HeadCell<F extends string> {
  field: F;
  label: string;
  width?: "narrow" | "days" | "wide";
  placeholder?: string;
}

interface Props<F extends string> {
  cells: readonly HeadCell<F>[];
  values: Readonly<Record<F, string>>;
  /** What the partner has, where it has a version. */
  before?: Readonly<Record<F, string>> | undefined;
  issues: ReadonlyMap<F, string>;
  onChange: (field: F, value: string) => void;
  /** Before the fields: the choice of a partner. */
  children?: ReactNode;
}

export function HeadFields<F extends string>({ cells, values, before, issues, onChange, children }: Props<F>) {
  return (
    <div className="issue-head" role="group" aria-label={text.issue.header} data-testid="issue-head">
      {children}
      {cells.map(({ field, label, width, placeholder }) => {
        const was = before?.[field];
        const differs = was !== undefined && was.trim() !== values[field].trim();
        return (
          <div key={field} className={`${width ? `issue-${width}` : ""} ${differs ? "issue-differs" : ""}`} title={differs ? `${was || text.none} → ${values[field] || text.none}` : undefined}>
            <Field label={label} error={issues.get(field)}>
              <input
                className="input cell"
                value={values[field]}
                placeholder={placeholder}
                onChange={(event) => onChange(field, event.target.value)}
                aria-invalid={issues.has(field)}
                data-testid={`head-${field}`}
                data-differs={differs}
                autoComplete="off"
              />
            </Field>
          </div>
        );
      })}
    </div>
  );
}
