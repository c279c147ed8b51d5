/** Where the focus was when the screen was asked for. */
let left: Element | null = null;

/** Another screen is shown from now on; what it holds may come later. */
export function screenChanged(): void {
  left = document.activeElement;
}

/** Whether a part that comes by itself may take the focus: not from where a person went meanwhile. */
export function mayTakeFocus(): boolean {
  const now = document.activeElement;
  return now === null || now === document.body || now === left;
}
