import { type ClientMessage, decodeRelayFrame, encodeClientFrame, type RelayMessage } from '@entente/protocol'
import type { TestConnection, TestDevice } from '@entente/relay-server/testing'
import { WebSocket } from 'ws'

/** How long a relay may take to say welcome, in ms. */
const welcomeMs = 10_000

type Welcome = Extract<RelayMessage, { readonly type: 'welcome' }>

/** A device of a load, over one socket: passes every message on, in order, and keeps none. */
export class LoadClient {
  readonly socket: WebSocket
  /** Resolves with the close code, however the socket ends. */
  readonly closed: Promise<number>
  welcome: Welcome | undefined

  private constructor(socket: WebSocket) {
    this.socket = socket
    this.closed = new Promise((resolve) => socket.once('close', resolve))
  }

  /**
   * Opens a session that has shown the connection's parties.
   *
   * @param hear is given every message after the welcome
   * @throws Error when no welcome comes
   */
  static async open(
    url: string,
    device: TestDevice,
    connection: TestConnection,
    hear: (message: RelayMessage) => void,
  ): Promise<LoadClient> {
    const socket = new WebSocket(url, { perMessageDeflate: false })
    const client = new LoadClient(socket)
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('No welcome came.')), welcomeMs)
      void client.closed.then((code) => reject(new Error(`The client closed with ${code} before the welcome.`)))
      socket.on('error', reject)
      socket.on('message', (data: Buffer) => {
        for (const message of decodeRelayFrame(data)) {
          if (message.type === 'challenge') client.#sayHello(device, message.nonce)
          else if (message.type === 'welcome') {
            client.welcome = message
            clearTimeout(timer)
            resolve()
          } else hear(message)
        }
      })
    })
    client.send({
      type: 'attach',
      connection: connection.id,
      vendor: connection.vendor.id,
      partner: connection.partner.id,
      salt: connection.salt,
    })
    return client
  }

  /** Sends messages in one frame; says nothing where the socket is closed. */
  send(...messages: ClientMessage[]): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(encodeClientFrame(messages))
  }

  async close(): Promise<void> {
    this.socket.close()
    await this.closed
  }

  #sayHello(device: TestDevice, nonce: Uint8Array): void {
    this.send(...device.introduce(nonce, new URL(this.socket.url).host))
  }
}
