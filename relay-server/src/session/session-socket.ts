import { WebSocket } from 'ws'

/** Receives the events of a socket. */
export interface Hearer {
  hearFrame(frame: Buffer, isBinary: boolean): void
  /** A ping or pong of the WebSocket itself. */
  hearSign(): void
  hearError(error: Error): void
  hearEnd(code: number): void
}

/**
 * A socket with one receiver for all its events. Listeners, and the list of them, would be a good part of an idle socket's memory.
 */
export class SessionSocket extends WebSocket {
  hearer: Hearer | undefined

  override emit(event: string | symbol, ...told: unknown[]): boolean {
    const { hearer } = this
    if (!hearer) return super.emit(event, ...told)
    const [first, second] = told
    if (event === 'message' && Buffer.isBuffer(first)) hearer.hearFrame(first, second === true)
    else if (event === 'ping' || event === 'pong') hearer.hearSign()
    else if (event === 'error' && first instanceof Error) hearer.hearError(first)
    else if (event === 'close') hearer.hearEnd(typeof first === 'number' ? first : 0)
    return true
  }
}
