import { describe, expect, it } from 'vitest'
import { dirtyFlagsUnder } from './stored.js'
import { lead, MemoryBrowser, type MemoryOrg, setup } from '../testing/index.js'

const many = leads(140)

function leads(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `lead-${index + 1000}`)
}

/** In how many entries of the store leads are flagged, and how many of them. */
async function flagged({ store }: MemoryOrg): Promise<readonly [entries: number, leads: number]> {
  const entries = (await store.scan(['dirty']))
    .map(([key, value]) => dirtyFlagsUnder(key, value).flatMap(([, , address]) => (address?.[0] === 'Lead' ? address[1] : [])))
    .filter((ids) => ids.length > 0)
  return [entries.length, new Set(entries.flat()).size]
}

/** Vera, without a line, saves many leads at once. */
async function savedOffline(ids = many) {
  const browser = new MemoryBrowser()
  const made = await setup({ vera: { browser } })
  const { vera, settle } = made
  await settle()
  vera.sync.cut()
  await vera.rows.save(ids.map((id) => ({ object: 'Lead', id, values: lead(id) })))
  return { ...made, browser }
}

describe('dirty flags that are set together', () => {
  it('are an entry of the store for a hundred; all have gone once the relay has the records', async () => {
    const { vera, settle } = await savedOffline()
    expect(await flagged(vera)).toEqual([2, 140])
    vera.sync.mend()
    await settle()
    expect([await flagged(vera), vera.sync.status().waiting]).toEqual([[0, 0], 0])
  })

  it('wait in the store for the next page, beside those of one record', async () => {
    const { vera, open, browser, settle } = await savedOffline()
    await vera.records.edit('Lead', many[3] ?? '', { Company: 'Three AG' })
    expect(await flagged(vera)).toEqual([3, 140])
    await vera.close()
    const again = await open({ ...vera.options, store: vera.store.reopen(), browser })
    expect(again.sync.status().waiting).toBeGreaterThanOrEqual(140)
    again.sync.mend()
    await settle(again)
    expect([await flagged(again), again.sync.status().waiting]).toEqual([[0, 0], 0])
  })

  it('are cleared by the tab that leads, also those that another tab set again', async () => {
    const { vera, open, browser, settle } = await savedOffline()
    const second = await open({ ...vera.options, store: vera.store, browser })
    await second.rows.save(many.slice(0, 20).map((id) => ({ object: 'Lead', id, values: { Company: `${id} AG` } })))
    expect(await flagged(vera)).toEqual([3, 140])
    vera.sync.mend()
    // The tab that follows is at rest at once.
    await settle(vera, second)
    expect([await flagged(vera), vera.sync.status().waiting, second.sync.status().waiting]).toEqual([[0, 0], 0, 0])
  })

  it('are kept of the records that the relay has not taken yet', async () => {
    const { vera, network, open, browser, settle } = await savedOffline(leads(700))
    vera.sync.mend()
    // A line that is cut again on the way: some are through, the others wait, on the next page as well.
    await network.until('the relay has some', () => vera.sync.status().waiting < 650)
    vera.sync.cut()
    const [entries, left] = await flagged(vera)
    expect(left).toBeGreaterThan(0)
    await vera.close()
    const again = await open({ ...vera.options, store: vera.store.reopen(), browser })
    expect(await flagged(again)).toEqual([entries, left])
    again.sync.mend()
    await settle(again)
    expect([await flagged(again), again.sync.status().waiting]).toEqual([[0, 0], 0])
  })
})
