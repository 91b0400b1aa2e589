import { decodeControlEntry, encodeControlEntry, type FeedName, type Key, rosterKey } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { makeRotation } from '../connect/rotation.js'
import { connectionFeed, type FeedRole, feedRoleOf, rotationKey, teamFeed, textOf } from '../replica/feed-role.js'
import { FeedSealer } from '../replica/feed-sealer.js'
import { type MemoryOrg, setup } from '../testing/index.js'

// A relay helps a device of Vera's org to put rotations and rosters of its own where those of the org stand.

const secret = Buffer.alloc(32, 9).toString('base64url')

async function story() {
  const opened = await setup({ upTo: 'exported' })
  const { vera, clock, relay } = opened
  const victor = await opened.openAnotherDevice(vera, { userName: 'Victor', role: 'admin' })
  const vito = await opened.openAnotherDevice(vera, { userName: 'Vito', role: 'member' })
  await opened.settle()
  /** Puts a text under a key, sealed with the keys of a device. */
  const plant = (by: MemoryOrg, feed: FeedName, key: Key, text: string, at = clock.now() + 60_000): void => {
    const sealer = new FeedSealer(vera.org.id, by.rows as never, by.replica.keyring)
    const feedRole = feedRoleOf(feed, vera.org.id, by.rows as never) as FeedRole
    const register = [[at, 0, 7], text] as const
    const entry = { key, whole: false, epoch: { version: 0, number: 0 } }
    if (key.startsWith('roster.')) {
      const kept = relay.state.feeds.get(feed)?.keys.get(key)
      if (kept?.kind !== 'control') throw new Error('The relay has no such roster.')
      // The relay goes on reading the genuine copy.
      const { copy } = decodeControlEntry(kept.bytes)
      const seal = sealer.sealControlEntry(feedRole, feed, key, register) as Uint8Array
      relay.plant(feed, { ...entry, kind: 'control', bytes: encodeControlEntry({ copy, seal }) }, true)
    } else relay.plant(feed, { ...entry, kind: 'message', bytes: sealer.sealMessage(feedRole, feed, key, register) as Uint8Array }, true)
  }
  /** Time passes, in steps in which what is under way comes to its end. */
  const later = async (seconds: number): Promise<void> => {
    for (let passed = 0; passed < seconds; passed++) {
      clock.advance(1_000)
      await opened.pass(6)
    }
  }
  return { ...opened, victor, vito, plant, later, team: teamFeed(vera.org.id, 'messages') }
}

describe('an admin who was removed', () => {
  it.each([
    [1, 'later', 60_000],
    [1, 'earlier', -60_000],
    [2, 'later', 60_000],
  ])(
    '[RT3, RT10] begins no generation %i with a roster on which he was, and a stamp %s than Vera’s; what stands there is hers again',
    async (generation, _, ms) => {
      const made = await story()
      const { vera, victor, vito, plant, later, settle, team, relay } = made
      const kept = (of: number) => relay.state.feeds.get(team)?.keys.get(rotationKey(of))
      const before = await vera.rosters.highest(vera.org.id)
      if (!before) throw new Error('The org has no roster.')
      await victor.close()
      await vera.devices.remove([victor.identity.device])
      await settle(vera, vito)
      const genuine = [vera.replica.keyring.own(1), vera.replica.inbox(team).get(rotationKey(1))?.body]
      plant(
        victor,
        team,
        rotationKey(generation),
        await victor.identity.signOwnRotation({ generation, secret, roster: before }),
        made.clock.now() + ms,
      )
      const planted = kept(generation)
      await later(20)
      for (const { replica } of [vera, vito]) {
        expect([replica.keyring.own(1), replica.inbox(team).get(rotationKey(1))?.body]).toEqual(genuine)
        expect(replica.keyring.highestOwn()).toBe(1)
      }
      expect(kept(1)).not.toEqual(planted)
    },
  )

  it('[RT10] puts no other roster in the place of the one that removed him', async () => {
    const { vera, victor, vito, plant, later, settle, team } = await story()
    await victor.close()
    await vera.devices.remove([victor.identity.device])
    await settle(vera, vito)
    const highest = await vera.rosters.highest(vera.org.id)
    plant(victor, team, rosterKey(4), 'ey.no.roster')
    await later(20)
    for (const { replica, rosters, org } of [vera, vito]) {
      expect(replica.inbox(team).get(rosterKey(4))?.body).toBe(highest?.token)
      expect((await rosters.highest(org.id))?.hash).toBe(highest?.hash)
    }
  })

  it('[RT10] leaves what the org sends with: Vera’s device signs his rotation of the connection again, and who was away reads on', async () => {
    const { vera, victor, vito, paul, connection, settle, record, reload } = await story()
    await vito.close()
    vera.sync.cut()
    await victor.devices.rotate()
    await settle(victor, paul)
    vera.sync.mend()
    await settle(vera, victor, paul)
    await victor.close()
    await vera.devices.remove([victor.identity.device])
    await settle(vera, paul)
    const said = vera.replica.inbox(connectionFeed(connection, 'vendor', 'messages')).get(rotationKey(1))?.body
    const [header = ''] = typeof said === 'string' ? said.split('.') : []
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toMatchObject({ kid: vera.identity.device })
    const again = await reload(vito)
    await settle(vera, again, paul)
    const sends = ({ replica }: MemoryOrg): number => replica.keyring.highestSending(connection, 'vendor')
    expect([vera, again, paul].map(sends)).toEqual([2, 2, 2])
    await again.records.edit('Lead', record, { Status: 'Working - Contacted' })
    await settle(vera, again, paul)
    expect(vera.records.get('Lead', record)?.values['Status']).toBe('Working - Contacted')
  })
})

describe('a rotation of the connection', () => {
  it.each([
    ['that a member’s device has signed', 'vito', 1],
    ['that stands under another generation than it names', 'victor', 2],
  ] as const)('[RT4, SD2] %s changes nothing here and at the peer', async (_, by, generation) => {
    const made = await story()
    const { vera, victor, vito, paul, connection, plant, later } = made
    const row = vera.rows.get('Connection', connection)
    const terms = await makeRotation({
      connection,
      generation,
      own: { generation: 0, secret: textOf(vera.rows.get('Key', 'team'), 'secret') ?? '', roster: 0 },
      to: { generation: 0, key: textOf(row, 'peerExchange') ?? '' },
      renews: true,
    })
    const body = await made[by].identity.signDecision('rotation', { connection, ...terms })
    plant(made[by], connectionFeed(connection, 'vendor', 'messages'), rotationKey(1), body)
    await later(5)
    for (const { replica } of [vera, victor, vito, paul]) expect(replica.keyring.highestSending(connection, 'vendor')).toBe(0)
    expect(paul.problems.join()).toContain('A change of keys of Vista was refused')
  })
})
