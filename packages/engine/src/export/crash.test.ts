import type { Side } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../testing/index.js'
import { connection, lead, openAgreed, openOrg, type Org, settle, type Wire } from './two-orgs.js'
import { textOf } from '../replica/feed-role.js'

/** A store whose device loses power at a chosen transaction: that one and all after it are not there, until the org is opened again. */
class FragileStore {
  readonly store: MemoryStore
  crashed = false
  commits = 0
  #crashAt = Number.POSITIVE_INFINITY

  constructor() {
    this.store = new MemoryStore({
      beforeCommit: () => {
        if (++this.commits >= this.#crashAt) this.crashed = true
        if (this.crashed) throw new Error('The power went out.')
      },
    })
  }

  arm(crashAt: number): void {
    this.commits = 0
    this.#crashAt = crashAt
  }

  mend(): void {
    this.crashed = false
    this.#crashAt = Number.POSITIVE_INFINITY
  }
}

interface Story {
  readonly orgs: Record<Side, Org>
  readonly fragile: Readonly<Record<Side, FragileStore>>
  readonly wire: Wire
}

const copiesOf = (org: Org) => [...org.context.rows.list('Lead').values()].filter((row) => row.id.startsWith('x'))

/** Runs an export to its end, with a crash of one org at its n-th transaction. Tells how many transactions that org made. */
async function exportWithCrash(
  side: Side,
  crashAt: number,
): Promise<{ readonly story: Story; readonly commits: number; readonly crashed: boolean }> {
  const fragile = { vendor: new FragileStore(), partner: new FragileStore() }
  const stores = { vendor: fragile.vendor.store, partner: fragile.partner.store }
  const { vera, paul, wire } = await openAgreed({ stores })
  const story: Story = { orgs: { vendor: vera, partner: paul }, fragile, wire }
  await vera.records.create('Lead', lead('Ada'))
  await vera.records.create('Lead', lead('Bob'))
  await settle(wire, vera, paul)
  fragile[side].arm(crashAt)
  let [commits, crashed] = [0, false]
  for (let tries = 0; tries < 4; tries++) {
    try {
      const { site } = story.orgs.partner
      if (site.jobs().length === 0) {
        const { listings } = site.listings(connection, 'Lead')
        await site.export(
          connection,
          'Lead',
          listings.map(({ id }) => id),
        )
      }
      await settle(wire, story.orgs.vendor, story.orgs.partner)
    } catch (error) {
      if (!fragile[side].crashed) throw error
    }
    if (!fragile[side].crashed) break
    crashed = true
    story.orgs[side].close()
    fragile[side].mend()
    // What was in memory is gone; the store is what it was after the last whole transaction.
    story.orgs[side] = await openOrg(side, { store: story.orgs[side].store.loseTail(0) })
  }
  commits = fragile[side].commits
  return { story, commits, crashed }
}

function expectOneCopyEach({ orgs: { vendor, partner } }: Story): void {
  expect(
    copiesOf(partner)
      .map((row) => textOf(row, 'LastName') ?? '')
      .toSorted((a, b) => (a < b ? -1 : 1)),
  ).toEqual(['Ada', 'Bob'])
  expect(partner.site.jobs()).toHaveLength(1)
  expect(partner.site.jobs()[0]).toMatchObject({ total: 2, imported: 2, failed: 0, done: true })
  for (const map of vendor.context.rows.list('RecordMap').values()) {
    expect(vendor.records.shares('Lead', textOf(map, 'record') ?? '')[0]).toMatchObject({ on: true, outbound: 'UpdateSuccess' })
  }
  expect(vendor.context.rows.list('RecordMap').size).toBe(2)
  for (const copy of copiesOf(partner)) expect(partner.mirrors.of('Lead', copy.id)[0]?.state).toBe('live')
}

describe('an export over a crash at any transaction', () => {
  it.each(['vendor', 'partner'] as const)('[EX1, IM3, MS2] makes exactly one copy of each record, wherever the %s stops', async (side) => {
    const whole = await exportWithCrash(side, Number.POSITIVE_INFINITY)
    expectOneCopyEach(whole.story)
    expect(whole.commits).toBeGreaterThan(5)
    for (let crashAt = 1; crashAt <= whole.commits; crashAt++) {
      const { story, crashed } = await exportWithCrash(side, crashAt)
      expect(crashed).toBe(true)
      expectOneCopyEach(story)
    }
  })
})

describe('two devices of the partner', () => {
  it('[IM1, IM2] that import the same package make the same copy, and the later one writes over no edit', async () => {
    const { vera, paul, wire } = await openAgreed()
    await vera.records.create('Lead', lead('Ada'))
    await settle(wire, vera, paul)
    // The second device is a clone that has not seen the import when the first has.
    await paul.site.export(
      connection,
      'Lead',
      paul.site.listings(connection, 'Lead').listings.map(({ id }) => id),
    )
    await settle(wire, paul)
    await settle(wire, vera)
    const before = structuredClone([...paul.context.rows.list('ExportRequest').values()])
    await paul.sync(wire)
    paul.reconcilers.poke()
    await paul.reconcilers.settled()
    const [copy] = copiesOf(paul)
    await paul.records.edit('Lead', copy?.id ?? '', { LastName: 'Lovelace' })
    const other = await openOrg('partner', { store: new MemoryStore() })
    await other.context.rows.save(
      [...paul.context.rows.list('Connection').values(), ...paul.context.rows.list('Agreement').values(), ...before].map((row) => ({
        object: row.object,
        id: row.id,
        values: Object.fromEntries(Object.entries(row.registers).map(([name, [, value]]) => [name, value])),
      })),
    )
    await other.sync(wire)
    other.reconcilers.start()
    await other.reconcilers.settled()
    expect(copiesOf(other).map(({ id }) => id)).toEqual([copy?.id])
    paul.context.rows.take(copiesOf(other), 'tab')
    expect(paul.records.get('Lead', copy?.id ?? '')?.values['LastName']).toBe('Lovelace')
  })
})
