import { decodeRoster, type ListedDevice, type Roster } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { textOf } from '../replica/feed-role.js'
import { mailboxFeed, messageRowId } from '../replica/index.js'
import { valueOf } from '../row/row.js'
import { hashOfPart, type PackageHead, partsOf, sealPart } from '../devices/join-package.js'
import { partKey, welcomeKey } from '../devices/devices.js'
import { createExchangeKey } from '../identity/keys.js'
import { invitationPage, joinMemoryOrg, type MemoryOrg, openMemoryOrg, seededRandom, setup } from '../testing/index.js'
import type { Lie } from '../testing/lying-socket.js'

// Vera confirms that Mia's laptop shows her code. While the laptop is closed, somebody puts another package in the place of the one that Vera's device has left for it.

async function story() {
  const made = await setup()
  const { vera, until, network, settle, clock, pass } = made
  const victor = await made.openAnotherDevice(vera, { userName: 'Victor', role: 'member' })
  await settle()
  const { id, link } = await vera.devices.invite({ base: invitationPage, person: { name: 'Mia' }, role: 'member' })
  await settle()
  const view = () => vera.devices.invitations().find((each) => each.id === id)
  const first = await joinMemoryOrg(network, { link: link ?? '' })
  await until('both show the code', () => view()?.code !== undefined && first.status().code !== undefined)
  await first.close()
  /** Time passes, in steps in which what is under way comes to its end. */
  const later = async (holds: () => boolean): Promise<void> => {
    for (let second = 0; second < 120 && !holds(); second++) {
      clock.advance(1_000)
      await pass(10)
    }
  }
  await later(() => stateOf(vera) === 'signed')
  await vera.devices.confirm(id, true)
  const isLeft = (): boolean => valueOf(vera.rows.get('Invitation', id), 'join') === 'handed' && vera.sync.status().waiting === 0
  await until('Vera’s device has left the package', isLeft)
  const [founding, shown, highest] = await vera.rosters.chain(vera.org.id)
  const row = vera.rows.get('Invitation', id)
  const mia = [...(highest?.devices.values() ?? [])].at(-1)
  if (!founding || !shown || !highest || !mia || !row) throw new Error('The laptop is on no roster.')
  const honest: Package = {
    by: vera,
    head: {
      orgName: 'Vista',
      user: { id: mia.person, name: 'Mia', role: 'member' },
      founding: vera.identity.founding,
      rosters: [founding, shown, highest].map(({ token }) => token),
      keys: vera.replica.keyring.toShare(),
    },
    transcript: textOf(row, 'transcript') ?? '',
  }
  /** Puts a package in the place of the one that is there. */
  const leave = async ({ by, head, transcript, signed = head }: Package): Promise<void> => {
    const sealed = async (of: PackageHead): Promise<string> => {
      const [part = new Uint8Array()] = partsOf(of, [...vera.rows.list('Key').values()])
      return sealPart(mia.exchange, vera.org.id, honest.transcript, 0, part)
    }
    const part = await sealed(head)
    const hashes = [hashOfPart(signed === head ? part : await sealed(signed))]
    const welcome = await by.identity.signDecision('join', { connection: id, transcript, parts: hashes })
    const say = (key: ReturnType<typeof partKey>, body: string) => ({
      object: 'Message',
      id: messageRowId(mailboxFeed(id, 'vendor'), key),
      values: { body },
    })
    await vera.rows.save([say(partKey(0), part), say(welcomeKey, welcome)])
    await until('the relay has it', () => vera.sync.status().waiting === 0)
  }
  /** A roster of Vera's on which the laptop is, with what she makes of it. */
  const sign = (before: Roster, change: Partial<ListedDevice> = {}): Promise<string> => {
    const devices = [...before.devices.values(), { ...mia, ...change }].map(({ key, exchange, person, role }) => ({
      key,
      exchange,
      person,
      role,
    }))
    return vera.identity.signRoster({ org: vera.org.id, number: before.number + 1, previous: before.hash, time: 0, devices })
  }
  const open = () => joinMemoryOrg(network, { store: first.store.reopen() })
  return { ...made, victor, honest, leave, sign, open, later, founding, shown }
}

/** How the team's rows at a device are to what its colleagues have signed. */
const stateOf = (org: MemoryOrg) => org.sync.status().signed.find(({ topic }) => topic === 'rows')?.state

interface Package {
  /** Whose device signs it. */
  readonly by: MemoryOrg
  readonly head: PackageHead
  /** Of the handshake that it names. */
  readonly transcript: string
  /** What was signed, where that is not what is sent. */
  readonly signed?: PackageHead
}

type Story = Awaited<ReturnType<typeof story>>

const lies: readonly (readonly [what: string, lie: (made: Story) => Promise<Partial<Package>> | Partial<Package>])[] = [
  ['that a member’s device signed', ({ victor }) => ({ by: victor })],
  ['of another handshake', () => ({ transcript: 'A'.repeat(43) })],
  ['whose parts are not those that were signed', ({ honest }) => ({ head: { ...honest.head, orgName: 'Mallory' }, signed: honest.head })],
  ['with rosters on which it is not', ({ honest: { head } }) => ({ head: { ...head, rosters: head.rosters.slice(0, -1) } })],
  [
    'with a roster that is no higher than the one that Vera’s device has shown',
    async ({ honest: { head }, founding, sign }) => ({ head: { ...head, rosters: [founding.token, await sign(founding)] } }),
  ],
  [
    'with rosters that do not follow from the one that Vera’s device has shown',
    async ({ honest: { head }, founding, sign }) => {
      const fork = decodeRoster(await sign(founding))
      return { head: { ...head, rosters: [founding.token, fork.token, await sign({ ...fork, devices: founding.devices })] } }
    },
  ],
  ['for another person', ({ honest: { head }, vera }) => ({ head: { ...head, user: { ...head.user, id: vera.user.id } } })],
  ['in another role', ({ honest: { head } }) => ({ head: { ...head, user: { ...head.user, role: 'admin' } } })],
  [
    'with a roster that names another exchange key',
    async ({ honest: { head }, shown, sign }) => {
      const { public: exchange } = await createExchangeKey(seededRandom(7))
      return { head: { ...head, rosters: [...head.rosters.slice(0, -1), await sign(shown, { exchange })] } }
    },
  ],
]

describe('a device that joins', () => {
  it('[JN5] takes what an admin’s device made for it, and has nothing left of the org that it threw away', async () => {
    const { honest, leave, open, until, vera } = await story()
    await leave(honest)
    const laptop = await open()
    await until('the laptop has joined', () => laptop.status().state === 'joined')
    const kept = (await laptop.store.scan(['row'])).map(([[, object]]) => object)
    expect(new Set(kept)).toEqual(new Set(['Key', 'Roster']))
    expect(await laptop.store.scan(['feed'])).toEqual([])
    expect((await laptop.open()).org).toEqual(vera.org)
  })

  it('[JN5] notices that the relay holds back what the heads in its package cover', async () => {
    const { open, until, later, network } = await story()
    const laptop = await open()
    await until('the laptop has joined', () => laptop.status().state === 'joined')
    await laptop.close()
    const lie: Lie = (feed, message) => [{ ...message, entries: feed.endsWith('/team/rows') ? [] : message.entries }]
    const mia = await openMemoryOrg(network, { store: laptop.store.reopen(), lie })
    await later(() => stateOf(mia) === 'held back')
    expect(stateOf(mia)).toBe('held back')
  })

  it.each(lies)('[JN3, JN5] takes over nothing %s', async (_, lie) => {
    const made = await story()
    await made.leave({ ...made.honest, ...(await lie(made)) })
    const laptop = await made.open()
    await made.until('the laptop has read it', () => laptop.status().state !== 'compare')
    expect(laptop.status().state).toBe('over')
    expect(laptop.status().problem).toContain('not what it signed')
    await laptop.stop()
  })
})
