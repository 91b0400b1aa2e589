/** What stands in the control that an event comes from. */
export function typed({ target }: Event): string {
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement
    ? target.value
    : ''
}

/** Whether the box that an event comes from is ticked. */
export function isChecked({ target }: Event): boolean {
  return target instanceof HTMLInputElement && target.checked
}

/** Marks all of the text in the field that an event comes from, so that it can be copied. */
export function selectAll({ target }: Event): void {
  if (target instanceof HTMLInputElement) target.select()
}
