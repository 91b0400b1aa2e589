import { openBrowserEngine, openIdbStore } from '@entente/browser'
import { type Engine, listValues, standardOpportunity, type Value } from '@entente/engine'
import { createStore, set, setMany } from 'idb-keyval'
import { compare, timed } from '../measure.js'

// Saves and imports through the engine, and the same bytes through bare idb-keyval, in turn and in the same browser.

const fields = 25

declare global {
  interface Window {
    runSaveBench?: typeof run
  }
}
window.runSaveBench = run

async function run(rounds: number, rows: number): Promise<unknown> {
  const name = `bench-${Math.random().toString(36).slice(2)}`
  const engine = await openBrowserEngine({ name, relay: 'ws://127.0.0.1:9/socket', create: { orgName: 'Bench', userName: 'Vera' } })
  engine.sync.cut()
  await addFields(engine)
  const bare = createStore(`bare-${name}`, 'bare')
  const id = await engine.records.create('Opportunity', valuesOf(0))
  const stored = await storedRow(name, id)

  const save = await compare(
    rounds,
    (round) => timed(() => engine.records.edit('Opportunity', id, valuesOf(round + 2))),
    (round) => timed(() => set(['row', 'Opportunity', `bare-${round}`], stored, bare)),
  )
  const list = Array.from({ length: rows }, (_, index) => valuesOf(index))
  const bulk = await compare(
    3,
    () => timed(() => engine.records.createMany('Opportunity', list)),
    (round) => {
      const entries = list.map((_, index): [IDBValidKey, unknown] => [
        ['row', 'Opportunity', `bare-${round}-${index}`],
        structuredClone(stored),
      ])
      return timed(() => setMany(entries, bare))
    },
  )
  await engine.close()
  return { fields, rounds, rows, saveMs: save, importMs: bulk }
}

/** The row as the engine stores it: what bare idb-keyval is given to write. */
async function storedRow(name: string, id: string): Promise<unknown> {
  const store = await openIdbStore(name)
  const [row] = await store.get([['row', 'Opportunity', id]])
  await store.close()
  if (row === undefined) throw new Error('the record is not in the store')
  return row
}

async function addFields(engine: Engine): Promise<void> {
  const own = fields - standardOpportunity.fields.length
  for (let index = 0; index < own; index++) {
    const name = `Extra_${index}__c`
    await engine.records.addField(
      'Opportunity',
      index % 2 === 0
        ? { name, label: `Extra ${index}`, type: 'text', length: 80 }
        : { name, label: `Extra ${index}`, type: 'picklist', picklist: listValues(['Red', 'Green', 'Blue']) },
    )
  }
}

/** All 25 fields filled, different each time. */
function valuesOf(seed: number): Record<string, Value> {
  return {
    Name: `Opportunity ${seed}`,
    AccountName: `Account ${seed}`,
    Amount: { amount: `${1000 + seed}.00`, currency: 'USD' },
    CloseDate: `2027-0${1 + (seed % 9)}-1${seed % 10}`,
    StageName: seed % 2 === 0 ? 'Prospecting' : 'Qualification',
    Probability: String(seed % 100),
    ForecastCategoryName: seed % 2 === 0 ? 'Pipeline' : 'Best Case',
    Type: seed % 2 === 0 ? 'New Customer' : 'Existing Customer - Upgrade',
    LeadSource: seed % 2 === 0 ? 'Web' : 'Other',
    NextStep: `Call ${seed}`,
    Description: `Notes on opportunity ${seed}, as long as people write them after a first call.`,
    IsPrivate: seed % 2 === 0,
    TotalOpportunityQuantity: String(1 + seed),
    CampaignName: `Campaign ${seed}`,
    OwnerName: `Owner ${seed}`,
    ...Object.fromEntries(
      Array.from({ length: fields - 15 }, (_, index) => [
        `Extra_${index}__c`,
        index % 2 === 0 ? `Extra ${seed}` : ['Red', 'Green', 'Blue'][seed % 3],
      ]),
    ),
  }
}
