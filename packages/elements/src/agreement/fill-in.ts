import type { Gap, ObjectName } from '@entente/engine'
import { html, nothing, type TemplateResult } from 'lit'
import { plainText, showText } from '../value/show-text.js'
import type { Onlooker } from './changes.js'

/** Filling in copies that exist. */
export interface FillingIn {
  /** Undefined until the person has looked: counting takes a while where there are many copies. */
  readonly gaps: readonly Gap[] | undefined
  /** How many copies are done, while one field is filled in. */
  readonly progress: { readonly field: string; readonly done: number; readonly total: number } | undefined
  /** What the last one came to. */
  readonly said: string | undefined
  readonly look: () => void
  readonly fill: (field: string) => void
}

/** How far the version in force has come with records exported before; nothing once all have it. */
export function reachedLine(
  { records, reached }: { readonly records: number; readonly reached: number },
  version: number,
  object: ObjectName,
  { plural, language }: Onlooker,
): TemplateResult | typeof nothing {
  if (reached >= records) return nothing
  const text = `Version ${version} has reached ${reached.toLocaleString(language)} of ${records.toLocaleString(language)} ${plural(object)}.`
  return html`<div class="row small" role="status">
    <progress max=${records} .value=${reached} aria-label="Records that version ${version} has reached"></progress>
    <span>${text} It goes on by itself.</span>
  </div>`
}

/** Values that the vendor has for fields of copies that are empty. */
export function fillInPanel(
  object: ObjectName,
  { plural, language, peer }: Onlooker,
  { gaps, progress, said, look, fill }: FillingIn,
): TemplateResult {
  const number = (count: number): string => count.toLocaleString(language)
  return html`<section class="stack" aria-label="Fill in copies">
    ${said === undefined ? nothing : html`<p class="small" role="status">${said}</p>`}
    ${
      gaps === undefined
        ? html`<div><button class="quiet" @click=${look}>Look which empty fields of copies can be filled in</button></div>`
        : gaps.length === 0
          ? html`<p class="small soft">No empty field of your copies of ${plural(object)} can be filled in.</p>`
          : html`<div class="notice">
              <div>
                <strong>These fields of your copies are empty.</strong> What a field holds, or somebody here has emptied, stays as it is.
                <ul class="wishes">
                  ${gaps.map(
                    ({ field, copies, ready, waiting }) =>
                      html`<li class="row spread">
                        <span>
                          <strong>${showText(field.partner.label, 80)}</strong>: ${number(ready)} of ${number(copies)} copies
                          ${waiting > 0 ? html`<span class="small soft">${number(waiting)} more wait for ${showText(peer, 80)}</span>` : nothing}
                        </span>
                        ${
                          progress?.field === field.partner.name
                            ? html`<span class="row small"
                                ><progress max=${progress.total} .value=${progress.done} aria-label="Copies"></progress
                                >${number(progress.done)} of ${number(progress.total)}</span
                              >`
                            : html`<button
                                ?disabled=${progress !== undefined || ready === 0}
                                @click=${() => fill(field.partner.name)}
                                aria-label="Fill in: ${plainText(field.partner.label, 80)}"
                              >
                                Fill in
                              </button>`
                        }
                      </li>`,
                  )}
                </ul>
              </div>
            </div>`
    }
  </section>`
}
