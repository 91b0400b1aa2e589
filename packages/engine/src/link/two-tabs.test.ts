import { parseKey } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import type { OpenSocket } from '../port/socket.js'
import type { Tabs } from '../port/tabs.js'
import { connectionFeed } from '../replica/feed-role.js'
import { valueOf } from '../row/row.js'
import { mapEdit, MemoryBrowser, type MemoryDevice, openMemoryDevice, sampleConnection, setup, vendorOrg } from '../testing/index.js'

const map = 'map-of-the-first-lead0'
const vendorLeads = connectionFeed(sampleConnection, 'vendor', 'lead')

it('Vera’s second tab follows: the first sends what she saves in either, until she closes it and the second leads (row 49)', async () => {
  const { vera, paul, clock, network, until } = await setup({ level: 'replica' })
  let dialled = 0
  const openSocket: OpenSocket = (url, events) => {
    dialled++
    return network.relay.openSocket(url, events)
  }
  const browser = new MemoryBrowser()
  const openTab = () =>
    openMemoryDevice({ org: vendorOrg, store: vera.store, openSocket, clock, random: network.random(), tabs: browser.open() })
  const [first, second] = [await openTab(), await openTab()]
  for (const { link } of [paul, first, second]) link.start()
  const save = (tab: MemoryDevice, name: string) => tab.rows.save([{ object: 'Lead', id: 'lead-1', values: { Name: name } }])
  const arrives = (name: string): Promise<void> =>
    until(`Paul sees ${name}`, () => paul.replica.peerDocs(vendorLeads).get(parseKey(map))?.registers['0']?.[1] === name)

  await save(first, 'Ada')
  await first.rows.save([mapEdit(map, 'lead-1')])
  await arrives('Ada')
  await save(second, 'Ada Lovelace')
  await arrives('Ada Lovelace')
  expect(valueOf(first.rows.get('Lead', 'lead-1'), 'Name')).toBe('Ada Lovelace')
  expect(first.link.status()).toMatchObject({ leader: true, state: 'online' })
  // The second says what the first says of the line: it has none itself.
  expect(second.link.status()).toMatchObject({ leader: false, state: 'online', framesOut: 0 })
  expect(dialled).toBe(1)
  first.link.cut()
  await until('the second tab is told that the line is gone', () => second.link.status().state === 'offline')
  expect(second.link.status().lastSynced).toBe(first.link.status().lastSynced)
  const third = await openTab()
  third.link.start()
  await until('a tab that comes later asks', () => third.link.status().state === 'offline')
  third.close()
  first.link.mend()
  await until('the second tab is told that it is back', () => second.link.status().state === 'online')

  first.close()
  await until('the second tab leads', () => second.link.isSynced)
  expect(second.link.status()).toMatchObject({ leader: true, state: 'online' })
  expect(dialled).toBe(3)
  await save(second, 'Countess of Lovelace')
  await arrives('Countess of Lovelace')
})

describe('what one of Vera’s tabs stored, and did not live to tell the other,', () => {
  const scene = async () => {
    const { vera, paul, clock, network, until } = await setup({ level: 'replica' })
    const { openSocket } = network.relay
    const browser = new MemoryBrowser()
    const openTab = async () => {
      const tabs = browser.open()
      let isDying = false
      const mortal: Tabs = { ...tabs, tell: (message) => isDying || tabs.tell(message) }
      const tab = await openMemoryDevice({ org: vendorOrg, store: vera.store, openSocket, clock, random: network.random(), tabs: mortal })
      return { tab, die: () => (isDying = true) }
    }
    const [one, two] = [await openTab(), await openTab()]
    for (const { link } of [paul, one.tab, two.tab]) link.start()
    const save = (tab: MemoryDevice, id: string, name: string) => tab.rows.save([{ object: 'Lead', id, values: { Name: name } }])
    const seen = (): unknown => paul.replica.peerDocs(vendorLeads).get(parseKey(map))?.registers['0']?.[1]
    await save(one.tab, 'lead-1', 'Ada')
    await one.tab.rows.save([mapEdit(map, 'lead-1')])
    await until('Paul sees Ada', () => seen() === 'Ada')
    return { one, two, save, until, seen, nameOf: (tab: MemoryDevice, id: string) => valueOf(tab.rows.get('Lead', id), 'Name'), paul }
  }

  it('is sent and shown by the one that leads next', async () => {
    const { one, two, save, until, seen, nameOf } = await scene()
    one.tab.link.cut()
    await save(one.tab, 'lead-1', 'Ada Byron')
    one.die()
    await save(one.tab, 'lead-1', 'Ada Lovelace')
    await save(one.tab, 'lead-2', 'Grace')
    one.tab.close()
    await until('the second tab has sent all', () => two.tab.link.isSynced)
    await until('Paul sees Ada Lovelace', () => seen() === 'Ada Lovelace')
    expect([nameOf(two.tab, 'lead-1'), nameOf(two.tab, 'lead-2')]).toEqual(['Ada Lovelace', 'Grace'])
  })

  it('is sent and shown within a minute by the one that leads already', async () => {
    const { one, two, save, until, seen, nameOf, paul } = await scene()
    two.die()
    await save(two.tab, 'lead-1', 'Ada Lovelace')
    await save(two.tab, 'lead-2', 'Grace')
    await two.tab.rows.save([mapEdit('map-of-the-second-lead', 'lead-2')])
    two.tab.close()
    await until('Paul sees Ada Lovelace', () => seen() === 'Ada Lovelace', 61_000)
    await until('Paul sees Grace', () => paul.replica.peerDocs(vendorLeads).has(parseKey('map-of-the-second-lead')))
    expect([nameOf(one.tab, 'lead-1'), nameOf(one.tab, 'lead-2')]).toEqual(['Ada Lovelace', 'Grace'])
  })

  it('is known to the one that leads, now or next, also where it is many records that were stored together', async () => {
    const { one, two, until, nameOf } = await scene()
    const many = (name: string) => Array.from({ length: 12 }, (_, index) => `${name}-${index}`)
    const saveAll = (tab: MemoryDevice, ids: readonly string[]) =>
      tab.rows.save(ids.map((id) => ({ object: 'Lead', id, values: { Name: id } })))
    two.die()
    await saveAll(two.tab, many('grace'))
    await until('the tab that leads knows them', () => many('grace').every((id) => nameOf(one.tab, id) === id), 61_000)
    one.tab.link.cut()
    one.die()
    await saveAll(one.tab, many('mary'))
    one.tab.close()
    await until('the second tab has sent all', () => two.tab.link.isSynced)
    expect(many('mary').map((id) => nameOf(two.tab, id))).toEqual(many('mary'))
  })
})
