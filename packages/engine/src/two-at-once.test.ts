import type { ConnectionId } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import type { FieldMapping, Proposal } from './api/index.js'
import { EngineError } from './error.js'
import { identityKey, type StoredIdentity } from './identity/identity.js'
import { hasSeat } from './people/grants.js'
import { emptyRule, type Rule } from './query/sharing-rule.js'
import { valueOf } from './row/row.js'
import {
  invitationPage,
  MemoryBrowser,
  MemoryNetwork,
  type MemoryOrg,
  openAnotherDevice,
  openMemoryOrg,
  setup,
  type Setup,
  type Stage,
} from './testing/index.js'

// Every method that reads rows, and writes what follows from them. Each is called while another call is stored between its checks and its commit, from another tab
// of which its own has not heard. What it decided is checked again on the rows as stored (rule AT1).

/** Two orgs of a setup, each with two tabs. */
interface Scene {
  readonly connection: ConnectionId
  readonly record: string
  readonly settle: Setup['settle']
  readonly vera: MemoryOrg
  readonly paul: MemoryOrg
  /** The tabs in which the other call is made. */
  readonly veraToo: MemoryOrg
  readonly paulToo: MemoryOrg
}

interface Race {
  readonly name: string
  readonly before?: (scene: Scene) => unknown
  /** Whose tab the call is made in. Default: Vera's. */
  readonly by?: 'vera' | 'paul'
  readonly call: (scene: Scene) => Promise<unknown>
  readonly meanwhile: (scene: Scene) => Promise<unknown>
  /** The code by which the call is refused. Undefined where it is not. */
  readonly refused: string | undefined
  /** What is left when all has arrived everywhere. */
  readonly left: (scene: Scene) => unknown
  readonly is: unknown
}

const proposal = ({ vera }: Pick<Scene, 'vera'>, ...names: readonly string[]): Proposal => ({
  objects: {
    Lead: {
      fields: vera.records
        .schema('Lead')
        .fields.filter(({ name }) => ['LastName', 'Company', 'Status', ...names].includes(name))
        .map((field) => ({ field, update: field.name === 'Status' })),
    },
  },
})
const mapping = ({ paul, connection }: Scene, update = true) => ({
  objects: { Lead: { fields: paul.agreements.suggest(connection, 'Lead').map((line): FieldMapping => ({ ...line, update })) } },
})
const propose = async (scene: Scene): Promise<void> => {
  await scene.vera.agreements.propose(scene.connection, proposal(scene, 'Email'))
  await scene.settle()
}
/** The number of fields proposed and agreed, and of those that flow, where both orgs have the same. */
const agreement = ({ vera, paul, connection }: Scene): unknown => {
  const [own, peer] = [vera, paul].map((org) => {
    const view = org.agreements.get(connection)
    return { proposal: view?.proposal?.objects, effective: view?.effective }
  })
  expect(own).toEqual(peer)
  const agreed = own?.effective?.objects.Lead?.fields ?? []
  return [own?.proposal?.Lead?.fields.length, agreed.length, agreed.filter(({ slot }) => slot !== undefined).length]
}
const states = ({ vera, paul, connection }: Scene): unknown => [vera, paul].map((org) => org.connections.get(connection)?.state)
const person = ({ vera, connection }: Scene, name: string): string =>
  vera.people.list(connection).find((each) => each.name === name)?.id ?? ''
const seats = ({ vera, connection }: Scene): unknown => vera.people.seats(connection)
const product = (name: string, label: string) => ({ name, label, type: 'text', length: 40 }) as const
const fieldsLike =
  (name: string) =>
  (scene: Scene): unknown =>
    scene.vera.records.schema('Lead').fields.flatMap((field) => (field.name.toLowerCase() === name ? [`${field.name} ${field.label}`] : []))
const newLead = (name: string) => ({ LastName: name, Company: 'Acme', Status: 'Open - Not Contacted' })
const leadNamed = ({ vera }: Scene, name: string) => vera.records.list('Lead', { search: name }).records[0]
const share = ({ vera, record }: Scene): string => vera.records.shares('Lead', record)[0]?.id ?? ''
const listingNamed = ({ paul, connection }: Scene, name: string): string =>
  paul.site.listings(connection, 'Lead', { search: name }).listings[0]?.id ?? ''
const showOf = (field: string): Rule => ({ ...emptyRule, conditions: [{ field, operator: 'equals', value: 'Acme' }] })

/** In this order, on one scene. */
const races: readonly Race[] = [
  {
    name: 'a record is exported',
    async before({ vera, settle }) {
      await vera.records.create('Lead', newLead('Bea'))
      await settle()
    },
    by: 'paul',
    call: (scene) => scene.paul.site.export(scene.connection, 'Lead', [listingNamed(scene, 'Bea')]),
    meanwhile: (scene) => scene.paulToo.site.export(scene.connection, 'Lead', [listingNamed(scene, 'Bea')]),
    refused: undefined,
    left: ({ paul }) => [
      paul.records.list('Lead', { search: 'Bea' }).records.length,
      // Which of the two stands first in the list is chance.
      ...paul.site
        .jobs()
        .map(({ done, imported, skipped }) => `${done ? 'done' : 'under way'}: ${imported} imported, ${skipped} skipped`)
        .sort(),
    ],
    is: [1, 'done: 1 imported, 0 skipped', 'done: 1 imported, 0 skipped', 'done: 1 imported, 0 skipped'],
  },
  {
    name: 'other fields are proposed',
    call: (scene) => scene.vera.agreements.propose(scene.connection, proposal(scene, 'Email')),
    meanwhile: (scene) => scene.veraToo.agreements.propose(scene.connection, proposal(scene, 'Email', 'Phone')),
    refused: 'CHANGED',
    left: agreement,
    is: [5, 6, 3],
  },
  {
    name: 'a proposal is accepted otherwise',
    before: propose,
    by: 'paul',
    call: (scene) => scene.paul.agreements.accept(scene.connection, mapping(scene)),
    meanwhile: (scene) => scene.paulToo.agreements.accept(scene.connection, mapping(scene, false)),
    refused: 'INVALID',
    left: agreement,
    is: [4, 4, 0],
  },
  {
    name: 'the last seat is granted to another person',
    async before({ vera, paul, connection, settle }) {
      for (const name of ['Pia', 'Petra']) await paul.people.addUser(name, 'member')
      await settle()
      await vera.people.setSeats(connection, 2)
    },
    call: (scene) => scene.vera.people.grant(scene.connection, person(scene, 'Pia')),
    meanwhile: (scene) => scene.veraToo.people.grant(scene.connection, person(scene, 'Petra')),
    refused: 'TOO_MANY',
    left: seats,
    is: { total: 2, used: 2 },
  },
  {
    name: 'a person is granted a seat',
    before: (scene) => scene.vera.people.setSeats(scene.connection, 3),
    call: (scene) => scene.vera.people.grant(scene.connection, person(scene, 'Pia')),
    meanwhile: (scene) => scene.veraToo.people.grant(scene.connection, person(scene, 'Pia')),
    refused: undefined,
    left: seats,
    is: { total: 3, used: 3 },
  },
  {
    name: 'a grant is revoked',
    call: (scene) => scene.vera.people.revoke(scene.connection, person(scene, 'Pia')),
    meanwhile: (scene) => scene.veraToo.people.revoke(scene.connection, person(scene, 'Pia')),
    refused: undefined,
    left: seats,
    is: { total: 3, used: 2 },
  },
  {
    name: 'the seats become fewer',
    call: (scene) => scene.vera.people.grant(scene.connection, person(scene, 'Pia')),
    meanwhile: (scene) => scene.veraToo.people.setSeats(scene.connection, 2),
    refused: 'TOO_MANY',
    left: seats,
    is: { total: 2, used: 2 },
  },
  {
    name: 'another number of seats is set',
    call: (scene) => scene.vera.people.setSeats(scene.connection, 7),
    meanwhile: (scene) => scene.veraToo.people.setSeats(scene.connection, 1),
    refused: undefined,
    left: seats,
    is: { total: 7, used: 2 },
  },
  {
    name: 'another person is added',
    call: (scene) => scene.vera.people.addUser('Victor', 'member'),
    meanwhile: (scene) => scene.veraToo.people.addUser('Vanda', 'member'),
    refused: undefined,
    left: ({ vera }) =>
      vera.people
        .users()
        .flatMap(({ name }) => (['Victor', 'Vanda'].includes(name) ? [name] : []))
        .sort(),
    is: ['Vanda', 'Victor'],
  },
  {
    name: 'a field of that name is added',
    call: ({ vera }) => vera.records.addField('Lead', product('Product__c', 'Late')),
    meanwhile: ({ veraToo }) => veraToo.records.addField('Lead', product('Product__c', 'First')),
    refused: 'INVALID',
    left: fieldsLike('product__c'),
    is: ['Product__c First'],
  },
  {
    name: 'a field is added whose name differs by case alone',
    call: ({ vera }) => vera.records.addField('Lead', product('Colour__c', 'Late')),
    meanwhile: ({ veraToo }) => veraToo.records.addField('Lead', product('COLOUR__c', 'First')),
    refused: 'INVALID',
    left: fieldsLike('colour__c'),
    is: ['COLOUR__c First'],
  },
  {
    name: 'a field of a schema that is taken over is added',
    call({ vera }) {
      const schema = vera.records.schema('Lead')
      return vera.records.setSchema({ ...schema, fields: [...schema.fields, { ...product('Size__c', 'Late'), custom: true }] })
    },
    meanwhile: ({ veraToo }) => veraToo.records.addField('Lead', product('Size__c', 'First')),
    refused: 'INVALID',
    left: fieldsLike('size__c'),
    is: ['Size__c First'],
  },
  {
    name: 'a record is edited, in the same field and in another',
    call: ({ vera, record }) => vera.records.edit('Lead', record, { Status: 'Working - Contacted', City: 'Oslo' }),
    meanwhile: ({ veraToo, record }) => veraToo.records.edit('Lead', record, { City: 'Rome', Phone: '1' }),
    refused: undefined,
    left: ({ vera, record }) => vera.records.get('Lead', record)?.values,
    is: { Status: 'Working - Contacted', City: 'Oslo', Phone: '1' },
  },
  {
    name: 'a record is created',
    call: ({ vera }) => vera.records.create('Lead', newLead('Cleo')),
    meanwhile: ({ veraToo }) => veraToo.records.create('Lead', newLead('Cleo')),
    refused: undefined,
    left: ({ vera }) => vera.records.list('Lead', { search: 'Cleo' }).records.length,
    is: 2,
  },
  {
    name: 'a record that is edited is removed',
    call: (scene) => scene.vera.records.edit('Lead', leadNamed(scene, 'Cleo')?.id ?? '', { City: 'Oslo' }),
    meanwhile: (scene) => scene.veraToo.records.remove('Lead', leadNamed(scene, 'Cleo')?.id ?? ''),
    refused: 'NOT_FOUND',
    left: ({ vera }) => vera.records.list('Lead', { search: 'Cleo' }).records.map(({ values }) => values['City']),
    is: [undefined],
  },
  {
    name: 'a record is removed',
    call: (scene) => scene.vera.records.remove('Lead', leadNamed(scene, 'Cleo')?.id ?? ''),
    meanwhile: (scene) => scene.veraToo.records.remove('Lead', leadNamed(scene, 'Cleo')?.id ?? ''),
    refused: 'NOT_FOUND',
    left: ({ vera }) => vera.records.list('Lead', { search: 'Cleo' }).records.length,
    is: 0,
  },
  {
    name: 'a share that is stopped is stopped and resumed',
    call: (scene) => scene.vera.records.stopSharing(share(scene)),
    async meanwhile(scene) {
      await scene.veraToo.records.stopSharing(share(scene))
      await scene.veraToo.records.resumeSharing(share(scene))
    },
    refused: undefined,
    left: ({ vera, record }) => vera.records.shares('Lead', record)[0]?.on,
    is: false,
  },
  {
    name: 'another rule is set',
    call: ({ vera, connection }) => vera.sharing.setRule(connection, 'Lead', { ...showOf('Company'), hidden: ['one'] }),
    meanwhile: ({ veraToo, connection }) => veraToo.sharing.setRule(connection, 'Lead', { ...showOf('City'), added: ['two'] }),
    refused: undefined,
    left: ({ vera, connection }) => vera.sharing.rule(connection, 'Lead'),
    is: { ...showOf('Company'), hidden: ['one'] },
  },
  {
    name: 'another invitation is made',
    call: ({ vera }) => vera.connections.invite(invitationPage),
    meanwhile: ({ veraToo }) => veraToo.connections.invite(invitationPage),
    refused: undefined,
    left: ({ vera }) => vera.connections.list().filter(({ state }) => state === 'Pending').length,
    is: 2,
  },
  {
    name: 'an invitation is cancelled',
    call: ({ vera }) => vera.connections.cancelInvitation(pending(vera)),
    meanwhile: ({ veraToo }) => veraToo.connections.cancelInvitation(pending(veraToo)),
    refused: 'NOT_CONNECTED',
    left: ({ vera }) => vera.connections.list().filter(({ state }) => state === 'Pending').length,
    is: 1,
  },
]

/** What is refused once the connection has ended, though it was decided before. */
const afterTheEnd: readonly (readonly [name: string, by: 'vera' | 'paul', call: (scene: Scene) => Promise<unknown>])[] = [
  ['agreements.propose', 'vera', (scene) => scene.vera.agreements.propose(scene.connection, proposal(scene))],
  ['agreements.accept', 'paul', (scene) => scene.paul.agreements.accept(scene.connection, mapping(scene))],
  ['people.grant', 'vera', (scene) => scene.vera.people.grant(scene.connection, person(scene, 'Pia'))],
  ['people.revoke', 'vera', (scene) => scene.vera.people.revoke(scene.connection, scene.paul.user.id)],
  ['people.setSeats', 'vera', (scene) => scene.vera.people.setSeats(scene.connection, 9)],
  ['sharing.setRule', 'vera', (scene) => scene.vera.sharing.setRule(scene.connection, 'Lead', emptyRule)],
  ['records.resumeSharing', 'vera', (scene) => scene.vera.records.resumeSharing(share(scene))],
  ['connections.compareCodes', 'vera', (scene) => scene.vera.connections.compareCodes(scene.connection, false)],
  ['site.export', 'paul', (scene) => scene.paul.site.export(scene.connection, 'Lead', [listingNamed(scene, 'Ada')])],
]

function pending({ connections }: MemoryOrg): ConnectionId {
  return connections.list().find(({ state }) => state === 'Pending')?.id ?? ('' as ConnectionId)
}

/** Calls, and stores something else after the call's checks and before its commit. @returns the code of the refusal */
async function whileHeld({ store }: MemoryOrg, call: () => Promise<unknown>, meanwhile: () => Promise<unknown>): Promise<unknown> {
  const { held, release } = store.hold()
  const late = codeOf(call())
  await held
  await meanwhile()
  release()
  return late
}

const codeOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error: unknown) => (error instanceof EngineError ? error.code : error),
  )

async function twoTabs(upTo: Stage): Promise<Scene> {
  const [vera, paul] = [{ browser: new MemoryBrowser() }, { browser: new MemoryBrowser() }]
  const made = await setup({ upTo, vera, paul })
  const tabOf = (org: MemoryOrg): Promise<MemoryOrg> => made.open({ ...org.options, store: org.store })
  return {
    ...made,
    connection: made.connection as ConnectionId,
    record: made.record ?? '',
    veraToo: await tabOf(made.vera),
    paulToo: await tabOf(made.paul),
  }
}

describe('two at once', () => {
  let made: Promise<Scene> | undefined

  it.each(races)('[AT1] $name in another tab meanwhile (row 96)', async ({ before, by = 'vera', call, meanwhile, refused, left, is }) => {
    const scene = await (made ??= twoTabs('exported'))
    await before?.(scene)
    await scene.settle()
    const late = await whileHeld(
      scene[by],
      () => call(scene),
      () => meanwhile(scene),
    )
    expect(late).toBe(refused)
    await scene.settle()
    const end = left(scene)
    if (Array.isArray(is) || typeof is !== 'object' || is === null) expect(end).toEqual(is)
    else expect(end).toMatchObject(is)
  })

  it('[AT1] nothing is decided over a connection that ends meanwhile', async () => {
    const scene = await twoTabs('exported')
    const { vera, paul, connection, settle } = scene
    await propose(scene)
    await paul.people.addUser('Pia', 'member')
    await settle()
    await vera.records.stopSharing(share(scene))
    const before = [vera, paul].map((org) => [
      org.agreements.get(connection),
      org.people.seats(connection),
      org.sharing.rule(connection, 'Lead'),
    ])
    const late: (readonly [string, Promise<unknown>, () => void])[] = []
    for (const [name, by, call] of afterTheEnd) {
      const { held, release } = scene[by].store.hold()
      late.push([name, codeOf(call(scene)), release])
      await held
    }
    await scene.veraToo.connections.disconnect(connection)
    await scene.paulToo.connections.disconnect(connection)
    for (const [name, code, release] of late) {
      release()
      expect([name, await code]).toEqual([name, 'NOT_CONNECTED'])
    }
    await settle()
    expect(states(scene)).toEqual(['Disabled', 'Disabled'])
    const after = [vera, paul].map((org) => [
      org.agreements.get(connection),
      org.people.seats(connection),
      org.sharing.rule(connection, 'Lead'),
    ])
    expect(after).toEqual(before)
    expect(vera.records.shares('Lead', scene.record)[0]?.on).toBe(false)
    expect(paul.site.jobs()).toHaveLength(1)
  })

  it('[AT1] codes that one person finds to differ stay so, whatever another one finds', async () => {
    for (const first of [true, false]) {
      const scene = await twoTabs('connected')
      const { vera, veraToo, connection, settle } = scene
      const say = (org: MemoryOrg, same: boolean) => () => org.connections.compareCodes(connection, same)
      expect(await whileHeld(vera, say(vera, !first), say(veraToo, first))).toBe(first ? undefined : 'NOT_CONNECTED')
      await settle()
      expect(states(scene)).toEqual(['Error', 'Error'])
      expect(vera.connections.get(connection)?.verified).toBe('mismatch')
    }
  })

  it('[AT1] two people end a connection once', async () => {
    const scene = await twoTabs('connected')
    const { vera, veraToo, connection, settle } = scene
    const end = (org: MemoryOrg) => () => org.connections.disconnect(connection)
    expect(await whileHeld(vera, end(vera), end(veraToo))).toBeUndefined()
    await settle()
    expect(states(scene)).toEqual(['Disabled', 'Disabled'])
  })

  it('[AT1] one link that is accepted three times leads to one connection', async () => {
    const scene = await twoTabs('opened')
    const { vera, paul, paulToo, settle } = scene
    await settle()
    const { invitation, id } = await vera.connections.invite(invitationPage)
    const link = invitation?.link ?? ''
    const views = await Promise.all([paul, paul, paulToo].map((org) => org.connections.accept(link)))
    expect(views.map((view) => view.id)).toEqual([id, id, id])
    await settle()
    expect([vera, paul, paulToo].map((org) => org.connections.list().map(({ state, code }) => [state, typeof code]))).toEqual([
      [['Enabled', 'string']],
      [['Enabled', 'string']],
      [['Enabled', 'string']],
    ])
    expect(vera.connections.list()[0]?.code).toBe(paul.connections.list()[0]?.code)
  })

  it('[EX3] a record that is hidden while its package is signed does not leave', async () => {
    const { vera, paul, connection, settle, exportListed, until } = await setup({ upTo: 'shared' })
    await vera.records.create('Lead', newLead('Ada'))
    await settle()
    const rule = vera.sharing.rule(connection, 'Lead') ?? emptyRule
    const [listed] = vera.sharing.visible(connection, 'Lead')
    const { held, release } = vera.store.hold((reads) => reads.some(([, object, id]) => object === 'RecordMap' && id !== undefined))
    const packed: unknown[] = []
    vera.rows.watch((changes) => {
      const keys = changes.filter(({ id }) => id.includes('#p.')).map(({ id }) => valueOf(vera.rows.get('Message', id), 'body'))
      // What is signed has dots; the word that a package was read has none.
      packed.push(...keys.filter((body) => typeof body === 'string' && body.includes('.')))
    })
    await exportListed()
    const rest = until('the job is done', () => paul.site.jobs().some(({ done }) => done))
    await held
    await vera.sharing.setRule(connection, 'Lead', { ...rule, hidden: [listed ?? ''] })
    release()
    await rest
    await settle()
    expect(paul.records.list('Lead').total).toBe(0)
    expect(packed).toHaveLength(1)
    expect(paul.site.jobs()[0]).toMatchObject({ exported: 0, failed: 1, done: true })
  })

  it('[PE2] of two people who grant the last seat at two devices, the earlier grant has it, on both sides', async () => {
    const { vera, paul, connection, settle, openAnotherDevice } = await setup({ upTo: 'verified' })
    for (const name of ['Pia', 'Petra']) await paul.people.addUser(name, 'member')
    await vera.people.setSeats(connection, 2)
    await settle()
    const desk = await openAnotherDevice(vera)
    await settle()
    const id = (name: string) => vera.people.list(connection).find((each) => each.name === name)?.id ?? ''
    await Promise.all([vera.people.grant(connection, id('Pia')), desk.people.grant(connection, id('Petra'))])
    await settle()
    const seated = [vera, desk, paul].map((org) => ['Pia', 'Petra'].filter((name) => hasSeat(org.rows, connection, id(name), 0)))
    expect(seated[0]).toHaveLength(1)
    expect(seated).toEqual([seated[0], seated[0], seated[0]])
  })

  it('[AT1] an invitation that is cancelled while its key is made shows no key', async () => {
    const { vera, veraToo, paul, settle } = await twoTabs('opened')
    await settle()
    const { invitation, id } = await vera.connections.invite(invitationPage)
    await settle()
    const { held, release } = vera.store.hold((reads) =>
      reads.some(([, object, name]) => object === 'Message' && name?.endsWith('/vendor#reveal')),
    )
    await paul.connections.accept(invitation?.link ?? '')
    const rest = settle()
    await held
    await veraToo.connections.cancelInvitation(id)
    release()
    await rest
    await settle()
    for (const org of [vera, paul]) expect(org.connections.list().map(({ state }) => state)).toEqual(['Disabled'])
  })

  it('[AT1] the first roster that one tab has shown stays, whatever a tab knows that was open before', async () => {
    const [network, browser] = [new MemoryNetwork(), new MemoryBrowser()]
    const vera = await openMemoryOrg(network, { browser, skew: 3_600_000, cut: true })
    const tab = await openMemoryOrg(network, { ...vera.options, store: vera.store, cut: false })
    const { file, passphrase } = await tab.recovery.makeKit()
    vera.sync.mend()
    await network.settle()
    const founding = async (): Promise<unknown> => ((await vera.store.get([identityKey]))[0] as StoredIdentity).founding
    const shown = await founding()
    expect(shown).toBe(vera.identity.founding)
    expect(shown).not.toBe(tab.identity.founding)
    await tab.recovery.confirmKit(file, passphrase)
    expect(await founding()).toBe(shown)
    vera.link.stop()
    await network.settle(tab)
    expect(tab.sync.status()).toMatchObject({ state: 'online' })
    expect([await founding(), tab.identity.founding]).toEqual([shown, shown])
    const colleague = await openAnotherDevice(network, tab, { userName: 'Victor' })
    await network.settle(tab, colleague)
    expect(colleague.sync.status().state).toBe('online')
  })
})
