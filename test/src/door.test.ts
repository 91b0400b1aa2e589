import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Engine } from '@entente/engine'
import { afterEach, expect, it } from 'vitest'
import WebSocket from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { RelayProcess } from './node/relay-process.js'
import { Journal } from './walkthrough/check.js'
import { agree, connect, exportRecords, importRecords, type Party, share } from './walkthrough/journey.js'
import { openOrg, until } from './walkthrough/orgs.js'
import { samplePlan } from './walkthrough/plan.js'
import { pairsOf } from './walkthrough/progress.js'

let directory = ''
let relay: RelayProcess | undefined
const engines: Engine[] = []

afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close()
  await relay?.kill()
  await rm(directory, { recursive: true, force: true })
})

it('[DR1, DR2] a page of Paul’s that knows nothing but y-websocket follows one mirror live, and cannot write to it', async () => {
  directory = await mkdtemp(join(tmpdir(), 'entente-door-'))
  relay = new RelayProcess(join(directory, 'relay'))
  await relay.start()
  const [vendor, partner] = [await openOrg(relay.url, 'Alder Devices', 'Vera'), await openOrg(relay.url, 'Harbour Consulting', 'Paul')]
  engines.push(vendor, partner)
  const plan = { ...samplePlan(), exports: 5 }
  const party: Party = { vendor, partner, relay, plan, journal: new Journal(() => undefined) }
  await importRecords(party)
  const connection = await connect(party)
  await agree(party, connection)
  await share(party, connection)
  await exportRecords(party, connection)
  const [pair] = pairsOf(party, connection, 1)
  const mirror = pair && partner.mirrors.of('Opportunity', pair.copy)[0]
  if (!pair || !mirror) throw new Error('there is no mirror')

  const { room, token } = await partner.sync.openDoor(mirror.id)
  const doc = new Y.Doc()
  const provider = new WebsocketProvider(`ws://127.0.0.1:${relay.port}/door`, room, doc, {
    params: { token },
    WebSocketPolyfill: WebSocket as unknown as typeof globalThis.WebSocket,
    disableBc: true,
  })
  try {
    const sealed = doc.getMap<Uint8Array>('v')
    await eventually(() => sealed.size > 0)
    const before = new Map(sealed.entries())
    await vendor.records.edit('Opportunity', pair.record, { [plan.updateField]: 'Seen through the door' })
    await eventually(() => [...sealed.entries()].some(([slot, value]) => before.get(slot) !== value))
    // What comes through the door is sealed: the value is not in it.
    expect(Buffer.from(Y.encodeStateAsUpdate(doc)).toString('latin1')).not.toContain('Seen through the door')

    const closed = new Promise<number>((resolve) => provider.on('connection-close', (event) => resolve(event?.code ?? 0)))
    sealed.set('0', new Uint8Array([1, 2, 3]))
    expect(await closed).toBe(4403)
  } finally {
    provider.destroy()
  }
  // Nobody else notices, and the mirror is what Vera made it.
  await until('the mirror is current', [partner], () =>
    partner.mirrors.of('Opportunity', pair.copy).some((view) => view.fields.some((field) => field.value === 'Seen through the door')),
  )
})

async function eventually(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !holds(); tries++) await new Promise((resolve) => setTimeout(resolve, 20))
  expect(holds()).toBe(true)
}
