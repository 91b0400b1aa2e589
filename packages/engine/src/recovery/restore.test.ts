import { headKey, parseKey } from '@entente/protocol'
import { describe, expect, it, vi } from 'vitest'
import type { FoundOrg, RestoreDecision, RestoreOptions } from '../api/index.js'
import { EngineError } from '../error.js'
import { openKit } from '../identity/recovery-kit.js'
import { signOwnRotation } from '../identity/own-rotation.js'
import { exchangeKeyOf } from '../identity/keys.js'
import { identityKey, type StoredIdentity } from '../identity/identity.js'
import { messageRowId } from '../replica/feed-key.js'
import { restoredAt } from '../identity/roster.js'
import { connectionFeed, type FeedRole, feedRoleOf, rotationKey, teamFeed } from '../replica/feed-role.js'
import { FeedSealer } from '../replica/feed-sealer.js'
import {
  invitationPage,
  joinMemoryOrg,
  lead,
  MemoryNetwork,
  type MemoryOrg,
  MemoryStore,
  openMemoryOrg,
  type Setup,
  setup,
  storePromises,
} from '../testing/index.js'
import { forgeDecisions } from '../testing/forge-decisions.js'
import { emptyRelay } from '../testing/relay-state.js'
import { pause } from '../testing/turn.js'
import { throwAwayStore } from './throw-away-store.js'

// A kit is slow to open by design: a third of a second of JavaScript each time. Node's own scrypt is the same function. `recovery.test.ts` opens kits with the engine's.
vi.mock('@noble/hashes/scrypt.js', async () => {
  const { scryptSync } = await import('node:crypto')
  return {
    scryptAsync: async (secret: Uint8Array, salt: Uint8Array, { dkLen, ...cost }: { dkLen: number; N: number; r: number; p: number }) =>
      new Uint8Array(scryptSync(secret, salt, dkLen, { ...cost, maxmem: 2 ** 28 })),
  }
})

type Kit = Pick<RestoreOptions, 'file' | 'passphrase'>

async function savedKit(org: MemoryOrg): Promise<Kit> {
  const kit = await org.recovery.makeKit()
  await org.recovery.confirmKit(kit.file, kit.passphrase)
  return kit
}

/** Waits until Vera’s device has signed the heads of her team’s feeds, each 2 to 5 s after the feed came to rest, or until something holds. */
async function signed({ vera, network, settle }: Pick<Setup, 'vera' | 'network' | 'settle'>, holds?: () => boolean): Promise<void> {
  const isSigned = (): boolean => vera.sync.status().signed.every(({ connection, state }) => connection !== undefined || state === 'signed')
  // First: what was written last is not at the relay yet, and a head from before it covers all that is.
  await settle()
  await network.untilLater('the heads are signed', () => network.isAtRest() && (holds ?? isSigned)(), 60)
}

/** Waits until both orgs are asked to compare the codes once more: what waits for that keeps the devices from rest. */
function askedForCodes({ until, paul, connection }: Setup<'exported'>, again: MemoryOrg): Promise<void> {
  return until('both compare the codes', () => [again, paul].every(({ connections }) => connections.get(connection)?.verified === 'no'))
}

/** Restores an org at another device. */
function restore(network: MemoryNetwork, kit: Kit, more: Partial<RestoreOptions> = {}, store = new MemoryStore()): Promise<MemoryOrg> {
  return network.finish(openMemoryOrg(network, { store, restore: { ...kit, decide: () => ({}), ...more } }))
}

const statusAt = (org: MemoryOrg, id: string): unknown => org.mirrors.of('Lead', id)[0]?.fields.find(({ name }) => name === 'Status')?.value

describe('an org whose browser was emptied', () => {
  it('[RK4, RK5, CN13] is back with kit and relay, under keys of its own, and Paul compares the codes once more', async () => {
    const made = await setup({ upTo: 'exported' })
    const { network, vera, paul, connection, record, copy, settle } = made
    const kit = await savedKit(vera)
    await signed(made)
    const known = vera.records.get('Lead', record)?.values
    await vera.close()
    const shown: FoundOrg[] = []
    const decide = (found: FoundOrg): RestoreDecision => {
      shown.push(found)
      return {}
    }
    const again = await restore(network, kit, { decide })
    expect(shown).toMatchObject([
      { org: { name: 'Vista' }, records: { Lead: 1 }, connections: 1, devices: 1, people: [{ name: 'Vera', role: 'admin' }] },
    ])
    expect(shown[0]?.signedAt).toBeGreaterThan(0)
    expect(again.recovery.status()).toMatchObject({ kit: 'saved', age: 'known' })
    await settle()
    expect(again.org).toEqual(vera.org)
    expect(again.user).toEqual(vera.user)
    expect(again.identity.device).not.toBe(vera.identity.device)
    expect(again.records.get('Lead', record)?.values).toEqual(known)
    expect(await rootIn(again)).toBeUndefined()
    // The old device stays on the roster: its browser may be found again.
    const roster = await paul.rosters.highest(vera.org.id)
    expect([vera, again].map(({ identity }) => roster?.devices.has(identity.device))).toEqual([true, true])

    const verified = (): unknown =>
      [again, paul].map((org) => {
        const view = org.connections.get(connection)
        return [view?.verified, view?.peerVerified]
      })
    expect(verified()).toEqual([
      ['no', false],
      ['no', false],
    ])
    await again.records.edit('Lead', record, { Status: 'Working - Contacted' })
    await paul.records.edit('Lead', copy, { Status: 'Closed - Converted' })
    // What waits for the codes keeps the devices from rest.
    await network.pass(300)
    expect([statusAt(paul, copy), statusAt(again, record)]).not.toContain('Closed - Converted')
    expect(statusAt(paul, copy)).not.toBe('Working - Contacted')
    for (const org of [again, paul]) await org.connections.compareCodes(connection, true)
    await settle()
    expect(verified()).toEqual([
      ['yes', true],
      ['yes', true],
    ])
    expect([statusAt(paul, copy), statusAt(again, record)]).toEqual(['Working - Contacted', 'Closed - Converted'])
  })

  it('[RK4, RK8, RT9] shuts the lost device out where it is alone: what is written afterwards opens with none of its keys, and Paul is told', async () => {
    const made = await setup({ upTo: 'exported' })
    const { network, vera, paul, connection, record, copy, settle } = made
    const kit = await savedKit(vera)
    await signed(made)
    await vera.close()
    const again = await restore(network, kit, { decide: () => ({ alone: true }) })
    await network.pass(300)
    expect([...((await again.rosters.highest(vera.org.id))?.devices.keys() ?? [])]).toEqual([again.identity.device])
    for (const org of [again, paul]) await org.connections.compareCodes(connection, true)
    await settle()
    const generations = ({ replica: { keyring } }: MemoryOrg) => [
      keyring.highestOwn(),
      ...(['vendor', 'partner'] as const).map((side) => keyring.highestSending(connection, side)),
    ]
    expect([again, paul].map(generations)).toEqual([
      [1, 1, 1],
      [0, 1, 1],
    ])
    expect([...((await paul.rosters.highest(vera.org.id))?.devices.keys() ?? [])]).toEqual([again.identity.device])
    // What the lost one had decided bears the signature of this one.
    for (const { registers } of again.rows.list('Connection').values())
      for (const [field, [, , proof]] of Object.entries(registers)) expect(proof, field).toMatch(new RegExp(`^${again.identity.device}`))
    await again.records.edit('Lead', record, { Status: 'Working - Contacted' })
    await paul.records.edit('Lead', copy, { Email: 'answered@after.example' })
    await again.records.create('Lead', lead('Later'))
    await settle()
    expect(statusAt(paul, copy)).toBe('Working - Contacted')
    // The relay in memory lets the old device in, and gives it everything.
    const thief = await made.reload(vera)
    await network.pass(60)
    const known = JSON.stringify([
      [...thief.rows.list('Lead').values()].map(({ registers }) => registers),
      thief.mirrors.of('Lead', record),
    ])
    expect(known).toContain('ada@acme')
    for (const value of ['Working - Contacted', 'answered@after', 'Later']) expect(known).not.toContain(value)
  })

  it('[RK4, RT4] goes on where the lost device had changed the keys: Paul hears of the next ones, and each sees what the other edits', async () => {
    const made = await setup({ upTo: 'exported' })
    const { network, vera, paul, connection, record, copy, settle } = made
    const kit = await savedKit(vera)
    await vera.devices.rotate()
    await signed(made)
    await vera.close()
    const again = await restore(network, kit, { decide: () => ({ alone: true }) })
    await network.pass(300)
    for (const org of [again, paul]) await org.connections.compareCodes(connection, true)
    await settle()
    await again.records.edit('Lead', record, { Status: 'Working - Contacted' })
    await paul.records.edit('Lead', copy, { Status: 'Closed - Converted' })
    await settle()
    expect([statusAt(paul, copy), statusAt(again, record)]).toEqual(['Working - Contacted', 'Closed - Converted'])
  })

  it('[RK8, DR2] takes no decision over that Victor’s modified device had put into the team; Viola’s device gives it Vera’s, which bears her signature (row 140)', async () => {
    const made = await setup({ upTo: 'shared' })
    const { network, vera, connection, settle, openAnotherDevice } = made
    const victor = await openAnotherDevice(vera, { userName: 'Victor', role: 'member' })
    const viola = await openAnotherDevice(vera, { userName: 'Viola', role: 'member' })
    await vera.settings.change({ currency: 'SEK' })
    const kit = await savedKit(vera)
    await settle()
    const decided = vera.rows.get('Setting', 'org')?.registers
    for (const device of [vera, viola]) await device.close()
    await forgeDecisions(victor)
    await settle()
    await victor.close()
    const again = await restore(network, kit)
    const held = (org: MemoryOrg) =>
      JSON.stringify(
        ['Setting', 'Connection', 'Grant'].flatMap((object) => [...org.rows.list(object).values()].map(({ registers }) => registers)),
      )
    for (const forged of ['"JPY"', 'mismatch', 'A'.repeat(43)]) {
      expect(held(victor)).toContain(forged)
      expect(held(again)).not.toContain(forged)
    }
    expect(again.rows.get('Grant', 'forged')).toBeUndefined()
    expect(again.connections.get(connection)?.id).toBe(connection)
    // What he has overwritten at the relay comes from who has it still.
    const other = await made.reload(viola)
    await made.until('Viola’s device gives it back', () => again.rows.get('Setting', 'org') !== undefined)
    await network.pass(300)
    for (const org of [again, other]) {
      expect(org.rows.get('Setting', 'org')?.registers).toEqual(decided)
      expect(org.rows.get('Grant', 'forged')).toBeUndefined()
    }
  })

  it('[RK5] publishes to no connection while nobody knows whether it is old: until a head fits, or an admin says so', async () => {
    const made = await setup({ upTo: 'exported' })
    const { network, vera, paul, relay, connection, record, copy, settle } = made
    const kit = await vera.recovery.makeKit()
    await vera.close()
    // No head has been signed of the last that Vera's browser did.
    const again = await restore(network, kit)
    expect(again.recovery.status().age).toBe('open')
    await expect(again.recovery.backup()).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    await network.pass(300)
    const said = () =>
      (['messages', 'lead'] as const).map((topic) => relay.state.feeds.get(connectionFeed(connection, 'vendor', topic))?.head)
    const before = said()
    await again.records.edit('Lead', record, { Status: 'Working - Contacted' })
    await network.pass(300)
    network.clock.advance(10_000)
    await network.pass(300)
    expect(said()).toEqual(before)
    // A head of its own would say that this is the latest.
    expect(relay.state.feeds.get(teamFeed(vera.org.id, 'rows'))?.keys.has(headKey)).toBe(false)
    expect((await paul.rosters.highest(vera.org.id))?.number).toBe(1)
    await again.recovery.confirmAge()
    await network.pass(300)
    expect(again.recovery.status().age).toBe('known')
    for (const org of [again, paul]) await org.connections.compareCodes(connection, true)
    await settle()
    expect(statusAt(paul, copy)).toBe('Working - Contacted')
  })

  it('[RK5, RT9] says nothing in its team under the keys of the lost device, though nobody knows its age yet', async () => {
    const made = await setup({ upTo: 'exported' })
    const { network, vera, record } = made
    const kit = await savedKit(vera)
    await network.pass(300)
    await vera.close()
    const again = await restore(network, kit, { decide: () => ({ alone: true }) })
    await again.records.edit('Lead', record, { Status: 'Working - Contacted' })
    await network.pass(300)
    expect(again.recovery.status().age).toBe('open')
    const statusOf = (org: MemoryOrg) => org.records.get('Lead', record)?.values['Status']
    expect(statusOf(await restore(network, kit))).toBe('Working - Contacted')
    // The relay in memory lets the old device in, and gives it everything.
    const thief = await made.reload(vera)
    await network.pass(60)
    expect(statusOf(thief)).toBe('Open - Not Contacted')
  })

  it('[RK5, RT9, HD5] reads on under the keys that Victor’s device draws, until a head of his says that nothing is missing', async () => {
    const made = await setup({ upTo: 'exported' })
    const { network, vera, record, settle, until, openAnotherDevice } = made
    const victor = await openAnotherDevice(vera, { userName: 'Victor', role: 'admin' })
    const kit = await savedKit(vera)
    await settle()
    await vera.records.edit('Lead', record, { Status: 'Working - Contacted' })
    await network.pass(300)
    await vera.close()
    const again = await restore(network, kit)
    expect(again.recovery.status().age).toBe('open')
    await again.records.edit('Lead', record, { Email: 'ada@thursday.example' })
    await until('a head of Victor’s fits', () => again.recovery.status().age === 'known')
    expect(again.replica.keyring.highestOwn()).toBe(1)
    for (const { records, sync } of [again, victor]) {
      expect(records.get('Lead', record)?.values).toMatchObject({ Status: 'Working - Contacted', Email: 'ada@thursday.example' })
      expect(sync.status().signed.map(({ state }) => state)).not.toContain('differs')
    }
  })

  it('[RK5, RT4] has what Vera’s device said to Paul under changed keys, though the relay loses its store before anybody knows the age of the new one', async () => {
    const made = await setup({ upTo: 'exported' })
    const { network, relay, vera, paul, connection, record, copy, settle } = made
    const kit = await savedKit(vera)
    await vera.devices.rotate()
    await signed(made, () => vera.devices.keys().remainingMs === 0 && vera.replica.outdated().left.length === 0)
    await vera.records.edit('Lead', record, { Email: 'ada@thursday.example' })
    await network.pass(300)
    await vera.close()
    const again = await restore(network, kit, { decide: () => ({ alone: true }) })
    await network.pass(300)
    expect(again.recovery.status().age).toBe('open')
    relay.restart(emptyRelay)
    await network.pass(10_000)
    await again.recovery.confirmAge()
    await network.pass(10_000)
    for (const org of [again, paul]) await org.connections.compareCodes(connection, true)
    await settle()
    await again.records.edit('Lead', record, { Status: 'Working - Contacted' })
    await paul.records.edit('Lead', copy, { Status: 'Closed - Converted' })
    await settle()
    expect([statusAt(paul, copy), statusAt(again, record)]).toEqual(['Working - Contacted', 'Closed - Converted'])
  })

  it('[RK5, RT11, BK1, BK3] takes back from Paul what relay and team have lost, after a recovery from an old state', async () => {
    const made = await setup({ upTo: 'exported' })
    const { network, vera, paul, relay, connection, record, copy, settle } = made
    const kit = await savedKit(vera)
    await signed(made)
    const old = relay.state
    await vera.records.edit('Lead', record, { Status: 'Working - Contacted' })
    await signed(made)
    expect(statusAt(paul, copy)).toBe('Working - Contacted')
    await vera.close()
    relay.restart(old)
    network.clock.advance(5_000)
    const again = await restore(network, kit)
    await network.pass(60)
    expect(again.recovery.status().age).toBe('open')
    expect(again.records.get('Lead', record)?.values['Status']).toBe('Open - Not Contacted')
    await again.recovery.confirmAge()
    await askedForCodes(made, again)
    for (const org of [again, paul]) await org.connections.compareCodes(connection, true)
    await signed(made, () => again.records.get('Lead', record)?.values['Status'] === 'Working - Contacted')
    expect(again.records.get('Lead', record)?.values['Status']).toBe('Working - Contacted')
    expect(statusAt(paul, copy)).toBe('Working - Contacted')
    // What she says now stands above it, and goes out under new keys.
    await again.records.edit('Lead', record, { Status: 'Closed - Converted' })
    await settle()
    expect(statusAt(paul, copy)).toBe('Closed - Converted')
    // What the lost device seals from now on does not count when Paul hands it back.
    const leads = connectionFeed(connection, 'vendor', 'lead')
    const sealer = new FeedSealer(vera.org.id, vera.rows as never, vera.replica.keyring)
    const feedRole = feedRoleOf(leads, vera.org.id, vera.rows as never) as FeedRole
    const key = parseKey([...vera.rows.list('RecordMap').keys()][0] ?? '')
    const epoch = { version: 1, number: 0 }
    const at = restoredAt(await again.rosters.chain(vera.org.id))
    for (const [time, email] of [
      [at, 'said@before.example'],
      [at + 1, 'said@after.example'],
    ] as const) {
      const bytes = sealer.sealSlot(feedRole, leads, key, '1', epoch, [[time, 0, 7], email]) as Uint8Array
      await again.replica.takeBack(leads, [{ key, slot: '1', epoch, bytes }], at)
    }
    expect(again.records.get('Lead', record)?.values['Email']).toBe('said@before.example')
  })

  it('[RK5, RK7, BK3] takes from Paul what neither the relay nor the backup has, and keeps what each of them has', async () => {
    const made = await setup({ upTo: 'exported' })
    const { network, vera, paul, relay, connection, record, copy, settle } = made
    const kit = await savedKit(vera)
    await settle()
    const old = relay.state
    await vera.records.edit('Lead', record, { Status: 'Working - Contacted' })
    const unshared = await vera.records.create('Lead', { ...lead('Bea'), Company: 'Bolt' })
    await settle()
    const backup = new Blob((await network.finish(vera.recovery.backup())) as Uint8Array<ArrayBuffer>[])
    await vera.records.edit('Lead', record, { Email: 'ada@thursday.example' })
    await settle()
    await vera.close()
    relay.restart(old)
    network.clock.advance(5_000)
    const again = await restore(network, kit, { backup, decide: () => ({ alone: true }) })
    const valuesOf = (id: string) => again.records.get('Lead', id)?.values
    expect([valuesOf(unshared)?.['LastName'], valuesOf(record)?.['Status'], valuesOf(record)?.['Email']]).toEqual([
      'Bea',
      'Working - Contacted',
      'ada@acme.example',
    ])
    await again.recovery.confirmAge()
    await askedForCodes(made, again)
    for (const org of [again, paul]) await org.connections.compareCodes(connection, true)
    await signed(made, () => valuesOf(record)?.['Email'] === 'ada@thursday.example')
    expect(valuesOf(record)).toMatchObject({ Status: 'Working - Contacted', Email: 'ada@thursday.example' })
    expect(statusAt(paul, copy)).toBe('Working - Contacted')
    // What only the backup had is at the relay again.
    const found = await network.finish(again.recovery.tryKit(kit.file, kit.passphrase))
    expect(found.records.Lead).toBe(2)
  })

  it('[RK6] reads what was sealed after a rotation with a kit from before it: the rotation sealed its secret to the kit', async () => {
    const made = await setup()
    const { network, vera, settle } = made
    const kit = await vera.recovery.makeKit()
    await settle()
    const secret = Buffer.alloc(32, 9).toString('base64url')
    const roster = await vera.rosters.highest(vera.org.id)
    const [stored] = (await vera.store.get([identityKey])) as readonly [StoredIdentity]
    if (!roster) throw new Error('The org has no roster.')
    const { public: to } = await exchangeKeyOf((await openKit(kit.file, kit.passphrase)).recovery)
    const rotation = await signOwnRotation({ generation: 1, secret, roster, kit: to, time: 0 }, stored.device)
    await vera.rows.save([
      { object: 'Message', id: messageRowId(teamFeed(vera.org.id, 'messages'), rotationKey(1)), values: { body: rotation } },
    ])
    await settle()
    await vera.replica.keyring.addOwn(1, secret)
    const id = await vera.records.create('Lead', lead('Ada'))
    await signed(made)
    await vera.close()
    const again = await restore(network, kit)
    await settle()
    expect(again.records.get('Lead', id)?.values['LastName']).toBeDefined()
    expect(again.replica.keyring.own(1)).toBe(secret)
  })

  it('is not restored over another org, with another kit, nor where the relay has nothing: each says why, and changes nothing (row 120)', async () => {
    const network = new MemoryNetwork()
    const vera = await openMemoryOrg(network)
    await vera.records.create('Lead', lead('Ada'))
    const kit = await vera.recovery.makeKit()
    await network.settle()
    const [paul, stranger] = [await openMemoryOrg(network, { orgName: 'Pine' }), await openMemoryOrg(new MemoryNetwork())]
    await network.settle()
    const strange = await stranger.recovery.makeKit()
    await expect(restore(network, kit, {}, paul.store)).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    expect(paul.org.name).toBe('Pine')
    const refused: readonly (readonly [Kit & Partial<RestoreOptions>, string])[] = [
      [{ ...kit, passphrase: strange.passphrase }, 'INVALID'],
      [{ ...kit, file: '{}' }, 'INVALID'],
      [{ ...kit, file: 'x'.repeat(20_000) }, 'INVALID'],
      [strange, 'NOT_FOUND'],
      [{ ...kit, decide: () => ({ person: 'somebody' }) }, 'INVALID'],
    ]
    for (const [asked, code] of refused) {
      const store = new MemoryStore()
      await expect(restore(network, asked, asked, store)).rejects.toMatchObject({ code })
      expect(await store.scan(['row'])).toEqual([])
      expect(await store.get([identityKey])).toEqual([undefined])
    }
  })

  it('is not restored while the relay stays away, and says so (row 120)', async () => {
    const network = new MemoryNetwork()
    const vera = await openMemoryOrg(network)
    const kit = await vera.recovery.makeKit()
    await network.settle()
    relayAway(network)
    const store = new MemoryStore()
    const said: unknown[] = []
    openMemoryOrg(network, { store, restore: { ...kit, decide: () => ({}) } }).catch((error: unknown) => said.push(error))
    // The kit is opened in real time, and the relay waited for by the clock.
    for (let second = 0; second < 1_000 && said.length === 0; second++) {
      network.clock.advance(1_000)
      await pause(20)
    }
    expect(said).toMatchObject([{ code: 'OFFLINE' }])
    expect(await store.scan(['row'])).toEqual([])
  })

  it('is made anew in a store that an interrupted restoration has left', async () => {
    const network = new MemoryNetwork()
    const vera = await openMemoryOrg(network)
    await vera.records.create('Lead', lead('Ada'))
    const kit = await vera.recovery.makeKit()
    await network.settle()
    let left: MemoryStore | undefined
    const store = new MemoryStore()
    const decide = async (): Promise<RestoreDecision> => {
      left = await store.backup()
      throw new EngineError('CHANGED', 'No.')
    }
    await expect(restore(network, kit, { decide }, store)).rejects.toMatchObject({ code: 'CHANGED' })
    expect(await left?.scan(['row'])).not.toEqual([])
    const other = await openMemoryOrg(network, { orgName: 'Pine', ...(left && { store: left }) })
    expect(other.records.list('Lead').total).toBe(0)
  })

  it('has nothing of a device that had begun to join an org in the same store', async () => {
    const { network, vera, settle, until } = await setup()
    const kit = await savedKit(vera)
    const { link } = await vera.devices.invite({ base: invitationPage, person: { name: 'Mia' }, role: 'member' })
    await settle()
    const joining = await joinMemoryOrg(network, { link: link ?? '' })
    await until('the new device shows the code', () => joining.status().code !== undefined)
    await joining.close()
    const store = joining.store.reopen()
    const kept = async (): Promise<readonly string[]> =>
      (await Promise.all(['audit', 'fresh', 'refused', 'signed roster', 'asked'].map((kind) => store.scan([kind])))).flatMap((entries) =>
        entries.map((entry) => JSON.stringify(entry)),
      )
    const before = await kept()
    expect(before).not.toEqual([])
    const again = await restore(network, kit, {}, store)
    expect((await kept()).filter((entry) => before.includes(entry))).toEqual([])
    expect(again.org).toEqual(vera.org)
  })
})

describe('trying a kit', () => {
  it('says what it brings back, and changes nothing at the relay or here', async () => {
    const made = await setup({ upTo: 'exported' })
    const { network, vera, paul, relay } = made
    const kit = await vera.recovery.makeKit()
    await signed(made)
    const [before, rows] = [relay.state, await vera.store.scan(['row'])]
    const found = await network.finish(vera.recovery.tryKit(kit.file, kit.passphrase))
    expect(found).toMatchObject({ org: vera.org, records: { Lead: 1, Opportunity: 0 }, connections: 1, devices: 1 })
    expect(found.newestEdit).toBeGreaterThan(0)
    expect(found.signedAt).toBeGreaterThan(0)
    for (const topic of ['rows', 'messages'] as const) {
      const feed = teamFeed(vera.org.id, topic)
      // Vera's own device may sign a head meanwhile.
      const [now, then] = [relay.state, before].map(({ feeds }) => [...(feeds.get(feed)?.keys ?? [])].filter(([key]) => key !== headKey))
      expect(now).toEqual(then)
    }
    expect(await vera.store.scan(['row'])).toEqual(rows)
    const his = await paul.recovery.makeKit()
    await expect(vera.recovery.tryKit(his.file, his.passphrase)).rejects.toMatchObject({ code: 'INVALID' })
    await expect(vera.recovery.tryKit(kit.file, his.passphrase)).rejects.toMatchObject({ code: 'INVALID' })
  })

  it.each(storePromises.filter(({ name, run }) => run.length < 2 && !copies.test(name)))(
    'in a store that is thrown away: $name',
    async ({ run }) => {
      await run(throwAwayStore(), () => Promise.reject(new Error('It is gone.')))
    },
  )
})

/** The promises of a store that copies what it keeps. */
const copies = /^(does not let a caller change|writes nothing at all where one value)/

/** The private half of the org's root key, as far as this device's store has it. */
async function rootIn(org: MemoryOrg): Promise<unknown> {
  const [stored] = (await org.store.get([identityKey])) as readonly [StoredIdentity]
  return stored.root.privateKey ?? stored.recovery
}

/** The relay answers no hello any more. */
function relayAway(network: MemoryNetwork): void {
  network.relay.isBusy = true
}
