import type { Side } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { exportListed, lead, type MemoryOrg, MemoryStore, setup } from '../testing/index.js'
import { textOf } from '../replica/feed-role.js'

/** A store whose device loses power at a chosen transaction: that one and all after it are not there, until the org is opened again. */
class FragileStore {
  readonly store: MemoryStore
  crashed = false
  #commits = 0
  #crashAt = Number.POSITIVE_INFINITY

  constructor() {
    this.store = new MemoryStore({
      beforeCommit: () => {
        if (++this.#commits >= this.#crashAt) this.crashed = true
        if (this.crashed) throw new Error('The power went out.')
      },
    })
  }

  arm(crashAt: number): void {
    this.#commits = 0
    this.#crashAt = crashAt
  }

  mend(): void {
    this.crashed = false
    this.#crashAt = Number.POSITIVE_INFINITY
  }
}

interface Story {
  readonly orgs: Record<Side, MemoryOrg>
  readonly fragile: Readonly<Record<Side, FragileStore>>
}

const copiesOf = (org: MemoryOrg) => [...org.rows.list('Lead').values()].filter((row) => row.id.startsWith('x'))

/** Runs an export to its end, with a crash of one org at its n-th transaction, where it makes that many. */
async function exportWithCrash(side: Side, crashAt: number): Promise<{ readonly story: Story; readonly crashed: boolean }> {
  const fragile = { vendor: new FragileStore(), partner: new FragileStore() }
  const { vera, paul, connection, network, settle, until, reload } = await setup({
    upTo: 'shared',
    vera: { store: fragile.vendor.store },
    paul: { store: fragile.partner.store },
  })
  const story: Story = { orgs: { vendor: vera, partner: paul }, fragile }
  const { orgs } = story
  await vera.records.create('Lead', lead('Ada'))
  await vera.records.create('Lead', lead('Bob'))
  await settle()
  fragile[side].arm(crashAt)
  let crashed = false
  for (let tries = 0; tries < 4; tries++) {
    try {
      if (orgs.partner.site.jobs().length === 0) await exportListed({ network, connection, ...orgs })
      await until('rest or a crash', () => fragile[side].crashed || network.isAtRest())
    } catch (error) {
      if (!fragile[side].crashed) throw error
    }
    if (!fragile[side].crashed) break
    crashed = true
    fragile[side].mend()
    // What was in memory is gone; the store is what it was after the last whole transaction.
    orgs[side] = await reload(orgs[side])
  }
  return { story, crashed }
}

function expectOneCopyEach({ orgs: { vendor, partner } }: Story): void {
  expect(
    copiesOf(partner)
      .map((row) => textOf(row, 'LastName') ?? '')
      .toSorted((a, b) => (a < b ? -1 : 1)),
  ).toEqual(['Ada', 'Bob'])
  expect(partner.site.jobs()).toHaveLength(1)
  expect(partner.site.jobs()[0]).toMatchObject({ total: 2, imported: 2, failed: 0, done: true })
  for (const map of vendor.rows.list('RecordMap').values()) {
    expect(vendor.records.shares('Lead', textOf(map, 'record') ?? '')[0]).toMatchObject({ on: true, outbound: 'ExportSuccess', errors: [] })
  }
  expect(vendor.rows.list('RecordMap').size).toBe(2)
  for (const copy of copiesOf(partner)) expect(partner.mirrors.of('Lead', copy.id)[0]?.state).toBe('live')
}

describe('an export over a crash at any transaction', () => {
  it.each(['vendor', 'partner'] as const)(
    '[EX1, IM3, MS2] makes exactly one copy of each record, wherever the %s stops',
    { timeout: 120_000 },
    async (side) => {
      let crashes = 0
      for (;;) {
        const { story, crashed } = await exportWithCrash(side, crashes + 1)
        expectOneCopyEach(story)
        if (!crashed) break
        crashes++
      }
      expect(crashes).toBeGreaterThan(5)
    },
  )
})

describe('a copy', () => {
  it('[ST4, IM1] carries the stamp of the request, so that no vendor decides which of Paul’s edits wins', async () => {
    const { vera, paul, settle, exportListed } = await setup({ upTo: 'shared' })
    await vera.records.create('Lead', lead('Ada'))
    await settle()
    await exportListed()
    await settle()
    const [request] = paul.rows.list('ExportRequest').values()
    const asked = request?.registers['listings']?.[0]
    const [copy] = copiesOf(paul)
    const record = [...paul.rows.list('Lead').values()].find(({ id }) => id === copy?.id)
    expect(record?.registers['LastName']?.[0]).toEqual(asked)
    await paul.records.edit('Lead', copy?.id ?? '', { LastName: 'Lovelace' })
    expect(paul.records.get('Lead', copy?.id ?? '')?.values['LastName']).toBe('Lovelace')
  })
})

describe('two devices of the partner', () => {
  it('[IM1, IM2] that import the same package make the same copy, and the later one writes over no edit', async () => {
    const { vera, paul, settle, until, exportListed, openAnotherDevice } = await setup({ upTo: 'shared' })
    await vera.records.create('Lead', lead('Ada'))
    await settle()
    vera.sync.cut()
    await exportListed()
    await settle(paul)
    // The second device has not seen the import when the first has: Paul's line breaks before it tells the result.
    const other = await openAnotherDevice(paul, { cut: true })
    vera.sync.mend()
    await until('Paul has imported', () => copiesOf(paul).length > 0)
    paul.sync.cut()
    const [copy] = copiesOf(paul)
    await paul.records.edit('Lead', copy?.id ?? '', { LastName: 'Lovelace' })
    other.sync.mend()
    await settle(other, vera)
    expect(copiesOf(other).map(({ id }) => id)).toEqual([copy?.id])
    paul.rows.take(copiesOf(other), 'tab')
    expect(paul.records.get('Lead', copy?.id ?? '')?.values['LastName']).toBe('Lovelace')
  })
})
