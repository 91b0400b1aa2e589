import { limits, parseOrgId } from '@entente/protocol'
import vectors from '@entente/protocol/vectors/joining.json' with { type: 'json' }
import { decodeUtf8, encodeUtf8 } from 'lib0/string'
import { describe, expect, it, vi } from 'vitest'
import { createExchangeKey } from '../identity/keys.js'
import type { Row } from '../row/row.js'
import {
  enabledConnection,
  guessAt,
  invitationPage,
  joinMemoryOrg,
  lead,
  type MemoryJoining,
  type MemoryOrg,
  openMemoryOrg,
  seededRandom,
  setup,
} from '../testing/index.js'
import { hashOfPart, openParts, partsOf, readParts, sealPart } from './join-package.js'

const hours = 60 * 60 * 1000

/** Vera's org, and how a device is invited to it and joins. */
async function story() {
  const made = await setup({ vera: { deviceName: 'Desk' } })
  const { vera, network, settle } = made
  const invite = async (name = 'Mia', role: 'admin' | 'member' | 'agent' = 'member') => {
    const invitation = await vera.devices.invite({ base: invitationPage, person: { name }, role })
    await settle(vera)
    return { id: invitation.id, link: invitation.link ?? '' }
  }
  const view = (id: string, org: MemoryOrg = vera) => org.devices.invitations().find((each) => each.id === id)
  const join = (options: Parameters<typeof joinMemoryOrg>[1]) => joinMemoryOrg(network, options)
  /** Until both show the code. */
  const compare = async (id: string, laptop: MemoryJoining, org = vera) => {
    await made.until('both show the code', () => view(id, org)?.code !== undefined && laptop.status().code !== undefined)
    expect(view(id, org)?.code).toBe(laptop.status().code)
  }
  return { ...made, invite, view, join, compare }
}

describe('a device joins an org', () => {
  it('[JN1, JN2, JN3, JN4, JN5] by a link and a code that both show, and sees the records at once', async () => {
    const { vera, paul, invite, view, join, compare, until, settle } = await story()
    for (const name of ['Ada', 'Bob']) await vera.records.create('Lead', lead(name))
    await settle()
    const { id, link } = await invite()
    expect(link).toMatch(/^https:\/\/vista\.example\/connect#device=/)
    const laptop = await join({ link })
    expect(laptop.status()).toMatchObject({ state: 'waiting', orgName: 'Vista', code: undefined })
    await compare(id, laptop)
    expect(laptop.status()).toMatchObject({ state: 'compare', orgName: 'Vista', personName: 'Mia', role: 'member' })
    expect(view(id)).toMatchObject({ state: 'compare', code: laptop.status().code, deviceName: 'Laptop', link: undefined, own: true })
    expect(vera.connections.list()).toEqual([])
    await vera.devices.confirm(id, true)
    await until('the laptop has joined', () => laptop.status().state === 'joined')
    const mia = await laptop.open()
    expect(mia).toMatchObject({ org: vera.org, user: { name: 'Mia', role: 'member' } })
    expect(new Set(mia.records.list('Lead').records.map(({ values }) => values['LastName']))).toEqual(new Set(['Ada', 'Bob']))
    expect(mia.connections.list()).toEqual(vera.connections.list())
    await settle()
    expect(view(id)).toMatchObject({ state: 'joined', problem: undefined })
    for (const org of [vera, mia])
      expect(org.devices.list().map(({ personName, role, name, own }) => [personName, role, name, own])).toEqual([
        ['Vera', 'admin', 'Desk', org === vera],
        ['Mia', 'member', 'Laptop', org === mia],
      ])
    // Both work on.
    const [ada] = mia.records.list('Lead', { search: 'Ada' }).records
    await mia.records.edit('Lead', ada?.id ?? '', { Status: 'Working - Contacted' })
    await settle()
    expect(vera.records.get('Lead', ada?.id ?? '')?.values['Status']).toBe('Working - Contacted')
    expect([...vera.problems, ...mia.problems, ...paul.problems]).toEqual([])
  })

  it('[RO7] and as an admin’s connects it with another org before it has read anything of its own', async () => {
    const { vera, paul, invite, join, compare, until, settle } = await story()
    const theirs = (await paul.connections.invite(invitationPage)).invitation?.link ?? ''
    const { id, link } = await invite('Mia', 'admin')
    const laptop = await join({ link })
    await compare(id, laptop)
    await vera.devices.confirm(id, true)
    await until('the laptop has joined', () => laptop.status().state === 'joined')
    const mia = await laptop.open()
    mia.sync.cut()
    await mia.connections.accept(theirs)
    mia.sync.mend()
    await until('both orgs are connected', () => [vera, mia, paul].every((org) => enabledConnection(org) !== undefined))
    await settle()
    expect((await paul.rosters.highest(vera.org.id))?.token).toBe((await mia.rosters.highest(vera.org.id))?.token)
  })

  it('goes on after a reload of either page at any point', async () => {
    const { vera, invite, view, join, compare, until, reload, settle } = await story()
    const { id, link } = await invite('Mia', 'admin')
    const first = await join({ link })
    await first.close()
    const again = await reload(vera)
    const laptop = await join({ store: first.store.reopen() })
    await compare(id, laptop, again)
    await laptop.close()
    await again.devices.confirm(id, true)
    const later = await reload(again)
    await until('the org waits for the laptop', () => view(id, later)?.state === 'joining' && later.sync.status().waiting === 0)
    const last = await join({ store: laptop.store.reopen() })
    await until('the laptop has joined', () => last.status().state === 'joined')
    const mia = await last.open()
    await settle(later, mia)
    expect(mia.user.role).toBe('admin')
    expect(view(id, later)?.state).toBe('joined')
    await expect(join({ store: mia.store })).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
  })

  it('takes the link of another org into no store in which it is joining one already, and another link of the same org', async () => {
    const { vera, paul, invite, join, compare, settle } = await story()
    const { id, link } = await invite()
    const laptop = await join({ link })
    await compare(id, laptop)
    await laptop.close()
    const foreign = await paul.devices.invite({ base: invitationPage, person: { name: 'Mia' }, role: 'member' })
    await settle(paul)
    await expect(join({ store: laptop.store.reopen(), link: foreign.link ?? '' })).rejects.toMatchObject({
      code: 'NOT_ALLOWED',
      message: expect.stringContaining('joining Vista'),
    })
    const goesOn = await join({ store: laptop.store.reopen() })
    expect(goesOn.status()).toMatchObject({ orgName: 'Vista' })
    await goesOn.close()
    // The first link got lost, say.
    const second = await invite('Mia')
    const again = await join({ store: laptop.store.reopen(), link: second.link })
    await compare(second.id, again)
    expect(vera.devices.list()).toHaveLength(1)
  })

  it('[JN1] once: a second browser with the same link is told that it was used (row 130)', async () => {
    const { invite, join, compare, until } = await story()
    const { id, link } = await invite()
    const laptop = await join({ link })
    await compare(id, laptop)
    const other = await join({ link, deviceName: 'Another' })
    await until('the other one is told', () => other.status().state === 'over')
    expect(other.status().problem).toBe('This invitation was used already. Ask for a new one.')
    expect(laptop.status().state).toBe('compare')
    await other.stop()
    await expect(join({ store: other.store.reopen() })).rejects.toThrow('No device is about to join')
  })

  it('[JN2, JN3] not where the admin finds the codes different, or cancels: both are told, and nothing was given (row 131)', async () => {
    const { vera, invite, view, join, compare, until, settle } = await story()
    for (const end of ['differs', 'cancel'] as const) {
      const { id, link } = await invite()
      const laptop = await join({ link })
      await compare(id, laptop)
      await (end === 'cancel' ? vera.devices.cancel(id) : vera.devices.confirm(id, false))
      await until('the laptop is told', () => laptop.status().state === 'over')
      expect(laptop.status().problem).toContain('cancelled')
      expect(view(id)).toMatchObject({ state: 'over', code: undefined })
      expect(view(id)?.problem).toContain(end === 'cancel' ? 'was cancelled' : 'The codes differed')
      await settle(vera)
      await expect(vera.devices.confirm(id, true)).rejects.toMatchObject({ code: 'NOT_CONNECTED' })
      await laptop.stop()
    }
    expect(vera.devices.list()).toHaveLength(1)
  })

  it('[JN1] not after 24 hours (row 130)', async () => {
    const { vera, invite, view, join, clock, until } = await story()
    const { id, link } = await invite()
    vera.clock.skew = 24 * hours + 60_000
    expect(view(id)).toMatchObject({ state: 'over', link: undefined, problem: expect.stringContaining('expired') })
    vera.clock.skew = 0
    clock.advance(24 * hours + 60_000)
    const late = await join({ link })
    await until('the laptop is told', () => late.status().state === 'over')
    expect(late.status().problem).toContain('Ask for a new one')
  })

  it('[JN1] not where Vera comes back after 24 hours: she cannot confirm any more, and what she confirmed without a network is over (row 130)', async () => {
    const { vera, invite, view, join, compare, clock, settle } = await story()
    const { id, link } = await invite()
    const laptop = await join({ link })
    await compare(id, laptop)
    const other = await invite()
    const phone = await join({ link: other.link, deviceName: 'Phone' })
    await compare(other.id, phone)
    vera.sync.cut()
    await vera.devices.confirm(id, true)
    clock.advance(24 * hours + 60_000)
    await expect(vera.devices.confirm(other.id, true)).rejects.toMatchObject({ code: 'NOT_CONNECTED' })
    vera.sync.mend()
    await settle(vera)
    for (const each of [id, other.id]) expect(view(each)).toMatchObject({ state: 'over', problem: expect.stringContaining('expired') })
    for (const device of [laptop, phone]) expect(device.status().state).not.toBe('joined')
  })

  it('[JN3, RO5] while Victor removes a device: what Vera confirmed without a network is given on the roster that stands, and the laptop works on', async () => {
    const { vera, invite, join, compare, until, settle, openAnotherDevice } = await story()
    const victor = await openAnotherDevice(vera, { userName: 'Victor', role: 'admin' })
    const vito = await openAnotherDevice(vera, { userName: 'Vito', role: 'member' })
    await settle()
    const { id, link } = await invite()
    const laptop = await join({ link })
    await compare(id, laptop)
    vera.sync.cut()
    await vera.devices.confirm(id, true)
    await settle(vera)
    await vito.close()
    await victor.devices.remove([vito.identity.device])
    await settle(victor)
    vera.sync.mend()
    await until('the laptop has joined', () => laptop.status().state === 'joined')
    const mia = await laptop.open()
    await settle(vera, victor, mia)
    const listed = [vera, victor, mia].map((org) => org.devices.list().map(({ personName }) => personName))
    expect(listed).toEqual([0, 1, 2].map(() => ['Vera', 'Victor', 'Mia']))
    await victor.records.create('Lead', lead('Later'))
    await settle(vera, victor, mia)
    expect(mia.records.list('Lead').records.map(({ values }) => values['LastName'])).toEqual(['Later'])
    expect([...vera.problems, ...mia.problems]).toEqual([])
  })

  it('[JN3, RT2] gets the keys of a rotation that Vera’s device had read and could not take in yet', async () => {
    const { vera, invite, join, compare, until, settle, network, openAnotherDevice } = await story()
    const victor = await openAnotherDevice(vera, { userName: 'Victor', role: 'admin' })
    await settle()
    const { id, link } = await invite()
    const laptop = await join({ link })
    await compare(id, laptop)
    vera.sync.cut()
    await victor.devices.rotate()
    await settle(victor)
    const full = vi.spyOn(vera.replica.keyring, 'addOwn').mockRejectedValue(new Error('The store is full.'))
    await vera.devices.confirm(id, true)
    vera.sync.mend()
    await until('the relay has the roster with the laptop', () => victor.devices.list().length === 3)
    await network.pass(100)
    full.mockRestore()
    await until('the laptop has joined', () => laptop.status().state === 'joined')
    const mia = await laptop.open()
    await settle()
    const [secret] = [victor, vera, mia].map(({ replica }) => replica.keyring.own(1))
    expect(secret).toBeDefined()
    for (const { replica } of [vera, mia]) expect(replica.keyring.own(1)).toBe(secret)
  })

  it.each(['Vera', 'Victor'])('[JN3, RT2] has the keys of a rotation that %s began, without a network, before it joined', async (by) => {
    const { vera, invite, join, compare, until, settle, openAnotherDevice } = await story()
    const victor = await openAnotherDevice(vera, { userName: 'Victor', role: 'admin' })
    await settle()
    const { id, link } = await invite()
    const laptop = await join({ link })
    await compare(id, laptop)
    const rotates = by === 'Vera' ? vera : victor
    rotates.sync.cut()
    await rotates.devices.rotate()
    await vera.devices.confirm(id, true)
    await settle(rotates)
    if (rotates === vera) vera.sync.mend()
    await until('the laptop has joined', () => laptop.status().state === 'joined')
    const mia = await laptop.open()
    victor.sync.mend()
    await settle(vera, victor, mia)
    const keyrings = [vera, victor, mia].map(({ replica }) => replica.keyring)
    expect(keyrings.map((keyring) => keyring.highestOwn())).toEqual([1, 1, 1])
    expect(new Set(keyrings.map((keyring) => keyring.own(1))).size).toBe(1)
    await mia.records.create('Lead', lead('Later'))
    await settle(vera, victor, mia)
    for (const { records } of [vera, victor])
      expect(records.list('Lead').records.map(({ values }) => values['LastName'])).toEqual(['Later'])
  })

  it('[JN1, JN2] not by a link of another kind, of a wrong form, or with another org in it (row 130)', async () => {
    const { vera, paul, invite, join, until } = await story()
    const { id, link } = await invite()
    await expect(join({ link: link.slice(0, -1) })).rejects.toMatchObject({ code: 'LINK' })
    const { invitation } = await vera.connections.invite(invitationPage)
    await expect(join({ link: invitation?.link ?? '' })).rejects.toMatchObject({
      code: 'LINK',
      message: expect.stringContaining('partner'),
    })
    await expect(paul.connections.accept(link)).rejects.toMatchObject({ code: 'LINK', message: expect.stringContaining('no org yet') })
    const laptop = await join({ link: link.replace(vera.org.id, paul.org.id) })
    await until('the laptop is told', () => laptop.status().state === 'over')
    expect(laptop.status().problem).toContain('Another org answered')
    // A link to join that was made one to connect, and the other way round.
    const crossed = await invite()
    await paul.connections.accept(crossed.link.replace('#device=', '#invite='))
    await until('Paul is told', () => paul.connections.list()[0]?.state === 'Error')
    expect(paul.connections.list()[0]?.problem).toContain('something else')
    expect(vera.connections.list().filter(({ code }) => code !== undefined)).toEqual([])
    void id
  })

  it('[JN2] not where Mallory answers each in the name of the other: the codes differ, and she gets nothing (row 131)', async () => {
    const { vera, network, invite, view, join, compare, until, settle } = await story()
    await vera.records.create('Lead', lead('Ada'))
    const { id, link } = await invite()
    // She caught Vera's link, opens it as Mia's laptop would, and sends Mia one of her own org, which she calls by the same name.
    const asMia = await join({ link })
    await compare(id, asMia)
    const asVera = await openMemoryOrg(network, { orgName: 'Vista', userName: 'Vera' })
    const hers = await asVera.devices.invite({ base: invitationPage, person: { name: 'Mia' }, role: 'member' })
    await settle()
    const laptop = await join({ link: hers.link ?? '' })
    await compare(hers.id, laptop, asVera)
    expect(laptop.status()).toMatchObject({ orgName: 'Vista', personName: 'Mia' })
    expect(laptop.status().code).not.toBe(view(id)?.code)
    await vera.devices.confirm(id, false)
    await until('Mallory is told', () => asMia.status().state === 'over')
    await expect(vera.devices.confirm(id, true)).rejects.toMatchObject({ code: 'NOT_CONNECTED' })
    expect(vera.devices.list()).toHaveLength(1)
    await laptop.stop()
  })

  it('[JN1, MB3] not by a link whose secret was guessed at five times: it is void, and both are told (row 130)', async () => {
    const { invite, view, join, relay, clock, until } = await story()
    const { id, link } = await invite()
    guessAt(relay, clock, id, 5)
    await until('Vera is told', () => view(id)?.state === 'over')
    expect(view(id)?.problem).toContain('void')
    const laptop = await join({ link })
    await until('the laptop is told', () => laptop.status().state === 'over')
    expect(laptop.status().problem).toContain('Ask for a new one')
  })

  it('only as an admin says, whose role follows the roster at once', async () => {
    const { vera, invite, join, compare, until, settle } = await story()
    const { id, link } = await invite()
    const laptop = await join({ link })
    await compare(id, laptop)
    await vera.devices.confirm(id, true)
    await until('the laptop has joined', () => laptop.status().state === 'joined')
    const mia = await laptop.open()
    await settle()
    const invitation = { base: invitationPage, person: { name: 'Max' }, role: 'member' } as const
    await expect(mia.devices.invite(invitation)).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    await expect(mia.devices.setRole(mia.identity.device, 'admin')).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    await mia.devices.rename(mia.identity.device, 'Mia’s laptop')
    await expect(mia.devices.rename(vera.identity.device, 'Hers')).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    await vera.devices.setRole(mia.identity.device, 'admin')
    await settle()
    expect(mia.user.role).toBe('admin')
    await mia.devices.setRole(vera.identity.device, 'member')
    await settle()
    expect(vera.user.role).toBe('member')
    expect(vera.devices.list().map(({ name, role }) => [name, role])).toEqual([
      ['Desk', 'member'],
      ['Mia’s laptop', 'admin'],
    ])
    await expect(mia.devices.setRole(mia.identity.device, 'member')).rejects.toMatchObject({
      code: 'NOT_ALLOWED',
      message: expect.stringContaining('at least one admin'),
    })
  })

  it('until an admin removes it: the next roster does not have it', async () => {
    const { vera, openAnotherDevice, settle } = await story()
    const mia = await openAnotherDevice(vera, { userName: 'Mia', role: 'member' })
    await settle()
    await expect(mia.devices.remove([vera.identity.device])).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    await expect(vera.devices.remove([vera.identity.device])).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    await vera.devices.remove([mia.identity.device])
    expect(vera.devices.list()).toHaveLength(1)
    await expect(vera.devices.remove([mia.identity.device])).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('[RT1, JN4] has the keys of all generations: it reads and writes what is sealed since another was shut out', async () => {
    const { vera, openAnotherDevice, invite, join, compare, until, settle } = await story()
    const lost = await openAnotherDevice(vera, { userName: 'Victor', role: 'member' })
    await settle()
    await lost.close()
    await vera.devices.remove([lost.identity.device])
    await settle()
    expect(vera.replica.keyring.highestOwn()).toBe(1)
    const ada = await vera.records.create('Lead', lead('Ada'))
    await settle()
    const { id, link } = await invite()
    const laptop = await join({ link })
    await compare(id, laptop)
    await vera.devices.confirm(id, true)
    await until('the laptop has joined', () => laptop.status().state === 'joined')
    const mia = await laptop.open()
    expect(mia.replica.keyring.highestOwn()).toBe(1)
    await settle()
    await mia.records.edit('Lead', ada, { Status: 'Working - Contacted' })
    await settle()
    expect(vera.records.get('Lead', ada)?.values['Status']).toBe('Working - Contacted')
    expect([...vera.problems, ...mia.problems]).toEqual([])
  })

  it('says when it was last there, and how far it had read', async () => {
    const { vera, openAnotherDevice, network, settle } = await story()
    const mia = await openAnotherDevice(vera, { userName: 'Mia', role: 'member' })
    await settle()
    const seen = () => vera.devices.list().find(({ id }) => id === mia.identity.device)
    expect(seen()).toMatchObject({ own: false, behind: 0 })
    expect(Math.abs((seen()?.lastSeen ?? 0) - network.clock.now())).toBeLessThan(60_000)
    mia.sync.cut()
    for (const name of ['Ada', 'Bob']) await vera.records.create('Lead', lead(name))
    await settle(vera)
    expect(seen()?.behind).toBe(2)
  })
})

describe('what a device is given', () => {
  const head = {
    orgName: 'Vista',
    user: { id: 'mia', name: 'Mia', role: 'member' },
    founding: 'f',
    rosters: ['r'],
    keys: { own: {}, sending: {} },
  } as const
  const row = (id: string, text: string): Row => ({ object: 'Lead', id, registers: { LastName: [[1, 0, 1], text] } })
  const read = (text: string) => readParts([encodeUtf8(text)])

  it('[JN4] is cut into parts that travel, and what has no room is left to the team’s rows', () => {
    const rows = Array.from({ length: 100 }, (_, index) => row(String(index), 'x'.repeat(10_000)))
    const parts = partsOf(head, rows)
    expect(parts).toHaveLength(12)
    for (const part of parts) expect((part.length * 4) / 3).toBeLessThan(limits.valueBytes - 100)
    const found = readParts(parts)
    expect(found?.rows).toEqual(rows.slice(0, found?.rows.length))
    expect(found?.rows.length).toBeGreaterThan(40)
    expect(readParts(partsOf(head, []))).toEqual({ ...head, rows: [] })
  })

  it('[JN4] has room for the keys of many generations, and is refused where they are too many', () => {
    const keysOf = (count: number) => ({
      own: Object.fromEntries(Array.from({ length: count }, (_, of) => [of, 'ä'.repeat(43)])),
      sending: {},
    })
    const many = { ...head, keys: keysOf(2_000) }
    const parts = partsOf(many, [row('a', 'Ada')])
    expect(parts.length).toBeGreaterThan(2)
    expect(readParts(parts)).toEqual({ ...many, rows: [row('a', 'Ada')] })
    expect(() => partsOf({ ...head, keys: keysOf(10_000) }, [])).toThrow('have changed too often')
  })

  it('[JN4] is of one form: anything else is refused whole (row 132)', () => {
    const [part = new Uint8Array()] = partsOf(head, [row('a', 'Ada')])
    const content = JSON.parse(decodeUtf8(part)) as { readonly head: object; readonly rows: unknown[] }
    const wrong: readonly unknown[] = [
      null,
      [],
      { rows: [] },
      { ...content, head: { ...content.head, user: { id: '', name: 'Mia', role: 'member' } } },
      { ...content, head: { ...content.head, rosters: [] } },
      { ...content, head: { ...content.head, user: { id: 'mia', name: 'Mia', role: 'king' } } },
      ...[
        null,
        [],
        ['Lead', 'a'],
        ['Lead', 1, {}],
        ['Lead', 'a', { Name: [[1, 0], 'x'] }],
        ['Lead', 'a', { Name: [[2 ** 60, 0, 1], 'x'] }],
        ['Lead', 'a', { Name: 'x' }],
      ].map((each) => ({
        ...content,
        rows: [each],
      })),
    ]
    for (const each of wrong) expect(read(JSON.stringify(each)), JSON.stringify(each)).toBeUndefined()
    expect(read('{')).toBeUndefined()
    expect(readParts([])).toBeUndefined()
    expect(readParts([part, part])).toBeUndefined()
    expect(
      Object.getPrototypeOf(read(`{"head":${JSON.stringify(head)},"rows":[["Lead","a",{"__proto__":[[1,0,1],"x"]}]]}`)?.rows[0]?.registers),
    ).toBe(Object.prototype)
  })

  it('[JN4] opens for its device, at its place and under its code alone (row 132)', async () => {
    const [key, other] = [await createExchangeKey(seededRandom(1)), await createExchangeKey(seededRandom(2))]
    const org = parseOrgId('V'.repeat(43))
    const seal = (index: number) => sealPart(key.public, org, 'code', index, partsOf(head, [])[0] ?? new Uint8Array())
    const sealed = await seal(0)
    expect(await openParts(key, org, 'code', [sealed])).toMatchObject({ orgName: 'Vista' })
    expect(await openParts(other, org, 'code', [sealed])).toBeUndefined()
    expect(await openParts(key, org, 'another', [sealed])).toBeUndefined()
    expect(await openParts(key, parseOrgId('W'.repeat(43)), 'code', [sealed])).toBeUndefined()
    expect(await openParts(key, org, 'code', [await seal(1)])).toBeUndefined()
    expect(await openParts(key, org, 'code', ['not base64 %'])).toBeUndefined()
  })

  it('[JN3, JN4] is what the vectors say', async () => {
    const { recipient, transcript, parts, refused } = vectors
    const org = parseOrgId(vectors.org)
    const opened = await openParts(
      recipient,
      org,
      transcript,
      parts.map(({ sealed }) => sealed),
    )
    expect(opened).toEqual(readParts(parts.map(({ text }) => encodeUtf8(text))))
    expect(opened?.rows.map(({ object }) => object)).toEqual(['Setting', 'Lead'])
    for (const { sealed, hash } of parts) expect(hashOfPart(sealed)).toBe(hash)
    for (const { name, sealed } of refused) expect(await openParts(recipient, org, transcript, [sealed]), name).toBeUndefined()
  })
})
