import { describe, expect, it } from 'vitest'
import type { Engine } from '../api/index.js'
import { enabledConnection, lead, setup } from '../testing/index.js'

describe('two engines at a relay', () => {
  it('[EP2, EP3, DF2] connect, agree, share, export and keep each other’s mirrors current, also over a narrower agreement', async () => {
    const { until, vera, paul, connection, agree, exportListed, settle, clock } = await setup({ upTo: 'shared', verified: false })
    const both = [vera, paul]
    expect(enabledConnection(vera)?.code).toBe(enabledConnection(paul)?.code)
    const record = await vera.records.create('Lead', lead('Ada'))
    await settle()
    const listings = () => paul.site.listings(connection, 'Lead').listings
    expect(listings()).toHaveLength(0)
    await expect(paul.site.export(connection, 'Lead', ['A'.repeat(22)])).rejects.toMatchObject({ code: 'NOT_VERIFIED' })
    for (const engine of both) await engine.connections.compareCodes(connection, true)
    await settle()
    expect(listings()).toHaveLength(1)
    expect(paul.site.obstacle(connection)).toBeUndefined()

    await exportListed()
    await settle()
    const copy = listings()[0]?.copy ?? ''
    expect(paul.mirrors.of('Lead', copy)[0]?.state).toBe('live')
    await paul.records.edit('Lead', copy, { Status: 'Working - Contacted' })
    await vera.records.edit('Lead', record, { Email: 'new@acme.example' })
    await settle()
    const mirrored = (engine: Engine, own: string, name: string) =>
      engine.mirrors.of('Lead', own)[0]?.fields.find((field) => field.name === name)
    expect(mirrored(vera, record, 'Status')?.value).toBe('Working - Contacted')
    expect(mirrored(paul, copy, 'Email')?.value).toBe('new@acme.example')
    // The relay has it. Whether Paul’s device has, it has yet to sign.
    expect(vera.records.shares('Lead', record)[0]).toMatchObject({
      outbound: 'UpdateInProgress',
      state: 'sending',
      receipt: { reached: 'relay' },
    })
    clock.advance(6_000)
    await until('Paul has signed that he has it', () => vera.records.shares('Lead', record)[0]?.state === 'current')
    expect(vera.records.shares('Lead', record)[0]).toMatchObject({
      outbound: 'UpdateSuccess',
      state: 'current',
      receipt: { reached: 'peer' },
    })

    await agree(['LastName', 'Company', 'Status', 'Email'], ['Status'])
    for (const { agreements } of both)
      expect(agreements.get(connection)).toMatchObject({ state: 'agreed', effective: { version: 2 }, peerHash: expect.any(String) })
    expect(mirrored(paul, copy, 'Email')).toMatchObject({ state: 'not shared', value: null })
    await paul.records.edit('Lead', copy, { Status: 'Closed - Converted' })
    await settle()
    expect(mirrored(vera, record, 'Status')?.value).toBe('Closed - Converted')
    for (const engine of both) {
      expect(engine.sync.status()).toMatchObject({ waiting: 0, problems: [] })
      await engine.close()
    }
  })
})
