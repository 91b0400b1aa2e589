import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import type { HandoverAnswer } from './handover.js'
import { openSeal } from './open-seal.js'
import { isSameDoc, type Pass } from './pass.js'

/** Close codes of the gateway after which a stock provider stays closed (rules GW2 and GW3). */
const gatewayClosed = { readOnly: 4403 } as const

/**
 * `asking` for the first pass; `live`; `reconnecting` while the shown values may be old; `ended` when there is no doc to follow; `wrote` after the gateway closed
 * this page's socket because it wrote.
 */
export type LineState = 'asking' | 'live' | 'reconnecting' | 'ended' | 'wrote'

export interface ShownSlot {
  /** null for an empty slot. */
  readonly value: unknown
  readonly changedAt: number | undefined
  /** False if the present seal does not open; then the value is the last one that did. */
  readonly opens: boolean
}

/** The slots as last read, and the pass that says what they mean. */
interface Reading {
  readonly pass: Pass
  readonly slots: ReadonlyMap<string, ShownSlot>
}

export interface MirrorState {
  readonly line: LineState
  /** The reason, if there is more to say than the state. */
  readonly words: string
  /** The last reading, which stays while the line is down and after the end. */
  readonly reading: Reading | undefined
}

export interface LiveMirrorOptions {
  readonly askForPass: () => Promise<HandoverAnswer>
  readonly show: (state: MirrorState) => void
  /** For programs without a browser's WebSocket. */
  readonly WebSocketPolyfill?: typeof WebSocket
}

const retryMs = { refused: 1_000, ended: 5_000, longest: 3_600_000 } as const
/** The page asks for a new token this long before the old one expires, in ms, or after three quarters of its time if that is later. */
const aheadMs = 30_000
/** The delay, in ms, if a token seems to have expired on arrival: the clock was set. If it really has, the gateway says so. */
const clockSetMs = 60_000

/**
 * Follows one mirror through the relay's gateway with a stock provider. It gets a new token before the old one expires, starts a new doc with a new key when the
 * mirror begins a new epoch, and waits while the relay or the tab with the engine is away.
 */
export class LiveMirror {
  readonly #options: LiveMirrorOptions
  #line: LineState = 'asking'
  #words = ''
  #open: { readonly doc: Y.Doc; readonly provider: WebsocketProvider; pass: Pass } | undefined
  #reading: Reading | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #isAsking = false
  #isSwapping = false
  #stopped = false

  constructor(options: LiveMirrorOptions) {
    this.#options = options
  }

  start(): void {
    this.#ask()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#leave()
  }

  #ask(): void {
    if (this.#isAsking || this.#stopped) return
    this.#isAsking = true
    clearTimeout(this.#timer)
    const heard = (answer: HandoverAnswer): void => {
      this.#isAsking = false
      if (!this.#stopped) this.#hear(answer)
    }
    this.#options.askForPass().then(heard, () => heard({ kind: 'silence' }))
  }

  #askIn(ms: number): void {
    clearTimeout(this.#timer)
    // The relay says how long a token lasts. A browser's timer of more than 2^31 ms would end at once.
    this.#timer = setTimeout(() => this.#ask(), Math.min(ms, retryMs.longest))
  }

  #hear(answer: HandoverAnswer): void {
    switch (answer.kind) {
      case 'pass':
        return this.#enter(answer.pass)
      case 'silence':
        this.#wait('No tab of this org answers. Open its workspace in this browser and leave it open.')
        return this.#askIn(retryMs.refused)
      case 'refused':
        if (answer.ended) {
          this.#leave()
          this.#show('ended', answer.message)
        } else this.#wait(answer.message)
        // Sharing may resume, and devices fill a relay that lost its disk.
        return this.#askIn(answer.ended ? retryMs.ended : retryMs.refused)
    }
  }

  /** Shows the wait, unless the connection is up: it does not need the next token yet. */
  #wait(words: string): void {
    if (this.#open?.provider.wsconnected === true) return
    this.#show(this.#line === 'asking' ? 'asking' : 'reconnecting', words)
  }

  #enter(pass: Pass): void {
    const left = pass.expires - Date.now()
    this.#askIn(left > 0 ? Math.max(left - aheadMs, left * 0.75) : clockSetMs)
    if (this.#open && isSameDoc(this.#open.pass, pass)) {
      const { provider } = this.#open
      this.#open.pass = pass
      provider.params = { token: pass.token }
      this.#isSwapping = provider.wsconnected
      provider.disconnect()
      provider.connect()
      this.#isSwapping = false
      return
    }
    this.#leave()
    const { WebSocketPolyfill } = this.#options
    const doc = new Y.Doc()
    const provider = new WebsocketProvider(pass.gateway, pass.room, doc, {
      params: { token: pass.token },
      disableBc: true,
      ...(WebSocketPolyfill && { WebSocketPolyfill }),
    })
    this.#open = { doc, provider, pass }
    doc.getMap('v').observe(() => this.#read())
    provider.on('sync', (isSynced) => {
      if (!isSynced) return
      this.#read()
      this.#show('live', '')
    })
    provider.on('status', ({ status }) => {
      if (status === 'disconnected' && !this.#isSwapping) this.#show('reconnecting', '')
    })
    // The token may be the cause: a page cannot see why its socket was refused.
    provider.on('connection-error', () => {
      if (this.#line === 'live') this.#show('reconnecting', '')
      this.#askIn(retryMs.refused)
    })
    provider.on('closed', ({ code }) => {
      if (code !== gatewayClosed.readOnly) return this.#ask()
      this.stop()
      this.#show(
        'wrote',
        'This page wrote to the mirror, which is read only, so the relay closed the connection. Nothing of it arrived. Load the page again.',
      )
    })
  }

  #leave(): void {
    const open = this.#open
    this.#open = undefined
    this.#isSwapping = true
    open?.provider.destroy()
    this.#isSwapping = false
    open?.doc.destroy()
  }

  #read(): void {
    if (!this.#open) return
    const { doc, pass } = this.#open
    const sealed = doc.getMap<unknown>('v')
    const before = this.#reading && isSameDoc(this.#reading.pass, pass) ? this.#reading.slots : undefined
    const slots = new Map<string, ShownSlot>()
    for (const { slot } of pass.fields) {
      const bytes = slot === undefined ? undefined : sealed.get(slot)
      if (slot === undefined || bytes === undefined) continue
      const opened = bytes instanceof Uint8Array ? openSeal(pass, slot, bytes) : undefined
      const last = before?.get(slot) ?? { value: null, changedAt: undefined }
      slots.set(slot, opened ? { ...opened, opens: true } : { ...last, opens: false })
    }
    this.#reading = { pass, slots }
    this.#show(this.#line, this.#words)
  }

  #show(line: LineState, words: string): void {
    this.#line = line
    this.#words = words
    this.#options.show({ line, words, reading: this.#reading })
  }
}
