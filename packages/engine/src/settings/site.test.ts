import { describe, expect, it } from 'vitest'
import { messageEdit, requireConnection } from '../connect/connection-facts.js'
import type { PartnerSite } from '../index.js'
import { type MemoryOrg, setup } from '../testing/index.js'

const site: PartnerSite = {
  name: 'Deals for Pine',
  introduction: 'Choose what you want to work on. Ask Vera about anything else.',
  objects: {
    Lead: {
      columns: ['Company', 'LastName', 'Phone'],
      sort: [{ field: 'Company', direction: 'descending' }],
      conditions: [
        { field: 'Status', operator: 'notEquals', value: 'Closed - Converted' },
        { field: 'Phone', operator: 'isNotEmpty' },
      ],
    },
  },
}

const asMember = (org: MemoryOrg): Promise<unknown> => {
  Object.defineProperty(org.user, 'role', { value: 'member' })
  return Promise.resolve()
}

describe('how a partner site looks', () => {
  it('[PE3] reaches the partner, which sees what fits the fields that are agreed', async () => {
    const { vera, paul, settle, connection } = await setup({ upTo: 'agreed' })
    expect(paul.settings.site(connection)).toEqual({ name: '', introduction: '', objects: {} })
    await vera.settings.changeSite(connection, site)
    await settle()
    expect(vera.settings.site(connection)).toEqual(site)
    // Phone is not agreed.
    expect(paul.settings.site(connection)).toEqual({
      ...site,
      objects: {
        Lead: {
          columns: ['Company', 'LastName'],
          sort: [{ field: 'Company', direction: 'descending' }],
          conditions: [{ field: 'Status', operator: 'notEquals', value: 'Closed - Converted' }],
        },
      },
    })
    await vera.settings.changeSite(connection, { name: '', introduction: '', objects: {} })
    await settle()
    expect(paul.settings.site(connection)).toEqual({ name: '', introduction: '', objects: {} })
  })

  it('waits until both have compared the codes', async () => {
    const { vera, paul, settle, connection } = await setup({ upTo: 'connected' })
    await vera.settings.changeSite(connection, site)
    await settle()
    expect(paul.settings.site(connection).name).toBe('')
    for (const org of [vera, paul]) await org.connections.compareCodes(connection, true)
    await settle()
    expect(paul.settings.site(connection).name).toBe(site.name)
  })

  it.each<[string, Partial<PartnerSite>]>([
    ['a name of 81 characters', { name: 'x'.repeat(81) }],
    ['a name that turns the line around', { name: 'Deals \u202egnirts' }],
    ['an introduction with a control character', { introduction: 'Choose\u0007' }],
    ['an introduction of two lines', { introduction: 'Choose\nnow' }],
    ['half of a character', { introduction: 'Choose \ud800' }],
    ['an introduction of 1,001 characters', { introduction: 'x'.repeat(1_001) }],
    ['a column that there is not', { objects: { Lead: { columns: ['Nothing'] } } }],
    [
      'a condition that does not fit its field',
      { objects: { Lead: { conditions: [{ field: 'DoNotCall', operator: 'contains', value: 'x' }] } } },
    ],
    ['51 columns', { objects: { Lead: { columns: Array<string>(51).fill('Company') } } }],
  ])('is refused with %s, and nothing changes', async (_, part) => {
    const { vera, connection } = await setup({ upTo: 'connected' })
    await expect(vera.settings.changeSite(connection, { ...site, ...part })).rejects.toMatchObject({ code: 'INVALID' })
    expect(vera.settings.site(connection).name).toBe('')
  })

  it('is the vendor’s admin’s to choose', async () => {
    const { vera, paul, connection } = await setup({ upTo: 'connected' })
    await expect(paul.settings.changeSite(connection, site)).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    await asMember(vera)
    await expect(vera.settings.changeSite(connection, site)).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    await expect(vera.settings.change({ pages: { Lead: { lists: [] } } })).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
  })

  it.each<[string, (good: PartnerSite) => unknown]>([
    ['hidden characters', (good) => ({ ...good, name: 'Deals \u202egnirts' })],
    ['a text that is too long', (good) => ({ ...good, introduction: 'x'.repeat(1_001) })],
    ['what is no list of columns', (good) => ({ ...good, objects: { Lead: { columns: 'Company' } } })],
    [
      'a condition of an unknown kind',
      (good) => ({ ...good, objects: { Lead: { conditions: [{ field: 'Company', operator: 'eval' }] } } }),
    ],
    ['a field named __proto__', (good) => ({ ...good, objects: { Lead: { columns: ['__proto__'] } } })],
    ['nothing of what it should be', () => ({})],
  ])('[PE3] is not taken from a peer with %s (row 65)', async (_, spoil) => {
    const { vera, paul, settle, connection } = await setup({ upTo: 'verified' })
    await vera.settings.changeSite(connection, site)
    await settle()
    const jws = await vera.identity.signDecision('site', { connection, ...(spoil(site) as object) })
    await vera.rows.save([messageEdit(requireConnection(vera.rows, connection).ownMessages, 'site', jws)])
    await settle()
    expect(paul.settings.site(connection).name).toBe(site.name)
    expect(paul.problems.join(' ')).toContain('The look of the partner site of Vista was refused: it is not of the agreed form.')
  })
})

describe('how record pages look', () => {
  it('is chosen by object, and goes back to the usual', async () => {
    const { vera } = await setup({ upTo: 'opened' })
    const usual = { lists: ['mirrors', 'changes', 'shares'] }
    expect(vera.settings.read().pages).toEqual({ Lead: usual, Opportunity: usual })
    const pages = { Lead: { lists: ['shares', 'mirrors'], mirrorFields: ['Status', 'Email'] } } as const
    await vera.settings.change({ pages })
    expect(vera.settings.read().pages).toEqual({ Lead: pages.Lead, Opportunity: usual })
    await vera.settings.change({ pages: { Lead: null } })
    expect(vera.settings.read().pages).toEqual({ Lead: usual, Opportunity: usual })
    await expect(vera.settings.change({ pages: { Lead: { lists: ['mirrors', 'mirrors'] } } })).rejects.toMatchObject({ code: 'INVALID' })
  })
})
