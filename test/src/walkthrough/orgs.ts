import { type Engine, type OpenSocket, openEngine, type Store } from '@entente/engine'
import { MemoryBrowser, MemoryStore } from '@entente/engine/memory'
import { nodeClock, nodeRandom, nodeSocket } from '../node/ports.js'

/** Opens an org of its own, without a browser, on a relay. */
export async function openOrg(
  relay: string,
  orgName: string,
  userName: string,
  ports: { readonly store?: Store; readonly openSocket?: OpenSocket } = {},
): Promise<Engine> {
  return openEngine({
    store: ports.store ?? new MemoryStore(),
    openSocket: ports.openSocket ?? nodeSocket,
    clock: nodeClock,
    random: nodeRandom,
    tabs: new MemoryBrowser().open(),
    relay,
    create: { orgName, userName },
  })
}

/** Waits until `holds`, looking again after every change of either engine, at most `ms`. @throws with `what` when it never did. */
export async function until(what: string, engines: readonly Engine[], holds: () => boolean, ms = 60_000): Promise<void> {
  if (holds()) return
  await new Promise<void>((resolve, reject) => {
    const ends: (() => void)[] = []
    const end = (): void => {
      for (const stop of ends) stop()
    }
    const look = (): void => {
      if (!holds()) return
      end()
      resolve()
    }
    const timer = setTimeout(() => {
      end()
      reject(new Error(`Waited ${ms} ms for: ${what}`))
    }, ms)
    ends.push(() => clearTimeout(timer), ...engines.map((engine) => engine.watch(look)))
  })
}
