import type { ChildProcess } from 'node:child_process'
import { WebSocket } from 'ws'
import { killChromium, startChromium } from './chromium-process.js'

interface Answer {
  readonly id?: number
  readonly result?: {
    readonly result?: { readonly value?: unknown }
    readonly exceptionDetails?: unknown
    readonly [field: string]: unknown
  }
  readonly error?: { readonly message: string }
}

/**
 * A Chromium whose tabs are hidden behind each other, and may be frozen, as a person's are. Playwright keeps every page that it drives shown, so this one is driven
 * by the debugger's own messages (Chrome DevTools Protocol: Target, Runtime and Page).
 */
export class BareChromium {
  readonly #child: ChildProcess
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  #asked = 0

  /** @throws where it does not listen for a debugger within 30 s */
  static async start(profile: string): Promise<BareChromium> {
    const { child, address } = await startChromium(profile)
    const socket = new WebSocket(address)
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
    return new BareChromium(child, socket)
  }

  private constructor(child: ChildProcess, socket: WebSocket) {
    this.#child = child
    this.#socket = socket
    socket.on('message', (data: Buffer) => {
      const answer = JSON.parse(data.toString()) as Answer
      this.#waiting.get(answer.id ?? 0)?.(answer)
      this.#waiting.delete(answer.id ?? 0)
    })
  }

  /** Opens a tab, which hides the others. */
  async open(address: string): Promise<BareTab> {
    const { targetId } = await this.#send<{ targetId: string }>('Target.createTarget', { url: address })
    const { sessionId } = await this.#send<{ sessionId: string }>('Target.attachToTarget', { targetId, flatten: true })
    const ask = <T>(method: string, params: object): Promise<T> => this.#send<T>(method, params, sessionId)
    return {
      async evaluate<T>(expression: string): Promise<T> {
        const answer = await ask<NonNullable<Answer['result']>>('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true })
        if (answer.exceptionDetails !== undefined) throw new Error(JSON.stringify(answer.exceptionDetails))
        return answer.result?.value as T
      },
      show: () => this.#send('Target.activateTarget', { targetId }),
      freeze: () => ask('Page.setWebLifecycleState', { state: 'frozen' }),
      wake: () => ask('Page.setWebLifecycleState', { state: 'active' }),
    }
  }

  async kill(): Promise<void> {
    this.#socket.terminate()
    await killChromium(this.#child)
  }

  async #send<T>(method: string, params: object, sessionId?: string): Promise<T> {
    const id = ++this.#asked
    const answer = await new Promise<Answer>((resolve) => {
      this.#waiting.set(id, resolve)
      this.#socket.send(JSON.stringify({ id, method, params, sessionId }))
    })
    if (answer.error) throw new Error(`${method}: ${answer.error.message}`)
    return answer.result as T
  }
}

/** One tab. */
export interface BareTab {
  /** The value of an expression of the page, awaited where it is a promise. @throws where it throws */
  evaluate<T>(expression: string): Promise<T>
  /** Brings it before the others, which are hidden. */
  show(): Promise<unknown>
  /** Freezes it, as a browser does with a tab that was hidden for long: no timer runs and nothing arrives. */
  freeze(): Promise<unknown>
  wake(): Promise<unknown>
}
