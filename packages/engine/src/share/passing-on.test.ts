import type { ConnectionId } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { compareCodes } from '../testing/steps.js'
import { connect, enabledConnection, lead, leadFields, type MemoryOrg, setup } from '../testing/index.js'

const acme = { match: 'all', conditions: [{ field: 'Company', operator: 'equals', value: 'Acme' }], added: [], hidden: [] } as const

async function agreeOn(vendor: MemoryOrg, partner: MemoryOrg, connection: ConnectionId, settle: () => Promise<void>, passOn = false) {
  const fields = leadFields.flatMap((name) => vendor.records.schema('Lead').fields.filter((field) => field.name === name))
  await vendor.agreements.propose(connection, {
    objects: { Lead: { fields: fields.map((field) => ({ field, update: false })), ...(passOn && { passOn }) } },
  })
  await settle()
  await partner.agreements.accept(connection, { objects: { Lead: { fields: partner.agreements.suggest(connection, 'Lead') } } })
  await settle()
}

describe('what Paul imported from Vera', () => {
  it('[SH5] is listed to Zoe only where Vera’s agreement lets it be passed on and Paul’s rule says so', async () => {
    const { vera, paul, connection, copy, open, network } = await setup({ upTo: 'exported' })
    const zoe = await open({ orgName: 'Zoe & Co', userName: 'Zoe' })
    const settle = (): Promise<void> => network.settle(vera, paul, zoe)
    await connect({ network, vendor: paul, partner: zoe })
    const next = enabledConnection(zoe)?.id
    if (!next) throw new Error('Zoe is not connected.')
    await compareCodes({ network, vendor: paul, partner: zoe, connection: next })
    await agreeOn(paul, zoe, next, settle)
    const own = await paul.records.create('Lead', lead('Own'))
    const shown = async (copies?: boolean): Promise<readonly string[]> => {
      await paul.sharing.setRule(next, 'Lead', { ...acme, ...(copies !== undefined && { copies }) })
      await settle()
      expect(zoe.site.listings(next, 'Lead').total).toBe(paul.sharing.visible(next, 'Lead').length)
      return [...paul.sharing.visible(next, 'Lead')].sort()
    }
    expect(await shown()).toEqual([own])
    expect(await shown(true)).toEqual([own])
    // A record that is added by hand is a copy all the same.
    await paul.sharing.setRule(next, 'Lead', { ...acme, added: [copy], copies: true })
    await settle()
    expect(paul.sharing.visible(next, 'Lead')).toEqual([own])
    await agreeOn(vera, paul, connection, settle, true)
    expect(await shown()).toEqual([own])
    expect(await shown(true)).toEqual([own, copy].sort())
    expect(paul.sharing.count(next, 'Lead', { ...acme, copies: true })).toBe(2)
    // Vera takes the permission back with her next version, and the listing goes.
    await agreeOn(vera, paul, connection, settle)
    await settle()
    expect(paul.sharing.visible(next, 'Lead')).toEqual([own])
    expect(zoe.site.listings(next, 'Lead').total).toBe(1)
  })
})
