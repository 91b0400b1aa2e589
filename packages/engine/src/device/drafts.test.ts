import { describe, expect, it } from 'vitest'
import { lead, MemoryBrowser, setup } from '../testing/index.js'
import { draftBounds } from './drafts.js'

describe('what Vera types and does not save', () => {
  it('is there again after the tab was killed, and no more once it is saved', async () => {
    const { vera, reload } = await setup()
    const id = await vera.records.create('Lead', lead('Ada'))
    await vera.drafts.keep('Lead', id, { Company: 'Apex', Phone: '+49 3' })
    const again = await reload(vera)
    expect(again.drafts.of('Lead', id)).toMatchObject({ isNew: false, values: { Company: 'Apex', Phone: '+49 3' }, changed: [] })
    // Saved, and killed before the form could drop the draft.
    await again.records.edit('Lead', id, { Company: 'Apex', Phone: '+49 3' })
    expect(again.drafts.of('Lead', id)).toBeUndefined()
    await again.drafts.drop('Lead', id)
    expect(await again.store.scan(['draft'])).toEqual([])
  })

  it('says which of its fields somebody else changed meanwhile', async () => {
    const { vera } = await setup()
    const id = await vera.records.create('Lead', lead('Ada'))
    await vera.drafts.keep('Lead', id, { Company: 'Apex', Phone: '1' })
    await vera.records.edit('Lead', id, { Company: 'Apollo', Email: 'ada@apollo.example' })
    await vera.drafts.keep('Lead', id, { Company: 'Apex Inc' })
    expect(vera.drafts.of('Lead', id)).toMatchObject({ values: { Company: 'Apex Inc', Phone: '1' }, changed: ['Company'] })
    // Typed back to what is saved: nothing of it is left.
    await vera.drafts.keep('Lead', id, { Company: 'Apollo' })
    expect(vera.drafts.of('Lead', id)?.values).toEqual({ Phone: '1' })
  })

  it('of a new record goes with its creation, in one transaction', async () => {
    const { vera, reload } = await setup()
    await vera.drafts.keep('Lead', 'form-1', lead('Ada'))
    await vera.drafts.keep('Lead', 'form-2', { LastName: 'Bob' })
    expect(vera.drafts.list().map(({ id, isNew }) => [id, isNew])).toEqual([
      ['form-1', true],
      ['form-2', true],
    ])
    let refused = 0
    vera.store.hold()
    const created = vera.records.create('Lead', lead('Ada'), 'form-1').catch(() => refused++)
    // Killed before the transaction: the draft is there, the record is not.
    const killed = await reload(vera)
    await created
    expect([killed.records.list('Lead').total, killed.drafts.list().length]).toEqual([0, 2])
    await killed.records.create('Lead', lead('Ada'), 'form-1')
    const again = await reload(killed)
    expect([again.records.list('Lead').total, again.drafts.list().map(({ id }) => id)]).toEqual([1, ['form-2']])
    expect(refused).toBe(1)
  })

  it('is the same in each tab: of each field what was typed last', async () => {
    const browser = new MemoryBrowser()
    const { vera, open, settle } = await setup({ vera: { browser } })
    const other = await open({ browser, store: vera.store })
    const id = await vera.records.create('Lead', lead('Ada'))
    await vera.drafts.keep('Lead', id, { Company: 'Apex' })
    await other.drafts.keep('Lead', id, { Phone: '1' })
    await settle()
    for (const tab of [vera, other]) expect(tab.drafts.of('Lead', id)?.values).toEqual({ Company: 'Apex', Phone: '1' })
  })

  it('leaves neither the device nor the bounds', async () => {
    const { vera, settle } = await setup()
    const id = await vera.records.create('Lead', lead('Ada'))
    await settle()
    await vera.drafts.keep('Lead', id, { Description: 'A secret' })
    expect(vera.sync.status().waiting).toBe(0)
    for (let count = 0; count < draftBounds.drafts + 5; count++) await vera.drafts.keep('Lead', `form-${count}`, { LastName: 'x' })
    expect(vera.drafts.list()).toHaveLength(draftBounds.drafts)
    await expect(vera.drafts.keep('Lead', id, { Description: 'x'.repeat(draftBounds.characters) })).rejects.toMatchObject({ code: 'SIZE' })
    await expect(vera.drafts.keep('Lead', id, { Description: () => 1 })).rejects.toMatchObject({ code: 'INVALID' })
  })

  it.each(['Agreement', 'SharingRule'] as const)('may be of an object that is no record: %s', async (object) => {
    const { vera, connection, reload } = await setup({ upTo: 'agreed' })
    await vera.drafts.keep(object, connection, { draft: '{"acceptance":{}}' })
    const again = await reload(vera)
    expect(again.drafts.of(object, connection)?.values).toEqual({ draft: '{"acceptance":{}}' })
    await again.drafts.drop(object, connection)
    expect(again.drafts.list()).toEqual([])
  })

  it('of a record that was deleted comes back with it', async () => {
    const { vera } = await setup()
    const id = await vera.records.create('Lead', lead('Ada'))
    await vera.drafts.keep('Lead', id, { Company: 'Apex' })
    await vera.records.remove('Lead', id)
    expect(vera.drafts.list()).toEqual([])
    await vera.undo.run(vera.undo.last('Lead', id)?.id ?? '')
    expect(vera.drafts.of('Lead', id)?.values).toEqual({ Company: 'Apex' })
  })
})
