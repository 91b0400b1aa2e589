import { type StatusAnswer, askStatus, type RelayStatus } from './status.js'

const everyMs = 2_000
/** Samples in a curve: two minutes. */
const keptPast = 60
const tokenName = 'entente-admin-token'

/** The relay's state, as far as this page knows. */
export type View =
  | { readonly kind: 'asking' }
  /** `wrong`: the relay refused the token. `retryMs`: after too many wrong tokens, the ms to wait. */
  | { readonly kind: 'locked'; readonly wrong: boolean; readonly retryMs: number }
  | {
      readonly kind: 'shown'
      readonly status: RelayStatus
      /** When the status came, on the page's monotonic clock, and whether the relay has been silent since. */
      readonly cameAt: number
      readonly silent: boolean
      readonly past: readonly RelayStatus[]
    }
  /** The relay has not answered even once. */
  | { readonly kind: 'unreachable' }

/** Asks the relay every two seconds while the page is visible. The token lives as long as the tab. */
export class Watch {
  readonly #show: (view: View) => void
  readonly #ask: (token: string | undefined) => Promise<StatusAnswer>
  #view: View = { kind: 'asking' }
  #timer: ReturnType<typeof setTimeout> | undefined
  #round = 0

  constructor(show: (view: View) => void, ask: (token: string | undefined) => Promise<StatusAnswer> = askStatus) {
    this.#show = show
    this.#ask = ask
  }

  start(): void {
    document.addEventListener('visibilitychange', this.#look)
    // A link that is opened in a tab with this page changes its fragment alone.
    window.addEventListener('hashchange', this.#look)
    this.#look()
  }

  stop(): void {
    document.removeEventListener('visibilitychange', this.#look)
    window.removeEventListener('hashchange', this.#look)
    this.#pause()
  }

  /** Tries a token, and keeps it for this tab. */
  unlock(token: string): void {
    sessionStorage.setItem(tokenName, token)
    this.#look()
  }

  /** Forgets the token and what it showed. */
  lock(): void {
    sessionStorage.removeItem(tokenName)
    this.#pause()
    this.#set({ kind: 'locked', wrong: false, retryMs: 0 })
  }

  #look = (): void => {
    this.#pause()
    takeToken()
    if (!document.hidden) void this.#askOnce(this.#round)
  }

  #pause(): void {
    clearTimeout(this.#timer)
    // An answer in flight belongs to an earlier round.
    this.#round++
  }

  async #askOnce(round: number): Promise<void> {
    const token = sessionStorage.getItem(tokenName) ?? undefined
    const answer = await this.#ask(token)
    if (round !== this.#round) return
    this.#set(this.#after(answer, token !== undefined))
    if (answer.kind === 'token') sessionStorage.removeItem(tokenName)
    else this.#timer = setTimeout(this.#look, answer.kind === 'wait' ? answer.retryMs : everyMs)
  }

  #after(answer: StatusAnswer, shown: boolean): View {
    const before = this.#view
    switch (answer.kind) {
      case 'token':
        return { kind: 'locked', wrong: shown, retryMs: 0 }
      case 'wait':
        return { kind: 'locked', wrong: false, retryMs: answer.retryMs }
      case 'silent':
        return before.kind === 'shown' ? { ...before, silent: true } : { kind: 'unreachable' }
      case 'status': {
        const past = before.kind === 'shown' ? before.past : []
        return {
          kind: 'shown',
          status: answer.status,
          cameAt: performance.now(),
          silent: false,
          past: [...past, answer.status].slice(-keptPast),
        }
      }
    }
  }

  #set(view: View): void {
    this.#view = view
    this.#show(view)
  }
}

/** Keeps the token of a link as the relay prints it, and takes it out of the address, so that no bookmark or history holds it. */
function takeToken(): void {
  const token = /^#token=([\w-]+)$/.exec(location.hash)?.[1]
  if (token === undefined) return
  sessionStorage.setItem(tokenName, token)
  history.replaceState(history.state, '', location.pathname + location.search)
}
