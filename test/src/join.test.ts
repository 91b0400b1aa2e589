import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Engine } from '@entente/engine'
import { MemoryStore } from '@entente/engine/testing'
import { afterEach, expect, it } from 'vitest'
import { RelayProcess } from './node/relay-process.js'
import { openOrg, until } from './walkthrough/orgs.js'

const token = 'given-to-friends-only'

let directory = ''
let relay: RelayProcess | undefined
const engines: Engine[] = []

afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close()
  await relay?.kill()
  await rm(directory, { recursive: true, force: true })
})

it('[AM2] Vera’s org is let in by the operator’s join token, and comes back without it; Paul’s, without one, is told why not', async () => {
  directory = await mkdtemp(join(tmpdir(), 'entente-join-'))
  relay = new RelayProcess(join(directory, 'relay'))
  await relay.start(['--admission', 'token'], { ENTENTE_RELAY_JOIN_TOKEN: token })
  const store = new MemoryStore()
  const first = await open('Alder Devices', 'Vera', { store, join: token })
  await until('Vera is online', [first], () => first.sync.status().state === 'online')
  await first.close()
  const again = await open('Alder Devices', 'Vera', { store: store.reopen() })
  await until('Vera is online again', [again], () => again.sync.status().state === 'online')
  const paul = await open('Harbour Consulting', 'Paul', {})
  await until('Paul is refused', [paul], () => paul.sync.status().state === 'refused' && paul.sync.status().reason === 'AUTH')
  expect(relay.output.join('')).not.toContain(token)
})

async function open(org: string, user: string, ports: NonNullable<Parameters<typeof openOrg>[3]>): Promise<Engine> {
  const engine = await openOrg(relay?.url ?? '', org, user, ports)
  engines.push(engine)
  return engine
}
