import { openBrowserEngine } from '@entente/browser'
import type { Engine, ObjectName } from '@entente/engine'
import { generateSample, type SampleSide } from '@entente/engine/sample'
import { serveLiveMirrors } from '../app/live-gateway.js'
import { relayAddress } from '../app/relay-address.js'

/** Both companies of a rehearsal, each with its own engine on its own store. */
export interface Orgs {
  readonly vendor: Engine
  readonly partner: Engine
}

const names = {
  vendor: { orgName: 'Quarrow Sensors', userName: 'Vera Lindqvist' },
  partner: { orgName: 'Tessaly & Brook', userName: 'Paul Okafor' },
} as const

/** The vendor has a pipeline to share; the partner has fewer of its own, so that copies stand out. */
const amounts = { vendor: { leads: 60, opportunities: 240 }, partner: { leads: 12, opportunities: 30 } } as const

const runKey = 'entente.rehearsal.run'

/** What ends the answers to pages that ask for a live mirror. */
const ends: (() => void)[] = []

/** Opens both orgs of the run that this browser remembers, or starts a new run. It makes sample data once, and completes a half-made org. */
export async function openOrgs(): Promise<Orgs> {
  const run = localStorage.getItem(runKey) ?? crypto.randomUUID().slice(0, 8)
  localStorage.setItem(runKey, run)
  const [vendor, partner] = await Promise.all([openOrg(run, 'vendor'), openOrg(run, 'partner')])
  return { vendor, partner }
}

/** Deletes the stores of the run, so that the next start makes new orgs. */
export async function forgetOrgs(orgs: Orgs | undefined): Promise<void> {
  const run = localStorage.getItem(runKey)
  for (const end of ends.splice(0)) end()
  await Promise.allSettled([orgs?.vendor.close(), orgs?.partner.close()])
  for (const key of Object.keys(localStorage)) if (key.startsWith('entente.rehearsal.')) localStorage.removeItem(key)
  if (run === null) return
  for (const side of ['vendor', 'partner'] as const) indexedDB.deleteDatabase(`entente-${storeName(run, side)}`)
}

async function openOrg(run: string, side: SampleSide): Promise<Engine> {
  const relay = relayAddress()
  const engine = await openBrowserEngine({ name: storeName(run, side), relay, create: names[side] })
  ends.push(serveLiveMirrors(engine, relay))
  await fillWithSample(engine, side)
  return engine
}

async function fillWithSample(engine: Engine, side: SampleSide): Promise<void> {
  const missing = (['Opportunity', 'Lead'] as const).filter((object) => engine.records.list(object).total === 0)
  if (missing.length === 0) return
  const today = new Date().toISOString().slice(0, 10)
  const sample = generateSample({ seed: 2027, side, today, ...amounts[side] })
  for (const object of missing) {
    await engine.records.setSchema(sample.schemas[object])
    await engine.records.createMany(object, valuesOf(sample.records, object))
  }
}

function valuesOf(records: ReturnType<typeof generateSample>['records'], object: ObjectName) {
  return records.filter((record) => record.object === object).map((record) => record.values)
}

function storeName(run: string, side: SampleSide): string {
  return `rehearsal-${run}-${side}`
}
