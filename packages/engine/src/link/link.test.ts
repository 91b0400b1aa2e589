import { setImmediate } from 'node:timers/promises'
import { type ErrorCode, type Offer, parseKey, policyKey } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { agreementEdits, connectionEdits, mapEdit, sampleConnection, setup } from '../testing/index.js'
import type { WatchNetwork } from '../port/network.js'
import { connectionFeed } from '../replica/feed-role.js'
import { mailboxId } from '../seal/keys.js'

const mapId = 'map-of-the-first-lead0'
const vendorLeads = connectionFeed(sampleConnection, 'vendor', 'lead')

describe('a link', () => {
  it('[AB2] brings Vera’s edit of an agreed field to Paul, and no other field', async () => {
    const { vera, paul, settle } = await setup({ level: 'replica' })
    await vera.rows.save([
      { object: 'Lead', id: 'lead-1', values: { Name: 'Ada', Status: 'Open', Secret: 'not agreed' } },
      mapEdit(mapId, 'lead-1'),
    ])
    vera.link.start()
    paul.link.start()
    await settle(vera, paul)
    const doc = paul.replica.peerDocs(vendorLeads).get(parseKey(mapId))
    expect(Object.fromEntries(Object.entries(doc?.registers ?? {}).map(([slot, [, value]]) => [slot, value]))).toEqual({
      0: 'Ada',
      1: 'Open',
    })
    for (const { problems } of [vera, paul]) expect(problems).toEqual([])
    expect(vera.replica.acknowledged(vendorLeads, parseKey(mapId))).toBe(true)
  })

  it('[DF1, ID5] asks for all feeds in the frame of its hello and sends a hundred offline edits of one record as one update', async () => {
    const { vera, paul, settle } = await setup({ level: 'replica' })
    await vera.rows.save([{ object: 'Lead', id: 'lead-1', values: { Name: 'Ada' } }, mapEdit(mapId, 'lead-1')])
    vera.link.start()
    paul.link.start()
    await settle(vera, paul)
    vera.link.cut()
    for (let edit = 0; edit < 100; edit++) await vera.rows.save([{ object: 'Lead', id: 'lead-1', values: { Name: `Ada ${edit}` } }])
    const before = paul.link.status().entriesIn
    const framesBefore = vera.link.status().framesOut
    vera.link.mend()
    await settle(vera, paul)
    expect(paul.link.status().entriesIn - before).toBe(1)
    // Hello with all subscriptions, one update to her team, one to Paul.
    expect(vera.link.status().framesOut - framesBefore).toBe(3)
    expect(paul.replica.peerDocs(vendorLeads).get(parseKey(mapId))?.registers['0']?.[1]).toBe('Ada 99')
  })

  it('takes in what has come of a feed meanwhile by one transaction', async () => {
    const { vera, paul, settle, pass } = await setup({ level: 'replica' })
    await vera.rows.save([{ object: 'Lead', id: 'lead-1', values: { Name: 'Ada' } }, mapEdit(mapId, 'lead-1')])
    vera.link.start()
    paul.link.start()
    await settle(vera, paul)
    const seen: unknown[] = []
    paul.replica.watchFeeds((changes) => {
      if (changes.some(({ feed }) => feed === vendorLeads))
        seen.push(paul.replica.peerDocs(vendorLeads).get(parseKey(mapId))?.registers['0']?.[1])
    })
    const { held, release } = paul.store.hold((reads) => reads.some(([kind, feed]) => kind === 'feed' && feed === vendorLeads))
    for (let edit = 1; edit <= 4; edit++) {
      await vera.rows.save([{ object: 'Lead', id: 'lead-1', values: { Name: `Ada ${edit}` } }])
      await pass(1_000)
    }
    await held
    release()
    await settle(vera, paul)
    expect(seen).toEqual(['Ada 1', 'Ada 4'])
    expect([...vera.problems, ...paul.problems]).toEqual([])
  })

  it('tells how much has come while more waits to be read: a new device of Vera’s reads a large org', async () => {
    const { vera, open, settle } = await setup({ level: 'replica' })
    const leads = Array.from({ length: 900 }, (_, index) => ({ object: 'Lead', id: `lead-${index}`, values: { Name: 'Ada' } }))
    await vera.rows.save(leads)
    vera.link.start()
    await settle(vera)
    const laptop = await open('vendor')
    const told = new Set<number>()
    laptop.link.watch(() => told.add(laptop.link.status().entriesIn))
    laptop.link.start()
    await settle(laptop)
    const [last] = [...told].toReversed()
    expect(last).toBeGreaterThanOrEqual(900)
    expect([...told].filter((count) => count > 0 && count < 900).length).toBeGreaterThan(3)
  })

  it('is offline the moment that the network goes, and dials the moment that it is back, however long its pause is', async () => {
    let tell: (isThere: boolean) => void = () => undefined
    const watchNetwork: WatchNetwork = (listener) => {
      tell = listener
      return () => (tell = () => undefined)
    }
    const { vera, clock, settle } = await setup({ vera: { watchNetwork } })
    await settle(vera)
    expect(vera.sync.status().state).toBe('online')
    tell(false)
    expect(vera.sync.status()).toMatchObject({ state: 'offline', lastSynced: clock.now() })
    // A line that is there all the same, as to a relay on this machine, is found again after the usual pause.
    await settle(vera)
    expect(vera.sync.status().state).toBe('online')
    tell(false)
    tell(true)
    expect(vera.sync.status().state).toBe('connecting')
    await vera.close()
    tell(true)
  })

  it('says what needs no room though much that does stands before it, and all of it once there is room again', async () => {
    let isFull = true
    const refused = new Set<string>()
    const refuses = (_: string, { kind, key }: Offer): ErrorCode | undefined => {
      if (!isFull || kind !== 'doc') return undefined
      refused.add(key)
      return 'QUOTA'
    }
    const { vera, clock } = await setup({ level: 'replica', connected: false, relay: { refuses } })
    // More than are in flight at once.
    await vera.rows.save(
      Array.from({ length: 600 }, (_, index) => ({ object: 'Lead', id: `lead-${index}`, values: { Name: `Lead ${index}` } })),
    )
    await vera.rows.save([...connectionEdits('vendor'), ...agreementEdits('vendor', 1, [0])])
    vera.link.start()
    const pass = async (seconds: number, isDone: () => boolean): Promise<void> => {
      for (let second = 0; second < seconds && !isDone(); second++) {
        for (let turn = 0; turn < 20; turn++) await setImmediate()
        clock.advance(1_000)
      }
      expect(isDone()).toBe(true)
    }
    await pass(10, () => vera.replica.acknowledged(connectionFeed(sampleConnection, 'vendor', 'messages'), policyKey))
    await pass(10, () => refused.size >= 600)
    isFull = false
    await pass(90, () => vera.link.isSynced)
  }, 20_000)

  it('[ST6, ST7] uses the time of a relay that is ten thousand years ahead, says so, and makes no edit unreadable (row 83)', async () => {
    const { vera, paul, relay, clock, settle } = await setup({ level: 'replica' })
    relay.skew = 2 ** 48
    vera.link.start()
    await settle(vera)
    expect(vera.problems).toEqual([expect.stringMatching(/^The relay’s time moved by \d+ days/)])
    await vera.rows.save([{ object: 'Lead', id: 'lead-1', values: { Name: 'Ada' } }, mapEdit(mapId, 'lead-1')])
    vera.link.cut()
    relay.skew = 0
    vera.link.mend()
    paul.link.start()
    await settle(vera, paul)
    await vera.rows.save([{ object: 'Lead', id: 'lead-1', values: { Name: 'Ada Lovelace' } }])
    await settle(vera, paul)
    expect(paul.replica.peerDocs(vendorLeads).get(parseKey(mapId))?.registers['0']?.[1]).toBe('Ada Lovelace')
    expect(vera.problems).toHaveLength(2)
    expect(clock.now()).toBeLessThan(Date.UTC(2027, 0))
  })

  it('waits an hour at most where the relay says for ever, and dials once then', async () => {
    const { vera, relay, clock, settle } = await setup({ level: 'replica' })
    vera.link.start()
    await settle(vera)
    relay.leave(Number.MAX_SAFE_INTEGER)
    for (let turn = 0; turn < 20; turn++) {
      clock.advance(0)
      await setImmediate()
    }
    expect(vera.link.status().state).toBe('offline')
    clock.advance(60 * 60_000)
    await settle(vera)
    expect(vera.link.status().state).toBe('online')
  })

  it('dials no more where it was stopped while the tab took the lead', async () => {
    const { vera, settle } = await setup({ level: 'replica' })
    vera.link.start()
    vera.link.stop()
    for (let turn = 0; turn < 20; turn++) await setImmediate()
    expect(vera.link.status()).toMatchObject({ state: 'offline', leader: false })
    vera.link.start()
    await settle(vera)
  })

  it('comes back once the relay, which sent it away several times, has time for it', async () => {
    const { vera, relay, clock, settle } = await setup({ level: 'replica' })
    vera.link.start()
    await settle(vera)
    relay.isBusy = true
    for (let cut = 0; cut < 4; cut++) {
      vera.link.cut()
      vera.link.mend()
      for (let turn = 0; turn < 50; turn++) {
        await setImmediate()
        clock.advance(1)
      }
      expect(vera.link.status()).toMatchObject({ reason: 'UNAVAILABLE' })
    }
    relay.isBusy = false
    vera.link.mend()
    await settle(vera)
    expect(vera.link.status()).toMatchObject({ state: 'online' })
  })

  it('says an invitation that Vera makes while the line lies idle', async () => {
    const { vera, settle, clock } = await setup({ level: 'replica' })
    const heard: string[] = []
    vera.link.onMailbox(({ state }) => heard.push(state))
    vera.link.start()
    await settle(vera)
    const secret = 'AAAAAAAAAAAAAAAAAAAAAA'
    await vera.rows.save([
      { object: 'Invitation', id: mailboxId(secret), values: { side: 'vendor', secret, state: 'open', expires: clock.now() + 60_000 } },
    ])
    await settle(vera)
    expect(heard).toEqual(['open'])
  })

  it('sends Paul nothing for an edit of a field that is not agreed', async () => {
    const { vera, paul, settle } = await setup({ level: 'replica' })
    await vera.rows.save([{ object: 'Lead', id: 'lead-1', values: { Name: 'Ada' } }, mapEdit(mapId, 'lead-1')])
    vera.link.start()
    paul.link.start()
    await settle(vera, paul)
    const before = paul.link.status().entriesIn
    await vera.rows.save([{ object: 'Lead', id: 'lead-1', values: { Secret: 'mine' } }])
    expect(vera.replica.waiting()).toBe(1)
    await settle(vera, paul)
    expect([vera.replica.waiting(), paul.link.status().entriesIn]).toEqual([0, before])
  })
})
