import { describe, expect, it } from 'vitest'
import type { BackupFile, FoundOrg, RestoreDecision, RestoreOptions } from '../api/index.js'
import { openKit } from '../identity/recovery-kit.js'
import { identityKey } from '../identity/identity.js'
import { kitKey } from '../identity/saved-kit.js'
import { forgeDecisions } from '../testing/forge-decisions.js'
import { lead, MemoryNetwork, type MemoryOrg, MemoryStore, openMemoryOrg, setup } from '../testing/index.js'
import type { Row } from '../row/row.js'
import { throwAwayStore } from './throw-away-store.js'
import { makeBackup, readBackup } from './backup.js'

const fileOf = (...parts: readonly Uint8Array[]): Blob => new Blob(parts as Uint8Array<ArrayBuffer>[])

describe('a backup', () => {
  it('[RK7] brings the org back with its kit where the relay has lost all: records, stamps and keys', async () => {
    const network = new MemoryNetwork()
    const vera = await openMemoryOrg(network)
    await expect(vera.recovery.backup()).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    const kit = await vera.recovery.makeKit()
    await vera.recovery.confirmKit(kit.file, kit.passphrase)
    await network.finish(
      vera.records.createMany(
        'Lead',
        Array.from({ length: 450 }, (_, index) => lead(`Ada${index}`)),
      ),
    )
    await network.settle()
    const leads = (org: MemoryOrg): readonly Row[] => [...org.rows.list('Lead').values()].sort((a, b) => (a.id < b.id ? -1 : 1))
    const rows = leads(vera).map(({ id, registers }) => [id, registers])
    const backup = fileOf(...(await network.finish(vera.recovery.backup())))
    expect(Buffer.from(await backup.arrayBuffer()).includes('Ada')).toBe(false)
    await vera.close()
    network.relay.isBusy = true
    const decide = (found: FoundOrg): RestoreDecision => {
      expect(found.records.Lead).toBe(450)
      return {}
    }
    const restore: RestoreOptions = { ...kit, backup, decide }
    const opened = openMemoryOrg(network, { restore })
    const done = { is: false }
    const note = (): void => void (done.is = true)
    opened.then(note, note)
    // The relay is given up after half a minute.
    while (!done.is) {
      network.clock.advance(1_000)
      await network.pass(2)
    }
    const again = await opened
    expect(leads(again).map(({ id, registers }) => [id, registers])).toEqual(rows)
    expect(again.recovery.status()).toMatchObject({ kit: 'saved', age: 'open' })
    // A relay with an empty disk is made whole by it.
    network.relay.isBusy = false
    await network.until('the relay has the org again', () => again.sync.status().state === 'online')
    await again.recovery.confirmAge()
    await network.settle()
    expect(again.sync.status()).toMatchObject({ state: 'online', waiting: 0 })
  })

  it('[RK8, DR2] holds decisions with their signatures, so that Viola’s device takes them from a restored one; what Victor’s modified device put in does not count (row 140)', async () => {
    const made = await setup({ upTo: 'shared' })
    const { network, relay, vera, connection, settle, openAnotherDevice } = made
    const victor = await openAnotherDevice(vera, { userName: 'Victor', role: 'member' })
    const viola = await openAnotherDevice(vera, { userName: 'Viola', role: 'member' })
    const kit = await vera.recovery.makeKit()
    await vera.recovery.confirmKit(kit.file, kit.passphrase)
    await settle()
    viola.sync.cut()
    await vera.settings.change({ currency: 'SEK' })
    await settle()
    const honest = fileOf(...(await network.finish(vera.recovery.backup())))
    const decided = (org: MemoryOrg) =>
      [org.rows.get('Setting', 'org'), org.rows.get('Connection', connection), org.rows.get('Grant', 'forged')].map((row) => row?.registers)
    const [known, key] = [decided(vera), kitKey(vera.rows) ?? '']
    victor.sync.cut()
    await forgeDecisions(victor)
    expect(decided(victor)).not.toEqual(known)
    // Any device knows to what a backup is sealed.
    const forged = fileOf(...(await network.finish(makeBackup(vera.org, key, victor.context))))
    for (const device of [vera, victor]) await device.close()
    const full = relay.state
    relay.restart({ ...full, feeds: new Map(), incarnations: [] })
    for (const [from, backup] of Object.entries({ honest, forged })) {
      const again = await network.finish(openMemoryOrg(network, { restore: { ...kit, backup, decide: () => ({}) } }))
      expect(decided(again), from).toEqual(known)
      if (backup === forged) continue
      await again.recovery.confirmAge()
      await network.pass(100)
      viola.sync.mend()
      await network.pass(300)
      expect(viola.settings.read().currency).toBe('SEK')
      for (const device of [again, viola]) await device.close()
      relay.restart(full)
    }
  })

  it('[RK7, RT2] brings back what was sealed after a rotation where the relay has lost all, and no secret of a removed colleague’s choosing', async () => {
    const network = new MemoryNetwork()
    const vera = await openMemoryOrg(network)
    const kit = await vera.recovery.makeKit()
    await vera.recovery.confirmKit(kit.file, kit.passphrase)
    await network.settle()
    await network.finish(vera.devices.rotate())
    const id = await vera.records.create('Lead', lead('Ada'))
    await network.settle()
    const [first, next] = [vera.rows.get('Key', 'team')?.registers['secret'], vera.replica.keyring.own(1)]
    expect(next).toBeDefined()
    const honest = fileOf(...(await network.finish(vera.recovery.backup())))
    // Mallory had a device once. She knows to what a backup is sealed, makes one with keys that she chose, and puts it among Vera's.
    const key = kitKey(vera.rows) ?? ''
    const chosen = Buffer.alloc(32, 6).toString('base64url')
    await vera.rows.save([{ object: 'Key', id: 'team', values: { secret: chosen } }])
    await vera.replica.keyring.addOwn(1, chosen)
    await vera.replica.keyring.addOwn(2, chosen)
    const forged = fileOf(...(await network.finish(makeBackup(vera.org, key, vera.context))))
    await vera.close()
    network.relay.restart({ ...network.relay.state, feeds: new Map(), incarnations: [] })
    for (const [from, backup] of Object.entries({ honest, forged })) {
      const again = await network.finish(openMemoryOrg(network, { restore: { ...kit, backup, decide: () => ({}) } }))
      expect(again.records.get('Lead', id)?.values['LastName'], from).toBeDefined()
      expect(again.rows.get('Key', 'team')?.registers['secret']?.[1], from).toBe(first?.[1])
      expect([again.replica.keyring.own(1), again.replica.keyring.highestOwn()], from).toEqual([next, 1])
      await again.close()
    }
  })

  it('[RK7] that was cut, changed or lengthened, is none, or is of another org or kit, is refused, and the store stays empty (row 121)', async () => {
    const network = new MemoryNetwork()
    const [vera, paul] = [await openMemoryOrg(network), await openMemoryOrg(network, { orgName: 'Pine' })]
    const kit = await vera.recovery.makeKit()
    await vera.recovery.confirmKit(kit.file, kit.passphrase)
    await vera.records.create('Lead', lead('Ada'))
    const parts = await network.finish(vera.recovery.backup())
    const whole = Buffer.concat(parts)
    const [opened, his] = [
      await openKit(kit.file, kit.passphrase),
      await paul.recovery.makeKit().then((each) => openKit(each.file, each.passphrase)),
    ]
    const changed = (at: number): Buffer => Buffer.from(whole.map((byte, index) => (index === at ? byte ^ 1 : byte)))
    const bad: readonly (readonly [string, BackupFile, typeof opened])[] = [
      ['nothing', fileOf(), opened],
      ['text', fileOf(Buffer.from('{}\n')), opened],
      ['a header alone', fileOf(...parts.slice(0, 1)), opened],
      ['cut between two pieces', fileOf(...parts.slice(0, -2)), opened],
      ['cut within a piece', fileOf(whole.subarray(0, -1)), opened],
      ['lengthened', fileOf(whole, Buffer.from([0])), opened],
      ['a piece twice', fileOf(...parts.slice(0, 3), ...parts.slice(1)), opened],
      ['a piece left out', fileOf(...parts.slice(0, 1), ...parts.slice(3)), opened],
      ['a changed name', fileOf(Buffer.from(whole.toString('latin1').replace('Vista', 'Visto'), 'latin1')), opened],
      ['a changed byte', fileOf(changed(whole.length - 30)), opened],
      ['a giant piece', fileOf(...parts.slice(0, 1), Uint8Array.of(255, 255, 255, 255), ...parts.slice(2)), opened],
      ['another kit', fileOf(whole), his],
    ]
    for (const [name, file, by] of bad)
      await expect(network.finish(readBackup(file, by, throwAwayStore(), network.clock)), name).rejects.toMatchObject({ code: 'INVALID' })
    // Whoever brings the wrong kit is told so.
    const tried = network.finish(readBackup(fileOf(whole), his, throwAwayStore(), network.clock))
    await expect(tried).rejects.toThrow('was made for another kit')
    const store = new MemoryStore()
    const restore: RestoreOptions = { ...kit, backup: fileOf(whole.subarray(0, -1)), decide: () => ({}) }
    await expect(network.finish(openMemoryOrg(network, { store, restore }))).rejects.toMatchObject({ code: 'INVALID' })
    expect(await store.scan(['row'])).toEqual([])
    expect(await store.get([identityKey])).toEqual([undefined])
  })
})
