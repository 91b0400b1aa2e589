import { type MessageOf, ProtocolError } from '@entente/protocol'

/** Lets a stock y-websocket provider read one doc at the relay's gateway. */
export interface GatewayToken {
  readonly token: string
  /** Milliseconds since 1970. */
  readonly expires: number
}

interface Waiting {
  readonly resolve: (token: GatewayToken) => void
  readonly reject: (error: ProtocolError) => void
}

/** A session's requests for tokens that the relay has not answered. */
export class GatewayRequests {
  readonly #waiting = new Map<number, Waiting>()
  #last = 0

  /** @param say sends the request to the relay under its number. @throws ProtocolError with the relay's code */
  ask(say: (id: number) => void): Promise<GatewayToken> {
    const id = ++this.#last
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      say(id)
    })
  }

  take({ id, token, expires }: MessageOf<'gatewayToken'>): void {
    this.#waiting.get(id)?.resolve({ token, expires })
    this.#waiting.delete(id)
  }

  refuse({ subject, code, detail }: MessageOf<'refused'>): void {
    this.#waiting.get(subject)?.reject(new ProtocolError(code, `The relay gave no token: ${detail}`))
    this.#waiting.delete(subject)
  }

  /** The line is gone: rejects all requests. */
  giveUp(): void {
    for (const { reject } of this.#waiting.values())
      reject(new ProtocolError('UNAVAILABLE', 'This tab has lost its line to the relay. Ask again when it is online.'))
    this.#waiting.clear()
  }
}
