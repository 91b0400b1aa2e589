import {
  type MessageOf,
  type ClientMessage,
  decodeRelayFrame,
  encodeClientFrame,
  type Entry,
  type FeedName,
  type Offer,
  type RelayMessage,
} from '@entente/protocol'
import { WebSocket } from 'ws'
import type { HelloOverrides, TestDevice } from './org.js'

/** The result of one offer. */
export type Outcome = { readonly code: 'ACCEPTED' } | MessageOf<'refused'>

export interface Position {
  readonly after: number
  readonly incarnation: number
  readonly position: number
}

export const fromStart: Position = { after: 0, incarnation: 0, position: 0 }

/** How long a test waits for an expected message, in ms. */
const patienceMs = 15_000

/** A device at the wire, for tests: it sends what a test asks for, and records everything it receives. */
export class RelayClient {
  readonly socket: WebSocket
  /** Every received message, in order. */
  readonly heard: RelayMessage[] = []
  /** The size of every received frame, in bytes. */
  readonly frames: number[] = []
  /** The WebSocket close code, once closed. */
  closeCode: number | undefined
  readonly #url: URL
  #wakers: (() => void)[] = []
  #offers = 0

  constructor(url: string, origin?: string, headers: Readonly<Record<string, string>> = {}) {
    this.#url = new URL(url.replace(/^http/, 'ws'))
    if (this.#url.pathname === '/') this.#url.pathname = '/socket'
    this.socket = new WebSocket(this.#url, { headers, ...(origin === undefined ? {} : { origin }) })
    this.socket.on('message', (data: Buffer) => {
      this.frames.push(data.length)
      this.heard.push(...decodeRelayFrame(data))
      this.#wake()
    })
    this.socket.on('error', () => this.#wake())
    this.socket.on('close', (code) => {
      this.closeCode = code
      this.#wake()
    })
  }

  /** Opens a session for a device and resolves with the welcome. @throws Error with the code when the relay fails it */
  static async connect(url: string, device: TestDevice, claims?: HelloOverrides): Promise<RelayClient> {
    const client = new RelayClient(url)
    await client.sayHello(device, claims)
    await client.next('welcome')
    return client
  }

  get relayName(): string {
    return this.#url.host
  }

  async sayHello(device: TestDevice, claims?: HelloOverrides): Promise<void> {
    const { nonce } = await this.next('challenge')
    this.send(...device.introduce(nonce, this.relayName, claims))
  }

  /** Sends messages in one frame. */
  send(...messages: ClientMessage[]): void {
    this.socket.send(encodeClientFrame(messages))
  }

  /** Resolves with the first message of a type (and content) that has come or will come, and removes it from `heard`. */
  async next<T extends RelayMessage['type']>(type: T, isIt: (message: MessageOf<T>) => boolean = () => true): Promise<MessageOf<T>> {
    const isWanted = (message: RelayMessage): message is MessageOf<T> => message.type === type && isIt(message as MessageOf<T>)
    const found = await this.until(() => this.heard.find(isWanted), `a message ${type}`)
    this.heard.splice(this.heard.indexOf(found), 1)
    return found
  }

  subscribe(feed: number, name: FeedName, from: Position = fromStart): void {
    this.send({ type: 'subscribe', feed, name, ...from })
  }

  /** Subscribes and resolves with all entries up to the moment it is live. */
  async read(feed: number, name: FeedName, from: Position = fromStart): Promise<readonly Entry[]> {
    this.subscribe(feed, name, from)
    const entries: Entry[] = []
    for (;;) {
      const message = await this.until(
        () =>
          this.heard.find(
            (one) =>
              (one.type === 'entries' && one.feed === feed) || (one.type === 'refused' && one.what === 'feed' && one.subject === feed),
          ),
        `entries of feed ${feed}`,
      )
      this.heard.splice(this.heard.indexOf(message), 1)
      if (message.type === 'refused') throw new Error(`The feed was refused: ${message.code}`)
      if (message.type !== 'entries') continue
      entries.push(...message.entries)
      if (message.live) return entries
    }
  }

  /** Offers one entry and resolves with its result. */
  async publish(feed: number, offer: Omit<Offer, 'id'>): Promise<Outcome> {
    const id = this.offer(feed, offer)
    const outcome = await this.until(
      () =>
        this.heard.find(
          (one) =>
            (one.type === 'accepted' && one.ids.includes(id)) || (one.type === 'refused' && one.what === 'offer' && one.subject === id),
        ),
      `the outcome of offer ${id}`,
    )
    if (outcome.type !== 'refused') return { code: 'ACCEPTED' }
    this.heard.splice(this.heard.indexOf(outcome), 1)
    return outcome
  }

  /** Offers one entry without waiting. @returns the offer's id */
  offer(feed: number, offer: Omit<Offer, 'id'>): number {
    const id = ++this.#offers
    this.send({ type: 'publish', feed, offers: [{ id, ...offer }] })
    return id
  }

  /** Resolves with the close code. */
  async closed(): Promise<number> {
    return this.until(() => this.closeCode, 'the socket to close')
  }

  async close(): Promise<void> {
    this.socket.close()
    await this.closed()
  }

  /** Resolves with the first result other than undefined, tried after each received message. */
  async until<T>(look: () => T | undefined, what: string): Promise<T> {
    const deadline = Date.now() + patienceMs
    for (;;) {
      const found = look()
      if (found !== undefined) return found
      const failed = this.heard.find((message) => message.type === 'failed')
      const left = deadline - Date.now()
      if (this.closeCode !== undefined || left <= 0) {
        const reason = failed
          ? `failed ${failed.code}: ${failed.detail}`
          : this.closeCode === undefined
            ? 'nothing came'
            : `closed ${this.closeCode}`
        throw new Error(`Waited for ${what}, but ${reason}`)
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#wakers.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  #wake(): void {
    const wakers = this.#wakers
    this.#wakers = []
    for (const wake of wakers) wake()
  }
}
