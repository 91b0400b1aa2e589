import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Acceptance, GatewayPass, Engine, FieldMapping, Proposal, ProposedField } from '@entente/engine'
import type { ConnectionId } from '@entente/protocol'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import WebSocket from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { RelayProcess } from './node/relay-process.js'
import { Journal } from './walkthrough/check.js'
import { agree, connect, exportRecords, importRecords, type Party, share } from './walkthrough/journey.js'
import { openOrg, until } from './walkthrough/orgs.js'
import { samplePlan } from './walkthrough/plan.js'
import { pairsOf } from './walkthrough/progress.js'

const root = fileURLToPath(new URL('../../', import.meta.url))

let directory = ''
let relay: RelayProcess
let vendor: Engine
let partner: Engine
let party: Party
let connection: ConnectionId
let pair: { readonly record: string; readonly copy: string }
let mirror = ''
const leave: (() => void)[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'entente-gateway-'))
  relay = new RelayProcess(join(directory, 'relay'))
  await relay.start(['--gateway-token-seconds', '10'])
  vendor = await openOrg(relay.url, 'Alder Devices', 'Vera')
  partner = await openOrg(relay.url, 'Harbour Consulting', 'Paul')
  party = { vendor, partner, relay, plan: { ...samplePlan(), exports: 5 }, journal: new Journal(() => undefined) }
  await importRecords(party)
  // An invitation is known to the relay before its link is handed on.
  await Promise.all([vendor, partner].map((engine) => engine.sync.settled(30_000)))
  connection = await connect(party)
  await agree(party, connection)
  await share(party, connection)
  await exportRecords(party, connection)
  const [first] = pairsOf(party, connection, 1)
  const view = first && partner.mirrors.of('Opportunity', first.copy)[0]
  if (!view) throw new Error('there is no mirror')
  pair = first
  mirror = view.id
  await eventually(async () => (await partner.sync.openGateway(mirror)).room !== '')
})

afterEach(async () => {
  for (const end of leave.splice(0)) end()
  vi.unstubAllGlobals()
  await vendor.close()
  await partner.close()
  await relay.kill()
  await rm(directory, { recursive: true, force: true })
})

it('[GW1, GW2] a page of Paul’s that knows nothing but y-websocket follows one mirror live, and cannot write to it', async () => {
  const { doc, codes } = open(await partner.sync.openGateway(mirror))
  const sealed = doc.getMap<Uint8Array>('v')
  await eventually(() => sealed.size > 0)
  const before = new Map(sealed.entries())
  await vendor.records.edit('Opportunity', pair.record, { [party.plan.updateField]: 'Seen through the gateway' })
  await eventually(() => [...sealed.entries()].some(([slot, value]) => before.get(slot) !== value))
  // What comes through the gateway is sealed: the value is not in it.
  expect(Buffer.from(Y.encodeStateAsUpdate(doc)).toString('latin1')).not.toContain('Seen through the gateway')

  sealed.set('0', new Uint8Array([1, 2, 3]))
  await eventually(() => codes.includes(4403))
  // Nobody else notices, and the mirror is what Vera made it.
  await until('the mirror is current', [partner], () =>
    partner.mirrors.of('Opportunity', pair.copy).some((view) => view.fields.some((field) => field.value === 'Seen through the gateway')),
  )
})

it('[CN8, GW7] when Paul’s org ends the connection his page is shut at once, though Vera is away, and there is no other pass', async () => {
  const { doc, codes } = open(await partner.sync.openGateway(mirror))
  await eventually(() => doc.getMap('v').size > 0)
  vendor.sync.cut()
  await partner.connections.disconnect(connection)
  await eventually(() => codes.includes(4410))
  await expect(partner.sync.openGateway(mirror)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  vendor.sync.mend()
  await until('Vera hears of it', [vendor, partner], () => vendor.connections.get(connection)?.state === 'Disabled')
  // What each has of the other stays, with its age, and each record is its org's own.
  expect(partner.mirrors.of('Opportunity', pair.copy)[0]?.state).toBe('frozen')
  expect(vendor.records.get('Opportunity', pair.record)).toBeDefined()
})

it('a pass is for one mirror and names what a page needs to read it; its secrets reach no log', async () => {
  const pass = await partner.sync.openGateway(mirror)
  expect(pass).toMatchObject({ mirror, object: 'Opportunity', peerName: 'Alder Devices', key: mirror, epoch: { version: 1, number: 0 } })
  expect(pass.sealKey).toHaveLength(32)
  expect(pass.expires - Date.now()).toBeGreaterThan(5_000)
  const kept = pass.fields.find(({ field }) => field.name === party.plan.updateField)
  expect(kept?.slot).toMatch(/^\d$/)
  expect(pass.fields.find(({ field }) => field.name === party.plan.onceField)?.slot).toBeUndefined()
  expect(relay.output.join('\n')).not.toContain(pass.token)
  await expect(partner.sync.openGateway('A'.repeat(22))).rejects.toMatchObject({ code: 'NOT_FOUND' })
  partner.sync.cut()
  await expect(partner.sync.openGateway(mirror)).rejects.toMatchObject({ code: 'OFFLINE' })
})

it(
  '[GW3, GW4] the example of docs/gateway.md follows a mirror over its token’s end, through a narrowed agreement, until it has ended',
  { timeout: 60_000 },
  async () => {
    vi.stubGlobal('WebSocket', WebSocket)
    const { followMirror } = await loadExample()
    let shown: Readonly<Record<string, unknown>> = {}
    let passes = 0
    let end: unknown
    const askForPass = async (): Promise<GatewayPass> => {
      passes++
      for (;;) {
        const pass = await partner.sync.openGateway(mirror).catch((error: unknown) => {
          end = error
          return undefined
        })
        if (pass) return pass
        await pause(100)
      }
    }
    const { updateField } = party.plan
    leave.push(await followMirror(`ws://127.0.0.1:${relay.port}/gateway`, askForPass, (values) => (shown = values)))
    await vendor.records.edit('Opportunity', pair.record, { [updateField]: 'Before the token ends' })
    await eventually(() => shown[updateField] === 'Before the token ends')

    // The token's ten seconds pass; the page comes back with another one.
    await eventually(() => passes === 2, 25_000)
    await vendor.records.edit('Opportunity', pair.record, { [updateField]: 'After the token ended' })
    await eventually(() => shown[updateField] === 'After the token ended')

    await narrow(updateField)
    await eventually(() => shown[updateField] === 'not shared')
    expect(Object.values(shown).some((value) => value !== 'not shared')).toBe(true)
    expect(end).toBeUndefined()

    const [sharing] = vendor.records.shares('Opportunity', pair.record)
    await vendor.records.stopSharing(sharing?.id ?? '')
    await eventually(() => end !== undefined)
    await eventually(() => end instanceof Error && end.message.includes('has ended'))
    shown = {}
    await vendor.records.resumeSharing(sharing?.id ?? '')
    await eventually(() => shown[updateField] === 'not shared')
  },
)

/** The field does not keep flowing any more: both agree anew. */
async function narrow(name: string): Promise<void> {
  const proposed = party.plan.proposal.objects.Opportunity?.fields ?? []
  const accepted = party.plan.acceptance.objects.Opportunity?.fields ?? []
  const proposal: Proposal = {
    objects: { Opportunity: { fields: proposed.map((one): ProposedField => (one.field.name === name ? { ...one, update: false } : one)) } },
  }
  const acceptance: Acceptance = {
    objects: { Opportunity: { fields: accepted.map((one): FieldMapping => (one.source === name ? { ...one, update: false } : one)) } },
  }
  await vendor.agreements.propose(connection, proposal)
  await until('the proposal arrives', [partner], () => partner.agreements.get(connection)?.turn === 'partner')
  await partner.agreements.accept(connection, acceptance)
}

function open({ room, token }: GatewayPass): {
  readonly doc: Y.Doc
  readonly provider: WebsocketProvider
  readonly codes: readonly number[]
} {
  const doc = new Y.Doc()
  const provider = new WebsocketProvider(`ws://127.0.0.1:${relay.port}/gateway`, room, doc, {
    params: { token },
    WebSocketPolyfill: WebSocket as unknown as typeof globalThis.WebSocket,
    disableBc: true,
  })
  leave.push(() => provider.destroy())
  const codes: number[] = []
  provider.on('connection-close', (event) => event && codes.push(event.code))
  return { doc, provider, codes }
}

type FollowMirror = (
  gateway: string,
  askForPass: () => Promise<GatewayPass>,
  show: (values: Readonly<Record<string, unknown>>) => void,
) => Promise<() => void>

/** The example as it stands in the document, as a module of its own where its imports are found. */
async function loadExample(): Promise<{ readonly followMirror: FollowMirror }> {
  const text = await readFile(join(root, 'docs/gateway.md'), 'utf8')
  const [, source] = /```js\n([\s\S]*?)```/.exec(text) ?? []
  if (source === undefined) throw new Error('docs/gateway.md has no example')
  const folder = await mkdtemp(join(await madeDirectory(join(root, 'test/dist')), 'gateway-example-'))
  leave.push(() => void rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'example.mjs')
  await writeFile(file, source)
  return (await import(/* @vite-ignore */ pathToFileURL(file).href)) as { readonly followMirror: FollowMirror }
}

async function madeDirectory(path: string): Promise<string> {
  await mkdir(path, { recursive: true })
  return path
}

async function eventually(holds: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  await expect.poll(async () => Promise.resolve(holds()).catch(() => false), { timeout: ms, interval: 20 }).toBe(true)
}
