import { type Engine, type OpenSocket, openEngine, type Store } from '@entente/engine'
import { MemoryBrowser, MemoryStore } from '@entente/engine/testing'
import { setTimeout as pause } from 'node:timers/promises'
import { nodeClock, nodeRandom, nodeSocket } from '../node/ports.js'

/** Opens an org of its own, without a browser, on a relay. */
export async function openOrg(
  relay: string,
  orgName: string,
  userName: string,
  ports: { readonly store?: Store; readonly openSocket?: OpenSocket; readonly join?: string } = {},
): Promise<Engine> {
  return openEngine({
    store: ports.store ?? new MemoryStore(),
    openSocket: ports.openSocket ?? nodeSocket,
    clock: nodeClock,
    random: nodeRandom,
    tabs: new MemoryBrowser().open(),
    relay,
    ...(ports.join !== undefined && { join: ports.join }),
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

/**
 * Waits until nothing travels any more: each engine is settled, and no frame has come or gone for a while. What one org does may be work for the other,
 * so that each being settled by itself is not enough.
 */
export async function quiet(engines: readonly Engine[], ms = 90_000): Promise<void> {
  const frames = (): string =>
    engines
      .map(({ sync }) => sync.status())
      .map(({ framesIn, framesOut }) => `${framesIn}/${framesOut}`)
      .join()
  for (const end = performance.now() + ms; performance.now() < end;) {
    const before = frames()
    await Promise.all(engines.map((engine) => engine.sync.settled(ms)))
    await pause(250)
    if (frames() === before) return
  }
  throw new Error(`Something still travelled after ${ms} ms`)
}

/** Waits until both orgs have signed all that they hold. Signatures travel too, so only then nothing travels until something changes. */
export async function signed(engines: readonly Engine[]): Promise<void> {
  const isSigned = ({ sync }: Engine): boolean => sync.status().signed.every(({ state }) => state === 'signed')
  await until('all is signed', engines, () => engines.every(isSigned))
}
