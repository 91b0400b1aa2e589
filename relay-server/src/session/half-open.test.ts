import { connect, createServer, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { feedName } from '@entente/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDevice, createOrg, HeartbeatChecks, offerOf, RelayClient, type TestDevice, TestRelay } from '../testing/index.js'

const heartbeatMs = 200
/** Two sessions, each checked three times in a heartbeat. */
const checksPerHeartbeat = 2 * 3

describe('a line that the network cut without a word (row 38)', () => {
  let network: Network
  let checks: HeartbeatChecks
  let relay: TestRelay
  let vera: TestDevice
  let paul: TestDevice

  beforeEach(async () => {
    network = await Network.open()
    checks = new HeartbeatChecks()
    relay = await TestRelay.start({ heartbeatMs, socketsPerAddress: 2, names: [`127.0.0.1:${network.port}`] })
    network.target = relay.port
    const org = await createOrg()
    ;[vera, paul] = await Promise.all([createDevice(org), createDevice(org)])
  })
  afterEach(async () => {
    checks.restore()
    network.close()
    await relay.stop()
  })

  const url = (): string => `http://127.0.0.1:${network.port}`
  const team = (): ReturnType<typeof feedName> => feedName({ kind: 'team', org: vera.org, topic: 'messages' })
  const heartbeats = (count: number): Promise<void> => checks.pass(count * checksPerHeartbeat)
  const drops = (): number => relay.lines.filter((line) => line.includes('silent-session-dropped')).length

  it('[HB1] is dropped within a few heartbeats, and makes room for the device to come back', async () => {
    const lost = await RelayClient.connect(url(), vera)
    const kept = await RelayClient.connect(url(), paul)
    await heartbeats(3)
    expect(drops()).toBe(0)
    network.cut(0)
    const began = checks.count
    await expect.poll(drops, { timeout: 15_000, interval: 10 }).toBe(1)
    expect(checks.count - began).toBeLessThan(checksPerHeartbeat * 5)
    expect([lost.closeCode, kept.closeCode]).toEqual([undefined, undefined])
    const again = await RelayClient.connect(url(), vera)
    await again.read(1, team())
  })

  it('[HB1] is dropped too when entries are on their way over it, and holds up nobody else', async () => {
    const lost = await RelayClient.connect(url(), vera)
    const kept = await RelayClient.connect(url(), paul)
    for (const client of [lost, kept]) await client.read(1, team())
    network.cut(0)
    const offering = setInterval(() => kept.offer(1, offerOf(`m${performance.now()}`, 'message', new Uint8Array(1_000))), 10)
    try {
      const began = checks.count
      await expect.poll(drops, { timeout: 15_000, interval: 10 }).toBe(1)
      expect(checks.count - began).toBeLessThan(checksPerHeartbeat * 5)
    } finally {
      clearInterval(offering)
    }
    expect((await kept.publish(1, offerOf('after', 'message'))).code).toBe('ACCEPTED')
  })

  it('[HB1] that comes to life again in time is kept', async () => {
    const held = await RelayClient.connect(url(), vera)
    await RelayClient.connect(url(), paul)
    network.cut(0)
    await heartbeats(1)
    network.mend(0)
    await heartbeats(4)
    expect([drops(), held.closeCode]).toEqual([0, undefined])
  })
})

interface Wire {
  readonly near: Socket
  readonly far: Socket
}

/** What lies between a device and the relay: it passes everything on, until it is cut; then both ends are left open and hear nothing. */
class Network {
  target = 0
  readonly #server: Server
  readonly #wires: Wire[] = []

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', (near) => {
      const far = connect(this.target, '127.0.0.1')
      this.#wires.push({ near, far })
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        from.on('data', (data) => to.write(data))
        from.on('error', () => to.destroy())
        from.on('close', () => to.destroy())
      }
    })
  }

  static async open(): Promise<Network> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new Network(server)
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  cut(index: number): void {
    for (const socket of this.#ends(index)) socket.pause()
  }

  mend(index: number): void {
    for (const socket of this.#ends(index)) socket.resume()
  }

  close(): void {
    this.#server.close()
    for (const { near, far } of this.#wires) for (const socket of [near, far]) socket.destroy()
  }

  #ends(index: number): readonly Socket[] {
    const wire = this.#wires[index]
    return wire ? [wire.near, wire.far] : []
  }
}
