import type { ReactNode } from "react";
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from "react-aria-components";

/** A modal dialog: focus stays in it, Escape closes it, focus returns to where it was. */
export function Dialog({
  title,
  onClose,
  children,
  buttons,
  wide,
  top,
  bare,
  alert,
  testId,
}: {
  title: string;
  onClose: () => void;
  children: ReactNode;
  buttons?: ReactNode;
  wide?: boolean;
  /** At the top of the window, for the palette. */
  top?: boolean;
  /** No heading and no padding; the title is for screen readers. */
  bare?: boolean;
  alert?: boolean;
  testId?: string;
}) {
  return (
    <ModalOverlay
      isOpen
      isDismissable
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      className={top ? "smoke smoke-top" : "smoke"}
      data-overlay=""
    >
      <Modal className={wide ? "dialog dialog-wide" : "dialog"} data-testid={testId}>
        <AriaDialog className="dialog-inner" role={alert ? "alertdialog" : "dialog"} aria-label={title}>
          {bare ? (
            children
          ) : (
            <div className="dialog-body">
              <Heading slot="title">{title}</Heading>
              {children}
            </div>
          )}
          {buttons ? <div className="dialog-buttons">{buttons}</div> : null}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}
