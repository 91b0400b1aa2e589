import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Engine } from '@entente/engine'
import { expect, it } from 'vitest'
import { RelayProcess } from './node/relay-process.js'
import { openOrg, quiet } from './walkthrough/orgs.js'

it('[ID6] Vera comes back to a relay that restarted without a signature, and with one to a relay whose disk is new', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'entente-resume-'))
  const relay = new RelayProcess(join(directory, 'data'))
  let vera: Engine | undefined
  const resumed = (): readonly unknown[] =>
    relay.output.flatMap((line) => (line.includes('"session-opened"') ? [(JSON.parse(line) as { resumed: unknown }).resumed] : []))
  try {
    await relay.start()
    vera = await openOrg(relay.url, 'Alder Devices', 'Vera')
    await quiet([vera])
    expect(resumed()).toEqual([false])
    for (let restart = 1; restart <= 2; restart++) {
      await relay.kill()
      await relay.start()
      await expect.poll(() => resumed().length, { timeout: 30_000 }).toBe(1 + restart)
    }
    expect(resumed()).toEqual([false, true, true])
    await quiet([vera])
    await relay.kill()
    await rm(relay.directory, { recursive: true })
    await relay.start()
    await expect.poll(() => resumed(), { timeout: 30_000 }).toEqual([false, true, true, false])
    await quiet([vera])
  } finally {
    await vera?.close()
    await relay.kill()
    await rm(directory, { recursive: true, force: true })
  }
}, 120_000)
