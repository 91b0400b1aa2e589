import type { LineState, MirrorState, ShownSlot } from './live-mirror.js'
import type { PassField } from './pass.js'
import { plainText } from './plain-text.js'
import { valueText } from './value-text.js'

const lineNames: Readonly<Record<LineState, string>> = {
  asking: 'Asking',
  live: 'Live',
  reconnecting: 'Reconnecting',
  ended: 'Ended',
  wrote: 'Shown out',
}

const objectNames: Readonly<Record<string, string>> = { Lead: 'Connected External Lead', Opportunity: 'Connected External Opportunity' }

/** The page: a mirror's values, field by field, and the state of its line. Everything from the other org is set as text. */
export class MirrorPage {
  readonly #root: HTMLElement
  readonly #title = make('h1', 'One live mirror')
  readonly #line = make('span', lineNames.asking)
  readonly #changed = make('p', '')
  readonly #words = make('p', 'Asking for the key of this mirror …')
  readonly #table = make('table', '')
  readonly #cells = new Map<string, string>()

  constructor(root: HTMLElement) {
    this.#root = root
    this.#line.className = 'line'
    this.#line.setAttribute('role', 'status')
    this.#changed.className = 'changed'
    this.#words.className = 'words'
    this.#words.setAttribute('role', 'status')
    const head = make('header', '')
    head.append(this.#title, this.#line)
    root.replaceChildren(head, this.#changed, this.#words, this.#table)
  }

  show({ line, words, reading }: MirrorState): void {
    this.#line.textContent = lineNames[line]
    this.#root.dataset['line'] = line
    setText(this.#words, words)
    if (!reading) return
    const { pass, slots } = reading
    setText(this.#title, `${objectNames[pass.object] ?? 'Connected External Record'} at ${plainText(pass.peerName, 80)}`)
    document.title = `${plainText(pass.peerName, 80)}, live – Entente`
    const times = [...slots.values()].flatMap(({ changedAt }) => changedAt ?? [])
    setText(this.#changed, times.length === 0 ? '' : `Last change ${instant(Math.max(...times))}`)
    this.#showFields(pass.fields, slots)
  }

  #showFields(fields: readonly PassField[], slots: ReadonlyMap<string, ShownSlot>): void {
    const isFirst = this.#cells.size === 0
    const rows = fields.map(({ field, slot }) => {
      const shown = slot === undefined ? undefined : slots.get(slot)
      const { text, kind } = slot === undefined ? { text: 'not shared', kind: 'absent' } : cellOf(field, shown)
      const row = make('tr', '')
      const name = make('th', '')
      name.scope = 'row'
      name.append(isolated(plainText(field.label, 80)))
      const value = make('td', '')
      value.className = kind
      value.append(isolated(text))
      const when = make('td', shown?.changedAt === undefined || slot === undefined ? '' : instant(shown.changedAt))
      when.className = 'when'
      if (!isFirst && this.#cells.get(field.name) !== text) row.className = 'fresh'
      this.#cells.set(field.name, text)
      row.append(name, value, when)
      return row
    })
    const head = make('thead', '')
    const titles = make('tr', '')
    for (const title of ['Field', 'Theirs', 'Changed']) {
      const cell = make('th', title)
      cell.scope = 'col'
      titles.append(cell)
    }
    head.append(titles)
    const body = make('tbody', '')
    body.append(...rows)
    this.#table.replaceChildren(head, body)
  }
}

/** The text for a slot: its value, "empty" for none, "unreadable" for a seal that does not open or a value that is not of the field's type. */
function cellOf(field: PassField['field'], shown: ShownSlot | undefined): { readonly text: string; readonly kind: string } {
  const text = valueText(field, shown?.value ?? null, navigator.language)
  if (text === undefined || (shown?.opens === false && text === '')) return { text: 'unreadable', kind: 'absent' }
  if (shown?.opens === false) return { text: `${plainText(text)} (the present value is unreadable)`, kind: 'absent' }
  return text === '' ? { text: 'empty', kind: 'absent' } : { text: plainText(text), kind: 'value' }
}

function instant(time: number): string {
  // The other org chooses the number in a stamp; not every number is a day.
  const isDay = Math.abs(time) <= 8.64e15
  return isDay
    ? new Intl.DateTimeFormat(navigator.language, { dateStyle: 'medium', timeStyle: 'short' }).format(time)
    : 'at an unknown time'
}

/** Text whose direction does not affect its surroundings. */
function isolated(text: string): HTMLElement {
  return make('bdi', text)
}

function make<Name extends keyof HTMLElementTagNameMap>(name: Name, text: string): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name)
  element.textContent = text
  return element
}

/** Sets a text only if it changed, so that screen readers do not read it again. */
function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text
}
