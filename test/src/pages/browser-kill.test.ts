import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { killBrowser } from '../faults/browser-kill.js'
import { RelayProcess } from '../node/relay-process.js'
import { buildPages } from './chromium.js'

// `npm run kill:browser -- --times 50` is the same for longer.
const times = 5

let directory = ''
let relay: RelayProcess

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'entente-browser-kill-'))
  await buildPages(join(directory, 'web'))
  relay = new RelayProcess(join(directory, 'relay'))
  await relay.start(['--web', join(directory, 'web')])
}, 120_000)

afterAll(async () => {
  await relay?.kill()
  await rm(directory, { recursive: true, force: true })
})

it(`Vera’s browser is killed ${times} times: nothing saved is lost, a draft is there, and no import is half done without a word`, async () => {
  const report = await killBrowser({
    times,
    seed: 5,
    workspace: `${relay.origin}/workspace.html`,
    profile: join(directory, 'profile'),
    rows: 600,
  })
  expect(report).toMatchObject({ killed: times, lostSaves: 0, lostSteps: 0, lostDrafts: 0, unnoticed: 0, wrongImports: 0, bad: 0 })
  expect(report.acknowledged).toBeGreaterThan(0)
  expect(report.typed).toBeGreaterThan(0)
}, 180_000)
