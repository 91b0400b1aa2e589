import { decodeClientFrame, decodeRoster, parseKey, rosterFeedOf, rosterKey } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { messageEdit } from '../connect/connection-facts.js'
import { endKey } from '../connect/end-reconciler.js'
import { connectionFeed } from '../replica/feed-role.js'
import { changeRoster, type MemoryOrg, setup } from '../testing/index.js'
import { createExchangeKey, createKeyPair } from './keys.js'
import { signRoster } from './roster.js'
import { rosterEdit } from './rosters.js'

const without = (admin: MemoryOrg, gone: MemoryOrg): Promise<void> =>
  changeRoster(admin, (devices) => devices.filter(({ key }) => key !== keyOf(gone)))
const keys = new WeakMap<MemoryOrg, string>()
const keyOf = (org: MemoryOrg): string => keys.get(org) ?? ''
/** Reads a device's public key off the roster. */
const noteKey = async (org: MemoryOrg): Promise<void> => {
  keys.set(org, (await org.rosters.device(org.org.id, org.identity.device))?.key ?? '')
}

describe('the rosters of two connected orgs', () => {
  it('[RO5] stand in the connection’s messages, one entry each, and reach the other side', async () => {
    const { vera, paul, connection, openAnotherDevice, settle } = await setup({ upTo: 'connected' })
    const second = await openAnotherDevice(vera, { userName: 'Victor', role: 'member' })
    await settle()
    const feed = connectionFeed(connection, 'vendor', 'messages')
    for (const number of [1, 2]) expect(paul.replica.inbox(feed).get(rosterKey(number))?.body).toMatch(/^ey/)
    expect(await paul.rosters.device(vera.org.id, second.identity.device)).toMatchObject({ role: 'member', person: 'victor' })
    expect(await paul.rosters.device(vera.org.id, paul.identity.device)).toBeUndefined()
    expect([...paul.problems, ...vera.problems]).toEqual([])
  })

  it('[RO3, SD2] a device that was removed decides nothing any more: Paul refuses what it signs (row 42)', async () => {
    const { vera, paul, connection, openAnotherDevice, settle, until } = await setup({ upTo: 'verified' })
    const stolen = await openAnotherDevice(vera, { userName: 'Victor', role: 'admin' })
    await settle()
    await noteKey(stolen)
    await without(vera, stolen)
    await settle(vera, paul)
    // A modified engine has what it signs carried on, by whomever it may be.
    const body = await stolen.identity.signDecision('end', { connection, reason: 'disconnected' })
    await vera.rows.save([messageEdit(connectionFeed(connection, 'vendor', 'messages'), endKey, body)])
    await until('Paul is told', () => paul.problems.some((what) => what.includes('not on the roster')))
    expect(paul.connections.get(connection)?.state).toBe('Enabled')
  })

  it('[RO3] Paul holds to the highest that he has seen, though the relay shows him an older one', async () => {
    const { vera, paul, connection, relay, openAnotherDevice, reload, settle } = await setup({ upTo: 'connected' })
    const old = relay.state
    const stolen = await openAnotherDevice(vera, { userName: 'Victor', role: 'admin' })
    await settle()
    await noteKey(stolen)
    await without(vera, stolen)
    await settle(vera, paul)
    await vera.close()
    await stolen.close()
    relay.restart(old)
    const again = await reload(paul)
    await settle(again)
    expect((await again.rosters.highest(vera.org.id))?.number).toBe(3)
    expect(await again.rosters.device(vera.org.id, stolen.identity.device)).toBeUndefined()
    expect(connection).toBeDefined()
  })

  it('[RO1] a row that claims a roster which its org never signed is not believed', async () => {
    const { vera, paul } = await setup({ upTo: 'connected' })
    const forger = await createKeyPair()
    const before = await paul.rosters.highest(vera.org.id)
    if (!before) throw new Error('no roster')
    const exchange = await createExchangeKey((count) => new Uint8Array(count).fill(7))
    const listed = { key: forger.publicJwk.x, exchange: exchange.public }
    const claims = {
      org: vera.org.id,
      number: 2,
      previous: before.hash,
      time: 0,
      devices: [{ ...listed, person: 'mallory', role: 'admin' as const }],
    }
    const token = await signRoster(claims, { device: forger })
    await paul.rows.save([rosterEdit({ org: vera.org.id, number: 2, token })])
    expect((await paul.rosters.highest(vera.org.id))?.number).toBe(1)
  })

  it('[RO5, RO7] leave out none at a device of the org that is on them, and may at a peer’s', async () => {
    const { vera, paul } = await setup({ upTo: 'connected' })
    const [first] = await vera.rosters.chain(vera.org.id)
    if (!first) throw new Error('no roster')
    const devices = [...first.devices.values()].map(({ key, exchange, person, role }) => ({ key, exchange, person, role }))
    const token = await vera.identity.signRoster({ org: vera.org.id, number: 3, previous: first.hash, time: 0, devices })
    for (const org of [vera, paul]) await org.rows.save([rosterEdit({ org: vera.org.id, number: 3, token })])
    expect((await vera.rosters.highest(vera.org.id))?.number).toBe(1)
    expect((await paul.rosters.highest(vera.org.id))?.number).toBe(3)
  })

  it('[RO4] come with the first hello ever, and not with the next one', async () => {
    const sent: string[] = []
    const { vera, reload, settle } = await setup({
      vera: { onSend: (frame) => sent.push(...decodeClientFrame(frame).map(({ type }) => type)) },
    })
    expect(sent.slice(0, 2)).toEqual(['roster', 'hello'])
    sent.length = 0
    await reload(vera)
    await settle()
    expect(sent[0]).toBe('hello')
  })

  it('[RO4, RO7] are brought without those that the relay has shown and that others prove, and with each that it may have another for', async () => {
    const { vera, settle } = await setup()
    for (const person of ['v2', 'v3', 'v4', 'v5']) {
      await changeRoster(vera, (all) => all.map((each) => ({ ...each, person })))
      await settle(vera)
    }
    const brought = async (readRoster: number) => {
      const introduction = { nonce: 'n', host: 'relay', version: 1, time: 0, isUnknown: true, readRoster }
      return (await vera.identity.hello(introduction, vera.rosters)).rosters.map((token) => decodeRoster(token).number)
    }
    expect(await brought(5)).toEqual([1, 5])
    expect(await brought(3)).toEqual([1, 3, 4, 5])
    expect(await brought(1)).toEqual([1, 2, 3, 4, 5])
  })

  it('[RO4] is brought again by each device to a relay that lost its disk, and nobody is told of a refusal', async () => {
    const { vera, paul, relay, settle } = await setup({ upTo: 'connected' })
    relay.restart()
    await settle()
    for (const org of [vera, paul]) {
      expect(org.sync.status()).toMatchObject({ state: 'online' })
      expect(org.problems).toEqual([])
    }
  })

  it('[RO5] stand in the team’s messages where the org has a team feed', async () => {
    const { vera, settle } = await setup()
    await settle(vera)
    expect(vera.problems).toEqual([])
    expect(vera.replica.acknowledged(rosterFeedOf(vera.org.id), parseKey('roster.1'))).toBe(true)
  })
})
