import { describe, expect, it } from 'vitest'
import { type MemoryOrg, setup } from '../testing/index.js'
import { canonicalJson } from '../agree/canonical.js'

const threeYearsMs = 3 * 365 * 24 * 60 * 60_000

/** All that a device holds, in one text. Who signed a register is no part of it. */
function stateOf({ rows }: MemoryOrg): string {
  const all = [...rows.objects()].flatMap((object) => [...rows.list(object).values()])
  const plain = all.map(({ object, id, registers }) => [
    `${object} ${id}`,
    Object.fromEntries(Object.entries(registers).map(([field, [stamp, value]]) => [field, [stamp, value]])),
  ])
  return canonicalJson(Object.fromEntries(plain))
}

describe('two devices that edit one record, each without a network', () => {
  it('[MG1, HD7] end with the latest edit of each field: own rows, the peers’ mirrors, and what both orgs sign, whichever comes back first', async () => {
    const { vera: v1, paul: p1, connection, record, copy, clock, pass, settle, openAnotherDevice } = await setup({ upTo: 'exported' })
    const [v2, v3] = [await openAnotherDevice(v1), await openAnotherDevice(v1, { userName: 'Victor', role: 'member' })]
    const p2 = await openAnotherDevice(p1, { userName: 'Pia', role: 'member' })
    await settle()
    const [vendors, partners] = [
      [v1, v2, v3],
      [p1, p2],
    ]
    // A clock that is wrong while there is no relay to correct it.
    v3.clock.skew = threeYearsMs
    const valueAt = (org: MemoryOrg, id: string, field: string) => org.records.get('Lead', id)?.values[field]
    const mirrored = (org: MemoryOrg, id: string, field: string) =>
      org.mirrors.of('Lead', id)[0]?.fields.find(({ name }) => name === field)?.value
    let round = 0
    for (const [one, other] of [
      [v1, v2],
      [v1, v3],
      [v3, v2],
    ] as const) {
      for (const isSame of [true, false]) {
        for (const order of [
          [0, 1],
          [1, 0],
        ] as const) {
          round++
          const pair = [one, other]
          for (const org of [...pair, p2]) org.sync.cut()
          const [first, second] = [`first${round}@vista.example`, `second${round}@vista.example`]
          await one.records.edit('Lead', record, { Email: first })
          await p1.records.edit('Lead', copy, { Email: `first${round}@pine.example` })
          clock.advance(1_000)
          await other.records.edit('Lead', record, isSame ? { Email: second } : { Company: `Vista ${round}` })
          await p2.records.edit('Lead', copy, { Email: `second${round}@pine.example` })
          for (const index of order) {
            pair[index]?.sync.mend()
            await settle()
          }
          p2.sync.mend()
          await settle()
          // Of edits that did not see each other the later one wins. Where a clock was wrong, one of them does, and the same for all.
          const found = valueAt(v1, record, 'Email')
          const latest = round <= 4 ? (isSame ? second : first) : found
          expect(isSame ? [first, second] : [first]).toContain(found)
          expect([round, ...vendors.map((org) => valueAt(org, record, 'Email'))]).toEqual([round, latest, latest, latest])
          for (const org of partners) expect(mirrored(org, copy, 'Email')).toBe(latest)
          for (const org of vendors) expect(mirrored(org, record, 'Email')).toBe(`second${round}@pine.example`)
          if (!isSame) for (const org of vendors) expect(valueAt(org, record, 'Company')).toBe(`Vista ${round}`)
        }
      }
    }
    for (let second = 0; second < 20; second++) {
      clock.advance(1_000)
      await pass(5)
    }
    await settle()
    for (const devices of [vendors, partners]) expect(new Set(devices.map(stateOf)).size).toBe(1)
    for (const org of [...vendors, ...partners]) {
      expect(org.sync.status().signed.map(({ state }) => state)).toEqual(Array.from({ length: 8 }, () => 'signed'))
      // That device is told of its clock.
      if (org !== v3) expect(org.problems).toEqual([])
    }
    expect(v1.connections.get(connection)?.state).toBe('Enabled')
  }, 60_000)
})
