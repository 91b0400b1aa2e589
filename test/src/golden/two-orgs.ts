import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Engine } from '@entente/engine'
import { MemoryStore } from '@entente/engine/testing'
import { RelayProcess } from '../node/relay-process.js'
import { Journal } from '../walkthrough/check.js'
import { agree, connect, exportRecords, importRecords, type Party, share } from '../walkthrough/journey.js'
import { openOrg, quiet, until } from '../walkthrough/orgs.js'
import { samplePlan } from '../walkthrough/plan.js'
import { pairsOf } from '../walkthrough/progress.js'
import { type DumpedEntry, dumpEntries, type Entries, storeOf } from './store-dump.js'

/** What a device of an org holds, and what its engine must find in it. */
export interface GoldenOrg {
  readonly facts: Facts
  readonly store: readonly DumpedEntry[]
}

/** What an engine shows of an org that it opened, as far as it does not depend on the time of day. */
export type Facts = Readonly<Record<string, unknown>>

export const orgNames = ['vendor', 'partner'] as const
export type OrgName = (typeof orgNames)[number]

/** The text of a vendor's edit that no relay has yet. */
export const unsentEdit = 'Written on a train'

const object = 'Opportunity'

/** What an engine shows, so that a golden store can be compared with it. */
export function factsOf(engine: Engine): Facts {
  const { org, user, connections, agreements, records, mirrors, people, site } = engine
  // The order of what has none is that of the store, or of what came first.
  const byId = <T extends { readonly id: string }>(some: readonly T[]): readonly T[] => some.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const own = byId(records.list(object).records)
  const [connection] = connections.list().filter(({ state }) => state === 'Enabled')
  const shown = {
    org,
    user,
    connection: connection && { id: connection.id, side: connection.side, peerName: connection.peerName, code: connection.code },
    verified: connection?.verified,
    agreement: connection && agreements.get(connection.id)?.effective,
    records: own.map(({ id, values }) => ({ id, values })),
    mirrors: own.flatMap(({ id }) =>
      mirrors.of(object, id).map(({ fields, signed }) => ({
        record: id,
        fields: fields.map(({ name, value, state }) => [name, state, value]),
        signed: signed.state,
      })),
    ),
    people: byId(people.users()).map(({ id, name, role }) => ({ id, name, role })),
    listings: connection && byId(site.listings(connection.id, object).listings).map(({ id, values }) => ({ id, values })),
  }
  // As a file holds it.
  return JSON.parse(JSON.stringify(shown)) as Facts
}

/** The files of a golden state, in a folder. */
export const goldenFiles = {
  org: (folder: string, name: OrgName): string => join(folder, `${name}.json`),
  relay: (folder: string): string => join(folder, 'relay.db'),
} as const

export async function readGolden(folder: string, name: OrgName): Promise<GoldenOrg & { readonly open: () => Promise<MemoryStore> }> {
  const golden = JSON.parse(await readFile(goldenFiles.org(folder, name), 'utf8')) as GoldenOrg
  return { ...golden, open: () => storeOf(golden.store) }
}

/**
 * Makes the golden state: two orgs that have connected, agreed and exported over a relay of its own process, with docs, updates of docs, messages, policies,
 * erasures, mirrors on both sides, signed heads, and one edit of the vendor's that has not left.
 */
export async function makeGolden(folder: string): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'entente-golden-'))
  const relay = new RelayProcess(join(directory, 'relay'))
  try {
    await relay.start()
    const [vendorEntries, partnerEntries]: readonly Entries[] = [new Map(), new Map()]
    const open = (orgName: string, userName: string, entries: Entries = new Map()) =>
      openOrg(relay.url, orgName, userName, { store: new MemoryStore({}, entries) })
    const vendor = await open('Alder Devices', 'Vera', vendorEntries)
    const partner = await open('Harbour Consulting', 'Paul', partnerEntries)
    const edited = await liveTogether({ vendor, partner, relay })
    vendor.sync.cut()
    await vendor.records.edit(object, edited, { NextStep: unsentEdit })
    const facts = [factsOf(vendor), factsOf(partner)]
    await Promise.all([vendor.close(), partner.close()])
    await relay.kill('SIGTERM')
    await cp(join(relay.directory, 'relay.db'), goldenFiles.relay(folder))
    for (const [index, entries] of [vendorEntries, partnerEntries].entries()) {
      const name = orgNames[index] ?? 'vendor'
      const golden: GoldenOrg = { facts: facts[index] ?? {}, store: await dumpEntries(entries ?? new Map()) }
      await writeFile(goldenFiles.org(folder, name), textOf(golden))
    }
  } finally {
    await relay.kill()
    await rm(directory, { recursive: true, force: true })
  }
}

/** One entry a line, so that a change shows where it is. */
function textOf({ facts, store }: GoldenOrg): string {
  return `{\n"facts": ${JSON.stringify(facts)},\n"store": [\n${store.map((entry) => JSON.stringify(entry)).join(',\n')}\n]\n}\n`
}

/** @returns the vendor's record that both sides have edited */
async function liveTogether({ vendor, partner, relay }: Pick<Party, 'vendor' | 'partner' | 'relay'>): Promise<string> {
  const sample = samplePlan()
  const isShared = (row: (typeof sample.rows)[number]): boolean => sample.shared.values.some((value) => value === row[sample.shared.field])
  const rows = [...sample.rows.filter(isShared).slice(0, 4), ...sample.rows.filter((row) => !isShared(row)).slice(0, 1)]
  const party: Party = { vendor, partner, relay, plan: { ...sample, rows, exports: 3 }, journal: new Journal(() => {}) }
  await importRecords(party)
  const id = await connect(party)
  await agree(party, id)
  await share(party, id)
  await exportRecords(party, id)
  const [edited, stopped] = pairsOf(party, id, 2)
  const hidden = vendor.records.list(object).records.find((record) => vendor.records.shares(object, record.id).length === 0)
  const [share1] = stopped ? vendor.records.shares(object, stopped.record) : []
  if (!edited || !share1 || !hidden) throw new Error('Too little was exported.')
  for (const text of ['Call on Monday', 'Call on Tuesday']) {
    await vendor.records.edit(object, edited.record, { NextStep: text })
    await quiet([vendor, partner])
  }
  const target = party.plan.acceptance.objects.Opportunity?.fields.find(({ source }) => source === 'NextStep')?.target ?? 'NextStep'
  await partner.records.edit(object, edited.copy, { [target]: 'Demo booked' })
  await until('the vendor has a mirror', [vendor], () => vendor.mirrors.of(object, edited.record).length > 0)
  await vendor.records.stopSharing(share1.id)
  await vendor.records.remove(object, hidden.id)
  await quiet([vendor, partner])
  const isSigned = (engine: Engine): boolean => engine.sync.status().signed.every(({ state }) => state === 'signed')
  await until('all is signed', [vendor, partner], () => [vendor, partner].every(isSigned))
  return edited.record
}
