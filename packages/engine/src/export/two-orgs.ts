import { type ConnectionId, connectionId, type Entry, type FeedName, type Key, parseOrgId, type Side } from '@entente/protocol'
import { createAgreements } from '../agree/agreements.js'
import type { EngineContext } from '../context.js'
import { certifyDevice, createKeyPair } from '../identity/certificate.js'
import { signDecision } from '../identity/decision.js'
import { Reconcilers, type Reconciler } from '../reconcilers.js'
import { MemoryBrowser, MemoryStore, seededRandom } from '../testing/index.js'
import { createMirrors } from '../mirror/mirrors.js'
import type { Clock } from '../port/clock.js'
import type { Value } from '../schema/value.js'
import { createRecords } from '../records/records.js'
import { createSchemas } from '../records/schemas.js'
import { Replica } from '../replica/index.js'
import { Stamper } from '../row/index.js'
import { readListings } from '../share/listing.js'
import { createSharing } from '../share/sharing.js'
import { importReconciler } from '../import/import-reconciler.js'
import { answerReconciler } from './answer-reconciler.js'
import { resultReconciler } from './result-reconciler.js'
import { createShares } from './shares.js'
import { createSite } from '../site/site.js'

// Two orgs that are connected already, over a relay in a few lines, for the tests of agreeing, sharing and exporting. Rows, replication, seals and
// signatures are the real ones.

/** An org with an admin (Vera, Paul) and a member (Victor, Pia), each with a device of their own. */
async function createParty(admin: string, member: string) {
  const root = await createKeyPair()
  const certified = async (user: string, role: 'admin' | 'member') => {
    const device = await createKeyPair()
    return { user, role, device, certificate: await certifyDevice(root, device, { user, role }, Math.floor(Date.now() / 1000)) }
  }
  return { org: parseOrgId(root.thumbprint), admin: await certified(admin, 'admin'), member: await certified(member, 'member') }
}

const parties = { vendor: await createParty('vera', 'victor'), partner: await createParty('paul', 'pia') }
const orgs = { vendor: parties.vendor.org, partner: parties.partner.org }
const secret = 'c2VjcmV0IG9mIHRoZSBjb25uZWN0aW9uIG9mIHR3byE'
const salt = 'A'.repeat(22)

export const connection: ConnectionId = connectionId(orgs.vendor, orgs.partner, salt)

/** Feeds as the relay keeps them: every entry in order, and the sequence of each key's last. */
export class Wire {
  readonly entriesByFeed = new Map<FeedName, Entry[]>()
  readonly #last = new Map<string, number>()

  /** @returns whether the offer followed the key's last entry */
  take(feed: FeedName, offer: Omit<Entry, 'sequence'> & { readonly seen: number }): boolean {
    const entries = this.entriesByFeed.get(feed) ?? []
    this.entriesByFeed.set(feed, entries)
    const { seen, ...body } = offer
    const place = `${feed}#${body.key}`
    if ((this.#last.get(place) ?? 0) !== seen) return false
    this.#last.set(place, entries.length + 1)
    entries.push({ ...body, sequence: entries.length + 1 })
    return true
  }
}

export interface Org {
  readonly side: Side
  readonly store: MemoryStore
  readonly context: EngineContext
  readonly replica: Replica
  readonly reconcilers: Reconcilers
  readonly problems: string[]
  readonly agreements: ReturnType<typeof createAgreements>['api']
  readonly sharing: ReturnType<typeof createSharing>['api']
  readonly site: ReturnType<typeof createSite>
  readonly mirrors: ReturnType<typeof createMirrors>
  readonly records: ReturnType<typeof createRecords>
  /** Sends what waits and takes in what is there. Tells whether anything moved. */
  sync(wire: Wire): Promise<boolean>
  close(): void
}

/** Immediate timers and a time that a test sets. */
export class TestClock implements Clock {
  time = Date.now()
  now(): number {
    return this.time++
  }
  after(ms: number, call: () => void): () => void {
    let cancelled = false
    if (ms === 0) void Promise.resolve().then(() => !cancelled && call())
    return () => {
      cancelled = true
    }
  }
}

let seed = 1

/** Opens an org on a store: a new one, or one that a crash left behind. */
export async function openOrg(
  side: Side,
  options: {
    readonly store?: MemoryStore
    readonly role?: 'admin' | 'member'
    /** A person whom the device claims to speak for. */ readonly claims?: string
    readonly clock?: TestClock
  } = {},
): Promise<Org> {
  const { store = new MemoryStore(), role = 'admin', clock = new TestClock() } = options
  const problems: string[] = []
  const random = seededRandom(seed++)
  const stamper = new Stamper(clock, random)
  const problem = (what: string): void => void problems.push(what)
  const replica = await Replica.open({ store, tabs: new MemoryBrowser().open(), random, stamper, org: orgs[side], team: false, problem })
  await replica.lead()
  const { rows } = replica
  const schemas = createSchemas(rows)
  const { device, user: holder } = parties[side][role]
  const user = options.claims ?? holder
  const identity = {
    signDecision: (type: string, payload: object): Promise<string> =>
      signDecision(device, type, { ...payload, iss: orgs[side], by: user, iat: Math.floor(clock.now() / 1000) }),
  }
  const link = { status: () => ({ clockOffset: 0 }) }
  const context = {
    org: { id: orgs[side], name: side },
    user: { id: user, name: user, role },
    rows,
    replica,
    link,
    identity,
    clock,
    random,
    problem,
    schema: (object: 'Lead' | 'Opportunity') => schemas.get(object),
  } as unknown as EngineContext
  const parts = [createAgreements(context, (facts, object) => readListings(context, facts, object)), createSharing(context)] as const
  const reconcilers = new Reconcilers(replica, clock, (reconciler: Reconciler, error) =>
    problems.push(`${reconciler.name}: ${String(error)}`),
  )
  for (const part of parts) for (const reconciler of part.reconcilers) reconcilers.add(reconciler)
  for (const makeReconciler of [answerReconciler, importReconciler, resultReconciler]) reconcilers.add(makeReconciler(context))
  const [{ api: agreements }, { api: sharing }] = parts
  const mirrors = createMirrors(context)
  return {
    side,
    store,
    context,
    replica,
    reconcilers,
    problems,
    agreements,
    sharing,
    site: createSite(context),
    mirrors,
    records: createRecords(context, schemas, createShares(context, mirrors)),
    sync: (wire) => syncOrg(replica, wire),
    close() {
      reconcilers.stop()
      replica.close()
    },
  }
}

/** The rows that connecting leaves behind, with compared codes, and Paul's grant. */
export async function connect(org: Org, verified: 'yes' | 'no' = 'yes'): Promise<void> {
  const peer = org.side === 'vendor' ? 'partner' : 'vendor'
  await org.context.rows.save([
    {
      object: 'Connection',
      id: connection,
      values: {
        side: org.side,
        ...orgs,
        salt,
        secret,
        state: 'Enabled',
        peerName: peer === 'vendor' ? 'Vista' : 'Pine',
        peerDevices: [parties[peer].admin.certificate, parties[peer].member.certificate],
        verified,
      },
    },
    { object: 'Grant', id: `${connection}:paul`, values: { granted: true, by: 'vera', at: 1, connection, person: 'paul' } },
  ])
}

async function syncOrg(replica: Replica, wire: Wire): Promise<boolean> {
  let moved = false
  const refused = new Set<string>()
  const feeds = replica.followed().feeds
  const parts = await replica.offers(feeds, (feed: FeedName, key: Key) => !refused.has(`${feed}#${key}`), {
    count: 10_000,
    bytes: 50_000_000,
  })
  for (const { feed, offers } of parts) {
    for (const offer of offers) if (wire.take(feed, offer)) moved = true
  }
  for (const feed of feeds) {
    const entries = wire.entriesByFeed.get(feed) ?? []
    const { cursor } = replica.position(feed)
    const fresh = entries.slice(cursor)
    if (fresh.length > 0) moved = true
    await replica.absorb(feed, { incarnation: 1, position: entries.length, live: true, entries: fresh })
  }
  return moved
}

/** Reconcilers and wire in turns until nothing moves any more. */
export async function settle(wire: Wire, ...parties: readonly Org[]): Promise<void> {
  for (let round = 0; round < 60; round++) {
    let moved = false
    for (const org of parties) {
      org.reconcilers.start()
      org.reconcilers.poke()
      await org.reconcilers.settled()
      if (await org.sync(wire)) moved = true
    }
    if (!moved) return
  }
  throw new Error('The orgs do not come to rest.')
}

/** What Vera proposes of leads unless a test says otherwise. */
export const leadFields = ['LastName', 'Company', 'Status', 'Email', 'AnnualRevenue', 'Description'] as const
export const updateFields: readonly string[] = ['Status', 'Email', 'AnnualRevenue']

/** Both orgs, connected, with an agreement on leads and a rule that shows all those of `Acme`. */
export async function openAgreed(
  options: { readonly verified?: 'yes' | 'no'; readonly stores?: Readonly<Record<Side, MemoryStore>> } = {},
): Promise<{ readonly vera: Org; readonly paul: Org; readonly wire: Wire }> {
  const { stores } = options
  const [vera, paul, wire] = [
    await openOrg('vendor', stores && { store: stores.vendor }),
    await openOrg('partner', stores && { store: stores.partner }),
    new Wire(),
  ]
  await connect(vera, options.verified)
  await connect(paul, options.verified)
  await agree(vera, paul, wire)
  await vera.sharing.setRule(connection, 'Lead', {
    match: 'all',
    conditions: [{ field: 'Company', operator: 'equals', value: 'Acme' }],
    added: [],
    hidden: [],
  })
  await settle(wire, vera, paul)
  return { vera, paul, wire }
}

/** A proposal by Vera and its acceptance by Paul, as suggested. */
export async function agree(
  vera: Org,
  paul: Org,
  wire: Wire,
  names: readonly string[] = leadFields,
  updates: readonly string[] = updateFields,
): Promise<void> {
  const fields = names.flatMap((name) => vera.context.schema('Lead').fields.filter((field) => field.name === name))
  await vera.agreements.propose(connection, {
    objects: { Lead: { fields: fields.map((field) => ({ field, update: updates.includes(field.name) })) } },
  })
  await settle(wire, vera, paul)
  await paul.agreements.accept(connection, { objects: { Lead: { fields: paul.agreements.suggest(connection, 'Lead') } } })
  await settle(wire, vera, paul)
}

export const lead = (lastName: string, more: Readonly<Record<string, Value>> = {}): Readonly<Record<string, Value>> => ({
  LastName: lastName,
  Company: 'Acme',
  Status: 'Open - Not Contacted',
  Email: `${lastName.toLowerCase()}@acme.example`,
  AnnualRevenue: { amount: '1054000', currency: 'EUR' },
  Phone: '+49 30 1234567',
  ...more,
})
