import type { ConnectionId } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import type { Engine } from '../api.js'
import { openEngine } from '../engine.js'
import { MemoryBrowser, MemoryRelay, MemoryStore, seededRandom } from '../testing/index.js'
import type { Clock } from '../port/clock.js'
import { lead, leadFields, updateFields } from './two-orgs.js'

const clock: Clock = {
  now: () => Date.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms)
    return () => clearTimeout(timer)
  },
}

/** Two whole engines at one relay that keeps the real one's rules for policies, epochs and sequences. */
async function openBoth(): Promise<{ readonly vista: Engine; readonly pine: Engine; readonly relay: MemoryRelay }> {
  const relay = new MemoryRelay({ clock, random: seededRandom(77) })
  const open = (orgName: string, userName: string, seed: number): Promise<Engine> =>
    openEngine({
      store: new MemoryStore(),
      openSocket: relay.openSocket,
      clock,
      random: seededRandom(seed),
      tabs: new MemoryBrowser().open(),
      relay: 'ws://relay.example/socket',
      create: { orgName, userName },
    })
  return { vista: await open('Vista', 'Vera', 5), pine: await open('Pine', 'Paul', 6), relay }
}

async function until(holds: () => boolean, engines: readonly Engine[], what: string): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (holds()) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(`Did not come about: ${what}. ${JSON.stringify(engines.map(({ sync }) => sync.status().problems))}`)
}

describe('two engines at a relay', () => {
  it('[EP2, EP3, DF2] connect, agree, share, export and keep each other’s mirrors current, also over a narrower agreement', async () => {
    const { vista, pine } = await openBoth()
    const both = [vista, pine]
    const { invitation } = await vista.connections.invite('https://pine.example/')
    await pine.connections.accept(invitation?.link ?? '')
    const enabled = (engine: Engine) => engine.connections.list().find(({ state }) => state === 'Enabled')
    await until(() => enabled(vista) !== undefined && enabled(pine) !== undefined, both, 'the connection')
    const id = enabled(vista)?.id
    if (!id) throw new Error('There is no connection.')
    expect(enabled(vista)?.code).toBe(enabled(pine)?.code)

    await agreeOn(vista, pine, id, leadFields, updateFields)
    await vista.sharing.setRule(id, 'Lead', {
      match: 'all',
      conditions: [{ field: 'Company', operator: 'equals', value: 'Acme' }],
      added: [],
      hidden: [],
    })
    const record = await vista.records.create('Lead', lead('Ada'))
    const listings = () => pine.site.listings(id, 'Lead').listings
    await until(() => listings().length === 1, both, 'the listing')
    await expect(
      pine.site.export(
        id,
        'Lead',
        listings().map((listing) => listing.id),
      ),
    ).rejects.toMatchObject({ code: 'NOT_VERIFIED' })
    await vista.connections.compareCodes(id, true)
    await pine.connections.compareCodes(id, true)
    await until(() => vista.people.list(id).length === 1, both, 'the announced person')
    await vista.people.grant(id, vista.people.list(id)[0]?.id ?? '')
    await until(() => pine.site.obstacle(id) === undefined, both, 'the grant')

    await pine.site.export(
      id,
      'Lead',
      listings().map((listing) => listing.id),
    )
    const copy = () => listings()[0]?.copy ?? ''
    await until(() => copy() !== '' && pine.mirrors.of('Lead', copy())[0]?.state === 'live', both, 'the copy and its mirror')
    await pine.records.edit('Lead', copy(), { Status: 'Working - Contacted' })
    await vista.records.edit('Lead', record, { Email: 'new@acme.example' })
    const mirrored = (engine: Engine, own: string, name: string) =>
      engine.mirrors.of('Lead', own)[0]?.fields.find((field) => field.name === name)
    await until(() => mirrored(vista, record, 'Status')?.value === 'Working - Contacted', both, 'the mirror at the vendor')
    await until(() => mirrored(pine, copy(), 'Email')?.value === 'new@acme.example', both, 'the mirror at the partner')
    await until(() => vista.records.shares('Lead', record)[0]?.outbound === 'UpdateSuccess', both, 'the status')

    await agreeOn(vista, pine, id, ['LastName', 'Company', 'Status', 'Email'], ['Status'])
    await until(() => pine.sync.status().waiting === 0 && vista.sync.status().waiting === 0, both, 'rest')
    expect(mirrored(pine, copy(), 'Email')).toMatchObject({ state: 'not shared', value: null })
    await pine.records.edit('Lead', copy(), { Status: 'Closed - Converted' })
    await until(() => mirrored(vista, record, 'Status')?.value === 'Closed - Converted', both, 'an edit under the new agreement')
    for (const engine of both) {
      expect(engine.sync.status().problems).toEqual([])
      await engine.close()
    }
  })
})

/** A proposal of the vendor with these fields, accepted as suggested. */
async function agreeOn(vista: Engine, pine: Engine, id: ConnectionId, names: readonly string[], updates: readonly string[]): Promise<void> {
  const both = [vista, pine]
  const fields = vista.records.schema('Lead').fields.filter(({ name }) => names.includes(name))
  await vista.agreements.propose(id, {
    objects: { Lead: { fields: fields.map((field) => ({ field, update: updates.includes(field.name) })) } },
  })
  const version = vista.agreements.get(id)?.proposal?.version
  await until(() => pine.agreements.get(id)?.proposal?.version === version, both, 'the proposal')
  await pine.agreements.accept(id, { objects: { Lead: { fields: pine.agreements.suggest(id, 'Lead') } } })
  await until(
    () => both.every(({ agreements }) => agreements.get(id)?.effective?.version === version && agreements.get(id)?.peerHash !== undefined),
    both,
    'the agreement',
  )
}
