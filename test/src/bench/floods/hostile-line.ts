import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { decodeRelayFrame, encodeClientFrame } from '@entente/protocol'
import type { TestDevice } from '@entente/relay-server/testing'

/** The relay under attack. */
export interface Target {
  readonly port: number
  /** The address of this machine that the attacker uses. */
  readonly from: string
}

/** What an attacker got done. */
export interface Tally {
  /** Connections that it began. */
  connections: number
  /** Answers to its requests, by their HTTP status; 0 where the connection was cut without one. */
  readonly statuses: Record<string, number>
  /** Frames, messages or requests that it got rid of. */
  sent: number
  bytes: number
}

export function newTally(): Tally {
  return { connections: 0, statuses: {}, sent: 0, bytes: 0 }
}

/** A connection that writes what it is given as fast as the relay takes it, and reads no more than it must. It costs the attacker as little as it can. */
export class HostileLine {
  readonly #socket: Socket
  readonly #tally: Tally
  #head = Buffer.alloc(0)
  #wake: (() => void)[] = []
  isOpen = true

  constructor({ port, from }: Target, tally: Tally) {
    this.#tally = tally
    this.#tally.connections++
    this.#socket = connect({ host: '127.0.0.1', port, localAddress: from })
    this.#socket.setNoDelay(true)
    // Only the beginning matters to it: the answer to the upgrade, and the challenge.
    this.#socket.on('data', (data) => {
      if (this.#head.length < 4_096) this.#head = Buffer.concat([this.#head, data])
      this.#wakeAll()
    })
    this.#socket.on('drain', () => this.#wakeAll())
    this.#socket.on('error', () => undefined)
    this.#socket.on('close', () => {
      this.isOpen = false
      this.#wakeAll()
    })
  }

  /** Asks for a socket. @returns the HTTP status; 0 where the connection was cut */
  async upgrade(path = '/socket', headers = ''): Promise<number> {
    return this.ask(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${this.#socket.remotePort ?? 0}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n${headers}\r\n`,
    )
  }

  /** Sends a request. @returns the HTTP status; 0 where the connection was cut */
  async ask(request: string): Promise<number> {
    await this.write(Buffer.from(request), 1)
    while (this.isOpen && !this.#head.includes('\r\n\r\n')) await this.#something()
    const status = Number(/^HTTP\/1\.1 (\d+)/.exec(this.#head.toString('latin1'))?.[1] ?? 0)
    this.#tally.statuses[status] = (this.#tally.statuses[status] ?? 0) + 1
    return status
  }

  /** Opens a session for a device, with more frames right behind the hello. @returns false where there is none */
  async sayHello(device: TestDevice, spoil: (token: string) => string = (token) => token): Promise<boolean> {
    const nonce = await this.#nonce()
    if (!nonce) return false
    const introduced = device.introduce(nonce, `127.0.0.1:${this.#socket.remotePort ?? 0}`)
    const said = introduced.map((message) => (message.type === 'hello' ? { ...message, token: spoil(message.token) } : message))
    await this.write(frameOf(encodeClientFrame(said)), 1)
    return this.isOpen
  }

  /** Writes bytes, and resolves once there is room for more. */
  async write(bytes: Uint8Array, counts: number): Promise<void> {
    if (!this.isOpen) return
    this.#tally.sent += counts
    this.#tally.bytes += bytes.length
    if (this.#socket.write(bytes)) return
    while (this.isOpen && this.#socket.writableNeedDrain) await this.#something()
  }

  /** Writes the same bytes until the relay ends the connection. */
  async flood(bytes: Uint8Array, counts: number): Promise<void> {
    while (this.isOpen) {
      await this.write(bytes, counts)
      // Others of this process have their turn.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Resolves once the connection is closed. */
  async closed(): Promise<void> {
    while (this.isOpen) await this.#something()
  }

  /** Leaves without a word. */
  cut(): void {
    this.#socket.resetAndDestroy()
  }

  async #nonce(): Promise<Uint8Array | undefined> {
    for (;;) {
      const at = this.#head.indexOf('\r\n\r\n') + 4
      const length = this.#head[at + 1]
      if (length !== undefined && this.#head.length >= at + 2 + length) {
        const [challenge] = decodeRelayFrame(new Uint8Array(this.#head.subarray(at + 2, at + 2 + length)))
        return challenge?.type === 'challenge' ? challenge.nonce : undefined
      }
      if (!this.isOpen) return undefined
      await this.#something()
    }
  }

  #something(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve))
  }

  #wakeAll(): void {
    const wake = this.#wake
    this.#wake = []
    for (const resolve of wake) resolve()
  }
}

/** A WebSocket frame of a client, under a mask of zeros, which leaves the bytes as they are. @param first its opcode, with the bit that ends a message */
export function frameOf(payload: Uint8Array, first = 0x82): Buffer {
  const { length } = payload
  const head =
    length < 126
      ? Buffer.from([first, 0x80 | length, 0, 0, 0, 0])
      : length < 65_536
        ? Buffer.from([first, 0x80 | 126, length >> 8, length & 255, 0, 0, 0, 0])
        : Buffer.from([first, 0x80 | 127, 0, 0, 0, 0, length >>> 24, (length >>> 16) & 255, (length >>> 8) & 255, length & 255, 0, 0, 0, 0])
  return Buffer.concat([head, payload])
}

/** The same bytes as often as fits. */
export function repeated(bytes: Uint8Array, upTo: number): { readonly bytes: Uint8Array; readonly count: number } {
  const count = Math.floor(upTo / bytes.length)
  return { bytes: Buffer.concat(Array.from({ length: count }, () => bytes)), count }
}
