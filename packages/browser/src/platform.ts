import type { Clock, RandomBytes, WatchNetwork } from '@entente/engine'

/** The page's clock and timers, as the engine's Clock. A delay of 0 is the next turn of the event loop, also in a hidden tab. */
export const browserClock: Clock = {
  now: () => Date.now(),
  after: (ms, call) => {
    if (ms === 0) return nextTurn(call)
    const timer = setTimeout(call, Math.min(ms, longestMs))
    return () => clearTimeout(timer)
  },
}

/** A longer delay would overflow the browser's timer, which then fires at once. */
const longestMs = 2 ** 31 - 1

/** The browser's cryptographic generator, as the engine's RandomBytes. At most 65,536 bytes a call. */
export const browserRandom: RandomBytes = (length) =>
  length > few.length ? crypto.getRandomValues(new Uint8Array(length)) : crypto.getRandomValues(few).slice(0, length)

/** An import asks for a few bytes with each row. What the browser fills is an object of the document, which takes longer to collect than a copy does. */
const few = new Uint8Array(32)

/** The browser's events `online` and `offline`, as the engine's WatchNetwork. */
export const watchBrowserNetwork: WatchNetwork = (listener) => {
  const [came, went] = [(): void => listener(true), (): void => listener(false)]
  addEventListener('online', came)
  addEventListener('offline', went)
  return () => {
    removeEventListener('online', came)
    removeEventListener('offline', went)
  }
}

/** The next turn of the loop by a message: nested timers of 0 ms are held back to 4 ms, and to a second in hidden tabs. */
function nextTurn(call: () => void): () => void {
  let cancelled = false
  turns.push(() => {
    if (!cancelled) call()
  })
  channel ??= openChannel()
  channel.port2.postMessage(undefined)
  return () => (cancelled = true)
}

/** What waits for its turn: each message of the one channel is the turn of one. A channel for each takes as long to make, and longer to collect. */
const turns: (() => void)[] = []
let channel: MessageChannel | undefined

function openChannel(): MessageChannel {
  const opened = new MessageChannel()
  opened.port1.onmessage = () => turns.shift()?.()
  return opened
}
