import { createDoc, existenceSlot, type FeedName, type Key, parseKey } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { connectionFeed, type FeedRole, feedRoleOf, teamFeed } from '../replica/feed-role.js'
import { FeedSealer } from '../replica/feed-sealer.js'
import { type Register, registerOf, type Row } from '../row/row.js'
import { lead, type MemoryOrg, setup } from '../testing/index.js'
import type { Lie } from '../testing/lying-socket.js'

// Vito's laptop is lost. Whoever has it plays with the relay, and goes on writing with all the keys that it had.

async function story() {
  /** Whether the relay keeps from Paul what the vendor says of its keys. */
  const relayLies = { isOn: false }
  const lie: Lie = (feed, message) => (relayLies.isOn && feed.endsWith('/vendor/messages') ? [] : [message])
  const opened = await setup({ upTo: 'exported', paul: { lie } })
  const { vera, connection, record, copy, paul, relay } = opened
  const victor = await opened.openAnotherDevice(vera, { userName: 'Victor', role: 'admin' })
  const vito = await opened.openAnotherDevice(vera, { userName: 'Vito', role: 'member' })
  await opened.settle()
  await vito.close()
  const [leads, rows] = [connectionFeed(connection, 'vendor', 'lead'), teamFeed(vera.org.id, 'rows')]
  const map = parseKey([...vera.rows.list('RecordMap').keys()][0] ?? '')
  const sealer = new FeedSealer(vera.org.id, vito.rows as never, vito.replica.keyring)
  const forged: Register = [[vera.clock.now() + 60_000, 0, 7], 'thief@evil.example']
  /** The thief's whole docs of Ada, in the team's rows and for Paul. */
  const forge = (): void => {
    const { names } = sealer
    const on = registerOf(vito.rows.get('RecordMap', map), 'on')
    if (!names || !on) throw new Error('Vito has no keys.')
    const plant = (feed: FeedName, key: Key, slots: Readonly<Record<string, Register | Row>>): void => {
      const feedRole = { ...feedRoleOf(feed, vera.org.id, vito.rows as never) } as FeedRole
      const epoch = { version: feedRole.kind === 'team' ? 0 : 1, number: 900 }
      const sealed = Object.entries(slots).map(([slot, what]): [string, Uint8Array] => [
        slot,
        ('registers' in what
          ? sealer.sealPart(feedRole, feed, key, slot, epoch, what)
          : sealer.sealSlot(feedRole, feed, key, slot, epoch, what)) as Uint8Array,
      ])
      relay.plant(feed, { key, kind: 'doc', whole: true, epoch, bytes: createDoc(new Map(sealed), 7) }, true)
    }
    plant(rows, names.key('Lead', record), { '0': { object: 'Lead', id: record, registers: { Email: forged } } })
    plant(leads, map, { '1': forged, [existenceSlot]: on })
  }
  const remove = (): Promise<void> => vera.devices.remove([vito.identity.device])
  const email = (org: MemoryOrg) => org.records.get('Lead', record)?.values['Email']
  const mirrored = (org = paul) => org.mirrors.of('Lead', copy)[0]?.fields.find(({ name }) => name === 'Email')?.value
  /** Time passes, in steps in which what is under way comes to its end. */
  const later = async (seconds: number, step = 1): Promise<void> => {
    for (let passed = 0; passed < seconds; passed += step) {
      opened.clock.advance(step * 1_000)
      await opened.pass(6)
    }
  }
  return { ...opened, relayLies, victor, vito, forge, remove, leads, rows, email, mirrored, map, later }
}

describe('what a removed device writes with the keys that it had', () => {
  it('[RT11] would count before the removal: the story is one of keys', async () => {
    const { vera, victor, forge, email, mirrored, later } = await story()
    forge()
    await later(2)
    expect([email(vera), email(victor), mirrored()]).toEqual(Array.from({ length: 3 }, () => 'thief@evil.example'))
  })

  it('[RT11] is left out by all who were there, and what stands at the relay becomes theirs again (row 111)', async () => {
    const { vera, victor, forge, remove, email, mirrored, settle, later, leads, rows } = await story()
    await remove()
    await settle()
    forge()
    await later(20)
    expect([email(vera), email(victor), mirrored()]).toEqual(Array.from({ length: 3 }, () => 'ada@acme.example'))
    for (const feed of [rows, leads]) expect(vera.replica.heads.toSign(feed)).toBeDefined()
    expect(vera.problems.join()).toContain('a device that was removed')
    expect((await vera.audit.list({ kind: 'refusal' })).entries[0]?.about).toContain('keys that its org had changed')
  })

  it('[RT11] is held by a device that was away, and goes with what its colleagues publish, or after ten minutes', async () => {
    const { vera, victor, paul, forge, remove, email, mirrored, settle, later, reload, rows } = await story()
    await remove()
    await settle()
    for (const org of [vera, victor, paul]) await org.close()
    // Nobody is there.
    forge()
    const back = await reload(victor)
    await later(5)
    expect([email(back), back.replica.isLateHeld(rows)]).toEqual(['ada@acme.example', true])
    await later(12 * 60, 12)
    expect([email(back), back.replica.isLateHeld(rows)]).toEqual(['ada@acme.example', false])
    const [again, other] = [await reload(vera), await reload(paul)]
    await later(60, 5)
    expect([email(again), mirrored(other)]).toEqual(['ada@acme.example', 'ada@acme.example'])
    expect(back.replica.heads.toSign(rows)).toBeDefined()
  })

  it('[BK3, RT11] leaves Paul’s mirror again, though the relay had him take it before he heard of the removal', async () => {
    const { vera, victor, paul, relayLies, forge, remove, email, mirrored, settle, later, reload } = await story()
    relayLies.isOn = true
    await remove()
    await settle(vera, victor)
    forge()
    await later(20)
    expect([email(vera), email(victor), mirrored()]).toEqual(['ada@acme.example', 'ada@acme.example', 'thief@evil.example'])
    relayLies.isOn = false
    const again = await reload(paul)
    // A head that fits is signed within the hour (rule HD4).
    await later(65 * 60, 60)
    expect([email(vera), email(victor), mirrored(again)]).toEqual(Array.from({ length: 3 }, () => 'ada@acme.example'))
  })
})

describe('what an org has published before a rotation', () => {
  it('[RT12] is published again under the new keys in the background, over a reload on the way; its progress is told', async () => {
    const { vera, victor, paul, connection, finish, settle, until, later, reload, mirrored } = await story()
    await finish(
      vera.records.createMany(
        'Lead',
        Array.from({ length: 70 }, (_, number) => lead(`Lead${number}`)),
      ),
    )
    await settle()
    await vera.devices.rotate()
    await victor.close()
    await until('some of it is published again', () => {
      const { left, total } = vera.replica.outdated()
      return left.length > 0 && total - left.length >= 50
    })
    const again = await reload(vera)
    await later(20)
    expect(again.replica.outdated().left).toEqual([])
    const { done, total, remainingMs, generation, due } = again.devices.keys()
    expect([done, remainingMs, generation, due]).toEqual([total, 0, 1, false])
    expect(again.replica.outdated().total).toBeGreaterThan(150)
    // A device that was away reads all of it.
    const back = await reload(victor)
    await later(20)
    expect(back.records.list('Lead').records).toHaveLength(71)
    expect(back.replica.outdated().left).toEqual([])
    expect(paul.site.listings(connection, 'Lead').listings).toHaveLength(71)
    expect(mirrored()).toBe('ada@acme.example')
    for (const org of [again, back, paul]) expect(org.problems).toEqual([])
  })
})
