import { useState } from "react";
import { Autocomplete, Header, Input, Menu, MenuItem, MenuSection, SearchField, useFilter } from "react-aria-components";
import { Dialog } from "../components/Dialog";
import { text } from "../texts/en";
import { type Action, useActionList } from "./actions";

function byGroup(actions: readonly Action[]): [string, Action[]][] {
  const groups = new Map<string, Action[]>();
  const seen = new Set<string>();
  for (const action of actions) {
    if (seen.has(action.id)) continue;
    seen.add(action.id);
    groups.set(action.group, [...(groups.get(action.group) ?? []), action]);
  }
  return [...groups];
}

/** Every action of the screen and of the frame, by name, with its key. */
export function Palette({ onClose }: { onClose: () => void }) {
  const actions = useActionList();
  const { contains } = useFilter({ sensitivity: "base" });
  // What the list had when it was opened: running one must not change the list under the pointer.
  const [groups] = useState(() => byGroup(actions.filter((action) => action.id !== "palette")));
  const run = (id: string | number) => {
    onClose();
    const action = groups.flatMap(([, list]) => list).find((one) => one.id === id);
    // After the dialog gave the focus back, so that what runs may take it.
    setTimeout(() => action?.run(), 0);
  };
  return (
    <Dialog title={text.palette.title} onClose={onClose} bare top testId="palette">
      <Autocomplete filter={contains}>
        <SearchField aria-label={text.palette.title} autoFocus className="palette-search">
          <Input className="input" placeholder={text.palette.placeholder} data-testid="palette-search" />
        </SearchField>
        <Menu
          className="palette-list"
          aria-label={text.palette.title}
          onAction={run}
          disabledKeys={groups.flatMap(([, list]) => list).filter((a) => a.disabled).map((a) => a.id)}
          renderEmptyState={() => <div className="palette-heading">{text.palette.nothing}</div>}
        >
          {groups.map(([group, list]) => (
            <MenuSection key={group} className="palette-group">
              <Header className="palette-heading">{group}</Header>
              {list.map((action) => (
                <MenuItem key={action.id} id={action.id} textValue={action.title} className="palette-item">
                  <span className="grow clip">{action.title}</span>
                  <Keys of={action.key} />
                </MenuItem>
              ))}
            </MenuSection>
          ))}
        </Menu>
      </Autocomplete>
    </Dialog>
  );
}

export function Keys({ of }: { of: string }) {
  return (
    <span>
      {of.split(" ").map((key, at) => (
        <kbd key={at}>{key === "Escape" ? "Esc" : key}</kbd>
      ))}
    </span>
  );
}

export function KeysDialog({ onClose }: { onClose: () => void }) {
  const actions = useActionList();
  const [groups] = useState(() => byGroup(actions));
  return (
    <Dialog title={text.keysTitle} onClose={onClose} wide testId="keys-dialog">
      {groups.map(([group, list]) => (
        <section key={group}>
          <h3>{group}</h3>
          <div className="keys-grid">
            {list.map((action) => (
              <div key={action.id} className="keys-row">
                <span className="clip">{action.title}</span>
                <Keys of={action.key} />
              </div>
            ))}
          </div>
        </section>
      ))}
      <p className="soft caption">{text.keysNote}</p>
    </Dialog>
  );
}
