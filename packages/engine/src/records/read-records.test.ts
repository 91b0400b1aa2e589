import { expect, it } from 'vitest'
import { MemoryStore, setup } from '../testing/index.js'
import { readRecords } from './read-records.js'

it('Vera’s page reads the rows that she saw last from her store, before her org is open', async () => {
  const { vera } = await setup()
  const add = (LastName: string): Promise<string> =>
    vera.records.create('Lead', { LastName, Company: 'Apollo', Status: 'Open - Not Contacted' })
  const [first, second, third] = [await add('Ode'), await add('Pia'), await add('Quin')]
  await vera.records.edit('Lead', second, { Company: 'Bravo' })
  const before = [third, second].map((id) => vera.records.get('Lead', id))
  await vera.records.remove('Lead', first)
  await vera.close()
  const store = vera.store.reopen()
  expect(await readRecords(store, 'Lead', [third, first, 'nowhere', second])).toEqual(before)
})

it('reads nothing that a newer version has written', async () => {
  const store = new MemoryStore()
  await store.update([], () => ({ writes: [{ put: ['meta', 'version'], value: 2 }], result: undefined }))
  expect(await readRecords(store, 'Lead', ['one'])).toEqual([])
})
