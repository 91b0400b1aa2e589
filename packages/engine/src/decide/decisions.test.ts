import { describe, expect, it } from 'vitest'
import { MemoryStore, setup, type MemoryOrg } from '../testing/index.js'
import type { Lie } from '../testing/lying-socket.js'
import { StoreError, type Write } from '../port/store.js'
import { grantRowId } from '../people/grants.js'
import { ruleRowId } from '../share/rule-row.js'
import { decides } from '../row/deciding.js'
import { type Register, registerOf } from '../row/row.js'
import type { RowEdit } from '../row/rows.js'
import { prove } from './proof.js'

/** What a device holds of deciding rows that an intruder may have touched. */
const held = (org: MemoryOrg, edits: readonly RowEdit[]) =>
  edits.flatMap(({ object, id, values }) =>
    Object.keys(values).map((field): readonly [string, unknown] => [
      `${object} ${field}`,
      registerOf(org.rows.get(object, id), field)?.[1],
    ]),
  )

it('[DR1, DR2] a member’s device that writes a decision into the team feed changes nothing, at an admin’s device or at another member’s', async () => {
  const { vera, paul, connection, settle, until, pass, openAnotherDevice } = await setup({ upTo: 'shared', verified: false })
  const victor = await openAnotherDevice(vera, { userName: 'Victor', role: 'member' })
  const viola = await openAnotherDevice(vera, { userName: 'Viola', role: 'member' })
  await settle()
  const plans: readonly RowEdit[] = [
    { object: 'Grant', id: grantRowId(connection, 'somebody'), values: { granted: true, at: 1, objects: ['Lead'], until: null } },
    { object: 'Agreement', id: connection, values: { effective: { version: 7, hash: 'x', objects: {} } } },
    { object: 'SharingRule', id: ruleRowId(connection, 'Lead'), values: { conditions: [], match: 'all', added: [], hidden: [] } },
    { object: 'Setting', id: 'org', values: { currency: 'JPY' } },
    { object: 'Connection', id: connection, values: { verified: 'yes' } },
  ]
  const [before, others] = [held(vera, plans), held(viola, plans)]
  const { identity } = victor
  // A modified engine: it sends and believes what it likes, unsigned, with a signature of its own, and with an admin’s signature of something else.
  victor.replica.judgeBy({ hasUnsigned: false, carries: () => true, admit: (rows) => Promise.resolve({ rows, refused: [] }) })
  const stolen = registerOf(victor.rows.get('Connection', connection), 'state')?.[2] ?? ''
  for (const sign of [undefined, 'own', 'stolen'] as const) {
    victor.sync.cut()
    for (const { object, id, values } of plans) {
      for (const [field, value] of Object.entries(values)) {
        const stamp = [vera.clock.now() + 60_000, 0, 9] as const
        const register: Register = [stamp, value]
        const own = await prove(identity.signText, identity.device, { org: vera.org.id, object, id, field, register })
        await victor.rows.save([{ object, id, values: { [field]: value }, stamp, ...(sign && { proof: sign === 'own' ? own : stolen }) }])
      }
    }
    const sent = victor.sync.status().framesOut
    victor.sync.mend()
    await until('Victor has sent it', () => victor.sync.status().framesOut > sent + 1)
    await pass(5)
    // His device would say it again and again.
    victor.sync.cut()
    await settle()
    expect([held(vera, plans), held(viola, plans)]).toEqual([before, others])
  }
  expect(victor.rows.get('Connection', connection)?.registers['verified']?.[1]).toBe('yes')
  // What an admin decides afterwards counts at both, also in the places that the intruder has taken.
  await vera.settings.change({ currency: 'SEK' })
  await vera.connections.compareCodes(connection, true)
  await paul.connections.compareCodes(connection, true)
  await settle()
  for (const org of [vera, viola]) {
    expect(org.settings.read().currency).toBe('SEK')
    expect(org.connections.get(connection)).toMatchObject({ verified: 'yes' })
  }
})

it('[DR3] a member’s device hears by itself what the peer’s admin signed, while no admin’s device is there, and ends byte-equal with it', async () => {
  const { vera, paul, connection, settle, openAnotherDevice } = await setup({ upTo: 'exported' })
  const victor = await openAnotherDevice(vera, { userName: 'Victor', role: 'member' })
  const fields = vera.records.schema('Lead').fields.filter(({ name }) => ['LastName', 'Company', 'Status', 'Phone'].includes(name))
  await vera.agreements.propose(connection, {
    objects: { Lead: { fields: fields.map((field) => ({ field, update: field.name === 'Status' })) } },
  })
  await settle()
  // Under a stamp of his own, what he works out would stand above what Vera's device signs.
  victor.clock.skew = 3_600_000
  vera.sync.cut()
  await paul.agreements.accept(connection, { objects: { Lead: { fields: paul.agreements.suggest(connection, 'Lead') } } })
  await paul.connections.pause(connection)
  await paul.agreements.switchObject(connection, 'Opportunity', false)
  await settle()
  expect(victor.agreements.get(connection)).toMatchObject({ state: 'agreed', acceptance: { version: 2 } })
  expect(victor.connections.get(connection)).toMatchObject({ why: { what: 'paused', by: 'peer' } })
  vera.sync.mend()
  await settle()
  const state = ({ rows }: MemoryOrg, object: string) =>
    Object.fromEntries(
      Object.entries(rows.get(object, connection)?.registers ?? {}).map(([field, [stamp, value]]) => [field, [stamp, value]]),
    )
  for (const object of ['Connection', 'Agreement']) expect(state(victor, object)).toEqual(state(vera, object))
})

it('[DR3, PE2] an admin’s device works out what the peer announced, though a member’s device heard it before', async () => {
  const { vera, paul, connection, settle, openAnotherDevice } = await setup({ upTo: 'verified' })
  const pia = await openAnotherDevice(paul, { userName: 'Pia', role: 'member' })
  await settle()
  paul.sync.cut()
  await vera.people.setSeats(connection, 3)
  await settle()
  paul.sync.mend()
  await settle()
  expect([paul, pia].map(({ people }) => people.seats(connection).total)).toEqual([3, 3])
})

it('[DR2] a decision of a new admin counts as soon as the roster that names the device has come', async () => {
  const { vera, settle, openAnotherDevice } = await setup()
  const viola = await openAnotherDevice(vera, { userName: 'Viola', role: 'member' })
  await settle()
  viola.sync.cut()
  const ada = await openAnotherDevice(vera, { userName: 'Ada', role: 'admin' })
  await ada.settings.change({ currency: 'SEK' })
  await settle()
  viola.sync.mend()
  await settle()
  expect([vera, viola].map(({ settings }) => settings.read().currency)).toEqual(['SEK', 'SEK'])
})

it.each(['removed', 'made a member'] as const)(
  '[DR1, DR3, RK8] what Ada decided stands after she was %s: Vera’s device signs it anew, and who was away takes it',
  async (change) => {
    const { vera, paul, network, settle, openAnotherDevice } = await setup()
    const ada = await openAnotherDevice(vera, { userName: 'Ada', role: 'admin' })
    const [viola, victor] = [
      await openAnotherDevice(vera, { userName: 'Viola', role: 'member' }),
      await openAnotherDevice(vera, { userName: 'Victor', role: 'member' }),
    ]
    await settle()
    viola.sync.cut()
    await ada.settings.change({ currency: 'SEK' })
    await settle()
    await ada.close()
    const { device } = ada.identity
    await (change === 'removed' ? vera.devices.remove([device]) : vera.devices.setRole(device, 'member'))
    await settle(vera, victor, paul)
    viola.sync.mend()
    await settle(vera, victor, viola, paul)
    // What comes under keys that have changed may be held until a head covers it (rule RT11).
    await network.untilLater('Viola’s device has it', () => viola.settings.read().currency === 'SEK', 60)
    await settle(vera, victor, viola, paul)
    const [hers, ...others] = [vera, victor, viola].map(({ rows }) => rows.get('Setting', 'org')?.registers)
    expect(others).toEqual([hers, hers])
    expect(hers?.['currency']?.[2]).toMatch(new RegExp(`^${vera.identity.device}`))
  },
)

it('[DR3] what Ada decided is signed anew also where the first try finds the disk full', async () => {
  let isFull = false
  const beforeCommit = (writes: readonly Write[]): void => {
    if (isFull && writes.some((write) => 'put' in write && write.put[1] === 'Setting')) throw new StoreError('QUOTA', 'The disk is full.')
  }
  const { vera, settle, until, clock, openAnotherDevice } = await setup({ vera: { store: new MemoryStore({ beforeCommit }) } })
  const ada = await openAnotherDevice(vera, { userName: 'Ada', role: 'admin' })
  await settle()
  await ada.settings.change({ currency: 'SEK' })
  await settle()
  await ada.close()
  isFull = true
  await vera.devices.remove([ada.identity.device])
  await until('the disk was found full', () => vera.problems.some((what) => what.startsWith('signatures of decisions')))
  isFull = false
  clock.advance(2_000)
  const signature = (): string => registerOf(vera.rows.get('Setting', 'org'), 'currency')?.[2] ?? ''
  await until('Vera’s device has signed it', () => signature().startsWith(vera.identity.device))
})

it('[DR3, MG1] of what two admins’ devices sign at once both keep the same signature', async () => {
  const { vera, paul, connection, settle, openAnotherDevice } = await setup({ upTo: 'verified' })
  const ada = await openAnotherDevice(vera, { userName: 'Ada', role: 'admin' })
  await settle()
  await paul.connections.pause(connection)
  await settle()
  const [hers, adas] = [vera, ada].map(({ rows }) => rows.get('Connection', connection)?.registers)
  expect(Object.keys(hers ?? {})).toContain('peerPause')
  expect(adas).toEqual(hers)
})

describe('what Ada decided with a clock that is three years ahead, and Vera’s device hears after Ada is no admin any more', () => {
  const [years, page] = [3 * 365 * 24 * 3_600_000, { lists: ['shares'] }] as const
  /** Vera's device hears nothing of the team's rows while the others take what Ada decides. */
  async function story({ vito: hasVito = false, mia: hasMia = false } = {}) {
    const state = { hides: false, endsThere: false, isFull: false }
    const beforeCommit = (writes: readonly Write[]): void => {
      if (state.isFull) throw new StoreError('QUOTA', 'The disk is full.')
      state.isFull = state.endsThere && /"(unproven|late)":true/.test(JSON.stringify(writes))
    }
    const lie: Lie = (feed, message) => (state.hides && feed.endsWith('/team/rows') ? [] : [message])
    const made = await setup({ vera: { lie, store: new MemoryStore({ beforeCommit }) } })
    const { vera, settle, pass, openAnotherDevice } = made
    const ada = await openAnotherDevice(vera, { userName: 'Ada', role: 'admin' })
    const vito = hasVito ? await openAnotherDevice(vera, { userName: 'Vito', role: 'admin' }) : undefined
    const viola = await openAnotherDevice(vera, { userName: 'Viola', role: 'member' })
    const mia = hasMia ? await openAnotherDevice(vera, { userName: 'Mia', role: 'member' }) : undefined
    await vera.settings.change({ currency: 'SEK' })
    await settle()
    mia?.sync.cut()
    state.hides = true
    ada.clock.skew = years
    await ada.settings.change({ currency: 'JPY', pages: { Lead: page } })
    await settle(ada, viola, ...(vito ? [vito] : []))
    expect(viola.settings.read()).toMatchObject({ currency: 'JPY', pages: { Lead: page } })
    await ada.close()
    vito?.sync.cut()
    return {
      ...made,
      state,
      vito,
      viola,
      mia,
      /** Ends Ada's being an admin, and opens Vera's page again, which hears everything. */
      async end(change: 'removed' | 'made a member', forMs = 100): Promise<MemoryOrg> {
        const { device } = ada.identity
        await (change === 'removed' ? vera.devices.remove([device]) : vera.devices.setRole(device, 'member'))
        await pass(forMs)
        state.hides = false
        return made.reload(vera)
      },
    }
  }
  const decided = ({ rows }: MemoryOrg) => [...rows.list('Setting').values()].filter(({ object, id }) => decides(object, id))

  it.each(['removed', 'made a member'] as const)(
    '[DR4] gives way to what Vera’s device has, and to nothing where it has nothing, when Ada is %s',
    async (change) => {
      const { viola, settle, end } = await story()
      const again = await end(change)
      await settle(again, viola)
      for (const { settings } of [again, viola]) {
        expect(settings.read().currency).toBe('SEK')
        expect(settings.read().pages.Lead).not.toEqual(page)
      }
      expect(decided(viola)).toEqual(decided(again))
      await again.settings.change({ currency: 'NOK' })
      await settle(again, viola)
      expect(viola.settings.read().currency).toBe('NOK')
    },
  )

  it('[DR4] gives way also where Viola’s device, which has the new keys before Vera’s hears anything, has published it anew', async () => {
    const { viola, settle, end } = await story()
    const again = await end('removed', 30_000)
    await settle(again, viola)
    expect(viola.settings.read().currency).toBe('SEK')
    expect(decided(viola)).toEqual(decided(again))
  })

  it('[DR4] stays where it is at Viola’s device while no admin’s is there, and Mia’s, which was away, publishes nothing over it', async () => {
    const { viola, mia, settle, pass, end } = await story({ mia: true })
    const again = await end('removed', 30_000)
    await again.close()
    mia?.sync.mend()
    await settle(viola, ...(mia ? [mia] : []))
    const sent = mia?.sync.status().framesOut ?? 0
    await pass(60_000)
    // The heads of two feeds.
    expect((mia?.sync.status().framesOut ?? 0) - sent).toBeLessThanOrEqual(2)
    expect([viola, mia].map((org) => org?.settings.read().currency)).toEqual(['JPY', 'SEK'])
  })

  it.each(['removed', 'made a member'] as const)(
    '[DR4] gives way also where Vera’s page ends as soon as it has refused that, when Ada is %s',
    async (change) => {
      const { state, viola, settle, until, reload, end } = await story()
      state.endsThere = true
      const again = await end(change)
      await until('Vera’s page has refused it', () => state.isFull)
      await again.close()
      Object.assign(state, { endsThere: false, isFull: false })
      const last = await reload(again)
      await settle(last, viola)
      expect(viola.settings.read().currency).toBe('SEK')
      expect(decided(viola)).toEqual(decided(last))
    },
  )

  it.each(['removed', 'made a member'] as const)(
    '[DR4, DR3] stays where Vito’s device, an admin’s, has taken it, though it comes back last, when Ada is %s',
    async (change) => {
      const { vito, viola, settle, end } = await story({ vito: true })
      const again = await end(change)
      await settle(again, viola)
      expect(viola.settings.read().currency).toBe('SEK')
      vito?.sync.mend()
      await settle(again, viola, ...(vito ? [vito] : []))
      for (const { settings } of [again, viola]) expect(settings.read()).toMatchObject({ currency: 'JPY', pages: { Lead: page } })
      expect([viola, ...(vito ? [vito] : [])].map(decided)).toEqual([decided(again), decided(again)])
    },
  )
})

it('[DR2, DR4] a member’s device that says unsigned that something was given up changes nothing, and is not answered', async () => {
  const { vera, settle, until, pass, openAnotherDevice } = await setup()
  const victor = await openAnotherDevice(vera, { userName: 'Victor', role: 'member' })
  await vera.settings.change({ currency: 'SEK' })
  await settle()
  const registers = () => vera.rows.get('Setting', 'org')?.registers
  const before = registers()
  const [time = 0, counter = 0] = before?.['currency']?.[0] ?? []
  victor.replica.judgeBy({ hasUnsigned: false, carries: () => true, admit: (rows) => Promise.resolve({ rows, refused: [] }) })
  const sent = victor.sync.status().framesOut
  await victor.rows.save([{ object: 'Setting', id: 'org', values: { currency: null }, stamp: [time, counter + 1, 1] }])
  await until('Victor has sent it', () => victor.sync.status().framesOut > sent)
  await pass(5)
  victor.sync.cut()
  await settle()
  expect(registers()).toEqual(before)
})

it('[DR4] an org of whose decisions nothing is left opens, and says that nothing is decided', async () => {
  const { vera, connection, settle, reload } = await setup({ upTo: 'exported' })
  const edits: RowEdit[] = []
  for (const object of vera.rows.objects()) {
    for (const { id, registers } of vera.rows.list(object).values()) {
      const values = Object.fromEntries(Object.keys(registers).map((field) => [field, null]))
      if (decides(object, id)) edits.push({ object, id, values })
    }
  }
  await vera.rows.save(edits)
  await settle()
  const again = await reload(vera)
  await settle(again)
  expect(again.problems).toEqual([])
  expect(again.connections.list()).toEqual([])
  expect(again.connections.get(connection)).toBeUndefined()
  expect(again.agreements.get(connection)).toBeUndefined()
  expect(again.settings.read().currency).toBe('USD')
})
