import { adoptStyles, css } from 'lit'
import { controls } from './controls.js'
import { describeFailure } from './failure.js'
import { tokens } from './tokens.js'

/** What was done, in one sentence. The detail of `entente-notify`. */
export interface Notification {
  readonly text: string
  /** Takes it back, where that can be done. Gives the words of what came of it. */
  readonly undo?: () => Promise<string>
}

/** How long a toast stays, in milliseconds. It stays longer while the pointer or the focus is in it. */
export const toastTime = 10_000

const styles = css`
  :host {
    position: fixed;
    inset: auto 0 20px;
    width: fit-content;
    max-width: min(560px, calc(100vw - 24px));
    margin: 0 auto;
    padding: 8px 8px 8px 16px;
    border: 1px solid var(--line);
    border-inline-start: 3px solid var(--accent);
    border-radius: var(--radius);
    background: var(--surface);
    box-shadow: var(--shadow);
  }
  /* The rule that every element's host has would show a closed one too. */
  :host(:not(:popover-open)) {
    display: none !important;
  }
  .row {
    flex-wrap: nowrap;
  }
  [role='status'] {
    overflow-wrap: anywhere;
  }
  @media print {
    :host {
      display: none !important;
    }
  }
`

let shown: { readonly host: HTMLElement; readonly show: (notification: Notification, scheme: string) => void } | undefined

/**
 * Shows a notification for ten seconds at the bottom of the page. A new one takes the place of the one before.
 *
 * @param near the element that it comes from: the toast is light or dark as that one is
 */
export function showToast(notification: Notification, near: Element): void {
  if (!shown?.host.isConnected) shown = makeToast()
  shown.show(notification, getComputedStyle(near).colorScheme)
}

function makeToast(): NonNullable<typeof shown> {
  const host = document.createElement('div')
  const root = host.attachShadow({ mode: 'open' })
  adoptStyles(root, [tokens, controls, styles])
  const [status, undo, dismiss] = [document.createElement('div'), document.createElement('button'), document.createElement('button')]
  status.role = 'status'
  undo.textContent = 'Undo'
  dismiss.textContent = '×'
  dismiss.ariaLabel = 'Dismiss'
  dismiss.className = 'quiet'
  const row = document.createElement('div')
  row.className = 'row'
  row.append(status, undo, dismiss)
  root.append(row)
  host.popover = 'manual'
  document.body.append(host)

  let [timer, from]: [ReturnType<typeof setTimeout> | undefined, HTMLElement | undefined] = [undefined, undefined]
  const hide = (): void => {
    clearTimeout(timer)
    if (host.matches(':focus-within')) from?.focus()
    if (host.matches(':popover-open')) host.hidePopover()
  }
  const wait = (): void => {
    clearTimeout(timer)
    timer = setTimeout(hide, toastTime)
  }
  const stay = (): void => clearTimeout(timer)
  host.addEventListener('pointerenter', stay)
  host.addEventListener('pointerleave', wait)
  host.addEventListener('focusin', ({ relatedTarget }) => {
    stay()
    if (relatedTarget instanceof HTMLElement && relatedTarget !== host) from = relatedTarget
  })
  host.addEventListener('focusout', wait)
  host.addEventListener('keydown', ({ key }) => {
    if (key === 'Escape') hide()
  })
  dismiss.addEventListener('click', hide)

  const say = (text: string): void => {
    status.textContent = ''
    // A screen reader reads what comes into a region that it knows already.
    setTimeout(() => (status.textContent = text), 50)
  }
  return {
    host,
    show({ text, undo: run }, scheme) {
      host.style.colorScheme = scheme
      // Shown anew, it stands above what was opened meanwhile.
      if (host.matches(':popover-open')) host.hidePopover()
      host.showPopover()
      say(text)
      undo.hidden = run === undefined
      undo.onclick = () => {
        undo.hidden = true
        dismiss.focus()
        void run?.()
          .catch((error: unknown) => describeFailure(error).message)
          .then(say)
      }
      wait()
    },
  }
}
