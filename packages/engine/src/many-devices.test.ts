import { decodeRoster, limits, type ListedDevice, type Roster, type RosterClaims } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { createExchangeKey, createKeyPair } from './identity/keys.js'
import { signRoster } from './identity/roster.js'
import { rosterEdit } from './identity/rosters.js'
import { connect, invitationPage, joinMemoryOrg, type MemoryOrg, seededRandom, setup } from './testing/index.js'
import { compareCodes } from './testing/steps.js'

// Vera's org has grown device by device until it has nearly all that it may have, and some were removed on the way.

const random = seededRandom(11)

/** A device, and how it signs rosters. */
interface Signer {
  readonly line: ListedDevice
  readonly sign: (claims: RosterClaims) => Promise<string>
}

const newDevice = async (role: ListedDevice['role'] = 'member'): Promise<Signer> => {
  const pair = await createKeyPair()
  const exchange = (await createExchangeKey(random)).public
  return { line: { key: pair.publicJwk.x, exchange, person: 'p'.repeat(22), role }, sign: (claims) => signRoster(claims, { device: pair }) }
}

const linesOf = ({ devices }: Roster): readonly ListedDevice[] =>
  [...devices.values()].map(({ key, exchange, person, role }) => ({ key, exchange, person, role }))

/** Rosters of Vera's org that are signed one after the other, until `save` gives them to her device. */
async function rostersOf(vera: MemoryOrg) {
  const first = await vera.rosters.highest(vera.org.id)
  const own = linesOf(first as Roster).find(({ role }) => role === 'admin')
  if (!first || !own) throw new Error('Vera has no roster.')
  let last = first
  const made: Roster[] = []
  const sign = async (devices: readonly ListedDevice[], by: Pick<Signer, 'sign'> = { sign: vera.identity.signRoster }): Promise<void> => {
    const claims = { org: vera.org.id, number: last.number + 1, previous: last.hash, time: last.time, devices: [...devices] }
    last = decodeRoster(await by.sign(claims))
    made.push(last)
  }
  /** The org comes to have so many devices, one by one; every tenth of them is removed again. */
  const grow = async (count: number): Promise<void> => {
    for (let turn = 1; last.devices.size < count; turn++) {
      await sign([...linesOf(last), (await newDevice()).line])
      if (turn % 10 === 0) await sign(linesOf(last).slice(0, -1))
    }
  }
  /** Vera makes an admin and is none any more; that one makes another, who makes Vera one again. No path leaves these rosters out. */
  const succeed = async (): Promise<void> => {
    const [one, two] = [await newDevice('admin'), await newDevice('admin')]
    const others = linesOf(last).filter(({ key }) => key !== own.key)
    const member = { ...own, role: 'member' as const }
    await sign([...others, member, one.line])
    await sign([...others, member, two.line], one)
    await sign([...others, own], two)
  }
  return { sign, grow, succeed, last: () => last, save: () => vera.rows.save(made.map(rosterEdit)) }
}

describe('an org of a hundred devices', () => {
  it('[RO7, CN2, JN2, JN4, JN5] connects to another org, and lets one more device join', async () => {
    const made = await setup()
    const { vera, paul, network, settle, until } = made
    const { grow, save, last: lastOf } = await rostersOf(vera)
    await grow(limits.devicesPerOrg - 1)
    await save()
    const last = lastOf()
    expect(last.number).toBeGreaterThan(100)
    await settle(vera)
    const connection = await connect({ network, vendor: vera, partner: paul })
    await compareCodes({ network, vendor: vera, partner: paul, connection })
    expect((await paul.rosters.highest(vera.org.id))?.number).toBe(last.number)
    const { id, link } = await vera.devices.invite({ base: invitationPage, person: { name: 'Mia' }, role: 'member' })
    await settle(vera)
    const laptop = await joinMemoryOrg(network, { link: link ?? '' })
    const view = () => vera.devices.invitations().find((each) => each.id === id)
    await until('both show the code', () => laptop.status().code !== undefined && view()?.code === laptop.status().code)
    await vera.devices.confirm(id, true)
    await until('the laptop has joined', () => laptop.status().state === 'joined')
    const mia = await laptop.open()
    await settle()
    for (const org of [vera, mia]) expect(org.devices.list()).toHaveLength(limits.devicesPerOrg)
    expect((await mia.rosters.chain(mia.org.id)).map(({ number }) => number)).toEqual(
      Array.from({ length: last.number + 1 }, (_, index) => index + 1),
    )
    expect((await paul.rosters.highest(vera.org.id))?.number).toBe(last.number + 1)
    expect([...vera.problems, ...paul.problems, ...mia.problems]).toEqual([])
  })

  it('[RO7, CN7] says where the invitation is made that its devices cannot be shown any more, and whoever accepts does not wait', async () => {
    const made = await setup()
    const { vera, paul, network, settle, until } = made
    const { invitation } = await vera.connections.invite(invitationPage)
    const { id, link = '' } = await vera.devices.invite({ base: invitationPage, person: { name: 'Mia' }, role: 'member' })
    const theirs = (await paul.connections.invite(invitationPage)).invitation?.link ?? ''
    const { grow, succeed, save } = await rostersOf(vera)
    await grow(limits.devicesPerOrg - 2)
    await succeed()
    await save()
    await settle()
    const tooLong = { code: 'SIZE', message: expect.stringContaining('too long to be shown') as string }
    await expect(vera.connections.invite(invitationPage)).rejects.toMatchObject(tooLong)
    await expect(vera.devices.invite({ base: invitationPage, person: { name: 'Max' }, role: 'member' })).rejects.toMatchObject(tooLong)
    await expect(vera.connections.accept(theirs)).rejects.toMatchObject(tooLong)
    // Those that were made before end once somebody accepts.
    await paul.connections.accept(invitation?.link ?? '')
    const laptop = await joinMemoryOrg(network, { link })
    const at = (org: MemoryOrg) => org.connections.list().find(({ invitation: open, problem }) => !open && problem)
    await until('all are told', () => at(vera) !== undefined && at(paul) !== undefined && laptop.status().state === 'over')
    expect(at(vera)?.problem).toContain('too long to be shown')
    expect(vera.devices.invitations().find((each) => each.id === id)).toMatchObject({ state: 'over', problem: at(vera)?.problem })
    expect(at(paul)?.problem).toBe('The invitation cannot be carried out. The vendor reads the reason beside it.')
    expect(laptop.status().problem).toBe('The invitation cannot be carried out. The admin reads the reason beside it.')
    await laptop.stop()
  })

  it('[RO2, JN3] with a hundred invites no further device, and the one that came too late does not wait', async () => {
    const made = await setup()
    const { vera, network, settle, until } = made
    const invite = () => vera.devices.invite({ base: invitationPage, person: { name: 'Mia' }, role: 'member' })
    const { id, link = '' } = await invite()
    const laptop = await joinMemoryOrg(network, { link })
    const view = () => vera.devices.invitations().find((each) => each.id === id)
    await until('both show the code', () => laptop.status().code !== undefined && view()?.code === laptop.status().code)
    const { grow, save } = await rostersOf(vera)
    await grow(limits.devicesPerOrg)
    await save()
    await settle(vera)
    await expect(invite()).rejects.toMatchObject({ code: 'TOO_MANY' })
    await vera.devices.confirm(id, true)
    await until('both are told', () => view()?.state === 'over' && laptop.status().state === 'over')
    expect(view()?.problem).toContain('at most 100 devices')
    expect(laptop.status().problem).toContain('cannot be carried out')
    await laptop.stop()
  })
})
