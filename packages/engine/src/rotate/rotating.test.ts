import { decodeClientFrame, type FeedName, headKey, type Key, parseKey } from '@entente/protocol'
import { decodeProtectedHeader } from 'jose'
import { describe, expect, it } from 'vitest'
import { decodeOwnRotation } from '../identity/own-rotation.js'
import { messageRowId } from '../replica/feed-key.js'
import { connectionFeed, rotationKey, rotationOf, teamFeed } from '../replica/feed-role.js'
import { registerOf } from '../row/row.js'
import {
  HeardSeals,
  type MemoryOrg,
  type MemoryOrgOptions,
  type MemoryRelayOptions,
  MemoryStore,
  openedBy,
  openMemoryOrg,
  setup,
} from '../testing/index.js'
import type { Lie } from '../testing/lying-socket.js'
import { lead } from '../testing/steps.js'

// Vera, Victor and Vito are devices of the vendor, Paul is the partner.

async function story(options: MemoryOrgOptions = {}, relay: Partial<MemoryRelayOptions> = {}) {
  const opened = await setup({ upTo: 'exported', vera: options, relay })
  const { vera, connection, record } = opened
  const victor = await opened.openAnotherDevice(vera, { userName: 'Victor', role: 'admin' })
  const vito = await opened.openAnotherDevice(vera, { userName: 'Vito', role: 'member' })
  await opened.settle()
  const rotate = (org: MemoryOrg): Promise<void> => org.devices.rotate()
  const remove = (by: MemoryOrg, ...gone: readonly MemoryOrg[]): Promise<void> =>
    by.devices.remove(gone.map(({ identity: { device } }) => device))
  const propose = async (by: MemoryOrg): Promise<void> => {
    const fields = by.records.schema('Lead').fields.filter(({ name }) => ['LastName', 'Company', 'Status', 'Phone'].includes(name))
    await by.agreements.propose(opened.connection, {
      objects: { Lead: { fields: fields.map((field) => ({ field, update: field.name === 'Status' })) } },
    })
  }
  const edit = (org: MemoryOrg, Status: string) => org.records.edit('Lead', record, { Status })
  const status = (org: MemoryOrg) => org.records.get('Lead', record)?.values['Status']
  const mirrored = (field = 'Status') => opened.paul.mirrors.of('Lead', opened.copy)[0]?.fields.find(({ name }) => name === field)?.value
  /** Time passes, in steps in which what is under way comes to its end. */
  const later = async (seconds: number): Promise<void> => {
    for (let passed = 0; passed < seconds; passed++) {
      opened.clock.advance(1_000)
      await opened.pass(6)
    }
  }
  const leads = connectionFeed(connection, 'vendor', 'lead')
  const map = parseKey([...vera.rows.list('RecordMap').keys()][0] ?? '')
  return { ...opened, map, victor, vito, rotate, remove, propose, edit, status, mirrored, leads, later }
}

/** The generations of an org's keyring: its own, what it sends with, what its peer does. */
const generations = ({ replica: { keyring }, connections }: MemoryOrg) => {
  const [{ id, side }] = connections.list() as unknown as readonly [
    { id: Parameters<typeof keyring.highestSending>[0]; side: 'vendor' | 'partner' },
  ]
  const other = side === 'vendor' ? 'partner' : 'vendor'
  return [keyring.highestOwn(), keyring.highestSending(id, side), keyring.highestSending(id, other)]
}

const rowsOf = ({ rows }: MemoryOrg, object: string) =>
  [...rows.list(object).values()].sort((a, b) => (a.id < b.id ? -1 : 1)).map(({ id, registers }) => ({ object, id, registers }))

/** All that a device can read of its org and its peer. */
const textOf = (org: MemoryOrg): string =>
  JSON.stringify([
    [...org.rows.objects()].map((object) => rowsOf(org, object)),
    org.rows.list('Lead').size > 0 && org.mirrors.of('Lead', [...org.rows.list('Lead').keys()][0] ?? ''),
  ])

describe('an org that rotates', () => {
  it('[RT1, RT2, RT4, RT5] has new keys on each device and towards its peer, who answers once; edits go on', async () => {
    const { vera, victor, vito, paul, rotate, edit, status, mirrored, settle, copy } = await story()
    await rotate(vera)
    await settle()
    for (const device of [vera, victor, vito]) expect(generations(device)).toEqual([1, 1, 1])
    expect(generations(paul)).toEqual([0, 1, 1])
    for (const device of [victor, vito]) expect(device.replica.keyring.own(1)).toBe(vera.replica.keyring.own(1))
    expect(decodeOwnRotation(vera.replica.keyring.ownOrder(1)?.token ?? '').kit).toBeDefined()
    await edit(vito, 'Working - Contacted')
    await paul.records.edit('Lead', copy, { Email: 'new@acme.example' })
    await settle()
    expect([status(vera), status(victor), mirrored()]).toEqual(Array.from({ length: 3 }, () => 'Working - Contacted'))
    const [mirror] = victor.mirrors.of('Lead', vera.records.list('Lead').records[0]?.id ?? '')
    expect(mirror?.fields.find(({ name }) => name === 'Email')?.value).toBe('new@acme.example')
    for (const org of [vera, victor, vito, paul]) expect(org.problems).toEqual([])
  })

  it('[RT4, RT5] at once with its peer comes to rest, and both read on', async () => {
    const { vera, victor, vito, paul, rotate, edit, mirrored, settle } = await story()
    await Promise.all([rotate(vera), rotate(paul)])
    await settle()
    for (const device of [vera, victor, vito]) expect(generations(device)).toEqual([1, 2, 2])
    expect(generations(paul)).toEqual([1, 2, 2])
    await edit(vito, 'Working - Contacted')
    await settle()
    expect(mirrored()).toBe('Working - Contacted')
    for (const org of [vera, victor, vito, paul]) expect(org.problems).toEqual([])
  })

  it('[RT3] from two devices at once goes by the rotation that the relay has first', async () => {
    const { vera, victor, vito, connection, rotate, edit, mirrored, settle, until } = await story()
    await Promise.all([rotate(vera), rotate(victor)])
    const stampOf = (org: MemoryOrg, feed: FeedName) => registerOf(org.rows.get('Message', messageRowId(feed, rotationKey(1))), 'body')?.[0]
    // The later one is not above the first.
    for (const device of [vera, victor]) expect(stampOf(device, teamFeed(vera.org.id, 'messages'))).toEqual([3, 0, 0])
    const messages = connectionFeed(connection, 'vendor', 'messages')
    await until('one of them has signed what goes to Paul', () => stampOf(vera, messages) !== undefined)
    expect(stampOf(vera, messages)).toEqual([1, 0, 0])
    await settle()
    const secrets = [vera, victor, vito].map(({ replica }) => replica.keyring.own(1))
    expect(new Set(secrets).size).toBe(1)
    for (const device of [vera, victor, vito]) expect(generations(device)).toEqual([1, 1, 1])
    await edit(vito, 'Working - Contacted')
    await settle()
    expect(mirrored()).toBe('Working - Contacted')
  })

  it('[RT8] seals nothing under the new keys before the relay has the rotation', async () => {
    const { vera, rotate, edit, settle, relay, leads } = await story()
    vera.sync.cut()
    await rotate(vera)
    await edit(vera, 'Working - Contacted')
    await settle()
    expect(generations(vera)).toEqual([0, 0, 0])
    await vera.close()
    expect(relay.state.feeds.get(teamFeed(vera.org.id, 'messages'))?.keys.has(rotationKey(1))).toBe(false)
    expect(leads).toBeDefined()
  })

  it('[RT1, RT8, RT10, RT11, IN3] publishes its rotations again to a relay that has lost its disk, and a device that was away reads on', async () => {
    const { vera, victor, vito, paul, relay, rotate, edit, status, mirrored, reload, settle } = await story()
    await vito.close()
    await rotate(vera)
    await settle()
    await rotate(victor)
    await settle()
    // Vera's device, which made the first one, is not there when it gets lost.
    await vera.close()
    relay.restart({ ...relay.state, feeds: new Map(), incarnations: [] })
    await settle(victor, paul)
    const again = await reload(vito)
    await settle(victor, paul, again)
    expect(generations(again)).toEqual([2, 2, 2])
    await edit(again, 'Working - Contacted')
    await settle(victor, paul, again)
    expect([status(victor), mirrored()]).toEqual(['Working - Contacted', 'Working - Contacted'])
  })

  it('[RT8, RT11] is read by a device that came by the kit, and has no key of the rotation before', async () => {
    const made = await setup()
    const { vera, network, settle } = made
    const kit = await vera.recovery.makeKit()
    await vera.recovery.confirmKit(kit.file, kit.passphrase)
    const victor = await made.openAnotherDevice(vera, { userName: 'Victor', role: 'admin' })
    await settle()
    victor.sync.cut()
    await victor.devices.rotate()
    await vera.close()
    const restore = { ...kit, decide: () => ({}) }
    const back = await network.finish(openMemoryOrg(network, { store: new MemoryStore(), restore }))
    // What Victor drew for the devices that he knew comes to the relay, and then what the roster of the recovery asks him for.
    victor.sync.mend()
    await network.until('Victor has the keys of both', () => victor.replica.keyring.highestOwn() === 2)
    await back.recovery.confirmAge()
    await settle(victor, back)
    const [own, other] = [back, victor].map(({ replica }) => [
      replica.keyring.highestOwn(),
      replica.keyring.own(replica.keyring.highestOwn()),
    ])
    expect(own).toEqual(other)
    await back.records.create('Lead', lead('Ada'))
    await victor.records.create('Lead', lead('Grace'))
    await settle(victor, back)
    for (const { records } of [back, victor])
      expect(records.list('Lead').records.map(({ values }) => values['LastName'])).toEqual(expect.arrayContaining(['Ada', 'Grace']))
  })
})

describe('an org whose admin rotates while another device comes back by the kit', () => {
  it('[RT4] goes on with the keys of the latest roster, though its peer has taken those that Victor made before', async () => {
    const { vera, victor, paul, copy, record, connection, network, edit, status, mirrored, settle, later } = await story()
    const kit = await vera.recovery.makeKit()
    await vera.recovery.confirmKit(kit.file, kit.passphrase)
    await settle()
    await vera.close()
    const back = await network.finish(openMemoryOrg(network, { store: new MemoryStore(), restore: { ...kit, decide: () => ({}) } }))
    back.sync.cut()
    // Victor has heard nothing of the recovery, and seals to the devices that he knows.
    await victor.devices.rotate()
    await network.until('Paul has them', () => paul.replica.keyring.highestSending(connection, 'vendor') === 1)
    back.sync.mend()
    await later(10)
    await back.recovery.confirmAge()
    for (const org of [back, victor, paul])
      if (org.connections.get(connection)?.verified === 'no') await org.connections.compareCodes(connection, true)
    await settle(back, victor, paul)
    const highest = [back, victor, paul].map(({ replica: { keyring } }) => {
      const of = keyring.highestSending(connection, 'vendor')
      return [of, keyring.sending(connection, 'vendor', of)?.secret]
    })
    expect(highest).toEqual([highest[0], highest[0], highest[0]])
    await edit(victor, 'Working - Contacted')
    await paul.records.edit('Lead', copy, { Email: 'answered@acme.example' })
    await settle(back, victor, paul)
    expect([status(back), mirrored()]).toEqual(['Working - Contacted', 'Working - Contacted'])
    const answers = [back, victor].map(({ mirrors }) => mirrors.of('Lead', record)[0]?.fields.find(({ name }) => name === 'Email')?.value)
    expect(answers).toEqual(['answered@acme.example', 'answered@acme.example'])
  })
})

describe('a device that the relay asks for its roster', () => {
  it('[RO6] shows it in its session, and goes on', async () => {
    let shown = true
    const { vera, settle } = await setup({
      vera: { onSend: (frame) => decodeClientFrame(frame).forEach(({ type }) => (shown ||= type === 'roster')) },
      relay: { refuses: (_feed, { key }) => (shown || key.startsWith('roster.') ? undefined : 'AUTH') },
    })
    shown = false
    await vera.records.create('Lead', lead('Ada'))
    await settle()
    expect([shown, vera.replica.waiting(), vera.problems]).toEqual([true, 0, []])
  })
})

describe('an org that removes a device', () => {
  it('[RT9] rotates by itself: the removed one has none of the keys, and the peer is told', async () => {
    const { vera, victor, vito, paul, settle } = await story()
    await vera.people.removeUser(vito.user.id)
    await settle()
    for (const device of [vera, victor]) expect(generations(device)).toEqual([1, 1, 1])
    expect(generations(vito)[0]).toBe(0)
    expect(paul.replica.keyring.removed(vera.org.id)).toBe(4)
    expect(paul.replica.keyring.isPeerDue(vera.org.id, paul.connections.list()[0]?.id ?? ('' as never), 'vendor')).toBe(false)
  })

  it('[RT9] makes no keys for a roster that the relay may not take: while Vera has no network, Victor’s is the one', async () => {
    const { vera, victor, vito, paul, remove, settle } = await story()
    const made = () => vera.rows.get('Message', messageRowId(teamFeed(vera.org.id, 'messages'), rotationKey(1)))
    vera.sync.cut()
    await remove(vera, vito)
    await settle(vera)
    expect(made()).toBeUndefined()
    await remove(victor, vito)
    await settle(victor)
    vera.sync.mend()
    await settle(vera, victor, paul)
    expect(made()).toBeDefined()
    expect(generations(vera)).toEqual([1, 1, 1])
    expect(vera.replica.keyring.own(1)).toBe(victor.replica.keyring.own(1))
  })

  it('[RT8, RT9] goes on among all others, and the one that is lost in the middle of its edits reads and writes nothing more', async () => {
    const { vera, victor, vito, paul, remove, mirrored, settle, later, reload, record, copy, leads, map, openAnotherDevice } = await story()
    const pia = await openAnotherDevice(paul, { userName: 'Pia', role: 'admin' })
    await settle()
    vito.sync.cut()
    await vito.records.edit('Lead', record, { Email: 'unsent@vito.example' })
    await victor.records.edit('Lead', record, { Status: 'Working - Contacted' })
    await remove(vera, vito)
    await settle()
    // Before he is told of the removal, Victor's device goes on under the keys that it has.
    await victor.records.edit('Lead', record, { Email: 'written@after.example' })
    await settle()
    await pia.records.edit('Lead', copy, { Email: 'answered@after.example' })
    await vera.records.create('Lead', lead('Later'))
    await settle()
    expect([mirrored('Email'), mirrored()]).toEqual(['written@after.example', 'Working - Contacted'])
    await vito.close()
    // The relay in memory lets it in and gives it everything.
    const thief = await reload(vito)
    await later(4)
    expect(thief.replica.isUnread(leads, map)).toBe(true)
    const known = textOf(thief)
    for (const value of ['written@after', 'answered@after', 'Later']) expect(known).not.toContain(value)
    expect(known).toContain('unsent@vito')
    for (const org of [vera, victor, paul, pia]) {
      expect(textOf(org)).not.toContain('unsent@vito')
      expect(org.problems).toEqual([])
    }
    for (const [one, other] of [
      [vera, victor],
      [paul, pia],
    ] as const)
      expect(rowsOf(one, 'Lead')).toEqual(rowsOf(other, 'Lead'))
  })

  it.each([
    ['of the org', 'team'],
    ['of the connection', 'vendor'],
  ] as const)('[RT9] says nothing to Paul and signs no head of docs until the relay has the rotation %s', async (_, part) => {
    let isHeldUp = false
    const refuses = (feed: FeedName, { key }: { readonly key: Key }) =>
      isHeldUp && rotationOf(key) !== undefined && feed.split('/')[1] === part ? ('QUOTA' as const) : undefined
    const { vera, victor, vito, paul, relay, leads, remove, edit, mirrored, settle, later, clock, pass } = await story({}, { refuses })
    await vito.close()
    await later(6)
    const said = () => {
      const feed = relay.state.feeds.get(leads)
      return [feed?.head, feed?.keys.get(headKey)]
    }
    const before = said()
    isHeldUp = true
    await remove(vera, vito)
    await later(6)
    // A head says once an hour how old a copy is at most.
    for (let minute = 0; minute < 70; minute++) {
      clock.advance(60_000)
      await pass(6)
    }
    expect(said()).toEqual(before)
    await edit(victor, 'Working - Contacted')
    await later(90)
    expect([said(), mirrored()]).toEqual([before, 'Open - Not Contacted'])
    isHeldUp = false
    await later(70)
    await settle(vera, victor, paul)
    expect(mirrored()).toBe('Working - Contacted')
  })

  it('[RO6, RT9] sends nothing more that Vito’s keys open: not beside the roster, and not from Vera’s device, which was away', async () => {
    const heard = new HeardSeals()
    let isHidden = false
    const lie: Lie = (feed, message) => (isHidden && feed.endsWith('/team/messages') ? [] : [message])
    const { vera, victor, vito, paul, record, remove, settle, pass } = await story({ lie }, { onOffer: heard.hear })
    await vito.close()
    vera.sync.cut()
    await vera.records.edit('Lead', record, { Email: 'away@vera.example' })
    victor.sync.cut()
    await victor.records.edit('Lead', record, { Description: 'beside the roster' })
    const before = heard.all.length
    await remove(victor, vito)
    victor.sync.mend()
    await settle(victor, paul)
    // As long as the relay does not give her the messages of her team, Vera does not know whom she writes to.
    isHidden = true
    vera.sync.mend()
    await pass(100)
    isHidden = false
    vera.sync.cut()
    vera.sync.mend()
    await settle(vera, victor, paul)
    const openedWith = (org: MemoryOrg): string => JSON.stringify(openedBy(org, heard.all.slice(before)))
    for (const value of ['away@vera', 'beside the roster']) {
      expect(openedWith(victor)).toContain(value)
      expect(openedWith(vito)).not.toContain(value)
    }
  })

  it('[RT4, RT5] whose last act was an answer to Paul’s rotation goes on under the secret that Paul has of it, and then under the next', async () => {
    const { vera, victor, vito, paul, rotate, remove, edit, mirrored, settle } = await story()
    victor.sync.cut()
    vito.sync.cut()
    await rotate(paul)
    await settle(vera, paul)
    expect(generations(paul)).toEqual([1, 1, 1])
    await vera.close()
    // Victor hears of her answer only when it counts no more.
    const removal = remove(victor, vera)
    victor.sync.mend()
    await removal
    await settle(victor, paul)
    vito.sync.mend()
    await settle(victor, vito, paul)
    for (const device of [victor, vito, paul]) expect(generations(device)).toEqual([1, 2, 2])
    await edit(victor, 'Working - Contacted')
    await settle(victor, vito, paul)
    expect(mirrored()).toBe('Working - Contacted')
    for (const org of [victor, vito, paul]) expect(org.problems).toEqual([])
  })

  it('[RT13] stands by what the removed admin had proposed: another admin signs it again, and Paul, who was away, accepts that', async () => {
    const { vera, victor, vito, paul, connection, remove, propose, settle } = await story()
    paul.sync.cut()
    await propose(victor)
    await settle()
    await victor.close()
    await remove(vera, victor)
    await settle(vera, vito)
    paul.sync.mend()
    await settle(vera, vito, paul)
    await paul.agreements.accept(connection, { objects: { Lead: { fields: paul.agreements.suggest(connection, 'Lead') } } })
    await settle(vera, vito, paul)
    expect(vera.agreements.get(connection)).toMatchObject({ state: 'agreed', acceptance: { version: 2 } })
    expect([...vera.problems, ...paul.problems]).toEqual([])
  })

  it('[RT13] confirms the codes to Paul where the removed admin’s device was gone before it said so', async () => {
    const { vera, paul, connection, settle, openAnotherDevice } = await setup({ upTo: 'connected' })
    const ada = await openAnotherDevice(vera, { userName: 'Ada', role: 'admin' })
    await settle()
    // Her team has it first (rule TM1).
    await ada.rows.save([{ object: 'Connection', id: connection, values: { verified: 'yes', verifiedBy: ada.user.id } }])
    await settle()
    await ada.close()
    await paul.connections.compareCodes(connection, true)
    await settle()
    expect(paul.connections.get(connection)).toMatchObject({ verified: 'yes', peerVerified: false })
    await vera.devices.remove([ada.identity.device])
    await settle(vera, paul)
    for (const { connections } of [vera, paul]) expect(connections.get(connection)).toMatchObject({ verified: 'yes', peerVerified: true })
  })

  it('[RT13] leaves the removed admin’s name under a proposal that Paul has accepted', async () => {
    const { vera, victor, vito, paul, connection, remove, propose, settle } = await story()
    await propose(victor)
    await settle()
    await paul.agreements.accept(connection, { objects: { Lead: { fields: paul.agreements.suggest(connection, 'Lead') } } })
    await settle()
    await victor.close()
    await remove(vera, victor)
    await settle(vera, vito, paul)
    const proposal = paul.replica.inbox(connectionFeed(connection, 'vendor', 'messages')).get(parseKey('proposal'))?.body
    expect(typeof proposal === 'string' && decodeProtectedHeader(proposal).kid).toBe(victor.identity.device)
  })

  it('[RO5, RT9] of two admins who remove each other at once the one whose roster the relay has first stays', async () => {
    const { vera, victor, vito, remove, settle, later } = await story()
    await Promise.all([remove(vera, victor), remove(victor, vera)])
    await settle(vito)
    for (let second = 0; second < 60 && generations(vito)[0] !== 1; second++) await later(1)
    const roster = await vito.rosters.highest(vito.org.id)
    const stays = roster?.devices.has(vera.identity.device) ? vera : victor
    expect([vera, victor].filter(({ identity: { device } }) => roster?.devices.has(device))).toEqual([stays])
    const gone = stays === vera ? victor : vera
    for (const device of [stays, vito]) expect(generations(device)[0]).toBe(1)
    expect(generations(gone)[0]).toBe(0)
    expect(stays.replica.keyring.own(1)).toBe(vito.replica.keyring.own(1))
  })

  it('[RT8, RT9] is at one with its colleagues and its peer after a crash at any transaction of a rotation, or of a removal', async () => {
    const power = { isOut: false, left: Number.POSITIVE_INFINITY }
    const store = new MemoryStore({
      beforeCommit: () => {
        if (--power.left < 0) power.isOut = true
        if (power.isOut) throw new Error('The power went out.')
      },
    })
    const { vera, victor, vito, paul, rotate, remove, edit, mirrored, settle, until, network, reload } = await story({ store })
    let admin = vera
    const crash = async (at: number, act: () => Promise<void>): Promise<boolean> => {
      power.left = at
      await act().catch(() => undefined)
      await until('rest or a crash', () => power.isOut || network.isAtRest([admin, victor, paul]))
      const { isOut } = power
      Object.assign(power, { isOut: false, left: Number.POSITIVE_INFINITY })
      admin = await reload(admin)
      await settle(admin, victor, paul)
      return isOut
    }
    let crashes = 0
    while (await crash(crashes, () => rotate(admin))) crashes += 2
    expect(crashes).toBeGreaterThan(4)
    for (let at = 0; at < 3; at++) await crash(at, () => remove(admin, vito))
    // Where no crash came before it, it has been removed already.
    await remove(admin, vito).catch(() => undefined)
    await settle(admin, victor, paul)
    const generation = admin.replica.keyring.highestOwn()
    expect(admin.replica.keyring.isOwnDue(admin.org.id)).toBe(false)
    expect(victor.replica.keyring.own(generation)).toBe(admin.replica.keyring.own(generation))
    expect(vito.replica.keyring.own(generation)).toBeUndefined()
    await edit(victor, 'Working - Contacted')
    await settle(admin, victor, paul)
    expect(mirrored()).toBe('Working - Contacted')
  })
})
