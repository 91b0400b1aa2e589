import { rosterFeedOf, rosterKey } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import type { RestoreOptions } from '../api/index.js'
import { messageRowId } from '../replica/feed-key.js'
import { changeRoster, enabledConnection, invitationPage, type MemoryOrg, openMemoryOrg, setup } from '../testing/index.js'

/** Vera, an admin of the same org at another device, and a member. */
async function threeDevices() {
  const made = await setup()
  const victor = await made.openAnotherDevice(made.vera, { userName: 'Victor', role: 'admin' })
  const mia = await made.openAnotherDevice(made.vera, { userName: 'Mia', role: 'member' })
  await made.settle()
  const devices = [made.vera, victor, mia]
  const keyOf = async (org: MemoryOrg): Promise<string> => (await org.rosters.device(org.org.id, org.identity.device))?.key ?? ''
  const [vera, other, member] = [await keyOf(made.vera), await keyOf(victor), await keyOf(mia)]
  const roles = async (org: MemoryOrg): Promise<readonly string[]> => {
    const highest = await org.rosters.highest(org.org.id)
    const names = new Map([
      [vera, 'Vera'],
      [other, 'Victor'],
      [member, 'Mia'],
    ])
    return [...(highest?.devices.values() ?? [])].map(({ key, role }) => `${names.get(key) ?? '?'} ${role}`)
  }
  return { ...made, victor, mia, devices, keys: { vera, victor: other, mia: member }, roles }
}

/** The same, and the org's kit. `restore` brings the org back from it while Victor is away. */
async function withKit() {
  const made = await threeDevices()
  const { vera, network, settle } = made
  const kit = await vera.recovery.makeKit()
  await vera.recovery.confirmKit(kit.file, kit.passphrase)
  const restore = async (): Promise<MemoryOrg> => {
    await vera.close()
    const decide: RestoreOptions['decide'] = ({ people }) => ({ person: people.find(({ name }) => name === 'Vera')?.id ?? '' })
    const back = await network.finish(openMemoryOrg(network, { restore: { ...kit, decide } }))
    await network.pass(60)
    await back.recovery.confirmAge()
    await settle(back)
    return back
  }
  return { ...made, restore }
}

describe('the next roster', () => {
  it('[RO5] of two that are signed at once the second is made anew on the first', async () => {
    const { vera, victor, devices, keys, roles, settle, paul } = await threeDevices()
    victor.sync.cut()
    await changeRoster(victor, (all) => all.map((each) => (each.key === keys.mia ? { ...each, role: 'agent' } : each)))
    await changeRoster(vera, (all) => all.map((each) => (each.key === keys.vera ? { ...each, person: 'v2' } : each)))
    await settle(vera)
    victor.sync.mend()
    await settle()
    for (const device of devices) {
      expect(await roles(device)).toEqual(['Vera admin', 'Victor admin', 'Mia agent'])
      expect((await device.rosters.highest(device.org.id))?.number).toBe(5)
      expect((await device.rosters.device(vera.org.id, vera.identity.device))?.person).toBe('v2')
    }
    expect([...vera.problems, ...victor.problems, ...paul.problems]).toEqual([])
  })

  it('[RO5] the change of an admin who was removed at the same moment is dropped, and that is said', async () => {
    const { vera, victor, mia, keys, roles, settle } = await threeDevices()
    victor.sync.cut()
    await changeRoster(victor, (all) => all.filter(({ key }) => key !== keys.vera))
    await changeRoster(vera, (all) => all.map((each) => (each.key === keys.victor ? { ...each, role: 'member' } : each)))
    await settle(vera)
    victor.sync.mend()
    await settle()
    for (const device of [vera, victor, mia]) expect(await roles(device)).toEqual(['Vera admin', 'Victor member', 'Mia member'])
    expect(victor.problems.join()).toContain('Another admin changed the devices')
  })

  it('[RO4, RO5] of two that an admin signed while away, neither keeps the device out where the relay has another in their place', async () => {
    const { vera, victor, keys, roles, settle } = await threeDevices()
    victor.sync.cut()
    await changeRoster(victor, (all) => all.map((each) => (each.key === keys.mia ? { ...each, role: 'agent' } : each)))
    await changeRoster(victor, (all) => all.map((each) => (each.key === keys.victor ? { ...each, person: 'v1' } : each)))
    await changeRoster(vera, (all) => all.map((each) => (each.key === keys.vera ? { ...each, person: 'v2' } : each)))
    await settle(vera)
    victor.sync.mend()
    await settle()
    for (const device of [vera, victor]) {
      expect(await roles(device)).toEqual(['Vera admin', 'Victor admin', 'Mia agent'])
      expect([...((await device.rosters.highest(device.org.id))?.devices.values() ?? [])].map(({ person }) => person)).toContain('v1')
      expect(device.sync.status()).toMatchObject({ state: 'online', waiting: 0 })
    }
  })

  it('[RO7, RO5] of one that an admin signed while away nothing is shown to another org, which follows where another takes its number', async () => {
    const { vera, victor, paul, keys, settle, until } = await threeDevices()
    const link = (await paul.connections.invite(invitationPage)).invitation?.link ?? ''
    await settle()
    victor.sync.cut()
    await changeRoster(victor, (all) => all.map((each) => (each.key === keys.mia ? { ...each, role: 'agent' } : each)))
    await victor.connections.accept(link)
    await changeRoster(vera, (all) => all.map((each) => (each.key === keys.vera ? { ...each, person: 'v2' } : each)))
    await settle(vera)
    victor.sync.mend()
    await until('both orgs are connected', () => enabledConnection(vera) !== undefined && enabledConnection(paul) !== undefined)
    await changeRoster(vera, (all) => all.map((each) => (each.key === keys.vera ? { ...each, person: 'v3' } : each)))
    await settle()
    const highest = await vera.rosters.highest(vera.org.id)
    expect(await paul.rosters.highest(vera.org.id)).toMatchObject({ number: highest?.number, hash: highest?.hash })
    expect([...vera.problems, ...victor.problems, ...paul.problems]).toEqual([])
  })

  it('[RO2] the last admin cannot be removed, and a member changes nothing', async () => {
    const { vera, mia, keys, roles } = await threeDevices()
    const removed = changeRoster(vera, (all) => all.filter(({ key }) => key === keys.mia))
    await expect(removed).rejects.toMatchObject({ code: 'NOT_ALLOWED', message: expect.stringContaining('at least one admin') })
    await expect(changeRoster(mia, (all) => all.slice(1))).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    expect(await roles(vera)).toEqual(['Vera admin', 'Victor admin', 'Mia member'])
    const before = await vera.rosters.highest(vera.org.id)
    expect(await vera.context.changeRoster((all) => all)).toBe(before)
  })

  it('goes on after a reload: what was signed offline and lost to another is made anew', async () => {
    const { vera, victor, keys, roles, settle, reload } = await threeDevices()
    victor.sync.cut()
    await changeRoster(victor, (all) => all.filter(({ key }) => key !== keys.mia))
    await changeRoster(vera, (all) => all.map((each) => (each.key === keys.vera ? { ...each, person: 'v2' } : each)))
    await settle(vera)
    const again = await reload(victor)
    await settle()
    for (const device of [vera, again]) expect(await roles(device)).toEqual(['Vera admin', 'Victor admin'])
  })

  it('[RO5] of an admin who was away while the org came back by its kit is made anew on the root key’s roster', async () => {
    const { victor, mia, restore, settle } = await withKit()
    victor.sync.cut()
    await victor.devices.remove([mia.identity.device])
    await settle(victor)
    const back = await restore()
    expect(back.devices.list().map(({ personName }) => personName)).toContain('Mia')
    victor.sync.mend()
    await settle(victor, back)
    for (const org of [victor, back]) {
      expect(org.devices.list().map(({ personName }) => personName)).not.toContain('Mia')
      expect(org.sync.status().waiting).toBe(0)
    }
  })

  it('[RO5, RT3] of an admin who was away gives its number to the one that the relay has, and its device gets the keys that it missed, where the org came back by its kit since', async () => {
    const { vera, victor, mia, restore, openAnotherDevice, settle } = await withKit()
    const max = await openAnotherDevice(vera, { userName: 'Max', role: 'member' })
    await settle()
    victor.sync.cut()
    // Both sign the fifth, and the relay has Vera's.
    await victor.devices.remove([mia.identity.device])
    await vera.devices.remove([max.identity.device])
    await settle(vera)
    const back = await restore()
    victor.sync.mend()
    await settle(victor, back)
    expect(victor.sync.status().waiting).toBe(0)
    const fifth = ({ rows, org }: MemoryOrg) => rows.get('ControlEntry', messageRowId(rosterFeedOf(org.id), rosterKey(5)))?.registers
    expect(fifth(victor)).toEqual(fifth(back))
  })
})
