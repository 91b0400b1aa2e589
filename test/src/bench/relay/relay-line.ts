import { type ClientMessage, decodeRelayFrame, encode, encodeClientFrame, type FeedName, type Offer, offer } from '@entente/protocol'
import { agree, createConnection, fromStart, type Position, type TestConnection, type TestDevice } from '@entente/relay-server/testing'
import { WebSocket } from 'ws'
import { hear, type Heard, numberBytes, publishNumber } from './wire.js'

/** The session's number for the one feed that a line follows. */
const feedNumber = 1

/** An offer as it stands in a frame, made beforehand. */
export function encodeOffer(one: Offer): Uint8Array {
  return encode(offer, one)
}

/** A vendor and a partner who have agreed at this relay, and the feed that the vendor fills. */
export interface AgreedFeed {
  readonly connection: TestConnection
  readonly url: string
  readonly name: FeedName
}

export async function agreeAt(url: string): Promise<AgreedFeed> {
  const connection = await createConnection()
  const { vera, paul } = await agree(connection, url)
  await Promise.all([vera.close(), paul.close()])
  return { connection, url, name: connection.feed('vendor', 'opportunity') }
}

/** A device on one feed that only counts what it hears. */
export class RelayLine {
  readonly socket: WebSocket
  readonly #name: FeedName
  /** Entries heard so far. */
  entries = 0
  /** Offers taken so far. */
  accepted = 0
  /** Bytes and frames heard so far, the challenge and the welcome among them. */
  bytes: number
  frames: number
  /** Where the feed stood when it was last heard of. */
  position = 0
  /** Called after each frame. */
  onHeard: (heard: Heard) => void = () => undefined

  private constructor(socket: WebSocket, name: FeedName, frames: readonly number[]) {
    this.socket = socket
    this.#name = name
    this.frames = frames.length
    this.bytes = frames.reduce((sum, bytes) => sum + bytes, 0)
    socket.on('message', (frame: Buffer) => {
      const heard = hear(frame)
      this.entries += heard.entries
      this.accepted += heard.accepted.length
      this.bytes += frame.length
      this.frames++
      this.position = heard.position || this.position
      this.onHeard(heard)
    })
  }

  /** Opens a session, without following anything yet. */
  static async open({ connection, url, name }: AgreedFeed, device: TestDevice): Promise<RelayLine> {
    const client = await connection.open(url, device)
    // The test client keeps everything it hears; from here on only counting is wanted.
    client.socket.removeAllListeners('message')
    return new RelayLine(client.socket, name, client.frames)
  }

  /** Comes back as the engine does, with all that it asks in its first frame, and resolves once the feed is live. */
  static comeBack(
    { connection, url, name }: AgreedFeed,
    device: TestDevice,
    from: Position,
  ): Promise<{ readonly line: RelayLine; readonly askedAt: number }> {
    const socket = new WebSocket(`${url}/socket`, { perMessageDeflate: false })
    const { id, salt, vendor, partner } = connection
    return new Promise((resolve, reject) => {
      socket.once('error', reject)
      socket.once('message', (frame: Buffer) => {
        const [challenge] = decodeRelayFrame(frame)
        if (challenge?.type !== 'challenge') return reject(new Error('The relay began with something else than a challenge.'))
        const follow = (hello: ClientMessage): void => {
          const line = new RelayLine(socket, name, [frame.length])
          const askedAt = performance.now()
          const live = line.#live([
            hello,
            { type: 'attach', connection: id, vendor: vendor.id, partner: partner.id, salt },
            { type: 'subscribe', feed: feedNumber, name, ...from },
          ])
          live.then(() => resolve({ line, askedAt }), reject)
        }
        follow(device.hello(challenge.nonce, new URL(url).host))
      })
    })
  }

  /** Follows the feed and resolves once it is live. */
  follow(from: Position = fromStart): Promise<void> {
    return this.#live([{ type: 'subscribe', feed: feedNumber, name: this.#name, ...from }])
  }

  #live(asked: readonly ClientMessage[]): Promise<void> {
    return new Promise((resolve) => {
      this.onHeard = ({ live }) => {
        if (!live) return
        this.onHeard = () => undefined
        resolve()
      }
      this.socket.send(encodeClientFrame(asked))
    })
  }

  offer(offers: readonly Offer[]): void {
    this.offerEncoded(offers.map(encodeOffer))
  }

  /** Offers what `encodeOffer` gave, in one frame. */
  offerEncoded(offers: readonly Uint8Array[]): void {
    this.socket.send(Buffer.concat([Uint8Array.from([publishNumber, feedNumber, ...numberBytes(offers.length)]), ...offers]))
  }

  close(): void {
    this.socket.terminate()
  }
}
