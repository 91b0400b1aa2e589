import type { Pass } from './pass.js'

// A pass gets from a tab with the org's engine to this page over BroadcastChannels, which reach pages of this origin only. No address holds any of it, and neither
// page holds a handle on the other. So each may be reloaded, and the tab that leads at the moment answers.

/** Where pages ask. */
const askChannel = 'entente-live-mirror'

/** An org and one of its mirrors, as in the page's address after the #. Neither is a secret. */
export interface Wanted {
  readonly org: string
  readonly mirror: string
}

export type HandoverAnswer =
  | { readonly kind: 'pass'; readonly pass: Pass }
  /** `ended` if the relay has no doc of the mirror; else asking again later helps. */
  | { readonly kind: 'refused'; readonly ended: boolean; readonly message: string }
  | { readonly kind: 'silence' }

interface Question extends Wanted {
  /** The name of the channel for the answer, which only the two pages know. */
  readonly reply: string
}

const patienceMs = 2_000

/** Asks the tabs of this origin for a pass. Resolves to `silence` if none answers within two seconds. */
export function askForPass(wanted: Wanted): Promise<HandoverAnswer> {
  const reply = `${askChannel}-${[...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
  const answers = new BroadcastChannel(reply)
  const questions = new BroadcastChannel(askChannel)
  return new Promise<HandoverAnswer>((resolve) => {
    setTimeout(() => resolve({ kind: 'silence' }), patienceMs)
    answers.addEventListener('message', ({ data }: MessageEvent<HandoverAnswer>) => resolve(data))
    questions.postMessage({ ...wanted, reply } satisfies Question)
  }).finally(() => {
    answers.close()
    questions.close()
  })
}

/**
 * Answers the pages of this origin that ask for a mirror.
 *
 * @param answer undefined if another tab must answer
 * @returns the function that ends it
 */
export function answerPages(answer: (wanted: Wanted) => Promise<HandoverAnswer> | undefined): () => void {
  const questions = new BroadcastChannel(askChannel)
  questions.addEventListener('message', ({ data }: MessageEvent<Question>) => {
    void answer(data)?.then((said) => {
      const answers = new BroadcastChannel(data.reply)
      answers.postMessage(said)
      answers.close()
    })
  })
  return () => questions.close()
}
