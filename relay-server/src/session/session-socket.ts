import type { Duplex } from 'node:stream'
import { WebSocket } from 'ws'

/** From this size on, in bytes, a chunk is one of many: it is about what the system reads in one go. */
const bulkBytes = 16 * 1024

/** Receives the events of a socket. */
export interface SocketListener {
  /** A large chunk came in, and more may be behind it. */
  onBulk(): void
  onFrame(frame: Buffer, isBinary: boolean): void
  /** A ping of the WebSocket itself; nobody else answers it. */
  onPing(data: Buffer): void
  onPong(data: Buffer): void
  onError(error: Error): void
  onClose(code: number): void
}

const rider = Symbol('rider')

/** Shared by all sockets, before anything of the chunk is parsed. */
function noticeBulk(this: { [rider]?: SessionSocket }, chunk: Buffer): void {
  if (chunk.length >= bulkBytes) this[rider]?.listener?.onBulk()
}

/**
 * A socket with one listener for all its events. A function for each event, and the list of them, would be a good part of an idle socket's memory.
 */
export class SessionSocket extends WebSocket {
  listener: SocketListener | undefined
  #carrier: Duplex | undefined

  /** @param carrier the connection beneath */
  ride(carrier: Duplex & { [rider]?: SessionSocket }): void {
    this.#carrier = carrier
    carrier[rider] = this
    carrier.prependListener('data', noticeBulk)
  }

  /** Says why it closes, and takes nothing more: whoever sends on is held up, and costs nothing. */
  hangUp(code: number): void {
    this.pause()
    this.close(code)
    this.#carrier?.end()
  }

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    const { listener } = this
    if (!listener) return super.emit(event, ...args)
    const [first, second] = args
    if (event === 'message' && Buffer.isBuffer(first)) listener.onFrame(first, second === true)
    else if (event === 'ping' && Buffer.isBuffer(first)) listener.onPing(first)
    else if (event === 'pong' && Buffer.isBuffer(first)) listener.onPong(first)
    else if (event === 'error' && first instanceof Error) listener.onError(first)
    else if (event === 'close') listener.onClose(typeof first === 'number' ? first : 0)
    return true
  }
}
