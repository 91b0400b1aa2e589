import { expect, it, vi } from 'vitest'
import { connectionFacts } from './connect/connection-facts.js'
import type { Store } from './port/store.js'
import { teamFeed } from './replica/feed-role.js'
import { MemoryBrowser, setup } from './testing/index.js'

/** Has a store give the docs of a feed only once it is let. What it gives then it has read before. */
function holdBack(store: Store, feed: string): { letGo(): void } {
  let letGo = (): void => undefined
  const gone = new Promise<void>((resolve) => (letGo = resolve))
  const scan = store.scan.bind(store)
  vi.spyOn(store, 'scan').mockImplementation(async (prefix, options) => {
    const page = await scan(prefix, options)
    if (prefix[0] === 'doc' && prefix[1] === feed) await gone
    return page
  })
  return { letGo }
}

it('a tab shows and saves records before it has read the docs of the team, and keeps what came meanwhile', async () => {
  const browser = new MemoryBrowser()
  const scene = await setup({ upTo: 'exported', vera: { browser } })
  const { vera, paul, record, copy, settle, until } = scene
  const held = holdBack(vera.store, teamFeed(vera.org.id, 'rows'))
  const second = await scene.open({ ...vera.options, store: vera.store, browser })
  expect(second.records.get('Lead', record)?.values['LastName']).toBeDefined()
  await second.records.edit('Lead', record, { Company: 'Apollo' })
  await vera.records.edit('Lead', record, { Status: 'Working - Contacted' })
  await settle(vera)
  held.letGo()
  const sequences = (tab: typeof vera) => Array.from({ length: 40 }, (_, sequence) => tab.replica.rowsAfter(sequence, []))
  await until('the docs are read', () => second.replica.rowsAfter(0, []) > 1)
  expect(sequences(second)).toEqual(sequences(vera))
  vera.tab.close()
  await until('the second tab leads', () => second.sync.status().state === 'online')
  await second.records.edit('Lead', record, { Status: 'Closed - Not Converted' })
  await settle(second)
  expect(second.sync.status().waiting).toBe(0)
  expect(second.problems).toEqual([])
  const fields = paul.mirrors.of('Lead', copy)[0]?.fields
  expect(fields?.find(({ name }) => name === 'Status')?.value).toBe('Closed - Not Converted')
})

it('what messages say is stored as text, which a tab reads once somebody asks', async () => {
  const { vera, paul, connection, reload } = await setup({ upTo: 'exported' })
  const feed = connectionFacts(vera.rows.get('Connection', connection))?.ownMessages
  if (!feed) throw new Error('The orgs are not connected.')
  const said = (org: typeof vera) => new Map([...org.replica.inbox(feed)].map(([key, { body, stamp }]) => [key, [body, stamp]]))
  const before = said(paul)
  const stored = await paul.store.scan(['doc', feed])
  const parse = vi.spyOn(JSON, 'parse')
  const again = await reload(paul)
  const parsed = parse.mock.calls.map(([text]) => text)
  vi.restoreAllMocks()
  const [key, listing] = [...again.replica.inbox(feed)].find(([name]) => name.startsWith('l.')) ?? []
  const text = JSON.stringify(listing?.body)
  expect(text).toContain('"object":"Lead"')
  expect(stored).toContainEqual([['doc', feed, key], expect.objectContaining({ body: text })])
  expect(parsed).not.toContain(text)
  expect(listing?.body).toBe(listing?.body)
  expect(said(again)).toEqual(before)
})
