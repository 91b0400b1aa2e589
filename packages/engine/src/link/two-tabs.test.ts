import { parseKey } from '@entente/protocol'
import { expect, it } from 'vitest'
import type { OpenSocket } from '../port/socket.js'
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
