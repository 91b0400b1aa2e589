import { floodKinds, type Kit, prepareKit } from './flood-kinds.js'
import { newTally, type Tally } from './hostile-line.js'

/** What the attackers' process is told to do: sockets for each kind of flood. */
export interface Orders {
  readonly port: number
  readonly sockets: Readonly<Record<string, number>>
  /** From how many addresses of this machine; each socket from one of them. */
  readonly addresses: number
  /** Of how many orgs the devices are. */
  readonly orgs: number
}

/** What it says: that it is ready, and on the end what it got done. */
export type Said = 'ready' | Readonly<Record<string, Tally>>

// A process of its own, so that the floods take another core than the relay. It floods from "begin" until "end".
process.once('message', (orders: Orders) => void attack(orders))
process.once('disconnect', () => process.exit())

async function attack({ port, sockets, addresses, orgs }: Orders): Promise<void> {
  const kits: Kit[] = []
  while (kits.length < orgs) kits.push(await prepareKit(`http://127.0.0.1:${port}`))
  say('ready')
  await heard('begin')
  const state = { isOver: false }
  let started = 0
  const tallies: Record<string, Tally> = {}
  for (const [kind, count] of Object.entries(sockets)) {
    const flood = floodKinds[kind]
    if (!flood) throw new Error(`There is no flood of this name: ${kind}`)
    const tally = (tallies[kind] = newTally())
    for (let socket = 0; socket < count; socket++) {
      const target = { port, from: `127.0.1.${1 + (started % addresses)}` }
      const kit = kits[started++ % orgs]
      if (!kit) throw new Error('At least one org is needed.')
      void (async () => {
        while (!state.isOver) await flood(target, tally, kit)
      })()
    }
  }
  await heard('end')
  state.isOver = true
  say(tallies)
  process.exit()
}

function say(what: Said): void {
  process.send?.(what)
}

function heard(word: string): Promise<void> {
  return new Promise((resolve) => {
    process.on('message', (message) => message === word && resolve())
  })
}
