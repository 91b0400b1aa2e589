import { describe, expect, it } from 'vitest'
import { lead, setup } from '../testing/index.js'
import { compareCodes, connect, share } from '../testing/steps.js'

const before = ['LastName', 'Company', 'Status']

describe('an agreement that was widened', () => {
  const story = async () => {
    const orgs = await setup({ upTo: 'verified' })
    const { vera, paul, connection, settle, agree, exportListed } = orgs
    await agree(before, ['Status'])
    await vera.sharing.setRule(connection, 'Lead', {
      match: 'all',
      conditions: [{ field: 'LastName', operator: 'notEquals', value: 'Zoe' }],
      added: [],
      hidden: [],
    })
    for (const name of ['Ada', 'Grace', 'Mary'])
      await vera.records.create('Lead', { ...lead(name), Email: `${name}@seller.example`, Phone: '+1 555 0100' })
    await settle()
    await exportListed()
    await settle()
    const copy = (name: string) => paul.records.list('Lead').records.find(({ values }) => values['LastName'] === name)
    expect(copy('Ada')?.values['Email']).toBeUndefined()
    const own = (name: string) => vera.records.list('Lead').records.find(({ values }) => values['LastName'] === name)
    return { ...orgs, copy, own }
  }
  const widen = async ({ paul, vera, connection, settle }: Awaited<ReturnType<typeof story>>) => {
    const fields = vera.records.schema('Lead').fields.filter(({ name }) => [...before, 'Email', 'Phone'].includes(name))
    await vera.agreements.propose(connection, {
      objects: { Lead: { fields: fields.map((field) => ({ field, update: field.name === 'Status' || field.name === 'Email' })) } },
    })
    await settle()
    const chosen = ['Email', 'Phone'].map((name) => ({ source: name, target: name, update: name === 'Email' }))
    await paul.agreements.accept(connection, { objects: { Lead: { fields: paul.agreements.suggest(connection, 'Lead', chosen) } } })
  }

  it('[BF1, RA2] fills in copies that an earlier connection brought, by the listings of the present one', async () => {
    const all = await story()
    const { vera, paul, connection, settle, finish, copy, network } = all
    await vera.connections.disconnect(connection)
    await settle()
    const pair = { network, vendor: vera, partner: paul }
    const again = { ...pair, connection: await connect(pair) }
    await compareCodes(again)
    await settle()
    await widen({ ...all, connection: again.connection })
    await settle()
    await share(again)
    await settle()
    const gaps = () =>
      paul.agreements.gaps(again.connection, 'Lead').map(({ field, ready, waiting }) => [field.partner.name, ready, waiting])
    expect(gaps()).toEqual([
      ['Email', 3, 0],
      ['Phone', 3, 0],
    ])
    expect(await finish(paul.agreements.fillIn(again.connection, 'Lead', ['Phone', 'Email']))).toEqual({ filled: 3, refused: 0 })
    expect(copy('Ada')?.values['Phone']).toBe('+1 555 0100')
    expect(gaps()).toEqual([])
  })

  it('[BF1, SH4] reaches mirrors by itself, and empty fields of copies on Paul’s click; what he holds or emptied stays', async () => {
    const all = await story()
    const { vera, paul, connection, settle, finish, copy, own } = all
    // Paul has his own address for Grace, and has emptied Mary's again.
    await paul.records.edit('Lead', copy('Grace')?.id ?? '', { Email: 'grace@buyer.example' })
    await paul.records.edit('Lead', copy('Mary')?.id ?? '', { Email: 'x@y.example' })
    await paul.records.edit('Lead', copy('Mary')?.id ?? '', { Email: null })
    await widen(all)
    expect(paul.agreements.reached(connection, 'Lead')).toEqual({ records: 3, reached: 0 })
    expect(paul.agreements.gaps(connection, 'Lead').map(({ field, ready, waiting }) => [field.partner.name, ready, waiting])).toEqual([
      ['Email', 0, 1],
      ['Phone', 0, 3],
    ])
    await settle()
    for (const org of [vera, paul]) expect(org.agreements.reached(connection, 'Lead')).toEqual({ records: 3, reached: 3 })
    const mirrored = paul.mirrors.of('Lead', copy('Ada')?.id ?? '')[0]?.fields.find(({ name }) => name === 'Email')
    expect([mirrored?.state, mirrored?.value]).toEqual(['value', 'Ada@seller.example'])
    // An export field comes once: what Vera changes afterwards stays hers.
    await vera.records.edit('Lead', own('Ada')?.id ?? '', { Phone: '+1 555 0199' })
    await settle()
    expect(
      paul.agreements.gaps(connection, 'Lead').map(({ field, copies, ready, waiting }) => [field.partner.name, copies, ready, waiting]),
    ).toEqual([
      ['Email', 3, 1, 0],
      ['Phone', 3, 3, 0],
    ])
    const steps: (readonly [number, number])[] = []
    const result = await finish(
      paul.agreements.fillIn(connection, 'Lead', ['Phone', 'Email'], (done, total) => void steps.push([done, total])),
    )
    expect([result, steps]).toEqual([{ filled: 3, refused: 0 }, [[3, 3]]])
    expect(['Ada', 'Grace', 'Mary'].map((name) => [copy(name)?.values['Phone'], copy(name)?.values['Email'] ?? null])).toEqual([
      ['+1 555 0100', 'Ada@seller.example'],
      ['+1 555 0100', 'grace@buyer.example'],
      ['+1 555 0100', null],
    ])
    // Once more does nothing: a fill-in that was interrupted goes on with what is left.
    expect(paul.agreements.gaps(connection, 'Lead')).toEqual([])
    expect(await finish(paul.agreements.fillIn(connection, 'Lead', ['Phone', 'Email']))).toEqual({ filled: 0, refused: 0 })
    expect(vera.agreements.gaps(connection, 'Lead')).toEqual([])
    await expect(vera.agreements.fillIn(connection, 'Lead', ['Phone'])).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    expect([vera.problems, paul.problems]).toEqual([[], []])
  })

  it('[SH4] lets nothing into the listing of an exported record that was empty when both agreed, and edited since', async () => {
    const all = await story()
    const { vera, paul, connection, settle, finish, own, copy } = all
    await vera.records.edit('Lead', own('Ada')?.id ?? '', { Phone: null })
    await vera.records.edit('Lead', own('Grace')?.id ?? '', { Company: 'A New One' })
    await settle()
    await widen(all)
    await settle()
    await vera.records.edit('Lead', own('Ada')?.id ?? '', { Phone: '+1 555 0199' })
    await settle()
    await finish(paul.agreements.fillIn(connection, 'Lead', ['Phone']))
    expect(copy('Ada')?.values['Phone'] ?? null).toBeNull()
    const listed = paul.site.listings(connection, 'Lead').listings.map(({ values }) => values['Company'])
    expect(listed).not.toContain('A New One')
  })
})
