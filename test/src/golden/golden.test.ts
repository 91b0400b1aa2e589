import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Engine, OpenSocket } from '@entente/engine'
import { decodeClientFrame, decodeRelayFrame, type Entry, entryKinds, type Offer } from '@entente/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nodeSocket } from '../node/ports.js'
import { relayCommand, RelayProcess } from '../node/relay-process.js'
import { openOrg, quiet, until } from '../walkthrough/orgs.js'
import { storeOf } from './store-dump.js'
import { factsOf, goldenFiles, orgNames, readGolden, unsentEdit } from './two-orgs.js'

const folder = fileURLToPath(new URL('../../golden', import.meta.url))

/** A socket that notes what its device offers and receives. */
function hearing({ offers = [], entries = [] }: { readonly offers?: Offer[]; readonly entries?: Entry[] }): OpenSocket {
  return (url, events) => {
    const socket = nodeSocket(url, {
      ...events,
      onFrame(frame) {
        for (const message of decodeRelayFrame(frame)) if (message.type === 'entries') entries.push(...message.entries)
        events.onFrame(frame)
      },
    })
    return {
      ...socket,
      send(frame) {
        for (const message of decodeClientFrame(frame)) if (message.type === 'publish') offers.push(...message.offers)
        socket.send(frame)
      },
    }
  }
}

// The files were written by an earlier build of this version. `npm run golden` makes them anew after a deliberate change of a format.
describe('the golden state of two orgs and their relay', () => {
  let directory: string
  let relay: RelayProcess
  let engines: Engine[]

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'entente-golden-'))
    relay = new RelayProcess(join(directory, 'relay'))
    engines = []
    await mkdir(relay.directory)
    await cp(goldenFiles.relay(folder), join(relay.directory, 'relay.db'))
  })
  afterEach(async () => {
    for (const engine of engines) await engine.close()
    await relay.kill()
    await rm(directory, { recursive: true, force: true })
  })

  const open = async (store: Awaited<ReturnType<typeof storeOf>>, openSocket: OpenSocket = nodeSocket): Promise<Engine> => {
    const engine = await openOrg(relay.url, '', '', { store, openSocket })
    engines.push(engine)
    return engine
  }

  it.each(orgNames)('opens offline at the %s: records, mirrors and the connection are as they were', async (name) => {
    const golden = await readGolden(folder, name)
    const engine = await open(await golden.open(), () => ({ send: () => {}, close: () => {} }))
    expect(factsOf(engine)).toEqual(golden.facts)
    expect(golden.facts).toMatchObject({ connection: { side: name }, verified: 'yes' })
    expect(engine.sync.status().waiting > 0).toBe(name === 'vendor')
  })

  it('goes on at the relay: Vera’s unsent edit arrives in Paul’s mirror, and nothing is lost or refused', async () => {
    expect(await relayCommand('check', '--data', relay.directory)).toMatchObject({ code: 0 })
    await relay.start()
    const offered = { vendor: [] as Offer[], partner: [] as Offer[] }
    const [vendor, partner] = [
      await open(await (await readGolden(folder, 'vendor')).open(), hearing({ offers: offered.vendor })),
      await open(await (await readGolden(folder, 'partner')).open(), hearing({ offers: offered.partner })),
    ]
    const isShown = (): boolean => JSON.stringify(factsOf(partner)['mirrors']).includes(unsentEdit)
    await until('the edit arrives', [vendor, partner], isShown)
    await quiet([vendor, partner])
    for (const engine of [vendor, partner]) expect(engine.sync.status()).toMatchObject({ waiting: 0, problems: [] })
    // No device publishes anew what the relay holds: the one edit goes to the team and to Paul, each as an update. Each device may say once that it was here.
    const published = (offers: readonly Offer[]) => offers.filter(({ kind }) => kind !== 'head').map(({ kind, whole }) => [kind, whole])
    for (const [offers, edits] of [
      [published(offered.vendor), 2],
      [published(offered.partner), 0],
    ] as const) {
      expect([edits, edits + 1]).toContain(offers.length)
      for (const offer of offers) expect(offer).toEqual(['doc', false])
    }
  })

  it('has entries of every kind, which the relay serves from the start of each feed', async () => {
    await relay.start()
    const { store } = await readGolden(folder, 'vendor')
    const entries: Entry[] = []
    const engine = await open(await storeOf(store.filter(([[kind]]) => kind !== 'feed')), hearing({ entries }))
    await until('it is online', [engine], () => engine.sync.status().state === 'online')
    await quiet([engine])
    expect([...new Set(entries.map(({ kind }) => kind))].sort()).toEqual(entryKinds.toSorted())
    expect(entries.some(({ kind, whole }) => kind === 'doc' && !whole)).toBe(true)
    expect(entries.some(({ kind, whole }) => kind === 'doc' && whole)).toBe(true)
  })
})
