import type { EngineContext } from '../context.js'
import { correctedNow, nextExpiry } from './grants.js'

/** The longest wait between two looks, in milliseconds: the relay may correct the clock meanwhile. */
const longestMs = 60 * 60_000

/**
 * Calls back whenever a grant has run out, by the clock as corrected by the relay's: what has not left is stopped, and pages show it.
 *
 * @returns the function that ends it
 */
export function watchExpiries(context: Pick<EngineContext, 'rows' | 'clock' | 'link'>, call: () => void): () => void {
  const { rows, clock } = context
  let cancel = (): void => undefined
  let due: number | undefined
  const look = (): void => {
    cancel()
    const now = correctedNow(context)
    if (due !== undefined && due <= now) call()
    due = nextExpiry(rows, now)
    cancel = due === undefined ? () => undefined : clock.after(Math.min(due - now, longestMs), look)
  }
  const end = rows.watch((changes) => {
    if (changes.some(({ object }) => object === 'Grant')) look()
  })
  look()
  return () => {
    end()
    cancel()
  }
}
