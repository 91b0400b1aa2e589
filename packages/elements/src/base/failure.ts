import type { RecordError } from '@entente/engine'
import { html, nothing, type TemplateResult } from 'lit'
import { showText } from '../value/show-text.js'

/** A failure as shown to a person. */
export interface Failure {
  readonly code: string
  readonly message: string
  readonly details: readonly RecordError[]
}

/** Reads an error by its shape: the elements may come from another copy of the library than the engine. */
export function describeFailure(error: unknown): Failure {
  if (!(error instanceof Error)) return { code: 'UNKNOWN', message: 'Something went wrong. Try again.', details: [] }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN'
  const details: readonly RecordError[] = 'details' in error && Array.isArray(error.details) ? error.details : []
  return { code, message: error.message, details }
}

export function failureNotice(failure: Failure | undefined, dismiss: () => void, word = 'Dismiss'): TemplateResult | undefined {
  if (!failure) return undefined
  const { message, details } = failure
  const more = details.filter((detail) => !message.includes(detail.message))
  return html`<div class="notice bad" role="alert" tabindex="-1">
    <div>
      ${showText(message)}
      ${
        more.length > 0
          ? html`<ul>
              ${more.slice(0, 5).map((detail) => html`<li>${showText(`${detail.message} ${detail.fix}`, 400)}</li>`)}
            </ul>`
          : nothing
      }
    </div>
    <button class="quiet" @click=${dismiss}>${word}</button>
  </div>`
}
