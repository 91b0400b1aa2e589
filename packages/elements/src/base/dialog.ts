/** A question that a person answers before something is done. Plain texts; names in them must come from `plainText`. */
export interface Question {
  readonly title: string
  readonly text: string
  /** What the button says that does it. */
  readonly action: string
}

/**
 * Asks in a modal dialog of the page's own. Focus begins at Cancel, stays inside, and goes back to where it was; Esc cancels.
 *
 * @param root where the dialog stands, for its styles
 * @returns whether the person agreed; false too where `root` is in no page
 */
export function askPerson(root: HTMLElement | DocumentFragment, { title, text, action }: Question): Promise<boolean> {
  if (!root.isConnected) return Promise.resolve(false)
  const make = <Tag extends keyof HTMLElementTagNameMap>(tag: Tag, content: string, name = ''): HTMLElementTagNameMap[Tag] => {
    const element = document.createElement(tag)
    element.textContent = content
    element.className = name
    return element
  }
  const [heading, words] = [make('h3', title), make('p', text)]
  const [cancel, agree] = [make('button', 'Cancel'), make('button', action, 'danger')]
  const [body, buttons, dialog] = [make('div', '', 'question'), make('div', '', 'row'), document.createElement('dialog')]
  heading.id = 'question-title'
  words.id = 'question-text'
  cancel.autofocus = true
  dialog.role = 'alertdialog'
  dialog.setAttribute('aria-labelledby', heading.id)
  dialog.setAttribute('aria-describedby', words.id)
  buttons.append(cancel, agree)
  body.append(heading, words, buttons)
  dialog.append(body)
  root.append(dialog)
  return new Promise((resolve) => {
    const answer = (agreed: boolean): void => {
      dialog.close()
      dialog.remove()
      resolve(agreed)
    }
    cancel.addEventListener('click', () => answer(false))
    agree.addEventListener('click', () => answer(true))
    // Esc.
    dialog.addEventListener('close', () => answer(false))
    dialog.showModal()
  })
}
