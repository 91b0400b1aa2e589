import { html, type TemplateResult } from 'lit'

/** A form for the own name of something. */
export function nameForm(label: string, name: string, required: boolean, save: (name: string) => void, back: () => void): TemplateResult {
  const submit = (event: SubmitEvent): void => {
    event.preventDefault()
    const typed = event.target instanceof HTMLFormElement ? new FormData(event.target).get('name') : ''
    save(typeof typed === 'string' ? typed : '')
  }
  return html`<form class="row paste" @submit=${submit}>
    <input name="name" aria-label=${label} ?required=${required} maxlength="200" .value=${name} autocomplete="off" />
    <button class="primary">Save</button><button type="button" @click=${back}>Back</button>
  </form>`
}

/** Marks the name in the form that has just been opened. */
export function markName(root: ParentNode): void {
  root.querySelector<HTMLInputElement>('input[name=name]')?.select()
}
