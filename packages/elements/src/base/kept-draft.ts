import type { DraftView, Engine } from '@entente/engine'

/** Beside a form whose draft is kept. */
export const keptWords = ' Kept on this device.'

/** Keeps on this device what a person entered into a form that is no record's: it survives navigation, a reload and a crash, as record drafts do. */
export class KeptDraft {
  readonly #object: DraftView['object']
  /** Resolves when nothing is being written any more. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(object: DraftView['object']) {
    this.#object = object
  }

  /** What was kept, as it was given; undefined where there is nothing. */
  read(engine: Engine, id: string): unknown {
    const text = engine.drafts.of(this.#object, id)?.values['draft']
    return typeof text === 'string' ? JSON.parse(text) : undefined
  }

  /** @param draft plain data */
  keep(engine: Engine, id: string, draft: unknown): void {
    const values = { draft: JSON.stringify(draft) }
    // A form that cannot be kept works on; it is lost with the page, as without this.
    this.#last = this.#last.then(() => engine.drafts.keep(this.#object, id, values)).catch(() => undefined)
  }

  async drop(engine: Engine, id: string): Promise<void> {
    await this.#last
    await engine.drafts.drop(this.#object, id)
  }
}
