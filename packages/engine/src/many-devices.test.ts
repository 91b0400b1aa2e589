import { decodeRoster, limits, type ListedDevice, type Roster } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { createExchangeKey, createKeyPair } from './identity/keys.js'
import { rosterEdit } from './identity/rosters.js'
import { connect, invitationPage, joinMemoryOrg, type MemoryOrg, seededRandom, setup } from './testing/index.js'
import { compareCodes } from './testing/steps.js'

// Vera's org has grown device by device until it has nearly all that it may have, and some were removed on the way.

const random = seededRandom(11)
const listedDevice = async (role: ListedDevice['role']): Promise<ListedDevice> => ({
  key: (await createKeyPair()).publicJwk.x,
  exchange: (await createExchangeKey(random)).public,
  person: 'p'.repeat(22),
  role,
})

/** Signs the rosters by which an org comes to have so many devices; every tenth of them is removed again. */
async function grow(vera: MemoryOrg, count: number): Promise<Roster> {
  const first = await vera.rosters.highest(vera.org.id)
  if (!first) throw new Error('Vera has no roster.')
  let last = first
  const tokens: Roster[] = []
  const sign = async (devices: readonly ListedDevice[]): Promise<void> => {
    const listed = devices.map(({ key, exchange, person, role }) => ({ key, exchange, person, role }))
    const claims = { org: vera.org.id, number: last.number + 1, previous: last.hash, time: last.time, devices: listed }
    last = decodeRoster(await vera.identity.signRoster(claims))
    tokens.push(last)
  }
  for (let turn = 1; last.devices.size < count; turn++) {
    await sign([...last.devices.values(), await listedDevice('member')])
    if (turn % 10 === 0) await sign([...last.devices.values()].slice(0, -1))
  }
  await vera.rows.save(tokens.map(rosterEdit))
  return last
}

describe('an org of a hundred devices', () => {
  it('[RO7, CN2, JN2, JN4, JN5] connects to another org, and lets one more device join', async () => {
    const made = await setup()
    const { vera, paul, network, settle, until } = made
    const last = await grow(vera, limits.devicesPerOrg - 1)
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
})
