import { parseKey } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { connectionFeed, rotationKey, teamFeed } from '../replica/feed-role.js'
import { changeRoster, type MemoryOrg, type MemoryOrgOptions, setup } from '../testing/index.js'
import { lead } from '../testing/steps.js'
import { beginOwnRotation } from './own-reconciler.js'

// Vera, Victor and Vito are devices of the vendor, Paul is the partner.

async function story(options: MemoryOrgOptions = {}) {
  const opened = await setup({ upTo: 'exported', vera: options })
  const { vera, connection, record } = opened
  const victor = await opened.openAnotherDevice(vera, { userName: 'Victor', role: 'admin' })
  const vito = await opened.openAnotherDevice(vera, { userName: 'Vito', role: 'member' })
  await opened.settle()
  const rotate = (org: MemoryOrg): Promise<void> => beginOwnRotation(org.context)
  const keyOf = async (org: MemoryOrg): Promise<string> => (await vera.rosters.device(vera.org.id, org.identity.device))?.key ?? ''
  const remove = async (by: MemoryOrg, ...gone: readonly MemoryOrg[]): Promise<void> => {
    const keys = await Promise.all(gone.map(keyOf))
    await changeRoster(by, (devices) => devices.filter(({ key }) => !keys.includes(key)))
  }
  const edit = (org: MemoryOrg, Status: string) => org.records.edit('Lead', record, { Status })
  const status = (org: MemoryOrg) => org.records.get('Lead', record)?.values['Status']
  const mirrored = (field = 'Status') => opened.paul.mirrors.of('Lead', opened.copy)[0]?.fields.find(({ name }) => name === field)?.value
  const leads = connectionFeed(connection, 'vendor', 'lead')
  const map = parseKey([...vera.rows.list('RecordMap').keys()][0] ?? '')
  return { ...opened, map, victor, vito, rotate, remove, edit, status, mirrored, leads }
}

/** The generations of an org's keyring: its own, what it sends with, what its peer does. */
const generations = ({ replica: { keyring }, connections }: MemoryOrg) => {
  const [{ id, side }] = connections.list() as unknown as readonly [
    { id: Parameters<typeof keyring.highestSending>[0]; side: 'vendor' | 'partner' },
  ]
  const other = side === 'vendor' ? 'partner' : 'vendor'
  return [keyring.highestOwn(), keyring.highestSending(id, side), keyring.highestSending(id, other)]
}

describe('an org that rotates', () => {
  it('[RT1, RT2, RT4, RT5] has new keys on each device and towards its peer, who answers once; edits go on', async () => {
    const { vera, victor, vito, paul, rotate, edit, status, mirrored, settle, copy } = await story()
    await rotate(vera)
    await settle()
    for (const device of [vera, victor, vito]) expect(generations(device)).toEqual([1, 1, 1])
    expect(generations(paul)).toEqual([0, 1, 1])
    for (const device of [victor, vito]) expect(device.replica.keyring.own(1)).toBe(vera.replica.keyring.own(1))
    await edit(vito, 'Working - Contacted')
    await paul.records.edit('Lead', copy, { Email: 'new@acme.example' })
    await settle()
    expect([status(vera), status(victor), mirrored()]).toEqual(Array.from({ length: 3 }, () => 'Working - Contacted'))
    const [mirror] = victor.mirrors.of('Lead', vera.records.list('Lead').records[0]?.id ?? '')
    expect(mirror?.fields.find(({ name }) => name === 'Email')?.value).toBe('new@acme.example')
    for (const org of [vera, victor, vito, paul]) expect(org.problems).toEqual([])
  })

  it('[RT5] at once with its peer comes to rest, and both read on', async () => {
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
    const { vera, victor, vito, rotate, edit, mirrored, settle } = await story()
    await Promise.all([rotate(vera), rotate(victor)])
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

  it('[RT10, IN3] publishes its rotations again to a relay that has lost its disk, and a device that was away reads on', async () => {
    const { vera, victor, vito, paul, relay, rotate, edit, status, mirrored, reload, settle } = await story()
    await vito.close()
    await rotate(vera)
    await settle()
    await rotate(victor)
    await settle()
    relay.restart({ ...relay.state, feeds: new Map(), incarnations: [] })
    await settle(vera, victor, paul)
    const again = await reload(vito)
    await settle()
    expect(generations(again)).toEqual([2, 2, 2])
    await edit(again, 'Working - Contacted')
    await settle()
    expect([status(vera), mirrored()]).toEqual(['Working - Contacted', 'Working - Contacted'])
  })
})

describe('an org that removes a device', () => {
  it('[RT9] rotates by itself: the removed one has none of the keys, and the peer is told', async () => {
    const { vera, victor, vito, paul, remove, settle } = await story()
    await remove(vera, vito)
    await settle()
    for (const device of [vera, victor]) expect(generations(device)).toEqual([1, 1, 1])
    expect(generations(vito)[0]).toBe(0)
    expect(paul.replica.keyring.removed(vera.org.id)).toBe(4)
    expect(paul.replica.keyring.isPeerDue(vera.org.id, paul.connections.list()[0]?.id ?? ('' as never), 'vendor')).toBe(false)
  })

  it('[RT8, RT9] writes nothing that the removed device can read, with all its keys and all that the relay has', async () => {
    const { vera, victor, vito, paul, remove, mirrored, settle, pass, reload, record, leads, map } = await story()
    await vito.close()
    await remove(vera, vito)
    await settle()
    await victor.records.edit('Lead', record, { Email: 'written@after.example' })
    await vera.records.create('Lead', lead('Later'))
    await settle()
    expect(mirrored('Email')).toBe('written@after.example')
    // The relay in memory lets it in and gives it everything.
    const thief = await reload(vito)
    await pass(5_000)
    expect(thief.replica.isUnread(leads, map)).toBe(true)
    const known = JSON.stringify([...thief.rows.objects()].map((object) => [...thief.rows.list(object).values()]))
    expect(known).not.toContain('written@after')
    expect(known).not.toContain('Later')
    expect(thief.records.get('Lead', record)?.values['Email']).toBe('ada@acme.example')
    expect(paul.problems).toEqual([])
  })
})
