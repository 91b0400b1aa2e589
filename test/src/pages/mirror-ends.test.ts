import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Acceptance, Engine, FieldMapping, Proposal, ProposedField } from '@entente/engine'
import type { ConnectionId } from '@entente/protocol'
import type { Browser, Locator, Page } from 'playwright'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { RelayProcess } from '../node/relay-process.js'
import { Journal } from '../walkthrough/check.js'
import { agree, connect, exportRecords, importRecords, type Party, share } from '../walkthrough/journey.js'
import { openOrg, until } from '../walkthrough/orgs.js'
import { samplePlan } from '../walkthrough/plan.js'
import { pairsOf } from '../walkthrough/progress.js'
import { buildPages, launchChromium, screenshots } from './chromium.js'

// The live mirror's page while what it shows changes its terms: fewer fields, no sharing, sharing again, a page that writes. Both orgs' engines run beside the
// browser; a tab of the page's origin answers for Paul's.

const patience = { timeout: 20_000 }

let directory = ''
let party: Party
let connection: ConnectionId
let record = ''
let browser: Browser
let live: Page
let dialled = 0
const problems: string[] = []

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'entente-mirror-ends-'))
  const web = join(directory, 'web')
  await buildPages(web)
  const relay = new RelayProcess(join(directory, 'relay'))
  await relay.start(['--web', web])
  const [vendor, partner] = [await openOrg(relay.url, 'Alder Devices', 'Vera'), await openOrg(relay.url, 'Harbour Consulting', 'Paul')]
  party = { vendor, partner, relay, plan: { ...samplePlan(), exports: 3 }, journal: new Journal(() => undefined) }
  await importRecords(party)
  // An invitation is known to the relay before its link is handed on.
  await Promise.all([vendor, partner].map((engine) => engine.sync.settled(30_000)))
  connection = await connect(party)
  await agree(party, connection)
  await share(party, connection)
  await exportRecords(party, connection)
  const [pair] = pairsOf(party, connection, 1)
  const mirror = pair && partner.mirrors.of('Opportunity', pair.copy)[0]
  if (!pair || !mirror) throw new Error('there is no mirror')
  record = pair.record

  browser = await launchChromium()
  const context = await browser.newContext({
    viewport: { width: 900, height: 800 },
    locale: 'en-GB',
    timezoneId: 'UTC',
    reducedMotion: 'reduce',
  })
  await answerFor(partner, await context.newPage(), relay.origin)
  live = await context.newPage()
  live.on('pageerror', (error) => problems.push(error.message))
  live.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
  live.on('websocket', () => dialled++)
  await mkdir(screenshots, { recursive: true })
  await live.goto(`${relay.origin}/mirror.html#${partner.org.id}/${mirror.id}`)
}, 120_000)

afterAll(async () => {
  await browser?.close()
  await party?.vendor.close()
  await party?.partner.close()
  await party?.relay.kill()
  await rm(directory, { recursive: true, force: true })
})

it('[GW3] shows only what is left when the agreement is narrowed, and goes on', { timeout: 60_000 }, async () => {
  const { vendor, plan } = party
  await vendor.records.edit('Opportunity', record, { [plan.updateField]: 'Under the first agreement' })
  await row('Next Step').filter({ hasText: 'Under the first agreement' }).waitFor(patience)
  await line('Live').waitFor(patience)

  await narrow(plan.updateField)
  await row('Next Step').filter({ hasText: 'not shared' }).waitFor(patience)
  await line('Live').waitFor(patience)
  expect(await live.getByText('Under the first agreement').count()).toBe(0)
  await vendor.records.edit('Opportunity', record, { [plan.updateField]: 'For nobody else', StageName: 'Closed Won' })
  await row('Stage').filter({ hasText: 'Closed Won' }).waitFor(patience)
  expect(await live.getByText('For nobody else').count()).toBe(0)
  await live.screenshot({ path: `${screenshots}mirror-narrowed.png` })
})

it(
  '[GW3] says that the mirror has ended when Vera stops sharing, keeps what it showed last, and lives again when she goes on',
  { timeout: 60_000 },
  async () => {
    const { vendor } = party
    const sharing = vendor.records.shares('Opportunity', record)[0]?.id ?? ''
    await vendor.records.stopSharing(sharing)
    await line('Ended').waitFor(patience)
    await live.getByText('This mirror has ended, as its record is not shared any more.').waitFor(patience)
    await row('Stage').filter({ hasText: 'Closed Won' }).waitFor(patience)
    await live.screenshot({ path: `${screenshots}mirror-ended.png` })
    await vendor.records.resumeSharing(sharing)
    await line('Live').waitFor(patience)
    await vendor.records.edit('Opportunity', record, { StageName: 'Closed Lost' })
    await row('Stage').filter({ hasText: 'Closed Lost' }).waitFor(patience)
  },
)

it('[GW2] says so where something made it write, and does not dial again', { timeout: 60_000 }, async () => {
  // What an extension of the browser might do: a word of the page's own on its socket.
  await live.evaluate(`window.WebSocket = class extends WebSocket {
    constructor(...of) {
      super(...of)
      this.addEventListener('open', () => setTimeout(() => this.send(new Uint8Array([0, 2, 3, 0, 1, 0])), 300))
    }
  }`)
  const sharing = party.vendor.records.shares('Opportunity', record)[0]?.id ?? ''
  await party.vendor.records.stopSharing(sharing)
  await line('Ended').waitFor(patience)
  await party.vendor.records.resumeSharing(sharing)
  await line('Shown out').waitFor(patience)
  const before = dialled
  await live.waitForTimeout(3_000)
  expect(dialled).toBe(before)
  expect(problems).toEqual([])
})

/** Answers as a tab of the workspace does (the page's first test has a real one): what the engine gives or refuses, on the channel that was asked for. */
async function answerFor(engine: Engine, tab: Page, origin: string): Promise<void> {
  await tab.goto(`${origin}/index.html`)
  await tab.exposeFunction('openGateway', async (org: string, mirror: string): Promise<unknown> => {
    if (org !== engine.org.id) return undefined
    try {
      const pass = await engine.sync.openGateway(mirror)
      return { kind: 'pass', pass: { ...pass, gateway: `${origin.replace('http', 'ws')}/gateway`, sealKey: [...pass.sealKey] } }
    } catch (error) {
      const ended = error instanceof Error && 'code' in error && error.code === 'NOT_FOUND'
      return { kind: 'refused', ended, message: error instanceof Error ? error.message : '' }
    }
  })
  await tab.evaluate(`new BroadcastChannel('entente-live-mirror').onmessage = async ({ data }) => {
    const answer = await openGateway(data.org, data.mirror)
    if (answer?.pass) answer.pass.sealKey = Uint8Array.from(answer.pass.sealKey)
    new BroadcastChannel(data.reply).postMessage(answer)
  }`)
}

/** The field does not keep flowing any more: both agree anew. */
async function narrow(name: string): Promise<void> {
  const { vendor, partner, plan } = party
  const proposed = plan.proposal.objects.Opportunity?.fields ?? []
  const accepted = plan.acceptance.objects.Opportunity?.fields ?? []
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

function row(label: string): Locator {
  return live.getByRole('row', { name: label })
}

function line(state: string): Locator {
  return live.locator('.line').filter({ hasText: state })
}
