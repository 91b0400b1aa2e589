import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseOrgId } from '@entente/protocol'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { answerStatus, createStatus, type RelayStatus, type StatusSource } from './status.js'
import { AdminAccess } from './admin-access.js'
import { defaultConfig } from '../config/config.js'
import type { SessionReport } from '../session/session.js'
import { agree, createConnection, docOffer, feedNumbers, TestRelay } from '../testing/index.js'

const token = 'a-token-of-the-operator'
const bearer = (shown: string): { authorization: string } => ({ authorization: `Bearer ${shown}` })

let server: Server | undefined
afterEach(() => new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve())))

describe('who sees the relay’s figures', () => {
  it('the operator, who shows the token in a header, and nobody who shows another or none', async () => {
    const url = await serve(token)
    const right = await fetch(url, { headers: bearer(token) })
    expect([right.status, right.headers.get('content-type'), right.headers.get('cache-control')]).toEqual([
      200,
      'application/json; charset=utf-8',
      'no-store',
    ])
    const answers = await Promise.all([
      fetch(url),
      fetch(url, { headers: bearer(`${token}x`) }),
      fetch(url, { headers: bearer('x') }),
      fetch(url, { headers: { authorization: token } }),
      fetch(`${url}?token=${token}`),
    ])
    for (const answer of answers)
      expect([answer.status, answer.headers.get('www-authenticate'), await answer.json()]).toEqual([401, 'Bearer', { error: 'TOKEN' }])
  })

  it('nobody for a while from where ten wrong tokens came, the right one included', async () => {
    const url = await serve(token)
    for (let n = 0; n < 10; n++) expect((await fetch(url, { headers: bearer(`guess-${n}`) })).status).toBe(401)
    const late = await fetch(url, { headers: bearer(token) })
    expect([late.status, await late.json()]).toEqual([429, { error: 'TOO_MANY_TRIES' }])
    expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(50)
  })

  it('a page that asks without a token first uses up no try', async () => {
    const url = await serve(token)
    for (let n = 0; n < 20; n++) await fetch(url)
    expect((await fetch(url, { headers: bearer(token) })).status).toBe(200)
  })
})

describe('the relay’s status', () => {
  it('lists the sessions for which most waits, and counts all', async () => {
    const reports = Array.from({ length: 7_000 }, (_, index) => reportOf({ queuedBytes: index, oldestMs: index % 90, behind: 2 }))
    const { sessions } = await createStatus(sourceOf({ sessions: reports.map((one) => ({ report: () => one })) }))()
    expect({ ...sessions, listed: sessions.listed.length }).toEqual({
      total: 7_000,
      queuedBytes: (7_000 * 6_999) / 2,
      oldestMs: 89,
      behind: 14_000,
      listed: 200,
    })
    expect(sessions.listed.map((one) => one.queuedBytes).slice(0, 3)).toEqual([6_999, 6_998, 6_997])
  })

  it('says of an org what it holds, what it may hold, and whether it is let in', async () => {
    const usage = { bytes: 10, docs: 2, connections: 1 }
    const org = parseOrgId('A'.repeat(43))
    const source = sourceOf({
      config: { admission: 'listed', quota: { bytes: 500, docs: 50, connections: 5 } },
      fullest: async () => [
        { org, standing: 'none', quota: { docs: 99 }, usage },
        { org, standing: 'allowed', quota: {}, usage },
      ],
    })
    const { orgs } = await createStatus(source)()
    expect(orgs?.listed[0]).toEqual({
      id: org,
      ...usage,
      quota: { bytes: 500, docs: 99, connections: 5 },
      standing: 'none',
      admitted: false,
    })
    expect(orgs?.listed[1]?.admitted).toBe(true)
  })

  it('is told while the store cannot be read', async () => {
    const fails = (): Promise<never> => Promise.reject(new Error('the disk is gone'))
    const status = await createStatus(sourceOf({ stats: fails, fullest: fails, isWritable: async () => false }))()
    expect([status.store, status.orgs]).toEqual([{ writable: false, compactionWaiting: 0 }, undefined])
  })

  it('is taken once for all who ask at once', async () => {
    let taken = 0
    const status = createStatus(sourceOf({ sockets: () => ++taken }))
    await Promise.all(Array.from({ length: 50 }, status))
    expect(taken).toBe(1)
  })
})

describe('a relay at work', () => {
  it('tells how far a device that catches up is behind, though nobody else reads the feed', async () => {
    const relay = await TestRelay.start()
    try {
      const connection = await createConnection()
      const { vera, paul } = await agree(connection, relay.url)
      const value = new Uint8Array(60_000).fill(7)
      for (let n = 0; n < 200; n++) await vera.publish(feedNumbers.vendorOpportunity, docOffer(`deal-${n}`, value))
      for (const client of [vera, paul]) await client.close()
      const back = await connection.open(relay.url, connection.paul)
      back.subscribe(1, connection.feed('vendor', 'opportunity'))
      back.socket.pause()
      const session = await vi.waitFor(async () => {
        const status = (await (await relay.ask('/admin/status')).json()) as RelayStatus
        const found = status.sessions.listed.find((one) => one.behind > 0)
        expect(found).toBeDefined()
        return found
      }, 5_000)
      expect(session).toMatchObject({ device: connection.paul.id, feeds: 1 })
      expect(session?.behind).toBeLessThanOrEqual(200)
      back.socket.terminate()
    } finally {
      await relay.stop()
    }
  })

  it('tells of Vera and Paul what it does for them, and nothing of what they write', async () => {
    const relay = await TestRelay.start({ adminToken: token, quota: { bytes: 0, docs: 100, connections: 0 } })
    try {
      const connection = await createConnection()
      const { vera, paul } = await agree(connection, relay.url)
      const secret = 'a-value-that-no-status-may-hold'
      for (const key of ['deal-one', 'deal-two'])
        await vera.publish(feedNumbers.vendorOpportunity, docOffer(key, new TextEncoder().encode(secret)))
      vera.send({ type: 'askGateway', id: 1, feed: feedNumbers.vendorOpportunity, key: docOffer('deal-one', new Uint8Array()).key })
      const gateway = await vera.next('gatewayToken')
      const room = `${encodeURIComponent(connection.feed('vendor', 'opportunity'))}/deal-one`
      const visitor = new WebSocket(`${relay.url.replace('http', 'ws')}/gateway/${room}?token=${gateway.token}`)
      await once(visitor, 'open')
      const told = await (await relay.ask('/admin/status')).text()
      const status = JSON.parse(told) as RelayStatus
      expect(new Set(status.sessions.listed.map((session) => session.device))).toEqual(new Set([connection.vera.id, connection.paul.id]))
      expect(status.sessions.listed[0]).toMatchObject({ role: 'admin', feeds: 4, behind: 0 })
      expect([status.sockets, status.sessions.total]).toEqual([3, 2])
      expect(status.store).toMatchObject({ writable: true, held: { docs: 4, orgs: 2 } })
      expect(status.orgs?.listed.find(({ id }) => id === connection.vendor.id)).toMatchObject({
        docs: 3,
        connections: 1,
        quota: { docs: 100 },
        admitted: true,
      })
      for (const hidden of [secret, token, gateway.token, 'deal-one', connection.id, 'opportunity']) expect(told).not.toContain(hidden)
      visitor.terminate()
      for (const client of [vera, paul]) await client.close()
      expect((await fetch(`${relay.url}/admin/status`)).status).toBe(401)
      expect(relay.lines.filter((line) => line.includes(token))).toEqual([])
    } finally {
      await relay.stop()
    }
  })
})

function reportOf(changes: Partial<SessionReport>): SessionReport {
  return { org: 'org', device: 'device', role: 'admin', openedMs: 1, feeds: 1, queuedBytes: 0, oldestMs: 0, behind: 0, ...changes }
}

function sourceOf(changes: Partial<StatusSource> = {}): StatusSource {
  return {
    config: defaultConfig,
    sessions: [],
    sockets: () => 0,
    load: () => ({
      overSeconds: 10,
      entriesInPerSecond: 0,
      entriesOutPerSecond: 0,
      eventLoopMs: { mean: 0, max: 0 },
      memory: { residentBytes: 1, heapBytes: 1 },
    }),
    compactionWaiting: () => 0,
    isWritable: async () => true,
    stats: async () => ({ diskBytes: 1, orgs: 2, feeds: 3, docs: 4, tombstones: 5, tailUpdates: 6, invitations: 7, incarnations: 8 }),
    fullest: async () => [],
    ...changes,
  }
}

/** @returns the address under which the status is answered */
async function serve(withToken: string): Promise<string> {
  const access = new AdminAccess(withToken)
  const status = createStatus(sourceOf())
  const started = createServer((request, response) => void answerStatus(response, access.check(request, performance.now()), status))
  server = started
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(started.address() as AddressInfo).port}/admin/status`
}
